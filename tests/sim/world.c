/* One seed from its first event to its last: the clock, the faults, and the end. See sim.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/topics.h"

enum { USUAL_EVENTS = 400000 };

void timer_at(struct world *w, struct timer *t, uint64_t at_us)
{
	must(at_us >= w->now_us);
	timer_stop(w, t);
	t->item.key = at_us;
	t->item.tie = ++w->order;
	heap_add(&w->timers, &t->item);
}

void timer_stop(struct world *w, struct timer *t)
{
	if (heap_has(&t->item))
		heap_remove(&w->timers, &t->item);
}

void world_note(struct world *w, const char *format, ...)
{
	char line[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof line)
		n = sizeof line - 1;
	w->hash = (w->hash ^ w->now_us) * 0x100000001b3u;
	for (int i = 0; i < n; i++)
		w->hash = (w->hash ^ (uint8_t)line[i]) * 0x100000001b3u;
	if (w->options->trace)
		printf("%10.3f ms  %s\n", (double)w->now_us / 1000, line);
}

void world_fail(struct world *w, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "sim: seed %llu at %.3f ms: ", (unsigned long long)w->seed, (double)w->now_us / 1000);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nsim: repeat it with: sim_run --seeds %llu --trace\n", (unsigned long long)w->seed);
	exit(1);
}

static struct worker_actor *some_worker(struct world *w)
{
	return w->workers[rng_below(&w->rng, SIM_WORKERS)];
}

uint64_t world_wall(const struct world *w)
{
	return UINT64_C(1700000000000) + w->now_us / MS;
}

static struct client_actor *some_client(struct world *w)
{
	return w->clients[rng_below(&w->rng, SIM_CLIENTS - 1)];
}

/* What goes wrong with who publishes and subscribes. */
static void topic_fault(struct world *w)
{
	struct topic_actor *a = w->actors[rng_below(&w->rng, SIM_TOPIC_ACTORS)];
	uint64_t what = rng_below(&w->rng, 100);

	if (what < 50)
		topic_actor_reset(a);
	else if (what < 75)
		topic_actor_kill(a);
	else
		topic_actor_freeze(a, w->now_us + world_range(w, 100 * MS, world_chance(w, 100) ? 20 * SEC : 4 * SEC));
}

/* A little of everything that can go wrong. */
static void fault(void *ctx)
{
	struct world *w = ctx;
	uint64_t what = rng_below(&w->rng, 120);

	if (!w->faults)
		return;
	if (what < 8)
		broker_crash(w->broker);
	else if (what < 16)
		broker_doom(w->broker, world_range(w, 1, 60));
	else if (what < 20)
		broker_freeze(w->broker, w->now_us + world_range(w, 100 * MS, 5 * SEC));
	else if (what < 34)
		worker_kill(some_worker(w));
	else if (what < 44)
		worker_freeze(some_worker(w), w->now_us + world_range(w, 100 * MS, 5 * SEC));
	else if (what < 62)
		worker_reset(some_worker(w));
	else if (what < 76)
		client_reset(some_client(w));
	else if (what < 82)
		client_kill(some_client(w));
	else if (what < 87)
		broker_disk(w->broker)->slow = !broker_disk(w->broker)->slow;
	else if (what < 93)
		broker_pressure(w->broker, true);
	else if (what < 97)
		broker_pressure(w->broker, false);
	else if (what < 100)
		worker_drain_actor(some_worker(w));
	else
		topic_fault(w);
	timer_at(w, &w->fault_timer, w->now_us + world_range(w, MS, 700 * MS));
}

static void world_init(struct world *w, uint64_t seed, const struct sim_options *options, struct sim_totals *totals)
{
	*w = (struct world){ .seed = seed, .options = options, .totals = totals, .now_us = SEC };
	rng_seed(&w->rng, seed * 0x9e3779b97f4a7c15u + 1);
	heap_init(&w->timers);
	list_init(&w->conns);
	w->room = msg_room_new();
	w->calm = seed % 8 == 0;
	w->faults = !w->calm;
	w->forgets = w->small_keep = world_chance(w, 250);
	w->impatient = world_chance(w, 400);
	w->key_window_ms = world_chance(w, 300) ? 1500 : DEFAULT_KEY_WINDOW_MS;
	w->oracle = oracle_new(w);
	w->topics = topics_new(w);
	w->broker = broker_new(w);
	timer_init(&w->fault_timer, fault, w);
	for (uint32_t i = 0; i < SIM_WORKERS; i++)
		w->workers[i] = worker_new_actor(w, i);
	for (uint32_t i = 0; i < SIM_CLIENTS; i++)
		w->clients[i] = client_new_actor(w, i);
	for (uint32_t i = 0; i < SIM_TOPIC_ACTORS; i++)
		w->actors[i] = topic_actor_new(w, i);
}

static void world_fini(struct world *w)
{
	for (uint32_t i = 0; i < SIM_WORKERS; i++)
		worker_free_actor(w->workers[i]);
	for (uint32_t i = 0; i < SIM_CLIENTS; i++)
		client_free_actor(w->clients[i]);
	for (uint32_t i = 0; i < SIM_TOPIC_ACTORS; i++)
		topic_actor_free(w->actors[i]);
	broker_free(w->broker);
	oracle_free(w->oracle);
	topics_free(w->topics);
	net_fini(w);
	heap_fini(&w->timers);
	msg_room_free(w->room);
}

