/* Formatting into a fixed place, and cutting text into lines. */
#include "base/text.h"

#include <string.h>

#include "tests/unit/base/suite.h"

START_TEST(what_does_not_fit_is_cut)
{
	char out[6];

	ck_assert_uint_eq(text_format(out, sizeof out, "%s-%d", "ab", 12), 5);
	ck_assert_str_eq(out, "ab-12");
	ck_assert_uint_eq(text_format(out, sizeof out, "%s", "abcdefgh"), 5);
	ck_assert_str_eq(out, "abcde");
	ck_assert_uint_eq(text_format(out, 1, "%s", "abc"), 0);
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(lines)
{
	ck_assert_uint_eq(text_fit("", 10), 0);
	ck_assert_uint_eq(text_fit("ten bytes.", 10), 10);
	ck_assert_uint_eq(text_fit("ten bytes. and more", 10), 10); /* the blank may stand behind the last column */
	ck_assert_uint_eq(text_fit("eleven bytes", 10), 6);
	ck_assert_uint_eq(text_fit("a longword behind", 10), 10);
	ck_assert_uint_eq(text_fit("averyverylongword x", 10), 10); /* no blank: cut within */
	ck_assert_uint_eq(text_fit("\xc3\xa4\xc3\xb6\xc3\xbc abc", 5), strlen("\xc3\xa4\xc3\xb6\xc3\xbc"));
	ck_assert_uint_eq(text_fit("\xc3\xa4\xc3\xb6\xc3\xbc", 3), 6);
}
END_TEST

SUITE_MAIN("text", what_does_not_fit_is_cut, lines)
