/* Durations, sizes and numbers as people type them: what is taken, and what is refused and leaves the
 * result alone. */
#include "base/units.h"

#include <inttypes.h>

#include "tests/unit/base/suite.h"

enum { UNTOUCHED = 4711 };

START_TEST(test_duration)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {
		{ "0", 0 },          { "0s", 0 },      { "500ms", 500 },  { "30s", 30000 },
		{ "1.5s", 1500 },    { "5m", 300000 }, { "2h", 7200000 }, { "7d", 604800000 },
		{ "0.25h", 900000 }, { "1ms", 1 },     { ".5s", 500 },    { "3650d", 315360000000 },
	};
	static const char *bad[] = {
		"",      "5",      "s",   "-5s",  "5 s",  "5S",   "5sec",
		"1..5s", "1.5.2s", "ms",  "1e3s", "0x5s", "+5s",  "3651d",
		"5s ",   " 5s",    "5s5", ".s",   "infs", "nand", "99999999999999999999999999999999999999h"
	};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		uint64_t ms = UNTOUCHED;

		ck_assert_msg(units_duration(good[i].text, &ms), "%s is refused", good[i].text);
		ck_assert_msg(ms == good[i].ms, "%s gives %" PRIu64, good[i].text, ms);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint64_t ms = UNTOUCHED;

		ck_assert_msg(!units_duration(bad[i], &ms), "'%s' is taken", bad[i]);
		ck_assert_uint_eq(ms, UNTOUCHED);
	}
}
END_TEST

START_TEST(test_size)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 },
		{ "512", 512 },
		{ "512B", 512 },
		{ "64K", 65536 },
		{ "64KB", 65536 },
		{ "64KiB", 65536 },
		{ "16M", 16777216 },
		{ "2G", 2147483648 },
		{ "3T", 3298534883328 },
		{ "18446744073709551615", UINT64_MAX },
	};
	static const char *bad[] = { "",    "K",   "-1",  "1.5G",      "1k",
		                     "1KK", "1 K", "1Kx", "16777216T", "18446744073709551616",
		                     "+1" };

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		uint64_t bytes = UNTOUCHED;

		ck_assert_msg(units_size(good[i].text, &bytes), "%s is refused", good[i].text);
		ck_assert_msg(bytes == good[i].bytes, "%s gives %" PRIu64, good[i].text, bytes);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint64_t bytes = UNTOUCHED;

		ck_assert_msg(!units_size(bad[i], &bytes), "'%s' is taken", bad[i]);
		ck_assert_uint_eq(bytes, UNTOUCHED);
	}
}
END_TEST

START_TEST(test_number)
{
	static const char *bad[] = { "", "-1", "x", "5x", " 5", "4", "11", "99999999999999999999999" };
	uint64_t v = UNTOUCHED;

	ck_assert(units_number("5", 5, 10, &v));
	ck_assert_uint_eq(v, 5);
	ck_assert(units_number("10", 5, 10, &v));
	ck_assert_uint_eq(v, 10);
	v = UNTOUCHED;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!units_number(bad[i], 5, 10, &v), "'%s' is taken", bad[i]);
	ck_assert_uint_eq(v, UNTOUCHED);
}
END_TEST

START_TEST(test_show)
{
	char out[24];

	ck_assert_str_eq(units_show_duration(850, out), "850ms");
	ck_assert_str_eq(units_show_duration(12340, out), "12.3s");
	ck_assert_str_eq(units_show_duration(245000, out), "4m05s");
	ck_assert_str_eq(units_show_duration(7500000, out), "2h05m");
	ck_assert_str_eq(units_show_size(512, out), "512 B");
	ck_assert_str_eq(units_show_size(1536, out), "1.5 KiB");
	ck_assert_str_eq(units_show_size(1610612736, out), "1.5 GiB");
	ck_assert_str_eq(units_show_size(UINT64_MAX, out), "16777216.0 TiB");
	units_show_duration(UINT64_MAX, out);
	ck_assert_str_eq(units_type_duration(0, out), "0ms");
	ck_assert_str_eq(units_type_duration(1500, out), "1500ms");
	ck_assert_str_eq(units_type_duration(90000, out), "90s");
	ck_assert_str_eq(units_type_duration(120000, out), "2m");
	ck_assert_str_eq(units_type_duration(86400000, out), "24h");
}
END_TEST

SUITE_MAIN("units", test_duration, test_size, test_number, test_show)
