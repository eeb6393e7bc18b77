/* Worker sessions: from hello to bye or loss. A hello names what the worker holds; what has no newer grant
 * is adopted with its old token, so that neither a broker's restart nor a broken connection runs a job
 * twice that could be run once. */
#ifndef SHEAF_CORE_WORKER_H
#define SHEAF_CORE_WORKER_H

#include "broker/core/state.h"

/* EV_WORKER: every control message begins here. */
void worker_message(struct core *c, const struct event *ev);

/* EV_DISMISSED: ends this principal's sessions. */
void worker_dismiss(struct core *c, uint32_t principal);

/* EV_SOCKET and EV_UNREACHABLE. */
void worker_socket(struct core *c, uint64_t session, struct span endpoint);
void worker_unreachable(struct core *c, uint64_t session);

/* The open or leaving session, or NULL. */
struct worker *worker_find(const struct core *c, uint64_t session);

/* Its timer has come: silence, or a bye whose outcomes did not come. */
void worker_timer(struct core *c, struct worker *w);

/* Ends the session: nothing reaches it and it reaches nothing; its leases are handed on slice by slice, or adopted by
 * its successor before. `blame`: what it may have been running counts as a lost delivery. */
void worker_lose(struct core *c, struct worker *w, bool blame);

/* A slice of handing on what lost workers held; before the turn is committed. True if there is more. */
bool worker_lost_slice(struct core *c);

/* Takes a lease from whoever has it: in this turn its job goes back to ready or, if too many deliveries were
 * lost with it, ends as dead. `delivery`: it may have been running. */
void worker_hand_on(struct core *c, struct lease *l, bool delivery);

/* Asks the worker to give the job back if it has not begun it, for then it is cancelled. False if nobody has it. */
bool worker_ask_back(struct core *c, struct lease *l);

/* Tells the worker to stop this job and forget it. */
void worker_revoke(struct core *c, const struct lease *l);

/* The worker has begun it, as far as a beat has said. */
static inline bool worker_started(const struct lease *l)
{
	return l->started;
}

/* Puts every queue that the worker serves on the dispatcher's list. */
void worker_heat(struct core *c, struct worker *w);

/* A leaving worker whose outcomes have all come is let go. */
void worker_bye_check(struct core *c, struct worker *w);

/* Releases the memory; its leases are gone. */
void worker_free(struct core *c, struct worker *w);

#endif
