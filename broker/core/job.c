/* The life of a job. See job.h, and state.h for the containers.
 *
 *                 ┌──────── handed back, or its worker was lost ───────┐
 *                 ▼                                                     │
 *   submit ──► ready ──────────────── granted ──────────────────► running ──► done
 *                 │                                                     ├─────► dead
 *                 └──────────────► cancelled ◄──────────────────────────┘
 *
 * blocked, delayed and expired have their rows and no events yet. */
#include "broker/core/job.h"

#include <stdlib.h>

#include "broker/core/batch.h"
#include "broker/core/fact.h"
#include "broker/core/job_table.h"
#include "broker/core/keep.h"
#include "broker/core/policy.h"
#include "broker/core/progress.h"
#include "broker/core/queue.h"
#include "broker/core/trim.h"

/* follows[a][b]: a job in state a may go to state b. JOB_NONE is the outside. */
static const bool follows[JOB_STATES][JOB_STATES] = {
	[JOB_NONE] = { [JOB_READY] = true,
	               [JOB_DONE] = true,
	               [JOB_DEAD] = true,
	               [JOB_EXPIRED] = true,
	               [JOB_CANCELLED] = true },
	[JOB_BLOCKED] = { [JOB_READY] = true, [JOB_CANCELLED] = true },
	[JOB_DELAYED] = { [JOB_READY] = true, [JOB_CANCELLED] = true },
	[JOB_READY] = { [JOB_RUNNING] = true,
	                [JOB_DEAD] = true,
	                [JOB_EXPIRED] = true,
	                [JOB_CANCELLED] = true,
	                [JOB_DONE] = true /* in a replay only: young leases are no facts */ },
	[JOB_RUNNING] = { [JOB_READY] = true, [JOB_DONE] = true, [JOB_DEAD] = true, [JOB_CANCELLED] = true },
	[JOB_DONE] = { [JOB_NONE] = true },
	[JOB_DEAD] = { [JOB_NONE] = true },
	[JOB_EXPIRED] = { [JOB_NONE] = true },
	[JOB_CANCELLED] = { [JOB_NONE] = true },
};

/* The one place that assigns a job's state. The caller has taken it out of its old container and puts it
 * into the new one. */
static void set_state(struct core *c, struct job *j, enum job_state to)
{
	struct queue *q = c->queues[j->queue];

	must(follows[j->state][to]);
	if (j->state != JOB_NONE)
		q->now[j->state]--;
	if (to != JOB_NONE)
		q->now[to]++;
	j->state = to;
}

uint64_t job_log_bytes(const struct job *j)
{
	return j->length + j->overhead + (uint64_t)(job_terminal(j) ? FACT_END_RECORD : FACT_PUT_RECORD);
}

uint32_t job_overhead(bool ended, uint32_t count, size_t headers)
{
	uint32_t head = LOG_BLOCK_HEADER + FACT_HEAD + (ended ? FACT_COUNT_HEAD : FACT_PUT_HEAD + (uint32_t)headers);

	return count > 0 ? head / count : 0;
}

static void set_where(struct core *c, struct job *j, const struct job_bytes *where)
{
	j->at = where->at;
	j->length = where->length;
	j->crc = where->crc;
	j->overhead = where->overhead & 0xfffff;
	trim_charge(c, j->at, job_log_bytes(j));
}

static void unset_where(struct core *c, const struct job *j)
{
	trim_discharge(c, j->at, job_log_bytes(j));
}

struct job *job_put(struct core *c, struct queue *q, uint64_t id, const struct job_bytes *where)
{
	struct job *j = job_make(&c->jobs, id);

	j->queue = q->index;
	j->batch = j->w.waiter = j->p.policy = NO_INDEX;
	list_init(&j->in.link);
	set_state(c, j, JOB_READY);
	set_where(c, j, where);
	return j;
}

/* Takes a live job out of the container of its state; what its lease or past remembered is returned. */
static struct past *leave(struct core *c, struct job *j)
{
	struct past *past = NULL;

	if (j->state == JOB_READY) {
		queue_take(c, c->queues[j->queue], j);
		if (j->flags & JOB_PAST)
			past = j->in.past;
		j->flags &= (uint64_t)~JOB_PAST & 15;
	} else if (j->state == JOB_RUNNING) {
		struct lease *l = j->in.lease;

		past = l->past;
		list_remove(&l->link);
		list_remove(&l->young);
		if (l->worker != NULL) {
			l->worker->outstanding--;
			l->worker->outstanding_bytes -= l->bytes;
		}
		progress_forget(l);
		l->link.next = c->spare_leases;
		c->spare_leases = &l->link;
	}
	list_init(&j->in.link);
	return past;
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
	*l = (struct lease){
		.job = j, .worker = w, .token = token, .since = c->t, .bytes = j->length, .percent = PERCENT_UNKNOWN
	};
	l->past = leave(c, j);
	must(l->past == NULL || l->past->token <= token);
	set_state(c, j, JOB_RUNNING);
	j->in.lease = l;
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

void job_back(struct core *c, struct job *j)
{
	uint64_t token = j->in.lease->token;
	struct past *past;

	must(j->state == JOB_RUNNING);
	past = leave(c, j);
	if (past == NULL) {
		past = calloc(1, sizeof *past);
		must(past != NULL);
		past->job = j;
	}
	past->token = token;
	set_state(c, j, JOB_READY);
	j->in.past = past;
	j->flags = JOB_PAST;
	queue_add_ready(c, c->queues[j->queue], j);
}

void job_end(struct core *c, struct job *j, const struct job_end *end)
{
	struct queue *q = c->queues[j->queue];

	free(leave(c, j));
	unset_where(c, j);
	policy_release(c, j->p.policy);
	batch_member_ended(c, j->batch, end->state);
	set_state(c, j, end->state);
	j->flags = 0;
	j->batch = NO_INDEX;
	j->attempt = end->attempt;
	j->finished_ms = end->finished_ms & JOB_MS_MASK;
	j->w.run_ms = end->run_ms;
	j->p.end.exit = (int16_t)end->exit;
	j->p.end.error_length = end->error_length;
	set_where(c, j, &end->where);
	keep_add(c, q, j);
}

struct job *job_put_ended(struct core *c, struct queue *q, uint64_t id)
{
	struct job *j = job_make(&c->jobs, id);

	/* as job_put, without a charge for a payload that is gone: job_end takes it from here */
	j->queue = q->index;
	j->batch = j->w.waiter = j->p.policy = NO_INDEX;
	list_init(&j->in.link);
	set_state(c, j, JOB_READY);
	set_where(c, j, &(struct job_bytes){ .at = c->trim.head });
	return j;
}

void job_forget(struct core *c, struct job *j)
{
	must(job_terminal(j));
	keep_remove(c, c->queues[j->queue], j);
	unset_where(c, j);
	set_state(c, j, JOB_NONE);
	job_drop(&c->jobs, j);
}

void job_moved(struct core *c, struct job *j, const struct job_bytes *where)
{
	unset_where(c, j);
	set_where(c, j, where);
}
