/* A worker process: the real session machine, slots that take their time, and a life that may end at any moment. */
#include <stdlib.h>

#include "tests/sim/sim.h"
#include "worker/session.h"

enum { MOST_SLOTS = 4, MOST_LINE = 4096 };

/* A job in the worker's hands. */
struct held {
	uint64_t id;
	uint64_t token;
	uint32_t attempt;
	uint64_t lease_ms;
	uint64_t begin_by_us; /* NEVER: whenever */
	size_t bytes;
	struct task task;
};

struct slot {
	struct worker_actor *a;
	bool busy;
	struct held job;
	struct timer timer;
	struct timer touch; /* half way through, if at all */
	uint64_t begun_us;
};

struct worker_actor {
	struct world *w;
	uint32_t index;
	struct wsession *s; /* owned; NULL: the process is dead */
	struct conn *control, *jobs, *results;
	struct timer tick, connect, rise;
	uint64_t frozen_until;
	uint32_t slots;
	struct slot slot[MOST_SLOTS];
	struct held line[MOST_LINE]; /* waits for a slot, in order */
	uint32_t n_line;
	uint64_t most_window; /* that this session told the broker */
	uint32_t lives;
};

static void run(struct worker_actor *a);
static void tick(void *ctx);
static void connect_now(void *ctx);
static void rise(void *ctx);
static void slot_ends(void *ctx);
static void slot_touches(void *ctx);
static bool take_back(void *ctx, void *user);
static uint32_t running(void *ctx, uint64_t *tokens, uint32_t most);

struct worker_actor *worker_new_actor(struct world *w, uint32_t index)
{
	struct worker_actor *a = calloc(1, sizeof *a);

	must(a != NULL);
	a->w = w;
	a->index = index;
	a->slots = (uint32_t)world_range(w, 1, MOST_SLOTS);
	timer_init(&a->tick, tick, a);
	timer_init(&a->connect, connect_now, a);
	timer_init(&a->rise, rise, a);
	for (uint32_t i = 0; i < MOST_SLOTS; i++) {
		a->slot[i].a = a;
		timer_init(&a->slot[i].timer, slot_ends, &a->slot[i]);
		timer_init(&a->slot[i].touch, slot_touches, &a->slot[i]);
	}
	return a;
}

void worker_free_actor(struct worker_actor *a)
{
	wsession_free(a->s);
	free(a);
}

bool worker_alive(const struct worker_actor *a)
{
	return a->s != NULL;
}

void worker_start(struct worker_actor *a)
{
	static const char *const names[SIM_QUEUES] = { "q0", "q1", "q2" };
	struct span queues[SIM_QUEUES];
	uint32_t n = 0;

	for (uint32_t i = 0; i < SIM_QUEUES; i++)
		if (i == a->index % SIM_QUEUES || a->index == 0 || world_chance(a->w, 300))
			queues[n++] = span_str(names[i]);
	a->lives++;
	a->s = wsession_new(
	    &(struct wsession_config){ .instance = rng_next(&a->w->rng) | 1,
	                               .seed = rng_next(&a->w->rng),
	                               .name = span_str(a->index % 2 == 0 ? SIM_WORKER_EVEN : SIM_WORKER_ODD),
	                               .queues = queues,
	                               .n_queues = n,
	                               .slots = a->slots,
	                               .ctx = a,
	                               .drop = take_back,
	                               .running = running });
	world_note(a->w, "worker %u starts slots=%u", a->index, a->slots);
	connect_now(a);
}

static void rise(void *ctx)
{
	worker_start(ctx);
}

static void drop(struct worker_actor *a, struct conn **c)
{
	if (*c != NULL)
		conn_close(a->w, *c);
	*c = NULL;
}

