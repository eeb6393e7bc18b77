/* Raw deflate (RFC 1951) of one connection, both ways, by zlib. What is written can be read at once by the other side:
 * each call ends with a sync flush. */
#ifndef SHEAF_NSQ_DEFLATE_H
#define SHEAF_NSQ_DEFLATE_H

#include "base/buf.h"

struct deflate;

/* level: 1 to 9 */
struct deflate *deflate_new(int level);
void deflate_free(struct deflate *d);

/* Appends `plain`, deflated, to `out`. */
void deflate_write(struct deflate *d, struct span plain, struct buf *out);

enum deflate_read {
	DEFLATE_SHORT, /* all that there was has come out */
	DEFLATE_MORE,  /* there is more than `most`: call again */
	DEFLATE_END,   /* the stream has ended */
	DEFLATE_BROKEN /* this is no such stream */
};

/* Reads from `in`, of which *taken bytes are done with, and appends at most `most` bytes to `plain`. */
MUST_CHECK enum deflate_read deflate_read(struct deflate *d, struct span in, size_t most, size_t *taken,
                                          struct buf *plain);

#endif
