/* See dispatch.h. The worker with the least outstanding per slot goes first, whatever its window: measured
 * against round robin with credit, it takes a slow worker's weight off everybody else. */
#include "broker/core/dispatch.h"

#include "broker/core/fx.h"
#include "broker/core/job.h"
#include "broker/core/limit.h"
#include "broker/core/order.h"
#include "broker/core/policy.h"
#include "broker/core/queue.h"
#include "broker/core/race.h"
#include "broker/core/side.h"
#include "broker/core/timer.h"

enum { ROOM_FOR_OTHERS = 512, QUANTUM_BYTES = 1 << 20, REBALANCE_MS = 20, RECALL_MS = 100 };

/* How many more jobs it may be sent now; `bytes`: of the next payload. A payload larger than the whole
 * window goes to a worker that has nothing. */
uint32_t dispatch_credit(const struct worker *w, uint64_t bytes)
{
	if (w->state != WORKER_OPEN || w->draining || w->outstanding >= w->window_jobs)
		return 0;
	if (w->outstanding_bytes + bytes > w->window_bytes && w->outstanding > 0)
		return 0;
	return (uint32_t)(w->window_jobs - w->outstanding);
}

/* a has less to do per slot than b. */
static bool lighter(const struct worker *a, const struct worker *b)
{
	return (uint64_t)a->outstanding * b->slots < (uint64_t)b->outstanding * a->slots;
}

static struct attachment *lightest(struct queue *q, const struct job *j)
{
	struct attachment *best = NULL;
	struct list *p;

	for (p = q->servers.next; p != &q->servers; p = p->next) {
		struct attachment *a = list_item(p, struct attachment, link);

		if (dispatch_credit(a->worker, j->length) > 0 && race_allows(j, a->worker) &&
		    (best == NULL || lighter(a->worker, best->worker)))
			best = a;
	}
	if (best != NULL) {
		list_remove(&best->link); /* equals take turns */
		list_push_back(&q->servers, &best->link);
	}
	return best;
}

static void grant(struct core *c, struct attachment *a, struct job *j)
{
	struct worker *w = a->worker;
	struct lease *l;
	struct effect *e;

	order_granted(c, a->queue, j);
	limit_granted(a->queue);
	l = job_run(c, j, w, c->epoch << 32 | c->next_token++);
	e = fx_add(c, FX_GRANT);
	l->message = w->sent;
	e->session = w->session;
	e->number = w->sent;
	e->stored = (struct log_bytes){ j->at, j->length, j->crc };
	e->u.job = (struct msg_job_rec){
		.id = j->id,
		.token = l->token,
		.attempt = j->attempt + 1u,
		.queue = a->index,
		.lease_ms = policy_lease(c, j->p.policy),
		.headers = policy_headers(c, j->p.policy),
		.expires_ms = l->side != NULL && l->side->expires != 0 ? l->side->expires - c->wall : 0,
	};
	c->count.granted++;
}

/* The job that is next in line; NULL if there is none, or if it has expired: its end is only a tick away. */
static struct job *grantable(const struct core *c, const struct queue *q)
{
	struct job *j = order_first(c, q);

	return j != NULL && timer_expired(c, side_of(j)) ? NULL : j;
}

static bool any_credit(const struct queue *q, uint64_t bytes)
{
	for (const struct list *p = q->servers.next; p != &q->servers; p = p->next)
		if (dispatch_credit(list_item(p, struct attachment, link)->worker, bytes) > 0)
			return true;
	return false;
}

/* The next job in line and a worker for it, or NULL. A replica steps aside if there is room only where it may not go:
 * it does not hold up those behind it. */
static struct attachment *next_pair(struct core *c, struct queue *q, struct job **j)
{
	for (;;) {
		struct attachment *a;

		*j = grantable(c, q);
		if (*j == NULL)
			return NULL;
		a = lightest(q, *j);
		if (a != NULL || race_of(*j) == NULL || c->turn.n_parked == STEP_WORK || !any_credit(q, (*j)->length))
			return a;
		c->turn.n_parked++;
		race_park(c, *j);
	}
}