void worker_kill(struct worker_actor *a)
{
	struct world *w = a->w;

	if (a->s == NULL)
		return;
	world_note(w, "worker %u dies", a->index);
	w->totals->kills++;
	wsession_free(a->s);
	a->s = NULL;
	drop(a, &a->control);
	drop(a, &a->jobs);
	drop(a, &a->results);
	timer_stop(w, &a->tick);
	timer_stop(w, &a->connect);
	for (uint32_t i = 0; i < MOST_SLOTS; i++) {
		timer_stop(w, &a->slot[i].timer);
		timer_stop(w, &a->slot[i].touch);
		a->slot[i].busy = false;
	}
	a->n_line = 0;
	a->frozen_until = 0;
	if (w->faults)
		timer_at(w, &a->rise, w->now_us + world_range(w, MS, 5 * SEC));
}

void worker_freeze(struct worker_actor *a, uint64_t until)
{
	if (a->s != NULL)
		a->frozen_until = until;
}

void worker_reset(struct worker_actor *a)
{
	struct conn *c[3] = { a->control, a->jobs, a->results };
	struct conn *it = c[rng_below(&a->w->rng, 3)];

	if (a->s != NULL && it != NULL)
		conn_reset(a->w, it, world_range(a->w, 0, 3 * SEC));
}

/* ---- jobs ---- */

static void outcome(struct worker_actor *a, const struct held *h, uint64_t run_us, bool expired)
{
	struct msg_outcome_rec r = { .id = h->id, .token = h->token, .verdict = VERDICT_DONE, .run_ms = run_us / MS };
	uint8_t answer[24];
	struct span s = oracle_answer(h->task.tag, h->token, answer);
	uint32_t b = h->task.behaviour;

	if (expired)
		b = DO_KILLED;
	if (b == DO_FAIL || b == DO_KILLED || (b == DO_FLAKY && world_chance(a->w, 400))) {
		r.verdict = b == DO_KILLED ? VERDICT_KILLED : VERDICT_FAILED;
		r.exit = b == DO_KILLED ? 137 : 3;
		r.error = s;
	} else {
		r.result = s;
	}
	oracle_ran(a->w->oracle, h->id, h->token);
	(void)wsession_finished(a->s, &r, run_us * 1000);
}

static void begin(struct slot *slot)
{
	struct worker_actor *a = slot->a;
	uint64_t run_us = slot->job.task.run_ms * MS + rng_below(&a->w->rng, MS);

	slot->busy = true;
	slot->begun_us = a->w->now_us;
	timer_at(a->w, &slot->timer, a->w->now_us + run_us);
	if (slot->job.lease_ms > 0)
		wsession_touched(a->s, world_ms(a->w),
		                 &(struct wsession_touch){ .token = slot->job.token, .lease_ms = slot->job.lease_ms });
	if (world_chance(a->w, 300))
		timer_at(a->w, &slot->touch, a->w->now_us + run_us / 2);
}

static void slot_touches(void *ctx)
{
	struct slot *slot = ctx;
	struct worker_actor *a = slot->a;

	if (!slot->busy || a->frozen_until > a->w->now_us)
		return;
	wsession_touched(a->s, world_ms(a->w),
	                 &(struct wsession_touch){
			     .token = slot->job.token, .touched = true, .percent = 50, .text = span_str("half done") });
	wsession_tick(a->s, world_ms(a->w));
	run(a);
}

static void fill_slots(struct worker_actor *a)
{
	for (uint32_t i = 0; i < a->slots && a->n_line > 0; i++) {
		struct slot *slot = &a->slot[i];

		if (slot->busy)
			continue;
		slot->job = a->line[0];
		memmove(a->line, a->line + 1, --a->n_line * sizeof a->line[0]);
		if (a->w->now_us > slot->job.begin_by_us) {
			wsession_late(a->s, slot->job.token);
			i--;
			continue;
		}
		begin(slot);
	}
}

static void slot_ends(void *ctx)
{
	struct slot *slot = ctx;
	struct worker_actor *a = slot->a;

	if (a->frozen_until > a->w->now_us) {
		timer_at(a->w, &slot->timer, a->frozen_until);
		return;
	}
	if (slot->job.task.behaviour == DO_MURDER && a->w->faults) {
		worker_kill(a);
		return;
	}
	slot->busy = false;
	timer_stop(a->w, &slot->touch);
	outcome(a, &slot->job, a->w->now_us - slot->begun_us, false);
	fill_slots(a);
	wsession_flush(a->s);
	run(a);
}

