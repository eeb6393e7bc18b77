/* A client process: the real session machine, a user who submits, waits, cancels and asks, and a life that may end. */
#include <stdlib.h>

#include "client/session.h"
#include "tests/sim/fair.h"
#include "tests/sim/sim.h"

enum { MOST_PAYLOAD = 3000, MOST_BATCHES = 16 };

/* Calls, by what their answer is for. */
enum call { CALL_STREAM, CALL_ANY, CALL_CANCEL, CALL_BATCH_OPEN, CALL_RESUME };

struct client_actor {
	struct world *w;
	uint32_t index;
	struct csession *c; /* owned; NULL: dead, or not yet alive */
	struct conn *conn;
	struct timer tick, user, rise;
	uint64_t frozen_until;
	bool working;                   /* submits */
	uint64_t batch;                 /* open one, or 0 */
	uint64_t batches[MOST_BATCHES]; /* awaited */
	uint32_t n_batches;
	uint8_t *got; /* by tag: results that came in this life; owned */
	uint64_t n_got;
	uint64_t last_id;
	uint64_t resumed;
};

static void tick(void *ctx);
static void user(void *ctx);
static void rise(void *ctx);
static void run(struct client_actor *a);

struct client_actor *client_new_actor(struct world *w, uint32_t index)
{
	struct client_actor *a = calloc(1, sizeof *a);

	must(a != NULL);
	a->w = w;
	a->index = index;
	a->working = true;
	timer_init(&a->tick, tick, a);
	timer_init(&a->user, user, a);
	timer_init(&a->rise, rise, a);
	return a;
}

void client_free_actor(struct client_actor *a)
{
	csession_free(a->c);
	free(a->got);
	free(a);
}

bool client_alive(const struct client_actor *a)
{
	return a->c != NULL;
}

void client_start_actor(struct client_actor *a)
{
	a->c = csession_new(&(struct csession_config){ .session = rng_next(&a->w->rng) | 1,
	                                               .seed = rng_next(&a->w->rng),
	                                               .name = span_str("sim"),
	                                               .records = (uint32_t)world_range(a->w, 1, 20) });
	if (a->n_got > 0)
		memset(a->got, 0, a->n_got);
	a->n_batches = 0;
	a->batch = a->last_id = 0;
	world_note(a->w, "client %u starts", a->index);
	if (a->working)
		timer_at(a->w, &a->user, a->w->now_us + world_range(a->w, 0, 50 * MS));
	run(a);
}

static void rise(void *ctx)
{
	client_start_actor(ctx);
}

static void drop(struct client_actor *a)
{
	if (a->conn != NULL)
		conn_close(a->w, a->conn);
	a->conn = NULL;
}

void client_kill(struct client_actor *a)
{
	struct world *w = a->w;

	if (a->c == NULL)
		return;
	world_note(w, "client %u dies", a->index);
	w->totals->kills++;
	csession_free(a->c);
	a->c = NULL;
	drop(a);
	timer_stop(w, &a->tick);
	timer_stop(w, &a->user);
	if (w->faults)
		timer_at(w, &a->rise, w->now_us + world_range(w, MS, 3 * SEC));
}

void client_reset(struct client_actor *a)
{
	if (a->c != NULL && a->conn != NULL)
		conn_reset(a->w, a->conn, world_range(a->w, 0, 3 * SEC));
}

void client_stop_work(struct client_actor *a)
{
	a->working = false;
}

void client_await_job(struct client_actor *a, uint64_t id)
{
	(void)csession_await(a->c, id, 0);
	run(a);
}

bool client_settled(const struct client_actor *a)
{
	return a->c == NULL || (csession_outstanding(a->c) == 0 && a->resumed == 0);
}

/* ---- the user ---- */

static struct span queue_name(uint64_t i)
{
	static const char *const names[SIM_QUEUES] = { "q0", "q1", "q2" };

	return span_str(names[i]);
}

static void ask(struct client_actor *a, const struct msg *m, enum call call)
{
	uint64_t number;

	if (csession_request(a->c, m, call, &number) != SHEAF_OK)
		return;
	a->resumed += call == CALL_RESUME;
}

static uint32_t behaviour(struct world *w)
{
	uint64_t n = rng_below(&w->rng, 100);

	return n < 78 ? DO_ECHO : n < 86 ? DO_FAIL : n < 90 ? DO_KILLED : n < 99 ? DO_FLAKY : DO_MURDER;
}

