/* See base64.h. */
#include "base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, struct span bytes)
{
	uint8_t *p = buf_room(out, (bytes.n + 2) / 3 * 4);

	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t left = bytes.n - i;
		uint32_t v = (uint32_t)bytes.p[i] << 16;

		if (left > 1)
			v |= (uint32_t)bytes.p[i + 1] << 8;
		if (left > 2)
			v |= bytes.p[i + 2];
		*p++ = (uint8_t)digits[v >> 18];
		*p++ = (uint8_t)digits[v >> 12 & 63];
		*p++ = left > 1 ? (uint8_t)digits[v >> 6 & 63] : '=';
		*p++ = left > 2 ? (uint8_t)digits[v & 63] : '=';
	}
	out->n = (size_t)(p - out->p);
}

static int value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(struct buf *out, struct span text)
{
	size_t before = out->n, n = text.n;
	uint32_t v = 0, bits = 0;

	if (n % 4 == 0)
		for (int i = 0; i < 2 && n > 0 && text.p[n - 1] == '='; i++)
			n--;
	if (n % 4 == 1)
		return false;
	buf_room(out, n / 4 * 3 + 3);
	for (size_t i = 0; i < n; i++) {
		int d = value(text.p[i]);

		if (d < 0) {
			out->n = before;
			return false;
		}
		v = v << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out->p[out->n++] = (uint8_t)(v >> bits);
		}
	}
	return true;
}
