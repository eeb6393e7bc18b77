/* Results that are kept for those who ask later: for a time, and within a budget of bytes per queue and in
 * all. The oldest goes first: of the queue that is over its budget, or of one with much when all together are. */
#ifndef SHEAF_CORE_KEEP_H
#define SHEAF_CORE_KEEP_H

#include "broker/core/state.h"

/* A job has just ended: keep it, and let go of what is over budget by that. */
void keep_add(struct core *c, struct queue *q, struct job *j);

/* Takes a job out of the kept ones; see job_forget. */
void keep_remove(struct core *c, struct queue *q, struct job *j);

/* Lets go of what is too old or too much in this queue, at most STEP_WORK jobs; sets its next timer. */
void keep_expire(struct core *c, struct queue *q);

/* Lets go of up to `n` of the oldest results of any queue, to give their disk back. True if there was one. */
bool keep_shed(struct core *c, uint32_t n);

#endif
