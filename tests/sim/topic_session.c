/* A publisher and subscriber's session: sends again what was not answered, sees what it has lost, and knows which of
 * its settlements an answer proves. See topics.h. */
#include <stdlib.h>

#include "tests/sim/topic_actor.h"

void topic_ask_free(struct topic_actor *a, struct ask *q)
{
	list_remove(&q->link);
	a->n_asks--;
	buf_fini(&q->frame);
	free(q);
}

uint32_t topic_actor_place(uint32_t sub)
{
	return sub < ACTOR_SUBS && sub % 16 < PLACES ? sub % 16 : PLACES;
}

static void send(struct topic_actor *a, struct span frame)
{
	a->said_us = a->w->now_us;
	pipe_send(&a->conn->up, frame);
}

void topic_say(struct topic_actor *a, const struct msg *m)
{
	struct msg out = *m;

	if (!a->welcome)
		return;
	out.h.version = 1;
	out.h.epoch = a->epoch;
	out.h.session = a->session;
	buf_clear(&a->frame);
	msg_encode(&a->frame, &out);
	send(a, buf_span(&a->frame));
}

void topic_send_ask(struct topic_actor *a, struct ask *q)
{
	if (!a->welcome)
		return;
	q->life = a->life;
	msg_patch(q->frame.p, q->frame.n, a->epoch, a->session, q->number);
	send(a, buf_span(&q->frame));
}

struct ask *topic_ask(struct topic_actor *a, struct msg *m)
{
	struct ask *q = calloc(1, sizeof *q);

	must(q != NULL);
	q->number = ++a->number;
	q->kind = m->h.kind;
	q->place = PLACES;
	q->moment = topics_moment(a->w->topics);
	m->h = (struct msg_header){ .version = 1, .kind = q->kind, .session = a->session, .number = q->number };
	if (q->kind == MSG_PUBLISH)
		m->u.publish.answered =
		    list_empty(&a->asks) ? q->number - 1 : list_item(a->asks.next, struct ask, link)->number - 1;
	buf_init(&q->frame);
	msg_encode(&q->frame, m);
	list_push_back(&a->asks, &q->link);
	a->n_asks++;
	topic_send_ask(a, q);
	return q;
}

void topic_hello(struct topic_actor *a)
{
	struct msg m = { .h = { .version = 1, .kind = MSG_CLIENT_HELLO, .session = a->session } };

	m.u.client_hello.version_min = m.u.client_hello.version_max = 1;
	m.u.client_hello.name = span_str("topics");
	buf_clear(&a->frame);
	msg_encode(&a->frame, &m);
	a->welcome = false;
	a->hello = true;
	send(a, buf_span(&a->frame));
}

void topic_ping(struct topic_actor *a)
{
	struct msg m = { .h.kind = MSG_PING };

	m.h.number = topics_moment(a->w->topics);
	topic_say(a, &m);
}

void topic_credit(struct topic_actor *a, uint32_t sub, uint32_t ready, uint64_t window)
{
	struct subscription *s = &a->subs[sub];
	struct msg_credit_rec rec = { sub, ready, window };
	struct msg m = { .h.kind = MSG_CREDIT };

	m.u.credit.v = &rec;
	m.u.credit.n = 1;
	s->ready = ready;
	if (ready >= s->ready_high)
		s->ready_high = ready;
	s->high_life = a->life;
	s->high_moment = topics_moment(a->w->topics);
	s->window = window;
	topic_say(a, &m);
}

void topic_settle(struct topic_actor *a, uint32_t sub, struct hold *h, uint64_t mask, uint32_t verdict,
                  uint64_t delay_ms)
{
	struct msg_settle_rec rec = { h->run, h->token, mask, verdict, delay_ms };
	struct subscription *s = &a->subs[sub];
	struct msg m = { .h.kind = MSG_SETTLE };
	struct settling *t;

	if (!a->welcome)
		return;
	if (a->n_settling == a->cap_settling) {
		a->cap_settling = a->cap_settling ? 2 * a->cap_settling : 64;
		a->settling = realloc(a->settling, a->cap_settling * sizeof a->settling[0]);
		must(a->settling != NULL);
	}
	t = &a->settling[a->n_settling++];
	*t = (struct settling){ { .place = topic_actor_place(sub),
		                  .run = h->run,
		                  .token = h->token,
		                  .mask = mask,
		                  .verdict = verdict,
		                  .attempts = h->attempts,
		                  .moment = topics_moment(a->w->topics),
		                  .not_before = world_wall(a->w) + delay_ms,
		                  .life = topics_life(a->w->topics, topic_actor_place(sub)) },
		                a->life };
	topics_settling(a->w->topics, &t->s);
	m.u.settle.v = &rec;
	m.u.settle.n = 1;
	topic_say(a, &m);
	if (verdict == SETTLE_TOUCH)
		return;
	h->mask &= ~mask;
	if (h->mask == 0)
		*h = s->holds[--s->n_holds];
}

