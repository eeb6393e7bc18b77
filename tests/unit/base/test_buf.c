/* The byte buffer: growth keeps what is there, and integers are little-endian on any machine. */
#include "base/buf.h"

#include "base/le.h"
#include "base/rand.h"
#include "tests/unit/base/suite.h"

START_TEST(test_growth)
{
	static uint8_t model[200000];
	struct buf b;
	struct rng r;
	size_t n = 0;

	rng_seed(&r, 3);
	buf_init(&b);
	for (;;) {
		size_t more = rng_below(&r, 700);
		uint8_t *room;

		if (n + more > sizeof model)
			break;
		room = buf_room(&b, more);
		ck_assert(b.cap - b.n >= more);
		for (size_t i = 0; i < more; i++)
			room[i] = model[n + i] = (uint8_t)rng_next(&r);
		b.n += more;
		n += more;
	}
	ck_assert(span_eq(buf_span(&b), span_of(model, n)));
	buf_clear(&b);
	ck_assert_uint_eq(b.n, 0);
	ck_assert_uint_gt(b.cap, 0);
	buf_fini(&b);
	ck_assert_ptr_null(b.p);
}
END_TEST

START_TEST(test_integers)
{
	static const uint8_t want[] = { 0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f,
		                        0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08 };
	struct buf b;

	buf_init(&b);
	buf_put_u8(&b, 0x01);
	buf_put_u16(&b, 0x0203);
	buf_put_u32(&b, 0x04050607);
	buf_put_u64(&b, 0x08090a0b0c0d0e0f);
	ck_assert(span_eq(buf_span(&b), span_of(want, sizeof want)));
	ck_assert_uint_eq(le_get16(b.p + 1), 0x0203);
	ck_assert_uint_eq(le_get32(b.p + 3), 0x04050607);
	ck_assert_uint_eq(le_get64(b.p + 7), 0x08090a0b0c0d0e0f);
	buf_fini(&b);
}
END_TEST

START_TEST(test_nothing)
{
	struct buf b;

	buf_init(&b);
	buf_put(&b, NULL, 0);
	buf_put_span(&b, span_of(NULL, 0));
	ck_assert_uint_eq(b.n, 0);
	ck_assert(span_eq(buf_span(&b), span_str("")));
	ck_assert(!span_eq(span_str("a"), span_str("b")));
	ck_assert(!span_eq(span_str("a"), span_str("ab")));
	buf_fini(&b);
}
END_TEST

SUITE_MAIN("buf", test_growth, test_integers, test_nothing)
