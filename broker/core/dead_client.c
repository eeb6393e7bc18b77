/* See dead_client.h. */
#include "broker/core/dead_client.h"

#include <stdlib.h>

#include "base/text.h"
#include "broker/core/dead.h"
#include "broker/core/fx.h"
#include "broker/core/job_table.h"
#include "broker/core/queue.h"
#include "broker/core/side.h"
#include "broker/core/turn.h"

static void refuse(struct core *c, const struct client *cl, const struct msg *m, enum sheaf_error e, const char *text)
{
	fx_answer(c, cl->peer, &m->h, e, text, 0);
}

/* The queue of a request; NULL after an answer. */
static struct queue *queue_of(struct core *c, const struct client *cl, const struct msg *m, struct span name)
{
	struct queue *q = queue_find(c, name);

	if (q == NULL)
		refuse(c, cl, m, SHEAF_E_UNKNOWN, "there is no such queue");
	return q;
}

/* ---- listing ---- */

/* Where the walk begins: behind a dead letter that is known to stand before the cursor, or in front. */
static struct list *start(struct core *c, const struct queue *q, const struct msg_dead_cursor *after)
{
	struct job *j = after->near != 0 ? job_find(&c->jobs, after->near) : NULL;

	if (j == NULL || j->state != JOB_DEAD || j->queue != q->index || dead_behind(j, after->finished_ms, after->id))
		return q->dead.next;
	return j->in.side->link.next;
}

static struct span copy(struct core *c, struct span s)
{
	uint8_t *p = fx_alloc(c, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return span_of(p, s.n);
}

static struct msg_dead_rec describe(struct core *c, const struct side *s)
{
	struct msg_attempt_rec last = dead_last(s);

