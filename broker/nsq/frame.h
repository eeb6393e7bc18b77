/* Frames to a client: size, type, data, all big endian. */
#ifndef SHEAF_NSQ_FRAME_H
#define SHEAF_NSQ_FRAME_H

#include "base/buf.h"

enum frame_type { FRAME_RESPONSE = 0, FRAME_ERROR = 1, FRAME_MESSAGE = 2 };

enum {
	FRAME_HEAD = 8,                  /* size (u32) of what follows it, type (u32) */
	FRAME_MESSAGE_HEAD = 8 + 2 + 16, /* time in ns, attempts, id */
};

/* Begins a frame whose length is not known yet; what is appended to `out` until frame_end belongs to it. Returns what
 * frame_end wants. */
size_t frame_begin(struct buf *out, enum frame_type type);
void frame_end(struct buf *out, size_t begun);

/* A whole frame. */
void frame_put(struct buf *out, enum frame_type type, struct span data);

/* The messages of a delivery, a frame for each: `packed` has those of the run's messages that are in the mask. False,
 * with nothing appended, if these are not as many. */
struct hub_delivery;
MUST_CHECK bool frame_messages(struct buf *out, const struct hub_delivery *d);

#endif
