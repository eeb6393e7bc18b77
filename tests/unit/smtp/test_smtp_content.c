/* The bytes of a mail: dots, line ends, and that it does not matter how they come. */
#include "broker/smtp/content.h"

#include "tests/unit/base/suite.h"

static struct letter_headers headers;
static struct buf got;
static size_t consumed;

static void put(void *arg, struct span bytes)
{
	ck_assert(bytes.n > 0);
	buf_put_span(arg, bytes);
}

/* Gives the text in pieces: to `cut`, and from there; after that by bytes if `bytewise`. */
static enum content_verdict take(enum content_mode mode, struct span in, size_t cut, bool bytewise)
{
	enum content_verdict v = CONTENT_MORE;
	struct content c;
	size_t taken;

	content_begin(&c, mode, &headers);
	buf_clear(&got);
	consumed = 0;
	while (v == CONTENT_MORE && consumed < in.n) {
		size_t n = bytewise ? 1 : consumed < cut ? cut - consumed : in.n - consumed;

		v = content_take(&c, span_of(in.p + consumed, n), &taken, put, &got);
		ck_assert(taken <= n && (v != CONTENT_MORE || taken == n));
		consumed += taken;
	}
	ck_assert_uint_eq(c.bytes, got.n);
	if (v == CONTENT_MORE && mode != CONTENT_DATA && !content_end(&c))
		v = CONTENT_BARE;
	content_fini(&c);
	return v;
}

/* The same in whole, byte by byte and cut at every place. */
static void expect_n(enum content_mode mode, struct span in, enum content_verdict v, const char *out, size_t left)
{
	for (size_t cut = 0; cut <= in.n + 1; cut++) {
		ck_assert_int_eq(take(mode, in, cut, cut > in.n), v);
		ck_assert(span_eq(buf_span(&got), span_str(out)));
		ck_assert_uint_eq(in.n - consumed, left);
	}
}

static void expect(enum content_mode mode, const char *in, enum content_verdict v, const char *out, size_t left)
{
	expect_n(mode, span_str(in), v, out, left);
}

START_TEST(ends_at_the_dot)
{
	expect(CONTENT_DATA, ".\r\n", CONTENT_END, "", 0);
	expect(CONTENT_DATA, "\r\n.\r\n", CONTENT_END, "\r\n", 0);
	expect(CONTENT_DATA, "a\r\n.\r\nMAIL", CONTENT_END, "a\r\n", 4);
	expect(CONTENT_DATA, "a: b\r\n\r\nc\r\nd\r\n.\r\n", CONTENT_END, "a: b\r\n\r\nc\r\nd\r\n", 0);
	expect(CONTENT_DATA, ".\r\n.\r\n", CONTENT_END, "", 3);
	expect(CONTENT_DATA, "a.\r\n.\r\n", CONTENT_END, "a.\r\n", 0);
	expect(CONTENT_DATA, "a\r\n", CONTENT_MORE, "a\r\n", 0);
	expect(CONTENT_DATA, "a\r\n.", CONTENT_MORE, "a\r\n", 0);
	expect(CONTENT_DATA, "a\r\n.\r", CONTENT_MORE, "a\r\n", 0);
	expect(CONTENT_DATA, "", CONTENT_MORE, "", 0);
}
END_TEST

START_TEST(dots_go)
{
	expect(CONTENT_DATA, "..x\r\n.\r\n", CONTENT_END, ".x\r\n", 0);
	expect(CONTENT_DATA, "..\r\n.\r\n", CONTENT_END, ".\r\n", 0);
	expect(CONTENT_DATA, "...\r\n..a\r\nb..\r\n.\r\n", CONTENT_END, "..\r\n.a\r\nb..\r\n", 0);
	expect(CONTENT_DATA, ".x\r\n.\r\n", CONTENT_END, "x\r\n", 0); /* one that was not doubled goes too */
	expect(CONTENT_DATA, "a\r\n..\r\n..\r\n.\r\n", CONTENT_END, "a\r\n.\r\n.\r\n", 0);
}
END_TEST

