/* Batches: sets of jobs that are joined. A batch is complete when it is closed and no live job belongs to it; that is
 * derived from the jobs, live and in a replay alike. What follows then, its final fact and the job that was asked for,
 * is one group of facts: there once, whatever dies meanwhile. */
#ifndef SHEAF_CORE_BATCH_H
#define SHEAF_CORE_BATCH_H

#include "broker/core/fact.h"
#include "broker/core/state.h"

/* The batch with this id, or NULL. */
struct batch *batch_find(const struct core *c, uint64_t id);

/* A new, open one; NULL at LIMIT_BATCHES (never in a replay). */
struct batch *batch_new(struct core *c, uint64_t id);

void batch_free(struct core *c, struct batch *b);

/* It is complete, and what follows from that has been done. */
static inline bool batch_finished(const struct batch *b)
{
	return b->finished_wall != 0;
}

/* It did not end well: a member failed, or it was left open for too long. */
static inline bool batch_failed(const struct batch *b)
{
	return b->failed > 0 || b->expired;
}

/* A job that is about to end belongs to it: from live to ended, whose result is kept. */
void batch_member_ended(struct core *c, struct job *j, enum job_state state);
/* The result of an ended job is no longer kept. */
void batch_result_gone(struct core *c, struct job *j);
/* A replay: an ended job that appears without its beginning belongs to the batch, or to none (NULL). */
void batch_keeps(struct batch *b, struct job *j);

/* After a change: if the batch is complete now, it is finished by the next batch_slice. */
void batch_settle(struct core *c, struct batch *b);

/* Gives an open batch the time at which it expires. */
void batch_opens(struct core *c, struct batch *b, uint64_t closes_wall);

/* It takes no more jobs. The caller writes the fact. */
void batch_close(struct core *c, struct batch *b, bool expired);

/* The job that is to follow; NULL takes it away. Replaces what was there. */
void batch_set_then(struct core *c, struct batch *b, const struct fact_then *then);

/* After the last block of a replay: starts what goes on. */
void batch_start(struct core *c, struct batch *b);

/* Writes the batch as it is into the step's facts; session and number of the request that opened it, or 0. */
void batch_fact(struct core *c, const struct batch *b, uint64_t session, uint64_t number);

/* Finishes complete batches, closes those that were left open for too long, forgets finished ones that are older than
 * results are kept and of which no result is; some of each, before the turn is committed. */
void batch_slice(struct core *c);

/* Core time at which batch_slice has something to do; UINT64_MAX = none. */
uint64_t batch_deadline(const struct core *c);

#endif
