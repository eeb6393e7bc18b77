/* What auth servers answer: which answers are good, what they allow, and which regular expressions we know. */
#include "broker/nsq/auth.h"
#include "broker/nsq/auth_regex.h"

#include "tests/unit/base/suite.h"

static bool matches(const char *pattern, const char *name)
{
	regex_t r;
	bool yes;

	ck_assert_msg(auth_regex(&r, span_str(pattern)), "%s is none", pattern);
	yes = regexec(&r, name, 0, NULL, 0) == 0;
	regfree(&r);
	return yes;
}

static bool is_regex(const char *pattern)
{
	regex_t r;

	if (!auth_regex(&r, span_str(pattern)))
		return false;
	regfree(&r);
	return true;
}

START_TEST(test_regexes_mean_what_re2_means)
{
	static const struct {
		const char *pattern, *yes, *no;
	} t[] = {
		{ "", "anything", NULL },
		{ ".*", "anything", NULL },
		{ "^orders$", "orders", "orders2" },
		{ "orders", "my-orders-2", "order" }, /* unanchored */
		{ "^(a|b)c$", "bc", "cc" },
		{ "^(?:a|b)c$", "ac", "cc" },
		{ "^\\d+$", "123", "d" },
		{ "^\\D+$", "abc", "a1" },
		{ "^\\w+$", "a_1", "a-1" },
		{ "^[\\w.-]+$", "a.b-c_9", "a#b" },
		{ "^[\\w\\-]+$", "a-b", "a.b" },
		{ "^[^\\d]+$", "abc", "a1" },
		{ "^[a-c\\.]+$", "a.c", "ad" },
		{ "^[]a]+$", "a]", "b" },
		{ "^a.*?b$", "axxb", "axx" },
		{ "^a+?$", "aaa", "b" },
		{ "^a{2,3}$", "aaa", "aaaa" },
		{ "^a{2}?$", "aa", "aaa" },
		{ "\\Aab\\z", "ab", "xab" },
		{ "^a\\.b$", "a.b", "axb" },
		{ "#ephemeral$", "x#ephemeral", "ephemeral" },
	};

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		ck_assert_msg(matches(t[i].pattern, t[i].yes), "%s matches %s", t[i].pattern, t[i].yes);
		if (t[i].no != NULL)
			ck_assert_msg(!matches(t[i].pattern, t[i].no), "%s matches %s not", t[i].pattern, t[i].no);
	}
}
END_TEST

START_TEST(test_regexes_that_are_refused)
{
	static const char *const bad[] = {
		"(",       "[a",      "a**",      "a+*",     "a{2}{3}",     "(?i)a",
		"\\pL",    "\\x41",   "\\1",      "\\",      "a{500}{500}", "(a{99}){99}",
		"a{1001}", "[[.a.]]", "(?P<n>a)", "\\Qa\\E", "[\\p]",       "a{99999999999999999999}"
	};
	char long_one[LIMIT_REGEX + 2];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!is_regex(bad[i]), "%s is refused", bad[i]);
	memset(long_one, 'a', sizeof long_one - 1);
	long_one[sizeof long_one - 1] = 0;
	ck_assert(!is_regex(long_one));
	long_one[LIMIT_REGEX] = 0;
	ck_assert(is_regex(long_one));
}
END_TEST

#define ONE(topic, channels, permissions)                                                                              \
	"{\"ttl\":60,\"identity\":\"bob\",\"identity_url\":\"http://x/bob\",\"authorizations\":[{\"topic\":" topic     \
	",\"channels\":" channels ",\"permissions\":" permissions "}]}"

static struct auth_grants *good(const char *json)
{
	const char *why = NULL;
	struct auth_grants *g = auth_grants_read(span_str(json), &why);

	ck_assert_msg(g != NULL, "%s: %s", json, why);
	return g;
}

static bool allow(const struct auth_grants *g, const char *topic, const char *channel)
{
	return auth_grants_allow(g, span_str(topic), span_str(channel));
}

START_TEST(test_a_good_answer)
{
	struct auth_grants *g = good(ONE("\"^orders\"", "[\"^c1$\",\"^$\"]", "[\"subscribe\",\"publish\"]"));

	ck_assert_uint_eq(auth_grants_count(g), 1);
	ck_assert_uint_eq(auth_grants_ttl_s(g), 60);
	ck_assert(span_eq(auth_grants_identity(g), span_str("bob")));
	ck_assert(span_eq(auth_grants_identity_url(g), span_str("http://x/bob")));
	ck_assert(allow(g, "orders", "c1"));
	ck_assert(allow(g, "orders2", ""));
	ck_assert(!allow(g, "orders", "c2"));
	ck_assert(!allow(g, "my-orders", "c1"));
	auth_grants_free(g);
}
END_TEST

START_TEST(test_permissions)
{
	struct auth_grants *g = good(ONE("\".*\"", "[\".*\"]", "[\"subscribe\"]"));

	ck_assert(allow(g, "t", "c"));
	ck_assert(!allow(g, "t", ""));
	auth_grants_free(g);
	g = good(ONE("\".*\"", "[\".*\"]", "[\"publish\"]"));
	ck_assert(!allow(g, "t", "c"));
	ck_assert(allow(g, "t", ""));
	auth_grants_free(g);
	/* one that names a channel does not match the empty one of a publish */
	g = good(ONE("\".*\"", "[\"^c$\"]", "[\"publish\"]"));
	ck_assert(!allow(g, "t", ""));
	auth_grants_free(g);
	g = good(ONE("\".*\"", "[]", "[\"publish\",\"subscribe\"]"));
	ck_assert(!allow(g, "t", ""));
	ck_assert(!allow(g, "t", "c"));
	auth_grants_free(g);
	g = good("{\"ttl\":1,\"authorizations\":[]}");
	ck_assert_uint_eq(auth_grants_count(g), 0);
	ck_assert(!allow(g, "t", ""));
	auth_grants_free(g);
}
END_TEST

START_TEST(test_bad_answers)
{
	static const char *const bad[] = {
		"",
		"x",
		"[]",
		"{}",
		"{\"ttl\":0,\"authorizations\":[]}",
		"{\"ttl\":-5,\"authorizations\":[]}",
		"{\"ttl\":\"60\",\"authorizations\":[]}",
		"{\"ttl\":60,\"authorizations\":{}}",
		"{\"ttl\":60,\"identity\":5,\"authorizations\":[]}",
		"{\"ttl\":60,\"authorizations\":[1]}",
		ONE("\".*\"", "[\".*\"]", "[\"admin\"]"),
		ONE("\".*\"", "[\".*\"]", "\"publish\""),
		ONE("\"(\"", "[\".*\"]", "[\"publish\"]"),
		ONE("\".*\"", "[\"ok\",\"[\"]", "[\"publish\"]"),
		ONE("\".*\"", "[7]", "[\"publish\"]"),
		ONE("5", "[]", "[]"),
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const char *why = NULL;

		ck_assert_msg(auth_grants_read(span_str(bad[i]), &why) == NULL, "%s is refused", bad[i]);
		ck_assert_ptr_nonnull(why);
	}
}
END_TEST

SUITE_MAIN("auth_grants", test_regexes_mean_what_re2_means, test_regexes_that_are_refused, test_a_good_answer,
           test_permissions, test_bad_answers)
