/* See gather.h. */
#include "broker/core/gather.h"

#include "broker/core/fact.h"
#include "broker/core/fx.h"
#include "broker/core/job.h"
#include "broker/core/job_table.h"
#include "broker/core/timer.h"
#include "broker/core/turn.h"
#include "broker/core/worker.h"

enum { SETTLE_MESSAGES = 64, SETTLE_BYTES = 1 << 20, SETTLE_MS = 50, ASK_MS = 1000 };

static void settle(struct core *c, struct worker *w, bool resend)
{
	struct msg *out = fx_control(c, w->peer, MSG_SETTLED, w->session, 0);

	out->u.settled.settled = w->settled = w->expected - 1;
	out->u.settled.resend = resend;
	w->unsettled_bytes = 0;
	list_remove(&w->unsettled);
}

void gather_settle(struct core *c)
{
	if (c->t < c->settle_at)
		return;
	while (!list_empty(&c->unsettled) && fx_room(c) > LIMIT_QUANTUM)
		settle(c, list_item(c->unsettled.next, struct worker, unsettled), false);
}

uint64_t gather_deadline(const struct core *c)
{
	return list_empty(&c->unsettled) ? UINT64_MAX : c->settle_at;
}

/* The live lease that this outcome is for, or NULL: stale. */
static struct lease *lease_of(struct core *c, const struct worker *w, uint64_t id, uint64_t token)
{
	struct job *j = job_find(&c->jobs, id);

	if (j == NULL || j->state != JOB_RUNNING || (j->flags & JOB_ENDING))
		return NULL;
	return j->in.lease->token == token && (w == NULL || j->in.lease->worker == w) ? j->in.lease : NULL;
}

void gather_failed(struct core *c, struct lease *l, const struct attempt *a, struct span result)
{
	struct job *j = l->job;

	if (j->attempt + 1u < j->attempts) {
		struct handback *h;

		l->unwanted = false; /* it had begun: it goes on */
		worker_hand_on(c, l, false);
		h = &c->turn.backs[c->turn.n_backs - 1];
		h->counted = true;
		h->due = timer_backoff(c, j);
		h->attempt = *a;
		return;
	}
	j->flags |= JOB_ENDING;
	turn_end_job(c, &(struct ending){ .job = j,
	                                  .state = JOB_DEAD,
	                                  .exit = a->exit,
	                                  .used = (uint8_t)(j->attempt + 1),
	                                  .run_ms = a->run_ms,
	                                  .error = a->error,
	                                  .result = result,
	                                  .attempt = *a });
}

static void take(struct core *c, struct worker *w, const struct msg_outcome_rec *r)
{
	struct lease *l = lease_of(c, w, r->id, r->token);
	struct span result = r->result;
	struct attempt a;

	c->count.outcomes++;
	w->done++;
	if (l == NULL) {
		c->count.stale++;
		return;
	}
	a = (struct attempt){ .worker = span_str(w->name),
		              .started_ms = c->wall > r->run_ms ? c->wall - r->run_ms : 0,
		              .run_ms = r->run_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)r->run_ms,
		              .exit = r->exit,
		              .verdict = (uint8_t)r->verdict,
		              .error = r->error };
	if (turn_bytes(c) + r->error.n + r->result.n > log_group_max(c->config.segment_bytes) / 3) {
		a.verdict = VERDICT_FAILED;
		a.error = span_str("the result does not fit a segment of the journal");
		result = (struct span){ 0 };
	}
	if (a.verdict != VERDICT_DONE) {
		gather_failed(c, l, &a, result);
		return;
	}
	l->job->flags |= JOB_ENDING;
	turn_end_job(c, &(struct ending){ .job = l->job,
	                                  .state = JOB_DONE,
	                                  .exit = r->exit,
	                                  .used = (uint8_t)(l->job->attempt + 1),
	                                  .run_ms = r->run_ms,
	                                  .error = r->error,
	                                  .result = r->result,
	                                  .attempt = a });
}

static uint64_t bytes_of(const struct msg *m)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < m->u.outcomes.n; i++)
		n += m->u.outcomes.v[i].result.n + m->u.outcomes.v[i].error.n + FACT_END_RECORD;
	return n;
}

/* A message that is not the next one: what is missing is asked for once, and again after a while. */
static void out_of_order(struct core *c, struct worker *w, uint64_t number)
{
	if (number < w->expected) {
		settle(c, w, false);
	} else if (w->asked != w->expected || c->t - w->asked_at >= ASK_MS) {
		w->asked = w->expected;
		w->asked_at = c->t;
		settle(c, w, true);
	}
}

/* Another's outcomes in its name: said once in a session. */
static void usurped(struct core *c, struct worker *w)
{
	if (!w->usurped)
		fx_log(c, LOG_WARN, "outcomes-denied", "worker=%s session=%llu outcomes came with another's key",
		       w->name, (unsigned long long)w->session);
	w->usurped = true;
}

void gather_outcomes(struct core *c, uint32_t principal, const struct msg *m)
{
	struct worker *w = worker_find(c, m->h.session);

	if (w == NULL)
		return; /* its next beat will tell it to say hello again */
	if (w->principal != principal) {
		usurped(c, w);
		return;
	}
	if (m->h.number != w->expected) {
		out_of_order(c, w, m->h.number);
		return;
	}
	w->expected++;
	w->losses = 0;
	w->unsettled_bytes += bytes_of(m);
	for (uint32_t i = 0; i < m->u.outcomes.n; i++)
		take(c, w, &m->u.outcomes.v[i]);
	turn_commit(c);
	if (w->expected - 1 - w->settled >= SETTLE_MESSAGES || w->unsettled_bytes >= SETTLE_BYTES) {
		settle(c, w, false);
	} else if (list_empty(&w->unsettled)) {
		if (list_empty(&c->unsettled))
			c->settle_at = c->t + SETTLE_MS;
		list_push_back(&c->unsettled, &w->unsettled);
	}
	worker_heat(c, w);
	if (w->outstanding < w->slots)
		c->idle_hint = true;
	worker_bye_check(c, w);
}

void gather_bad_payload(struct core *c, const struct lease_name *name, struct span why)
{
	struct lease *l = lease_of(c, NULL, name->id, name->token);

	if (l == NULL)
		return;
	l->job->flags |= JOB_ENDING;
	turn_end_job(
	    c, &(struct ending){ .job = l->job, .state = JOB_DEAD, .used = l->job->attempt, .exit = 1, .error = why });
	turn_commit(c);
}
