/* Worker sessions, first part: how they begin and end. Beats and returns are in beat.c. See worker.h. */
#include "broker/core/worker.h"

#include <stdlib.h>

#include "broker/core/beat.h"
#include "broker/core/fx.h"
#include "broker/core/job.h"
#include "broker/core/job_table.h"
#include "broker/core/limit.h"
#include "broker/core/order.h"
#include "broker/core/progress.h"
#include "broker/core/queue.h"
#include "broker/core/race.h"
#include "broker/core/side.h"
#include "broker/core/timer.h"
#include "broker/core/turn.h"

struct worker *worker_find(const struct core *c, uint64_t session)
{
	struct worker *w;

	HASH_FIND(hh, c->by_session, &session, sizeof session, w);
	return w;
}

void worker_heat(struct core *c, struct worker *w)
{
	for (uint32_t i = 0; i < w->n_queues; i++)
		queue_heat(c, w->queues[i].queue);
}

static void detach(struct worker *w)
{
	for (uint32_t i = 0; i < w->n_queues; i++) {
		if (w->queues[i].queue == NULL)
			continue;
		list_remove(&w->queues[i].link);
		w->queues[i].queue->n_servers--;
	}
	w->n_queues = 0;
}

void worker_free(struct core *c, struct worker *w)
{
	(void)c;
	must(list_empty(&w->leases));
	detach(w);
	list_remove(&w->link);
	free(w->queues);
	free(w->dropped);
	free(w);
}

/* Takes the session out of sight: nothing reaches it and it reaches nothing. Its leases go on through
 * worker_lost_slice, or are adopted by its successor before. */
void worker_lose(struct core *c, struct worker *w, bool blame)
{
	fx_add(c, FX_CLOSE)->session = w->session;
	HASH_DELETE(hh, c->by_session, w);
	HASH_DELETE(hi, c->by_instance, w);
	c->n_workers--;
	if (heap_has(&w->timer))
		heap_remove(&c->worker_timers, &w->timer);
	list_remove(&w->unsettled);
	list_remove(&w->link);
	detach(w);
	w->state = WORKER_LOST;
	w->blame = blame;
	list_push_back(&c->lost, &w->link);
}

static const char lost_too_often[] = "its worker was lost while it ran, as often as max-deliveries allows";

/* One lease of a lost worker, or of nobody; `delivery`: it may have been running. */
void worker_hand_on(struct core *c, struct lease *l, bool delivery)
{
	struct attempt a = { 0 };
	struct job *j = l->job;

	must(!(j->flags & JOB_ENDING));
	j->flags |= JOB_ENDING;
	if (delivery)
		a = (struct attempt){ .worker = l->worker != NULL ? fx_copy(c, l->worker->name) : span_str(""),
			              .started_ms = c->wall > c->t - l->since ? c->wall - (c->t - l->since) : 0,
			              .run_ms = (uint32_t)(c->t - l->since),
			              .exit = 137,
			              .verdict = ATTEMPT_LOST,
			              .error = span_str("its worker was lost") };
	if (l->worker != NULL) {
		l->worker->outstanding--;
		l->worker->outstanding_bytes -= l->bytes;
		l->worker = NULL;
	}
	list_remove(&l->link);
	if (l->unwanted) {
		turn_end_job(
		    c, &(struct ending){
			   .job = j, .state = JOB_CANCELLED, .used = j->attempt, .error = span_str("cancelled") });
		return;
	}
	if (delivery && j->deliveries + 1u >= c->config.deliveries) {
		turn_end_job(c, &(struct ending){ .job = j,
		                                  .state = JOB_DEAD,
		                                  .used = (uint8_t)(j->attempt + 1),
		                                  .exit = 137,
		                                  .error = span_str(lost_too_often),
		                                  .attempt = a });
		return;
	}
	turn_back_job(c, &(struct handback){ .job = j, .delivery = delivery, .attempt = a });
}

