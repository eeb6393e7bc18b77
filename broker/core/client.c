/* See client.h. */
#include "broker/core/client.h"

#include <stdlib.h>

#include "broker/core/all.h"
#include "broker/core/batch_request.h"
#include "broker/core/cron.h"
#include "broker/core/dead_client.h"
#include "broker/core/drain.h"
#include "broker/core/fact.h"
#include "broker/core/fx.h"
#include "broker/core/query.h"
#include "broker/core/running.h"
#include "broker/core/setting.h"
#include "broker/core/submit.h"
#include "broker/core/topic/topic.h"
#include "broker/core/turn.h"
#include "broker/core/wait.h"

struct client *client_at(struct core *c, uint64_t session)
{
	struct client *cl;

	HASH_FIND(hh, c->by_client, &session, sizeof session, cl);
	if (cl != NULL)
		return cl;
	if (c->n_clients >= LIMIT_CLIENTS && !c->replaying)
		return NULL;
	cl = calloc(1, sizeof *cl);
	must(cl != NULL);
	cl->session = session;
	cl->heard = c->t;
	list_init(&cl->waits);
	list_init(&cl->consumers);
	cl->timer.tie = session;
	HASH_ADD(hh, c->by_client, session, sizeof cl->session, cl);
	c->n_clients++;
	return cl;
}

void client_free(struct core *c, struct client *cl)
{
	wait_forget(c, cl);
	consumers_drop(c, cl);
	if (heap_has(&cl->timer))
		heap_remove(&c->client_timers, &cl->timer);
	if (c->trim.next_client == cl)
		c->trim.next_client = cl->hh.next;
	HASH_DELETE(hh, c->by_client, cl);
	c->n_clients--;
	for (uint32_t i = 0; i < cl->n_answers; i++)
		free(cl->answers[i].ids);
	free(cl->answers);
	free(cl);
}

static void forget_first(struct client *cl, uint32_t n)
{
	if (n == 0)
		return;
	if (cl->answers[n - 1].number > cl->floor)
		cl->floor = cl->answers[n - 1].number;
	for (uint32_t i = 0; i < n; i++)
		free(cl->answers[i].ids);
	cl->n_answers -= n;
	memmove(cl->answers, cl->answers + n, cl->n_answers * sizeof cl->answers[0]);
}

void client_answered(struct client *cl, uint64_t floor)
{
	uint32_t n = 0;

	while (n < cl->n_answers && cl->answers[n].number <= floor)
		n++;
	forget_first(cl, n);
	if (floor > cl->floor)
		cl->floor = floor;
}

void client_remember(struct client *cl, uint64_t number, uint64_t first, uint32_t count)
{
	uint32_t i = cl->n_answers;

	if (number <= cl->floor || client_answer(cl, number) != NULL)
		return; /* replayed twice */
	if (cl->n_answers == LIMIT_CLIENT_REQUESTS) {
		forget_first(cl, 1);
		i--;
	}
	if (cl->n_answers == cl->cap_answers) {
		cl->cap_answers = cl->cap_answers ? 2 * cl->cap_answers : 8;
		cl->answers = realloc(cl->answers, cl->cap_answers * sizeof cl->answers[0]);
		must(cl->answers != NULL);
	}
	for (; i > 0 && cl->answers[i - 1].number > number; i--)
		cl->answers[i] = cl->answers[i - 1];
	cl->answers[i] = (struct answer){ number, first, count, NULL };
	cl->n_answers++;
}

void client_remember_all(struct client *cl, uint64_t number, const uint64_t *ids, uint32_t n)
{
	struct answer *a;
	uint32_t row = 1;

	client_remember(cl, number, ids[0], n);
	while (row < n && ids[row] == ids[0] + row)
		row++;
	a = (struct answer *)client_answer(cl, number);
	if (row == n || a == NULL || a->ids != NULL || a->count != n)
		return;
	a->ids = malloc(n * sizeof a->ids[0]);
	must(a->ids != NULL);
	memcpy(a->ids, ids, n * sizeof a->ids[0]);
}

