/* Where an edge listens: HOST:PORT as people type it. */
#ifndef SHEAF_EDGE_ADDRESS_H
#define SHEAF_EDGE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "proto/limits.h"

struct edge_address {
	char host[LIMIT_ENDPOINT]; /* without the brackets of IPv6; "*" = all addresses; empty = not given; a path
	                              begins with '/' */
	uint16_t port;             /* 0 = any free one; of no meaning for a path */
};

/* HOST:PORT, [HOST]:PORT, or :PORT, which is every address. False: it is none. */
MUST_CHECK bool edge_address_read(const char *text, uint64_t least_port, struct edge_address *a);
/* As people type it, "127.0.0.1:25". */
enum { EDGE_ADDRESS_TEXT = LIMIT_ENDPOINT + 16 };
const char *edge_address_show(const struct edge_address *a, char to[EDGE_ADDRESS_TEXT]);
/* Whether only this machine can reach it. */
bool edge_address_local(const struct edge_address *a);

#endif
