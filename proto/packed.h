/* Packed messages (msg_topic.h): a length of four bytes, big endian, then so many bytes, one message behind the other.
 * What is read here may come from anybody, or from a disk: nothing is believed. */
#ifndef SHEAF_PROTO_PACKED_H
#define SHEAF_PROTO_PACKED_H

#include "base/buf.h"
#include "base/must.h"

enum { PACKED_HEAD = 4 };

/* Takes the next message off `rest`; false if there is none that is whole. */
MUST_CHECK bool packed_next(struct span *rest, struct span *message);

/* Whether there are exactly `count` messages of 1 to `most` bytes. False with what is wrong in *why. */
MUST_CHECK bool packed_ok(struct span packed, uint32_t count, uint64_t most, const char **why);

/* Appends those of the messages whose bits are in the mask, packed. False (nothing of value is appended) if the bytes
 * do not hold these. */
MUST_CHECK bool packed_pick(struct span packed, uint64_t mask, struct buf *out);

#endif
