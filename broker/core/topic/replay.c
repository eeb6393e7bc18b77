/* See replay.h. The log may begin anywhere, so a fact may speak of a topic or channel whose own fact comes later: it is
 * made without a name, and what the later fact says is true. What a damaged log has lost shows as a contradiction: then
 * the later fact is believed, and what it contradicts is gone. */
#include "broker/core/topic/replay.h"

#include <stdlib.h>

#include "broker/core/client.h"
#include "broker/core/topic/channel.h"
#include "broker/core/topic/fact.h"
#include "broker/core/topic/gone.h"
#include "broker/core/topic/parcel.h"
#include "broker/core/topic/run.h"
#include "broker/core/topic/topic.h"

/* Whether it passes on what comes, as far as the replay knows. */
static bool flows(const struct topic *t)
{
	return t->known && t->flowed;
}

/* So many messages have come for its channels. */
static void count_passed(struct topic *t, uint64_t messages)
{
	t->passed_n += messages;
	for (struct list *p = t->channels.next; p != &t->channels; p = p->next)
		list_item(p, struct channel, link)->messages += messages;
}

/* What waited is passed on, if it may. */
static void pump(struct topic *t)
{
	if (!flows(t))
		return;
	count_passed(t, t->depth);
	t->depth = 0;
}

static bool named(const char *name, struct span s)
{
	return strlen(name) == s.n && memcmp(name, s.p, s.n) == 0;
}

static bool topic_fact_came(struct core *c, struct span body)
{
	struct topic *t, *same;
	struct fact_topic f;

	if (!fact_get_topic(body, &f) || topic_ephemeral(f.name))
		return false;
	t = topic_at(c, f.index);
	if (t->name[0] != '\0' && !named(t->name, f.name)) {
		topic_gone(c, t);
		t = topic_at(c, f.index);
	}
	same = topic_find(c, f.name);
	if (same != NULL && same != t)
		topic_gone(c, same);
	if (t->name[0] == '\0')
		topic_name(c, t, f.name);
	t->known = true;
	t->paused = f.paused;
	t->flowed = f.flows;
	t->passed = f.passed;
	t->passed_n = f.passed_n;
	t->depth = f.messages > f.passed_n ? f.messages - f.passed_n : 0;
	t->keep_ms = f.keep_ms;
	t->keep_bytes = f.keep_bytes;
	t->messages = f.messages;
	t->bytes = f.bytes;
	pump(t);
	return true;
}

/* The topic's first run of at least this number, or NULL. Channels that were made late begin near the end. */
static struct run *run_from(const struct topic *t, uint64_t number)
{
	const struct run *first = t->sweep, *last = run_last(t);
	struct list *p = t->runs.prev;

	if (last == NULL || last->number < number)
		return NULL;
	if (number - first->number < last->number - number) {
		for (p = t->runs.next; list_item(p, struct run, link)->number < number;)
			p = p->next;
		return list_item(p, struct run, link);
	}
	while (p->prev != &t->runs && list_item(p->prev, struct run, link)->number >= number)
		p = p->prev;
	return list_item(p, struct run, link);
}

static void drop_below(struct core *c, struct list *parcels, uint64_t number)
{
	struct list *p, *next;

	for (p = parcels->next; p != parcels; p = next) {
		struct parcel *one = list_item(p, struct parcel, link);

		next = p->next;
		if (one->run->number < number)
			parcel_finish(c, one, one->mask);
	}
}

/* What it has of runs below its start is gone. */
static void drop_below_start(struct core *c, struct channel *ch)
{
	drop_below(c, &ch->waiting, ch->start);
	drop_below(c, &ch->deferred, ch->start);
	drop_below(c, &ch->dying, ch->start);
	if (ch->cursor != NULL && ch->cursor->number < ch->start)
		channel_place(c, ch, run_from(ch->topic, ch->start));
	if (ch->reached < ch->start)
		ch->reached = ch->start;
}

/* The channel of this index and topic; what else has the index is gone. In a replay alone its cursor is at the first
 * run that there is. */
static struct channel *channel_here(struct core *c, uint16_t index, struct topic *t)
{
	struct channel *ch = channel_at(c, index, t);
	bool fresh = ch->start == 0 && ch->reached == 0 && ch->cursor == NULL;

