/* Jobs that are put one by one: those that the core itself submits, a schedule's, or the one that follows a batch; and
 * those of a SUBMIT_ALL. The fact goes into the step's block with whatever caused it, so that both are there or
 * neither; the job is there once the turn is committed. */
#ifndef SHEAF_CORE_PUT_H
#define SHEAF_CORE_PUT_H

#include "broker/core/state.h"

struct put {
	uint8_t priority;
	uint8_t attempts; /* 0, as in what follows: the queue's default */
	uint64_t lease_ms;
	uint64_t backoff_ms;
	uint64_t backoff_max_ms;
	uint64_t delay_ms;                  /* not before so long from now */
	uint64_t within_ms;                 /* it does not begin later than so long from now; 0 = whenever */
	struct span tenant, group, headers; /* borrowed for the call */
	/* a client's: the request that the job answers, if it is the only job of it; 0 = it does not */
	uint64_t session, number, floor;
	/* a payload that several jobs of this step have: how many, and the first one that was put; 0 and NULL = its own
	 */
	uint32_t sharers;
	const struct putting *same;
};

/* Bytes of facts that put_job will take, at most. */
uint64_t put_bytes(const struct put *p, struct span payload);

/* Why no job can be taken now, in words for people; NULL: one can. Whoever has promised the job puts it all the same.
 */
const char *put_refused(const struct core *c, const struct put *p, struct span payload);

/* Writes a JOBS_PUT fact for one job into the step's block, before that is placed: at most STEP_PUTS in a step.
 * Returns the job's id. */
uint64_t put_job(struct core *c, struct queue *q, const struct put *p, struct span payload);

/* The block is placed, its first fact at `base`: the jobs are made. Only turn_commit calls it. */
void put_apply(struct core *c, uint64_t base);

#endif
