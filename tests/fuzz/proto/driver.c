/* Feeds the fuzzer without libFuzzer: messages that keep every rule (tests/unit/proto/sample.h), then changed
 * at random. The same seed gives the same inputs. `fuzz_codec [--seconds N] [--seed S]`, or files to try. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/units.h"
#include "tests/unit/proto/sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { CHANGES_MOST = 6, TURN = 256, FILE_MOST = 1 << 25 };

/* First bytes of every msgpack type, and values around which things change. */
static const uint8_t telling[] = { 0x00, 0x01, 0x7f, 0x80, 0x8f, 0x90, 0x91, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2,
	                           0xc4, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1,
	                           0xd2, 0xd3, 0xd4, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff };

static void insert(struct buf *b, size_t at, const uint8_t *p, size_t n)
{
	buf_room(b, n);
	memmove(b->p + at + n, b->p + at, b->n - at);
	memcpy(b->p + at, p, n);
	b->n += n;
}

static void change(struct rng *r, struct buf *b)
{
	size_t at = rng_below(r, b->n), n = 1 + rng_below(r, 9);
	uint8_t few[8];

	n = n < b->n - at ? n : b->n - at;
	switch (rng_below(r, 7)) {
	case 0:
		b->p[at] ^= (uint8_t)(1u << rng_below(r, 8));
		break;
	case 1:
		b->p[at] = telling[rng_below(r, sizeof telling)];
		break;
	case 2:
		b->p[at] = (uint8_t)rng_next(r);
		break;
	case 3:
		b->n = at;
		break;
	case 4:
		memmove(b->p + at, b->p + at + n, b->n - at - n);
		b->n -= n;
		break;
	case 5:
		for (size_t i = 0; i < sizeof few; i++)
			few[i] = telling[rng_below(r, sizeof telling)];
		insert(b, at, few, 1 + rng_below(r, sizeof few));
		break;
	default:
		b->p[rng_below(r, b->p[0] < 0xc0 && b->n > 3 ? 4 : b->n)] = (uint8_t)rng_below(r, 128);
	}
}

static void one(struct sample *s, struct buf *b, uint32_t *kind)
{
	uint64_t changes = rng_below(&s->rng, CHANGES_MOST + 1);
	uint8_t *tight;

	*kind = sample_next_kind(*kind);
	if (*kind == 0)
		*kind = sample_next_kind(0);
	sample_make(s, *kind);
	buf_clear(b);
	msg_encode(b, &s->m);
	while (changes-- > 0 && b->n > 0)
		change(&s->rng, b);
	tight = malloc(b->n ? b->n : 1); /* of just that size, so that a sanitizer sees what is read behind it */
	must(tight != NULL);
	if (b->n)
		memcpy(tight, b->p, b->n);
	LLVMFuzzerTestOneInput(tight, b->n);
	free(tight);
}

static int file(const char *name)
{
	FILE *f = fopen(name, "rb");
	uint8_t *p = malloc(FILE_MOST);
	size_t n;

	must(p != NULL);
	if (f == NULL) {
		fprintf(stderr, "fuzz_codec: %s cannot be read\n", name);
		free(p);
		return 2;
	}
	n = fread(p, 1, FILE_MOST, f);
	fclose(f);
	LLVMFuzzerTestOneInput(p, n);
	free(p);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t seconds = 10, seed = 1, runs = 0, end;
	struct sample s;
	uint32_t kind = 0;
	struct buf b;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc &&
		    units_number(argv[i + 1], 0, 1000000, &seconds))
			i++;
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc &&
		         units_number(argv[i + 1], 0, UINT64_MAX, &seed))
			i++;
		else
			return file(argv[i]);
	}
	sample_init(&s, seed);
	buf_init(&b);
	end = clock_mono_ms() + 1000 * seconds;
	do {
		for (int i = 0; i < TURN; i++, runs++)
			one(&s, &b, &kind);
	} while (clock_mono_ms() < end);
	printf("fuzz_codec: %llu inputs, seed %llu, nothing found\n", (unsigned long long)runs,
	       (unsigned long long)seed);
	buf_fini(&b);
	sample_fini(&s);
	return 0;
}
