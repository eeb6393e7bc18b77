/* What fuzz_codec begins with: messages that keep every rule (tests/unit/proto/sample.h). */
#include "tests/fuzz/driver.h"
#include "tests/unit/proto/sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* First bytes of every msgpack type, and values around which things change. */
static const uint8_t telling[] = { 0x00, 0x01, 0x7f, 0x80, 0x8f, 0x90, 0x91, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2,
	                           0xc4, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1,
	                           0xd2, 0xd3, 0xd4, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff };

static struct sample sample;

static void begin(void)
{
	sample_init(&sample, 0);
}

static const char *end(void)
{
	sample_fini(&sample);
	return NULL;
}

static void make(struct rng *r, struct buf *b)
{
	uint32_t kind;

	do
		kind = (uint32_t)rng_below(r, LAYOUT_KINDS);
	while (fields_of(kind) == NULL);
	sample.rng = *r;
	sample_make(&sample, kind);
	*r = sample.rng;
	msg_encode(b, &sample.m);
}

/* A small number, mostly in the header: versions, kinds. */
static void change(struct rng *r, struct buf *b)
{
	b->p[rng_below(r, b->p[0] < 0xc0 && b->n > 3 ? 4 : b->n)] = (uint8_t)rng_below(r, 128);
}

const struct fuzzer fuzzer = {
	.name = "fuzz_codec",
	.begin = begin,
	.end = end,
	.input = LLVMFuzzerTestOneInput,
	.make = make,
	.changes = 6,
	.telling = { telling, sizeof telling },
	.change = change,
};
