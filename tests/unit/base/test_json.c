/* Writing JSON: what needs an escape gets one, and what is no UTF-8 goes as base64. */
#include "base/json.h"

#include "tests/unit/base/suite.h"

static void expect(struct buf *b, const char *text)
{
	ck_assert_msg(span_eq(buf_span(b), span_str(text)), "%.*s\nis not\n%s", (int)b->n, (const char *)b->p, text);
	buf_clear(b);
}

START_TEST(test_members)
{
	struct json j;
	struct buf b;

	buf_init(&b);
	j = json_begin(&b);
	json_end(&j);
	expect(&b, "{}");
	j = json_begin(&b);
	json_put_word(&j, "id", "7");
	json_put_whole(&j, "low", INT64_MIN);
	json_put_whole(&j, "high", INT64_MAX);
	json_put_flag(&j, "yes");
	json_put_text(&j, "empty", (struct span){ 0 });
	json_end(&j);
	expect(&b,
	       "{\"id\":\"7\",\"low\":-9223372036854775808,\"high\":9223372036854775807,\"yes\":true,\"empty\":\"\"}");
	buf_fini(&b);
}
END_TEST

START_TEST(test_texts)
{
	static const struct {
		const char *text, *json;
		size_t n; /* 0: strlen */
	} rows[] = {
		{ "plain ~ text", "{\"t\":\"plain ~ text\"}", 0 },
		{ "a\"b\\c\n\t\r\b\f", "{\"t\":\"a\\\"b\\\\c\\n\\t\\r\\b\\f\"}", 0 },
		{ "\0\x1f\x7f", "{\"t\":\"\\u0000\\u001f\x7f\"}", 3 },
		{ "\"", "{\"t\":\"\\\"\"}", 0 },
		{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x84",
		  "{\"t\":\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x84\"}", 0 },
		{ "\xff\x00", "{\"t_base64\":\"/wA=\"}", 2 },
		{ "ok\xc3", "{\"t_base64\":\"b2vD\"}", 0 },
	};
	struct json j;
	struct buf b;

	buf_init(&b);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		j = json_begin(&b);
		json_put_text(&j, "t", span_of(rows[i].text, rows[i].n ? rows[i].n : strlen(rows[i].text)));
		json_end(&j);
		expect(&b, rows[i].json);
	}
	buf_fini(&b);
}
END_TEST

/* Both ends of each range of RFC 3629, and what lies beside them. */
START_TEST(test_utf8)
{
	static const char *const good[] = {
		"\x7f",         "\xc2\x80",         "\xdf\xbf", "\xe0\xa0\x80",    "\xed\x9f\xbf", "\xee\x80\x80",
		"\xef\xbf\xbf", "\xf0\x90\x80\x80", "",         "\xf4\x8f\xbf\xbf"
	};
	static const char *const bad[] = { "\x80",
		                           "\xbf",
		                           "\xc0\x80",
		                           "\xc1\xbf",
		                           "\xe0\x9f\xbf",
		                           "\xed\xa0\x80",
		                           "\xed\xbf\xbf",
		                           "\xf0\x8f\xbf\xbf",
		                           "\xf4\x90\x80\x80",
		                           "\xf5\x80",
		                           "\xc2",
		                           "\xe2\x82",
		                           "\xf0\x9f\x90",
		                           "\xc2\x41",
		                           "\xe2\x82\x41",
		                           "\xf0\x9f\x90\x41" };

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		ck_assert_msg(json_utf8(span_str(good[i])), "good %zu", i);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!json_utf8(span_str(bad[i])), "bad %zu", i);
}
END_TEST

/* Alone, for values that are no members; what is no UTF-8 is replaced, byte by byte. */
START_TEST(test_quotes)
{
	static const char *const rows[][2] = {
		{ "", "\"\"" },
		{ "a\"\\\n\x01\x7f\xc3\xa4", "\"a\\\"\\\\\\n\\u0001\x7f\xc3\xa4\"" },
		{ "\xff", "\"\xef\xbf\xbd\"" },
		{ "a\xe2\x82z", "\"a\xef\xbf\xbd\xef\xbf\xbdz\"" },
		{ "\xe2\x82\xac\xc3", "\"\xe2\x82\xac\xef\xbf\xbd\"" },
	};
	struct buf b;

	buf_init(&b);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_clear(&b);
		json_quote(&b, span_str(rows[i][0]));
		expect(&b, rows[i][1]);
	}
	buf_fini(&b);
}
END_TEST

SUITE_MAIN("json", test_members, test_texts, test_utf8, test_quotes)
