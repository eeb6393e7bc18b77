/* Feeds the fuzzer without libFuzzer: what is good, then changed at random. The same seed gives the same inputs.
 * `fuzz_http [--seconds N] [--seed S]`. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/rand.h"
#include "base/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { CHANGES_MOST = 5, TURN = 64 };

#define SEED(text)                                                                                                     \
	{                                                                                                              \
		(const uint8_t *)(text), sizeof(text) - 1                                                              \
	}

static const struct span seeds[] = {
	SEED("1topic=orders&channel=c%23ephemeral&defer=5&binary=true\0\0\0\0\2\0\0\0\1a\0\0\0\3bcd"),
	SEED("1topic=a&channel=b&include_clients=0&format=json\0one\ntwo\n\nthree"),
	SEED("2{\"ttl\":60,\"identity\":\"bob\",\"authorizations\":[{\"topic\":\"^(?:or|a)[\\\\w.\\\\-]+?$\","
	     "\"channels\":"
	     "[\".*\",\"\\\\d{1,3}[^a-f\\\\s]\"],\"permissions\":[\"subscribe\",\"publish\"]}]}"),
	SEED("2{\"ttl\":1,\"authorizations\":[{\"topic\":\"a|(b*c)+\",\"channels\":[\"\\\\Ax\\\\z\"]}]}"),
	SEED("3plain \"quoted\" <a&b> \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n\x01"),
};
enum { SEEDS = sizeof seeds / sizeof seeds[0] };

static const char telling[] = "\"\\[](){}*+?|^$.:,%&=;0129aAdwszZ#\n\0\x80\xe2\xed\xff";

static void change(struct rng *r, struct buf *b)
{
	size_t at = 1 + rng_below(r, b->n - 1), n = 1 + rng_below(r, 8);

	n = n < b->n - at ? n : b->n - at;
	switch (rng_below(r, 5)) {
	case 0:
		b->p[at] ^= (uint8_t)(1u << rng_below(r, 8));
		break;
	case 1:
		b->p[at] = (uint8_t)telling[rng_below(r, sizeof telling - 1)];
		break;
	case 2:
		b->n = at;
		break;
	case 3:
		memmove(b->p + at, b->p + at + n, b->n - at - n);
		b->n -= n;
		break;
	default:
		buf_room(b, n);
		memmove(b->p + at + n, b->p + at, b->n - at);
		for (size_t i = 0; i < n; i++)
			b->p[at + i] = (uint8_t)telling[rng_below(r, sizeof telling - 1)];
		b->n += n;
	}
}

static void one(struct rng *r, struct buf *b)
{
	uint64_t changes = rng_below(r, CHANGES_MOST + 1);
	uint8_t *tight;

	buf_clear(b);
	buf_put_span(b, seeds[rng_below(r, SEEDS)]);
	while (changes-- > 0 && b->n > 1)
		change(r, b);
	tight = malloc(b->n); /* of just that size, so that a sanitizer sees what is read behind it */
	must(tight != NULL);
	memcpy(tight, b->p, b->n);
	LLVMFuzzerTestOneInput(tight, b->n);
	free(tight);
}

int main(int argc, char **argv)
{
	uint64_t seconds = 10, seed = 1, runs = 0, end;
	struct buf b;
	struct rng r;

	for (int i = 1; i + 1 < argc; i += 2) {
		if ((strcmp(argv[i], "--seconds") != 0 || !units_number(argv[i + 1], 0, 1000000, &seconds)) &&
		    (strcmp(argv[i], "--seed") != 0 || !units_number(argv[i + 1], 0, UINT64_MAX, &seed))) {
			fprintf(stderr, "fuzz_http [--seconds N] [--seed S]\n");
			return 2;
		}
	}
	rng_seed(&r, seed);
	buf_init(&b);
	end = clock_mono_ms() + 1000 * seconds;
	do {
		for (int i = 0; i < TURN; i++, runs++)
			one(&r, &b);
	} while (clock_mono_ms() < end);
	printf("fuzz_http: %llu inputs, seed %llu, nothing found\n", (unsigned long long)runs,
	       (unsigned long long)seed);
	buf_fini(&b);
	return 0;
}
