/* See top_list.h. */
#include "client/cli/top_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/units.h"
#include "client/cli/show.h"

void top_list_init(struct top_list *l, const struct top_column *columns, size_t n, size_t row_size)
{
	*l = (struct top_list){ .columns = columns, .n_columns = n, .row_size = row_size };
}

void top_list_fini(struct top_list *l)
{
	free(l->rows);
	free(l->before);
	free(l->order);
	*l = (struct top_list){ 0 };
}

void top_list_begin(struct top_list *l)
{
	uint8_t *rows = l->before;
	size_t cap = l->cap_before;

	l->before = l->rows;
	l->n_before = l->n;
	l->cap_before = l->cap;
	l->rows = rows;
	l->cap = cap;
	l->n = 0;
}

void *top_list_add(struct top_list *l)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->rows = realloc(l->rows, l->cap * l->row_size);
		must(l->rows);
	}
	return memset(l->rows + l->n++ * l->row_size, 0, l->row_size);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(a, b);
}

const void *top_list_before(const struct top_list *l, const char *key)
{
	return l->n_before ? bsearch(key, l->before, l->n_before, l->row_size, by_key) : NULL;
}

/* ---- order ---- */

static double number(const struct top_column *c, const uint8_t *row)
{
	uint64_t count;
	double rate;

	if (c->kind == TOP_RATE) {
		memcpy(&rate, row + c->at, sizeof rate);
		return rate;
	}
	memcpy(&count, row + c->at, sizeof count);
	return (double)count;
}

static int compare(const void *a, const void *b, void *ctx)
{
	const struct top_list *l = ctx;
	const struct top_column *c = &l->columns[l->sort];
	const uint8_t *x = l->rows + *(const uint32_t *)a * l->row_size;
	const uint8_t *y = l->rows + *(const uint32_t *)b * l->row_size;
	int order;

	if (c->kind == TOP_TEXT) {
		order = strcmp((const char *)x + c->at, (const char *)y + c->at);
	} else {
		double left = number(c, x), right = number(c, y);

		order = left > right ? -1 : left < right;
	}
	order = l->reversed ? -order : order;
	return order ? order : strcmp((const char *)x, (const char *)y);
}

static void select_row(struct top_list *l, size_t at)
{
	l->at = at;
	if (l->n)
		snprintf(l->selected, TOP_KEY, "%s", (const char *)top_list_row(l, at));
}

/* Sorts, and finds the selected row again; what took its place, if it is gone. */
static void arrange(struct top_list *l)
{
	if (l->n)
		qsort_r(l->order, l->n, sizeof *l->order, compare, l);
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(top_list_row(l, i), l->selected) == 0) {
			l->at = i;
			return;
		}
	}
	if (l->at >= l->n)
		l->at = l->n ? l->n - 1 : 0;
	select_row(l, l->at);
}

void top_list_end(struct top_list *l)
{
	l->order = realloc(l->order, (l->n + 1) * sizeof *l->order);
	must(l->order);
	for (size_t i = 0; i < l->n; i++)
		l->order[i] = (uint32_t)i;
	arrange(l);
}

const void *top_list_row(const struct top_list *l, size_t i)
{
	must(i < l->n);
	return l->rows + l->order[i] * l->row_size;
}

/* ---- what people do with it ---- */

void top_list_move(struct top_list *l, long down)
{
	long to = (long)l->at + down, most = (long)l->n - 1;

	if (l->n)
		select_row(l, (size_t)(to < 0 ? 0 : to > most ? most : to));
}

void top_list_sort(struct top_list *l, long right)
{
	long n = (long)l->n_columns;

	l->sort = (size_t)((((long)l->sort + right) % n + n) % n);
	l->reversed = false;
	arrange(l);
}

void top_list_reverse(struct top_list *l)
{
	l->reversed = !l->reversed;
	arrange(l);
}

void top_list_scroll(struct top_list *l, size_t lines)
{
	size_t most = l->n > lines ? l->n - lines : 0;

	if (l->at < l->first)
		l->first = l->at;
	if (lines && l->at >= l->first + lines)
		l->first = l->at - lines + 1;
	if (l->first > most)
		l->first = most;
}

/* ---- cells ---- */

const char *top_list_cell(const struct top_list *l, const void *row, size_t column, char out[TOP_CELL])
{
	const struct top_column *c = &l->columns[column];
	uint64_t count;
	double rate;

	if (c->kind == TOP_TEXT) {
		snprintf(out, TOP_CELL, "%s", (const char *)row + c->at);
		return out;
	}
	if (c->kind == TOP_RATE) {
		memcpy(&rate, (const uint8_t *)row + c->at, sizeof rate);
		snprintf(out, TOP_CELL, rate < 0 ? "-" : rate > 0 && rate < 100 ? "%.1f" : "%.0f", rate);
		return out;
	}
	memcpy(&count, (const uint8_t *)row + c->at, sizeof count);
	if (c->kind == TOP_AGE)
		return count ? units_show_duration(count, out) : memcpy(out, "-", 2);
	return show_count(count, out);
}

double top_rate(uint64_t now, uint64_t before, uint64_t ms)
{
	if (ms == 0 || now < before) /* it counts anew */
		return -1;
	return (double)(now - before) * 1000 / (double)ms;
}
