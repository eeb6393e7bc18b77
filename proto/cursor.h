/* msgpack in the small: a reader that never looks past its end, and a writer into room that the caller has
 * made sure of. Readers return SHEAF_OK, SHEAF_E_MALFORMED (not that type, or cut off) or SHEAF_E_BAD_VALUE
 * (a number, but not one that the field can hold); on an error the cursor and the result are unchanged.
 * Every width that msgpack has for a type is taken. */
#ifndef SHEAF_PROTO_CURSOR_H
#define SHEAF_PROTO_CURSOR_H

#include <endian.h>

#include "base/buf.h"
#include "base/must.h"
#include "base/span.h"
#include "proto/error.h"

struct cursor {
	const uint8_t *p;   /* next byte */
	const uint8_t *end; /* behind the last one */
};

/* msgpack's first bytes */
enum {
	MP_FIXARRAY = 0x90,
	MP_FIXSTR = 0xa0,
	MP_BIN8 = 0xc4,
	MP_BIN16 = 0xc5,
	MP_BIN32 = 0xc6,
	MP_UINT8 = 0xcc,
	MP_UINT16 = 0xcd,
	MP_UINT32 = 0xce,
	MP_UINT64 = 0xcf,
	MP_INT8 = 0xd0,
	MP_INT16 = 0xd1,
	MP_INT32 = 0xd2,
	MP_INT64 = 0xd3,
	MP_STR8 = 0xd9,
	MP_STR16 = 0xda,
	MP_STR32 = 0xdb,
	MP_ARRAY16 = 0xdc,
	MP_ARRAY32 = 0xdd,
	MP_NEGATIVE = 0xe0
};

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

static inline uint16_t be_get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof v);
	return be16toh(v);
}

static inline uint32_t be_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return be32toh(v);
}

static inline uint64_t be_get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return be64toh(v);
}

/* The value of `width` big-endian bytes: 1, 2, 4 or 8. */
static inline uint64_t be_get(const uint8_t *p, size_t width)
{
	return width == 1 ? *p : width == 2 ? be_get16(p) : width == 4 ? be_get32(p) : be_get64(p);
}

/* Any whole number: *magnitude holds its two's complement, *negative whether it is below zero. */
static inline enum sheaf_error cursor_number(struct cursor *c, uint64_t *bits, bool *negative)
{
	uint8_t first;
	size_t width;
	uint64_t v;

	if (unlikely(c->p == c->end))
		return SHEAF_E_MALFORMED;
	first = *c->p;
	if (first < 0x80 || first >= MP_NEGATIVE) {
		*bits = (uint64_t)(int64_t)(int8_t)first;
		*negative = first >= MP_NEGATIVE;
		c->p++;
		return SHEAF_OK;
	}
	if (first < MP_UINT8 || first > MP_INT64)
		return SHEAF_E_MALFORMED;
	width = (size_t)1 << ((first - MP_UINT8) & 3);
	if (cursor_left(c) < 1 + width)
		return SHEAF_E_MALFORMED;
	v = be_get(c->p + 1, width);
	if (first >= MP_INT8) {
		uint64_t sign = (uint64_t)1 << (8 * width - 1);

		*negative = (v & sign) != 0;
		v = (v ^ sign) - sign;
	} else {
		*negative = false;
	}
	*bits = v;
	c->p += 1 + width;
	return SHEAF_OK;
}

static inline enum sheaf_error cursor_u64(struct cursor *c, uint64_t *v)
{
	struct cursor begin = *c;
	enum sheaf_error e;
	bool negative;
	uint64_t bits;

	if (likely(c->p < c->end && *c->p < 0x80)) {
		*v = *c->p++;
		return SHEAF_OK;
	}
	if (likely(cursor_left(c) >= 9 && *c->p == MP_UINT64)) {
		*v = be_get64(c->p + 1);
		c->p += 9;
		return SHEAF_OK;
	}
	e = cursor_number(c, &bits, &negative);
	if (e != SHEAF_OK)
		return e;
	if (negative) {
		*c = begin;
		return SHEAF_E_BAD_VALUE;
	}
	*v = bits;
	return SHEAF_OK;
}

static inline enum sheaf_error cursor_u32(struct cursor *c, uint32_t *v)
{
	struct cursor begin = *c;
	enum sheaf_error e;
	uint64_t wide;

	if (likely(c->p < c->end && *c->p < 0x80)) {
		*v = *c->p++;
		return SHEAF_OK;
	}
	e = cursor_u64(c, &wide);
	if (e != SHEAF_OK)
		return e;
	if (wide > UINT32_MAX) {
		*c = begin;
		return SHEAF_E_BAD_VALUE;
	}
	*v = (uint32_t)wide;
	return SHEAF_OK;
}

static inline enum sheaf_error cursor_i32(struct cursor *c, int32_t *v)
{
	struct cursor begin = *c;
	enum sheaf_error e;
	bool negative;
	uint64_t bits;

	if (likely(c->p < c->end && *c->p < 0x80)) {
		*v = *c->p++;
		return SHEAF_OK;
	}
	e = cursor_number(c, &bits, &negative);
	if (e != SHEAF_OK)
		return e;
	if (negative ? (int64_t)bits < INT32_MIN : bits > INT32_MAX) {
		*c = begin;
		return SHEAF_E_BAD_VALUE;
	}
	*v = (int32_t)(int64_t)bits;
	return SHEAF_OK;
}

