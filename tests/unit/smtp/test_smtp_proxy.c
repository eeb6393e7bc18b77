/* The PROXY protocol: good headers of both versions cut anywhere, and what is none. */
#include "broker/smtp/proxy.h"

#include <stdlib.h>

#include "base/be.h"
#include "base/buf.h"
#include "base/crc32c.h"
#include "tests/unit/base/suite.h"

static struct proxy_source from;

/* A copy of just that size, so that a sanitizer sees what is read behind it. */
static enum proxy_verdict take(struct span in, size_t *taken)
{
	uint8_t *copy = malloc(in.n + 1); /* malloc(0) may be NULL */
	enum proxy_verdict v;

	ck_assert_ptr_nonnull(copy);
	copy = realloc(copy, in.n > 0 ? in.n : 1);
	ck_assert_ptr_nonnull(copy);
	if (in.n > 0)
		memcpy(copy, in.p, in.n);
	memset(&from, 0, sizeof from);
	v = proxy_read(span_of(copy, in.n), taken, &from);
	free(copy);
	return v;
}

/* Whole, with and without what follows; and short at every cut before its end. */
static void good(struct span in)
{
	struct buf b;
	size_t taken = 0;

	for (size_t n = 0; n < in.n; n++)
		ck_assert_msg(take(span_of(in.p, n), &taken) == PROXY_SHORT, "cut at %zu", n);
	buf_init(&b);
	buf_put_span(&b, in);
	buf_put(&b, "EHLO x\r\n", 8);
	ck_assert_int_eq(take(buf_span(&b), &taken), PROXY_DONE);
	ck_assert_uint_eq(taken, in.n);
	buf_fini(&b);
	ck_assert_int_eq(take(in, &taken), PROXY_DONE);
	ck_assert_uint_eq(taken, in.n);
}

static void good_text(const char *in)
{
	good(span_str(in));
}

static void expect(const char *source, uint16_t source_port, const char *to, uint16_t to_port)
{
	char text[CIDR_TEXT];

	ck_assert(!from.local);
	ck_assert_str_eq(cidr_show(&from.source, text), source);
	ck_assert_str_eq(cidr_show(&from.to, text), to);
	ck_assert_uint_eq(from.source_port, source_port);
	ck_assert_uint_eq(from.to_port, to_port);
}

START_TEST(version_1)
{
	good_text("PROXY TCP4 192.0.2.1 198.51.100.7 4711 25\r\n");
	expect("192.0.2.1", 4711, "198.51.100.7", 25);
	good_text("PROXY TCP6 2001:db8::1 ::1 65535 0\r\n");
	expect("2001:db8::1", 65535, "::1", 0);
	good_text("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n");
	expect("192.0.2.1", 1, "::1", 2);
	good_text("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n");
	good_text("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0 65535 "
	          "65535\r\n");
	good_text("PROXY UNKNOWN\r\n");
	ck_assert(from.local && from.source.family == 0 && from.source_port == 0);
	good_text("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n");
	ck_assert(from.local);
}
END_TEST

START_TEST(bad_version_1)
{
	static const char *const bad[] = {
		"EHLO x\r\n",
		"proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
		"PROXYTCP4 1.2.3.4 1.2.3.4 1 2\r\n",
		"PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
		"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
		"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
		"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
		"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
		"PROXY TCP4 1.2.3.4 1.2.3.4\r\n",
		"PROXY TCP4\r\n",
		"PROXY \r\n",
		"PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
		"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
		"PROXY UNKNOWNS\r\n",
		"PROXY UNKNOWN\n\r\n",
		"PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n",
		"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
		"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
		"PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n",
		"PROXY TCP4 1.2.3.4 1.2.3.4 1 2x\r\n",
		"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
		"PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n",
		"PROXY TCP4 ::1 ::1 1 2\r\n",
		"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
		"PROXY TCP6 [::1] ::1 1 2\r\n",
		"PROXY TCP6 ::1%lo ::1 1 2\r\n",
		"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
		"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\rx",
		"PROXY TCP4\t1.2.3.4 1.2.3.4 1 2\r\n",
	};
	size_t taken;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(take(span_str(bad[i]), &taken) == PROXY_BAD, "%s", bad[i]);
}
END_TEST