/* One message of jobs for one worker. Idle slots are filled first, everywhere; only then work is sent ahead. */
static bool quantum(struct core *c, struct queue *q)
{
	struct job *j;
	struct attachment *a;
	uint64_t bytes = 0;
	struct worker *w;
	uint32_t n, room;

	race_unpark(c, q);
	if (grantable(c, q) == NULL)
		return false;
	room = limit_room(c, q);
	if (room == 0) {
		limit_wait(c, q);
		return false;
	}
	a = next_pair(c, q, &j);
	if (a == NULL)
		return false;
	w = a->worker;
	n = w->outstanding < w->slots ? w->slots - w->outstanding : LIMIT_QUANTUM;
	n = n < LIMIT_QUANTUM ? n : LIMIT_QUANTUM;
	n = n < room ? n : room;
	if (w->sent == w->confirmed)
		w->sent_at = c->t;
	w->sent++;
	for (uint32_t i = 0; i < n && j != NULL && dispatch_credit(w, j->length) > 0 && race_allows(j, w); i++) {
		if (bytes > 0 && bytes + j->length > QUANTUM_BYTES)
			break;
		bytes += j->length;
		grant(c, a, j);
		j = grantable(c, q);
	}
	return true;
}

void dispatch(struct core *c)
{
	if (c->draining)
		return;
	while (!list_empty(&c->hot) && fx_room(c) > ROOM_FOR_OTHERS + LIMIT_QUANTUM) {
		struct queue *q = list_item(c->hot.next, struct queue, hot);

		list_remove(&q->hot);
		if (quantum(c, q))
			queue_heat(c, q); /* to the end: queues take turns */
	}
}

bool dispatch_pending(const struct core *c)
{
	return !c->draining && !list_empty(&c->hot);
}

/* Asks the worker for up to n of its youngest unstarted jobs. */
static void recall(struct core *c, struct worker *w, uint32_t n)
{
	struct lease_name *v = fx_alloc(c, n * sizeof *v);
	uint32_t k = 0, looked = 0;
	struct list *p;
	struct msg *out;

	for (p = w->leases.prev; p != &w->leases && k < n && looked < STEP_WORK; p = p->prev, looked++) {
		struct lease *l = list_item(p, struct lease, link);

		if (l->started || l->recalled || !race_movable(c, l->job, w))
			continue;
		l->recalled = true;
		v[k++] = (struct lease_name){ l->job->id, l->token };
	}
	if (k == 0)
		return;
	w->recalled_at = c->t;
	out = fx_control(c, w->peer, MSG_RECALL, w->session, 0);
	out->u.leases.v = v;
	out->u.leases.n = k;
}

/* Within one queue without ready jobs: from the heaviest worker for the idle slots of the others. */
static void rebalance(struct core *c, struct queue *q)
{
	struct worker *heavy = NULL;
	uint32_t idle = 0, over;
	struct list *p;

	for (p = q->servers.next; p != &q->servers; p = p->next) {
		struct worker *w = list_item(p, struct attachment, link)->worker;

		if (w->state != WORKER_OPEN || w->draining)
			continue;
		if (w->outstanding < w->slots && w->window_jobs > w->outstanding)
			idle += w->slots - w->outstanding;
		else if (w->outstanding > w->slots && c->t - w->recalled_at >= RECALL_MS &&
		         (heavy == NULL || lighter(heavy, w)))
			heavy = w;
	}
	if (idle == 0 || heavy == NULL)
		return;
	over = heavy->outstanding - heavy->slots;
	over = over < idle ? over : idle;
	recall(c, heavy, over < LIMIT_QUANTUM ? over : LIMIT_QUANTUM);
}

void dispatch_rebalance(struct core *c)
{
	uint32_t looked = 0;
	struct list *p;

	if (!c->idle_hint || c->draining || c->t < c->rebalance_at)
		return;
	c->idle_hint = false;
	c->rebalance_at = c->t + REBALANCE_MS;
	for (p = c->workers.next; p != &c->workers && looked < STEP_WORK && fx_room(c) > ROOM_FOR_OTHERS; p = p->next) {
		struct worker *w = list_item(p, struct worker, link);

		if (w->state != WORKER_OPEN || w->draining || w->outstanding >= w->slots ||
		    w->window_jobs <= w->outstanding)
			continue;
		for (uint32_t i = 0; i < w->n_queues; i++, looked++)
			if (w->queues[i].queue->now[JOB_RUNNING] > 0 && w->queues[i].queue->n_servers > 1)
				rebalance(c, w->queues[i].queue);
	}
}
