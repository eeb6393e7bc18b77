/* See channel.h and topic.h. */
#include "broker/core/topic/channel.h"

#include <stdlib.h>

#include "broker/core/topic/fact.h"
#include "broker/core/topic/parcel.h"
#include "broker/core/topic/run.h"
#include "broker/core/topic/topic.h"
#include "proto/codec.h"

struct channel *channel_find(const struct topic *t, struct span name)
{
	struct channel *ch;

	HASH_FIND(hh, t->by_channel, name.p, name.n, ch);
	return ch;
}

void channel_name(struct core *c, struct channel *ch, struct span name)
{
	must(name.n <= LIMIT_NAME && ch->name[0] == '\0');
	memcpy(ch->name, name.p, name.n);
	ch->name[name.n] = '\0';
	ch->ephemeral = topic_ephemeral(name);
	HASH_ADD_KEYPTR(hh, ch->topic->by_channel, ch->name, name.n, ch);
	c->topics.generation++;
}

struct channel *channel_at(struct core *c, uint16_t index, struct topic *t)
{
	struct topics *all = &c->topics;
	struct channel *ch;

	must(index < LIMIT_CHANNELS);
	if (index >= all->cap_channels) {
		uint32_t cap = all->cap_channels ? all->cap_channels : 16;

		while (cap <= index)
			cap *= 2;
		all->channels = realloc(all->channels, cap * sizeof all->channels[0]);
		must(all->channels != NULL);
		memset(all->channels + all->cap_channels, 0, (cap - all->cap_channels) * sizeof all->channels[0]);
		all->cap_channels = cap;
	}
	if (index >= all->n_channels)
		all->n_channels = index + 1u;
	if (all->channels[index] != NULL)
		return all->channels[index];
	ch = calloc(1, sizeof *ch);
	must(ch != NULL);
	ch->index = index;
	ch->topic = t;
	list_init(&ch->waiting);
	list_init(&ch->deferred);
	list_init(&ch->dying);
	list_init(&ch->letters);
	list_init(&ch->consumers);
	list_init(&ch->ready);
	list_init(&ch->hot);
	list_init(&ch->chore);
	list_push_back(&t->channels, &ch->link);
	t->n_channels++;
	all->channels[index] = ch;
	all->live_channels++;
	return ch;
}

/* Puts a new channel's cursor to what no channel has seen, or before that to what is kept and not older. */
static void begin_since(struct core *c, struct channel *ch, uint64_t since_ms)
{
	struct topic *t = ch->topic;
	struct run *at = topic_unpassed(t);
	struct list *p = at != NULL ? at->link.prev : t->runs.prev;

	ch->start = t->passed;
	ch->passed = t->passed_n;
	for (; since_ms != 0 && t->sweep != NULL && p != &t->runs; p = p->prev) {
		struct run *r = list_item(p, struct run, link);

		if (r->time_ms < since_ms || r->number < t->sweep->number)
			break;
		at = r;
		ch->start = r->number;
		ch->passed -= r->count;
		ch->messages += r->count;
	}
	channel_place(c, ch, at);
	ch->reached = ch->start;
}

struct channel *channel_for(struct core *c, struct topic *t, struct span name, uint64_t since_ms)
{
	struct channel *ch = channel_find(t, name);
	struct topics *all = &c->topics;
	uint32_t index = 0;

	if (ch != NULL)
		return ch;
	if (t->n_channels >= LIMIT_TOPIC_CHANNELS || all->live_channels >= LIMIT_CHANNELS)
		return NULL;
	if (all->live_channels == all->n_channels)
		index = all->n_channels;
	while (index < all->n_channels && all->channels[index] != NULL)
		index++;
	ch = channel_at(c, (uint16_t)index, t);
	channel_name(c, ch, name);
	begin_since(c, ch, since_ms);
	channel_fact(c, ch);
	if (t->n_channels == 1 && !t->paused)
		topic_fact(c, t); /* it flows now */
	topic_pump(c, t);
	return ch;
}

