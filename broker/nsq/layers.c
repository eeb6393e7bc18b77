/* See layers.h. */
#include "broker/nsq/layers.h"

enum { KEEP = 4096 }; /* bytes that a buffer keeps when it is empty: thousands of connections are idle */

void layers_init(struct layers *l)
{
	*l = (struct layers){ 0 };
}

void layers_fini(struct layers *l)
{
	tls_free(l->tls);
	deflate_free(l->deflate);
	buf_fini(&l->early);
	buf_fini(&l->packed);
	buf_fini(&l->work);
	layers_init(l);
}

static void emptied(struct buf *b)
{
	if (b->cap > KEEP)
		buf_fini(b);
	buf_clear(b);
}

static bool compressed(const struct layers *l)
{
	return l->snappy || l->deflate != NULL;
}

void layers_start_tls(struct layers *l, struct tls_context *c, uint64_t now_ms, struct span left)
{
	must(!layers_any(l));
	l->tls = tls_new(c);
	l->since_ms = now_ms;
	buf_put_span(&l->early, left);
}

void layers_start_snappy(struct layers *l, struct span left)
{
	must(!compressed(l) && !layers_shaking(l));
	l->snappy = true;
	buf_put_span(&l->packed, left);
}

void layers_start_deflate(struct layers *l, int level, struct span left)
{
	must(!compressed(l) && !layers_shaking(l));
	l->deflate = deflate_new(level);
	buf_put_span(&l->packed, left);
}

bool layers_shaking(const struct layers *l)
{
	return l->tls != NULL && !tls_done(l->tls);
}

uint64_t layers_deadline(const struct layers *l)
{
	return layers_shaking(l) ? l->since_ms + LAYERS_HANDSHAKE_MS : UINT64_MAX;
}

static enum layers_read broken(struct layers *l, const char *why)
{
	l->broken = why;
	return LAYERS_BROKEN;
}

static enum layers_read read_tls(struct layers *l, struct span raw, size_t most, struct buf *to, struct buf *back)
{
	enum tls_read got;

	if (l->early.n > 0) {
		buf_put_span(&l->early, raw);
		raw = buf_span(&l->early);
	}
	got = tls_read(l->tls, raw, most, to, back);
	emptied(&l->early);
	switch (got) {
	case TLS_SHORT:
		return LAYERS_SHORT;
	case TLS_MORE:
		return LAYERS_MORE;
	case TLS_END:
		return LAYERS_END;
	default:
		return broken(l, tls_why(l->tls));
	}
}

static enum layers_read read_snappy(struct layers *l, struct buf *plain)
{
	size_t before = plain->n, taken;

	while (plain->n - before + SNAPPY_CHUNK <= LAYERS_STEP) {
		struct span in = span_of(l->packed.p + l->at, l->packed.n - l->at);
		enum snappy_read got = snappy_read(&l->snappy_in, in, &taken, plain);

		if (got == SNAPPY_BROKEN)
			return broken(l, "a chunk of snappy's framing is damaged or unknown");
		l->at += taken;
		if (got == SNAPPY_SHORT)
			return LAYERS_SHORT;
	}
	return LAYERS_MORE;
}

static enum layers_read read_deflate(struct layers *l, struct buf *plain)
{
	size_t taken;
	enum deflate_read got =
	    deflate_read(l->deflate, span_of(l->packed.p + l->at, l->packed.n - l->at), LAYERS_STEP, &taken, plain);

	if (got == DEFLATE_BROKEN)
		return broken(l, "a block of deflate is damaged");
	l->at += taken;
	return got == DEFLATE_END ? LAYERS_END : got == DEFLATE_MORE ? LAYERS_MORE : LAYERS_SHORT;
}

/* What is read of `packed` goes. */
static void compact(struct layers *l)
{
	size_t rest = l->packed.n - l->at;

	if (rest == 0) {
		emptied(&l->packed);
	} else if (l->at > 0) {
		memmove(l->packed.p, l->packed.p + l->at, rest);
		l->packed.n = rest;
	}
	l->at = 0;
}

enum layers_read layers_read(struct layers *l, struct span raw, struct buf *plain, struct buf *back)
{
	enum layers_read below = LAYERS_SHORT, got;
	size_t waiting = l->packed.n - l->at;

	if (!compressed(l)) {
		must(l->tls != NULL);
		return read_tls(l, raw, LAYERS_STEP, plain, back);
	}
	if (l->tls == NULL)
		buf_put_span(&l->packed, raw);
	else
		below = read_tls(l, raw, waiting < LAYERS_STEP ? LAYERS_STEP - waiting : 0, &l->packed, back);
	if (below == LAYERS_BROKEN)
		return below;
	got = l->snappy ? read_snappy(l, plain) : read_deflate(l, plain);
	compact(l);
	return got == LAYERS_SHORT ? below : got;
}

bool layers_write(struct layers *l, struct span plain, struct buf *out)
{
	struct buf *to = l->tls != NULL ? &l->work : out;
	bool good;

	must(!layers_shaking(l));
	if (!compressed(l) && l->tls != NULL)
		good = tls_write(l->tls, plain, out);
	else {
		if (l->snappy)
			snappy_write(&l->snappy_out, plain, to);
		else if (l->deflate != NULL)
			deflate_write(l->deflate, plain, to);
		else
			buf_put_span(to, plain);
		good = l->tls == NULL || tls_write(l->tls, buf_span(&l->work), out);
		emptied(&l->work);
	}
	if (!good)
		l->broken = tls_why(l->tls);
	return good;
}

void layers_end(struct layers *l, struct buf *out)
{
	if (l->tls != NULL)
		tls_end(l->tls, out);
}

const char *layers_why(const struct layers *l)
{
	return l->broken != NULL ? l->broken : "";
}
