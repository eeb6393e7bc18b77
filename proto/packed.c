/* See packed.h. */
#include "proto/packed.h"

#include "base/be.h"

bool packed_next(struct span *rest, struct span *message)
{
	uint32_t n;

	if (rest->n < PACKED_HEAD)
		return false;
	n = be_get32(rest->p);
	if (n > rest->n - PACKED_HEAD)
		return false;
	*message = span_of(rest->p + PACKED_HEAD, n);
	*rest = span_of(rest->p + PACKED_HEAD + n, rest->n - PACKED_HEAD - n);
	return true;
}

bool packed_ok(struct span packed, uint32_t count, uint64_t most, const char **why)
{
	struct span message;

	for (uint32_t i = 0; i < count; i++) {
		if (!packed_next(&packed, &message)) {
			*why = "packed: fewer messages than count says, or a length that leads beyond the end";
			return false;
		}
		if (message.n == 0) {
			*why = "packed: a message has at least one byte";
			return false;
		}
		if (message.n > most) {
			*why = "packed: a message is larger than this broker takes";
			return false;
		}
	}
	*why = "packed: more bytes than count says";
	return packed.n == 0;
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