START_TEST(bounds_of_version_1)
{
	char text[300] = "PROXY UNKNOWN ";
	size_t taken;

	memset(text + 14, 'x', sizeof text - 14);
	ck_assert_int_eq(take(span_of(text, 106), &taken), PROXY_SHORT);
	ck_assert_int_eq(take(span_of(text, 107), &taken), PROXY_BAD);
	text[105] = '\r';
	ck_assert_int_eq(take(span_of(text, 106), &taken), PROXY_SHORT);
	text[106] = '\n';
	ck_assert_int_eq(take(span_of(text, 300), &taken), PROXY_DONE);
	ck_assert_uint_eq(taken, 107);
	text[105] = 'x';
	text[106] = '\r';
	text[107] = '\n';
	ck_assert_int_eq(take(span_of(text, 107), &taken), PROXY_BAD);
	ck_assert_int_eq(take(span_of(text, 300), &taken), PROXY_BAD);
}
END_TEST

static void head(struct buf *b, uint8_t command, uint8_t family, size_t n)
{
	buf_clear(b);
	buf_put(b, "\r\n\r\n\0\r\nQUIT\n", 12);
	buf_put_u8(b, command);
	buf_put_u8(b, family);
	buf_put_u8(b, (uint8_t)(n >> 8));
	buf_put_u8(b, (uint8_t)n);
}

static const uint8_t four[] = { 192, 0, 2, 1, 198, 51, 100, 7, 0x12, 0x67, 0, 25 };
static const uint8_t six[36] = { 0x20, 1, 0xd, 0xb8, [15] = 1, [31] = 1, 0xff, 0xff, 0, 25 };

START_TEST(version_2)
{
	struct buf b;
	uint8_t zeros[512] = { 0 };

	buf_init(&b);
	head(&b, 0x21, 0x11, sizeof four);
	buf_put(&b, four, sizeof four);
	good(buf_span(&b));
	expect("192.0.2.1", 4711, "198.51.100.7", 25);

	head(&b, 0x21, 0x21, sizeof six);
	buf_put(&b, six, sizeof six);
	good(buf_span(&b));
	expect("2001:db8::1", 65535, "::1", 25);

	head(&b, 0x21, 0x21, sizeof six);
	buf_put(&b, zeros, 10);
	buf_put(&b, "\xff\xff\x7f\0\0\1", 6);
	buf_put(&b, six + 16, 20);
	good(buf_span(&b));
	expect("127.0.0.1", 65535, "::1", 25); /* IPv4 in IPv6 is IPv4 */

	head(&b, 0x20, 0x00, 0); /* the proxy's own, to see whether we live */
	good(buf_span(&b));
	ck_assert(from.local);
	head(&b, 0x20, 0x11, sizeof four); /* its addresses say nothing */
	buf_put(&b, four, sizeof four);
	good(buf_span(&b));
	ck_assert(from.local && from.source.family == 0);
	head(&b, 0x20, 0xff, 3);
	buf_put(&b, "abc", 3);
	good(buf_span(&b));
	ck_assert(from.local);

	head(&b, 0x21, 0x00, 0);
	good(buf_span(&b));
	ck_assert(from.local);
	head(&b, 0x21, 0x31, 216); /* a Unix socket of its machine names no client of ours */
	buf_put(&b, zeros, 216);
	good(buf_span(&b));
	ck_assert(from.local && from.source.family == 0);
	buf_fini(&b);
}
END_TEST