/* What makes two servers read one stream as different mails. */
START_TEST(no_smuggling)
{
	expect(CONTENT_DATA, "x\n.\n", CONTENT_BARE, "x", 3);
	expect(CONTENT_DATA, "x\n.\r\nMAIL FROM:<a@b>\r\n", CONTENT_BARE, "x", 21);
	expect(CONTENT_DATA, "x\r\n.\n", CONTENT_BARE, "x\r\n", 1);
	expect(CONTENT_DATA, "x\r\n.\r\r\n", CONTENT_BARE, "x\r\n", 2);
	expect_n(CONTENT_DATA, span_of("x\r\n.\0\r\n", 7), CONTENT_BARE, "x\r\n", 3);
	expect(CONTENT_DATA, "a\rb\r\n.\r\n", CONTENT_BARE, "a\r", 6);
	expect(CONTENT_DATA, "\n", CONTENT_BARE, "", 1);
	expect(CONTENT_DATA, "\r\r\n", CONTENT_BARE, "\r", 2);
	expect(CONTENT_DATA, "a\r\n\n", CONTENT_BARE, "a\r\n", 1);
	expect_n(CONTENT_DATA, span_of("a\0b\r\n.\r\n", 8), CONTENT_BARE, "a", 7);
	expect_n(CONTENT_DATA, span_of("\0", 1), CONTENT_BARE, "", 1);
	expect_n(CONTENT_DATA, span_of("a\r\0\n", 4), CONTENT_BARE, "a\r", 2);
	expect(CONTENT_DATA, "x\r.\r\n", CONTENT_BARE, "x\r", 3);
	expect(CONTENT_DATA, "x\n\r.\r\n", CONTENT_BARE, "x", 5);
	expect(CONTENT_DATA, "x\r\n.\rMAIL", CONTENT_BARE, "x\r\n", 4);
}
END_TEST

START_TEST(chunks)
{
	expect(CONTENT_BDAT, ".\r\n..x\r\n", CONTENT_MORE, ".\r\n..x\r\n", 0);
	expect(CONTENT_BDAT, "no end of line", CONTENT_MORE, "no end of line", 0);
	expect(CONTENT_BDAT, "", CONTENT_MORE, "", 0);
	expect(CONTENT_BDAT, "x\n", CONTENT_BARE, "x", 1);
	expect(CONTENT_BDAT, "x\ry", CONTENT_BARE, "x\r", 1);
	expect(CONTENT_BDAT, "x\r", CONTENT_BARE, "x\r", 0); /* known at the end only */
	expect_n(CONTENT_BDAT, span_of("x\0", 2), CONTENT_BARE, "x", 1);
}
END_TEST

START_TEST(binary)
{
	static const char all[] = "a: b\n\r\0\r\n.\r\nx\r";

	for (size_t cut = 0; cut <= sizeof all; cut++) {
		ck_assert_int_eq(take(CONTENT_BINARY, span_of(all, sizeof all), cut, cut == sizeof all), CONTENT_MORE);
		ck_assert(span_eq(buf_span(&got), span_of(all, sizeof all)));
	}
}
END_TEST

static void count(void *arg, struct span bytes)
{
	*(uint64_t *)arg += bytes.n;
}

/* A line of 100 MB costs no memory; neither as a body alone, nor as one header. */
START_TEST(long_lines)
{
	enum { PIECE = 1 << 16, PIECES = 1600 };
	static uint8_t piece[PIECE];
	static const char *const begin[] = { "", "Subject: ", "\r\n", "X-Other: " };

	memset(piece, 'x', sizeof piece);
	for (size_t i = 0; i < sizeof begin / sizeof begin[0]; i++) {
		uint64_t bytes = 0, n = strlen(begin[i]);
		struct content c;
		size_t taken;

		content_begin(&c, CONTENT_DATA, &headers);
		ck_assert_int_eq(content_take(&c, span_str(begin[i]), &taken, count, &bytes), CONTENT_MORE);
		for (int k = 0; k < PIECES; k++)
			ck_assert_int_eq(content_take(&c, span_of(piece, PIECE), &taken, count, &bytes), CONTENT_MORE);
		ck_assert_int_eq(content_take(&c, span_str("\r\n.\r\n"), &taken, count, &bytes), CONTENT_END);
		ck_assert_uint_eq(bytes, n + (uint64_t)PIECE * PIECES + 2);
		ck_assert_uint_eq(c.bytes, bytes);
		ck_assert_uint_le(c.headers.line.cap, 2 * LIMIT_MAIL_HEADER_LINE);
		ck_assert((headers.bytes > LIMIT_MAIL_HEADERS) == (i % 2 == 1)); /* only what is a header is one */
		content_fini(&c);
	}
}
END_TEST

SUITE_MAIN("smtp_content", ends_at_the_dot, dots_go, no_smuggling, chunks, binary, long_lines)
