/* Base64: RFC 4648's examples, all bytes, and what is none. */
#include "base/base64.h"

#include "base/rand.h"
#include "tests/unit/base/suite.h"

static void both(const char *plain, const char *coded)
{
	struct buf b;

	buf_init(&b);
	base64_encode(&b, span_str(plain));
	ck_assert(span_eq(buf_span(&b), span_str(coded)));
	buf_clear(&b);
	buf_put(&b, "x", 1); /* it appends */
	ck_assert(base64_decode(&b, span_str(coded)));
	ck_assert(b.n == 1 + strlen(plain) && memcmp(b.p + 1, plain, strlen(plain)) == 0);
	buf_fini(&b);
}

START_TEST(test_examples)
{
	both("", "");
	both("f", "Zg==");
	both("fo", "Zm8=");
	both("foo", "Zm9v");
	both("foob", "Zm9vYg==");
	both("fooba", "Zm9vYmE=");
	both("foobar", "Zm9vYmFy");
}
END_TEST

START_TEST(test_round_trips)
{
	uint8_t bytes[300];
	struct buf coded, back;
	struct rng rng;

	rng_seed(&rng, 1);
	buf_init(&coded);
	buf_init(&back);
	for (size_t n = 0; n < sizeof bytes; n++) {
		bytes[n] = (uint8_t)rng_next(&rng);
		buf_clear(&coded);
		buf_clear(&back);
		base64_encode(&coded, span_of(bytes, n));
		ck_assert(base64_decode(&back, buf_span(&coded)));
		ck_assert(span_eq(buf_span(&back), span_of(bytes, n)));
	}
	buf_fini(&coded);
	buf_fini(&back);
}
END_TEST

START_TEST(test_refusals)
{
	static const char *const bad[] = { "Z", "Zg=", "Zg===", "Zm9vY", "Zm 9", "Zm9-", "Zm9\n", "====", "Z=g=" };
	struct buf b;

	buf_init(&b);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ck_assert_msg(!base64_decode(&b, span_str(bad[i])), "'%s' is taken", bad[i]);
		ck_assert_uint_eq(b.n, 0);
	}
	ck_assert(base64_decode(&b, span_str("Zg"))); /* without padding */
	ck_assert(span_eq(buf_span(&b), span_str("f")));
	buf_fini(&b);
}
END_TEST

SUITE_MAIN("base64", test_examples, test_round_trips, test_refusals)
