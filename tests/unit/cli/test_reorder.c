/* The reorder buffer: whatever the order in which numbers come, they leave in theirs. */
#include "client/cli/reorder.h"

#include <stdio.h>

#include "base/rand.h"
#include "tests/unit/base/suite.h"

enum { WINDOW = 64, NUMBERS = 100000 };

static void take(struct reorder *r, const char *first, const char *second)
{
	struct span a, b;

	ck_assert(reorder_take(r, &a, &b));
	ck_assert(span_eq(a, span_str(first)));
	ck_assert(span_eq(b, span_str(second)));
}

START_TEST(test_simple)
{
	struct reorder r;
	struct span a, b;

	reorder_init(&r, 1, 4);
	ck_assert(!reorder_take(&r, &a, &b));
	reorder_put(&r, 3, span_str("three"), span_str(""));
	reorder_put(&r, 2, span_str(""), span_str("two"));
	ck_assert_uint_eq(r.bytes, 8);
	ck_assert(!reorder_take(&r, &a, &b));
	ck_assert(reorder_has_room(&r, 4));
	ck_assert(!reorder_has_room(&r, 5));
	reorder_pass(&r); /* 1 */
	ck_assert(reorder_has_room(&r, 5));
	take(&r, "", "two");
	take(&r, "three", "");
	ck_assert(!reorder_take(&r, &a, &b));
	ck_assert_uint_eq(r.bytes, 0);
	ck_assert_uint_eq(r.next, 4);
	reorder_put(&r, 6, span_str("left behind"), span_str(""));
	reorder_fini(&r);
}
END_TEST

/* Numbers come in random order within the window. */
START_TEST(test_random)
{
	struct rng rng;
	struct reorder r;
	uint64_t flying[WINDOW], next = 0, expected = 0;
	unsigned int n = 0;
	struct span a, b;
	char text[32];

	rng_seed(&rng, 7);
	reorder_init(&r, 0, WINDOW);
	while (expected < NUMBERS) {
		while (n < WINDOW && next < NUMBERS && reorder_has_room(&r, next))
			flying[n++] = next++;
		if (n > 0) {
			unsigned int i = (unsigned int)rng_below(&rng, n);
			int length = snprintf(text, sizeof text, "%llu", (unsigned long long)flying[i]);

			reorder_put(&r, flying[i], span_of(text, (size_t)length), span_str("x"));
			flying[i] = flying[--n];
		}
		while (reorder_take(&r, &a, &b)) {
			int length = snprintf(text, sizeof text, "%llu", (unsigned long long)expected++);

			ck_assert(span_eq(a, span_of(text, (size_t)length)));
			ck_assert(span_eq(b, span_str("x")));
		}
	}
	ck_assert_uint_eq(r.bytes, 0);
	reorder_fini(&r);
}
END_TEST

SUITE_MAIN("reorder", test_simple, test_random)
