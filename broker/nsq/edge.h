/* The NSQ edge as a thread of sheafd: its loop, its listeners, and its session with the broker over inproc. All calls
 * are the main thread's. */
#ifndef SHEAF_NSQ_EDGE_H
#define SHEAF_NSQ_EDGE_H

#include "broker/nsq/nsq_config.h"

enum { NSQ_EDGE_ERR = 512 };

struct nsq_edge;

/* Reads the certificates, binds all addresses. NULL with a sentence in err. */
MUST_CHECK struct nsq_edge *nsq_edge_open(const struct nsq_config *c, char err[NSQ_EDGE_ERR]);

/* Starts the thread, which connects to the broker at this inproc endpoint and lets clients in. -1 with a sentence. */
MUST_CHECK int nsq_edge_start(struct nsq_edge *e, void *zmq_context, const char *endpoint, char err[NSQ_EDGE_ERR]);

/* Where it listens, as " nsq=HOST:PORT nsq-http=…" with the ports that it has got. */
const char *nsq_edge_addresses(const struct nsq_edge *e);

/* Lets nobody in any more, hands out no more messages, and closes each connection when its client has finished what it
 * has and has had its answers. The broker goes on answering meanwhile. */
void nsq_edge_drain(struct nsq_edge *e);
/* Nothing is durable any more: who publishes is told so, then all are closed. */
void nsq_edge_fail(struct nsq_edge *e);
/* No connection is left, and all that they said has been taken by the broker. */
bool nsq_edge_done(const struct nsq_edge *e);

/* Closes what is left, ends the thread. */
void nsq_edge_free(struct nsq_edge *e);

#endif
