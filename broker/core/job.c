/* The life of a job. See job.h, and state.h for the containers.
 *
 *                              ┌────── a pause before it is tried again ───────┐
 *                              ▼                                               │
 *   submit ──┬─► delayed ─── its time ──┐                                      │
 *            │                          ▼                                      │
 *            ├───────────────────────► ready ─────────── granted ─────────► running ──► done
 *            │                          ▲ ▲                                    │ │
 *            └─► blocked ── after ──────┘ └─── handed back, its worker lost ───┘ ├────► dead ── redriven ──► ready
 *                                                                                │
 *   Whatever has not ended can be cancelled; what has not begun can expire.      └────► cancelled
 */
#include "broker/core/job.h"

#include <stdlib.h>

#include "broker/core/after.h"
#include "broker/core/batch.h"
#include "broker/core/dead.h"
#include "broker/core/fact.h"
#include "broker/core/history.h"
#include "broker/core/job_table.h"
#include "broker/core/keep.h"
#include "broker/core/limit.h"
#include "broker/core/order.h"
#include "broker/core/policy.h"
#include "broker/core/progress.h"
#include "broker/core/queue.h"
#include "broker/core/race.h"
#include "broker/core/side.h"
#include "broker/core/timer.h"
#include "broker/core/trim.h"

/* follows[a][b]: a job in state a may go to state b. JOB_NONE is the outside. */
static const bool follows[JOB_STATES][JOB_STATES] = {
	[JOB_NONE] = { [JOB_BLOCKED] = true,
	               [JOB_DELAYED] = true,
	               [JOB_READY] = true,
	               [JOB_DONE] = true,
	               [JOB_DEAD] = true,
	               [JOB_EXPIRED] = true,
	               [JOB_CANCELLED] = true },
	[JOB_BLOCKED] = { [JOB_READY] = true,
	                  [JOB_DELAYED] = true,
	                  [JOB_CANCELLED] = true,
	                  [JOB_EXPIRED] = true,
	                  [JOB_DONE] = true, /* the parent of a race */
	                  [JOB_DEAD] = true },
	[JOB_DELAYED] = { [JOB_READY] = true,
	                  [JOB_BLOCKED] = true, /* after a replay: a replica */
	                  [JOB_CANCELLED] = true,
	                  [JOB_EXPIRED] = true },
	[JOB_READY] = { [JOB_RUNNING] = true,
	                [JOB_BLOCKED] = true, /* a replica */
	                [JOB_DELAYED] = true, /* in a replay only: its lease was no fact */
	                [JOB_DEAD] = true,
	                [JOB_EXPIRED] = true,
	                [JOB_CANCELLED] = true,
	                [JOB_DONE] = true /* in a replay only: young leases are no facts */ },
	[JOB_RUNNING] = { [JOB_READY] = true,
	                  [JOB_DELAYED] = true,
	                  [JOB_DONE] = true,
	                  [JOB_DEAD] = true,
	                  [JOB_EXPIRED] = true, /* handed back too late */
	                  [JOB_CANCELLED] = true },
	[JOB_DONE] = { [JOB_NONE] = true },
	[JOB_DEAD] = { [JOB_READY] = true, [JOB_NONE] = true },
	[JOB_EXPIRED] = { [JOB_NONE] = true },
	[JOB_CANCELLED] = { [JOB_NONE] = true },
};

/* Its queue's limits and its group may let others go on. */
static void changed_hands(struct core *c, struct job *j, enum job_state from)
{
	struct queue *q = c->queues[j->queue];
	bool held, holds;

	if (from == JOB_RUNNING && q->settings.concurrency != 0)
		limit_freed(c, q);
	if (j->p.policy == NO_INDEX)
		return;
	held = order_holds(j, from);
	holds = order_holds(j, (enum job_state)j->state);
	if (held != holds)
		(held ? order_release : order_hold)(c, j);
}

/* The one place that assigns a job's state. The caller has taken it out of its old container and puts it
 * into the new one. */
