/* See show.h. */
#include "client/cli/show.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/base64.h"
#include "base/must.h"

/* ---- tables ---- */

void table_init(struct table *t, const char *const *heads)
{
	*t = (struct table){ 0 };
	while (heads[t->columns]) {
		must(t->columns < TABLE_COLUMNS);
		t->heads[t->columns] = heads[t->columns];
		t->columns++;
	}
	must(t->columns > 0);
}

void table_fini(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
}

static void add_cell(struct table *t, char *cell)
{
	must(cell);
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->cells = realloc(t->cells, t->cap * sizeof *t->cells);
		must(t->cells);
	}
	t->cells[t->n++] = cell;
}

void table_cell(struct table *t, const char *format, ...)
{
	char *cell = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&cell, format, args);
	va_end(args);
	must(n >= 0);
	add_cell(t, cell);
}

static char printable(uint8_t c)
{
	return (char)(c < ' ' || c == 0x7f ? '?' : c);
}

void table_text(struct table *t, struct span s, size_t most)
{
	bool cut = s.n > most;
	size_t n = cut ? most : s.n;
	char *cell = malloc(n + 4);

	must(cell);
	for (size_t i = 0; i < n; i++)
		cell[i] = printable(s.p[i]);
	memcpy(cell + n, cut ? "..." : "", cut ? 4 : 1);
	add_cell(t, cell);
}

static size_t width_of(const struct table *t, size_t column)
{
	size_t width = strlen(t->heads[column] + (t->heads[column][0] == '>'));

	for (size_t i = column; i < t->n; i += t->columns)
		if (width < strlen(t->cells[i]))
			width = strlen(t->cells[i]);
	return width;
}

static void write_cell(const struct table *t, struct out *o, size_t column, size_t width, const char *text)
{
	bool right = t->heads[column][0] == '>', last = column + 1 == t->columns;

	if (right)
		out_format(o, "%*s", (int)width, text);
	else
		out_format(o, "%-*s", last ? 0 : (int)width, text);
	if (!last) {
		out_format(o, "  ");
		return;
	}
	while (o->buf.n && o->buf.p[o->buf.n - 1] == ' ') /* of an empty last cell */
		o->buf.n--;
	out_byte(o, '\n');
}

void table_write(const struct table *t, struct out *o)
{
	size_t widths[TABLE_COLUMNS];

	must(t->columns > 0);
	for (size_t i = 0; i < t->columns; i++)
		widths[i] = width_of(t, i);
	for (size_t i = 0; i < t->columns; i++)
		write_cell(t, o, i, widths[i], t->heads[i] + (t->heads[i][0] == '>'));
	for (size_t i = 0; i < t->n; i++)
		write_cell(t, o, i % t->columns, widths[i % t->columns], t->cells[i]);
}

void show_pair(struct out *o, const char *name, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	out_format(o, "%-12s %s\n", name, line);
}

struct span show_line(struct span s)
{
	const uint8_t *end;

	while (s.n > 0 && (*s.p == '\n' || *s.p == '\r' || *s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.n--;
	}
	end = s.n > 0 ? memchr(s.p, '\n', s.n) : NULL;
	return span_of(s.p, end ? (size_t)(end - s.p) : s.n);
}

void show_printable(struct out *o, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		out_byte(o, (uint8_t)printable(s.p[i]));
}

/* ---- times and numbers ---- */

const char *show_time(uint64_t wall_ms, char out[32])
{
	time_t s = (time_t)(wall_ms / 1000);
	struct tm tm;
	size_t n;

	out[0] = 0;
	if (wall_ms == 0 || !gmtime_r(&s, &tm))
		return out;
	n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, 32 - n, ".%03uZ", (unsigned int)(wall_ms % 1000));
	return out;
}

const char *show_us(uint64_t us, char out[24])
{
	if (us < 1000)
		snprintf(out, 24, "%" PRIu64 " us", us);
	else if (us < 100000)
		snprintf(out, 24, "%.2f ms", (double)us / 1e3);
	else if (us < 1000000)
		snprintf(out, 24, "%.0f ms", (double)us / 1e3);
	else
		snprintf(out, 24, "%.2f s", (double)us / 1e6);
	return out;
}

const char *show_count(uint64_t n, char out[32])
{
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%" PRIu64, n), at = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = 0;
	return out;
}

/* ---- JSON ---- */

static int put_json(const char *p, size_t n, void *out)
{
	out_put(out, p, n);
	return 0;
}

void show_json(struct out *o, json_t *object)
{
	int failed;

	must(object);
	failed = json_dump_callback(object, put_json, o, JSON_COMPACT);
	must(!failed);
	json_decref(object);
	out_byte(o, '\n');
}

static json_t *base64(struct span s)
{
	struct buf b;
	json_t *value;

	buf_init(&b);
	base64_encode(&b, s);
	value = json_stringn((const char *)b.p, b.n);
	buf_fini(&b);
	return value;
}

void show_json_bytes(json_t *object, const char *key, struct span s)
{
	json_t *text = json_stringn(s.n ? (const char *)s.p : "", s.n);
	char name[64];

	if (text) {
		json_object_set_new(object, key, text);
		return;
	}
	snprintf(name, sizeof name, "%s_base64", key);
	json_object_set_new(object, name, base64(s));
}

json_t *show_json_id(uint64_t id)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, id);
	return json_string(text);
}

json_t *show_json_count(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static void set_time(json_t *object, const char *key, uint64_t wall_ms)
{
	char text[32];

	if (wall_ms)
		json_object_set_new(object, key, json_string(show_time(wall_ms, text)));
}

json_t *show_json_result(const struct msg_result_rec *r)
{
	json_t *object = json_object();

	must(object);
	json_object_set_new(object, "id", show_json_id(r->id));
	json_object_set_new(object, "state", json_string(job_state_name((enum job_state)r->state)));
	json_object_set_new(object, "attempt", show_json_count(r->attempt));
	if (job_state_terminal((enum job_state)r->state)) {
		json_object_set_new(object, "exit", json_integer(r->exit));
		if (r->gone)
			json_object_set_new(object, "result_omitted", json_true());
		else
			show_json_bytes(object, "result", r->result);
		show_json_bytes(object, "error", r->error);
	}
	set_time(object, "submitted", r->submitted_ms);
	set_time(object, "started", r->started_ms);
	set_time(object, "finished", r->finished_ms);
	return object;
}
