/* The times of jobs: when a delayed one becomes ready, when one that has not begun expires, when a lease with a time of
 * its own runs out. Delays and pauses are measured by core time, what names a moment by the wall clock, which never
 * goes back; either way the journal has wall time, for core time ends with the process. */
#ifndef SHEAF_CORE_TIMER_H
#define SHEAF_CORE_TIMER_H

#include "broker/core/state.h"

/* Begins to watch what the side says: its expiry and, if the job is delayed, its due time. */
void timer_watch(struct core *c, struct side *s);
void timer_unwatch(struct core *c, struct side *s);

/* The handler of this lease has begun, or has touched: its time begins anew. Nothing if it has none of its own. */
void timer_lease(struct core *c, struct lease *l);

/* Makes ready what is due, ends what has expired, takes away what has run out; before the turn is committed, at most
 * STEP_WORK of each. */
void timer_slice(struct core *c);

/* When the next of them is due, in core time. */
uint64_t timer_deadline(const struct core *c);

/* Whether the job may not begin any more. */
static inline bool timer_expired(const struct core *c, const struct side *s)
{
	return s != NULL && s->expires != 0 && s->expires <= c->wall;
}

/* When, by the wall clock, a job whose attempt has failed may run again; 0 = at once. Exponential from the policy's
 * backoff, at most its bound, with up to half of it taken off at random, so that what failed together does not come
 * back together. */
uint64_t timer_backoff(struct core *c, const struct job *j);

#endif