static void set_state(struct core *c, struct job *j, enum job_state to)
{
	struct queue *q = c->queues[j->queue];
	enum job_state from = (enum job_state)j->state;

	must(follows[from][to]);
	if (from != JOB_NONE)
		q->now[from]--;
	if (to != JOB_NONE)
		q->now[to]++;
	j->state = to;
	if (from == JOB_RUNNING || to == JOB_RUNNING || from == JOB_DELAYED)
		changed_hands(c, j, from);
}

uint64_t job_log_bytes(const struct job *j)
{
	if ((j->state == JOB_DEAD && (j->flags & JOB_EMPTY)) || race_is_child(j))
		return 0; /* a replica's payload is its parent's */
	return (uint64_t)(j->sharers > 1 ? j->length / j->sharers : j->length) + j->overhead +
	       (uint64_t)(job_terminal(j) && j->state != JOB_DEAD ? FACT_END_RECORD : FACT_PUT_RECORD);
}

uint64_t job_end_bytes(const struct job *j)
{
	return j->state == JOB_DEAD ? j->in.side->end.length + (uint64_t)j->in.side->end.overhead + FACT_END_RECORD : 0;
}

uint32_t job_overhead(bool ended, uint32_t count, size_t headers)
{
	uint32_t head = LOG_BLOCK_HEADER + FACT_HEAD + (ended ? FACT_COUNT_HEAD : FACT_PUT_HEAD + (uint32_t)headers);

	return count > 0 ? head / count : 0;
}

static void set_where(struct core *c, struct job *j, const struct job_bytes *where)
{
	j->at = where->at;
	j->length = where->length & JOB_LENGTH_MASK;
	j->sharers = where->sharers & 127u;
	j->crc = where->crc;
	j->overhead = where->overhead & 0xfffff;
	trim_charge(c, j->at, job_log_bytes(j));
}

static void unset_where(struct core *c, const struct job *j)
{
	uint64_t bytes = job_log_bytes(j);

	if (bytes > 0)
		trim_discharge(c, j->at, bytes);
}

struct job *job_put(struct core *c, struct queue *q, uint64_t id, const struct job_bytes *where)
{
	struct job *j = job_make(&c->jobs, id);

	j->queue = q->index;
	j->batch = j->w.waiter = j->p.policy = NO_INDEX;
	list_init(&j->in.link);
	set_where(c, j, where);
	return j;
}

struct job *job_put_replica(struct core *c, const struct job *parent, uint64_t id)
{
	struct job *j = job_make(&c->jobs, id);

	j->queue = parent->queue;
	j->batch = j->w.waiter = NO_INDEX;
	j->p.policy = parent->p.policy;
	policy_retain(c, j->p.policy);
	j->priority = parent->priority;
	j->attempts = parent->attempts;
	j->submitted_ms = parent->submitted_ms;
	list_init(&j->in.link);
	side_make(j)->race = race_of(parent);
	return j;
}

/* A replay only fills the index: the containers follow when it is over. */
void job_enter(struct core *c, struct job *j)
{
	struct queue *q = c->queues[j->queue];
	struct side *s = side_of(j);

	if (c->replaying)
		return;
	if (s != NULL)
		timer_watch(c, s);
	if (j->state == JOB_READY)
		queue_add_ready(c, q, j);
	else
		list_push_back(&q->waiting, &s->link);
}

static void leave_lease(struct core *c, struct lease *l)
{
	list_remove(&l->link);
	list_remove(&l->young);
	if (heap_has(&l->timer))
		heap_remove(&c->lease_timers, &l->timer);
	if (l->worker != NULL) {
		l->worker->outstanding--;
		l->worker->outstanding_bytes -= l->bytes;
	}
	progress_forget(l);
	l->link.next = c->spare_leases;
	c->spare_leases = &l->link;
}

/* Takes a job out of the container of its state; its side, if it has one, is the caller's. */
static struct side *leave(struct core *c, struct job *j)
{
	struct side *s = side_of(j);

	switch (j->state) {
	case JOB_RUNNING:
		leave_lease(c, j->in.lease);
		list_init(&j->in.link);
		return s;
	case JOB_READY:
		queue_take(c, c->queues[j->queue], j);
		break;
	case JOB_BLOCKED:
		after_drop(c, s);
		list_remove(&s->link);
		break;
	case JOB_DELAYED:
		list_remove(&s->link);
		break;
	case JOB_DEAD:
		dead_remove(c->queues[j->queue], s);
		break;
	default:
		break;
	}
	if (s != NULL)
		timer_unwatch(c, s);
	return side_take(j);
}