bool worker_lost_slice(struct core *c)
{
	uint32_t n = 0;

	while (!list_empty(&c->lost)) {
		struct worker *w = list_item(c->lost.next, struct worker, link);

		while (!list_empty(&w->leases)) {
			struct lease *l = list_item(w->leases.next, struct lease, link);
			bool started = l->started;

			if (n == STEP_WORK || !turn_has_room(c, 1))
				return true;
			/* what a beat named, and the next ones in line: they may have begun since */
			worker_hand_on(c, l, w->blame && (started || w->running < w->slots));
			w->running += !started;
			n++;
		}
		worker_free(c, w);
	}
	return false;
}

static struct worker *by_instance(const struct core *c, uint64_t instance)
{
	struct worker *w;

	HASH_FIND(hi, c->by_instance, &instance, sizeof instance, w);
	return w;
}

/* Whether what a worker says to hold may become (again) its lease: nothing newer was granted. */
static struct job *adoptable(struct core *c, const struct worker *before, const struct msg_held_rec *h)
{
	struct job *j = job_find(&c->jobs, h->id);

	if (j == NULL || job_terminal(j) || h->token >= (c->epoch << 32 | c->next_token))
		return NULL;
	if (j->state == JOB_RUNNING) {
		struct lease *l = j->in.lease;

		if (l->token == h->token &&
		    (l->worker == NULL || l->worker == before || l->worker->state == WORKER_LOST))
			return j;
		/* an orphan of an older token: the grant that followed never became a fact */
		return l->worker == NULL && l->token < h->token ? j : NULL;
	}
	if (race_of(j) != NULL)
		race_claimed(c, j);
	if (j->state != JOB_READY || j->flags & JOB_ENDING || order_blocked(c, j) || limit_full(c->queues[j->queue]))
		return NULL;
	if (j->flags & JOB_SIDE && j->in.side->token != 0)
		return j->in.side->token <= h->token ? j : NULL;
	return h->token >> 32 < c->epoch ? j : NULL; /* granted before the crash, and not since */
}

/* Moves a job and its lease into the hands of w. */
static void adopt(struct core *c, struct worker *w, struct job *j, const struct msg_held_rec *h)
{
	struct lease *l;

	if (j->state == JOB_READY) {
		l = job_run(c, j, w, h->token); /* if it has begun it may go on beyond its expiry */
	} else {
		l = j->in.lease;
		if (l->worker != NULL) {
			l->worker->outstanding--;
			l->worker->outstanding_bytes -= l->bytes;
		}
		list_remove(&l->link);
		list_push_back(&w->leases, &l->link);
		l->worker = w;
		if (race_of(j) != NULL)
			race_granted(c, j, w);
		if (l->token != h->token && l->fact) {
			l->fact = false;
			list_push_back(&c->young, &l->young);
		}
		l->token = h->token;
		l->bytes = j->length;
		w->outstanding++;
		w->outstanding_bytes += l->bytes;
	}
	l->message = 0;
	l->started = h->state != HELD_WAITING;
	l->recalled = false;
	if (l->started)
		timer_lease(c, l);
}

static void take_held(struct core *c, struct worker *w, const struct worker *before, const struct msg_worker_hello *h)
{
	if (h->n_held == 0)
		return;
	w->dropped = calloc(h->n_held, sizeof w->dropped[0]);
	must(w->dropped != NULL);
	for (uint32_t i = 0; i < h->n_held; i++) {
		struct job *j = adoptable(c, before, &h->held[i]);

		if (j != NULL && race_allows(j, w))
			adopt(c, w, j, &h->held[i]);
		else
			w->dropped[w->n_dropped++] = h->held[i].token;
	}
}

/* Attaches the worker to its queues; a queue exists once a worker names it. False at LIMIT_QUEUES. */
static bool attach(struct core *c, struct worker *w, const struct msg_worker_hello *h)
{
	w->queues = calloc(h->n_queues, sizeof w->queues[0]);
	must(w->queues != NULL);
	for (uint32_t i = 0; i < h->n_queues; i++) {
		struct queue *q = queue_find(c, h->queues[i]);
		struct attachment *a = &w->queues[i];

		if (q == NULL) {
			q = queue_new(c, h->queues[i]);
			if (q == NULL)
				return false;
			queue_fact(c, q);
		}
		*a = (struct attachment){ .worker = w, .queue = q, .index = i };
		list_push_back(&q->servers, &a->link);
		q->n_servers++;
		w->n_queues++;
	}
	return true;
}