/* The broker counts a job in our hands until it has the outcome, so what we hold is never above the window, but
 * for cancelled ones whose REVOKE is on its way. */
static void check_credit(struct worker_actor *a)
{
	uint64_t held = a->n_line;

	for (uint32_t i = 0; i < a->slots; i++)
		held += a->slot[i].busy;
	if (held > a->most_window + oracle_cancels(a->w->oracle))
		world_fail(a->w, "worker %u holds %llu jobs, and its window never was above %llu", a->index,
		           (unsigned long long)held, (unsigned long long)a->most_window);
}

static void take_job(struct worker_actor *a, const struct msg_job_rec *r)
{
	struct held *h = &a->line[a->n_line++];

	must(a->n_line < MOST_LINE && r->payload.n >= sizeof h->task);
	*h = (struct held){
		.id = r->id, .token = r->token, .attempt = r->attempt, .lease_ms = r->lease_ms, .bytes = r->payload.n
	};
	h->begin_by_us = r->expires_ms > 0 ? a->w->now_us + r->expires_ms * MS : NEVER;
	memcpy(&h->task, r->payload.p, sizeof h->task);
	h->task.tag = oracle_tag(r);
	world_note(a->w, "worker %u takes id=%llu token=%llx", a->index, (unsigned long long)r->id,
	           (unsigned long long)r->token);
	check_credit(a);
}

/* Our own name of a job for the session: nothing but its token. */
static void *name_of(uint64_t token)
{
	return (void *)(uintptr_t)token; /* NOLINT(performance-no-int-to-ptr) */
}

static bool take_back(void *ctx, void *user)
{
	struct worker_actor *a = ctx;
	uint32_t n = 0;
	bool was = false;

	for (uint32_t i = 0; i < a->n_line; i++) {
		if (a->line[i].token == (uintptr_t)user)
			was = true;
		else
			a->line[n++] = a->line[i];
	}
	a->n_line = n;
	return was;
}

static uint32_t running(void *ctx, uint64_t *tokens, uint32_t most)
{
	struct worker_actor *a = ctx;
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->slots && n < most; i++)
		if (a->slot[i].busy)
			tokens[n++] = a->slot[i].job.token;
	return n;
}

static void kill_job(struct worker_actor *a, uint64_t token, bool expired)
{
	(void)take_back(a, name_of(token));
	for (uint32_t i = 0; i < a->slots; i++) {
		struct slot *slot = &a->slot[i];

		if (!slot->busy || slot->job.token != token)
			continue;
		slot->busy = false;
		timer_stop(a->w, &slot->timer);
		timer_stop(a->w, &slot->touch);
		if (expired)
			outcome(a, &slot->job, a->w->now_us - slot->begun_us, true);
	}
	wsession_flush(a->s);
}

/* ---- connections ---- */

static void from_broker(void *ctx, struct span frame)
{
	struct worker_actor *a = ctx;
	const char *why = "";
	struct msg m;

	if (msg_decode(frame, a->w->room, &m, &why) != SHEAF_OK)
		world_fail(a->w, "worker %u cannot read the broker: %s", a->index, why);
	wsession_message(a->s, world_ms(a->w), &m);
	run(a);
}

static struct conn *dial(struct worker_actor *a, enum conn_kind kind, deliver_fn *up)
{
	struct conn *c = conn_new(a->w, kind);

	c->principal = 500 + a->index;
	c->up.deliver = up;
	c->up.ctx = c;
	c->up.frozen_until = broker_frozen(a->w->broker);
	c->down.deliver = from_broker;
	c->down.ctx = a;
	c->down.frozen_until = &a->frozen_until;
	if (!broker_up(a->w->broker))
		pipe_block(&c->up, NEVER);
	return c;
}

