/* What is looked at in a mail's headers, as its bytes come; see content.h. */
#include <strings.h>

#include "broker/smtp/content.h"

enum {
	BEGINNING, /* of a line */
	RETURN,    /* a CR has begun a line: with LF it is the empty one */
	WITHIN
};

static bool is(struct span a, const char *word)
{
	return a.n == strlen(word) && strncasecmp((const char *)a.p, word, a.n) == 0;
}

static const char job_prefix[] = "x-job-";
enum { JOB_PREFIX = sizeof job_prefix - 1 };

static bool is_job(struct span name)
{
	return name.n > JOB_PREFIX && strncasecmp((const char *)name.p, job_prefix, JOB_PREFIX) == 0;
}

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool blank_or_end(uint8_t c)
{
	return blank(c) || c == '\r' || c == '\n';
}

/* A mail without headers has just a body, which may be one long line: what cannot be a name any more ends them. */
static bool may_be_name(const struct buf *line)
{
	size_t n = 0;

	while (n < line->n && line->p[n] > ' ' && line->p[n] < 0x7f)
		n++;
	if (n == 0 || line->n > LIMIT_MAIL_HEADER)
		return false;
	while (n < line->n && blank(line->p[n])) /* "Subject : x" was good once */
		n++;
	return n == line->n;
}

static struct span name_of(const struct buf *line, size_t *value)
{
	const uint8_t *colon = memchr(line->p, ':', line->n);
	size_t n;

	must(colon != NULL);
	n = (size_t)(colon - line->p);
	*value = n + 1;
	while (n > 0 && blank(line->p[n - 1]))
		n--;
	return span_of(line->p, n);
}

/* Takes bytes before the colon; how many. */
static size_t take_name(struct content_headers *h, struct span bytes)
{
	const uint8_t *colon = memchr(bytes.p, ':', bytes.n);
	size_t n = colon != NULL ? (size_t)(colon - bytes.p) : bytes.n, value;
	size_t room = h->line.n <= LIMIT_MAIL_HEADER ? LIMIT_MAIL_HEADER + 1 - h->line.n : 0;
	struct span name;

	buf_put(&h->line, bytes.p, n < room ? n : room);
	if ((colon != NULL || h->line.n > 0) && !may_be_name(&h->line)) {
		h->over = true;
		return 0;
	}
	if (colon == NULL)
		return n;
	buf_put_u8(&h->line, ':');
	h->to->bytes += h->line.n;
	name = name_of(&h->line, &value);
	h->named = true;
	h->wanted = is(name, "message-id") || is(name, "subject") || is(name, "received") || is_job(name);
	return n + 1;
}

/* Line ends stay in what is gathered, and go with the folding. */
static void take_value(struct content_headers *h, struct span bytes)
{
	size_t room = LIMIT_MAIL_HEADER_LINE - h->line.n;

	h->to->bytes += bytes.n;
	if (h->wanted)
		buf_put(&h->line, bytes.p, bytes.n < room ? bytes.n : room);
}

/* Unfolded, in its place, without blanks around it. Folding is a line's end before a blank, which stays. */
static struct span value_of(struct buf *line, size_t from)
{
	size_t to = from, n = line->n;

	for (size_t i = from; i < n; i++)
		if (line->p[i] != '\r' && line->p[i] != '\n')
			line->p[to++] = line->p[i];
	while (from < to && blank(line->p[from]))
		from++;
	while (from < to && blank_or_end(line->p[to - 1]))
		to--;
	return span_of(line->p + from, to - from);
}

static void keep(char to[LIMIT_MAIL_HEADER + 1], struct span value)
{
	size_t n = value.n;

	if (to[0] != '\0')
		return;
	if (n > LIMIT_MAIL_HEADER)
		for (n = LIMIT_MAIL_HEADER; n > 0 && (value.p[n] & 0xc0) == 0x80;)
			n--;
	for (size_t i = 0; i < n; i++)
		to[i] = (char)(value.p[i] < ' ' || value.p[i] == 0x7f ? ' ' : value.p[i]);
	to[n] = '\0';
}

static void read_job(struct letter_headers *to, struct span name, struct span value)
{
	const char *why;

	why = rcpt_option(&to->job, span_of(name.p + JOB_PREFIX, name.n - JOB_PREFIX), value);
	if (to->job_why == NULL)
		to->job_why = why;
}

/* The header that was gathered is whole. */
static void finish(struct content_headers *h)
{
	size_t from;
	struct span name, value;

	if (h->named && h->wanted) {
		name = name_of(&h->line, &from);
		value = value_of(&h->line, from);
		if (is(name, "received"))
			h->to->received++;
		else if (is(name, "message-id"))
			keep(h->to->message_id, value);
		else if (is(name, "subject"))
			keep(h->to->subject, value);
		else
			read_job(h->to, name, value);
	}
	h->named = h->wanted = false;
	buf_clear(&h->line);
}

/* At a line's beginning: what its first byte says. */
static void begin_line(struct content_headers *h, uint8_t first)
{
	if (first == '\r') {
		h->state = RETURN;
		return;
	}
	h->state = WITHIN;
	if (!blank(first) || !h->named)
		finish(h);
	if (first == '\n')
		h->over = true;
}

/* Bytes of a line, its LF included when it has come; how many. */
static size_t take_line(struct content_headers *h, struct span bytes)
{
	const uint8_t *lf = memchr(bytes.p, '\n', bytes.n);
	size_t n = lf != NULL ? (size_t)(lf - bytes.p) + 1 : bytes.n;

	if (h->named)
		take_value(h, span_of(bytes.p, n));
	else
		n = take_name(h, span_of(bytes.p, n));
	if (n > 0 && bytes.p[n - 1] == '\n')
		h->state = BEGINNING;
	return n;
}

void content_headers_take(struct content_headers *h, struct span bytes)
{
	size_t at = 0;

	while (at < bytes.n && !h->over) {
		if (h->state == BEGINNING) {
			begin_line(h, bytes.p[at]);
			at += h->state == RETURN;
		} else if (h->state == RETURN) {
			h->over = true; /* the empty line, or in BINARYMIME a line that is no header */
		} else {
			at += take_line(h, span_of(bytes.p + at, bytes.n - at));
		}
	}
	if (h->over)
		content_headers_end(h);
}

void content_headers_end(struct content_headers *h)
{
	finish(h);
	h->over = true;
}
