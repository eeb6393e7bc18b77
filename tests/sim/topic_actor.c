/* A publisher and subscriber as a process: it lives and dies, has a session, sends again what was not answered, and
 * sees what it has lost. See topics.h. */
#include "tests/sim/topic_actor.h"

#include <stdlib.h>

enum { PING_US = 400 * 1000, SILENT_US = 1600 * 1000, AGAIN_US = 250 * 1000 };

static void tick(void *ctx);
static void rise(void *ctx);

struct topic_actor *topic_actor_new(struct world *w, uint32_t index)
{
	struct topic_actor *a = calloc(1, sizeof *a);

	must(a != NULL);
	a->w = w;
	a->index = index;
	a->room = msg_room_new();
	list_init(&a->asks);
	buf_init(&a->frame);
	timer_init(&a->tick, tick, a);
	timer_init(&a->user, topic_user, a);
	timer_init(&a->rise, rise, a);
	return a;
}

static void forget(struct topic_actor *a)
{
	while (!list_empty(&a->asks))
		topic_ask_free(a, list_item(a->asks.next, struct ask, link));
	memset(a->subs, 0, sizeof a->subs);
	a->n_settling = 0;
	a->welcome = a->hello = a->counting = false;
	a->number = a->epoch = a->delivered = 0;
}

void topic_actor_free(struct topic_actor *a)
{
	forget(a);
	free(a->settling);
	buf_fini(&a->frame);
	msg_room_free(a->room);
	free(a);
}

static void dial(struct topic_actor *a)
{
	if (a->conn != NULL)
		conn_close(a->w, a->conn);
	a->conn = conn_new(a->w, CONN_CLIENT);
	a->conn->principal = 100 + a->index;
	a->conn->up.deliver = broker_from_client;
	a->conn->up.ctx = a->conn;
	a->conn->up.frozen_until = broker_frozen(a->w->broker);
	a->conn->down.deliver = topic_from_broker;
	a->conn->down.ctx = a;
	a->conn->down.frozen_until = &a->frozen_until;
	if (!broker_up(a->w->broker))
		pipe_block(&a->conn->up, NEVER);
	a->heard_us = a->w->now_us;
	topic_hello(a);
}

static void tick(void *ctx)
{
	struct topic_actor *a = ctx;
	struct world *w = a->w;

	if (w->now_us >= a->frozen_until) {
		if (w->now_us - a->heard_us > SILENT_US)
			dial(a);
		else if (w->now_us - a->said_us > PING_US)
			topic_ping(a);
		for (struct list *l = a->asks.next; l != &a->asks; l = l->next)
			if (list_item(l, struct ask, link)->again && world_chance(w, 300))
				topic_send_ask(a, list_item(l, struct ask, link));
	}
	timer_at(w, &a->tick, w->now_us + AGAIN_US);
}

void topic_actor_start(struct topic_actor *a)
{
	forget(a);
	a->alive = true;
	a->session = rng_next(&a->w->rng) | 1;
	world_note(a->w, "actor %u starts", a->index);
	dial(a);
	timer_at(a->w, &a->tick, a->w->now_us + AGAIN_US);
	timer_at(a->w, &a->user, a->w->now_us + world_range(a->w, 0, 30 * MS));
}

static void rise(void *ctx)
{
	topic_actor_start(ctx);
}

void topic_actor_kill(struct topic_actor *a)
{
	struct world *w = a->w;

	if (!a->alive || (w->faults && (a->index == ADMIN || a->index == AUDITOR)))
		return; /* what these two have begun they must end */
	world_note(w, "actor %u dies", a->index);
	w->totals->kills++;
	a->alive = false;
	conn_close(w, a->conn);
	a->conn = NULL;
	forget(a);
	timer_stop(w, &a->tick);
	timer_stop(w, &a->user);
	if (w->faults)
		timer_at(w, &a->rise, w->now_us + world_range(w, MS, 2 * SEC));
}

void topic_actor_reset(struct topic_actor *a)
{
	if (a->alive)
		conn_reset(a->w, a->conn, world_range(a->w, 0, 2 * SEC));
}

void topic_actor_freeze(struct topic_actor *a, uint64_t until)
{
	if (a->alive) {
		world_note(a->w, "actor %u sleeps", a->index);
		a->frozen_until = until;
	}
}

void topic_actor_calm(struct topic_actor *a)
{
	a->calm = true;
	if (!a->alive && !heap_has(&a->rise.item))
		topic_actor_start(a);
}

bool topic_actor_settled(const struct topic_actor *a)
{
	if (!a->alive)
		return !heap_has(&a->rise.item);
	return list_empty(&a->asks) && (a->index > ADMIN || topic_admin_done(a)) && (a->index != AUDITOR || a->listed);
}