static void connect_now(void *ctx)
{
	struct worker_actor *a = ctx;

	if (a->frozen_until > a->w->now_us) {
		timer_at(a->w, &a->connect, a->frozen_until);
		return;
	}
	drop(a, &a->control);
	a->control = dial(a, CONN_CONTROL, broker_from_worker);
	wsession_connected(a->s, world_ms(a->w));
	run(a);
}

static void attach(struct worker_actor *a, struct span jobs)
{
	char text[80] = { 0 };
	struct conn *c;
	uint64_t session;

	must(jobs.n > 10 && jobs.n < sizeof text);
	memcpy(text, jobs.p, jobs.n);
	session = strtoull(text + 10, NULL, 10);
	drop(a, &a->jobs);
	drop(a, &a->results);
	a->most_window = 0;
	for (uint32_t i = 0; i < a->slots; i++)
		a->most_window += a->slot[i].busy; /* what it holds from before does not count against the window */
	a->most_window += a->n_line;
	a->results = dial(a, CONN_RESULTS, broker_from_results);
	c = conn_by_route(a->w, CONN_JOBS, session);
	if (c == NULL)
		return; /* nobody listens there any more */
	a->jobs = c;
	c->down.deliver = from_broker;
	c->down.ctx = a;
	c->down.frozen_until = &a->frozen_until;
	pipe_block(&c->down, a->w->now_us + world_range(a->w, 100, 3 * MS));
}

static void send(struct worker_actor *a, struct conn *c, struct span bytes)
{
	uint64_t window;

	if (c != NULL)
		pipe_send(&c->up, bytes);
	window = wsession_window(a->s);
	if (window > a->most_window)
		a->most_window = window;
}

static void carry_out(struct worker_actor *a, const struct wsession_effect *e)
{
	switch (e->kind) {
	case WSESSION_CONTROL:
		send(a, a->control, e->bytes);
		break;
	case WSESSION_OUTCOMES:
		send(a, a->results, e->bytes);
		break;
	case WSESSION_ATTACH:
		attach(a, e->jobs);
		break;
	case WSESSION_RECONNECT:
		timer_at(a->w, &a->connect, a->w->now_us + 100);
		break;
	case WSESSION_RUN:
		take_job(a, &e->job);
		wsession_bind(a->s, e->job.token, name_of(e->job.token));
		break;
	case WSESSION_KILL:
	case WSESSION_EXPIRED:
		kill_job(a, (uintptr_t)e->user, e->kind == WSESSION_EXPIRED);
		break;
	case WSESSION_READY:
		world_note(a->w, "worker %u is ready", a->index);
		break;
	case WSESSION_REFUSED:
		world_note(a->w, "worker %u is refused", a->index);
		break;
	case WSESSION_ENDED:
		worker_kill(a);
		break;
	}
}

static void run(struct worker_actor *a)
{
	struct wsession_effect e;
	uint64_t ms, at;

	for (;;) {
		while (a->s != NULL && wsession_effect(a->s, &e))
			carry_out(a, &e);
		if (a->s == NULL)
			return;
		fill_slots(a);
		if (!wsession_effect(a->s, &e))
			break;
		carry_out(a, &e);
		if (a->s == NULL)
			return;
	}
	ms = wsession_deadline(a->s);
	if (ms == UINT64_MAX)
		return;
	at = ms * MS > a->w->now_us + 100 ? ms * MS : a->w->now_us + 100;
	timer_at(a->w, &a->tick, at);
}

static void tick(void *ctx)
{
	struct worker_actor *a = ctx;

	if (a->frozen_until > a->w->now_us) {
		timer_at(a->w, &a->tick, a->frozen_until + 1);
		return;
	}
	wsession_tick(a->s, world_ms(a->w));
	run(a);
}

void worker_drain_actor(struct worker_actor *a)
{
	if (a->s == NULL)
		return;
	wsession_drain(a->s, world_ms(a->w), 2000);
	run(a);
}
