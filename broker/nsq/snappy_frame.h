/* Snappy's framing format, both ways: a stream of chunks of at most 64 KiB, each with a masked CRC-32C. The compression
 * itself is libsnappy's. */
#ifndef SHEAF_NSQ_SNAPPY_FRAME_H
#define SHEAF_NSQ_SNAPPY_FRAME_H

#include "base/buf.h"

enum { SNAPPY_CHUNK = 65536 }; /* uncompressed bytes of a chunk, at most */

struct snappy_writer {
	bool begun; /* the stream identifier has been written */
};

/* Appends `plain` to `out`, as chunks. */
void snappy_write(struct snappy_writer *w, struct span plain, struct buf *out);

struct snappy_reader {
	bool begun;     /* the stream identifier has been read */
	uint32_t skips; /* bytes of a chunk without meaning that are still to come */
};

enum snappy_read {
	SNAPPY_READ,  /* *taken bytes are done with; there may be more */
	SNAPPY_SHORT, /* *taken bytes are done with; the next chunk is not whole yet */
	SNAPPY_BROKEN /* this is no such stream */
};

/* Reads one chunk at the beginning of `in`, and appends at most SNAPPY_CHUNK bytes to `plain`. */
MUST_CHECK enum snappy_read snappy_read(struct snappy_reader *r, struct span in, size_t *taken, struct buf *plain);

#endif