const struct answer *client_answer(const struct client *cl, uint64_t number)
{
	uint32_t lo = 0, hi = cl->n_answers;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (cl->answers[mid].number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < cl->n_answers && cl->answers[lo].number == number ? &cl->answers[lo] : NULL;
}

/* When the session is looked at next: to drop its waits, or to drop it. */
static void set_timer(struct core *c, struct client *cl)
{
	uint64_t due = cl->heard + (cl->here ? c->config.client_liveness_ms : c->config.session_keep_ms);

	if (heap_has(&cl->timer)) {
		heap_move(&c->client_timers, &cl->timer, due);
	} else {
		cl->timer.key = due;
		heap_add(&c->client_timers, &cl->timer);
	}
}

void client_timer(struct core *c, struct client *cl)
{
	uint64_t silent = c->t - cl->heard;

	if (cl->here && silent >= c->config.client_liveness_ms) {
		wait_forget(c, cl);
		consumers_drop(c, cl);
		cl->here = false;
	}
	if (!cl->here && silent >= c->config.session_keep_ms)
		client_free(c, cl);
	else
		set_timer(c, cl);
}

void client_start(struct core *c)
{
	struct client *cl, *next;

	HASH_ITER(hh, c->by_client, cl, next)
	{
		cl->heard = c->t;
		set_timer(c, cl);
	}
}

static void hello(struct core *c, const struct event *ev)
{
	const struct msg *m = ev->msg;
	const struct msg_client_hello *h = &m->u.client_hello;
	uint64_t peer = ev->peer;
	struct client *cl;
	struct msg *out;

	if (h->version_min > PROTO_VERSION_MAX || h->version_max < PROTO_VERSION_MIN) {
		fx_answer(c, peer, &m->h, SHEAF_E_VERSION, "this broker speaks version 1 of the protocol", 0);
		return;
	}
	if (m->h.session == 0) {
		fx_answer(c, peer, &m->h, SHEAF_E_BAD_VALUE, "a session is a random number other than 0", 0);
		return;
	}
	cl = client_at(c, m->h.session);
	if (cl == NULL) {
		fx_answer(c, peer, &m->h, SHEAF_E_FULL, "too many client sessions", 0);
		return;
	}
	if (cl->principal != ev->principal && cl->principal != 0) {
		fx_answer(c, peer, &m->h, SHEAF_E_DENIED, "the session belongs to another key", 0);
		return;
	}
	cl->peer = peer;
	cl->principal = ev->principal;
	cl->here = true;
	cl->heard = c->t;
	set_timer(c, cl);
	out = fx_reply(c, peer, MSG_CLIENT_WELCOME, m->h.session, m->h.number);
	out->u.client_welcome = (struct msg_client_welcome){
		.version = PROTO_VERSION_MAX,
		.results = span_str(c->results),
		.workers = span_str(c->workers_at),
		.payload_max = LIMIT_PAYLOAD,
		.records_max = LIMIT_RECORDS,
		.waits_max = LIMIT_CLIENT_WAITS,
		.beat_ms = c->config.beat_ms,
		.software = span_str(c->software),
		.message_max = c->config.message_max,
	};
}

static void ping(struct core *c, struct client *cl, const struct msg *m)
{
	struct msg *out = fx_reply(c, cl->peer, MSG_PONG, cl->session, m->h.number);

	out->u.ping.pushed = cl->pushed;
	out->u.ping.delivered = cl->delivered;
}

/* The session is over: nobody will ask for its answers. A replay must know, for whoever comes by once for one submit
 * would have a place among LIMIT_CLIENTS again. */
static void bye(struct core *c, struct client *cl)
{
	struct buf *b = &c->fx->block;

	consumers_drop(c, cl);
	if (cl->n_answers > 0 || cl->floor > 0) {
		size_t begun = fact_begin(b, FACT_SESSION);

		fact_put_session(b, &(struct fact_session){ .session = cl->session, .floor = SESSION_OVER });
		fact_end(b, begun);
	}
	turn_commit(c);
	client_free(c, cl);
}

typedef void handler(struct core *c, struct client *cl, const struct msg *m);

/* RESULT_GET answers by route, as a result, not a push. */
static void result(struct core *c, struct client *cl, const struct msg *m)
{
	wait_result(c, m, cl->peer);
}

static void goodbye(struct core *c, struct client *cl, const struct msg *m)
{
	(void)m;
	bye(c, cl);
}

static handler *const handlers[] = {
	[MSG_SUBMIT] = submit_request,
	[MSG_SUBMIT_ALL] = all_request,
	[MSG_WAIT] = wait_request,
	[MSG_RESULT_GET] = result,
	[MSG_JOB_GET] = query_job,
	[MSG_CANCEL] = submit_cancel,
	[MSG_QUEUE_LIST] = query_queues,
	[MSG_QUEUE_OP] = query_queue_op,
	[MSG_WORKER_LIST] = query_workers,
	[MSG_STATS] = query_stats,
	[MSG_PING] = ping,
	[MSG_BATCH_OPEN] = batch_request_open,
	[MSG_BATCH_CLOSE] = batch_request_close,
	[MSG_BATCH_GET] = batch_request_show,
	[MSG_CLIENT_BYE] = goodbye,
	[MSG_JOB_LIST] = running_request,
	[MSG_WORKER_OP] = drain_request,
	[MSG_QUEUE_SET] = setting_request,
	[MSG_DEAD_LIST] = dead_list_request,
	[MSG_DEAD_OP] = dead_op_request,
	[MSG_RETRY] = dead_retry_request,
	[MSG_CRON_SET] = cron_set_request,
	[MSG_CRON_OP] = cron_op_request,
	[MSG_CRON_LIST] = cron_list_request,
	[MSG_PUBLISH] = publish_request,
	[MSG_SUBSCRIBE] = subscribe_request,
	[MSG_UNSUBSCRIBE] = unsubscribe_request,
	[MSG_CREDIT] = credit_request,
	[MSG_SETTLE] = settle_request,
	[MSG_TOPIC_OP] = topic_op_request,
	[MSG_TOPIC_LIST] = topic_list_request,
};

void client_dismiss(struct core *c, uint32_t principal)
{
	struct client *cl, *next;

	HASH_ITER(hh, c->by_client, cl, next)
	{
		if (cl->principal != principal || !cl->here)
			continue;
		wait_forget(c, cl);
		consumers_drop(c, cl);
		cl->here = false;
		set_timer(c, cl);
	}
}

void client_request(struct core *c, const struct event *ev)
{
	const struct msg *m = ev->msg;
	uint64_t peer = ev->peer;
	struct client *cl;

	if (m->h.kind == MSG_CLIENT_HELLO) {
		hello(c, ev);
		return;
	}
	if (m->h.kind >= sizeof handlers / sizeof handlers[0] || handlers[m->h.kind] == NULL) {
		fx_answer(c, peer, &m->h, SHEAF_E_UNSUPPORTED, "this broker does not know the request", 0);
		return;
	}
	HASH_FIND(hh, c->by_client, &m->h.session, sizeof m->h.session, cl);
	if (cl != NULL && cl->principal != ev->principal && cl->principal != 0) {
		fx_answer(c, peer, &m->h, SHEAF_E_DENIED, "the session belongs to another key", 0);
		return;
	}
	if (cl == NULL || !cl->here || cl->peer != peer) {
		fx_reply(c, peer, MSG_NO_SESSION, m->h.session, m->h.number);
		return;
	}
	cl->heard = c->t; /* the timer looks again when it fires: it is not moved for every message */
	handlers[m->h.kind](c, cl, m);
}
