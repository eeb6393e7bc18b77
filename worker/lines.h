/* Bytes cut into lines, none longer than a bound: what a process that nobody vouches for says on a pipe. */
#ifndef SHEAF_WORKER_LINES_H
#define SHEAF_WORKER_LINES_H

#include "base/buf.h"

struct lines {
	struct buf b;
	size_t most;  /* bytes of a line */
	size_t taken; /* bytes of b that lines_next has handed out */
	size_t seen;  /* no newline between taken and here */
	bool passing; /* a line was too long: everything up to its newline is passed over */
};

enum line { LINE_NONE, LINE_WHOLE, LINE_TOO_LONG };

void lines_init(struct lines *l, size_t most);
void lines_fini(struct lines *l);
/* Another source: whatever is there is dropped. */
void lines_clear(struct lines *l);

/* Reads what a non-blocking descriptor has, 64 KiB at most. False at its end or on an error. */
bool lines_read(struct lines *l, int fd);
/* The same, from memory. */
void lines_put(struct lines *l, struct span bytes);

/* The next line, without its newline, and without a carriage return before that; valid until the next call. A line that
 * is too long is said once, as soon as that is known. */
enum line lines_next(struct lines *l, struct span *line);

#endif
