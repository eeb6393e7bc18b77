/* Raw deflate with sync flushes: what nsqd was seen to send, round trips, bombs, damage. */
#include "broker/nsq/deflate.h"

#include <stdlib.h>

#include "tests/unit/base/suite.h"

static const char OK_FRAME[] = "\x00\x00\x00\x06\x00\x00\x00\x00OK";

START_TEST(test_observed)
{
	static const uint8_t seen[] = { 0x62, 0x60, 0x60, 0x60, 0x63, 0x60, 0x60, 0x60,
		                        0xf0, 0xf7, 0x06, 0x00, 0x00, 0x00, 0xff, 0xff };
	struct deflate *d = deflate_new(6);
	struct buf plain = { 0 }, out = { 0 };
	size_t taken;

	ck_assert_int_eq(deflate_read(d, span_of(seen, sizeof seen), 1000, &taken, &plain), DEFLATE_SHORT);
	ck_assert_uint_eq(taken, sizeof seen);
	ck_assert_uint_eq(plain.n, 10);
	ck_assert_mem_eq(plain.p, OK_FRAME, 10);
	deflate_write(d, span_of(OK_FRAME, 10), &out);
	ck_assert_uint_gt(out.n, 4);
	ck_assert_mem_eq(out.p + out.n - 4, "\x00\x00\xff\xff", 4); /* a sync flush */
	buf_clear(&plain);
	ck_assert_int_eq(deflate_read(d, buf_span(&out), 1000, &taken, &plain), DEFLATE_SHORT);
	ck_assert_uint_eq(plain.n, 10);
	ck_assert_mem_eq(plain.p, OK_FRAME, 10);
	deflate_free(d);
	buf_fini(&plain);
	buf_fini(&out);
}
END_TEST

START_TEST(test_levels_and_pieces)
{
	for (int level = 1; level <= 9; level++) {
		struct deflate *d = deflate_new(level);
		struct buf plain = { 0 }, out = { 0 }, back = { 0 };
		size_t at = 0, taken;
		uint32_t x = 7;

		for (int piece = 0; piece < 20; piece++) {
			size_t before = plain.n;

			for (int k = 0; k < piece * 3000 + 1; k++) {
				x = x * 1664525 + 1013904223;
				buf_put_u8(&plain, piece % 2 ? (uint8_t)(x >> 24) : (uint8_t)(x >> 29));
			}
			deflate_write(d, span_of(plain.p + before, plain.n - before), &out);
			for (;;) { /* all of it can be read at once, however little at a time */
				size_t had = back.n;
				enum deflate_read got =
				    deflate_read(d, span_of(out.p + at, out.n - at), 1009, &taken, &back);

				at += taken;
				ck_assert_uint_le(back.n - had, 1009);
				if (got == DEFLATE_SHORT)
					break;
				ck_assert_int_eq(got, DEFLATE_MORE);
			}
			ck_assert_uint_eq(at, out.n);
			ck_assert_uint_eq(back.n, plain.n);
		}
		ck_assert_mem_eq(back.p, plain.p, plain.n);
		deflate_free(d);
		buf_fini(&plain);
		buf_fini(&out);
		buf_fini(&back);
	}
}
END_TEST

/* 16 MiB in some 16 KiB: no call brings out more than it may. */
START_TEST(test_bomb)
{
	enum { WHOLE = 16 << 20, MOST = 100000 };
	struct deflate *d = deflate_new(9);
	struct buf plain = { 0 }, out = { 0 }, back = { 0 };
	size_t at = 0, taken, total = 0;
	enum deflate_read got;

	memset(buf_room(&plain, WHOLE), 0, WHOLE);
	deflate_write(d, span_of(plain.p, WHOLE), &out);
	ck_assert_uint_lt(out.n, 32768);
	do {
		got = deflate_read(d, span_of(out.p + at, out.n - at), MOST, &taken, &back);
		at += taken;
		ck_assert_uint_le(back.n, MOST);
		total += back.n;
		buf_clear(&back);
	} while (got == DEFLATE_MORE);
	ck_assert_int_eq(got, DEFLATE_SHORT);
	ck_assert_uint_eq(total, WHOLE);
	deflate_free(d);
	buf_fini(&plain);
	buf_fini(&out);
	buf_fini(&back);
}
END_TEST

START_TEST(test_end_and_damage)
{
	struct deflate *d = deflate_new(6);
	struct buf back = { 0 };
	size_t taken;

	/* a last block with nothing in it; what comes behind it is not taken */
	ck_assert_int_eq(deflate_read(d, span_of("\x03\x00!!", 4), 100, &taken, &back), DEFLATE_END);
	ck_assert_uint_eq(taken, 2);
	ck_assert_int_eq(deflate_read(d, span_of("!!", 2), 100, &taken, &back), DEFLATE_END);
	ck_assert_uint_eq(back.n, 0);
	deflate_free(d);
	d = deflate_new(6);
	ck_assert_int_eq(deflate_read(d, span_of("\xff\xff\xff\xff", 4), 100, &taken, &back), DEFLATE_BROKEN);
	deflate_free(d);
	buf_fini(&back);
}
END_TEST

SUITE_MAIN("deflate", test_observed, test_levels_and_pieces, test_bomb, test_end_and_damage)
