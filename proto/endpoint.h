/* Endpoints as people type them: tcp://HOST:PORT, ipc://PATH. */
#ifndef SHEAF_PROTO_ENDPOINT_H
#define SHEAF_PROTO_ENDPOINT_H

#include <stdbool.h>

#include "base/span.h"

/* The host of tcp://HOST:PORT, which is not empty; n is 0 if this is no such endpoint. */
struct span endpoint_host(struct span endpoint);

/* Whether what is said there stays on this machine. */
bool endpoint_is_loopback(const char *endpoint);

#endif