static size_t filler(struct world *w)
{
	uint64_t n = rng_below(&w->rng, 100);

	return n < 60 ? rng_below(&w->rng, 64) : n < 95 ? rng_below(&w->rng, 600) : rng_below(&w->rng, MOST_PAYLOAD);
}

/* Times, pauses and leases for some of the jobs. */
static void ask_for_times(struct world *w, struct wanted *wanted, struct csession_policy *p, struct msg_terms *t)
{
	uint64_t wall = world_wall(w);

	if (world_chance(w, 300)) {
		t->delay_ms = world_range(w, 1, 2000);
		wanted->not_before = wall + t->delay_ms;
	} else if (world_chance(w, 200)) {
		t->at_ms = wall - 1000 + world_range(w, 0, 3000);
		wanted->not_before = t->at_ms;
	}
	if (world_chance(w, 300)) {
		t->within_ms = world_range(w, 20, 4000);
		wanted->ends_from = wall + t->within_ms;
	} else if (world_chance(w, 300)) {
		t->expires_ms = wanted->ends_from = wanted->ends_by = wall + world_range(w, 200, 4000);
	}
	if (world_chance(w, 400)) {
		t->backoff_ms = world_range(w, 1, 500);
		t->backoff_max_ms = world_chance(w, 500) ? t->backoff_ms + 100 : 0;
	}
	if (world_chance(w, 300)) {
		p->lease_ms = world_range(w, 200, 3000);
		wanted->leased = true;
	}
	p->terms = t;
}

static void submit(struct client_actor *a)
{
	struct world *w = a->w;
	uint64_t n = world_range(w, 1, 12);
	struct wanted wanted = { .queue = (uint32_t)rng_below(&w->rng, SIM_QUEUES),
		                 .attempts = (uint32_t)world_range(w, 1, 3),
		                 .priority = (uint32_t)world_range(w, 0, LIMIT_PRIORITY) };
	struct csession_policy p = { .queue = queue_name(wanted.queue),
		                     .priority = wanted.priority,
		                     .attempts = wanted.attempts,
		                     .batch = world_chance(w, 300) ? a->batch : 0,
		                     .want = world_chance(w, 800) };
	uint8_t bytes[sizeof(struct task) + MOST_PAYLOAD];
	struct msg_terms terms = { 0 };

	if (world_chance(w, 250))
		ask_for_times(w, &wanted, &p, &terms);
	if (world_chance(w, 300) && fair_terms(w, &terms))
		p.terms = &terms;
	if (world_chance(w, 200))
		p.headers = span_of("A=b\0", 4);
	for (uint64_t i = 0; i < n && csession_room(a->c) > 0; i++) {
		struct task t = { .run_ms = (uint32_t)(world_chance(w, 50) ? world_range(w, 500, 4000)
			                                                   : rng_below(&w->rng, 30)) };
		size_t len = sizeof t + filler(w);

		t.behaviour = wanted.behaviour = behaviour(w);
		t.tag = oracle_post(w->oracle, &wanted);
		memcpy(bytes, &t, sizeof t);
		for (size_t k = sizeof t; k < len; k++)
			bytes[k] = (uint8_t)(t.tag + k);
		if (csession_post(a->c, &p, span_of(bytes, len), t.tag) != SHEAF_OK)
			world_fail(w, "client %u cannot post", a->index);
	}
	csession_flush(a->c);
}

static void queue_op(struct client_actor *a)
{
	struct world *w = a->w;
	uint32_t q = (uint32_t)rng_below(&w->rng, SIM_QUEUES);
	struct msg m = { .h.kind = MSG_QUEUE_OP };

	if (world_chance(w, 400)) {
		fair_settings(w, queue_name(q), &m);
		ask(a, &m, CALL_ANY);
		return;
	}
	m.u.queue_op.queue = queue_name(q);
	m.u.queue_op.op = (uint32_t)world_range(w, QUEUE_SHOW, QUEUE_DRAIN);
	if (m.u.queue_op.op == QUEUE_PEEK)
		m.u.queue_op.arg = world_range(w, 1, LIMIT_PEEKED);
	if ((m.u.queue_op.op == QUEUE_PAUSE || m.u.queue_op.op == QUEUE_DRAIN) && w->calm)
		return;
	if (m.u.queue_op.op == QUEUE_PURGE) {
		if (world_chance(w, 700))
			return;
		oracle_purge_asked(w->oracle, q);
	}
	if (m.u.queue_op.op == QUEUE_DELETE && !w->calm) { /* in a calm world it is always refused */
		if (world_chance(w, 900))
			return;
		oracle_delete_asked(w->oracle, q);
	}
	ask(a, &m, CALL_ANY);
}

