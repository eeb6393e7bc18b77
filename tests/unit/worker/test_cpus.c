/* The texts of cgroup quotas. */
#include "worker/cpus.h"

#include "tests/unit/base/suite.h"

START_TEST(test_v2)
{
	ck_assert_uint_eq(cpus_from_v2("max 100000\n"), 0);
	ck_assert_uint_eq(cpus_from_v2("200000 100000\n"), 2);
	ck_assert_uint_eq(cpus_from_v2("150000 100000\n"), 2); /* rounded up */
	ck_assert_uint_eq(cpus_from_v2("1000 100000"), 1);
	ck_assert_uint_eq(cpus_from_v2("6400000 100000"), 64);
	ck_assert_uint_eq(cpus_from_v2("50000 25000"), 2);
}
END_TEST

START_TEST(test_v1)
{
	ck_assert_uint_eq(cpus_from_v1("-1\n", "100000\n"), 0); /* its word for no limit */
	ck_assert_uint_eq(cpus_from_v1("200000\n", "100000\n"), 2);
	ck_assert_uint_eq(cpus_from_v1("1\n", "100000\n"), 1);
	ck_assert_uint_eq(cpus_from_v1("100001\n", "100000\n"), 2);
}
END_TEST

/* What makes no sense is no limit. */
START_TEST(test_nonsense)
{
	ck_assert_uint_eq(cpus_from_v2(""), 0);
	ck_assert_uint_eq(cpus_from_v2("200000"), 0);
	ck_assert_uint_eq(cpus_from_v2("200000 0"), 0);
	ck_assert_uint_eq(cpus_from_v2("-5 100000"), 0);
	ck_assert_uint_eq(cpus_from_v2("0 100000"), 0);
	ck_assert_uint_eq(cpus_from_v2("99999999999999999999999 100000"), UINT32_MAX);
	ck_assert_uint_eq(cpus_from_v2("99999999999999999999999 1"), UINT32_MAX);
	ck_assert_uint_eq(cpus_from_v2("9223372036854775807 9223372036854775807"), 1);
	ck_assert_uint_eq(cpus_from_v1("", ""), 0);
	ck_assert_uint_eq(cpus_from_v1("100000", ""), 0);
	ck_assert_uint_eq(cpus_from_v1("100000", "-100000"), 0);
}
END_TEST

START_TEST(test_usable)
{
	ck_assert_uint_ge(cpus_usable(), 1);
}
END_TEST

SUITE_MAIN("cpus", test_v2, test_v1, test_nonsense, test_usable)