	if (ch->topic != t) {
		channel_gone(c, ch);
		return channel_here(c, index, t);
	}
	if (fresh)
		channel_place(c, ch, list_empty(&t->runs) ? NULL : list_item(t->runs.next, struct run, link));
	return ch;
}

static bool channel_fact_came(struct core *c, struct span body)
{
	struct channel *ch, *same;
	struct fact_channel f;
	struct topic *t;

	if (!fact_get_channel(body, &f) || topic_ephemeral(f.name))
		return false;
	t = topic_at(c, f.topic);
	ch = channel_here(c, f.index, t);
	if (ch->name[0] != '\0' && !named(ch->name, f.name)) {
		channel_gone(c, ch);
		ch = channel_here(c, f.index, t);
	}
	same = channel_find(t, f.name);
	if (same != NULL && same != ch)
		channel_gone(c, same);
	if (ch->name[0] == '\0')
		channel_name(c, ch, f.name);
	ch->known = true;
	ch->paused = f.paused;
	ch->settings.ordered = f.ordered;
	ch->settings.attempts = f.attempts;
	memset(ch->settings.dead, 0, sizeof ch->settings.dead);
	if (f.dead.n > 0)
		memcpy(ch->settings.dead, f.dead.p, f.dead.n);
	ch->messages = f.messages;
	ch->requeued = f.requeued;
	ch->timed_out = f.timed_out;
	ch->dead = f.died;
	ch->start = f.start;
	drop_below_start(c, ch);
	return true;
}

static bool topic_gone_came(struct core *c, struct span body)
{
	uint64_t index;

	if (!fact_get_u64(body, &index) || index >= LIMIT_TOPICS)
		return false;
	if (index < c->topics.n_topics && c->topics.topics[index] != NULL)
		topic_gone(c, c->topics.topics[index]);
	return true;
}

static bool channel_gone_came(struct core *c, struct span body)
{
	uint64_t index;

	if (!fact_get_u64(body, &index) || index >= LIMIT_CHANNELS)
		return false;
	if (index < c->topics.n_channels && c->topics.channels[index] != NULL)
		channel_gone(c, c->topics.channels[index]);
	return true;
}

/* A run was put, or moved to where another trimmed part of the log was: for each channel it is behind the cursor or,
 * if that has come beyond it, in a parcel. */
static void tell_channels(struct core *c, struct topic *t, struct run *r)
{
	for (struct list *p = t->channels.next; p != &t->channels; p = p->next) {
		struct channel *ch = list_item(p, struct channel, link);

		if (r->number < ch->start)
			continue;
		if (r->number < ch->reached)
			parcel_back(c, parcel_new(c, ch, r, mask_of(0, r->count), 0), r->due_ms);
		else if (ch->cursor == NULL || ch->cursor->number > r->number)
			channel_place(c, ch, r);
	}
}

static bool one_run_came(struct core *c, struct topic *t, const struct fact_messages *f, const struct run_new *n)
{
	struct run *r = run_find(c, n->number);

	if (r != NULL && r->topic == t && r->length == n->length && r->crc == n->crc && r->count == n->count) {
		run_moved(c, r, n->at, n->overhead);
		return true;
	}
	if (r != NULL)
		return false;
	tell_channels(c, t, run_put(c, t, n));
	if (f->flags & FACT_MOVED)
		return true;
	t->messages += n->count;
	t->bytes += n->length - 4u * n->count;
	if (flows(t))
		count_passed(t, n->count);
	else
		t->depth += n->count;
	return true;
}

static bool messages_came(struct core *c, uint64_t facts_at, const struct fact *fact)
{
	struct span rest = fact->body;
	struct fact_messages f;
	struct fact_run_rec r;
	uint64_t first = 0;
	uint32_t messages = 0;

	if (!fact_get_messages(&rest, &f))
		return false;
	for (uint32_t i = 0; i < f.count; i++) {
		struct run_new n;

		if (!fact_get_run_rec(&rest, &r))
			return false;
		first = i == 0 ? r.number * RUN_MESSAGES : first;
		messages += r.count;
		if (r.number >= c->topics.next_run)
			c->topics.next_run = r.number + 1;
		if (f.flags & FACT_EPHEMERAL)
			continue;
		n = (struct run_new){ .number = r.number,
			              .at = facts_at + fact->offset + (uint64_t)(r.packed.p - fact->body.p),
			              .length = (uint32_t)r.packed.n,
			              .crc = r.crc,
			              .overhead = run_overhead(f.count),
			              .count = r.count,
			              .time_ms = f.time_ms,
			              .due_ms = f.due_ms };
		if (!one_run_came(c, topic_at(c, f.topic), &f, &n))
			return false;
	}
	if (f.session != 0 && !(f.flags & FACT_MOVED)) {
		struct client *cl = client_at(c, f.session);

		client_answered(cl, f.floor);
		client_remember(cl, f.number, first, messages);
	}
	return true;
}

