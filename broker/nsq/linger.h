/* Closing a TCP connection so that the last answer arrives: closed with bytes unread, the kernel would send a reset,
 * and a peer that is still writing never reads what it was told. So our side is shut, and what still comes is dropped
 * until the peer closes too, for LINGER_MS and LINGER_BYTES at most. */
#ifndef SHEAF_NSQ_LINGER_H
#define SHEAF_NSQ_LINGER_H

#include <uv.h>

#include "base/list.h"
#include "base/must.h"

enum { LINGER_MS = 500, LINGER_BYTES = 4 * 1024 * 1024 };

/* All that linger in one loop. */
struct linger_set {
	uv_loop_t *loop;
	struct list all;
	uint32_t n;    /* that are not closed yet, in libuv too */
	uint32_t most; /* at once; beyond that connections are just closed */
};

void linger_init(struct linger_set *l, uv_loop_t *loop, uint32_t most);

/* Takes the socket, which is in nobody's loop any more. */
void linger_close(struct linger_set *l, int fd);

/* Closes all at once; n is 0 when the loop has turned. */
void linger_stop(struct linger_set *l);

#endif
