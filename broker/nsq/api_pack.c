/* The bodies of an mpub over HTTP; see api.h. */
#include "broker/nsq/api.h"

static void put_size(struct buf *b, uint32_t n)
{
	uint8_t size[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	buf_put(b, size, sizeof size);
}

static int32_t size_at(const uint8_t *p)
{
	return (int32_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
}

const char *api_pack_lines(const struct api_limits *l, struct span body, struct buf *packed, uint32_t *count)
{
	const uint8_t *p = body.p, *end = body.p + body.n;

	*count = 0;
	while (p < end) {
		const uint8_t *stop = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((stop == NULL ? end : stop) - p);

		if (n > l->message_bytes)
			return "MSG_TOO_BIG";
		if (n > 0) {
			put_size(packed, (uint32_t)n);
			buf_put(packed, p, n);
			++*count;
		}
		p += n + (stop != NULL);
	}
	return NULL;
}

const char *api_pack_binary(const struct api_limits *l, struct span body, struct buf *packed, uint32_t *count)
{
	const uint8_t *p = body.p, *end = body.p + body.n;
	int32_t n = body.n < 4 ? 0 : size_at(p);

	*count = 0;
	if (n <= 0 || (uint64_t)n > (l->body_bytes - 4) / 5)
		return "BAD_BODY";
	p += 4;
	for (int32_t i = 0; i < n; i++) {
		int32_t size;

		if (end - p < 4)
			return "BAD_MESSAGE";
		size = size_at(p);
		if (size <= 0 || (uint64_t)size > l->message_bytes || end - p - 4 < size)
			return "BAD_MESSAGE";
		p += 4 + size;
	}
	if (p != end)
		return "BAD_BODY";
	buf_put(packed, body.p + 4, body.n - 4);
	*count = (uint32_t)n;
	return NULL;
}
