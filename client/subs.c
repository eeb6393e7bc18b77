/* See subs.h. */
#include "client/subs.h"

#include <stdlib.h>

#include "client/machine.h"
#include "proto/codec.h"

enum {
	SLOT_BITS = 16,
	SLOT_MASK = (1 << SLOT_BITS) - 1,
	SETTLES_KEEP = 1 << 20, /* bytes of the buffer that are kept when it is empty */
};

static_assert(LIMIT_CONSUMERS <= 1 << SLOT_BITS, "a slot fits its bits");

void subs_init(struct subs *s)
{
	*s = (struct subs){ 0 };
	list_init(&s->wanted);
	list_init(&s->leaving);
	list_init(&s->owed);
	buf_init(&s->settles);
}

void subs_fini(struct subs *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	free(s->free);
	buf_fini(&s->settles);
}

struct sub *subs_find(const struct subs *s, uint32_t number)
{
	uint32_t slot = number & SLOT_MASK;
	struct sub *sub = slot < s->n ? s->v[slot] : NULL;

	return sub != NULL && sub->state != SUB_FREE && sub->number == number ? sub : NULL;
}

/* A free slot; NULL when all are taken. */
static struct sub *take_slot(struct subs *s)
{
	struct sub *sub;

	if (s->n_free > 0)
		return s->v[s->free[--s->n_free]];
	if (s->n == LIMIT_CONSUMERS)
		return NULL;
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 16;
		s->v = realloc(s->v, s->cap * sizeof s->v[0]);
		s->free = realloc(s->free, s->cap * sizeof s->free[0]);
		must(s->v && s->free);
	}
	sub = calloc(1, sizeof *sub);
	must(sub);
	sub->number = s->n;
	list_init(&sub->link);
	list_init(&sub->owed);
	s->v[s->n++] = sub;
	return sub;
}

static void give_slot(struct subs *s, struct sub *sub)
{
	uint32_t slot = sub->number & SLOT_MASK;

	list_remove(&sub->link);
	list_remove(&sub->owed);
	sub->state = SUB_FREE;
	sub->number += 1u << SLOT_BITS;
	s->free[s->n_free++] = slot;
	s->live--;
}

static struct span keep_name(char *to, struct span s)
{
	memcpy(to, s.p, s.n);
	return span_of(to, s.n);
}

enum sheaf_error csession_subscribe(struct csession *c, const struct msg_subscribe *want, uint64_t tag, uint64_t call,
                                    uint32_t *number)
{
	struct subs *s = &c->subs;
	struct sub *sub;

	if (!name_topic_ok(want->topic) || !name_topic_ok(want->channel))
		return SHEAF_E_BAD_NAME;
	if (want->timeout_ms > LIMIT_MESSAGE_MS || want->most_ms > LIMIT_MESSAGE_MS || want->sample > 100)
		return SHEAF_E_BAD_VALUE;
	sub = take_slot(s);
	if (!sub)
		return SHEAF_E_FULL;
	s->live++;
	sub->state = SUB_WANTED;
	sub->tag = tag;
	sub->call = call;
	sub->answered = false;
	sub->want = *want;
	sub->want.sub = sub->number;
	sub->want.topic = keep_name(sub->topic, want->topic);
	sub->want.channel = keep_name(sub->channel, want->channel);
	sub->ready = 0;
	sub->bytes = sub->received = sub->base = 0;
	list_push_back(&s->wanted, &sub->link);
	*number = sub->number;
	return SHEAF_OK;
}

void csession_unsubscribe(struct csession *c, uint32_t number, uint64_t call)
{
	struct sub *sub = subs_find(&c->subs, number);

	if (!sub || sub->state == SUB_LEAVING)
		return;
	list_remove(&sub->link);
	list_remove(&sub->owed);
	sub->call = call;
	if (sub->state != SUB_ASKED) /* else once that is answered: who knows which of the two would be last */
		list_push_back(&c->subs.leaving, &sub->link);
	sub->state = SUB_LEAVING;
}

/* The user gives its window in bytes of messages, the broker charges what it takes these for: the difference is made
 * good with the next credit, or at once if it takes much of what the user has left. */
void subs_came(struct csession *c, struct sub *sub, const struct msg_delivery_rec *r)
{
	uint64_t charged = r->charged != 0 ? r->charged : r->packed.n;
	int64_t due;

	sub->received += r->packed.n;
	sub->drift += (int64_t)charged - (int64_t)r->packed.n;
	due = sub->drift - sub->made_good;
	if (sub->bytes > sub->received && due > 0 && 2 * (uint64_t)due > sub->bytes - sub->received &&
	    list_empty(&sub->owed))
		list_push_back(&c->subs.owed, &sub->owed);
}

void csession_credit(struct csession *c, uint32_t number, uint32_t ready, uint64_t bytes)
{
	struct sub *sub = subs_find(&c->subs, number);

	if (!sub || sub->state == SUB_LEAVING)
		return;
	sub->ready = ready < LIMIT_READY ? ready : LIMIT_READY;
	sub->bytes = bytes;
	if (sub->state == SUB_ON && list_empty(&sub->owed)) /* else when it is subscribed */
		list_push_back(&c->subs.owed, &sub->owed);
}

