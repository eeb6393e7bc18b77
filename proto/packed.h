/* Packed messages (msg_topic.h): a length of four bytes, big endian, then so many bytes, one message behind the other.
 * What is read here may come from anybody, or from a disk: nothing is believed. */
#ifndef SHEAF_PROTO_PACKED_H
#define SHEAF_PROTO_PACKED_H

#include "base/be.h"
#include "base/buf.h"
#include "base/must.h"

enum { PACKED_HEAD = 4 };

/* Takes the next message off `rest`; false if there is none that is whole. */
MUST_CHECK static inline bool packed_next(struct span *rest, struct span *message)
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

/* Appends a message, packed. */
void packed_put(struct buf *out, struct span message);

/* Appends those of the messages whose bits are in the mask, packed. False (nothing of value is appended) if the bytes
 * do not hold these. */
MUST_CHECK bool packed_pick(struct span packed, uint64_t mask, struct buf *out);

#endif
