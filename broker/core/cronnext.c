/* When a schedule is due; see cronspec.h. */
#include "broker/core/civil.h"
#include "broker/core/cronspec.h"

enum { YEARS_MOST = 100, HALVINGS = 64 };

#define HORIZON_S ((int64_t)YEARS_MOST * 366 * DAY_S)

static bool day_fits(const struct cronspec *s, const struct civil *date, int64_t day)
{
	bool by_month = s->days >> date->day & 1, by_week = s->weekdays >> civil_weekday(day) & 1;

	return s->both_days ? by_month && by_week : by_month || by_week;
}

/* The first minute of a day from `minute` on that fits; -1: none. */
static int minute_from(const struct cronspec *s, int minute)
{
	int hour = minute / 60;
	uint64_t minutes = s->minutes & UINT64_MAX << minute % 60;

	for (; hour < 24; hour++, minutes = s->minutes)
		if ((s->hours >> hour & 1) && minutes != 0)
			return hour * 60 + __builtin_ctzll(minutes);
	return -1;
}

/* The first local time that fits in [from, until), or INT64_MAX. */
static int64_t next_local(const struct cronspec *s, int64_t from, int64_t until)
{
	int64_t day = civil_floor(from, DAY_S), last = civil_floor(until - 1, DAY_S);
	int minute = (int)((from - day * DAY_S + 59) / 60);

	if (minute == 24 * 60) {
		minute = 0;
		day++;
	}
	for (; day <= last; minute = 0) {
		struct civil date = civil_date(day);
		int found;

		if (!(s->months >> date.month & 1)) {
			day += civil_month_days(date.year, date.month) - date.day + 1;
			continue;
		}
		found = day_fits(s, &date, day) ? minute_from(s, minute) : -1;
		if (found >= 0) {
			int64_t local = day * DAY_S + (int64_t)found * 60;

			return local < until ? local : INT64_MAX;
		}
		day++;
	}
	return INT64_MAX;
}

/* Minute after minute of what the wall shows: within each part of the zone on its own. */
static int64_t next_by_wall(const struct cronspec *s, const struct zone *z, int64_t after)
{
	int64_t t = after + 1, horizon = after + HORIZON_S;

	while (t < horizon) {
		struct zone_part part = zone_part(z, t);
		int64_t to = part.to < horizon ? part.to : horizon;
		int64_t local = next_local(s, t + part.offset, to + part.offset);

		if (local != INT64_MAX)
			return local - part.offset;
		t = to;
	}
	return INT64_MAX;
}

/* Once for each local time. */
static int64_t next_by_hours(const struct cronspec *s, const struct zone *z, int64_t after)
{
	int64_t local = after + zone_part(z, after).offset, horizon = local + HORIZON_S;

	while ((local = next_local(s, local, horizon)) != INT64_MAX) {
		int64_t t = zone_instant(z, local);

		if (t > after)
			return t;
		local += 60; /* it was there before the clocks were put back, or it was skipped just now */
	}
	return INT64_MAX;
}

uint64_t cronspec_next(const struct cronspec *s, const struct zone *z, uint64_t anchor_ms, uint64_t after_ms)
{
	int64_t t, after = (int64_t)(after_ms / 1000);

	if (s->every_ms > 0) {
		uint64_t passed = after_ms < anchor_ms ? 0 : (after_ms - anchor_ms) / s->every_ms;

		return anchor_ms + (passed + 1) * s->every_ms;
	}
	t = s->by_wall ? next_by_wall(s, z, after) : next_by_hours(s, z, after);
	return t == INT64_MAX ? CRON_NEVER : (uint64_t)t * 1000;
}

uint64_t cronspec_last(const struct cronspec *s, const struct zone *z, uint64_t anchor_ms, uint64_t after_ms,
                       uint64_t now_ms)
{
	uint64_t last = cronspec_next(s, z, anchor_ms, after_ms), low = after_ms, high = now_ms;

	if (last > now_ms)
		return CRON_NEVER;
	/* next(low) is `last`, and next(high) is behind now */
	for (int i = 0; i < HALVINGS && low < high && high - low > 1; i++) {
		uint64_t middle = low + (high - low) / 2, next = cronspec_next(s, z, anchor_ms, middle);

		if (next <= now_ms) {
			low = middle;
			last = next;
		} else {
			high = middle;
		}
	}
	return last;
}