void csession_settle(struct csession *c, const struct msg_settle_rec *r)
{
	struct buf *b = &c->subs.settles;
	struct msg_settle_rec last;

	must(r->verdict >= SETTLE_FINISH && r->verdict <= SETTLE_TOUCH && r->delay_ms <= LIMIT_DEFER_MS);
	if (b->n > c->subs.settled) { /* those of one delivery share a record if they come one behind the other */
		memcpy(&last, b->p + b->n - sizeof last, sizeof last);
		if (last.run == r->run && last.token == r->token && last.verdict == r->verdict &&
		    last.delay_ms == r->delay_ms) {
			last.mask |= r->mask;
			memcpy(b->p + b->n - sizeof last, &last, sizeof last);
			return;
		}
	}
	buf_put(b, r, sizeof *r);
}

void subs_again(struct subs *s)
{
	s->counted = false;
	s->suspect = 0;
	buf_clear(&s->settles);
	s->settled = 0;
	for (uint32_t i = 0; i < s->n; i++) {
		struct sub *sub = s->v[i];

		if (sub->state != SUB_ON && sub->state != SUB_ASKED)
			continue; /* an unanswered UNSUBSCRIBE goes again as any request does */
		if (sub->state == SUB_ASKED && !sub->answered)
			continue; /* likewise its first SUBSCRIBE */
		if (sub->state == SUB_ON) {
			sub->state = SUB_WANTED;
			list_remove(&sub->owed);
			list_push_back(&s->wanted, &sub->link);
		}
		s->gap = true;
	}
}

/* ---- requests ---- */

static void request(struct csession *c, const struct msg *m, const struct sub *sub)
{
	struct request *r = requests_new(&c->requests, m->h.kind, sub->call);

	r->sub = sub->number;
	msg_encode(&r->bytes, m);
	requests_number(&c->requests, r);
}

void subs_request(struct csession *c)
{
	struct subs *s = &c->subs;

	while (!list_empty(&s->wanted) && requests_left(&c->requests) > CSESSION_RESERVED_REQUESTS) {
		struct sub *sub = list_item(s->wanted.next, struct sub, link);
		struct msg m = { .h = { .version = PROTO_VERSION_MIN, .kind = MSG_SUBSCRIBE },
			         .u.subscribe = sub->want };

		list_remove(&sub->link);
		sub->state = SUB_ASKED;
		sub->base = sub->received;
		sub->drift = sub->made_good = 0;
		request(c, &m, sub);
	}
	while (!list_empty(&s->leaving) && requests_left(&c->requests) > CSESSION_RESERVED_REQUESTS) {
		struct sub *sub = list_item(s->leaving.next, struct sub, link);
		struct msg m = { .h = { .version = PROTO_VERSION_MIN, .kind = MSG_UNSUBSCRIBE } };

		m.u.unsubscribe.sub = sub->number;
		list_remove(&sub->link);
		request(c, &m, sub);
	}
}

/* The answer to SUBSCRIBE: the first one is the user's. */
static bool subscribed(struct csession *c, struct sub *sub, uint32_t error)
{
	bool first = !sub->answered;

	if (sub->state == SUB_LEAVING)
		list_push_back(&c->subs.leaving, &sub->link);
	if (sub->state != SUB_ASKED)
		return first;
	sub->answered = true;
	sub->state = SUB_ON; /* refused, too: the user unsubscribes it like any other */
	if (error == SHEAF_OK && list_empty(&sub->owed))
		list_push_back(&c->subs.owed, &sub->owed);
	return first;
}

bool subs_answered(struct csession *c, const struct request *r, uint32_t error)
{
	struct sub *sub = subs_find(&c->subs, r->sub);

	if (!sub)
		return true;
	if (r->kind == MSG_SUBSCRIBE)
		return subscribed(c, sub, error);
	if (sub->state == SUB_LEAVING)
		give_slot(&c->subs, sub);
	return true;
}

/* ---- what is not answered ---- */

bool subs_unsent(const struct subs *s)
{
	return s->settles.n > s->settled || !list_empty(&s->wanted) || !list_empty(&s->leaving) ||
	       !list_empty(&s->owed);
}

bool subs_settle_frame(struct csession *c, struct msg_header h, struct buf *out)
{
	struct subs *s = &c->subs;
	struct msg_writer w;

	if (s->settled == s->settles.n)
		return false;
	h.kind = MSG_SETTLE;
	msg_begin(&w, out, &h, 0);
	while (s->settled < s->settles.n && w.n < LIMIT_RECORDS) {
		struct msg_settle_rec r;

		memcpy(&r, s->settles.p + s->settled, sizeof r);
		s->settled += sizeof r;
		msg_put_settle(&w, &r);
	}
	msg_end(&w);
	if (s->settled < s->settles.n)
		return true;
	s->settled = 0;
	buf_clear(&s->settles);
	if (s->settles.cap > SETTLES_KEEP) {
		buf_fini(&s->settles);
		buf_init(&s->settles);
	}
	return true;
}

bool subs_credit_frame(struct csession *c, struct msg_header h, struct buf *out)
{
	struct msg_credit_rec v[LIMIT_RECORDS];
	struct msg m = { .h = h };
	uint32_t n = 0;

	while (!list_empty(&c->subs.owed) && n < LIMIT_RECORDS) {
		struct sub *sub = list_item(c->subs.owed.next, struct sub, owed);
		int64_t bytes = (int64_t)(sub->bytes - sub->base) + sub->drift;

		list_remove(&sub->owed);
		sub->made_good = sub->drift;
		v[n++] = (struct msg_credit_rec){ sub->number, sub->ready, bytes > 0 ? (uint64_t)bytes : 0 };
	}
	if (n == 0)
		return false;
	m.h.kind = MSG_CREDIT;
	m.u.credit.v = v;
	m.u.credit.n = n;
	msg_encode(out, &m);
	return true;
}
