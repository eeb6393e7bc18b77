/* What a client's user does: submits, cancels, asks, and says what nobody understands. */
#include "tests/sim/client_actor.h"
#include "tests/sim/fair.h"

enum { MOST_PAYLOAD = 3000 };

struct span client_queue_name(uint64_t i)
{
	static const char *const names[SIM_QUEUES] = { "q0", "q1", "q2" };

	return span_str(names[i]);
}

void client_ask(struct client_actor *a, const struct msg *m, enum call call)
{
	uint64_t number;

	if (csession_request(a->c, m, call, &number) != SHEAF_OK)
		return;
	a->steady += call == CALL_STEADY;
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
		                 .attempts = (uint32_t)world_range(w, 0, SIM_MOST_ATTEMPTS),
		                 .priority = (uint32_t)world_range(w, 0, LIMIT_PRIORITY) };
	struct csession_policy p = { .queue = client_queue_name(wanted.queue),
		                     .priority = wanted.priority,
		                     .attempts = wanted.attempts,
		                     .batch = world_chance(w, 300) ? a->batch : 0,
		                     .want = world_chance(w, 800) };
	uint8_t bytes[sizeof(struct task) + MOST_PAYLOAD];
	struct msg_terms terms = { 0 };

	if (world_chance(w, 250))
		ask_for_times(w, &wanted, &p, &terms);
	if (world_chance(w, 300) && fair_terms(w, &terms)) {
		wanted.shared = true;
		p.terms = &terms;
	}
	if (p.terms == NULL && world_chance(w, 200)) {
		client_joins(a, &wanted, &p, &terms);
		n = wanted.key != 0 || wanted.race > 0 ? 1 : n;
	}
	if (world_chance(w, 200))
		p.headers = span_of("A=b\0", 4);
	for (uint64_t i = 0; i < n && csession_room(a->c) > 0; i++) {
		struct task t = { .run_ms = (uint32_t)(world_chance(w, 50) ? world_range(w, 500, 4000)
			                                                   : rng_below(&w->rng, 30)) };
		size_t len = sizeof t + filler(w);

		t.behaviour = wanted.behaviour = wanted.key != 0 ? DO_ECHO : behaviour(w);
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
		fair_settings(w, client_queue_name(q), &m);
		client_ask(a, &m, CALL_STEADY);
		return;
	}
	m.u.queue_op.queue = client_queue_name(q);
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
	client_ask(a, &m, CALL_ANY);
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
	client_ask(a, &m, CALL_ANY);
}

static void look(struct client_actor *a)
{
	static const uint32_t kinds[] = { MSG_QUEUE_LIST, MSG_WORKER_LIST, MSG_STATS, MSG_RESULT_GET, MSG_JOB_GET };
	struct msg m = { .h.kind = kinds[rng_below(&a->w->rng, 5)] };

	if (m.h.kind == MSG_RESULT_GET || m.h.kind == MSG_JOB_GET)
		m.u.one.id = a->last_id + 1 - rng_below(&a->w->rng, 3);
	client_ask(a, &m, CALL_ANY);
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
	client_ask(a, &m, CALL_CANCEL);
}

static void batch(struct client_actor *a)
{
	struct msg m = { .h.kind = MSG_BATCH_OPEN };

	if (a->batch == 0 && a->opening)
		return;
	if (a->batch == 0) {
		a->opening = true;
		client_then(a, &m);
		client_ask(a, &m, CALL_BATCH_OPEN);
		return;
	}
	m.h.kind = world_chance(a->w, 300) ? MSG_BATCH_GET : MSG_BATCH_CLOSE;
	m.u.one.id = a->batch;
	client_ask(a, &m, CALL_ANY);
	if (m.h.kind != MSG_BATCH_CLOSE)
		return;
	if (a->n_batches < MOST_BATCHES && csession_room(a->c) > 0) {
		a->thens[a->n_batches] = a->then;
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

void client_user(void *ctx)
{
	struct client_actor *a = ctx;
	struct world *w = a->w;
	uint64_t what = rng_below(&w->rng, 100);

	if (!a->working || a->c == NULL)
		return;
	if (what < 62)
		submit(a);
	else if (what < 70)
		client_all(a);
	else if (what < 75)
		queue_op(a);
	else if (what < 76)
		worker_op(a);
	else if (what < 84)
		look(a);
	else if (what < 87)
		cancel(a);
	else if (what < 90)
		client_dead(a);
	else if (what < 96)
		batch(a);
	else if (what < 98)
		client_settings(a);
	else if (!w->calm)
		garbage(a);
	timer_at(w, &a->user, w->now_us + world_range(w, MS, world_chance(w, 100) ? 1000 * MS : 150 * MS));
	client_run(a);
}

void client_resume_all(struct client_actor *a)
{
	for (uint32_t i = 0; i < SIM_QUEUES; i++) {
		struct msg m = { .h.kind = MSG_QUEUE_OP };

		m.u.queue_op.queue = client_queue_name(i);
		m.u.queue_op.op = QUEUE_RESUME;
		client_ask(a, &m, CALL_STEADY);
		client_unlimit(a, i);
	}
	for (uint32_t i = 0; i < 2; i++) {
		struct msg m = { .h.kind = MSG_WORKER_OP };

		m.u.worker_op.name = worker_name(i);
		m.u.worker_op.op = WORKER_RESUME;
		client_ask(a, &m, CALL_STEADY);
	}
	client_run(a);
}
