/* Feeds the fuzzer without libFuzzer: what is good, then changed at random, with words that matter. The same seed gives
 * the same inputs. `fuzz_mail [--seconds N] [--seed S]`. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/rand.h"
#include "base/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { CHANGES_MOST = 6, TURN = 64 };

#define SEED(text)                                                                                                     \
	{                                                                                                              \
		(const uint8_t *)(text), sizeof(text) - 1                                                              \
	}

static const struct span seeds[] = {
	SEED("p<orders+priority=7@mail.example.com> SIZE=5"),
	SEED("p<@one,@two.example:\"a \\\"b\\\\\"@[IPv6:2001:db8::1]>"),
	SEED("p<\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80@\xc3\xbc.example>"),
	SEED("p<a.b@[127.0.0.1]>"),
	SEED("p<PostMaster>"),
	SEED("rOrders.eu_west-1+priority=9+delay=1.5h+expires=2d+key=a b"),
	SEED("rq+delay=500ms"),
	SEED("dReceived: a\r\n by b\r\nMessage-ID: <1@x>\r\nSubject : x\r\n\ty\r\nX-Job-Priority: 7\r\nX-Job-Key: "
	     "k\r\n\r\n"
	     "..x\r\nbody\r\n...\r\n.\r\nQUIT\r\n"),
	SEED("d.\r\n"),
	SEED("dno header\r\n\r\n\r\n.\r\n"),
	SEED("cSubject: a\r\nReceived: b\r\nX-Job-Delay: 5m\r\nx-job-expires: 1h\r\n\r\n.\r\n..\r\nend"),
	SEED("bSubject: a\n b\nMessage-ID: \xff\r\n\r\n\0\r\n.\r\n"),
	SEED("xPROXY TCP4 192.0.2.1 198.51.100.7 4711 25\r\nEHLO x\r\n"),
	SEED("xPROXY TCP6 2001:db8::1 ::1 65535 1\r\n"),
	SEED("xPROXY UNKNOWN ffff:f...f:ffff 1 2\r\n"),
	SEED("x\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14\1\2\3\4\5\6\7\x8\0\1\0\2\2\0\5h.org"),
	SEED("x\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24"
	     "0123456789abcdef0123456789abcdef\0\1\0\2"),
	SEED("x\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"),
	SEED("n192.0.2.0/24"),
	SEED("n2001:db8::/33"),
	SEED("n::ffff:192.0.2.0/120"),
};
enum { SEEDS = sizeof seeds / sizeof seeds[0] };

static const struct span words[] = {
	SEED("\r\n.\r\n"), SEED("\r\n"),      SEED("\r\n.\n"),     SEED("\n.\r\n"),        SEED("\r\r\n"),
	SEED("\r\n "),     SEED("\r\n\r\n"),  SEED("\r\n.."),      SEED("\r\nSubject: "),  SEED("\r\nReceived:"),
	SEED("X-Job-"),    SEED("\r\nX-Job"), SEED("Message-ID:"), SEED("+priority=10"),   SEED("+key="),
	SEED("+expires="), SEED("IPv6:"),     SEED("::ffff:"),     SEED("@[127.0.0.1]"),   SEED("\\\""),
	SEED("PROXY "),    SEED("TCP6 "),     SEED("UNKNOWN"),     SEED("\x03\0\4\0\0\0"), SEED("\xed\xa0\x80"),
	SEED("\xc0\xaf"),  SEED("0.0.0.0/0"), SEED("postmaster"),
};
enum { WORDS = sizeof words / sizeof words[0] };

static const char telling[] = "\r\n.\0<>@\"\\:;,+=[]()/| \t0129afzAZ-_%\x7f\x80\xc3\xe2\xed\xf4\xff";

static void insert(struct buf *b, size_t at, struct span what)
{
	buf_room(b, what.n);
	memmove(b->p + at + what.n, b->p + at, b->n - at);
	memcpy(b->p + at, what.p, what.n);
	b->n += what.n;
}

static void change(struct rng *r, struct buf *b)
{
	size_t at = 1 + rng_below(r, b->n - 1), n = 1 + rng_below(r, 8);
	struct buf run;

	n = n < b->n - at ? n : b->n - at;
	switch (rng_below(r, 7)) {
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
	case 4: /* a long run of one byte, now and then: bounds */
		buf_init(&run);
		n = rng_below(r, 8) == 0 ? rng_below(r, 10000) : rng_below(r, 300);
		memset(buf_room(&run, n + 1), telling[rng_below(r, sizeof telling - 1)], n);
		insert(b, at, span_of(run.p, n));
		buf_fini(&run);
		break;
	case 5:
		insert(b, at, words[rng_below(r, WORDS)]);
		break;
	default:
		for (; n > 0; n--)
			insert(b, at, span_of(&telling[rng_below(r, sizeof telling - 1)], 1));
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
			fprintf(stderr, "fuzz_mail [--seconds N] [--seed S]\n");
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
	printf("fuzz_mail: %llu inputs, seed %llu, nothing found\n", (unsigned long long)runs,
	       (unsigned long long)seed);
	buf_fini(&b);
	return 0;
}
