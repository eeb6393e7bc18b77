/* See reply.h. Replies are made when the program is, so that one is a memcpy. */
#include "broker/smtp/reply.h"

#include <assert.h>

/* What no reply counts, in place of a counter. */
#define nothing sessions

struct row {
	const char *code, *line; /* the line is the code, the text and CR LF */
	uint16_t code_n, line_n;
	uint16_t count; /* offset in smtp_counts */
};
static const struct row rows[] = {
#define X(name, code, text, count)                                                                                     \
	{ code, code " " text "\r\n", sizeof code - 1, sizeof code " " text "\r\n" - 1,                                \
	  offsetof(struct smtp_counts, count) },
	SMTP_REPLIES(X)
#undef X
};
#define X(name, code, text, count) static_assert(sizeof code " " text "\r\n" - 1 <= REPLY_LINE, code " " text);
SMTP_REPLIES(X)
#undef X

static const struct row *row_of(enum smtp_reply r, struct smtp_counts *counts)
{
	const struct row *w = &rows[r];

	must(r != REPLY_NONE && r < REPLIES);
	if (counts != NULL && w->count != offsetof(struct smtp_counts, nothing))
		atomic_fetch_add_explicit((_Atomic uint64_t *)(void *)((char *)counts + w->count), 1,
		                          memory_order_relaxed);
	return w;
}

void smtp_reply_put(struct buf *out, enum smtp_reply r, struct smtp_counts *counts)
{
	const struct row *w = row_of(r, counts);

	buf_put(out, w->line, w->line_n);
}

/* What of a text can stand in a line that has `used` bytes already. */
static void put_text(struct buf *out, struct span text, size_t used)
{
	uint8_t *p;

	if (text.n > REPLY_LINE - 2 - used)
		text.n = REPLY_LINE - 2 - used;
	p = buf_room(out, text.n + 2);
	for (size_t i = 0; i < text.n; i++)
		*p++ = text.p[i] >= ' ' && text.p[i] < 127 ? text.p[i] : '?';
	*p++ = '\r';
	*p = '\n';
	out->n += text.n + 2;
}

void smtp_reply_put_text(struct buf *out, enum smtp_reply r, struct span text, struct smtp_counts *counts)
{
	const struct row *w = row_of(r, counts);

	buf_put(out, w->line, w->code_n + 1u);
	put_text(out, text, w->code_n + 1u);
}

void smtp_reply_put_drain(struct buf *out, const char *hostname, struct smtp_counts *counts)
{
	const struct row *w = row_of(REPLY_DRAIN, counts);
	size_t before = out->n;

	buf_put(out, w->line, w->code_n + 1u);
	buf_put_span(out, span_str(hostname));
	buf_put(out, w->line + w->code_n, (size_t)w->line_n - w->code_n);
	must(out->n - before <= REPLY_LINE);
}

/* A number as text, its bytes end before `end`. */
static uint8_t *digits(uint8_t *end, uint64_t v)
{
	do
		*--end = (uint8_t)('0' + v % 10);
	while ((v /= 10) != 0);
	return end;
}

static void put_number(struct buf *out, uint64_t v)
{
	uint8_t text[20], *p = digits(text + sizeof text, v);

	buf_put(out, p, (size_t)(text + sizeof text - p));
}

static bool said_before(const uint64_t *ids, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (ids[k] == ids[i])
			return true;
	return false;
}

uint32_t smtp_distinct(const uint64_t *ids, uint32_t n)
{
	uint32_t m = 0;

	for (uint32_t i = 0; i < n; i++)
		m += !said_before(ids, i);
	return m;
}

void smtp_reply_put_queued(struct buf *out, const uint64_t *ids, uint32_t n)
{
	enum { ID = 1 + 20, MORE = sizeof " and 4294967295 more\r\n" - 1 };
	const struct row *w = &rows[REPLY_QUEUED];
	size_t before = out->n;
	uint32_t left = 0;

	buf_put(out, w->line, w->line_n - 2u);
	for (uint32_t i = 0; i < n; i++) {
		if (said_before(ids, i))
			continue;
		if (left > 0 || out->n - before > REPLY_LINE - MORE - ID) {
			left++;
			continue;
		}
		buf_put_u8(out, ' ');
		put_number(out, ids[i]);
	}
	if (left > 0) {
		buf_put(out, " and ", 5);
		put_number(out, left);
		buf_put(out, " more", 5);
	}
	buf_put(out, "\r\n", 2);
	must(out->n - before <= REPLY_LINE);
}

bool smtp_reply_is_error(enum smtp_reply r)
{
	return rows[r].code[0] == '5';
}
