/* The order of a queue's ready jobs: who is next. The structs are in lines.h.
 *
 * Tenants take turns, a job each; one that was away may go ahead for up to ORDER_BONUS jobs, so that its few jobs do
 * not queue up behind another's many. Inside a tenant the priority decides, but a lower one that has waited for longer
 * than `starve` gets one grant of ORDER_LOW. Inside a priority the lowest id is first. A group is in line with its
 * first job, and is out of line while one of its jobs runs or waits for its next attempt. */
#ifndef SHEAF_CORE_ORDER_H
#define SHEAF_CORE_ORDER_H

#include "broker/core/state.h"

enum {
	ORDER_BONUS = 16, /* jobs that a tenant saves up while it is away */
	ORDER_AHEAD = 7,  /* grants in a row to those who go ahead, while others wait: then one of these */
	ORDER_LOW = 16,   /* one grant of so many is for a lower priority that starves */
	LOOK_MOST = 4096  /* tenants and groups that are looked at for a peek, or for the oldest job */
};

/* A queue's lanes begin, and end: all that is left of its tenants is freed. */
void order_init(struct queue *q);
void order_fini(struct core *c, struct queue *q);
/* The end of the core: all tenants and groups are freed, whatever refers to them. */
void order_clear(struct core *c);

/* The tenant of this name in the queue, made if need be, and its group; each call is one more reference. */
struct tenant *order_tenant(struct core *c, struct queue *q, struct span name);
struct group *order_group(struct core *c, struct tenant *t, struct span name);
/* Gives references back. NULL is fine. */
void order_drop_tenant(struct core *c, struct tenant *t);
void order_drop_group(struct core *c, struct group *l);

/* Puts a ready job in line, takes it out. */
void order_add(struct core *c, struct queue *q, struct job *j);
void order_take(struct core *c, struct queue *q, struct job *j);

/* Whether any job may be granted. */
static inline bool order_any(const struct queue *q)
{
	return !list_empty(&q->turns) || !list_empty(&q->ahead);
}

/* The job that is granted next, or NULL. */
struct job *order_first(const struct core *c, const struct queue *q);

/* It is granted: its tenant's turn is over. Before it is taken out of line. */
void order_granted(struct core *c, struct queue *q, const struct job *j);

/* Whether a job in this state keeps its group from going on: it runs, or waits for its next attempt. */
static inline bool order_holds(const struct job *j, enum job_state state)
{
	return state == JOB_RUNNING || (state == JOB_DELAYED && j->attempt + j->deliveries > 0);
}
/* That has just become so, or is not so any more. */
void order_hold(struct core *c, struct job *j);
void order_release(struct core *c, struct job *j);
/* Another job of its group holds it up. */
bool order_blocked(const struct core *c, const struct job *j);

/* Calls `each` with every line of the queue's that is not empty, and the priority that it stands in; at most `most`
 * tenants and groups. */
typedef void order_fn(void *ctx, const struct line *line, unsigned priority);
void order_each(const struct queue *q, uint32_t most, order_fn *each, void *ctx);

/* The first job of a line, of its fresh ones, of those that came back; or NULL. */
struct job *line_first(const struct line *line);
struct job *line_fresh(const struct line *line);
struct job *line_back(const struct line *line);

#endif
