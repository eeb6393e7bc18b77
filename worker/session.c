/* See session.h. Messages of the broker are taken in take.c; what is said to it is put together in say.c. */
#include "worker/session.h"

#include <stdlib.h>

#include "worker/machine.h"

struct wsession *wsession_new(const struct wsession_config *config)
{
	struct wsession *s = calloc(1, sizeof *s);

	must(s != NULL && config->n_queues <= LIMIT_WORKER_QUEUES && config->instance != 0);
	s->config = *config;
	memcpy(s->name, config->name.p, config->name.n);
	s->config.name = span_of(s->name, config->name.n);
	for (uint32_t i = 0; i < config->n_queues; i++) {
		memcpy(s->queue_names[i], config->queues[i].p, config->queues[i].n);
		s->queues[i] = span_of(s->queue_names[i], config->queues[i].n);
	}
	s->beat_ms = DEFAULT_BEAT_MS;
	s->liveness_ms = DEFAULT_LIVENESS_MS;
	s->drain_at = UINT64_MAX;
	s->backoff_ms = BACKOFF_LEAST_MS;
	rng_seed(&s->rng, config->seed);
	held_init(&s->held);
	outcomes_init(&s->outcomes);
	touches_init(&s->touches);
	return s;
}

void wsession_free(struct wsession *s)
{
	if (s == NULL)
		return;
	for (struct frame *f = s->frames, *next; f != NULL; f = next) {
		next = f->next;
		buf_fini(&f->bytes);
		free(f);
	}
	buf_fini(&s->sent.bytes);
	held_fini(&s->held);
	outcomes_fini(&s->outcomes);
	touches_fini(&s->touches);
	free(s->returns);
	free(s->kills);
	free(s);
}

void wsession_connected(struct wsession *s, uint64_t now_ms)
{
	s->now = now_ms;
	s->reconnect = false;
	say_hello(s);
}

/* How many jobs it wants in its hands: what the slots run, and about WORK_AHEAD_NS of work for each. */
uint64_t machine_window(const struct wsession *s)
{
	uint64_t run = s->run_ns / 16, ahead;

	if (s->draining || s->outcomes.bytes >= LIMIT_UNSETTLED_BYTES)
		return 0;
	if (s->run_ns == 0)
		ahead = 1;
	else
		ahead = run >= WORK_AHEAD_NS ? 1 : WORK_AHEAD_NS / (run < RUN_LEAST_NS ? RUN_LEAST_NS : run);
	ahead = (ahead + 1) * (s->config.slots - s->dying);
	return ahead < LIMIT_WINDOW_JOBS ? ahead : LIMIT_WINDOW_JOBS;
}

void wsession_bind(struct wsession *s, uint64_t token, void *user)
{
	struct held *h = held_find(&s->held, token);

	if (h != NULL)
		h->user = user;
}

void machine_let_go(struct wsession *s, struct held *h)
{
	touches_forget(&s->touches, h->token);
	held_remove(&s->held, h);
}

uint32_t machine_running(struct wsession *s, uint64_t *tokens)
{
	uint32_t all = s->config.running(s->config.ctx, tokens, LIMIT_SLOTS), n = 0;

	for (uint32_t i = 0; i < all; i++)
		if (held_find(&s->held, tokens[i]) != NULL)
			tokens[n++] = tokens[i];
	s->dying = all - n < s->config.slots ? all - n : s->config.slots;
	return n;
}

void wsession_touched(struct wsession *s, uint64_t now_ms, const struct wsession_touch *t)
{
	struct held *h = held_find(&s->held, t->token);

	s->now = now_ms;
	if (h == NULL)
		return;
	if (t->lease_ms > 0)
		touches_begin(&s->touches, &(struct lease_name){ h->id, t->token }, t->lease_ms, now_ms);
	if (t->touched)
		touches_note(&s->touches, &(struct lease_name){ h->id, t->token }, t->percent, t->text, now_ms);
}

bool wsession_finished(struct wsession *s, const struct msg_outcome_rec *r, uint64_t run_ns)
{
	struct held *h = held_find(&s->held, r->token);

	if (h == NULL)
		return false;
	/* an average over about 16 jobs, kept as its 16-fold */
	s->run_ns = s->run_ns == 0 ? 16 * run_ns + 1 : s->run_ns - s->run_ns / 16 + run_ns;
	machine_let_go(s, h);
	outcomes_put(&s->outcomes, r);
	return true;
}

void wsession_late(struct wsession *s, uint64_t token)
{
	struct held *h = held_find(&s->held, token);

	if (h != NULL)
		machine_return(s, h);
}

/* Whether the window has changed so much that the broker is told before the next regular beat. */
static bool window_moved(const struct wsession *s)
{
	uint64_t window = machine_window(s), told = s->told_window;

	return window > told + told / 3 || window < told - told / 3;
}

void wsession_flush(struct wsession *s)
{
	uint64_t tokens[LIMIT_SLOTS];

	outcomes_close(&s->outcomes);
	if (s->dying > 0)
		machine_running(s, tokens);
	if (s->state == SESSION_OPEN && s->now - s->beat_at >= BEAT_LEAST_MS && window_moved(s))
		say_beat(s);
}

/* The broker has been silent for too long: everything anew. */
static void lose_broker(struct wsession *s)
{
	s->state = SESSION_AWAY;
	s->reconnect = true;
	s->retry_at = s->now + s->backoff_ms + rng_below(&s->rng, s->backoff_ms);
	s->backoff_ms = 2 * s->backoff_ms < BACKOFF_MOST_MS ? 2 * s->backoff_ms : BACKOFF_MOST_MS;
}

