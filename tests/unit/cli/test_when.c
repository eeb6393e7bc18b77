/* Moments as people type them. */
#include "client/cli/when.h"
#include "tests/unit/base/suite.h"

static void is(const char *text, uint64_t expected)
{
	uint64_t ms = 0;

	ck_assert_msg(when_parse(text, &ms), "%s", text);
	ck_assert_msg(ms == expected, "%s: %llu", text, (unsigned long long)ms);
}

START_TEST(test_good)
{
	is("1970-01-01T00:00:00Z", 0);
	is("2026-11-24T12:00:00Z", UINT64_C(1795521600000));
	is("2026-11-24 12:00:00z", UINT64_C(1795521600000));
	is("2026-11-24T13:00:00+01:00", UINT64_C(1795521600000));
	is("2026-11-24T06:30:00-05:30", UINT64_C(1795521600000));
	is("2026-11-24T12:00:00.5Z", UINT64_C(1795521600500));
	is("2026-11-24T12:00:00.123456Z", UINT64_C(1795521600123));
	is("2024-02-29T00:00:00Z", UINT64_C(1709164800000));
}
END_TEST

START_TEST(test_bad)
{
	static const char *const bad[] = { "",
		                           "tomorrow",
		                           "2026-11-24",
		                           "2026-11-24T12:00:00",
		                           "2026-11-24T12:00Z",
		                           "2026-13-01T00:00:00Z",
		                           "2026-02-30T00:00:00Z",
		                           "2026-11-24T24:00:00Z",
		                           "2026-11-24T12:60:00Z",
		                           "2026-11-24T12:00:00.Z",
		                           "2026-11-24T12:00:00+0100",
		                           "2026-11-24T12:00:00Zx",
		                           "1969-12-31T23:59:59Z",
		                           "1970-01-01T00:00:00+01:00",
		                           "26-11-24T12:00:00Z" };
	uint64_t ms;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!when_parse(bad[i], &ms), "%s", bad[i]);
}
END_TEST

SUITE_MAIN("when", test_good, test_bad)
