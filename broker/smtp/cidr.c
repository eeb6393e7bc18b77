/* See cidr.h. */
#include "broker/smtp/cidr.h"

#include <arpa/inet.h>

#include "base/text.h"

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static uint8_t bits_of(const struct cidr_address *a)
{
	return a->family == 0 ? 0 : a->family == 4 ? 32 : 128;
}

/* was_mapped: it was an IPv6 address that means one of IPv4. */
static bool read_address(struct span text, struct cidr_address *a, bool *was_mapped)
{
	char copy[INET6_ADDRSTRLEN];
	struct cidr_address r = { .family = 0 };

	*was_mapped = false;
	if (text.n == 0 || text.n >= sizeof copy || memchr(text.p, 0, text.n) != NULL)
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (inet_pton(AF_INET, copy, r.bytes) == 1) {
		r.family = 4;
	} else if (inet_pton(AF_INET6, copy, r.bytes) != 1) {
		return false;
	} else if (memcmp(r.bytes, mapped, sizeof mapped) == 0) {
		r = (struct cidr_address){ .family = 4,
			                   .bytes = { r.bytes[12], r.bytes[13], r.bytes[14], r.bytes[15] } };
		*was_mapped = true;
	} else {
		r.family = 6;
	}
	*a = r;
	return true;
}

bool cidr_read_address(struct span text, struct cidr_address *a)
{
	bool was_mapped;

	return read_address(text, a, &was_mapped);
}

static bool read_bits(struct span text, uint32_t *bits)
{
	*bits = 0;
	if (text.n == 0 || text.n > 3 || (text.n > 1 && text.p[0] == '0'))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		*bits = *bits * 10 + (uint32_t)(text.p[i] - '0');
	}
	return true;
}

/* Whether the first `bits` of both are the same. */
static bool first_bits(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
	uint32_t whole = bits / 8, part = bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> part);

	return memcmp(a, b, whole) == 0 && (part == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

static bool rest_is_zero(const struct cidr *c)
{
	uint32_t n = bits_of(&c->address);

	for (uint32_t i = c->bits; i < n; i++)
		if ((c->address.bytes[i / 8] & (0x80u >> i % 8)) != 0)
			return false;
	return true;
}

bool cidr_read(struct span text, struct cidr *c, const char **why)
{
	const uint8_t *slash = text.n > 0 ? memchr(text.p, '/', text.n) : NULL;
	size_t n = slash != NULL ? (size_t)(slash - text.p) : text.n;
	struct cidr r;
	uint32_t bits;
	bool was_mapped;

	if (!read_address(span_of(text.p, n), &r.address, &was_mapped)) {
		*why = "it is no IPv4 or IPv6 address";
		return false;
	}
	bits = bits_of(&r.address);
	if (slash != NULL) {
		if (!read_bits(span_of(slash + 1, text.n - n - 1), &bits) ||
		    bits > (was_mapped ? 128 : bits_of(&r.address))) {
			*why = r.address.family == 4 && !was_mapped ? "behind / stand 0 to 32 bits"
			                                            : "behind / stand 0 to 128 bits";
			return false;
		}
		if (was_mapped && bits < 96) {
			*why = "networks of IPv4 are written as 192.0.2.0/24";
			return false;
		}
		bits -= was_mapped ? 96 : 0;
	}
	r.bits = (uint8_t)bits;
	if (!rest_is_zero(&r)) {
		*why = "it has bits set behind those that count";
		return false;
	}
	*c = r;
	return true;
}

bool cidr_has(const struct cidr *c, const struct cidr_address *a)
{
	return a->family != 0 && a->family == c->address.family && first_bits(a->bytes, c->address.bytes, c->bits);
}

bool cidr_any(const struct cidr *c, uint32_t n, const struct cidr_address *a)
{
	for (uint32_t i = 0; i < n; i++)
		if (cidr_has(&c[i], a))
			return true;
	return false;
}

bool cidr_same(const struct cidr_address *a, const struct cidr_address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, bits_of(a) / 8) == 0;
}

bool cidr_loopback(const struct cidr_address *a)
{
	static const uint8_t six[16] = { [15] = 1 };

	if (a->family == 4)
		return a->bytes[0] == 127;
	return a->family == 0 || memcmp(a->bytes, six, sizeof six) == 0;
}

const char *cidr_show(const struct cidr_address *a, char to[CIDR_TEXT])
{
	if (a->family == 0)
		text_format(to, CIDR_TEXT, "unix");
	else if (inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->bytes, to, CIDR_TEXT) == NULL)
		to[0] = '\0';
	return to;
}