void channel_fact(struct core *c, const struct channel *ch)
{
	if (!channel_durable(ch))
		return;
	fact_put_channel(&c->fx->block, &(struct fact_channel){ .index = ch->index,
	                                                        .topic = ch->topic->index,
	                                                        .paused = ch->paused,
	                                                        .ordered = ch->settings.ordered,
	                                                        .name = span_str(ch->name),
	                                                        .dead = span_str(ch->settings.dead),
	                                                        .start = ch->start,
	                                                        .attempts = ch->settings.attempts,
	                                                        .messages = ch->messages,
	                                                        .requeued = ch->requeued,
	                                                        .timed_out = ch->timed_out,
	                                                        .died = ch->dead });
}

void channel_place(struct core *c, struct channel *ch, struct run *r)
{
	struct run *old = ch->cursor;

	ch->cursor = r;
	ch->cursor_at = 0;
	if (r != NULL)
		r->cursors++;
	if (old != NULL && --old->cursors == 0)
		sweep_wake(c, ch->topic);
}

uint64_t channel_pass(struct core *c, struct channel *ch, uint32_t n)
{
	struct run *r = ch->cursor;
	uint64_t mask;

	must(r != NULL && n > 0 && ch->cursor_at + n <= r->count);
	mask = mask_of(ch->cursor_at, n);
	ch->cursor_at = (uint8_t)(ch->cursor_at + n);
	ch->passed += n;
	if (ch->cursor_at == r->count) {
		ch->reached = r->number + 1;
		channel_place(c, ch, run_next(r));
	}
	return mask;
}

void channel_advance(struct core *c, struct channel *ch, uint64_t number)
{
	while (ch->cursor != NULL && ch->cursor->number < number) {
		struct run *r = ch->cursor;
		uint64_t mask = channel_pass(c, ch, r->count - ch->cursor_at);

		parcel_back(c, parcel_new(c, ch, r, mask, 0), r->due_ms);
	}
}

void channel_defer(struct core *c, struct channel *ch)
{
	struct run *r;

	for (int i = 0; i < STEP_WORK && (r = channel_run(ch)) != NULL && r->due_ms > c->wall; i++) {
		uint32_t n = r->count - ch->cursor_at;
		bool full = ch->ephemeral && ch->n_deferred + n > LIMIT_EPHEMERAL_DEPTH;
		uint64_t mask;

		if (!full && c->topics.n_parcels >= LIMIT_PARCELS)
			break;
		mask = channel_pass(c, ch, n);
		if (!full)
			parcel_defer(c, parcel_new(c, ch, r, mask, 0), r->due_ms);
	}
}

void channel_came(struct core *c, struct channel *ch)
{
	while (ch->ephemeral && channel_backlog(ch) > LIMIT_EPHEMERAL_DEPTH) {
		uint64_t over = channel_backlog(ch) - LIMIT_EPHEMERAL_DEPTH;
		uint32_t rest = ch->cursor->count - ch->cursor_at;

		channel_pass(c, ch, over < rest ? (uint32_t)over : rest);
	}
	if (ch->empty_to == 0)
		channel_defer(c, ch);
	channel_heat(c, ch);
}

struct parcel *channel_waiting(const struct channel *ch)
{
	const struct run *r = channel_run(ch);
	struct parcel *p;

	if (list_empty(&ch->waiting))
		return NULL;
	p = list_item(ch->waiting.next, struct parcel, link);
	return ch->settings.ordered || r == NULL || r->number >= p->behind ? p : NULL;
}

bool channel_hot(const struct channel *ch)
{
	if (ch->paused || ch->doomed || ch->empty_to != 0 || ch->n_ready == 0)
		return false;
	if (ch->settings.ordered && (ch->n_in_hand > 0 || ch->n_retry > 0))
		return false;
	return channel_run(ch) != NULL || channel_waiting(ch) != NULL;
}

void channel_heat(struct core *c, struct channel *ch)
{
	if (list_empty(&ch->hot) && channel_hot(ch))
		list_push_back(&c->topics.hot, &ch->hot);
}

void channel_free(struct core *c, struct channel *ch)
{
	must(ch->cursor == NULL && list_empty(&ch->consumers));
	must(ch->n_waiting + ch->n_deferred + ch->n_in_hand + ch->n_dying == 0);
	list_remove(&ch->hot);
	list_remove(&ch->chore);
	list_remove(&ch->letters);
	c->topics.channels[ch->index] = NULL;
	c->topics.live_channels--;
	free(ch);
}
