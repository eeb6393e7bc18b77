/* Jobs that follow others (SUBMIT's `after`). A job is blocked until each of the jobs and batches before it has ended:
 * well, or in whichever way if it was submitted so. When one of them does not end well the job is cancelled, and then
 * those that follow it.
 *
 * What a job follows was there before it, and a batch that it follows is closed, so nothing can come to wait for
 * itself.
 *
 * Nothing is written when a job is released: a replay derives it from the ends of what it follows. What ended well may
 * be forgotten, so what is not there any more has ended well; what did not is remembered in the log until every job
 * that it dooms has ended (after_pending). */
#ifndef SHEAF_CORE_AFTER_H
#define SHEAF_CORE_AFTER_H

#include "broker/core/state.h"

/* Why jobs cannot follow these, in words for people; NULL: they can. */
const char *after_refused(const struct core *c, const uint64_t *ids, uint32_t n, bool any, uint32_t jobs,
                          enum sheaf_error *error);

/* Writes those of the ids that have not ended to `out`, each once, and returns how many these are. */
uint32_t after_unended(const struct core *c, const uint64_t *ids, uint32_t n, uint64_t *out);

/* The job of this side, which is in no state yet, follows these. */
void after_hold(struct core *c, struct side *s, const uint64_t *ids, uint32_t n, bool any);

/* A blocked job begins to wait. False: it has nothing to wait for. */
bool after_link(struct core *c, struct side *s);

/* A blocked job has nothing to wait for any more: it is ready, or its race begins. */
void after_over(struct core *c, struct job *j);

/* It waits no more. NULL `after` is fine. */
void after_drop(struct core *c, struct side *s);

/* A job or a batch has ended: what follows it is released, or doomed, by after_slice. JOB_DONE: it ended well. */
void after_ended(struct core *c, uint64_t id, enum job_state state);

/* Something failed and jobs are still to be cancelled for it: its end must stay in the log meanwhile. */
static inline bool after_pending(const struct core *c)
{
	return c->n_dooming > 0;
}

/* Releases and cancels what it can in one step, before the turn is committed. */
void after_slice(struct core *c);

/* The ids that a blocked job still waits for, in the step's arena. */
const uint64_t *after_list(struct core *c, const struct side *s, uint32_t *n);

/* core_check's part: linked edges, over all parents. */
uint64_t after_check(const struct core *c);

void after_fini(struct core *c);

#endif
