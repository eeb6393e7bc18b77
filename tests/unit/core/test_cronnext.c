/* When schedules are due, where clocks are changed: held against a walk over every minute with the C library's local
 * time, in zones of all kinds. */
#include <stdio.h>

#include "broker/core/civil.h"
#include "broker/core/cronspec.h"
#include "tests/unit/base/suite.h"
#include "tests/unit/core/zonefile.h"

struct walk {
	const char *zone;
	const struct cronspec *spec;
	const char *text;
	const struct zone *z;
	uint64_t next; /* that cronspec_next says */
	uint64_t due;  /* how many there were */
};

/* The walk says that it is due at t. (Comparisons stand alone: an assertion of check costs a write.) */
static void due(struct walk *w, int64_t t)
{
	if (w->next != (uint64_t)t * 1000)
		ck_abort_msg("%s in %s: due at %lld, and it says %lld", w->text, w->zone, (long long)t,
		             (long long)w->next / 1000);
	w->next = cronspec_next(w->spec, w->z, 0, w->next);
	w->due++;
}

static bool fits(const struct cronspec *s, int64_t local)
{
	int64_t day = civil_floor(local, DAY_S), second = local - day * DAY_S;
	struct civil d;
	bool by_month, by_week;

	if (second % 60 != 0 || !(s->hours >> second / 3600 & 1) || !(s->minutes >> second / 60 % 60 & 1))
		return false;
	d = civil_date(day);
	by_month = s->days >> d.day & 1;
	by_week = s->weekdays >> civil_weekday(day) & 1;
	return (s->months >> d.month & 1) && (s->both_days ? by_month && by_week : by_month || by_week);
}

enum { DAYS = 8, MINUTES = DAYS * 1440 };

static int64_t shown[MINUTES]; /* what the wall shows at each minute of some days */

static void read_wall(int64_t from)
{
	for (int i = 0; i < MINUTES; i++)
		shown[i] = from + (int64_t)60 * i + zonefile_offset(from + (int64_t)60 * i);
}

/* Every minute of some days that begin at `from`. */
static void walk(struct walk *w, int64_t from)
{
	int64_t seen = shown[0]; /* the last local time that the wall has shown */

	w->next = cronspec_next(w->spec, w->z, 0, (uint64_t)from * 1000);
	for (int i = 1; i < MINUTES; i++) {
		int64_t t = from + (int64_t)60 * i, local = shown[i];
		bool now = false;

		if (w->spec->by_wall) {
			now = fits(w->spec, local);
		} else {
			for (int64_t l = seen + 60; l <= local && !now;
			     l += 60) /* what was skipped, and what is shown */
				now = fits(w->spec, l);
			seen = local > seen ? local : seen;
		}
		if (now)
			due(w, t);
		if (w->next / 1000 <= (uint64_t)t)
			ck_abort_msg("%s in %s: %lld was not due", w->text, w->zone, (long long)w->next / 1000);
	}
}

static const char *const specs[] = { "*/15 * * * *",    "30 2 * * *",       "0 0 * * *",    "15,45 1-3 * * *",
	                             "0 */2 * * *",     "*/20 0-4 * * 6,0", "59 23 * * *",  "0 3 29-31 3,10 *",
	                             "7 1,2 1-7 * SUN", "5 0-23/3 * * *",   "0 12 1-15 * 1" };

static uint64_t walk_all(const char *zone, const struct zone *z, int64_t from)
{
	uint64_t n = 0;

	read_wall(from);
	for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
		struct cronspec s;
		char why[200];
		struct walk w = { .zone = zone, .spec = &s, .text = specs[i], .z = z };

		ck_assert(cronspec_parse(span_str(specs[i]), &s, why, sizeof why));
		walk(&w, from);
		n += w.due;
	}
	return n;
}

/* The days around every change of the clocks in those years, and around each new year. */
static void years(const char *zone, const int *v, size_t n)
{
	struct zone *z = zonefile_load(zone);

	zonefile_use(zone);
	for (size_t k = 0; k < n; k++) {
		int64_t from = civil_days(v[k], 1, 1) * DAY_S, to = civil_days(v[k] + 1, 1, 1) * DAY_S;

		ck_assert_uint_gt(walk_all(zone, z, from), 0);
		for (int64_t t = zone_part(z, from).to; t < to; t = zone_part(z, t).to)
			ck_assert_uint_gt(walk_all(zone, z, civil_floor(t, DAY_S) * DAY_S - 4 * DAY_S), 0);
	}
	zone_free(z);
}

