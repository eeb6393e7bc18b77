/* See deliver.h and topic.h. */
#include "broker/core/topic/deliver.h"

#include "broker/core/fx.h"
#include "broker/core/topic/channel.h"
#include "broker/core/topic/consumer.h"
#include "broker/core/topic/parcel.h"
#include "broker/core/topic/run.h"
#include "broker/core/topic/step.h"
#include "broker/core/topic/topic.h"
#include "broker/core/turn.h"

enum {
	QUANTUM = RUN_MESSAGES,
	ROOM_FOR_OTHERS = STEP_EFFECTS / 2,
	STEP_BYTES = 16 << 20, /* that one step delivers */
	DEFER_WORK = 1 << 20   /* as much of these a slice of deferring costs */
};

/* How many of the run's messages the consumer's window has room for: of how many bytes each is, only their mean is
 * known. At least one: the one that passes the window still goes. */
static uint32_t affords(const struct consumer *cn, const struct run *r)
{
	uint64_t left = cn->window - cn->sent, n = left / r->length * r->count;

	n += left % r->length * r->count / r->length + 1;
	return n < RUN_MESSAGES ? (uint32_t)n : RUN_MESSAGES;
}

static uint32_t least(uint32_t a, uint64_t b)
{
	return b < a ? (uint32_t)b : a;
}

/* How many the consumer whose turn it is may get: no more than leaves the others their share. */
static uint32_t share(const struct channel *ch, const struct consumer *cn)
{
	uint64_t waiting = channel_backlog(ch) + ch->n_waiting;
	uint32_t n = ch->settings.ordered ? 1 : least(QUANTUM, waiting / ch->n_ready);

	return least(n > 0 ? n : 1, cn->limit - cn->in_hand);
}

/* The messages that go next, in a parcel that is in no state; NULL: there are none. */
static struct parcel *next_parcel(struct core *c, struct channel *ch, const struct consumer *cn)
{
	uint32_t n = share(ch, cn), most = ch->settings.attempts;
	struct parcel *p;
	struct run *r;

	channel_defer(c, ch); /* what came back may go when these are passed */
	p = channel_waiting(ch);
	while (p != NULL && most != 0 && p->attempts >= most) {
		parcel_die(c, p);
		p = channel_waiting(ch);
	}
	if (p != NULL)
		return parcel_split(c, p, mask_first(p->mask, least(n, affords(cn, p->run))));
	r = channel_run(ch);
	if (r == NULL || r->due_ms > c->wall || c->topics.n_parcels >= LIMIT_PARCELS)
		return NULL;
	n = least(n, affords(cn, r));
	n = least(n, r->count - ch->cursor_at);
	return parcel_new(c, ch, r, channel_pass(c, ch, n), 0);
}

