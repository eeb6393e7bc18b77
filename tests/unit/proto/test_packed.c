/* Packed messages: what is whole is taken, what is not is refused, whatever the lengths say. */
#include <check.h>
#include <stdlib.h>

#include "proto/packed.h"
#include "tests/unit/base/suite.h"

static const uint8_t three[] = { 0, 0, 0, 1, 'a', 0, 0, 0, 2, 'b', 'b', 0, 0, 0, 3, 'c', 'c', 'c' };

/* How many messages are whole. */
static uint32_t whole(const uint8_t *p, size_t n, size_t *left)
{
	struct span rest = span_of(p, n), message;
	uint32_t count = 0;

	while (packed_next(&rest, &message)) {
		ck_assert(message.p >= p && message.p + message.n <= p + n);
		count++;
	}
	*left = rest.n;
	return count;
}

START_TEST(test_next)
{
	size_t left;

	ck_assert_uint_eq(whole(three, sizeof three, &left), 3);
	ck_assert_uint_eq(left, 0);
}
END_TEST

/* Cut anywhere only what is whole is taken, and nothing beyond is looked at (the sanitizer does). */
START_TEST(test_cut)
{
	for (size_t n = 0; n < sizeof three; n++) {
		uint8_t *copy = malloc(n + 1);
		size_t left;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, three, n);
		ck_assert_uint_eq(whole(copy, n, &left), n < 5 ? 0 : n < 11 ? 1 : 2);
		free(copy);
	}
}
END_TEST

START_TEST(test_lengths_that_lie)
{
	static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff, 'a' };
	size_t left;

	ck_assert_uint_eq(whole(huge, sizeof huge, &left), 0);
	ck_assert_uint_eq(left, sizeof huge);
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

SUITE_MAIN("packed", test_next, test_cut, test_lengths_that_lie, test_pick)