/* What has not begun goes back; what has may go on until the grace is over. */
void wsession_drain(struct wsession *s, uint64_t now_ms, uint64_t grace_ms)
{
	s->now = now_ms;
	if (now_ms + grace_ms < s->drain_at)
		s->drain_at = now_ms + grace_ms;
	if (s->draining)
		return;
	s->draining = true;
	machine_give_back(s, false);
	if (s->state == SESSION_OPEN)
		say_beat(s);
}

/* Gives back what waits; with `all`, what runs too, which is killed. */
void machine_give_back(struct wsession *s, bool all)
{
	for (uint32_t i = 0; i < HELD_PLACES && s->held.n > 0;) {
		struct held *h = &s->held.v[i];

		if (h->token == 0 || h->user == NULL) {
			i++;
			continue;
		}
		if (s->config.drop(s->config.ctx, h->user)) {
			machine_return(s, h);
			continue; /* another may have moved here */
		}
		if (!all) {
			i++;
			continue;
		}
		machine_kill(s, h->user, 0);
		machine_return(s, h);
	}
}

/* Takes the job out and names it in the next RETURN. */
void machine_return(struct wsession *s, struct held *h)
{
	if (s->n_returns == s->cap_returns) {
		s->cap_returns = s->cap_returns ? 2 * s->cap_returns : 64;
		s->returns = realloc(s->returns, s->cap_returns * sizeof s->returns[0]);
		must(s->returns != NULL);
	}
	s->returns[s->n_returns++] = (struct lease_name){ h->id, h->token };
	machine_let_go(s, h);
}

void machine_kill(struct wsession *s, void *user, uint64_t lease_ms)
{
	if (s->n_kills == s->cap_kills) {
		s->cap_kills = s->cap_kills ? 2 * s->cap_kills : 64;
		s->kills = realloc(s->kills, s->cap_kills * sizeof s->kills[0]);
		must(s->kills != NULL);
	}
	s->kills[s->n_kills++] = (struct ending){ user, lease_ms };
}

/* Leases that ran out. If we stood still ourselves, their handlers may have touched meanwhile, and nobody took it. */
static void tick_leases(struct wsession *s)
{
	const struct touched *r;

	if (s->ticked_at > 0 && s->now - s->ticked_at > LOOK_MS + STALL_MS)
		touches_shift(&s->touches, s->now - s->ticked_at);
	s->ticked_at = s->now;
	while ((r = touches_expired(&s->touches, s->now)) != NULL) {
		struct held *h = held_find(&s->held, r->token);

		if (h != NULL && h->user != NULL)
			machine_kill(s, h->user, r->lease_ms);
	}
	if (s->state == SESSION_OPEN && s->now >= s->touches.say_at)
		say_progress(s);
}

static void tick_drain(struct wsession *s)
{
	bool settled = s->outcomes.first == NULL && s->outcomes.open == NULL;

	if (!s->draining || s->state == SESSION_ENDED)
		return;
	if (s->now >= s->drain_at && s->held.n > 0)
		machine_give_back(s, true);
	if (s->held.n > 0 || s->n_kills > 0)
		return;
	if (settled && s->state == SESSION_OPEN)
		say_bye(s);
	else if ((s->state == SESSION_OPEN || !settled) && s->now < s->drain_at + LEAVE_MS)
		return; /* wait for the broker to have what is finished */
	s->state = SESSION_ENDED;
	s->ended = true;
}

void wsession_tick(struct wsession *s, uint64_t now_ms)
{
	s->now = now_ms;
	if (s->state == SESSION_REFUSED && now_ms >= s->retry_at)
		say_hello(s);
	if (s->state != SESSION_AWAY && s->state != SESSION_ENDED && s->state != SESSION_REFUSED &&
	    now_ms - s->heard_at >= s->liveness_ms)
		lose_broker(s);
	if (s->state == SESSION_OPEN && now_ms - s->beat_at >= s->beat_ms)
		say_beat(s);
	if (s->state == SESSION_OPEN && s->outcomes.first != NULL && s->outcomes.unsent == NULL &&
	    now_ms - s->settled_at >= RESEND_MS) {
		s->settled_at = now_ms;
		outcomes_resend(&s->outcomes);
	}
	tick_leases(s);
	tick_drain(s);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t wsession_deadline(const struct wsession *s)
{
	uint64_t t = UINT64_MAX;

	if (s->state == SESSION_ENDED)
		return t;
	if (s->state == SESSION_REFUSED || s->reconnect)
		t = s->retry_at;
	else if (s->state != SESSION_AWAY) /* away: the shell says when there is a connection */
		t = s->heard_at + s->liveness_ms;
	if (s->state == SESSION_OPEN)
		t = earlier(t, s->beat_at + (window_moved(s) ? (uint64_t)BEAT_LEAST_MS : s->beat_ms));
	if (s->state == SESSION_OPEN && s->outcomes.first != NULL)
		t = earlier(t, s->settled_at + RESEND_MS);
	if (s->touches.n > 0)
		t = earlier(t, earlier(s->touches.deadline, s->ticked_at + LOOK_MS));
	if (s->state == SESSION_OPEN)
		t = earlier(t, s->touches.say_at);
	if (s->draining)
		t = earlier(t, s->held.n > 0 && s->now < s->drain_at ? s->drain_at : s->now + DRAIN_LOOK_MS);
	return t;
}

struct span wsession_queue(const struct wsession *s, uint32_t index)
{
	return index < s->config.n_queues ? s->queues[index] : (struct span){ 0 };
}

uint32_t wsession_held(const struct wsession *s)
{
	return s->held.n;
}

uint64_t wsession_id(const struct wsession *s)
{
	return s->state == SESSION_OPEN ? s->session : 0;
}

uint64_t wsession_window(const struct wsession *s)
{
	return s->told_window;
}
