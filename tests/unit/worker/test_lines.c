/* Bytes cut into lines: however they come, however long they are. */
#include "base/rand.h"
#include "tests/unit/base/suite.h"
#include "worker/lines.h"

/* What the bytes come to, put in `step` at a time: lines in brackets, ! for one that is too long. */
static void cut(const char *bytes, size_t step, const char *expected)
{
	struct buf text;
	struct lines l;
	struct span line;
	enum line got;

	buf_init(&text);
	lines_init(&l, 5);
	for (size_t at = 0, n = strlen(bytes); at < n; at += step) {
		lines_put(&l, span_of(bytes + at, step < n - at ? step : n - at));
		while ((got = lines_next(&l, &line)) != LINE_NONE) {
			buf_put(&text, got == LINE_WHOLE ? "[" : "!", 1);
			if (got == LINE_WHOLE) {
				buf_put_span(&text, line);
				buf_put(&text, "]", 1);
			}
		}
	}
	buf_put_u8(&text, 0);
	ck_assert_str_eq((const char *)text.p, expected);
	buf_fini(&text);
	lines_fini(&l);
}

START_TEST(test_cut)
{
	for (size_t step = 1; step < 20; step++) {
		cut("", step, "");
		cut("half", step, "");
		cut("a\nbc\n\nlast", step, "[a][bc][]");
		cut("12345\n123456\n1\n", step, "[12345]![1]");
		cut("a\r\n\r\nb\rc\n", step, "[a][][b\rc]");
		cut("1234567890123456789\nx\n12345678", step, "![x]!");
		cut("123456\n123456\n", step, "!!");
	}
}
END_TEST

START_TEST(test_clear)
{
	struct lines l;
	struct span line;

	lines_init(&l, 5);
	lines_put(&l, span_str("1234567"));
	ck_assert_int_eq(lines_next(&l, &line), LINE_TOO_LONG);
	lines_clear(&l);
	lines_put(&l, span_str("x\n"));
	ck_assert_int_eq(lines_next(&l, &line), LINE_WHOLE);
	ck_assert(span_eq(line, span_str("x")));
	lines_fini(&l);
}
END_TEST

/* What is too long is not kept. */
START_TEST(test_bounded)
{
	static uint8_t noise[10000];
	struct lines l;
	struct span line;
	int said = 0;

	memset(noise, 'x', sizeof noise);
	lines_init(&l, 100);
	for (int i = 0; i < 1000; i++) {
		lines_put(&l, span_of(noise, sizeof noise));
		said += lines_next(&l, &line) == LINE_TOO_LONG;
	}
	ck_assert_int_eq(said, 1);
	ck_assert_uint_lt(l.b.cap, 64 << 10);
	lines_fini(&l);
}
END_TEST

SUITE_MAIN("lines", test_cut, test_clear, test_bounded)