static struct span worker_name(uint64_t i)
{
	return span_str(i % 2 == 0 ? SIM_WORKER_EVEN : SIM_WORKER_ODD);
}

static void worker_op(struct client_actor *a)
{
	struct msg m = { .h.kind = MSG_WORKER_OP };

	m.u.worker_op.name = worker_name(world_range(a->w, 0, 1));
	m.u.worker_op.op = a->w->calm || world_chance(a->w, 600) ? WORKER_RESUME : WORKER_DRAIN;
	ask(a, &m, CALL_ANY);
}

static void look(struct client_actor *a)
{
	static const uint32_t kinds[] = { MSG_QUEUE_LIST, MSG_WORKER_LIST, MSG_STATS, MSG_RESULT_GET, MSG_JOB_GET };
	struct msg m = { .h.kind = kinds[rng_below(&a->w->rng, 5)] };

	if (m.h.kind == MSG_RESULT_GET || m.h.kind == MSG_JOB_GET)
		m.u.one.id = a->last_id + 1 - rng_below(&a->w->rng, 3);
	ask(a, &m, CALL_ANY);
}

static void cancel(struct client_actor *a)
{
	uint64_t ids[2] = { a->last_id, a->last_id + 1 };
	struct msg m = { .h.kind = MSG_CANCEL };

	if (a->last_id == 0)
		return;
	m.u.ids.ids = ids;
	m.u.ids.n = 1;
	m.u.ids.flags = world_chance(a->w, 500) ? CANCEL_UNSTARTED : 0;
	oracle_cancel_asked(a->w->oracle, a->last_id);
	ask(a, &m, CALL_CANCEL);
}

static void batch(struct client_actor *a)
{
	struct msg m = { .h.kind = MSG_BATCH_OPEN };

	if (a->batch == 0) {
		ask(a, &m, CALL_BATCH_OPEN);
		return;
	}
	m.h.kind = world_chance(a->w, 300) ? MSG_BATCH_GET : MSG_BATCH_CLOSE;
	m.u.one.id = a->batch;
	ask(a, &m, CALL_ANY);
	if (m.h.kind != MSG_BATCH_CLOSE)
		return;
	if (a->n_batches < MOST_BATCHES && csession_room(a->c) > 0) {
		a->batches[a->n_batches++] = a->batch;
		(void)csession_await(a->c, a->batch, 0);
	}
	a->batch = 0;
}

static void garbage(struct client_actor *a)
{
	uint8_t bytes[64];
	size_t n = rng_below(&a->w->rng, sizeof bytes);

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)rng_next(&a->w->rng);
	if (n > 4 && world_chance(a->w, 700))
		memcpy(bytes, "\x9f\x01\x02\x00", 4);
	if (a->conn != NULL)
		pipe_send(&a->conn->up, span_of(bytes, n));
}

static void user(void *ctx)
{
	struct client_actor *a = ctx;
	struct world *w = a->w;
	uint64_t what = rng_below(&w->rng, 100);

	if (!a->working || a->c == NULL)
		return;
	if (what < 70)
		submit(a);
	else if (what < 75)
		queue_op(a);
	else if (what < 76)
		worker_op(a);
	else if (what < 84)
		look(a);
	else if (what < 90)
		cancel(a);
	else if (what < 97)
		batch(a);
	else if (!w->calm)
		garbage(a);
	timer_at(w, &a->user, w->now_us + world_range(w, MS, world_chance(w, 100) ? 1000 * MS : 150 * MS));
	run(a);
}

void client_resume_all(struct client_actor *a)
{
	for (uint32_t i = 0; i < SIM_QUEUES; i++) {
		struct msg m = { .h.kind = MSG_QUEUE_OP };

		m.u.queue_op.queue = queue_name(i);
		m.u.queue_op.op = QUEUE_RESUME;
		ask(a, &m, CALL_RESUME);
	}
	for (uint32_t i = 0; i < 2; i++) {
		struct msg m = { .h.kind = MSG_WORKER_OP };

		m.u.worker_op.name = worker_name(i);
		m.u.worker_op.op = WORKER_RESUME;
		ask(a, &m, CALL_RESUME);
	}
	run(a);
}

