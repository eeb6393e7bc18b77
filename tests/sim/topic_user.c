/* What a publisher and subscriber wants: publishes, settles what it holds in every way there is, forgets it, leaves and
 * comes back. */
#include "tests/sim/topic_actor.h"

enum { MOST_PACKED = 12000, MOST_ASKS = 12 };

static uint32_t body_length(struct world *w)
{
	uint64_t n = rng_below(&w->rng, 100);

	return 8 + (uint32_t)(n < 70   ? rng_below(&w->rng, 60)
	                      : n < 97 ? rng_below(&w->rng, 400)
	                               : rng_below(&w->rng, 3000));
}

static void publish(struct topic_actor *a)
{
	static const uint32_t topics[] = { T_PLAIN, T_PLAIN, T_PLAIN, T_KEPT,  T_WAITS,
		                           T_ORDER, T_TRIES, T_TRIES, T_FLASH, T_SMALL };
	struct world *w = a->w;
	uint32_t topic = topics[rng_below(&w->rng, sizeof topics / sizeof topics[0])];
	uint32_t n = (uint32_t)(world_chance(w, 50) ? world_range(w, 30, 150) : world_range(w, 1, 12));
	uint64_t defer = topic != T_ORDER && world_chance(w, 200) ? world_range(w, 1, 2000) : 0;
	uint64_t tag;
	struct msg m = { .h.kind = MSG_PUBLISH };
	struct buf packed;
	struct ask *q;
	uint32_t i;

	if (a->n_asks > MOST_ASKS)
		return;
	buf_init(&packed);
	tag = topics_publish(w->topics, topic, n, defer);
	for (i = 0; i < n; i++)
		topics_body(w->topics, tag + i, packed.n > MOST_PACKED ? 8 : body_length(w), &packed);
	m.u.publish.topic = sim_topic_name(topic);
	m.u.publish.defer_ms = defer;
	m.u.publish.count = n;
	m.u.publish.packed = buf_span(&packed);
	world_note(w, "actor %u publishes %llu+%u to %u", a->index, (unsigned long long)tag, n, topic);
	q = topic_ask(a, &m);
	q->tag = tag;
	q->n = n;
	buf_fini(&packed);
}

/* One of the messages of the mask, or some, or all. */
static uint64_t some_of(struct world *w, uint64_t mask)
{
	uint64_t some = mask & rng_next(&w->rng);

	return world_chance(w, 500) ? mask : some != 0 ? some : mask & -mask;
}

static void settle(struct topic_actor *a, uint32_t sub)
{
	struct world *w = a->w;
	struct subscription *s = &a->subs[sub];

	for (int i = 0; i < 4 && s->n_holds > 0; i++) {
		struct hold *h = &s->holds[rng_below(&w->rng, s->n_holds)];
		uint64_t mask = some_of(w, h->mask), what = rng_below(&w->rng, 100);

		if (what < 70)
			topic_settle(a, sub, h, mask, SETTLE_FINISH, 0);
		else if (what < 84)
			topic_settle(a, sub, h, mask, SETTLE_REQUEUE,
			             world_chance(w, 500) ? world_range(w, 1, 1200) : 0);
		else if (what < 92)
			topic_settle(a, sub, h, mask, SETTLE_TOUCH, 0);
	}
}

static void credit(struct topic_actor *a, uint32_t sub)
{
	struct subscription *s = &a->subs[sub];
	struct world *w = a->w;
	uint32_t ready = a->calm ? 60 : s->ready;
	uint64_t window = s->sent + world_range(w, 1500, 6000);

	if (!a->calm && world_chance(w, 30))
		ready = (uint32_t)world_range(w, 0, 20);
	if (ready != s->ready || s->window < s->sent + 1500)
		topic_credit(a, sub, ready, window > s->window ? window : s->window);
}

static void come_and_go(struct topic_actor *a)
{
	struct world *w = a->w;
	uint32_t sub = (uint32_t)rng_below(&w->rng, ACTOR_SUBS), place = topic_actor_place(sub);

	if (place == PLACES || a->subs[sub].asking)
		return;
	if (!a->subs[sub].wanted && topics_ready(w->topics, place))
		topic_subscribe(a, sub);
	else if (a->subs[sub].open && world_chance(w, 100))
		topic_unsubscribe(a, sub);
	else if (a->subs[sub].open && world_chance(w, 30))
		topic_subscribe(a, sub); /* anew, for no reason */
}

/* Everything is to end: whatever there is is subscribed to, and finished. */
static void audit(struct topic_actor *a)
{
	for (uint32_t place = 0; place < PLACES; place++) {
		bool ready = topics_ready(a->w->topics, place) || place == P_KEPT_LATE || place == P_WAITS;

		if (!sim_fleeting(place) && ready && !a->subs[place].wanted && !a->subs[place].asking)
			topic_subscribe(a, place);
	}
}

static void calm_user(struct topic_actor *a)
{
	for (uint32_t sub = 0; sub < ACTOR_SUBS; sub++) {
		struct subscription *s = &a->subs[sub];

		while (s->open && s->n_holds > 0)
			topic_settle(a, sub, &s->holds[0], s->holds[0].mask, SETTLE_FINISH, 0);
	}
}

void topic_user(void *ctx)
{
	struct topic_actor *a = ctx;
	struct world *w = a->w;

	if (w->now_us >= a->frozen_until && a->welcome) {
		if (a->calm)
			calm_user(a);
		else if (a->index != AUDITOR && world_chance(w, a->index == ADMIN ? 500 : 120))
			publish(a);
		if (a->index == ADMIN || a->index == AUDITOR)
			topic_admin(a);
		if (a->index == AUDITOR && a->calm && topic_admin_done(w->actors[ADMIN]))
			audit(a);
		if (!a->calm && a->index != AUDITOR && world_chance(w, 200))
			come_and_go(a);
		for (uint32_t sub = 0; sub < ACTOR_SUBS; sub++) {
			if (!a->subs[sub].open)
				continue;
			if (!a->calm && world_chance(w, 600))
				settle(a, sub);
			credit(a, sub);
		}
	}
	timer_at(w, &a->user, w->now_us + world_range(w, 5 * MS, a->calm ? 120 * MS : 60 * MS));
}
