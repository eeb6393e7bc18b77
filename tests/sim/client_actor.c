/* A client process: the real session machine, a user who submits, waits, cancels and asks, and a life that may end. */
#include <stdlib.h>

#include "tests/sim/client_actor.h"

static void tick(void *ctx);
static void rise(void *ctx);

struct client_actor *client_new_actor(struct world *w, uint32_t index)
{
	struct client_actor *a = calloc(1, sizeof *a);

	must(a != NULL);
	a->w = w;
	a->index = index;
	a->working = true;
	timer_init(&a->tick, tick, a);
	timer_init(&a->user, client_user, a);
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
	a->batch = a->last_id = a->steady = 0;
	a->opening = false;
	world_note(a->w, "client %u starts", a->index);
	if (a->working)
		timer_at(a->w, &a->user, a->w->now_us + world_range(a->w, 0, 50 * MS));
	client_run(a);
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
	client_run(a);
}

bool client_settled(const struct client_actor *a)
{
	return a->c == NULL || (csession_outstanding(a->c) == 0 && a->steady == 0);
}

/* ---- the session ---- */

static bool batch_result(struct client_actor *a, const struct msg_result_rec *r)
{
	for (uint32_t i = 0; i < a->n_batches; i++) {
		if (a->batches[i] != r->id)
			continue;
		if (r->state == JOB_NONE && !a->w->forgets)
			world_fail(a->w, "batch %llu is unknown", (unsigned long long)r->id);
		if (a->thens[i] != 0 && r->state != JOB_NONE)
			oracle_then_due(a->w->oracle, a->thens[i]);
		a->batches[i] = a->batches[--a->n_batches];
		a->thens[i] = a->thens[a->n_batches];
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
	if (ev->call >= CALL_ALL)
		client_all_answered(a, ev);
	if (ev->call == CALL_STEADY)
		a->steady--;
	if (ev->call == CALL_BATCH_OPEN)
		a->opening = false;
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
	case CSESSION_PUBLISHED:
	case CSESSION_MESSAGES:
	case CSESSION_GONE:
	case CSESSION_GAP:
	case CSESSION_OVER:
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
	client_run(a);
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

void client_run(struct client_actor *a)
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
	client_run(a);
}