/* Finishes what the consumer's sample leaves out. False: nothing is left of the parcel. */
static bool sample(struct core *c, const struct consumer *cn, struct parcel *p)
{
	uint64_t out = 0, all = p->mask;

	for (uint64_t rest = all; cn->sample != 0 && rest != 0; rest &= rest - 1)
		if (rng_below(&c->rng, 100) >= cn->sample)
			out |= rest & -rest;
	if (out == 0)
		return true;
	step_done(c, p->channel, p->run, out);
	c->topics.finished += mask_count(out);
	parcel_finish(c, p, out);
	return out != all;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t give(struct core *c, struct consumer *cn, struct parcel *p)
{
	const struct run *r = p->run;
	uint64_t bytes = ((uint64_t)r->length * p->left + r->count - 1) / r->count;
	struct effect *e;

	parcel_hand(c, p, cn, c->epoch << 32 | c->next_token++);
	cn->sent += bytes;
	c->topics.delivered += p->left;
	consumer_look(c, cn);
	e = fx_add(c, FX_DELIVER);
	e->peer = cn->client->peer;
	e->session = cn->key.session;
	e->number = cn->client->delivered++;
	e->stored = (struct log_bytes){ r->at, r->length, r->crc };
	e->u.delivery.count = r->count;
	e->u.delivery.after = later(r->at + r->length, later(c->epoch_at, cn->after));
	e->u.delivery.rec = (struct msg_delivery_rec){ .sub = (uint32_t)cn->key.sub,
		                                       .run = r->number,
		                                       .token = p->token,
		                                       .mask = p->mask,
		                                       .attempts = p->attempts,
		                                       .time_ns = (uint64_t)r->time_ms * 1000000,
		                                       .charged = bytes };
	return bytes;
}

/* One consumer's turn; what it costs of a step's bytes, or 0: the channel cannot go on. */
static uint64_t quantum(struct core *c, struct channel *ch)
{
	struct consumer *cn = list_item(ch->ready.next, struct consumer, ready);
	struct parcel *p = next_parcel(c, ch, cn);

	if (p == NULL)
		return channel_run(ch) != NULL && c->topics.n_parcels < LIMIT_PARCELS ? DEFER_WORK : 0;
	list_remove(&cn->ready);
	list_push_back(&ch->ready, &cn->ready);
	return sample(c, cn, p) ? give(c, cn, p) : 1;
}

void deliver_slice(struct core *c)
{
	uint64_t bytes = 0;

	while (!list_empty(&c->topics.hot) && bytes < STEP_BYTES && fx_room(c) > ROOM_FOR_OTHERS && step_room(c, 1)) {
		struct channel *ch = list_item(c->topics.hot.next, struct channel, hot);
		uint64_t n;

		list_remove(&ch->hot);
		if (!channel_hot(ch))
			continue;
		n = quantum(c, ch);
		bytes += n;
		if (n > 0)
			channel_heat(c, ch); /* to the end: channels take turns */
	}
}

/* Those of its messages whose time is over. */
static uint64_t expired(const struct core *c, const struct parcel *p)
{
	uint64_t mask = 0;

	if (p->until == NULL)
		return p->mask;
	for (uint64_t rest = p->mask; rest != 0; rest &= rest - 1)
		if (p->until[__builtin_ctzll(rest)] <= c->t)
			mask |= rest & -rest;
	return mask;
}

static void time_out(struct core *c, struct parcel *p)
{
	struct channel *ch = p->channel;
	uint64_t mask = expired(c, p);

	step_gone(c, p->consumer, &(struct msg_gone_rec){ 0, p->run->number, p->token, mask, GONE_TIMEOUT });
	p = parcel_split(c, p, mask);
	step_back(c, p, 0, true);
	ch->timed_out += p->left;
	c->topics.timed_out += p->left;
	parcel_back(c, p, 0);
}

static bool due(const struct heap *h, uint64_t now)
{
	return heap_min(h) != NULL && heap_min(h)->key <= now;
}

void returns_slice(struct core *c)
{
	struct topics *t = &c->topics;

	for (int i = 0; i < STEP_WORK && due(&t->returns, c->t) && step_room(c, 1); i++)
		time_out(c, list_item(heap_min(&t->returns), struct parcel, timer));
	for (int i = 0; i < STEP_WORK && due(&t->dues, c->wall); i++)
		parcel_back(c, list_item(heap_min(&t->dues), struct parcel, timer), 0);
}

void deliver_bad(struct core *c, uint64_t token)
{
	struct parcel *p = NULL;

	for (uint32_t i = 0; i < c->topics.returns.n && p == NULL; i++) /* it is rare */
		if (c->topics.returns.v[i]->tie == token)
			p = list_item(c->topics.returns.v[i], struct parcel, timer);
	if (p == NULL)
		return;
	fx_log(c, LOG_ERROR, "message-lost", "topic=%s channel=%s run=%llu messages=%u cannot be read: damaged",
	       p->channel->topic->name, p->channel->name, (unsigned long long)p->run->number, p->left);
	step_done(c, p->channel, p->run, p->mask);
	parcel_finish(c, p, p->mask);
	turn_commit(c);
}
