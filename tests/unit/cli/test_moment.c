/* Times in a zone, and how far off they are. */
#include "client/cli/moment.h"

#include "tests/unit/base/suite.h"

static char out[MOMENT];

START_TEST(test_show)
{
	ck_assert_str_eq(moment_show(&(struct msg_cron_time){ 1795521600000, 3600 }, out),
	                 "Tue 2026-11-24 13:00:00+01:00");
	ck_assert_str_eq(moment_show(&(struct msg_cron_time){ 1795521600007, -12600 }, out),
	                 "Tue 2026-11-24 08:30:00.007-03:30");
	ck_assert_str_eq(moment_show(&(struct msg_cron_time){ 1795564800000, 0 }, out),
	                 "Wed 2026-11-25 00:00:00+00:00");
	ck_assert_str_eq(moment_show(&(struct msg_cron_time){ 0, 3600 }, out), "-");
	ck_assert_str_eq(
	    moment_show(&(struct msg_cron_time){ UINT64_MAX, INT32_MIN }, out),
	    moment_show(&(struct msg_cron_time){ UINT64_MAX, INT32_MIN }, out)); /* whatever comes, it fits */
}
END_TEST

START_TEST(test_local)
{
	ck_assert_str_eq(moment_local(&(struct msg_cron_time){ 1795521600000, 20700 }, out),
	                 "2026-11-24T17:45:00.000+05:45");
	ck_assert_str_eq(moment_local(&(struct msg_cron_time){ 0, 0 }, out), "");
}
END_TEST

static const char *distance(uint64_t at, uint64_t now)
{
	return moment_distance(&(struct msg_cron_time){ at, 0 }, now, out);
}

START_TEST(test_distance)
{
	ck_assert_str_eq(distance(1000, 1000), "0ms ago");
	ck_assert_str_eq(distance(3500, 1000), "in 2.5s");
	ck_assert_str_eq(distance(1000, 193000), "3m12s ago");
	ck_assert_str_eq(distance(1000 + 47 * 3600000, 1000), "in 47h00m");
	ck_assert_str_eq(distance(1000 + 50 * 3600000, 1000), "in 2d");
	ck_assert_str_eq(distance(0, 1000), "");
}
END_TEST

SUITE_MAIN("moment", test_show, test_local, test_distance)
