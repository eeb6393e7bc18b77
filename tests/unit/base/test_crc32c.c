/* CRC-32C: the vectors of RFC 3720 B.4, and that a checksum in parts is the checksum of the whole. */
#include "base/crc32c.h"

#include <string.h>

#include "base/rand.h"
#include "tests/unit/base/suite.h"

START_TEST(test_rfc3720)
{
	static const uint8_t read_command[48] = { 0x01, 0xc0, 0, 0, 0, 0, 0,    0, 0,    0, 0, 0,    0, 0, 0, 0,
		                                  0x14, 0,    0, 0, 0, 0, 0x04, 0, 0,    0, 0, 0x14, 0, 0, 0, 0x18,
		                                  0x28, 0,    0, 0, 0, 0, 0,    0, 0x02, 0, 0, 0,    0, 0, 0, 0 };
	uint8_t b[32];

	memset(b, 0, sizeof b);
	ck_assert_uint_eq(crc32c(0, b, 32), 0x8a9136aa);
	memset(b, 0xff, sizeof b);
	ck_assert_uint_eq(crc32c(0, b, 32), 0x62a8ab43);
	for (uint8_t i = 0; i < 32; i++)
		b[i] = i;
	ck_assert_uint_eq(crc32c(0, b, 32), 0x46dd794e);
	for (uint8_t i = 0; i < 32; i++)
		b[i] = (uint8_t)(31 - i);
	ck_assert_uint_eq(crc32c(0, b, 32), 0x113fdb5c);
	ck_assert_uint_eq(crc32c(0, read_command, 48), 0xd9963a56);
	ck_assert_uint_eq(crc32c(0, "123456789", 9), 0xe3069283);
	ck_assert_uint_eq(crc32c(0, NULL, 0), 0);
}
END_TEST

/* Bit by bit, as the definition has it. */
static uint32_t by_bits(const uint8_t *p, size_t n)
{
	uint32_t c = 0xffffffffu;

	for (; n; p++, n--) {
		c ^= *p;
		for (int k = 0; k < 8; k++)
			c = (c >> 1) ^ (c & 1 ? 0x82f63b78u : 0);
	}
	return ~c;
}

START_TEST(test_parts)
{
	uint8_t b[300];
	struct rng r;

	rng_seed(&r, 11);
	for (int round = 0; round < 2000; round++) {
		size_t at = rng_below(&r, 9), n = rng_below(&r, sizeof b - 8), cut = rng_below(&r, n + 1);

		for (size_t i = 0; i < n; i++)
			b[at + i] = (uint8_t)rng_next(&r);
		ck_assert_uint_eq(crc32c(0, b + at, n), by_bits(b + at, n));
		ck_assert_uint_eq(crc32c(crc32c(0, b + at, cut), b + at + cut, n - cut), by_bits(b + at, n));
	}
}
END_TEST

SUITE_MAIN("crc32c", test_rfc3720, test_parts)
