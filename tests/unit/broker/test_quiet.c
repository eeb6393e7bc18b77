/* Log lines that strangers cause: one for each and minute, and a bounded number of all. */
#include "broker/quiet.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/base/suite.h"

START_TEST(test_once_a_minute)
{
	struct quiet q = { 0 };
	uint32_t more;

	ck_assert(quiet_may(&q, "10.0.0.1", 5, &more));
	for (uint64_t at = 6; at < 5 + QUIET_MS; at += 1000)
		ck_assert(!quiet_may(&q, "10.0.0.1", at, &more));
	ck_assert(quiet_may(&q, "10.0.0.2", 6, &more)); /* another is heard meanwhile */
	ck_assert_uint_eq(more, 0);
	ck_assert(quiet_may(&q, "10.0.0.1", 5 + QUIET_MS, &more));
	ck_assert_uint_eq(more, QUIET_MS / 1000);
	ck_assert(!quiet_may(&q, "10.0.0.1", 6 + QUIET_MS, &more));
}
END_TEST

START_TEST(test_bounded)
{
	struct quiet q = { 0 };
	char who[32];
	uint32_t more, lines = 0;

	for (int i = 0; i < 100000; i++) {
		snprintf(who, sizeof who, "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
		lines += quiet_may(&q, who, 1 + (uint64_t)i / 1000, &more);
	}
	ck_assert_uint_eq(lines, QUIET_PLACES);
	ck_assert(quiet_may(&q, "10.0.0.0", 1 + QUIET_MS,
	                    &more)); /* the oldest, whom the others' silence is not counted to */
	ck_assert_uint_eq(more, 0);
	ck_assert(quiet_may(&q, "new", 1 + QUIET_MS, &more)); /* in the place of the next oldest */
}
END_TEST

START_TEST(test_long_names)
{
	struct quiet q = { 0 };
	char who[300];
	uint32_t more;

	memset(who, 'x', sizeof who);
	who[sizeof who - 1] = 0;
	ck_assert(quiet_may(&q, who, 0, &more));
	ck_assert(!quiet_may(&q, who, 0, &more));
}
END_TEST

SUITE_MAIN("quiet", test_once_a_minute, test_bounded, test_long_names)
