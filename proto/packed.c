/* See packed.h. */
#include "proto/packed.h"

void packed_put(struct buf *out, struct span message)
{
	be_put32(buf_room(out, PACKED_HEAD + message.n), (uint32_t)message.n);
	out->n += PACKED_HEAD;
	buf_put_span(out, message);
}

bool packed_pick(struct span packed, uint64_t mask, struct buf *out)
{
	for (; mask != 0; mask >>= 1) {
		const uint8_t *begin = packed.p;
		struct span message;

		if (!packed_next(&packed, &message))
			return false;
		if (mask & 1)
			buf_put(out, begin, PACKED_HEAD + message.n);
	}
	return true;
}
