/* When `map --halt` ends a map. */
#include "client/cli/halt.h"

#include "tests/unit/base/suite.h"

START_TEST(words)
{
	static const struct {
		const char *text;
		struct halt h;
	} good[] = {
		{ "never", { HALT_NEVER, HALT_FAIL, 1, false } },
		{ "soon", { HALT_SOON, HALT_FAIL, 1, false } },
		{ "now", { HALT_NOW, HALT_FAIL, 1, false } },
		{ "soon,fail=3", { HALT_SOON, HALT_FAIL, 3, false } },
		{ "now,success=1", { HALT_NOW, HALT_SUCCESS, 1, false } },
		{ "now,done=100%", { HALT_NOW, HALT_DONE, 100, true } },
	};
	static const char *const bad[] = {
		"",   "later",         "now,",        "now,fail",    "now,fail=",    "now,fail=0", "now,fail=%",
		"no", "now,fail=101%", "now,fail=-1", "now,fail=1,", "soon,lucky=1", ",fail=1"
	};
	struct halt h;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		ck_assert_msg(halt_parse(good[i].text, &h), "%s", good[i].text);
		ck_assert_msg(h.when == good[i].h.when && h.why == good[i].h.why && h.count == good[i].h.count &&
		                  h.percent == good[i].h.percent,
		              "%s", good[i].text);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!halt_parse(bad[i], &h), "%s", bad[i]);
}
END_TEST

static bool due(const char *text, uint64_t done, uint64_t failed, uint64_t n, bool all)
{
	struct halt_state s = { done, failed, n, all };
	struct halt h;

	ck_assert(halt_parse(text, &h));
	return halt_due(&h, &s);
}

START_TEST(when_it_is_due)
{
	ck_assert(!due("never", 0, 1000, 1000, true));
	ck_assert(!due("soon", 5, 0, 10, true));
	ck_assert(due("soon", 5, 1, 10, false));
	ck_assert(!due("now,fail=3", 9, 2, 20, true));
	ck_assert(due("now,fail=3", 9, 3, 20, true));
	ck_assert(due("now,success=2", 2, 7, 20, true));
	ck_assert(!due("now,success=2", 1, 7, 20, true));
	ck_assert(due("soon,done=4", 2, 2, 20, false));
	/* a percentage of few records says nothing until these are all */
	ck_assert(!due("soon,fail=10%", 0, 9, 10, false));
	ck_assert(due("soon,fail=10%", 0, 1, 10, true));
	ck_assert(!due("soon,fail=10%", 0, 9, 100, false));
	ck_assert(due("soon,fail=10%", 0, 10, 100, false));
	ck_assert(!due("soon,fail=1%", 0, 0, 0, true));
}
END_TEST

SUITE_MAIN("halt", words, when_it_is_due)
