/* Time zones: every one that this machine has must say what the C library says, for centuries; and what is no zone is
 * refused. */
#include <ftw.h>
#include <stdio.h>

#include "base/rand.h"
#include "broker/core/civil.h"
#include "broker/core/zone_rule.h"
#include "proto/limits.h"
#include "tests/unit/base/suite.h"
#include "tests/unit/core/zonefile.h"

enum { INSTANTS = 500 };

static struct rng rng;
static int compared;

/* (Comparisons stand alone: an assertion of check costs a write.) */
static void check_part(const char *name, const struct zone *z, int64_t t)
{
	struct zone_part p = zone_part(z, t);
	long told = zonefile_offset(t);

	if (p.from > t || t >= p.to)
		ck_abort_msg("%s: %lld is not in its part", name, (long long)t);
	if (p.offset != told)
		ck_abort_msg("%s at %lld: %d, and the C library says %ld", name, (long long)t, p.offset, told);
	if ((p.from > INT64_MIN && zone_part(z, p.from - 1).to != p.from) ||
	    (p.to < INT64_MAX && zone_part(z, p.to).from != p.to))
		ck_abort_msg("%s at %lld: its parts do not meet", name, (long long)t);
	if (zone_instant(z, t + p.offset) > t || (p.from > INT64_MIN && zone_instant(z, p.from + p.offset) > p.from))
		ck_abort_msg("%s at %lld: the wall has shown it before", name, (long long)t);
}

static int compare_file(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	const char *name = path + sizeof ZONES, *why = "";
	struct buf b;
	struct zone *z;

	(void)st, (void)at;
	if (kind != FTW_F || !zone_name_ok(span_str(name)) || strcmp(name, "leapseconds") == 0)
		return 0;
	if (strncmp(name, "posix/", 6) == 0 ||
	    (strncmp(name, "right/E", 7) != 0 && name[0] == 'r')) /* the same again */
		return 0;
	buf_init(&b);
	ck_assert(zonefile_read(path, &b));
	z = zone_parse(buf_span(&b), &why);
	buf_fini(&b);
	if (strncmp(name, "right/", 6) == 0 && z == NULL) {
		ck_assert_ptr_nonnull(strstr(why, "leap seconds"));
		return 0;
	}
	ck_assert_msg(z != NULL, "%s: %s", name, why);
	zonefile_use(name);
	for (int i = 0; i < INSTANTS; i++)
		check_part(name, z, civil_days(1800, 1, 1) * DAY_S + (int64_t)rng_below(&rng, 500 * 31556952ull));
	for (int64_t t = 0; t < INT64_C(4000000000); t = zone_part(z, t).to) { /* and around every change */
		check_part(name, z, t);
		check_part(name, z, t - 1);
	}
	zone_free(z);
	compared++;
	return 0;
}

START_TEST(test_as_the_c_library)
{
	rng_seed(&rng, 7);
	ck_assert_int_eq(nftw(ZONES, compare_file, 16, FTW_PHYS), 0);
	ck_assert_int_gt(compared, 300);
}
END_TEST

START_TEST(test_dates)
{
	for (int64_t day = civil_days(-400, 1, 1); day < civil_days(2800, 1, 1); day++) {
		struct civil d = civil_date(day);

		if (civil_days(d.year, d.month, d.day) != day || d.day < 1 || d.day > civil_month_days(d.year, d.month))
			ck_abort_msg("day %lld", (long long)day);
	}
	ck_assert_int_eq(civil_days(1970, 1, 1), 0);
	ck_assert_uint_eq(civil_weekday(0), 4);
	ck_assert_uint_eq(civil_weekday(civil_days(2026, 11, 24)), 2);
	ck_assert_uint_eq(civil_weekday(civil_days(1900, 1, 1)), 1);
}
END_TEST

/* Any beginning of a file is no file, and no byte of it makes us stumble. */
START_TEST(test_spoiled)
{
	struct buf b;
	const char *why;
	struct zone *z;

	buf_init(&b);
	ck_assert(zonefile_read(ZONES "/Europe/Berlin", &b));
	for (size_t n = 0; n < b.n; n++) {
		why = "";
		ck_assert_ptr_null(zone_parse(span_of(b.p, n), &why));
		ck_assert_str_ne(why, "");
	}
	for (size_t i = 0; i < b.n; i++) {
		for (int bit = 0; bit < 8; bit++) {
			b.p[i] ^= (uint8_t)(1 << bit);
			z = zone_parse(buf_span(&b), &why);
			if (z != NULL && zone_part(z, 1700000000).from > 1700000000)
				ck_abort_msg("bit %d of byte %zu", bit, i);
			zone_free(z);
			b.p[i] ^= (uint8_t)(1 << bit);
		}
	}
	buf_room(&b, LIMIT_ZONE_BYTES);
	memset(b.p + b.n, '\n', LIMIT_ZONE_BYTES + 1 - b.n);
	ck_assert_ptr_null(zone_parse(span_of(b.p, LIMIT_ZONE_BYTES + 1), &why));
	buf_fini(&b);
}
END_TEST

