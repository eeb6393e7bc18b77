/* See content.h. Runs are found by memchr, line by line; what was between two dots that went is put at once. */
#include "broker/smtp/content.h"

enum {
	BEGINNING, /* of a line */
	WITHIN,    /* a line */
	RETURN,    /* a CR has been put: LF comes */
	DOT,       /* DATA: the dot that begins a line was taken, and not put */
	DOT_RETURN /* and a CR behind it: LF comes, and is the end */
};

void content_begin(struct content *c, enum content_mode mode, struct letter_headers *headers)
{
	*c = (struct content){ .mode = mode, .state = BEGINNING, .headers.to = headers };
	memset(headers, 0, sizeof *headers);
	buf_init(&c->headers.line);
}

void content_fini(struct content *c)
{
	buf_fini(&c->headers.line);
}

/* What content_take knows of its input. */
struct taking {
	const uint8_t *p, *end;
	const uint8_t *run; /* from here to p nothing was put yet */
};

static void put_run(struct content *c, struct taking *t, const uint8_t *to, content_put put, void *arg)
{
	struct span bytes = span_of(t->run, (size_t)(to - t->run));

	if (bytes.n == 0)
		return;
	c->bytes += bytes.n;
	if (!c->headers.over)
		content_headers_take(&c->headers, bytes);
	put(arg, bytes);
}

/* To the end of the line, or of the input; false at a byte that shows a fault. */
static bool rest_of_line(struct content *c, struct taking *t)
{
	size_t n = (size_t)(t->end - t->p), good;
	const uint8_t *lf = memchr(t->p, '\n', n), *cr, *nul;

	if (lf != NULL)
		n = (size_t)(lf - t->p) + 1;
	cr = memchr(t->p, '\r', n);
	nul = memchr(t->p, 0, cr != NULL ? (size_t)(cr - t->p) : n);
	if (unlikely(nul != NULL)) {
		t->p = nul;
		return false;
	}
	if (cr == NULL) {
		t->p += lf != NULL ? n - 1 : n;
		c->state = WITHIN;
		return lf == NULL;
	}
	good = (size_t)(cr - t->p) + 1;
	t->p += good;
	c->state = RETURN;
	if (t->p == t->end)
		return true;
	if (*t->p != '\n')
		return false;
	t->p++;
	c->state = BEGINNING;
	return true;
}

/* DATA and BDAT. One step: a byte where the next one decides, else as far as the line goes. */
static enum content_verdict step(struct content *c, struct taking *t, content_put put, void *arg)
{
	switch (c->state) {
	case BEGINNING:
		if (*t->p != '.' || c->mode != CONTENT_DATA)
			break;
		put_run(c, t, t->p, put, arg);
		t->run = ++t->p;
		c->state = DOT;
		return CONTENT_MORE;
	case RETURN:
		if (*t->p != '\n')
			return CONTENT_BARE;
		t->p++;
		c->state = BEGINNING;
		return CONTENT_MORE;
	case DOT:
		if (*t->p != '\r')
			break;
		t->run = ++t->p;
		c->state = DOT_RETURN;
		return CONTENT_MORE;
	case DOT_RETURN:
		if (*t->p != '\n')
			return CONTENT_BARE;
		t->run = ++t->p;
		return CONTENT_END;
	default:
		break;
	}
	return rest_of_line(c, t) ? CONTENT_MORE : CONTENT_BARE;
}

enum content_verdict content_take(struct content *c, struct span in, size_t *taken, content_put put, void *arg)
{
	struct taking t = { .p = in.p, .end = in.p + in.n, .run = in.p };
	enum content_verdict v = CONTENT_MORE;

	if (c->mode == CONTENT_BINARY)
		t.p = t.end;
	while (v == CONTENT_MORE && t.p < t.end)
		v = step(c, &t, put, arg);
	put_run(c, &t, t.p, put, arg);
	*taken = (size_t)(t.p - in.p);
	if (v == CONTENT_END)
		content_headers_end(&c->headers);
	return v;
}

bool content_end(struct content *c)
{
	must(c->mode != CONTENT_DATA);
	content_headers_end(&c->headers);
	return c->state != RETURN;
}
