/* A list that is looked at again and again: rows that come anew each time, in a chosen order, one of them selected.
 * `top` has one of queues and one of workers. Pure. */
#ifndef SHEAF_CLI_TOP_LIST_H
#define SHEAF_CLI_TOP_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TOP_KEY = 80, TOP_CELL = 72 };

/* TEXT: a char array; COUNT and AGE (ms): uint64_t; RATE (per second): double, negative if it is not known. */
enum top_kind { TOP_TEXT, TOP_COUNT, TOP_AGE, TOP_RATE };

struct top_column {
	const char *head; /* as of a table: '>' for the right */
	enum top_kind kind;
	size_t at; /* of the field in a row */
};

struct top_list {
	const struct top_column *columns; /* borrowed */
	size_t n_columns;
	size_t row_size; /* a row begins with its key, a text */
	uint8_t *rows;   /* owned; in the order of their keys */
	size_t n, cap;
	uint8_t *before; /* owned; the rows of the last time */
	size_t n_before, cap_before;
	uint32_t *order; /* owned; n of them: the rows as they are shown */
	size_t sort;     /* the column by which; texts upwards, numbers downwards, */
	bool reversed;   /* or the other way */
	char selected[TOP_KEY];
	size_t at;    /* the selected row's place in `order` */
	size_t first; /* the first row that is on the screen */
};

void top_list_init(struct top_list *l, const struct top_column *columns, size_t n, size_t row_size);
void top_list_fini(struct top_list *l);
/* Rows come anew: begin, add each in the order of keys (all zero, the key is the caller's to set), end. */
void top_list_begin(struct top_list *l);
void *top_list_add(struct top_list *l);
void top_list_end(struct top_list *l);
/* What the row of that key was before; NULL if there was none. */
const void *top_list_before(const struct top_list *l, const char *key);
/* The i-th row as shown. */
const void *top_list_row(const struct top_list *l, size_t i);
/* A cell as text. */
const char *top_list_cell(const struct top_list *l, const void *row, size_t column, char out[TOP_CELL]);
/* Selects another row, so far down. */
void top_list_move(struct top_list *l, long down);
/* Sorts by another column, so far to the right. */
void top_list_sort(struct top_list *l, long right);
void top_list_reverse(struct top_list *l);
/* Chooses `first` so that the selected row is among the `lines` that fit. */
void top_list_scroll(struct top_list *l, size_t lines);
/* A rate from two counts and the time between; negative if there is none. */
double top_rate(uint64_t now, uint64_t before, uint64_t ms);

#endif
