/* The NSQ edge as a thread of sheafd: its loop, its listeners, and its session with the broker over inproc. All calls
 * are the main thread's. */
#ifndef SHEAF_NSQ_EDGE_H
#define SHEAF_NSQ_EDGE_H

#include "broker/nsq/nsq_config.h"

enum { EDGE_ERR = 512 };

struct edge;

/* Reads the certificates, binds all addresses. NULL with a sentence in err. */
MUST_CHECK struct edge *edge_open(const struct nsq_config *c, char err[EDGE_ERR]);

/* Starts the thread, which connects to the broker at this inproc endpoint and lets clients in. -1 with a sentence. */
MUST_CHECK int edge_start(struct edge *e, void *zmq_context, const char *endpoint, char err[EDGE_ERR]);

/* Where it listens, as " nsq=HOST:PORT nsq-http=…" with the ports that it has got. */
const char *edge_addresses(const struct edge *e);

/* Lets nobody in any more, hands out no more messages, and closes each connection when its client has finished what it
 * has and has had its answers. The broker goes on answering meanwhile. */
void edge_drain(struct edge *e);
/* Nothing is durable any more: who publishes is told so, then all are closed. */
void edge_fail(struct edge *e);
/* No connection is left, and all that they said has been taken by the broker. */
bool edge_done(const struct edge *e);

/* Closes what is left, ends the thread. */
void edge_free(struct edge *e);

#endif