/* ---- the session ---- */

static bool batch_result(struct client_actor *a, const struct msg_result_rec *r)
{
	for (uint32_t i = 0; i < a->n_batches; i++) {
		if (a->batches[i] != r->id)
			continue;
		if (r->state == JOB_NONE && !a->w->forgets)
			world_fail(a->w, "batch %llu is unknown", (unsigned long long)r->id);
		a->batches[i] = a->batches[--a->n_batches];
		return true;
	}
	return false;
}

static void result(struct client_actor *a, const struct csession_event *ev)
{
	if (batch_result(a, ev->result))
		return;
	oracle_result(a->w->oracle, ev->result);
	if (ev->tag == 0)
		return;
	if (ev->tag >= a->n_got) {
		uint64_t n = 2 * ev->tag + 64;

		a->got = realloc(a->got, n);
		must(a->got != NULL);
		memset(a->got + a->n_got, 0, n - a->n_got);
		a->n_got = n;
	}
	if (a->got[ev->tag]++ > 0)
		world_fail(a->w, "client %u got the result of job %llu twice", a->index, (unsigned long long)ev->id);
}

static void answer(struct client_actor *a, const struct csession_event *ev)
{
	if (ev->call == CALL_RESUME)
		a->resumed--;
	if (ev->call == CALL_BATCH_OPEN && ev->error == SHEAF_OK)
		a->batch = ev->answer->u.reply.value;
}

static void take(struct client_actor *a, const struct csession_event *ev)
{
	switch (ev->kind) {
	case CSESSION_ACCEPTED:
		oracle_accepted(a->w->oracle, ev->tag, ev->id);
		a->last_id = ev->id;
		break;
	case CSESSION_REFUSED:
		world_note(a->w, "refused tag=%llu %s", (unsigned long long)ev->tag, sheaf_error_name(ev->error));
		oracle_refused(a->w->oracle, ev->tag);
		break;
	case CSESSION_RESULT:
		result(a, ev);
		break;
	case CSESSION_ANSWER:
		answer(a, ev);
		break;
	case CSESSION_FAILED:
		world_fail(a->w, "client %u is not let in: %s", a->index, sheaf_error_name(ev->error));
	case CSESSION_WELCOMED:
	case CSESSION_PONG:
		break;
	}
}

static void from_broker(void *ctx, struct span frame)
{
	struct client_actor *a = ctx;
	struct csession_event ev;
	const char *why = "";
	struct msg m;

	if (msg_decode(frame, a->w->room, &m, &why) != SHEAF_OK)
		world_fail(a->w, "client %u cannot read the broker: %s", a->index, why);
	csession_message(a->c, world_ms(a->w), &m);
	while (csession_event(a->c, &ev))
		take(a, &ev);
	run(a);
}

static void dial(struct client_actor *a)
{
	drop(a);
	a->conn = conn_new(a->w, CONN_CLIENT);
	a->conn->principal = 1 + a->index;
	a->conn->up.deliver = broker_from_client;
	a->conn->up.ctx = a->conn;
	a->conn->up.frozen_until = broker_frozen(a->w->broker);
	a->conn->down.deliver = from_broker;
	a->conn->down.ctx = a;
	a->conn->down.frozen_until = &a->frozen_until;
	if (!broker_up(a->w->broker))
		pipe_block(&a->conn->up, NEVER);
}

static void run(struct client_actor *a)
{
	enum csession_effect e;
	struct span frame;
	uint64_t ms, at;

	while ((e = csession_effect(a->c, world_ms(a->w), &frame)) != CSESSION_IDLE) {
		if (e == CSESSION_RECONNECT)
			dial(a);
		else
			pipe_send(&a->conn->up, frame);
	}
	ms = csession_deadline(a->c);
	if (ms == UINT64_MAX)
		return;
	at = ms * MS > a->w->now_us + 100 ? ms * MS : a->w->now_us + 100;
	timer_at(a->w, &a->tick, at);
}

static void tick(void *ctx)
{
	struct client_actor *a = ctx;

	csession_tick(a->c, world_ms(a->w));
	run(a);
}
