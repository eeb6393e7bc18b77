/* Mail in as a thread of sheafd: its loop, its listeners, and its session with the broker over inproc. All calls are
 * the main thread's. */
#ifndef SHEAF_SMTP_EDGE_H
#define SHEAF_SMTP_EDGE_H

#include "broker/smtp/smtp_config.h"
#include "proto/msg.h"

enum { SMTP_EDGE_ERR = 512, SMTP_EDGE_STATS = 32 };

struct smtp_edge;

/* Reads the certificates, binds all addresses. NULL with a sentence in err. */
MUST_CHECK struct smtp_edge *smtp_edge_open(const struct smtp_config *c, char err[SMTP_EDGE_ERR]);

/* Starts the thread, which connects to the broker at this inproc endpoint and lets clients in. -1 with a sentence. */
MUST_CHECK int smtp_edge_start(struct smtp_edge *e, void *zmq_context, const char *endpoint, char err[SMTP_EDGE_ERR]);

/* Where it listens, as " smtp=HOST:PORT lmtp=…" with the ports that it has got. */
const char *smtp_edge_addresses(const struct smtp_edge *e);

/* Lets nobody in any more, and ends each session once the mail that is on its way has its answer. The broker goes on
 * answering meanwhile. */
void smtp_edge_drain(struct smtp_edge *e);
/* Nothing is durable any more: who waits for an answer is told so, then all are closed. */
void smtp_edge_fail(struct smtp_edge *e);
/* No session is left, and all that they said has been taken by the broker. */
bool smtp_edge_done(const struct smtp_edge *e);

/* Its counters, "smtp_mails" …; how many. */
uint32_t smtp_edge_stats(const struct smtp_edge *e, struct msg_stat_rec to[SMTP_EDGE_STATS]);

/* Closes what is left, ends the thread. */
void smtp_edge_free(struct smtp_edge *e);

#endif
