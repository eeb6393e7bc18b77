/* Output for people and for programs: aligned tables, times, and JSON objects a line each. */
#ifndef SHEAF_CLI_SHOW_H
#define SHEAF_CLI_SHOW_H

#include <jansson.h>

#include "client/cli/out.h"
#include "proto/msg.h"

/* A table: cells are added row by row, then all is written at once, the columns as wide as they must be. */
enum { TABLE_COLUMNS = 12 };

struct table {
	const char *heads[TABLE_COLUMNS]; /* a head that begins with '>' is of a column that is aligned to the right */
	size_t columns;
	char **cells; /* owned, as each of them */
	size_t n, cap;
};

/* Heads as they are; ends with NULL. */
void table_init(struct table *t, const char *const *heads);
void table_fini(struct table *t);
__attribute__((format(printf, 2, 3))) void table_cell(struct table *t, const char *format, ...);
/* Printable text: control bytes become '?', what is longer than `most` bytes is cut. */
void table_text(struct table *t, struct span s, size_t most);
/* Writes the heads and the rows. */
void table_write(const struct table *t, struct out *o);

/* "name   value" of a description. */
__attribute__((format(printf, 3, 4))) void show_pair(struct out *o, const char *name, const char *format, ...);
/* The first line of a text that says anything. */
struct span show_line(struct span s);
/* Bytes, with control bytes as '?'. */
void show_printable(struct out *o, struct span s);

/* 2026-11-24T09:44:44.123Z; "" for 0. */
const char *show_time(uint64_t wall_ms, char out[32]);
/* Microseconds: 87 us, 1.25 ms, 3.4 s. */
const char *show_us(uint64_t us, char out[24]);
/* 1234567 as 1,234,567. */
const char *show_count(uint64_t n, char out[32]);

/* A line of JSON; takes the object. */
void show_json(struct out *o, json_t *object);
/* Sets KEY to the text, or KEY_base64 if the bytes are no UTF-8. */
void show_json_bytes(json_t *object, const char *key, struct span s);
/* An id is a word. */
json_t *show_json_id(uint64_t id);
json_t *show_json_count(uint64_t n);
/* "id", "state", "attempt", "exit", "result" or "result_base64", "error", "submitted", "started", "finished". */
json_t *show_json_result(const struct msg_result_rec *r);

#endif
