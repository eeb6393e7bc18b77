/* See proxy.h. */
#include "broker/smtp/proxy.h"

#include "base/be.h"
#include "base/crc32c.h"

enum {
	V1_MOST = 107, /* bytes, CRLF included */
	V2_HEAD = 16,
	V2_IP4 = 12, /* bytes of both addresses and ports */
	V2_IP6 = 36,
	TLV_HEAD = 3,
	TLV_CRC32C = 0x03
};

static const uint8_t v1_begins[] = { 'P', 'R', 'O', 'X', 'Y', ' ' };
static const uint8_t v2_begins[] = { '\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n' };

static bool begins(struct span in, const uint8_t *with, size_t n)
{
	return memcmp(in.p, with, in.n < n ? in.n : n) == 0;
}

/* The next word of a line of version 1; words are parted by just one space. */
static struct span word(struct span *line)
{
	const uint8_t *space = memchr(line->p, ' ', line->n);
	size_t n = space != NULL ? (size_t)(space - line->p) : line->n;
	struct span w = span_of(line->p, n);

	n += space != NULL;
	*line = span_of(line->p + n, line->n - n);
	return w;
}

static bool read_port(struct span text, uint16_t *port)
{
	uint32_t v = 0;

	if (text.n == 0 || text.n > 5 || (text.n > 1 && text.p[0] == '0'))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		v = 10 * v + (uint32_t)(text.p[i] - '0');
	}
	*port = (uint16_t)v;
	return v <= UINT16_MAX;
}

/* text is of this family: "::ffff:192.0.2.1" may stand where IPv6 is said, and is IPv4 to us. */
static bool read_address(struct span text, bool six, struct cidr_address *a)
{
	bool colon = text.n > 0 && memchr(text.p, ':', text.n) != NULL;

	return colon == six && cidr_read_address(text, a);
}

/* Behind "PROXY ", to its CRLF. */
static bool v1_line(struct span line, struct proxy_source *from)
{
	struct proxy_source r = { .local = false };
	struct span family = word(&line), source, to, source_port, to_port;
	bool six;

	if (span_eq(family, span_str("UNKNOWN"))) { /* whatever follows */
		from->local = true;
		return true;
	}
	six = span_eq(family, span_str("TCP6"));
	if (!six && !span_eq(family, span_str("TCP4")))
		return false;
	source = word(&line);
	to = word(&line);
	source_port = word(&line);
	to_port = line; /* all that is left, so that nothing can follow it */
	if (!read_address(source, six, &r.source) || !read_address(to, six, &r.to) ||
	    !read_port(source_port, &r.source_port) || !read_port(to_port, &r.to_port))
		return false;
	*from = r;
	return true;
}

static enum proxy_verdict v1(struct span in, size_t *taken, struct proxy_source *from)
{
	size_t most = in.n < V1_MOST ? in.n : V1_MOST;
	const uint8_t *cr = memchr(in.p, '\r', most);
	size_t n;

	if (memchr(in.p, '\n', cr != NULL ? (size_t)(cr - in.p) : most) != NULL)
		return PROXY_BAD;
	if (cr == NULL)
		return in.n >= V1_MOST ? PROXY_BAD : PROXY_SHORT;
	n = (size_t)(cr - in.p) + 2;
	if (n > most)
		return in.n >= V1_MOST ? PROXY_BAD : PROXY_SHORT;
	if (cr[1] != '\n' || !v1_line(span_of(in.p + sizeof v1_begins, (size_t)(cr - in.p) - sizeof v1_begins), from))
		return PROXY_BAD;
	*taken = n;
	return PROXY_DONE;
}

/* The extensions are type, length and value each; nothing of them is looked at but a checksum of the whole header. */
static bool tlvs_ok(struct span header, size_t at)
{
	while (at < header.n) {
		size_t n;

		if (header.n - at < TLV_HEAD)
			return false;
		n = (size_t)header.p[at + 1] << 8 | header.p[at + 2];
		if (header.n - at - TLV_HEAD < n)
			return false;
		if (header.p[at] == TLV_CRC32C) {
			static const uint8_t zero[4];
			size_t value = at + TLV_HEAD;
			uint32_t crc;

			if (n != sizeof zero)
				return false;
			crc = crc32c(0, header.p, value);
			crc = crc32c(crc, zero, sizeof zero);
			crc = crc32c(crc, header.p + value + n, header.n - value - n);
			if (crc != be_get32(header.p + value))
				return false;
		}
		at += TLV_HEAD + n;
	}
	return true;
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* An address as bits, which may be IPv4 in IPv6. */
static struct cidr_address address(const uint8_t *p, size_t n)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct cidr_address a = { .family = n == 4 ? 4 : 6 };

	if (n == 16 && memcmp(p, mapped, sizeof mapped) == 0) {
		a.family = 4;
		p += sizeof mapped;
		n = 4;
	}
	memcpy(a.bytes, p, n);
	return a;
}

static bool v2_addresses(struct span header, struct proxy_source *from)
{
	const uint8_t *p = header.p + V2_HEAD;
	uint8_t family = header.p[13];
	size_t n = family == 0x21 ? 16 : 4, both = family == 0x21 ? V2_IP6 : V2_IP4;

	if (family == 0x00 || family == 0x31) { /* unspecified, or a Unix socket of the proxy's machine: no address */
		from->local = true;
		return true;
	}
	if ((family != 0x11 && family != 0x21) || header.n - V2_HEAD < both || !tlvs_ok(header, V2_HEAD + both))
		return false;
	*from = (struct proxy_source){ .source = address(p, n),
		                       .to = address(p + n, n),
		                       .source_port = get16(p + 2 * n),
		                       .to_port = get16(p + 2 * n + 2) };
	return true;
}

static enum proxy_verdict v2(struct span in, size_t *taken, struct proxy_source *from)
{
	enum { LOCAL = 0x20, PROXY = 0x21 };
	size_t n;

	if (in.n > 12 && in.p[12] != LOCAL && in.p[12] != PROXY)
		return PROXY_BAD;
	if (in.n < V2_HEAD)
		return PROXY_SHORT;
	n = V2_HEAD + get16(in.p + 14);
	if (n > PROXY_MOST)
		return PROXY_BAD;
	if (in.n < n)
		return PROXY_SHORT;
	if (in.p[12] == LOCAL)
		from->local = true;
	else if (!v2_addresses(span_of(in.p, n), from))
		return PROXY_BAD;
	*taken = n;
	return PROXY_DONE;
}

enum proxy_verdict proxy_read(struct span in, size_t *taken, struct proxy_source *from)
{
	if (in.n == 0)
		return PROXY_SHORT;
	if (begins(in, v1_begins, sizeof v1_begins))
		return in.n < sizeof v1_begins ? PROXY_SHORT : v1(in, taken, from);
	if (begins(in, v2_begins, sizeof v2_begins))
		return in.n < sizeof v2_begins ? PROXY_SHORT : v2(in, taken, from);
	return PROXY_BAD;
}
