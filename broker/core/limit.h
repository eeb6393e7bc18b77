/* Limits of a queue: how many of its jobs are in workers' hands at a time, and how many are granted in a time. */
#ifndef SHEAF_CORE_LIMIT_H
#define SHEAF_CORE_LIMIT_H

#include "broker/core/state.h"

/* How many jobs of the queue its limits let go now. */
uint32_t limit_count(struct core *c, struct queue *q);

static inline uint32_t limit_room(struct core *c, struct queue *q)
{
	if (q->settings.concurrency == 0 && q->settings.rate == 0 && c->t >= c->limits_from)
		return UINT32_MAX;
	return limit_count(c, q);
}

/* As many are in workers' hands as may be. */
static inline bool limit_full(const struct queue *q)
{
	return q->settings.concurrency != 0 && q->now[JOB_RUNNING] >= q->settings.concurrency;
}

/* There is no room: time, if nothing else, will make some, and have the queue looked at again. */
void limit_wait(struct core *c, struct queue *q);

/* A job is granted. */
void limit_granted(struct queue *q);
/* One came back that had not begun: it does not count for the rate. */
void limit_refund(struct core *c, struct queue *q);
/* One has left its worker's hands; the queue has a concurrency. */
void limit_freed(struct core *c, struct queue *q);

/* The settings have changed. */
void limit_changed(struct core *c, struct queue *q, const struct queue_settings *before);

/* After a replay. What was granted in the last second before may be in workers' hands without a fact, so queues with
 * a concurrency or groups grant nothing until the workers have had time to come back and say what they hold; and a
 * rate begins with nothing saved up. */
void limit_start(struct core *c);

/* Lets those go on whose time has come. */
void limit_tick(struct core *c);

#endif
