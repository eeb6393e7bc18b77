/* What only some jobs have beside their record in the index: a time to wait for, an end, attempts so far, a token that
 * was given out before. See struct side. */
#ifndef SHEAF_CORE_SIDE_H
#define SHEAF_CORE_SIDE_H

#include "broker/core/state.h"

/* The job's side, or NULL. */
static inline struct side *side_of(const struct job *j)
{
	if (j->state == JOB_RUNNING)
		return j->in.lease->side;
	return j->flags & JOB_SIDE ? j->in.side : NULL;
}

/* The side of a job that is in no container, made if it has none. */
struct side *side_make(struct job *j);

/* Takes it from a job that is in no container and runs no more; NULL if there is none. */
struct side *side_take(struct job *j);

/* NULL is fine. It is in no heap and no list any more. */
void side_free(struct side *s);

#endif