/* Lets time pass until then, or until done() says so. True if it did. */
static bool pass(struct world *w, uint64_t us, bool (*done)(struct world *w))
{
	uint64_t end = w->now_us + us, most = w->options->steps > 0 ? w->options->steps : USUAL_EVENTS;

	for (uint64_t n = 0; n < most; n++) {
		struct heap_item *first = heap_min(&w->timers);
		struct timer *t;

		if (done != NULL && n % 64 == 0 && done(w))
			return true;
		if (first == NULL || first->key > end) {
			w->now_us = end;
			return done != NULL && done(w);
		}
		t = list_item(first, struct timer, item);
		w->now_us = first->key;
		heap_remove(&w->timers, first);
		w->totals->events++;
		t->fn(t->ctx);
	}
	world_fail(w, "it does not come to rest: %llu events", (unsigned long long)most);
}

static bool settled(struct world *w)
{
	for (uint32_t i = 0; i < SIM_CLIENTS; i++)
		if (!client_settled(w->clients[i]))
			return false;
	for (uint32_t i = 0; i < SIM_TOPIC_ACTORS; i++)
		if (!topic_actor_settled(w->actors[i]))
			return false;
	return broker_up(w->broker) && topics_complete(w->topics) && oracle_complete(w->oracle) &&
	       broker_idle(w->broker);
}

static bool up_again(struct world *w)
{
	return broker_up(w->broker);
}

static bool quiet(struct world *w)
{
	return broker_quiet(w->broker);
}

static void await_it(void *ctx, uint64_t id)
{
	struct world *w = ctx;

	client_await_job(w->clients[SIM_CLIENTS - 1], id);
}

/* The faults stop; whoever is dead stays so, but each queue has a worker. */
static void calm_down(struct world *w)
{
	struct client_actor *auditor = w->clients[SIM_CLIENTS - 1];

	world_note(w, "the faults stop");
	w->faults = false;
	timer_stop(w, &w->fault_timer);
	broker_disk(w->broker)->slow = false;
	broker_doom(w->broker, 0);
	for (uint32_t i = 0; i < SIM_CLIENTS; i++)
		client_stop_work(w->clients[i]);
	if (!pass(w, 10 * SEC, up_again))
		world_fail(w, "the broker does not come up again");
	broker_pressure(w->broker, false);
	client_start_actor(auditor);
	client_resume_all(auditor);
	for (uint32_t i = 0; i < SIM_TOPIC_ACTORS; i++)
		topic_actor_calm(w->actors[i]);
	(void)pass(w, 6 * SEC, NULL);
	for (uint32_t i = 0; i < SIM_WORKERS; i++)
		if (!worker_alive(w->workers[i]))
			worker_start(w->workers[i]);
}

/* A client that was busy pausing queues may do so late, by a retry. */
static bool comes_to_rest(struct world *w)
{
	for (int i = 0; i < 12; i++) {
		client_resume_all(w->clients[SIM_CLIENTS - 1]);
		oracle_each(w->oracle, await_it, w); /* and some jobs come to light only when they are granted */
		if (pass(w, 20 * SEC, settled))
			return true;
	}
	return false;
}

/* Now and then it looks at the wall clock all the same. */
static bool becomes_quiet(struct world *w)
{
	for (int i = 0; i < 20; i++)
		if (pass(w, 700 * MS, quiet))
			return true;
	return false;
}

static void finish(struct world *w)
{
	if (!comes_to_rest(w)) {
		oracle_final(w->oracle);
		topics_final(w->topics);
		for (uint32_t i = 0; i < SIM_TOPIC_ACTORS; i++)
			if (!topic_actor_settled(w->actors[i]))
				world_fail(w, "actor %u still waits, and every message has come", i);
		for (uint32_t i = 0; i < SIM_CLIENTS; i++)
			if (!client_settled(w->clients[i]))
				world_fail(w, "client %u still waits, and every job has ended", i);
		if (!broker_idle(w->broker))
			world_fail(w, "some job has not ended, and nobody asks for it");
	}
	oracle_final(w->oracle);
	topics_final(w->topics);
	w->totals->messages += topics_messages(w->topics);
	(void)pass(w, SEC, NULL); /* what was finished last is durable then */
	for (uint32_t i = 0; i < SIM_TOPIC_ACTORS; i++)
		topic_actor_kill(w->actors[i]);
	for (uint32_t i = 0; i < SIM_WORKERS; i++)
		worker_kill(w->workers[i]);
	for (uint32_t i = 0; i < SIM_CLIENTS; i++)
		client_kill(w->clients[i]);
	(void)pass(w, 30 * SEC, NULL);
	if (!becomes_quiet(w))
		world_fail(w, "the broker does not become idle");
	broker_final_check(w->broker);
	topics_must_be_empty(w->topics, broker_core(w->broker));
	if (w->calm)
		return;
	broker_crash(w->broker); /* what it knows must survive this, too */
	if (!pass(w, 10 * SEC, up_again))
		world_fail(w, "the broker does not come up again at the end");
	broker_final_check(w->broker);
	topics_must_be_empty(w->topics, broker_core(w->broker));
}

uint64_t world_run(uint64_t seed, const struct sim_options *options, struct sim_totals *totals)
{
	struct world w;

	world_init(&w, seed, options, totals);
	broker_start(w.broker);
	for (uint32_t i = 0; i < SIM_WORKERS; i++)
		worker_start(w.workers[i]);
	for (uint32_t i = 0; i < SIM_CLIENTS - 1; i++)
		client_start_actor(w.clients[i]);
	for (uint32_t i = 0; i < SIM_TOPIC_ACTORS; i++)
		topic_actor_start(w.actors[i]);
	if (w.faults)
		timer_at(&w, &w.fault_timer, w.now_us + world_range(&w, 0, SEC));
	(void)pass(&w, w.calm ? 3 * SEC : world_range(&w, 3 * SEC, 15 * SEC), NULL);
	calm_down(&w);
	finish(&w);
	world_fini(&w);
	return w.hash;
}
