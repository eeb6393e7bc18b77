/* The line of progress. */
#include "client/cli/progress.h"

#include "tests/unit/base/suite.h"

START_TEST(test_line)
{
	struct progress p = { .begun_ms = 1000, .rate = 1234.4 };
	struct progress_state s = { .done = 1234567, .failed = 2, .in_flight = 512 };
	char out[160];

	ck_assert_str_eq(progress_line(&p, &s, 11000, out), "1,234,567 done, 2 failed, 512 in flight, 1,234/s");
	s.telling = 3;
	s.percent = 42;
	ck_assert_str_eq(progress_line(&p, &s, 11000, out),
	                 "1,234,567 done, 2 failed, 512 in flight, 1,234/s, 3 at 42%");
	s.telling = 0;
	s.size = 4000;
	ck_assert_str_eq(progress_line(&p, &s, 11000, out), "1,234,567 done, 2 failed, 512 in flight, 1,234/s");
	s.taken = 1000;
	ck_assert_str_eq(progress_line(&p, &s, 11000, out),
	                 "1,234,567 done, 2 failed, 512 in flight, 1,234/s, 25%, ETA 30.0s");
	s.taken = 4000;
	ck_assert_str_eq(progress_line(&p, &s, 11000, out),
	                 "1,234,567 done, 2 failed, 512 in flight, 1,234/s, 100%, ETA 0ms");
	s.taken = 1;
	s.size = UINT64_MAX;
	ck_assert_ptr_nonnull(progress_line(&p, &s, UINT64_MAX, out));
}
END_TEST

SUITE_MAIN("progress", test_line)