START_TEST(extensions)
{
	static const uint8_t crc_of[] = { 3, 0, 4, 0, 0, 0, 0 };
	struct buf b;
	uint32_t crc;
	size_t taken;

	buf_init(&b);
	head(&b, 0x21, 0x11, sizeof four + 3 + 5 + 3);
	buf_put(&b, four, sizeof four);
	buf_put(&b, "\x02\0\5h.org\x04\0\0", 11);
	good(buf_span(&b));
	expect("192.0.2.1", 4711, "198.51.100.7", 25);
	for (size_t n = sizeof four + 1; n < sizeof four + 11; n++) { /* the length cuts one of them */
		b.p[15] = (uint8_t)n;
		ck_assert_int_eq(take(buf_span(&b), &taken), n == sizeof four + 8 ? PROXY_DONE : PROXY_BAD);
	}

	head(&b, 0x21, 0x21, sizeof six + sizeof crc_of + 4);
	buf_put(&b, six, sizeof six);
	buf_put(&b, crc_of, sizeof crc_of);
	buf_put(&b, "\x04\0\1x", 4);
	crc = crc32c(0, b.p, b.n);
	be_put32(b.p + b.n - 8, crc);
	good(buf_span(&b));
	for (size_t i = 16; i < b.n; i++) { /* whatever is changed, it is seen */
		b.p[i] ^= 1;
		ck_assert_int_eq(take(buf_span(&b), &taken), i == 16 + sizeof six ? PROXY_DONE : PROXY_BAD);
		b.p[i] ^= 1;
	}
	buf_fini(&b);
}
END_TEST

START_TEST(bad_version_2)
{
	uint8_t zeros[600] = { 0 };
	struct buf b;
	size_t taken;

	buf_init(&b);
	head(&b, 0x21, 0x11, sizeof four);
	for (size_t i = 0; i < 12; i++) { /* the signature */
		b.p[i] ^= 0x40;
		ck_assert_int_eq(take(buf_span(&b), &taken), PROXY_BAD);
		ck_assert_int_eq(take(span_of(b.p, i + 1), &taken), PROXY_BAD);
		b.p[i] ^= 0x40;
	}
	for (unsigned command = 0; command < 256; command++) {
		head(&b, (uint8_t)command, 0, 0);
		ck_assert_int_eq(take(span_of(b.p, 13), &taken) == PROXY_SHORT, command == 0x20 || command == 0x21);
		ck_assert_int_eq(take(buf_span(&b), &taken) == PROXY_DONE, command == 0x20 || command == 0x21);
	}
	for (unsigned family = 0; family < 256; family++) {
		bool known = family == 0 || family == 0x11 || family == 0x21 || family == 0x31;

		head(&b, 0x21, (uint8_t)family, 216);
		buf_put(&b, zeros, 216);
		ck_assert_int_eq(take(buf_span(&b), &taken) == PROXY_DONE, known);
	}
	head(&b, 0x21, 0x11, 11);
	buf_put(&b, four, 11);
	ck_assert_int_eq(take(buf_span(&b), &taken), PROXY_BAD);
	head(&b, 0x21, 0x21, 35);
	buf_put(&b, six, 35);
	ck_assert_int_eq(take(buf_span(&b), &taken), PROXY_BAD);
	head(&b, 0x20, 0, PROXY_MOST - 16);
	buf_put(&b, zeros, PROXY_MOST - 16);
	ck_assert_int_eq(take(buf_span(&b), &taken), PROXY_DONE);
	ck_assert_uint_eq(taken, PROXY_MOST);
	head(&b, 0x20, 0, PROXY_MOST - 15);
	ck_assert_int_eq(take(buf_span(&b), &taken), PROXY_BAD); /* at once */
	head(&b, 0x21, 0x11, 0xffff);
	ck_assert_int_eq(take(buf_span(&b), &taken), PROXY_BAD);
	buf_fini(&b);
}
END_TEST

SUITE_MAIN("smtp_proxy", version_1, bad_version_1, bounds_of_version_1, version_2, extensions, bad_version_2)
