/* See frame.h. */
#include "broker/nsq/frame.h"

#include "base/be.h"
#include "broker/nsq/hub.h"
#include "broker/nsq/parse.h"

static void head(uint8_t *p, size_t data, enum frame_type type)
{
	be_put32(p, (uint32_t)(4 + data));
	be_put32(p + 4, type);
}

size_t frame_begin(struct buf *out, enum frame_type type)
{
	size_t at = out->n;

	head(buf_room(out, FRAME_HEAD), 0, type);
	out->n += FRAME_HEAD;
	return at;
}

void frame_end(struct buf *out, size_t begun)
{
	be_put32(out->p + begun, (uint32_t)(out->n - begun - 4));
}

void frame_put(struct buf *out, enum frame_type type, struct span data)
{
	uint8_t *p = buf_room(out, FRAME_HEAD + data.n);

	head(p, data.n, type);
	if (data.n > 0)
		memcpy(p + FRAME_HEAD, data.p, data.n);
	out->n += FRAME_HEAD + data.n;
}

static const char hex[] = "0123456789abcdef";

/* All digits of an id but the last two, which are what the messages of a run do not share. */
static void id_begin(uint8_t digits[ID_DIGITS], uint64_t run)
{
	uint64_t id = run * RUN_MESSAGES;

	for (int i = ID_DIGITS - 1; i >= 0; i--, id >>= 4)
		digits[i] = (uint8_t)hex[id & 15];
}

bool frame_messages(struct buf *out, const struct hub_delivery *d)
{
	const uint8_t *from = d->packed.p, *end = from + d->packed.n;
	size_t count = (size_t)__builtin_popcountll(d->mask);
	uint8_t common[FRAME_HEAD + FRAME_MESSAGE_HEAD], *to;
	unsigned int low = (unsigned int)(d->run * RUN_MESSAGES) & 0xff;

	head(common, 0, FRAME_MESSAGE);
	be_put64(common + FRAME_HEAD, d->time_ns);
	be_put16(common + FRAME_HEAD + 8, (uint16_t)d->attempts); /* wraps, as nsqd's does */
	id_begin(common + FRAME_HEAD + 10, d->run);
	to = buf_room(out, d->packed.n + count * (sizeof common - 4));
	for (uint64_t rest = d->mask; rest != 0; rest &= rest - 1) {
		unsigned int last = low | (unsigned int)__builtin_ctzll(rest);
		uint32_t size;

		if (end - from < 4 || (size = be_get32(from)) > (size_t)(end - from) - 4)
			return false;
		memcpy(to, common, sizeof common);
		be_put32(to, 4 + FRAME_MESSAGE_HEAD + size);
		to[sizeof common - 2] = (uint8_t)hex[last >> 4];
		to[sizeof common - 1] = (uint8_t)hex[last & 15];
		memcpy(to + sizeof common, from + 4, size);
		to += sizeof common + size;
		from += 4 + size;
	}
	if (from != end)
		return false;
	out->n = (size_t)(to - out->p);
	return true;
}
