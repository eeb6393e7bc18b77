/* Feeds the fuzzer without libFuzzer: a client's conversation, put together of good commands, then changed at random.
 * The same seed gives the same inputs. `fuzz_nsq [--seconds N] [--seed S]`. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "base/units.h"
#include "broker/nsq/parse.h"
#include "tests/unit/nsq/vectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { CHANGES_MOST = 4, COMMANDS_MOST = 30, TURN = 64 };

/* Bytes around which things change: in lines, in sizes, in JSON. */
static const char telling[] = "\0\1\2\4\n\r  019af-\"{}:,$#\377";

static const char identify[] = "IDENTIFY\n\0\0\0\70{\"feature_negotiation\":true,\"tls_v1\":true,\"snappy\":true}";

static void put_message_command(struct rng *r, struct buf *b)
{
	static const char *const formats[] = { "FIN %016llx\n", "REQ %016llx 100\n", "TOUCH %016llx\n" };
	uint64_t kind = rng_below(r, 6);
	char line[64];
	int n;

	n = snprintf(line, sizeof line, formats[kind < 3 ? kind : 0],
	             (unsigned long long)(64 * (1 + rng_below(r, 4)) + rng_below(r, 4)));
	buf_put(b, line, (size_t)n);
}

/* A conversation: the vectors' commands that do not end one, and what a consumer says. */
static void talk(struct rng *r, struct buf *b)
{
	uint64_t n = rng_below(r, COMMANDS_MOST);

	buf_put(b, "  V2", 4);
	if (rng_below(r, 3) == 0)
		buf_put(b, identify, sizeof identify - 1);
	if (rng_below(r, 4) == 0)
		buf_put(b, "AUTH\n\0\0\0\3abc", 12);
	if (rng_below(r, 2) == 0)
		buf_put_span(b, span_str("SUB t c\nRDY 5\n"));
	while (n-- > 0) {
		const struct vector *v = &vectors[rng_below(r, VECTORS)];

		if (rng_below(r, 2) == 0)
			put_message_command(r, b);
		else if (rng_below(r, 16) == 0 || strchr(v->told, 'x') == NULL)
			buf_put(b, v->in, v->n);
	}
}

static void change(struct rng *r, struct buf *b)
{
	size_t at = rng_below(r, b->n), n = 1 + rng_below(r, 9);

	n = n < b->n - at ? n : b->n - at;
	switch (rng_below(r, 4)) {
	case 0:
		b->p[at] ^= (uint8_t)(1u << rng_below(r, 8));
		break;
	case 1:
		b->p[at] = (uint8_t)telling[rng_below(r, sizeof telling - 1)];
		break;
	case 2:
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
	talk(r, b);
	while (changes-- > 0 && b->n > 0)
		change(r, b);
	tight = malloc(b->n ? b->n : 1); /* of just that size, so that a sanitizer sees what is read behind it */
	must(tight != NULL);
	if (b->n > 0)
		memcpy(tight, b->p, b->n);
	LLVMFuzzerTestOneInput(tight, b->n);
	free(tight);
}

int main(int argc, char **argv)
{
	uint64_t seconds = 10, seed = 1, runs = 0, end;
	struct buf b = { 0 };
	struct rng r;

	for (int i = 1; i + 1 < argc; i += 2) {
		if ((strcmp(argv[i], "--seconds") != 0 || !units_number(argv[i + 1], 0, 1000000, &seconds)) &&
		    (strcmp(argv[i], "--seed") != 0 || !units_number(argv[i + 1], 0, UINT64_MAX, &seed))) {
			fprintf(stderr, "fuzz_nsq [--seconds N] [--seed S]\n");
			return 2;
		}
	}
	rng_seed(&r, seed);
	end = clock_mono_ms() + 1000 * seconds;
	do {
		for (int i = 0; i < TURN; i++, runs++)
			one(&r, &b);
	} while (clock_mono_ms() < end);
	printf("fuzz_nsq: %llu inputs, seed %llu, nothing found\n", (unsigned long long)runs, (unsigned long long)seed);
	buf_fini(&b);
	return 0;
}
