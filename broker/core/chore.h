/* Long work on a queue, done slice by slice through the ticks: a purge of ten million jobs, the removal of
 * a queue with all its kept results. The request is answered when it is done. */
#ifndef SHEAF_CORE_CHORE_H
#define SHEAF_CORE_CHORE_H

#include "broker/core/state.h"

/* Begins one; false if the queue has one already. */
bool chore_begin(struct core *c, struct queue *q, enum chore chore, uint64_t peer, const struct msg_header *request);

/* A slice of the first one; before the turn is committed. */
void chore_slice(struct core *c);

/* Answers those that are done; after the turn was committed. */
void chore_finish(struct core *c);

#endif
