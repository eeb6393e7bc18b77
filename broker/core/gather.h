/* Gather: outcomes of the workers, each counted once. */
#ifndef SHEAF_CORE_GATHER_H
#define SHEAF_CORE_GATHER_H

#include "broker/core/state.h"

/* EV_OUTCOMES: takes the message if it is the next one of its session (go-back-N), and the session's principal sent it.
 */
void gather_outcomes(struct core *c, uint32_t principal, const struct msg *m);

/* An attempt has failed: its job goes back for the next, after a pause if its policy says so, or ends as dead. In this
 * turn; what `a` and `result` point to is borrowed until the commit. */
void gather_failed(struct core *c, struct lease *l, const struct attempt *a, struct span result);

/* EV_BAD_PAYLOAD: a granted job's payload could not be read: it ends as dead. */
void gather_bad_payload(struct core *c, const struct lease_name *l, struct span why);

/* Tells workers up to where their outcomes are durable, if they have waited for it long enough. */
void gather_settle(struct core *c);

/* Core time at which gather_settle has something to do; UINT64_MAX = none. */
uint64_t gather_deadline(const struct core *c);

#endif
