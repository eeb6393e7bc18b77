/* The histogram: percentiles within 1.6 % of the truth, over the whole range. */
#include "client/cli/hist.h"

#include "base/rand.h"
#include "tests/unit/base/suite.h"

static struct hist h;

START_TEST(test_empty_and_one)
{
	hist_clear(&h);
	ck_assert_uint_eq(hist_percentile(&h, 0.5), 0);
	hist_add(&h, 0);
	ck_assert_uint_eq(hist_percentile(&h, 1), 0);
	hist_clear(&h);
	hist_add(&h, UINT64_MAX);
	ck_assert_uint_eq(hist_percentile(&h, 0), UINT64_MAX);
	ck_assert_uint_eq(h.most, UINT64_MAX);
}
END_TEST

static void near_to(uint64_t got, uint64_t want)
{
	ck_assert_msg(got >= want && got <= want + want / 63 + 1, "%llu is not near %llu", (unsigned long long)got,
	              (unsigned long long)want);
}

START_TEST(test_even)
{
	hist_clear(&h);
	for (uint64_t i = 1; i <= 100000; i++)
		hist_add(&h, i);
	near_to(hist_percentile(&h, 0.5), 50000);
	near_to(hist_percentile(&h, 0.99), 99000);
	near_to(hist_percentile(&h, 0.999), 99900);
	ck_assert_uint_eq(hist_percentile(&h, 1), 100000);
	ck_assert_uint_eq(hist_percentile(&h, 0), 1);
}
END_TEST

START_TEST(test_each_alone)
{
	struct rng rng;

	rng_seed(&rng, 3);
	for (int i = 0; i < 3000; i++) {
		uint64_t v = rng_next(&rng) >> rng_below(&rng, 64);

		hist_clear(&h);
		hist_add(&h, v);
		ck_assert_uint_eq(hist_percentile(&h, 0.5), v); /* never above the highest */
		hist_add(&h, UINT64_MAX);
		near_to(hist_percentile(&h, 0.5), v);
	}
}
END_TEST

SUITE_MAIN("hist", test_empty_and_one, test_even, test_each_alone)
