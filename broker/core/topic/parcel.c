/* See parcel.h. */
#include "broker/core/topic/parcel.h"

#include <stdlib.h>

#include "broker/core/topic/channel.h"
#include "broker/core/topic/consumer.h"
#include "broker/core/topic/letters.h"
#include "broker/core/topic/run.h"

static struct parcel *take_spare(struct topics *t)
{
	struct parcel *p;

	if (list_empty(&t->spare_parcels)) {
		p = malloc(sizeof *p);
		must(p != NULL);
		return p;
	}
	p = list_item(t->spare_parcels.next, struct parcel, link);
	list_remove(&p->link);
	t->n_spare--;
	return p;
}

/* Into the run's list. */
static void link_parcel(struct run *r, struct parcel *p)
{
	p->next = r->parcels;
	p->from = &r->parcels;
	if (p->next != NULL)
		p->next->from = &p->next;
	r->parcels = p;
}

struct parcel *parcel_new(struct core *c, struct channel *ch, struct run *r, uint64_t mask, uint32_t attempts)
{
	struct parcel *p = take_spare(&c->topics);

	must(mask != 0);
	*p = (struct parcel){
		.run = r, .channel = ch, .mask = mask, .attempts = attempts, .left = (uint8_t)mask_count(mask)
	};
	list_init(&p->link);
	link_parcel(r, p);
	c->topics.n_parcels++;
	return p;
}

static void parcel_free(struct core *c, struct parcel *p)
{
	struct topics *t = &c->topics;

	*p->from = p->next;
	if (p->next != NULL)
		p->next->from = p->from;
	t->n_parcels--;
	if (t->n_spare >= TOPIC_SPARE) {
		free(p);
		return;
	}
	list_push_back(&t->spare_parcels, &p->link);
	t->n_spare++;
}

/* Counts n of its messages in its container, or no longer. */
static void count(struct parcel *p, int64_t n)
{
	struct channel *ch = p->channel;
	uint64_t by = (uint64_t)n;

	switch ((enum parcel_state)p->state) {
	case PARCEL_WAITING:
		ch->n_waiting += by;
		break;
	case PARCEL_DEFERRED:
		ch->n_deferred += by;
		ch->n_retry += p->attempts > 0 ? by : 0;
		break;
	case PARCEL_IN_HAND:
		ch->n_in_hand += by;
		p->consumer->in_hand += (uint32_t)by;
		break;
	case PARCEL_DYING:
		ch->n_dying += by;
		break;
	case PARCEL_NONE:
		break;
	}
}

/* Where the parcel is from now on: the one function that assigns its state. Whoever calls it has filled in what the
 * new state needs, and puts it into that one's container. */
static void set_state(struct core *c, struct parcel *p, enum parcel_state state)
{
	struct consumer *cn = p->consumer;
	bool was_in_hand = p->state == PARCEL_IN_HAND;

	count(p, -(int64_t)p->left);
	list_remove(&p->link);
	if (heap_has(&p->timer))
		heap_remove(was_in_hand ? &c->topics.returns : &c->topics.dues, &p->timer);
	if (was_in_hand) {
		free(p->until);
		p->until = NULL;
		p->consumer = NULL;
	} else if (p->state == PARCEL_DYING) {
		letters_forget(c, p);
	}
	p->state = (uint8_t)state;
	if (was_in_hand)
		consumer_look(c, cn);
}

struct parcel *parcel_split(struct core *c, struct parcel *p, uint64_t mask)
{
	struct parcel *q;

	must(mask != 0 && (mask & ~p->mask) == 0);
	if (mask == p->mask) {
		set_state(c, p, PARCEL_NONE);
		return p;
	}
	q = parcel_new(c, p->channel, p->run, mask, p->attempts);
	count(p, -(int64_t)q->left);
	p->mask &= ~mask;
	p->left = (uint8_t)(p->left - q->left);
	if (p->state == PARCEL_IN_HAND) {
		parcel_retime(c, p);
		consumer_look(c, p->consumer);
	}
	return q;
}

void parcel_retime(struct core *c, struct parcel *p)
{
	uint64_t first = UINT64_MAX;

	if (p->until == NULL)
		return;
	for (uint64_t rest = p->mask; rest != 0; rest &= rest - 1) {
		uint64_t at = p->until[__builtin_ctzll(rest)];

		first = at < first ? at : first;
	}
	if (first != p->timer.key)
		heap_move(&c->topics.returns, &p->timer, first);
}

void parcel_hand(struct core *c, struct parcel *p, struct consumer *cn, uint64_t token)
{
	set_state(c, p, PARCEL_NONE);
	p->attempts++;
	p->consumer = cn;
	p->token = token;
	p->since = c->t;
	set_state(c, p, PARCEL_IN_HAND);
	list_push_back(&cn->parcels, &p->link);
	count(p, p->left);
	p->timer.key = c->t + cn->timeout_ms;
	p->timer.tie = token;
	heap_add(&c->topics.returns, &p->timer);
}

void parcel_wait(struct core *c, struct parcel *p)
{
	struct channel *ch = p->channel;

	set_state(c, p, PARCEL_WAITING);
	p->behind = ch->topic->passed;
	if (ch->settings.ordered)
		list_push_front(&ch->waiting, &p->link);
	else
		list_push_back(&ch->waiting, &p->link);
	count(p, p->left);
	channel_heat(c, ch);
}

void parcel_defer(struct core *c, struct parcel *p, uint64_t due_ms)
{
	set_state(c, p, PARCEL_DEFERRED);
	list_push_back(&p->channel->deferred, &p->link);
	count(p, p->left);
	p->timer.key = due_ms;
	p->timer.tie = p->run->number * RUN_MESSAGES + (uint64_t)__builtin_ctzll(p->mask);
	heap_add(&c->topics.dues, &p->timer);
}

void parcel_die(struct core *c, struct parcel *p)
{
	set_state(c, p, PARCEL_DYING);
	p->token = 0;
	list_push_front(&p->channel->dying, &p->link);
	count(p, p->left);
	letters_wake(c, p->channel);
	channel_heat(c, p->channel);
}

void parcel_back(struct core *c, struct parcel *p, uint64_t due_ms)
{
	const struct channel_settings *s = &p->channel->settings;

	if (s->attempts != 0 && p->attempts >= s->attempts)
		parcel_die(c, p);
	else if (due_ms > c->wall)
		parcel_defer(c, p, due_ms);
	else
		parcel_wait(c, p);
}

void parcel_finish(struct core *c, struct parcel *p, uint64_t mask)
{
	struct channel *ch = p->channel;
	struct run *r = p->run;

	must((mask & ~p->mask) == 0);
	if (mask == p->mask) {
		set_state(c, p, PARCEL_NONE);
		parcel_free(c, p);
		run_let_go(c, r);
	} else {
		count(p, -(int64_t)mask_count(mask));
		p->mask &= ~mask;
		p->left = (uint8_t)mask_count(p->mask);
		if (p->state == PARCEL_IN_HAND) {
			parcel_retime(c, p);
			consumer_look(c, p->consumer);
		}
	}
	channel_heat(c, ch);
}

struct parcel *parcel_of(const struct run *r, const struct channel *ch, const struct parcel *after)
{
	struct parcel *p = after != NULL ? after->next : r->parcels;

	while (p != NULL && p->channel != ch)
		p = p->next;
	return p;
}

void parcels_fini(struct core *c)
{
	while (!list_empty(&c->topics.spare_parcels)) {
		struct parcel *p = list_item(c->topics.spare_parcels.next, struct parcel, link);

		list_remove(&p->link);
		free(p);
	}
	c->topics.n_spare = 0;
}
