/* What strangers send into TLS, snappy and deflate: good streams that are changed at random, in pieces of any size.
 * Nothing may crash, no call may bring out more than LAYERS_STEP, nothing inside may grow without a bound, and what
 * comes out of an unchanged stream is what went in. */
#include <stdlib.h>

#include "broker/nsq/layers.h"
#include "tests/fuzz/driver.h"
#include "tests/unit/nsq/certs.h"

enum kind { SNAPPY, DEFLATE, TLS, KINDS };

enum { PLAIN_MOST = 300000, PIECE = 65536, CALLS = 4000, HOLDS = 1 << 20 };

static struct certs certs;
static struct tls_context *context;

/* Text with repetitions, or noise. */
static void make_plain(struct rng *r, struct buf *b)
{
	size_t n = rng_below(r, 4) == 0 ? rng_below(r, PLAIN_MOST) : rng_below(r, 300);
	uint64_t noise = rng_below(r, 3);

	buf_clear(b);
	while (b->n < n)
		buf_put_u8(b, (uint8_t)(noise == 0 ? 'x' : rng_next(r) >> (noise == 1 ? 61 : 56)));
}

/* A good stream; of TLS only the beginning of a hello, for what follows it depends on the other side. */
static void make_stream(struct rng *r, enum kind kind, struct buf *plain, struct buf *out)
{
	static const uint8_t hello[] = { 0x16, 3, 1, 0, 0x2d, 1, 0, 0, 0x29, 3, 3 };
	struct layers l;

	buf_clear(out);
	make_plain(r, plain);
	if (kind == TLS) {
		buf_put(out, hello, sizeof hello);
		buf_put(out, plain->p, plain->n < 100 ? plain->n : 100);
		return;
	}
	layers_init(&l);
	if (kind == SNAPPY)
		layers_start_snappy(&l, span_of(NULL, 0));
	else
		layers_start_deflate(&l, 1 + (int)rng_below(r, 9), span_of(NULL, 0));
	for (size_t at = 0; at < plain->n;) {
		size_t n = 1 + rng_below(r, plain->n - at);

		must(layers_write(&l, span_of(plain->p + at, n), out));
		at += n;
		if (kind == SNAPPY && rng_below(r, 5) == 0)
			buf_put(out, "\xfe\x02\x00\x00..", 6);
	}
	layers_fini(&l);
}

/* Feeds it all; true if it was taken to its end. */
static bool feed(struct rng *r, enum kind kind, const struct buf *stream, struct buf *plain)
{
	enum layers_read got = LAYERS_SHORT;
	struct buf back = { 0 };
	struct layers l;
	size_t at = 0;

	layers_init(&l);
	if (kind == SNAPPY)
		layers_start_snappy(&l, span_of(NULL, 0));
	else if (kind == DEFLATE)
		layers_start_deflate(&l, 6, span_of(NULL, 0));
	else
		layers_start_tls(&l, context, 0, span_of(NULL, 0));
	for (int calls = 0; calls < CALLS && (got == LAYERS_MORE || (got == LAYERS_SHORT && at < stream->n)); calls++) {
		size_t had = plain->n, left = stream->n - at;
		size_t n = got == LAYERS_MORE ? 0 : 1 + rng_below(r, left < PIECE ? left : PIECE);
		uint8_t *tight = malloc(n + 1); /* of just that size, so that a sanitizer sees what is read behind it */

		must(tight != NULL);
		memcpy(tight, stream->p + at, n);
		at += n;
		got = layers_read(&l, span_of(tight, n), plain, &back);
		free(tight);
		must(plain->n - had <= LAYERS_STEP);
		must(l.packed.cap <= HOLDS && back.n <= HOLDS);
		if (plain->n > 4 * PLAIN_MOST)
			buf_clear(plain);
	}
	layers_fini(&l);
	buf_fini(&back);
	return got == LAYERS_SHORT && at == stream->n;
}

static const char *one(struct rng *r)
{
	enum kind kind = (enum kind)rng_below(r, KINDS);
	static struct buf plain, stream, out;
	uint64_t changes = rng_below(r, 4);

	make_stream(r, kind, &plain, &stream);
	for (uint64_t i = 0; i < changes && stream.n > 0; i++)
		fuzz_change(r, &stream);
	buf_clear(&out);
	if (feed(r, kind, &stream, &out) && changes == 0 && kind != TLS)
		must(span_eq(buf_span(&out), buf_span(&plain)));
	else
		must(changes > 0 || kind == TLS);
	return NULL;
}

static void begin(void)
{
	struct tls_config c = { .min_version = 12 };
	char err[TLS_ERR];

	certs_make(&certs);
	c.cert = certs.server_cert;
	c.key = certs.server_key;
	context = tls_context_new(&c, err);
	must(context != NULL);
}

static const char *end(void)
{
	tls_context_free(context);
	certs_remove(&certs);
	return NULL;
}

static const uint8_t telling[] = { 0, 1, 2, 4, 6, 0x0a, 0x7f, 0x80, 0xfd, 0xfe, 0xff, 0x16, 0x17 };

const struct fuzzer fuzzer = {
	.name = "fuzz_layers",
	.begin = begin,
	.end = end,
	.one = one,
	.telling = { telling, sizeof telling },
	.early = 32,
};