START_TEST(test_names)
{
	static const char *const good[] = { "UTC",       "Europe/Berlin",          "America/Argentina/Buenos_Aires",
		                            "Etc/GMT+5", "America/Port-au-Prince", "EST5EDT" };
	static const char *const bad[] = {
		"",  "/etc/passwd",    "../etc/passwd", "Europe/../Berlin", "Europe//Berlin", "Europe/",
		".", "Europe/Ber.lin", "a b",           "Europe\\Berlin",   "tzdata.zi"
	};
	char longer[LIMIT_NAME + 2];

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		ck_assert_msg(zone_name_ok(span_str(good[i])), "%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!zone_name_ok(span_str(bad[i])), "%s", bad[i]);
	memset(longer, 'a', sizeof longer);
	ck_assert(zone_name_ok(span_of(longer, LIMIT_NAME)) && !zone_name_ok(span_of(longer, LIMIT_NAME + 1)));
	ck_assert(!zone_name_ok(span_of("a\0b", 3)));
	ck_assert(zone_name_is_utc(span_str("")) && zone_name_is_utc(span_str("UTC")));
	ck_assert(!zone_name_is_utc(span_str("Europe/Berlin")));
}
END_TEST

static int32_t offset_by(const char *rule, int64_t year, unsigned month, unsigned day, int hour)
{
	struct zone_rule r;

	ck_assert_msg(zone_rule_parse(span_str(rule), &r), "%s", rule);
	return zone_rule_part(&r, civil_days(year, month, day) * DAY_S + hour * 3600).offset;
}

START_TEST(test_rules)
{
	static const char *const bad[] = { "",
		                           "CET",
		                           "CET-1CEST",
		                           "CET-1CEST,M3.5.0",
		                           "CET-1CEST,M3.5.0,M10.5.0/3x",
		                           "CET-1CEST,M13.5.0,M10.5.0",
		                           "CET-1CEST,M3.6.0,M10.5.0",
		                           "<+01-1",
		                           "CE-1",
		                           "CET-25",
		                           "CET-1CEST,J0,J100",
		                           "CET-1CEST,J1,366",
		                           "CET-1CEST,J1/168,J100",
		                           "CET-1:60",
		                           "12345-1" };
	struct zone_rule r;

	ck_assert_int_eq(offset_by("CET-1CEST,M3.5.0,M10.5.0/3", 2031, 7, 1, 0), 7200);
	ck_assert_int_eq(offset_by("CET-1CEST,M3.5.0,M10.5.0/3", 2031, 12, 1, 0), 3600);
	ck_assert_int_eq(offset_by("IST-1GMT0,M10.5.0,M3.5.0/1", 2031, 7, 1, 0), 3600); /* Ireland's winter is less */
	ck_assert_int_eq(offset_by("IST-1GMT0,M10.5.0,M3.5.0/1", 2031, 1, 1, 0), 0);
	ck_assert_int_eq(offset_by("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 2031, 1, 1, 0), 11 * 3600);
	ck_assert_int_eq(offset_by("XXX3EDT4,0/0,J365/23", 2031, 1, 1, 4), -4 * 3600); /* summer for ever */
	ck_assert_int_eq(offset_by("XXX3EDT4,0/0,J365/23", 2032, 12, 31, 23), -4 * 3600);
	ck_assert_int_eq(offset_by("AAA0BBB,J60,J61", 2032, 3, 1, 12), 3600); /* J60 is March 1 in a leap year, too */
	ck_assert_int_eq(offset_by("AAA0BBB,59,60", 2032, 2, 29, 12), 3600);
	ck_assert_int_eq(offset_by("AAA0BBB,M3.4.4/50,M10.4.4/50", 2031, 3, 29, 1), 0); /* 50 o'clock of a Thursday */
	ck_assert_int_eq(offset_by("AAA0BBB,M3.4.4/50,M10.4.4/50", 2031, 3, 29, 3), 3600);
	ck_assert_int_eq(offset_by("AAA0BBB,M3.4.4/-1,M10.4.4", 2031, 3, 26, 23), 3600);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!zone_rule_parse(span_str(bad[i]), &r), "%s", bad[i]);
}
END_TEST

SUITE_MAIN("zone", test_as_the_c_library, test_dates, test_spoiled, test_names, test_rules)
