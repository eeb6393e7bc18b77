/* Queries of URLs: what is well-formed, and what it says. */
#include "broker/nsq/query.h"

#include "tests/unit/base/suite.h"

static struct query q;

static bool reads(const char *raw)
{
	return query_read(&q, span_str(raw));
}

static bool has(const char *name, const char *value)
{
	struct span v;

	return query_get(&q, name, &v) && span_eq(v, span_str(value));
}

START_TEST(test_values)
{
	struct span v;

	ck_assert(reads(""));
	ck_assert(!query_get(&q, "topic", &v));
	ck_assert(reads("topic=a&channel=b%20c+d&&empty=&bare&topic=second"));
	ck_assert(has("topic", "a"));
	ck_assert(has("channel", "b c d"));
	ck_assert(has("empty", ""));
	ck_assert(has("bare", ""));
	ck_assert(!query_get(&q, "other", &v));
	ck_assert(reads("a%3Db=x%26y%23ephemeral"));
	ck_assert(has("a=b", "x&y#ephemeral"));
}
END_TEST

START_TEST(test_what_is_malformed)
{
	static const char *const bad[] = { "a=%", "a=%4", "a=%zz", "%=1", "a=1;b=2", "a=1&b=%g0" };
	char many[3 * LIMIT_QUERY_ARGS + 8], big[LIMIT_QUERY_BYTES + 2];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!reads(bad[i]), "%s is refused", bad[i]);
	for (size_t i = 0; i < sizeof many - 3; i += 3)
		memcpy(many + i, "a=&", 3);
	many[3 * LIMIT_QUERY_ARGS] = 0;
	ck_assert(reads(many));
	memcpy(many + 3 * LIMIT_QUERY_ARGS, "a", 2);
	ck_assert(!reads(many));
	memset(big, 'a', sizeof big - 1);
	big[sizeof big - 1] = 0;
	ck_assert(!reads(big));
	big[sizeof big - 2] = 0;
	ck_assert(reads(big));
}
END_TEST

START_TEST(test_truth)
{
	ck_assert(reads("a=true&b=1&c=false&d=0&e=maybe"));
	ck_assert(query_bool(&q, "a", false) && query_bool(&q, "b", false));
	ck_assert(!query_bool(&q, "c", true) && !query_bool(&q, "d", true));
	ck_assert(query_bool(&q, "e", true) && !query_bool(&q, "e", false));
	ck_assert(query_bool(&q, "f", true) && !query_bool(&q, "f", false));
}
END_TEST

SUITE_MAIN("query", test_values, test_what_is_malformed, test_truth)
