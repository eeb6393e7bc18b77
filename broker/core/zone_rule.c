/* See zone_rule.h. */
#include "broker/core/zone_rule.h"

#include "broker/core/civil.h"

/* ---- reading ---- */

static bool letter(uint8_t b)
{
	return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z');
}

static bool digit(uint8_t b)
{
	return b >= '0' && b <= '9';
}

static bool next_is(struct span *s, char c)
{
	if (s->n == 0 || s->p[0] != (uint8_t)c)
		return false;
	s->p++;
	s->n--;
	return true;
}

static bool read_number(struct span *s, int low, int high, int *out)
{
	int v = 0;
	size_t n = 0;

	for (; n < s->n && n < 4 && digit(s->p[n]); n++)
		v = 10 * v + (s->p[n] - '0');
	s->p += n;
	s->n -= n;
	*out = v;
	return n > 0 && v >= low && v <= high;
}

/* "CET" or "<+0330>": what people call it is of no use to us. */
static bool skip_name(struct span *s)
{
	bool quoted = next_is(s, '<');
	size_t n = 0;

	while (n < s->n && (letter(s->p[n]) || (quoted && (digit(s->p[n]) || s->p[n] == '+' || s->p[n] == '-'))))
		n++;
	s->p += n;
	s->n -= n;
	return n >= 3 && (!quoted || next_is(s, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool read_time(struct span *s, int hours, int32_t *out)
{
	bool minus = next_is(s, '-');
	int h, m = 0, sec = 0;

	if (!minus)
		(void)next_is(s, '+');
	if (!read_number(s, 0, hours, &h))
		return false;
	if (next_is(s, ':') && (!read_number(s, 0, 59, &m) || (next_is(s, ':') && !read_number(s, 0, 59, &sec))))
		return false;
	*out = (int32_t)(h * 3600 + m * 60 + sec) * (minus ? -1 : 1);
	return true;
}

static bool read_day(struct span *s, struct zone_day *d)
{
	bool good;

	if (!next_is(s, ','))
		return false;
	if (next_is(s, 'M')) {
		d->kind = DAY_OF_MONTH;
		good = read_number(s, 1, 12, &d->month) && next_is(s, '.') && read_number(s, 1, 5, &d->week) &&
		       next_is(s, '.') && read_number(s, 0, 6, &d->day);
	} else if (next_is(s, 'J')) {
		d->kind = DAY_JULIAN;
		good = read_number(s, 1, 365, &d->day);
	} else {
		d->kind = DAY_OF_YEAR;
		good = read_number(s, 0, 365, &d->day);
	}
	d->time = 2 * 3600;
	return good && (!next_is(s, '/') || read_time(s, 167, &d->time));
}

bool zone_rule_parse(struct span s, struct zone_rule *r)
{
	int32_t west;

	*r = (struct zone_rule){ 0 };
	if (!skip_name(&s) || !read_time(&s, 24, &west))
		return false;
	r->standard = -west; /* POSIX counts to the west */
	r->changes = s.n > 0;
	if (!r->changes)
		return true;
	if (!skip_name(&s))
		return false;
	r->summer = r->standard + 3600;
	if (s.n > 0 && s.p[0] != ',') {
		if (!read_time(&s, 24, &west))
			return false;
		r->summer = -west;
	}
	return read_day(&s, &r->begin) && read_day(&s, &r->end) && s.n == 0;
}

/* ---- looking up ---- */

/* The local time of the change in that year. */
static int64_t day_in(const struct zone_day *d, int64_t year)
{
	int64_t first = civil_days(year, 1, 1), day;
	unsigned most;

	switch (d->kind) {
	case DAY_JULIAN:
		return (first + d->day - 1 + (civil_leap(year) && d->day >= 60)) * DAY_S + d->time;
	case DAY_OF_YEAR:
		return (first + d->day) * DAY_S + d->time;
	case DAY_OF_MONTH:
		break;
	}
	first = civil_days(year, (unsigned)d->month, 1);
	most = civil_month_days(year, (unsigned)d->month);
	day = (d->day - (int)civil_weekday(first) + 7) % 7 + (int64_t)(d->week - 1) * 7;
	if (day >= (int64_t)most)
		day -= 7;
	return (first + day) * DAY_S + d->time;
}

struct change {
	int64_t at;
	int32_t offset;
};

enum { YEARS_AROUND = 2, CHANGES = 2 * (2 * YEARS_AROUND + 1) };

/* In order of time. Where summer ends as the next one begins, as in a rule of summer for ever, the beginning counts. */
static void add_change(struct change *v, int n, struct change new)
{
	int i = n;

	for (; i > 0 && v[i - 1].at > new.at; i--)
		v[i] = v[i - 1];
	v[i] = new;
}

struct zone_part zone_rule_part(const struct zone_rule *r, int64_t t)
{
	struct zone_part part = { INT64_MIN, INT64_MAX, r->standard };
	struct change v[CHANGES];
	int64_t year = civil_date(civil_floor(t, DAY_S)).year;
	int n = 0;

	if (!r->changes)
		return part;
	for (int64_t y = year - YEARS_AROUND; y <= year + YEARS_AROUND; y++)
		add_change(v, n++, (struct change){ day_in(&r->end, y) - r->summer, r->standard });
	for (int64_t y = year - YEARS_AROUND; y <= year + YEARS_AROUND; y++)
		add_change(v, n++, (struct change){ day_in(&r->begin, y) - r->standard, r->summer });
	for (int i = 0; i < n && part.to == INT64_MAX; i++) {
		if (v[i].at <= t) {
			part.from = v[i].at;
			part.offset = v[i].offset;
		} else {
			part.to = v[i].at;
		}
	}
	must(part.from > INT64_MIN && part.to < INT64_MAX);
	return part;
}
