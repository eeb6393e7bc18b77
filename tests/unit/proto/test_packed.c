/* Packed messages: what is whole is taken, what is not is refused, whatever the lengths say. */
#include <check.h>
#include <stdlib.h>

#include "proto/packed.h"
#include "tests/unit/base/suite.h"

static const uint8_t three[] = { 0, 0, 0, 1, 'a', 0, 0, 0, 2, 'b', 'b', 0, 0, 0, 3, 'c', 'c', 'c' };

static bool ok(const uint8_t *p, size_t n, uint32_t count, uint64_t most, const char *says)
{
	const char *why = "";
	bool good = packed_ok(span_of(p, n), count, most, &why);

	if (!good)
		ck_assert_ptr_nonnull(strstr(why, says));
	return good;
}

START_TEST(test_count_and_sizes)
{
	static const uint8_t empty[] = { 0, 0, 0, 0 };

	ck_assert(ok(three, sizeof three, 3, 3, ""));
	ck_assert(!ok(three, sizeof three, 2, 3, "more bytes"));
	ck_assert(!ok(three, sizeof three, 4, 3, "fewer messages"));
	ck_assert(!ok(three, sizeof three, 3, 2, "larger"));
	ck_assert(!ok(empty, sizeof empty, 1, 3, "at least one byte"));
}
END_TEST

/* Cut anywhere it is refused, and nothing beyond is looked at (the sanitizer does). */
START_TEST(test_cut)
{
	for (size_t n = 0; n < sizeof three; n++) {
		uint8_t *copy = malloc(n + 1);

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, three, n);
		ck_assert(!ok(copy, n, 3, 1000, "fewer messages"));
		free(copy);
	}
}
END_TEST

START_TEST(test_lengths_that_lie)
{
	static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff, 'a' };

	ck_assert(!ok(huge, sizeof huge, 1, UINT64_MAX, "fewer messages"));
}
END_TEST

START_TEST(test_pick)
{
	struct buf b;

	buf_init(&b);
	ck_assert(packed_pick(span_of(three, sizeof three), 5, &b));
	ck_assert_uint_eq(b.n, 5 + 7);
	ck_assert_mem_eq(b.p, three, 5);
	ck_assert_mem_eq(b.p + 5, three + 11, 7);
	buf_clear(&b);
	ck_assert(packed_pick(span_of(three, sizeof three), 7, &b));
	ck_assert_mem_eq(b.p, three, sizeof three);
	ck_assert(!packed_pick(span_of(three, sizeof three), 8, &b));
	ck_assert(!packed_pick(span_of(three, sizeof three - 1), 4, &b));
	buf_fini(&b);
}
END_TEST

SUITE_MAIN("packed", test_count_and_sizes, test_cut, test_lengths_that_lie, test_pick)
