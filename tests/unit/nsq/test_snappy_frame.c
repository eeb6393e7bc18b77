/* Snappy's framing format: what nsqd was seen to send, what a reader must take, what it must refuse. */
#include "broker/nsq/snappy_frame.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "base/le.h"
#include "tests/unit/base/suite.h"

#define IDENTIFIER "\xff\x06\x00\x00sNaPpY"
#define OK_FRAME   "\x00\x00\x00\x06\x00\x00\x00\x00OK"
#define OK_CHUNK   "\x01\x0e\x00\x00\x26\x98\x2b\xcf" OK_FRAME

#define BYTES(s) span_of(s, sizeof(s) - 1)

/* Reads all of `in`: what comes out is in `plain`; the last answer. */
static enum snappy_read read_all(struct snappy_reader *r, struct span in, struct buf *plain)
{
	for (;;) {
		size_t taken;
		enum snappy_read got = snappy_read(r, in, &taken, plain);

		ck_assert_uint_le(taken, in.n);
		in = span_of(in.p + taken, in.n - taken);
		if (got != SNAPPY_READ)
			return got;
	}
}

static void reads(struct span in, const char *text, size_t n)
{
	struct snappy_reader r = { 0 };
	struct buf plain = { 0 };

	ck_assert_int_eq(read_all(&r, in, &plain), SNAPPY_SHORT);
	ck_assert_uint_eq(plain.n, n);
	ck_assert_mem_eq(plain.p, text, n);
	buf_fini(&plain);
}

static void refuses(struct span in)
{
	struct snappy_reader r = { 0 };
	struct buf plain = { 0 };

	ck_assert_int_eq(read_all(&r, in, &plain), SNAPPY_BROKEN);
	buf_fini(&plain);
}

START_TEST(test_observed)
{
	struct snappy_writer w = { 0 };
	struct buf out = { 0 };

	snappy_write(&w, BYTES(OK_FRAME), &out);
	ck_assert_uint_eq(out.n, sizeof(IDENTIFIER OK_CHUNK) - 1);
	ck_assert_mem_eq(out.p, IDENTIFIER OK_CHUNK, out.n);
	reads(buf_span(&out), OK_FRAME, 10);
	buf_clear(&out);
	snappy_write(&w, BYTES(OK_FRAME), &out); /* the identifier only once */
	ck_assert_uint_eq(out.n, sizeof(OK_CHUNK) - 1);
	ck_assert_mem_eq(out.p, OK_CHUNK, out.n);
	snappy_write(&w, span_of(NULL, 0), &out);
	ck_assert_uint_eq(out.n, sizeof(OK_CHUNK) - 1);
	buf_fini(&out);
}
END_TEST

START_TEST(test_reader_takes)
{
	/* padding, what may be skipped, and the identifier again, wherever */
	reads(
	    BYTES(IDENTIFIER "\xfe\x03\x00\x00???" OK_CHUNK IDENTIFIER "\x80\x00\x00\x00" OK_CHUNK "\xfd\x01\x00\x00!"),
	    OK_FRAME OK_FRAME, 20);
	/* a chunk of nothing: the checksum of nothing, masked */
	reads(BYTES(IDENTIFIER "\x01\x04\x00\x00\xd8\xea\x82\xa2" OK_CHUNK), OK_FRAME, 10);
}
END_TEST

START_TEST(test_reader_refuses)
{
	refuses(BYTES(OK_CHUNK));                         /* no identifier */
	refuses(BYTES("\xfe\x03\x00\x00???" IDENTIFIER)); /* likewise */
	refuses(BYTES("\xff\x06\x00\x00sNaPpy"));         /* a wrong one */
	refuses(BYTES("\xff\x05\x00\x00sNaPp"));
	refuses(BYTES(IDENTIFIER "\x02\x00\x00\x00")); /* types to come that may not be skipped */
	refuses(BYTES(IDENTIFIER "\x7f\x00\x00\x00"));
	refuses(BYTES(IDENTIFIER "\x01\x0e\x00\x00\x26\x98\x2b\xce" OK_FRAME)); /* a wrong sum */
	refuses(BYTES(IDENTIFIER "\x01\x03\x00\x00\x26\x98\x2b"));              /* no room for a sum */
	refuses(BYTES(IDENTIFIER "\x01\xff\xff\xff"));                          /* too long, seen before it is there */
	refuses(BYTES(IDENTIFIER "\x00\x08\x00\x00____\xff\xff\xff\x0f"));      /* claims 32 MiB */
	refuses(BYTES(IDENTIFIER "\x00\x05\x00\x00____\x81"));                  /* a cut length */
	refuses(BYTES(IDENTIFIER "\x00\x06\x00\x00____\x0a\x04"));              /* a cut body */
}
END_TEST

START_TEST(test_chunk_too_large)
{
	static uint8_t chunk[10 + 4 + 4 + SNAPPY_CHUNK + 1];
	uint32_t c;

	memcpy(chunk, IDENTIFIER, 10);
	le_put32(chunk + 10, 1 | (4 + SNAPPY_CHUNK + 1) << 8);
	c = crc32c(0, chunk + 18, SNAPPY_CHUNK + 1);
	le_put32(chunk + 14, ((c >> 15) | (c << 17)) + 0xa282ead8U);
	refuses(span_of(chunk, sizeof chunk));
}
END_TEST

/* Bytes that compress a little, well or not at all; in pieces of any size; back as they were. */
START_TEST(test_round)
{
	static const size_t sizes[] = {
		1, 2, 100, SNAPPY_CHUNK - 1, SNAPPY_CHUNK, SNAPPY_CHUNK + 1, 5 * SNAPPY_CHUNK + 7
	};
	struct buf plain = { 0 }, out = { 0 }, back = { 0 };
	struct snappy_writer w = { 0 };
	struct snappy_reader r = { 0 };
	uint32_t x = 1;

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		for (int kind = 0; kind < 3; kind++) {
			struct buf piece = { 0 };

			for (size_t k = 0; k < sizes[i]; k++) {
				x = x * 1664525 + 1013904223;
				buf_put_u8(&piece, kind == 0   ? 'a'
				                   : kind == 1 ? (uint8_t)(x >> 30)
				                               : (uint8_t)(x >> 24));
			}
			snappy_write(&w, buf_span(&piece), &out);
			buf_put_span(&plain, buf_span(&piece));
			buf_fini(&piece);
		}
	ck_assert_uint_lt(out.n, plain.n * 2 / 3);
	for (size_t at = 0, end = 0; end < out.n;) { /* what is not whole yet waits */
		size_t taken;
		enum snappy_read got;

		end = end + 7777 < out.n ? end + 7777 : out.n;
		do {
			size_t before = back.n;

			got = snappy_read(&r, span_of(out.p + at, end - at), &taken, &back);
			ck_assert_int_ne(got, SNAPPY_BROKEN);
			ck_assert_uint_le(back.n - before, SNAPPY_CHUNK);
			at += taken;
		} while (got == SNAPPY_READ);
	}
	ck_assert_uint_eq(back.n, plain.n);
	ck_assert_mem_eq(back.p, plain.p, plain.n);
	buf_fini(&plain);
	buf_fini(&out);
	buf_fini(&back);
}
END_TEST

SUITE_MAIN("snappy_frame", test_observed, test_reader_takes, test_reader_refuses, test_chunk_too_large, test_round)