/* Gives a job that is in no container its side back. */
static void give_side(struct job *j, struct side *s)
{
	if (s == NULL)
		return;
	j->in.side = s;
	j->flags |= JOB_SIDE;
}

void job_begin(struct core *c, struct job *j)
{
	struct side *s = side_of(j);

	if (race_holds(s) || (s != NULL && s->after != NULL))
		set_state(c, j, JOB_BLOCKED);
	else
		set_state(c, j, s != NULL && s->due != 0 ? JOB_DELAYED : JOB_READY);
	job_enter(c, j);
}

void job_release(struct core *c, struct job *j)
{
	struct side *s = leave(c, j);

	if (!c->replaying && s->due <= c->wall) {
		s->due = 0; /* it has waited for as long as it was to */
		s->dated = false;
	}
	give_side(j, s);
	set_state(c, j, s->due != 0 ? JOB_DELAYED : JOB_READY);
	job_enter(c, j);
}

void job_wait_again(struct core *c, struct job *j)
{
	enum job_state to = side_of(j)->due != 0 ? JOB_DELAYED : JOB_READY;

	must(c->replaying);
	if (j->state != to)
		set_state(c, j, to);
}

void job_wake(struct core *c, struct job *j)
{
	struct side *s = leave(c, j);

	must(s != NULL);
	s->due = 0;
	s->dated = false;
	give_side(j, s);
	set_state(c, j, JOB_READY);
	job_enter(c, j);
}

void job_block(struct core *c, struct job *j)
{
	give_side(j, leave(c, j));
	set_state(c, j, JOB_BLOCKED);
	job_enter(c, j);
}

void job_unblock(struct core *c, struct job *j)
{
	struct side *s = leave(c, j);

	give_side(j, s);
	set_state(c, j, s->due != 0 ? JOB_DELAYED : JOB_READY);
	job_enter(c, j);
}

/* Leases come and go with every job, so those that are over are used again. */
static struct lease *new_lease(struct core *c)
{
	struct lease *l;

	if (c->spare_leases != NULL) {
		l = list_item(c->spare_leases, struct lease, link);
		c->spare_leases = l->link.next;
		return l;
	}
	l = malloc(sizeof *l);
	must(l != NULL);
	return l;
}

struct lease *job_run(struct core *c, struct job *j, struct worker *w, uint64_t token)
{
	struct lease *l = new_lease(c);

	must(j->state == JOB_READY);
	*l = (struct lease){ .job = j, .worker = w, .token = token, .since = c->t, .bytes = j->length };
	l->percent = PERCENT_UNKNOWN;
	l->side = leave(c, j);
	must(l->side == NULL || l->side->token <= token);
	set_state(c, j, JOB_RUNNING);
	j->in.lease = l;
	if (l->side != NULL && l->side->race != NULL)
		race_granted(c, j, w);
	list_init(&l->young);
	if (w == NULL) {
		list_push_back(&c->orphans, &l->link);
		return l;
	}
	list_push_back(&w->leases, &l->link);
	list_push_back(&c->young, &l->young);
	w->outstanding++;
	w->outstanding_bytes += l->bytes;
	return l;
}

void job_back(struct core *c, struct job *j, uint64_t due)
{
	uint64_t token = j->in.lease->token;
	struct side *s;

	must(j->state == JOB_RUNNING);
	s = leave(c, j);
	set_state(c, j, due != 0 ? JOB_DELAYED : JOB_READY);
	j->flags = 0;
	give_side(j, s);
	s = side_make(j);
	s->token = token;
	s->due = due;
	s->dated = false;
	job_enter(c, j);
}

/* Keeps what a dead job left beside its payload. */
static void bury(struct core *c, struct job *j, struct side *s, const struct job_end *end)
{
	struct queue *q = c->queues[j->queue];

	give_side(j, s);
	s = side_make(j);
	history_add(s, &end->attempt);
	s->end = end->where;
	s->error_length = end->error_length;
	s->exit = (int16_t)end->exit;
	s->due = s->expires = 0;
	s->dated = false;
	trim_charge(c, s->end.at, job_end_bytes(j));
	dead_add(c, q, s);
}