	return (struct msg_dead_rec){
		.id = s->job->id,
		.finished_ms = s->job->finished_ms,
		.attempt = s->job->attempt,
		.exit = s->exit,
		.size = s->job->length,
		.worker = copy(c, last.worker),
		.error = copy(c, last.error),
	};
}

void dead_list_request(struct core *c, struct client *cl, const struct msg *m)
{
	const struct msg_dead_list *r = &m->u.dead_list;
	struct queue *q = queue_of(c, cl, m, r->queue);
	struct msg_dead_cursor next = r->after;
	struct dead_want want = dead_want(c, &r->filter);
	struct msg_dead_rec *v;
	struct list *l;
	uint32_t n = 0;
	struct msg *out;

	if (q == NULL)
		return;
	v = fx_alloc(c, r->limit * sizeof *v);
	l = start(c, q, &r->after);
	for (int i = 0; i < STEP_WORK && l != &q->dead && n < r->limit; i++, l = l->next) {
		const struct side *s = list_item(l, struct side, link);

		next.near = s->job->id;
		if (!dead_behind(s->job, next.finished_ms, next.id))
			continue; /* it was shown before, or passed over */
		next.finished_ms = s->job->finished_ms;
		next.id = s->job->id;
		if (dead_wanted(&want, s))
			v[n++] = describe(c, s);
	}
	out = fx_reply(c, cl->peer, MSG_DEAD_INFO, cl->session, m->h.number);
	out->u.dead_info.more = l != &q->dead;
	out->u.dead_info.next = next;
	out->u.dead_info.v = v;
	out->u.dead_info.n = n;
}

/* ---- redrive and purge ---- */

/* It was answered before, or is under way for the same client, who says it again. */
static bool said_before(struct core *c, const struct client *cl, const struct msg *m, struct queue *q)
{
	struct dead_op *op = q->dead_op;

	if (op != NULL && op->request.session == m->h.session && op->request.number == m->h.number) {
		op->peer = cl->peer;
		return true;
	}
	if (q->dead_answer.session != m->h.session || q->dead_answer.number != m->h.number)
		return false;
	fx_answer(c, cl->peer, &m->h, SHEAF_OK, "", q->dead_answer.done);
	return true;
}

/* What is under way ends here, and whoever waits for it is answered. */
static void stop(struct core *c, const struct client *cl, const struct msg *m, struct queue *q)
{
	uint64_t done = 0;

	if (q->dead_op != NULL) {
		done = q->dead_op->done;
		q->dead_op->over = true;
		c->turn.dead = q;
		dead_finish(c);
	}
	fx_answer(c, cl->peer, &m->h, SHEAF_OK, "", done);
}

static const char busy[] = "the queue is being purged or deleted";

static void begin(struct core *c, const struct client *cl, const struct msg *m, struct queue *q)
{
	const struct msg_dead_op *r = &m->u.dead_op;
	struct dead_op *op = calloc(1, sizeof *op);

	must(op != NULL);
	op->kind = (enum dead_op_kind)r->op;
	op->want = dead_want(c, &r->filter);
	if (op->want.to_ms > c->wall)
		op->want.to_ms = c->wall; /* who dies later is none of its */
	if (r->filter.error.n > 0)
		memcpy(op->text, r->filter.error.p, r->filter.error.n);
	op->want.error = span_of(op->text, r->filter.error.n);
	op->at = q->dead.next;
	op->until = c->deaths;
	op->limit = r->limit;
	op->rate = r->rate;
	op->began = op->next = c->t;
	op->peer = cl->peer;
	op->request = m->h;
	q->dead_op = op;
	dead_look(c, q);
}

void dead_op_request(struct core *c, struct client *cl, const struct msg *m)
{
	const struct msg_dead_op *r = &m->u.dead_op;
	struct queue *q = queue_of(c, cl, m, r->queue);

	if (q == NULL || said_before(c, cl, m, q))
		return;
	if (r->op == DEAD_STOP)
		stop(c, cl, m, q);
	else if (q->dead_op != NULL)
		refuse(c, cl, m, SHEAF_E_NOT_FINISHED, dead_at_work(c, q));
	else if (q->chore != CHORE_NONE)
		refuse(c, cl, m, SHEAF_E_BUSY, busy);
	else if (r->op == DEAD_PURGE && r->rate != 0)
		refuse(c, cl, m, SHEAF_E_BAD_VALUE, "rate: a purge has none");
	else
		begin(c, cl, m, q);
}

/* ---- single ones ---- */

static const char *const states[JOB_STATES] = {
	[JOB_BLOCKED] = "blocked", [JOB_DELAYED] = "delayed", [JOB_READY] = "ready",         [JOB_RUNNING] = "running",
	[JOB_DONE] = "done",       [JOB_DEAD] = "dead",       [JOB_CANCELLED] = "cancelled", [JOB_EXPIRED] = "expired",
};

/* Why this job is not redriven now; NULL: it can be. */
static const char *not_retried(struct core *c, const struct job *j, enum sheaf_error *e)
{
	enum { WORDS = 96 };
	char *text;

	*e = SHEAF_E_BAD_VALUE;
	if (j->state != JOB_DEAD) {
		text = fx_alloc(c, WORDS);
		text_format(text, WORDS, "job %llu is not dead: it is %s", (unsigned long long)j->id, states[j->state]);
		return text;
	}
	if (j->flags & JOB_EMPTY) {
		*e = SHEAF_E_DAMAGED;
		return "the job's payload was lost with a damaged part of the journal: there is nothing to run";
	}
	*e = SHEAF_E_BUSY;
	return c->queues[j->queue]->chore != CHORE_NONE ? busy : NULL;
}

void dead_retry_request(struct core *c, struct client *cl, const struct msg *m)
{
	const struct msg_ids *ids = &m->u.ids;
	enum sheaf_error e, last = SHEAF_E_UNKNOWN;
	const char *why = "there is no such job";
	uint64_t n = 0;

	if (ids->flags != 0) {
		refuse(c, cl, m, SHEAF_E_BAD_VALUE, "flags: 0");
		return;
	}
	for (uint32_t i = 0; i < ids->n; i++) {
		struct job *j = job_find(&c->jobs, ids->ids[i]);
		const char *text;

		if (j == NULL && ids->ids[i] > 0 && ids->ids[i] < c->next_id) {
			last = SHEAF_E_GONE;
			why = "the job has ended and is no longer kept";
		}
		if (j == NULL || (j->flags & JOB_ENDING)) /* named twice */
			continue;
		text = not_retried(c, j, &e);
		if (text != NULL) {
			last = e;
			why = text;
			continue;
		}
		turn_redrive(c, j);
		n++;
	}
	turn_commit(c);
	if (n == 0)
		refuse(c, cl, m, last, why);
	else
		fx_answer(c, cl->peer, &m->h, SHEAF_OK, "", n);
}