static struct worker *worker_new(struct core *c, const struct event *ev, const struct msg_worker_hello *h)
{
	struct worker *w = calloc(1, sizeof *w);

	must(w != NULL);
	w->session = c->epoch << 32 | ++c->next_session;
	w->peer = ev->peer;
	w->principal = ev->principal;
	w->instance = h->instance;
	memcpy(w->name, h->name.p, h->name.n);
	w->slots = h->slots;
	w->nonce = rng_next(&c->rng);
	w->expected = 1;
	w->heard = c->t;
	list_init(&w->leases);
	list_init(&w->link);
	list_init(&w->unsettled);
	w->timer.key = c->t + c->config.liveness_ms;
	w->timer.tie = w->session;
	return w;
}

static void hello(struct core *c, const struct event *ev)
{
	const struct msg *m = ev->msg;
	const struct msg_worker_hello *h = &m->u.worker_hello;
	uint64_t peer = ev->peer;
	struct worker *before, *w;
	struct effect *open;

	if (h->version_min > PROTO_VERSION_MAX || h->version_max < PROTO_VERSION_MIN) {
		fx_refuse_worker(c, peer, &m->h, SHEAF_E_VERSION, "this broker speaks version 1 of the protocol");
		return;
	}
	before = by_instance(c, h->instance);
	if (before != NULL && before->principal != ev->principal) {
		fx_refuse_worker(c, peer, &m->h, SHEAF_E_DENIED, "the instance belongs to another key");
		return;
	}
	if (before == NULL && c->n_workers >= c->config.workers_max) {
		fx_refuse_worker(c, peer, &m->h, SHEAF_E_FULL, "the broker has as many workers as it can serve");
		return;
	}
	w = worker_new(c, ev, h);
	if (!attach(c, w, h)) {
		worker_free(c, w);
		turn_commit(c); /* queues that were made */
		fx_refuse_worker(c, peer, &m->h, SHEAF_E_FULL, "there are 10000 queues already");
		return;
	}
	turn_commit(c);
	w->draining = before != NULL ? before->draining : h->draining; /* it remembers over a restart of ours */
	take_held(c, w, before, h);
	if (before != NULL)
		worker_lose(c, before, false); /* what it held and does not name never arrived */
	HASH_ADD(hh, c->by_session, session, sizeof w->session, w);
	HASH_ADD(hi, c->by_instance, instance, sizeof w->instance, w);
	list_push_back(&c->workers, &w->link);
	heap_add(&c->worker_timers, &w->timer);
	c->n_workers++;
	open = fx_add(c, FX_OPEN);
	open->session = w->session;
	open->number = w->principal;
}

void worker_socket(struct core *c, uint64_t session, struct span endpoint)
{
	struct worker *w = worker_find(c, session);
	struct msg *out;
	struct effect *e;

	if (w == NULL || w->state != WORKER_OPENING)
		return;
	if (endpoint.n == 0) {
		fx_log(c, LOG_WARN, "worker-no-port", "worker=%s no port of --jobs is free", w->name);
		worker_lose(c, w, false);
		return;
	}
	w->state = WORKER_WELCOMED;
	out = fx_control(c, w->peer, MSG_WORKER_WELCOME, w->session, 0);
	out->u.worker_welcome = (struct msg_worker_welcome){
		.version = PROTO_VERSION_MAX,
		.jobs = endpoint,
		.results = span_str(c->results),
		.beat_ms = c->config.beat_ms,
		.liveness_ms = c->config.liveness_ms,
		.dropped = w->dropped,
		.n_dropped = w->n_dropped,
	};
	e = fx_add(c, FX_NONCE);
	e->session = w->session;
	e->number = w->nonce;
}

void worker_unreachable(struct core *c, uint64_t session)
{
	struct worker *w = worker_find(c, session);

	if (w == NULL || c->t - w->heard >= 2 * c->config.beat_ms)
		return; /* silent as well: its liveness judges that, and what it ran counts as a lost delivery */
	fx_log(c, LOG_WARN, "worker-unreachable", "worker=%s session=%llu is asked to attach anew", w->name,
	       (unsigned long long)session);
	fx_control(c, w->peer, MSG_NO_SESSION, session, 0);
	worker_lose(c, w, false); /* it is alive and comes back with all that it holds */
}

