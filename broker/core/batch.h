/* Batches: sets of jobs that are joined. A batch is complete when it is closed and every member has ended.
 * Its counts follow its members' states, live and in a replay alike. */
#ifndef SHEAF_CORE_BATCH_H
#define SHEAF_CORE_BATCH_H

#include "broker/core/state.h"

/* The batch with this id, or NULL. */
struct batch *batch_find(const struct core *c, uint64_t id);

/* A new, open one; NULL at LIMIT_BATCHES (never in a replay). */
struct batch *batch_new(struct core *c, uint64_t id);

void batch_free(struct core *c, struct batch *b);

bool batch_complete(const struct batch *b);

/* A member has ended. index NO_INDEX: no batch. */
void batch_member_ended(struct core *c, uint32_t index, enum job_state state);

/* After a change: if the batch is complete now, tells its waiters and begins its time of grace. */
void batch_settle(struct core *c, struct batch *b);

/* Writes the batch as it is into the step's facts; session and number of the request that opened it, or 0. */
void batch_fact(struct core *c, const struct batch *b, uint64_t session, uint64_t number);

/* Forgets complete batches that are older than results are kept, at most STEP_WORK; adds their facts. */
void batch_expire(struct core *c);

/* Core time at which batch_expire has something to do; UINT64_MAX = none. */
uint64_t batch_deadline(const struct core *c);

#endif
