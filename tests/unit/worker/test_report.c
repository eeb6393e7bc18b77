/* Lines of progress. */
#include "tests/unit/base/suite.h"
#include "worker/report.h"

static void good(const char *line, uint32_t percent, const char *text)
{
	struct report r;

	ck_assert_msg(report_parse(span_str(line), &r), "'%s' is refused", line);
	ck_assert_msg(r.percent == percent && span_eq(span_of(r.text, r.n), span_str(text)), "'%s' gives %u '%.*s'",
	              line, r.percent, (int)r.n, r.text);
}

static void bad(const char *line)
{
	struct report r;

	ck_assert_msg(!report_parse(span_str(line), &r), "'%s' is taken", line);
}

START_TEST(test_parse)
{
	good("touch", PERCENT_UNKNOWN, "");
	good("  touch ", PERCENT_UNKNOWN, "");
	good("0", 0, "");
	good("30", 30, "");
	good("100%", 100, "");
	good("007", 7, "");
	good("30 half done", 30, "half done");
	good("30%\t half  done  ", 30, "half  done");
	good("- looking for hay", PERCENT_UNKNOWN, "looking for hay");
	bad("");
	bad(" ");
	bad("touch me");
	bad("touched");
	bad("101");
	bad("1000");
	bad("-1");
	bad("-");
	bad("%");
	bad("3.5");
	bad("3x half");
	bad("half");
}
END_TEST

static void text(const char *bytes, const char *expected)
{
	char clean[LIMIT_PROGRESS_TEXT];
	uint32_t n = report_text(span_str(bytes), clean);

	ck_assert_msg(span_eq(span_of(clean, n), span_str(expected)), "%.*s", (int)n, clean);
}

START_TEST(test_text)
{
	char bytes[LIMIT_PROGRESS_TEXT + 10], clean[LIMIT_PROGRESS_TEXT];

	text("plain", "plain");
	text("a\tb\x1b[31m\x7f", "a b [31m ");
	text("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8c\xbe", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8c\xbe");
	text("\xff\xc0\x80 \xed\xa0\x80 \xc3", "??? ??? ?");
	/* cut between characters */
	memset(bytes, 'a', sizeof bytes);
	memcpy(bytes + LIMIT_PROGRESS_TEXT - 1, "\xc3\xbc", 2);
	ck_assert_uint_eq(report_text(span_of(bytes, sizeof bytes), clean), LIMIT_PROGRESS_TEXT - 1);
	memset(bytes, 'a', sizeof bytes);
	ck_assert_uint_eq(report_text(span_of(bytes, sizeof bytes), clean), LIMIT_PROGRESS_TEXT);
}
END_TEST

SUITE_MAIN("report", test_parse, test_text)