void worker_timer(struct core *c, struct worker *w)
{
	uint64_t due = w->heard + c->config.liveness_ms;

	if (due > c->t) {
		heap_move(&c->worker_timers, &w->timer, due);
		return;
	}
	if (w->state != WORKER_LEAVING) {
		fx_log(c, LOG_WARN, "worker-lost", "worker=%s session=%llu silent_ms=%llu outstanding=%u", w->name,
		       (unsigned long long)w->session, (unsigned long long)(c->t - w->heard), w->outstanding);
		c->count.lost_workers++;
	}
	worker_lose(c, w, w->state != WORKER_LEAVING);
}

static void ready(struct core *c, struct worker *w, const struct msg *m)
{
	if (w->state != WORKER_WELCOMED || m->u.nonce.nonce != w->nonce)
		return;
	w->state = WORKER_OPEN;
	free(w->dropped);
	w->dropped = NULL;
	w->n_dropped = 0;
	fx_log(c, LOG_INFO, "worker-ready", "worker=%s session=%llu slots=%u", w->name, (unsigned long long)w->session,
	       w->slots);
	worker_heat(c, w);
}

void worker_bye_check(struct core *c, struct worker *w)
{
	if (w->state == WORKER_LEAVING && w->expected > w->bye)
		worker_lose(c, w, false);
}

static void bye(struct core *c, struct worker *w, const struct msg *m)
{
	w->state = WORKER_LEAVING;
	w->window_jobs = 0;
	w->bye = m->u.worker_bye.last;
	fx_log(c, LOG_INFO, "worker-bye", "worker=%s session=%llu", w->name, (unsigned long long)w->session);
	worker_bye_check(c, w);
}

void worker_dismiss(struct core *c, uint32_t principal)
{
	struct list *p, *next;

	for (p = c->workers.next; p != &c->workers; p = next) {
		struct worker *w = list_item(p, struct worker, link);

		next = p->next;
		if (w->principal == principal)
			worker_lose(c, w, false);
	}
}

void worker_message(struct core *c, const struct event *ev)
{
	const struct msg *m = ev->msg;
	uint64_t peer = ev->peer;
	struct worker *w;

	if (m->h.kind == MSG_WORKER_HELLO) {
		hello(c, ev);
		return;
	}
	w = worker_find(c, m->h.session);
	if (w != NULL && w->principal != ev->principal) {
		fx_refuse_worker(c, peer, &m->h, SHEAF_E_DENIED, "the session belongs to another key");
		return;
	}
	if (w == NULL || w->peer != peer) {
		fx_control(c, peer, MSG_NO_SESSION, m->h.session, m->h.number);
		return;
	}
	w->heard = c->t;
	switch (m->h.kind) {
	case MSG_WORKER_READY:
		ready(c, w, m);
		break;
	case MSG_BEAT:
		beat_take(c, w, m);
		break;
	case MSG_RETURN:
		beat_return(c, w, m);
		break;
	case MSG_PROGRESS:
		beat_progress(c, w, m);
		break;
	case MSG_WORKER_BYE:
		bye(c, w, m);
		break;
	default:
		fx_refuse_worker(c, peer, &m->h, SHEAF_E_UNSUPPORTED, "not a worker's message");
	}
}

/* A control message that names this one lease; NULL if nobody has it. */
static struct msg *name_lease(struct core *c, const struct lease *l, enum msg_kind kind)
{
	struct lease_name *name;
	struct msg *out;

	if (l->worker == NULL || l->worker->state == WORKER_LOST)
		return NULL;
	name = fx_alloc(c, sizeof *name);
	*name = (struct lease_name){ l->job->id, l->token };
	out = fx_control(c, l->worker->peer, kind, l->worker->session, 0);
	out->u.leases.v = name;
	out->u.leases.n = 1;
	return out;
}

bool worker_ask_back(struct core *c, struct lease *l)
{
	if (name_lease(c, l, MSG_RECALL) == NULL)
		return false;
	l->recalled = l->unwanted = true;
	return true;
}

void worker_revoke(struct core *c, const struct lease *l)
{
	name_lease(c, l, MSG_REVOKE);
}