void topic_subscribe(struct topic_actor *a, uint32_t sub)
{
	struct subscription *s = &a->subs[sub];
	uint32_t place = topic_actor_place(sub);
	struct msg m = { .h.kind = MSG_SUBSCRIBE };
	struct ask *q;

	m.u.subscribe.sub = sub;
	m.u.subscribe.topic = sim_topic_name(sim_topic_of(place));
	m.u.subscribe.channel = sim_channel_name(place);
	m.u.subscribe.timeout_ms = world_range(a->w, 200, 3000);
	m.u.subscribe.sample = sim_fleeting(place) && world_chance(a->w, 300) ? 50 : 0;
	s->wanted = s->asking = true;
	s->open = false;
	s->n_holds = 0;
	q = topic_ask(a, &m);
	q->place = place;
	q->sub = sub;
}

void topic_unsubscribe(struct topic_actor *a, uint32_t sub)
{
	struct msg m = { .h.kind = MSG_UNSUBSCRIBE };

	m.u.unsubscribe.sub = sub;
	a->subs[sub].wanted = a->subs[sub].open = false;
	a->subs[sub].asking = true;
	a->subs[sub].n_holds = 0;
	topic_ask(a, &m)->sub = sub;
}

/* Something was lost, or the broker has forgotten us: every subscription begins anew. */
static void subscribe_again(struct topic_actor *a)
{
	for (uint32_t i = 0; i < ACTOR_SUBS; i++)
		if (a->subs[i].wanted && !a->subs[i].asking)
			topic_subscribe(a, i);
}

/* ---- what comes ---- */

/* An answer that was sent after what we said on this connection says that all of that was taken, and is durable. */
static void prove(struct topic_actor *a, uint64_t life, uint64_t moment)
{
	uint32_t kept = 0;

	if (life != a->life)
		return;
	for (uint32_t i = 0; i < a->n_settling; i++) {
		struct settling *t = &a->settling[i];

		if (t->life == life && t->s.moment < moment)
			topics_proven(a->w->topics, &t->s);
		else if (t->life == life)
			a->settling[kept++] = *t;
	}
	a->n_settling = kept;
	for (uint32_t i = 0; i < ACTOR_SUBS; i++)
		if (a->subs[i].high_life == life && a->subs[i].high_moment < moment)
			a->subs[i].ready_high = a->subs[i].ready;
}

static void gone(struct topic_actor *a, const struct msg_gone_rec *r)
{
	struct subscription *s;

	for (uint32_t i = 0; i < a->n_settling; i++)
		if (a->settling[i].s.run == r->run && a->settling[i].s.token == r->token && r->why == GONE_STALE)
			a->settling[i].s.mask &= ~r->mask;
	if (r->why == GONE_STALE)
		return;
	if (topic_actor_place(r->sub) == PLACES)
		world_fail(a->w, "messages of the subscription %u are gone, which nobody has", r->sub);
	s = &a->subs[r->sub];
	if (r->run == 0) { /* over: the channel is deleted */
		s->wanted = s->open = false;
		s->n_holds = 0;
		return;
	}
	for (uint32_t i = 0; i < s->n_holds; i++) {
		if (s->holds[i].token != r->token)
			continue;
		s->holds[i].mask &= ~r->mask;
		if (s->holds[i].mask == 0)
			s->holds[i--] = s->holds[--s->n_holds];
	}
}

static uint32_t in_hand(const struct subscription *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_holds; i++)
		n += (uint32_t)__builtin_popcountll(s->holds[i].mask);
	return n;
}

static void delivery(struct topic_actor *a, const struct msg_delivery_rec *r)
{
	uint32_t place = topic_actor_place(r->sub);
	struct subscription *s = &a->subs[r->sub];

	if (place == PLACES)
		world_fail(a->w, "a delivery for the subscription %u, which nobody has", r->sub);
	if (!s->open)
		return; /* of before */
	if (s->sent >= s->window)
		world_fail(a->w, "a delivery, and the window of %llu bytes was used up", (unsigned long long)s->window);
	s->sent += r->charged;
	if (s->n_holds == ACTOR_HOLDS)
		world_fail(a->w, "too many deliveries");
	s->holds[s->n_holds++] = (struct hold){ r->run, r->token, r->mask, r->attempts, a->w->now_us };
	if (in_hand(s) > s->ready_high)
		world_fail(a->w, "%u messages in hand of %u that may be", in_hand(s), s->ready_high);
	if (a->calm)
		topic_settle(a, r->sub, &s->holds[s->n_holds - 1], r->mask, SETTLE_FINISH, 0);
}

static void messages(struct topic_actor *a, const struct msg *m)
{
	bool gap = a->counting && m->h.number != a->delivered;

	a->counting = true;
	a->delivered = m->h.number + m->u.messages.n;
	if (gap) {
		world_note(a->w, "actor %u has lost deliveries", a->index);
		subscribe_again(a);
		return;
	}
	for (uint32_t i = 0; i < m->u.messages.n; i++)
		delivery(a, &m->u.messages.v[i]);
}