/* The channel of a record, with its cursor beyond that run; NULL: it says nothing that matters any more. */
static struct channel *channel_beyond(struct core *c, uint16_t index, const struct run *r)
{
	struct channel *ch;

	if (r == NULL)
		return NULL;
	ch = channel_here(c, index, r->topic);
	if (r->number < ch->start)
		return NULL;
	channel_advance(c, ch, r->number + 1);
	if (ch->reached <= r->number)
		ch->reached = r->number + 1;
	return ch;
}

static bool done_came(struct core *c, const struct fact *fact)
{
	struct span rest = fact->body;
	struct fact_done_rec rec;
	uint32_t count;
	uint8_t flags;

	if (!fact_get_count(&rest, &flags, &count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		struct parcel *p, *next;
		struct channel *ch;
		struct run *r;

		if (!fact_get_done_rec(&rest, &rec))
			return false;
		r = run_find(c, rec.run);
		ch = channel_beyond(c, rec.channel, r);
		for (p = ch != NULL ? parcel_of(r, ch, NULL) : NULL; p != NULL; p = next) {
			next = parcel_of(r, ch, p);
			if (p->mask & rec.mask)
				parcel_finish(c, p, p->mask & rec.mask);
		}
	}
	return true;
}

/* The messages of a record in their parcels, which have come back. */
static void came_back(struct core *c, struct run *r, struct channel *ch, const struct fact_parcel_rec *rec)
{
	struct parcel *p, *next;

	for (p = parcel_of(r, ch, NULL); p != NULL; p = next) {
		uint64_t mask = p->mask & rec->mask;

		next = parcel_of(r, ch, p);
		if (mask == 0)
			continue;
		p = parcel_split(c, p, mask);
		p->attempts = rec->attempts;
		parcel_back(c, p, rec->due_ms);
	}
}

static bool back_came(struct core *c, const struct fact *fact)
{
	struct span rest = fact->body;
	struct fact_parcel_rec rec;
	uint32_t count;
	uint8_t flags;

	if (!fact_get_count(&rest, &flags, &count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		struct channel *ch;
		struct run *r;

		if (!fact_get_parcel_rec(&rest, &rec))
			return false;
		r = run_find(c, rec.run);
		ch = channel_beyond(c, rec.channel, r);
		if (ch == NULL)
			continue;
		came_back(c, r, ch, &rec);
		if (!(flags & FACT_MOVED))
			*(rec.timed_out ? &ch->timed_out : &ch->requeued) += mask_count(rec.mask);
	}
	return true;
}

static bool dropped_came(struct core *c, struct span body)
{
	struct fact_dropped f;
	struct topic *t;
	struct run *r;

	if (!fact_get_dropped(body, &f))
		return false;
	t = topic_at(c, f.topic);
	r = t->sweep;
	while (r != NULL && r->number < f.to) {
		struct run *next = run_next(r);

		if (r->number >= f.from) {
			t->passed_n += r->count;
			t->depth -= r->count < t->depth ? r->count : t->depth;
			run_gone(c, r);
		}
		r = next;
	}
	if (t->passed < f.to)
		t->passed = f.to;
	return true;
}

bool replay_topic(struct core *c, uint64_t facts_at, const struct fact *f)
{
	switch (f->type) {
	case FACT_TOPIC:
		return topic_fact_came(c, f->body);
	case FACT_TOPIC_GONE:
		return topic_gone_came(c, f->body);
	case FACT_CHANNEL:
		return channel_fact_came(c, f->body);
	case FACT_CHANNEL_GONE:
		return channel_gone_came(c, f->body);
	case FACT_MESSAGES_PUT:
		return messages_came(c, facts_at, f);
	case FACT_MESSAGES_DONE:
		return done_came(c, f);
	case FACT_MESSAGES_BACK:
		return back_came(c, f);
	case FACT_MESSAGES_DROPPED:
		return dropped_came(c, f->body);
	default:
		return false;
	}
}
