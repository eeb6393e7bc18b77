/* Suggestions: what is close is offered, what is far is not. */
#include "base/suggest.h"

#include <string.h>

#include "tests/unit/base/suite.h"

static const char *const commands[] = { "submit", "run", "map", "wait", "result", "queue", "queues", "stats" };

static const char *best_of(const char *typed)
{
	static struct suggest s;

	suggest_init(&s, typed);
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		suggest_offer(&s, commands[i]);
	return suggest_best(&s);
}

START_TEST(test_distance)
{
	ck_assert_uint_eq(suggest_distance("", ""), 0);
	ck_assert_uint_eq(suggest_distance("abc", ""), 3);
	ck_assert_uint_eq(suggest_distance("", "abc"), 3);
	ck_assert_uint_eq(suggest_distance("submit", "submit"), 0);
	ck_assert_uint_eq(suggest_distance("sbmit", "submit"), 1);
	ck_assert_uint_eq(suggest_distance("sumbit", "submit"), 1);
	ck_assert_uint_eq(suggest_distance("kitten", "sitting"), 3);
	ck_assert_uint_eq(suggest_distance("ab", "ba"), 1);
}
END_TEST

START_TEST(test_best)
{
	ck_assert_str_eq(best_of("sbmit"), "submit");
	ck_assert_str_eq(best_of("sumbit"), "submit");
	ck_assert_str_eq(best_of("quue"), "queue");
	ck_assert_str_eq(best_of("reslut"), "result");
	ck_assert_str_eq(best_of("mapp"), "map");
	ck_assert_ptr_null(best_of("x"));
	ck_assert_ptr_null(best_of("frobnicate"));
	ck_assert_ptr_null(best_of(""));
}
END_TEST

START_TEST(test_long_words)
{
	char word[300];

	memset(word, 'a', sizeof word - 1);
	word[sizeof word - 1] = 0;
	ck_assert_ptr_null(best_of(word));
	ck_assert_uint_eq(suggest_distance(word, word), 0);
}
END_TEST

SUITE_MAIN("suggest", test_distance, test_best, test_long_words)