#define YEARS(zone, ...)                                                                                               \
	do {                                                                                                           \
		static const int v[] = { __VA_ARGS__ };                                                                \
		years(zone, v, sizeof v / sizeof v[0]);                                                                \
	} while (0)

START_TEST(test_half_an_hour)
{
	YEARS("Australia/Lord_Howe", 2024, 2045); /* puts its clocks by half an hour */
}
END_TEST

START_TEST(test_ordinary)
{
	YEARS("Europe/Berlin", 2026, 2080);
	YEARS("America/New_York", 2006, 2007); /* the year in which the rule changed */
	YEARS("Europe/Dublin", 2026);          /* whose winter is the exception */
	YEARS("UTC", 2024);
}
END_TEST

START_TEST(test_odd_offsets)
{
	YEARS("Asia/Kathmandu", 1985, 1986); /* moved by a quarter of an hour */
	YEARS("Pacific/Chatham", 2026);
	YEARS("Asia/Tehran", 2021, 2022); /* changed at midnight; then no more */
}
END_TEST

START_TEST(test_politics)
{
	YEARS("Africa/Casablanca", 2018, 2026); /* clocks go back for Ramadan */
	YEARS("America/Sao_Paulo", 2017, 2018); /* changed at midnight: there was no 00:00 */
	YEARS("Africa/Cairo", 2014);            /* four changes in a year */
	YEARS("Asia/Pyongyang", 2015, 2018);
}
END_TEST

START_TEST(test_days_lost)
{
	YEARS("Pacific/Apia", 2011);           /* there was no December 30 */
	YEARS("America/Caracas", 2007);        /* half an hour back, at 03:00 */
	YEARS("Antarctica/Troll", 2026);       /* two hours */
	YEARS("Antarctica/Casey", 2018, 2020); /* three hours, back and forth */
}
END_TEST

static const char *in_berlin(const char *spec, uint64_t after_s)
{
	static char out[200];
	struct zone *z = zonefile_load("Europe/Berlin");
	uint64_t t = after_s * 1000;
	struct cronspec s;
	size_t n = 0;

	ck_assert(cronspec_parse(span_str(spec), &s, out, sizeof out));
	for (int i = 0; i < 4; i++) {
		t = cronspec_next(&s, z, 0, t);
		n += (size_t)snprintf(out + n, sizeof out - n, "%s%llu", i ? " " : "",
		                      (unsigned long long)(t / 1000 - after_s) / 60);
	}
	zone_free(z);
	return out;
}

/* The rules as they are told to people, in minutes after 2026-03-29 00:30 UTC (01:30 in Berlin, half an hour before the
 * clocks go from 02:00 to 03:00) and after 2026-10-24 23:30 UTC (01:30, an hour and a half before they go from 03:00 to
 * 02:00). */
START_TEST(test_told)
{
	const uint64_t spring = 1774744200, autumn = 1792884600;

	ck_assert_str_eq(in_berlin("30 2 * * *", spring), "30 1440 2880 4320");      /* right after the gap: 03:00 */
	ck_assert_str_eq(in_berlin("0,20,40 2 * * *", spring), "30 1410 1430 1450"); /* once for all that was skipped */
	ck_assert_str_eq(in_berlin("30 2 * * *", autumn), "60 1560 3000 4440");      /* the first 02:30 only */
	ck_assert_str_eq(in_berlin("30 * * * *", spring), "60 120 180 240");
	ck_assert_str_eq(in_berlin("30 * * * *", autumn), "60 120 180 240");  /* 02:30 twice: elapsed time */
	ck_assert_str_eq(in_berlin("0 */2 * * *", spring), "90 210 330 450"); /* 04:00 */
	ck_assert_str_eq(in_berlin("@every 1h", autumn), "30 90 150 210");
}
END_TEST

SUITE_MAIN("cronnext", test_ordinary, test_half_an_hour, test_odd_offsets, test_politics, test_days_lost, test_told)
