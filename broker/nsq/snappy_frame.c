/* See snappy_frame.h; the format is google/snappy's framing_format.txt. */
#include "broker/nsq/snappy_frame.h"

#include <snappy-c.h>

#include "base/crc32c.h"
#include "base/le.h"

enum {
	CHUNK_COMPRESSED = 0x00,
	CHUNK_PLAIN = 0x01,
	CHUNK_SKIPPED = 0x80, /* from here on a reader may ignore a chunk: 0xfe is padding */
	CHUNK_IDENTIFIER = 0xff,
	HEAD = 4, /* type, length */
	SUM = 4,
	COMPRESSED_MOST = 76490, /* snappy_max_compressed_length of SNAPPY_CHUNK */
	WORTH = 8                /* a chunk is compressed if that saves one part in so many */
};

static const uint8_t IDENTIFIER[] = { CHUNK_IDENTIFIER, 6, 0, 0, 's', 'N', 'a', 'P', 'p', 'Y' };

/* The checksum as the format wants it, for a CRC of what contains CRCs is a poor check. */
static uint32_t masked(const void *p, size_t n)
{
	uint32_t c = crc32c(0, p, n);

	return ((c >> 15) | (c << 17)) + 0xa282ead8U;
}

static void put_head(uint8_t *at, int type, size_t n)
{
	le_put32(at, (uint32_t)type | (uint32_t)n << 8);
}

static void write_chunk(struct span plain, struct buf *out)
{
	size_t n = COMPRESSED_MOST;
	uint8_t *at = buf_room(out, HEAD + SUM + COMPRESSED_MOST);
	snappy_status s = snappy_compress((const char *)plain.p, plain.n, (char *)at + HEAD + SUM, &n);
	bool worth = s == SNAPPY_OK && n < plain.n - plain.n / WORTH;

	if (!worth) {
		memcpy(at + HEAD + SUM, plain.p, plain.n);
		n = plain.n;
	}
	put_head(at, worth ? CHUNK_COMPRESSED : CHUNK_PLAIN, SUM + n);
	le_put32(at + HEAD, masked(plain.p, plain.n));
	out->n += HEAD + SUM + n;
}

void snappy_write(struct snappy_writer *w, struct span plain, struct buf *out)
{
	if (!w->begun && plain.n > 0) {
		buf_put(out, IDENTIFIER, sizeof IDENTIFIER);
		w->begun = true;
	}
	while (plain.n > 0) {
		size_t n = plain.n < SNAPPY_CHUNK ? plain.n : SNAPPY_CHUNK;

		write_chunk(span_of(plain.p, n), out);
		plain.p += n;
		plain.n -= n;
	}
}

/* A chunk's bytes behind its head, whole. */
static bool read_data(int type, struct span data, struct buf *plain)
{
	struct span body;
	size_t n;

	if (data.n < SUM)
		return false;
	body = span_of(data.p + SUM, data.n - SUM);
	n = body.n;
	if (type == CHUNK_COMPRESSED && snappy_uncompressed_length((const char *)body.p, body.n, &n) != SNAPPY_OK)
		return false;
	if (n > SNAPPY_CHUNK)
		return false;
	buf_room(plain, n + 1); /* libsnappy wants a place even for nothing */
	if (type == CHUNK_PLAIN)
		memcpy(plain->p + plain->n, body.p, n);
	else if (snappy_uncompress((const char *)body.p, body.n, (char *)plain->p + plain->n, &n) != SNAPPY_OK)
		return false;
	if (masked(plain->p + plain->n, n) != le_get32(data.p))
		return false;
	plain->n += n;
	return true;
}

static enum snappy_read skip(struct snappy_reader *r, struct span in, size_t *taken)
{
	size_t n = in.n < r->skips ? in.n : r->skips;

	*taken = n;
	r->skips -= (uint32_t)n;
	return r->skips > 0 ? SNAPPY_SHORT : SNAPPY_READ;
}

enum snappy_read snappy_read(struct snappy_reader *r, struct span in, size_t *taken, struct buf *plain)
{
	uint32_t head, length;
	int type;

	*taken = 0;
	if (r->skips > 0)
		return skip(r, in, taken);
	if (in.n < HEAD)
		return SNAPPY_SHORT;
	head = le_get32(in.p);
	type = head & 0xff;
	length = head >> 8;
	if (!r->begun && type != CHUNK_IDENTIFIER)
		return SNAPPY_BROKEN;
	if (type >= CHUNK_SKIPPED && type != CHUNK_IDENTIFIER) {
		r->skips = length;
		*taken = HEAD;
		return SNAPPY_READ;
	}
	if (type == CHUNK_IDENTIFIER ? length != sizeof IDENTIFIER - HEAD
	                             : type > CHUNK_PLAIN || length > SUM + COMPRESSED_MOST)
		return SNAPPY_BROKEN;
	if (in.n - HEAD < length)
		return SNAPPY_SHORT;
	*taken = HEAD + length;
	if (type == CHUNK_IDENTIFIER) {
		r->begun = true;
		return memcmp(in.p, IDENTIFIER, sizeof IDENTIFIER) == 0 ? SNAPPY_READ : SNAPPY_BROKEN;
	}
	return read_data(type, span_of(in.p + HEAD, length), plain) ? SNAPPY_READ : SNAPPY_BROKEN;
}