/* A str or a bin; *s borrows from the frame. */
static inline enum sheaf_error cursor_bytes(struct cursor *c, struct span *s)
{
	size_t left = cursor_left(c), head, n;
	uint8_t first;

	if (likely(left >= 2 && c->p[0] == MP_BIN8 && c->p[1] <= left - 2)) {
		*s = span_of(c->p + 2, c->p[1]);
		c->p += 2 + s->n;
		return SHEAF_OK;
	}
	if (unlikely(left == 0))
		return SHEAF_E_MALFORMED;
	first = *c->p;
	if (first >= MP_FIXSTR && first < MP_FIXSTR + 32) {
		head = 1;
		n = first & 31u;
	} else if ((first >= MP_BIN8 && first <= MP_BIN32) || (first >= MP_STR8 && first <= MP_STR32)) {
		size_t width = (size_t)1 << (first >= MP_STR8 ? first - MP_STR8 : first - MP_BIN8);

		head = 1 + width;
		if (left < head)
			return SHEAF_E_MALFORMED;
		n = be_get(c->p + 1, width);
	} else {
		return SHEAF_E_MALFORMED;
	}
	if (unlikely(n > left - head))
		return SHEAF_E_MALFORMED;
	*s = span_of(c->p + head, n);
	c->p += head + n;
	return SHEAF_OK;
}

/* The head of an array of *n elements; never more than there are bytes left, as each takes at least one. */
static inline enum sheaf_error cursor_array(struct cursor *c, uint32_t *n)
{
	size_t head;
	uint32_t count;
	uint8_t first;

	if (unlikely(c->p == c->end))
		return SHEAF_E_MALFORMED;
	first = *c->p;
	if (likely(first >= MP_FIXARRAY && first < MP_FIXARRAY + 16)) {
		head = 1;
		count = first & 15u;
	} else if (first == MP_ARRAY16 || first == MP_ARRAY32) {
		size_t width = first == MP_ARRAY16 ? 2 : 4;

		head = 1 + width;
		if (cursor_left(c) < head)
			return SHEAF_E_MALFORMED;
		count = (uint32_t)be_get(c->p + 1, width);
	} else {
		return SHEAF_E_MALFORMED;
	}
	if (unlikely(count > cursor_left(c) - head))
		return SHEAF_E_MALFORMED;
	*n = count;
	c->p += head;
	return SHEAF_OK;
}

/* Passes over one value of any type, whatever is nested in it. It counts what is still to be passed over, so
 * depth costs neither stack nor memory. */
MUST_CHECK enum sheaf_error cursor_skip(struct cursor *c);

/* The longest head of a str or bin, and the longest number. */
enum { PUT_HEAD = 5, PUT_NUMBER = 9 };

static inline uint8_t *put_u16(uint8_t *p, uint8_t first, uint16_t v)
{
	v = htobe16(v);
	*p = first;
	memcpy(p + 1, &v, sizeof v);
	return p + 3;
}

static inline uint8_t *put_u32(uint8_t *p, uint8_t first, uint32_t v)
{
	v = htobe32(v);
	*p = first;
	memcpy(p + 1, &v, sizeof v);
	return p + 5;
}

/* Always nine bytes, for what is large as a rule and for what is patched. */
static inline uint8_t *put_wide(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	*p = MP_UINT64;
	memcpy(p + 1, &v, sizeof v);
	return p + 9;
}

/* The shortest form. */
static inline uint8_t *put_uint(uint8_t *p, uint64_t v)
{
	if (likely(v < 0x80)) {
		*p = (uint8_t)v;
		return p + 1;
	}
	if (v <= UINT8_MAX) {
		p[0] = MP_UINT8;
		p[1] = (uint8_t)v;
		return p + 2;
	}
	if (v <= UINT16_MAX)
		return put_u16(p, MP_UINT16, (uint16_t)v);
	if (v <= UINT32_MAX)
		return put_u32(p, MP_UINT32, (uint32_t)v);
	return put_wide(p, v);
}

static inline uint8_t *put_int(uint8_t *p, int32_t v)
{
	if (likely(v >= 0))
		return put_uint(p, (uint64_t)v);
	if (v >= -32) {
		*p = (uint8_t)v;
		return p + 1;
	}
	return put_u32(p, MP_INT32, (uint32_t)v);
}

static inline uint8_t *put_bytes(uint8_t *p, struct span s)
{
	if (s.n)
		memcpy(p, s.p, s.n);
	return p + s.n;
}

/* At most 4 GiB, which every limit is far below. */
static inline uint8_t *put_bin(uint8_t *p, struct span s)
{
	if (likely(s.n <= UINT8_MAX)) {
		p[0] = MP_BIN8;
		p[1] = (uint8_t)s.n;
		p += 2;
	} else if (s.n <= UINT16_MAX) {
		p = put_u16(p, MP_BIN16, (uint16_t)s.n);
	} else {
		p = put_u32(p, MP_BIN32, (uint32_t)s.n);
	}
	return put_bytes(p, s);
}

static inline uint8_t *put_str(uint8_t *p, struct span s)
{
	if (likely(s.n < 32)) {
		*p++ = (uint8_t)(MP_FIXSTR | s.n);
	} else if (s.n <= UINT8_MAX) {
		p[0] = MP_STR8;
		p[1] = (uint8_t)s.n;
		p += 2;
	} else if (s.n <= UINT16_MAX) {
		p = put_u16(p, MP_STR16, (uint16_t)s.n);
	} else {
		p = put_u32(p, MP_STR32, (uint32_t)s.n);
	}
	return put_bytes(p, s);
}

static inline uint8_t *put_array(uint8_t *p, uint32_t n)
{
	if (likely(n < 16)) {
		*p = (uint8_t)(MP_FIXARRAY | n);
		return p + 1;
	}
	if (n <= UINT16_MAX)
		return put_u16(p, MP_ARRAY16, (uint16_t)n);
	return put_u32(p, MP_ARRAY32, n);
}

#endif
