/* Reading schedules: what is good means what it should, what is bad is told where and why. */
#include "base/text.h"
#include "broker/core/civil.h"
#include "broker/core/cronspec.h"
#include "proto/limits.h"
#include "tests/unit/base/suite.h"

static char why[256];

static struct cronspec parse(const char *text)
{
	struct cronspec s;

	ck_assert_msg(cronspec_parse(span_str(text), &s, why, sizeof why), "%s: %s", text, why);
	return s;
}

/* Milliseconds of a time in UTC. */
static uint64_t ms(int64_t year, unsigned month, unsigned day, int hour, int minute)
{
	return (uint64_t)(civil_days(year, month, day) * DAY_S + hour * 3600 + minute * 60) * 1000;
}

/* The first time after 2026-01-01 00:00 UTC, a Thursday, as text. */
static const char *first(const char *text)
{
	static char out[32];
	struct cronspec s = parse(text);
	uint64_t t = cronspec_next(&s, NULL, 0, ms(2026, 1, 1, 0, 0)) / 1000;
	struct civil d = civil_date((int64_t)(t / 86400));

	text_format(out, sizeof out, "%d-%02u-%02u %02u:%02u", (int)d.year, d.month, d.day, (unsigned)(t / 3600 % 24),
	            (unsigned)(t / 60 % 60));
	ck_assert_uint_eq(t % 60, 0);
	return out;
}

START_TEST(test_meaning)
{
	static const char *const table[][2] = {
		{ "* * * * *", "2026-01-01 00:01" },
		{ "*/5 * * * *", "2026-01-01 00:05" },
		{ "0 * * * *", "2026-01-01 01:00" },
		{ "30 6 * * *", "2026-01-01 06:30" },
		{ "59 23 31 12 *", "2026-12-31 23:59" },
		{ "0 0 * * SUN", "2026-01-04 00:00" },
		{ "0 0 * * 7", "2026-01-04 00:00" },
		{ "0 0 * * 0", "2026-01-04 00:00" },
		{ "0 0 * * fri-sun", "2026-01-02 00:00" },
		{ "0 0 * * 5-7", "2026-01-02 00:00" },
		{ "0 0 * * Mon,Wed", "2026-01-05 00:00" },
		{ "0 0 1 FEB *", "2026-02-01 00:00" },
		{ "0 0 1 feb-apr/2 *", "2026-02-01 00:00" },
		{ "0 0 29 2 *", "2028-02-29 00:00" },
		{ "10-20/5,40 1 * * *", "2026-01-01 01:10" },
		{ "0 9-17 * * MON-FRI", "2026-01-01 09:00" },
		{ "0 0 13 * FRI", "2026-01-02 00:00" },   /* the 13th or a Friday */
		{ "0 0 */13 * FRI", "2026-02-27 00:00" }, /* days 1, 14, 27 and a Friday: one field begins with * */
		{ "0 0 2-31 * *", "2026-01-02 00:00" },
		{ "0 0 31 * *", "2026-01-31 00:00" },
		{ "\t 0   12  * *\t* ", "2026-01-01 12:00" },
		{ "@hourly", "2026-01-01 01:00" },
		{ "@daily", "2026-01-02 00:00" },
		{ "@midnight", "2026-01-02 00:00" },
		{ "@weekly", "2026-01-04 00:00" },
		{ "@monthly", "2026-02-01 00:00" },
		{ "@yearly", "2027-01-01 00:00" },
		{ "@ANNUALLY", "2027-01-01 00:00" },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		ck_assert_msg(strcmp(first(table[i][0]), table[i][1]) == 0, "%s: %s", table[i][0], first(table[i][0]));
}
END_TEST

START_TEST(test_every)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} table[] = { { "@every 1s", 1000 },     { "@every 90s", 90000 },         { "@every 1h30m", 5400000 },
		      { "@every 1d", 86400000 }, { "@every  5m", 300000 },        { "@Every 2H", 7200000 },
		      { "@every 1m1s", 61000 },  { "@every 3650d", 315360000000 } };

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct cronspec s = parse(table[i].text);

		ck_assert_uint_eq(s.every_ms, table[i].ms);
		ck_assert_uint_eq(cronspec_next(&s, NULL, 5000, 5000), 5000 + table[i].ms);
		ck_assert_uint_eq(cronspec_next(&s, NULL, 5000, 4999 + table[i].ms), 5000 + table[i].ms);
		ck_assert_uint_eq(cronspec_next(&s, NULL, 5000, 5000 + table[i].ms), 5000 + 2 * table[i].ms);
		ck_assert_uint_eq(cronspec_next(&s, NULL, 5000, 3), 5000 + table[i].ms);
	}
}
END_TEST

