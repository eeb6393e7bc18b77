/* What the broker itself publishes of jobs: how each ended, in results.QUEUE and in the topic that its submit named;
 * and what happens to them, in events.QUEUE. It goes into the block of the step in which it happened: both are there,
 * or neither is.
 *
 * results.QUEUE and events.QUEUE get nothing while they do not exist or have no channel. The topic of a submit is made
 * if need be, and keeps its messages for its first channel. Replicas of a race have no news of their own. */
#ifndef SHEAF_CORE_TOPIC_NEWS_H
#define SHEAF_CORE_TOPIC_NEWS_H

#include "broker/core/state.h"

/* Bodies with results in one step, at most: then results are left out. With what a step's endings themselves take this
 * leaves room for bodies without, see log_group_max. */
enum { NEWS_STEP_BYTES = 6 << 20 };

/* Whether the results of a submit may go to this topic, which may be empty: NULL, or why not. */
const char *news_refused(const struct core *c, struct span topic, enum sheaf_error *e);

/* Jobs with these ids are submitted in this step; before its block is placed. */
void news_submitted(struct core *c, struct queue *q, uint64_t first, uint32_t n);

/* The handler has begun; before the step's block is placed. */
void news_started(struct core *c, const struct lease *l);

/* All that the turn has gathered: endings, handbacks, redrives, and jobs of the core's own. Only turn_commit calls it,
 * before it writes their facts. */
void news_turn(struct core *c);

#endif