static struct ask *find_ask(const struct topic_actor *a, uint64_t number)
{
	for (struct list *l = a->asks.next; l != &a->asks; l = l->next)
		if (list_item(l, struct ask, link)->number == number)
			return list_item(l, struct ask, link);
	return NULL;
}

static void subscribed(struct topic_actor *a, const struct ask *q, bool ok)
{
	struct subscription *s = &a->subs[q->sub];

	s->asking = false;
	if (!ok) {
		s->wanted = false;
		return;
	}
	s->open = true;
	s->sent = s->window = 0;
	s->ready = s->ready_high = 0;
	s->n_holds = 0;
	topics_subscribed(a->w->topics, q->place, q->moment);
	topic_credit(a, q->sub, a->calm ? 60 : (uint32_t)world_range(a->w, 1, 20), world_range(a->w, 1, 3000));
}

/* A REPLY, a TOPICS_INFO, or a refusal. */
static void answered(struct topic_actor *a, const struct msg *m)
{
	struct ask *q = find_ask(a, m->h.number);
	enum sheaf_error e = m->h.kind == MSG_REPLY ? (enum sheaf_error)m->u.reply.error : SHEAF_OK;

	if (q == NULL)
		return;
	if (e == SHEAF_E_BUSY || e == SHEAF_E_DRAINING) {
		q->again = true;
		return;
	}
	if (!q->again)
		prove(a, q->life, q->moment);
	if (e != SHEAF_OK)
		world_note(a->w, "actor %u: request %u is refused: %s", a->index, q->kind, sheaf_error_name(e));
	if (q->kind == MSG_PUBLISH && e != SHEAF_OK && !q->again) /* else another copy of it may be taken yet */
		topics_refused(a->w->topics, q->tag, q->n);
	if (q->kind == MSG_UNSUBSCRIBE)
		a->subs[q->sub].asking = false;
	if (q->kind == MSG_SUBSCRIBE)
		subscribed(a, q, e == SHEAF_OK);
	if (q->kind == MSG_TOPIC_OP)
		topic_operated(a, q, e == SHEAF_OK);
	if (q->kind == MSG_TOPIC_LIST && m->h.kind == MSG_TOPICS_INFO)
		topic_listed(a, &m->u.topics_info);
	topic_ask_free(a, q);
}

static void accepted(struct topic_actor *a, const struct msg_accepted_rec *r)
{
	struct ask *q = find_ask(a, r->number);

	if (q == NULL)
		return;
	if (q->kind != MSG_PUBLISH || q->n != r->count)
		world_fail(a->w, "ACCEPTED of %u messages, and there were %u", r->count, q->n);
	if (!q->again)
		prove(a, q->life, q->moment);
	topics_accepted(a->w->topics, q->tag, q->n, r->first);
	topic_ask_free(a, q);
}

static void welcomed(struct topic_actor *a, const struct msg *m)
{
	if (!a->hello && m->h.epoch <= a->epoch)
		return;
	a->hello = false;
	a->welcome = true;
	a->life++;
	a->n_settling = 0;
	a->counting = a->epoch != 0 && m->h.epoch == a->epoch && a->counting;
	a->epoch = m->h.epoch;
	for (struct list *l = a->asks.next; l != &a->asks; l = l->next) {
		list_item(l, struct ask, link)->again = true;
		topic_send_ask(a, list_item(l, struct ask, link));
	}
	subscribe_again(a);
}

static void pong(struct topic_actor *a, const struct msg *m)
{
	if (a->counting && m->u.ping.delivered != a->delivered) {
		world_note(a->w, "actor %u has lost the last deliveries", a->index);
		subscribe_again(a);
	}
	a->delivered = m->u.ping.delivered;
	a->counting = true;
	prove(a, a->life, m->h.number);
}

void topic_from_broker(void *ctx, struct span frame)
{
	struct topic_actor *a = ctx;
	const char *why = "";
	struct msg m;

	if (msg_decode(frame, a->room, &m, &why) != SHEAF_OK)
		world_fail(a->w, "actor %u cannot read the broker: %s", a->index, why);
	a->heard_us = a->w->now_us;
	if (m.h.kind != MSG_PONG)
		world_note(a->w, "actor %u gets kind=%u number=%llu", a->index, m.h.kind,
		           (unsigned long long)m.h.number);
	if (m.h.kind == MSG_NO_SESSION)
		topic_hello(a);
	else if (m.h.kind == MSG_CLIENT_WELCOME)
		welcomed(a, &m);
	else if (!a->welcome || m.h.epoch != a->epoch)
		return; /* of before */
	else if (m.h.kind == MSG_PONG)
		pong(a, &m);
	else if (m.h.kind == MSG_MESSAGES)
		messages(a, &m);
	else if (m.h.kind == MSG_MESSAGES_GONE)
		for (uint32_t i = 0; i < m.u.gone.n; i++)
			gone(a, &m.u.gone.v[i]);
	else if (m.h.kind == MSG_ACCEPTED)
		for (uint32_t i = 0; i < m.u.accepted.n; i++)
			accepted(a, &m.u.accepted.v[i]);
	else
		answered(a, &m);
}