void job_end(struct core *c, struct job *j, const struct job_end *end)
{
	struct queue *q = c->queues[j->queue];
	uint64_t bytes = job_log_bytes(j);
	struct side *s = leave(c, j);

	if (s != NULL && s->race != NULL)
		race_left(c, j, s);
	if (end->state != JOB_DEAD && bytes > 0)
		trim_discharge(c, j->at, bytes);
	set_state(c, j, end->state); /* its group goes on */
	batch_member_ended(c, j, end->state);
	after_ended(c, j->id, end->state);
	j->flags &= JOB_EMPTY;
	j->attempt = end->used;
	j->finished_ms = end->finished_ms & JOB_MS_MASK;
	j->w.run_ms = end->run_ms;
	if (end->state == JOB_DEAD) {
		bury(c, j, s, end);
		return;
	}
	side_free(s);
	policy_release(c, j->p.policy);
	j->flags = end->empty ? JOB_EMPTY : 0;
	j->p.end.exit = (int16_t)end->exit;
	j->p.end.error_length = end->error_length;
	set_where(c, j, &end->where);
	keep_add(c, q, j);
}

struct job *job_put_ended(struct core *c, struct queue *q, uint64_t id, enum job_state state)
{
	struct job *j = job_make(&c->jobs, id);

	/* as job_put, without a charge for a payload that is gone: job_end takes it from here */
	j->queue = q->index;
	j->batch = j->w.waiter = j->p.policy = NO_INDEX;
	list_init(&j->in.link);
	set_state(c, j, JOB_READY);
	if (state == JOB_DEAD) {
		j->at = c->trim.tail;
		j->flags = JOB_EMPTY;
	} else {
		set_where(c, j, &(struct job_bytes){ .at = c->trim.head });
	}
	return j;
}

void job_put_late(struct core *c, struct job *j, const struct job_bytes *where)
{
	must(j->state == JOB_DEAD && (j->flags & JOB_EMPTY));
	j->flags &= (uint64_t)~JOB_EMPTY & 15;
	set_where(c, j, where);
}

void job_redrive(struct core *c, struct job *j, uint64_t token)
{
	struct side *s;

	must(j->state == JOB_DEAD && !(j->flags & JOB_EMPTY));
	trim_discharge(c, j->in.side->end.at, job_end_bytes(j));
	s = leave(c, j);
	give_side(j, s);
	if (s->token < token)
		s->token = token;
	j->attempt = j->deliveries = 0;
	j->flags &= JOB_SIDE;
	j->finished_ms = 0;
	j->w.waiter = NO_INDEX;
	set_state(c, j, JOB_READY);
	job_enter(c, j);
}

void job_forget(struct core *c, struct job *j)
{
	must(job_terminal(j));
	batch_result_gone(c, j);
	if (j->state == JOB_DEAD) {
		trim_discharge(c, j->in.side->end.at, job_end_bytes(j));
		unset_where(c, j);
		side_free(leave(c, j));
		policy_release(c, j->p.policy);
	} else {
		keep_remove(c, c->queues[j->queue], j);
		unset_where(c, j);
	}
	set_state(c, j, JOB_NONE);
	job_drop(&c->jobs, j);
}

void job_moved(struct core *c, struct job *j, const struct job_bytes *where)
{
	unset_where(c, j);
	set_where(c, j, where);
	if (race_of(j) != NULL)
		race_share(race_of(j));
}

void job_end_moved(struct core *c, struct job *j, const struct job_bytes *where)
{
	trim_discharge(c, j->in.side->end.at, job_end_bytes(j));
	j->in.side->end = *where;
	trim_charge(c, j->in.side->end.at, job_end_bytes(j));
}

struct job_bytes job_left(const struct job *j, uint16_t *error_length)
{
	if (j->state == JOB_DEAD) {
		*error_length = j->in.side->error_length;
		return j->in.side->end;
	}
	*error_length = j->p.end.error_length;
	return job_where(j);
}
