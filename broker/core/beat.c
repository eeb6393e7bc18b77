/* See beat.h. */
#include "broker/core/beat.h"

#include <stdlib.h>

#include "broker/core/drain.h"
#include "broker/core/fact.h"
#include "broker/core/fx.h"
#include "broker/core/job.h"
#include "broker/core/job_table.h"
#include "broker/core/timer.h"
#include "broker/core/topic/news.h"
#include "broker/core/turn.h"
#include "broker/core/worker.h"

enum { PROBE_MS = 1000, LOSSES_MOST = 3 };

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void begin(struct core *c, struct lease *l)
{
	l->started = true;
	news_started(c, l);
	timer_lease(c, l);
}

/* Marks the leases whose tokens the beat names. What runs was granted early, so the walk is short. */
static void mark_started(struct core *c, struct worker *w, const struct msg_beat *b)
{
	uint64_t *tokens;
	uint32_t looked = 0;
	struct list *p;

	w->running = b->n_started;
	if (b->n_started == 0)
		return;
	tokens = fx_alloc(c, b->n_started * sizeof tokens[0]);
	memcpy(tokens, b->started, b->n_started * sizeof tokens[0]);
	qsort(tokens, b->n_started, sizeof tokens[0], by_value);
	for (p = w->leases.next; p != &w->leases && looked < b->n_started + STEP_WORK; p = p->next, looked++) {
		struct lease *l = list_item(p, struct lease, link);

		if (!l->started && bsearch(&l->token, tokens, b->n_started, sizeof tokens[0], by_value) != NULL)
			begin(c, l);
	}
}

/* Takes back what was in JOBS messages that never came: no delivery, for nothing was delivered. False if the step has
 * no room for all of it. */
static bool take_back_lost(struct core *c, struct worker *w, const struct msg_beat *b)
{
	struct list *p, *next;
	uint32_t before = c->turn.n_backs;
	bool all = true;

	for (p = w->leases.next; p != &w->leases && all; p = next) {
		struct lease *l = list_item(p, struct lease, link);

		next = p->next;
		if (l->message == 0)
			continue;
		for (uint32_t i = 0; i < b->n_lost; i++) {
			if (l->message < b->lost[i].first || l->message > b->lost[i].last)
				continue;
			all = turn_has_room(c, 1);
			if (all)
				worker_hand_on(c, l, false);
			break;
		}
	}
	if (c->turn.n_backs > before) {
		c->count.lost_messages++;
		w->losses++;
		fx_log(c, LOG_WARN, "jobs-lost", "worker=%s jobs=%u were lost on the way and are granted again",
		       w->name, c->turn.n_backs - before);
	}
	return all;
}

/* What was sent and is not confirmed for a while: a further message behind it shows whether it was lost. */
static void probe(struct core *c, struct worker *w)
{
	struct effect *e;

	if (w->state != WORKER_OPEN || w->sent == w->confirmed || c->t - w->sent_at < PROBE_MS)
		return;
	e = fx_add(c, FX_PROBE);
	e->session = w->session;
	e->number = ++w->sent;
	w->sent_at = c->t;
	c->count.probes++;
}

void beat_take(struct core *c, struct worker *w, const struct msg *m)
{
	const struct msg_beat *b = &m->u.beat;
	bool all = b->n_lost == 0 || take_back_lost(c, w, b);
	struct msg *out;

	mark_started(c, w, b);
	turn_commit(c);
	if (w->losses >= LOSSES_MOST) {
		/* nothing gets through: somebody else may be taking what is sent. A new session has a new socket. */
		fx_log(c, LOG_WARN, "jobs-astray", "worker=%s loses all that is sent to it: it is asked to attach anew",
		       w->name);
		fx_control(c, w->peer, MSG_NO_SESSION, w->session, m->h.number);
		worker_lose(c, w, false);
		return;
	}
	if (w->state == WORKER_OPEN || w->state == WORKER_WELCOMED) {
		w->window_jobs = b->window_jobs < LIMIT_WINDOW_JOBS ? b->window_jobs : LIMIT_WINDOW_JOBS;
		w->window_bytes = b->window_bytes < LIMIT_WINDOW_BYTES ? b->window_bytes : LIMIT_WINDOW_BYTES;
	}
	if (b->received > w->confirmed && b->received <= w->sent)
		w->confirmed = b->received;
	probe(c, w);
	/* number 0 answers no beat: the worker names what it lost again */
	out = fx_control(c, w->peer, MSG_BEAT_ANSWER, w->session, all ? m->h.number : 0);
	out->u.settled.settled = w->settled = w->expected - 1;
	w->unsettled_bytes = 0;
	list_remove(&w->unsettled);
	out->u.settled.draining = w->draining;
	drain_slice(c, w);
	worker_heat(c, w);
	c->idle_hint = true;
}

void beat_return(struct core *c, struct worker *w, const struct msg *m)
{
	for (uint32_t i = 0; i < m->u.leases.n; i++) {
		struct job *j = job_find(&c->jobs, m->u.leases.v[i].id);

		if (j == NULL || j->state != JOB_RUNNING || (j->flags & JOB_ENDING) || j->in.lease->worker != w ||
		    j->in.lease->token != m->u.leases.v[i].token)
			continue;
		worker_hand_on(c, j->in.lease, false);
		c->count.recalled++;
	}
	turn_commit(c);
	drain_slice(c, w);
	worker_heat(c, w);
}

uint64_t beat_young_deadline(const struct core *c)
{
	if (list_empty(&c->young))
		return UINT64_MAX;
	return list_item(c->young.next, struct lease, young)->since + LEASE_FACT_MS;
}

void beat_young(struct core *c)
{
	struct buf *b = &c->fx->block;
	uint64_t full = log_group_max(c->config.segment_bytes) / 4;

	for (uint32_t i = 0; i < STEP_WORK && b->n < full && beat_young_deadline(c) <= c->t; i++) {
		struct lease *l = list_item(c->young.next, struct lease, young);
		size_t begun;

		list_remove(&l->young);
		if (l->job->flags & JOB_ENDING)
			continue;
		l->fact = true;
		begun = fact_begin(b, FACT_JOBS_LEASED);
		fact_put_count(b, 0, 1);
		fact_put_lease_rec(
		    b, &(struct fact_lease_rec){ l->job->id, l->token, l->job->attempt, l->job->deliveries });
		fact_end(b, begun);
	}
}

void beat_orphans(struct core *c)
{
	uint32_t n = 0;

	if (c->t < c->orphans_until)
		return;
	while (!list_empty(&c->orphans) && n++ < STEP_WORK && turn_has_room(c, 1))
		worker_hand_on(c, list_item(c->orphans.next, struct lease, link), true);
}