START_TEST(test_refused)
{
	static const char *const table[][2] = {
		{ "",
		  "a schedule has five fields, minute hour day-of-month month day-of-week, such as '30 6 * * MON-FRI'; "
		  "here is none" },
		{ "* * * *", "a schedule has five fields, minute hour day-of-month month day-of-week, such as "
		             "'30 6 * * MON-FRI'; here are fewer" },
		{ "* * * * * *", "a schedule has five fields, minute hour day-of-month month day-of-week, such as "
		                 "'30 6 * * MON-FRI'; here are more (for seconds say '@every 10s')" },
		{ "60 * * * *", "minute '60': allowed is 0 to 59" },
		{ "-1 * * * *", "minute '-1': allowed is 0 to 59" },
		{ "1- * * * *", "minute '1-': allowed is 0 to 59" },
		{ "* 24 * * *", "hour '24': allowed is 0 to 23" },
		{ "* * 0 * *", "day of month '0': allowed is 1 to 31" },
		{ "* * L * *", "day of month 'L': allowed is 1 to 31" },
		{ "* * ? * *", "day of month '?': allowed is 1 to 31" },
		{ "* * * 13 *", "month '13': allowed is 1 to 12 or JAN to DEC" },
		{ "* * * JANUARY *", "month 'JANUARY': allowed is 1 to 12 or JAN to DEC" },
		{ "* * * * 8", "day of week '8': allowed is 0 to 7 (0 and 7 are Sunday) or SUN to SAT" },
		{ "* * * * 5#3", "day of week '5#3': allowed is 0 to 7 (0 and 7 are Sunday) or SUN to SAT" },
		{ "* * * * *-5", "day of week '*-5': allowed is 0 to 7 (0 and 7 are Sunday) or SUN to SAT" },
		{ "1,,2 * * * *", "minute '1,,2': between commas stands a number; allowed is 0 to 59" },
		{ "1, * * * *", "minute '1,': between commas stands a number; allowed is 0 to 59" },
		{ "* 22-5 * * *", "hour '22-5': a range goes from low to high; one that goes round the end is two: "
		                  "22-23,0-5" },
		{ "5/15 * * * *", "minute '5/15': a step stands behind * or a range, such as */5 or 10-50/5" },
		{ "*/0 * * * *", "minute '*/0': a step is a number from 1 to what the field goes up to; for every 90 "
		                 "minutes say '@every 90m'" },
		{ "*/90 * * * *", "minute '*/90': a step is a number from 1 to what the field goes up to; for every 90 "
		                  "minutes say '@every 90m'" },
		{ "0 */ * * *", "hour '*/': a step is a number from 1 to what the field goes up to" },
		{ "0 0 30 2 *", "day of month '30' with month '2' and day of week '*': there is no such day" },
		{ "0 0 31 4,JUN,9,NOV *",
		  "day of month '31' with month '4,JUN,9,NOV' and day of week '*': there is no such day" },
		{ "@fortnightly",
		  "'@fortnightly' is none of @hourly, @daily, @weekly, @monthly, @yearly and '@every 90s'" },
		{ "@reboot", "'@reboot' is none of @hourly, @daily, @weekly, @monthly, @yearly and '@every 90s'" },
		{ "@every", "@every '': allowed is a duration from 1s to ten years, such as 90s, 5m, 1h30m or 1d" },
		{ "@every 90",
		  "@every '90': allowed is a duration from 1s to ten years, such as 90s, 5m, 1h30m or 1d" },
		{ "@every 500ms",
		  "@every '500ms': allowed is a duration from 1s to ten years, such as 90s, 5m, 1h30m or 1d" },
		{ "@every 0s",
		  "@every '0s': allowed is a duration from 1s to ten years, such as 90s, 5m, 1h30m or 1d" },
		{ "@every 4000d",
		  "@every '4000d': allowed is a duration from 1s to ten years, such as 90s, 5m, 1h30m or 1d" },
		{ "@every 999999999d",
		  "@every '999999999d': allowed is a duration from 1s to ten years, such as 90s, 5m, 1h30m or 1d" },
	};
	char longer[LIMIT_CRON_SPEC + 2];
	struct cronspec s;

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		ck_assert_msg(!cronspec_parse(span_str(table[i][0]), &s, why, sizeof why), "%s", table[i][0]);
		ck_assert_str_eq(why, table[i][1]);
	}
	memset(longer, '1', sizeof longer);
	ck_assert(!cronspec_parse(span_of(longer, LIMIT_CRON_SPEC + 1), &s, why, sizeof why));
	ck_assert_str_eq(why, "a schedule has at most 256 bytes");
	ck_assert(!cronspec_parse(span_of(longer, LIMIT_CRON_SPEC), &s, why, sizeof why));
	ck_assert(!cronspec_parse(span_of("* *\0* * *", 9), &s, why, sizeof why));
}
END_TEST

/* A day that comes once in 27 years is found; the last one before a time is found, however long ago. */
START_TEST(test_rare)
{
	struct cronspec s = parse("0 0 29 2 */6"), often = parse("*/10 9 * * 1"), every = parse("@every 7s");

	ck_assert_uint_eq(cronspec_next(&s, NULL, 0, ms(2089, 1, 1, 0, 0)), ms(2116, 2, 29, 0, 0));
	ck_assert_uint_eq(cronspec_last(&often, NULL, 0, 0, ms(2026, 11, 24, 12, 0)), ms(2026, 11, 23, 9, 50));
	ck_assert_uint_eq(cronspec_last(&often, NULL, 0, ms(2026, 11, 23, 9, 50), ms(2026, 11, 24, 12, 0)), CRON_NEVER);
	ck_assert_uint_eq(cronspec_last(&often, NULL, 0, ms(2026, 11, 23, 9, 49), ms(2026, 11, 23, 9, 50)),
	                  ms(2026, 11, 23, 9, 50));
	ck_assert_uint_eq(cronspec_last(&every, NULL, 1000, 0, 1000000), 995000);
}
END_TEST

SUITE_MAIN("cronspec", test_meaning, test_every, test_refused, test_rare)
