/* Waiters: client sessions that want to hear of a job's or a batch's end. A push is numbered per session;
 * if a step has no room for one it is numbered and left out: the client sees the gap, as it sees one
 * that the network made, and asks again. */
#ifndef SHEAF_CORE_WAIT_H
#define SHEAF_CORE_WAIT_H

#include "broker/core/state.h"

/* Adds a waiter to the chain that begins at *head. The client has less than LIMIT_CLIENT_WAITS. */
void wait_add(struct core *c, struct client *cl, uint64_t id, uint32_t flags, uint32_t *head);

/* Pushes the result to every waiter of the chain and frees it. */
void wait_resolve(struct core *c, uint32_t head, const struct msg_result_rec *r);
void wait_resolve_batch(struct core *c, struct batch *b);

/* WAIT: answers at once for what has ended or is unknown, remembers the rest. */
void wait_request(struct core *c, struct client *cl, const struct msg *m);

/* The same for one id. False if the client awaits too much. */
MUST_CHECK bool wait_on(struct core *c, struct client *cl, uint64_t id, uint32_t flags);

/* Drops all waiters of a client. */
void wait_forget(struct core *c, struct client *cl);

/* How a terminal job looks to a client, without its bytes. */
void wait_describe(const struct job *j, struct msg_result_rec *r);

/* RESULT_GET. */
void wait_result(struct core *c, const struct msg *m, uint64_t peer);

void wait_fini(struct core *c);

#endif
