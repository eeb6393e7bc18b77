/* core_check's part about topics: every message of a channel is in one place, and everything is counted right. */
#include "broker/core/check.h"

#include "base/must.h"
#include "broker/core/topic/channel.h"
#include "broker/core/topic/parcel.h"
#include "broker/core/topic/run.h"
#include "broker/core/topic/topic.h"

/* What a walk over all topics counts. */
struct sums {
	uint64_t runs, live_bytes, parcels, in_hand_parcels, deferred_parcels;
};

/* The messages of this run that the channel's cursor has passed. */
static uint64_t passed_mask(const struct channel *ch, const struct run *r)
{
	if (ch->cursor == r)
		return mask_of(0, ch->cursor_at);
	return r->number < ch->reached ? mask_of(0, r->count) : 0;
}

static void check_parcel(const struct core *c, const struct parcel *p, const struct run *r)
{
	const struct channel *ch = p->channel;

	must(p->run == r && *p->from == p && ch->topic == r->topic && c->topics.channels[ch->index] == ch);
	must(p->mask != 0 && p->left == mask_count(p->mask));
	must(ch->doomed || (p->mask & ~passed_mask(ch, r)) == 0);
	for (const struct parcel *q = parcel_of(r, ch, p); q != NULL; q = parcel_of(r, ch, q))
		must((p->mask & q->mask) == 0);
	must((p->consumer != NULL) == (p->state == PARCEL_IN_HAND));
	must(p->until == NULL || p->state == PARCEL_IN_HAND);
	must(heap_has(&p->timer) == (p->state == PARCEL_IN_HAND || p->state == PARCEL_DEFERRED));
	must(p->state != PARCEL_NONE && !list_empty(&p->link));
	must(p->state != PARCEL_IN_HAND || (p->attempts > 0 && p->token != 0 && p->consumer->channel == ch));
}

/* The run is where it should be, and its parcels are sound. */
static void check_run(const struct core *c, const struct topic *t, const struct run *r, struct sums *s)
{
	uint32_t cursors = 0;

	must(r->topic == t && r->number > 0 && r->number < c->topics.next_run && r->count > 0);
	must(run_find((struct core *)c, r->number) == r && r->count <= RUN_MESSAGES);
	must(r->at >= c->trim.tail && r->at + r->length <= c->trim.head);
	s->runs++;
	s->live_bytes += r->length + (uint64_t)r->overhead;
	for (const struct parcel *p = r->parcels; p != NULL; p = p->next) {
		check_parcel(c, p, r);
		s->parcels++;
		s->in_hand_parcels += p->state == PARCEL_IN_HAND;
		s->deferred_parcels += p->state == PARCEL_DEFERRED;
	}
	for (struct list *l = t->channels.next; l != &t->channels && r->cursors > 0; l = l->next)
		cursors += list_item(l, struct channel, link)->cursor == r;
	must(t->doomed || cursors == r->cursors);
}

static uint64_t count_line(const struct list *all, enum parcel_state state, const struct channel *ch, uint64_t *retry)
{
	uint64_t n = 0;

	for (const struct list *l = all->next; l != all; l = l->next) {
		const struct parcel *p = list_item(l, struct parcel, link);

		must(p->state == state && p->channel == ch);
		n += p->left;
		*retry += p->attempts > 0 ? p->left : 0;
	}
	return n;
}

static uint64_t check_consumers(const struct channel *ch)
{
	uint64_t in_hand = 0, n = 0, ready = 0;

	for (struct list *l = ch->consumers.next; l != &ch->consumers; l = l->next, n++) {
		const struct consumer *cn = list_item(l, struct consumer, link);
		uint64_t here = 0;

		must(cn->channel == ch);
		for (struct list *p = cn->parcels.next; p != &cn->parcels; p = p->next) {
			must(list_item(p, struct parcel, link)->consumer == cn);
			here += list_item(p, struct parcel, link)->left;
		}
		must(here == cn->in_hand);
		in_hand += here;
	}
	for (struct list *l = ch->ready.next; l != &ch->ready; l = l->next, ready++)
		must(list_item(l, struct consumer, ready)->channel == ch);
	must(n == ch->n_consumers && ready == ch->n_ready && n <= LIMIT_CONSUMERS);
	return in_hand;
}

static void check_channel(const struct core *c, const struct topic *t, const struct channel *ch)
{
	uint64_t retry = 0, none = 0;

	must(ch->topic == t && c->topics.channels[ch->index] == ch);
	must(count_line(&ch->waiting, PARCEL_WAITING, ch, &none) == ch->n_waiting);
	must(count_line(&ch->deferred, PARCEL_DEFERRED, ch, &retry) == ch->n_deferred);
	must(count_line(&ch->dying, PARCEL_DYING, ch, &none) == ch->n_dying);
	must(retry == ch->n_retry);
	must(check_consumers(ch) <= ch->n_in_hand);
	must(ch->cursor == NULL || (ch->cursor->topic == t && ch->cursor_at < ch->cursor->count));
	must(ch->cursor == NULL || (t->sweep != NULL && t->sweep->number <= ch->cursor->number));
	must(ch->cursor == NULL || ch->cursor->number >= ch->reached || ch->doomed);
	must(!list_empty(&ch->hot) || !channel_hot(ch));
	if (ch->name[0] != '\0' && !ch->doomed)
		must(channel_find(t, span_str(ch->name)) == ch);
}

/* What each channel has before it is all that its topic has passed on and its cursor has not. */
static void check_backlogs(const struct topic *t, uint64_t passed)
{
	uint64_t left = t->n_channels;
	uint64_t before = 0;

	for (struct list *l = t->runs.next; l != &t->runs; l = l->next) {
		const struct run *r = list_item(l, struct run, link);

		for (struct list *k = t->channels.next; k != &t->channels && r->cursors > 0; k = k->next) {
			const struct channel *ch = list_item(k, struct channel, link);

			if (ch->cursor != r)
				continue;
			left--;
			must(r->number >= t->passed ? channel_backlog(ch) == 0 && ch->cursor_at == 0
			                            : channel_backlog(ch) == passed - before - ch->cursor_at);
		}
		if (r->number < t->passed)
			before += r->count;
	}
	for (struct list *k = t->channels.next; k != &t->channels; k = k->next) {
		if (list_item(k, struct channel, link)->cursor != NULL)
			continue;
		left--;
		must(channel_backlog(list_item(k, struct channel, link)) == 0);
	}
	must(left == 0);
}

static void check_topic(const struct core *c, const struct topic *t, struct sums *s)
{
	uint64_t runs = 0, bytes = 0, depth = 0, passed = 0, number = 0, channels = 0;
	const struct run *unseen = NULL;
	bool swept = t->sweep != NULL;

	must(c->topics.topics[t->index] == t);
	for (struct list *l = t->runs.next; l != &t->runs; l = l->next, runs++) {
		const struct run *r = list_item(l, struct run, link);

		must(r->number > number);
		number = r->number;
		check_run(c, t, r, s);
		bytes += r->length;
		depth += r->number >= t->passed ? r->count : 0;
		passed += r->number < t->passed ? r->count : 0;
		unseen = unseen == NULL && r->number >= t->passed ? r : unseen;
		swept = swept && t->sweep != r;
		must(t->doomed || r->parcels != NULL || (t->sweep != NULL && r->number >= t->sweep->number));
	}
	must(!swept && runs == t->n_runs && bytes == t->bytes_there);
	for (struct list *l = t->channels.next; l != &t->channels; l = l->next, channels++)
		check_channel(c, t, list_item(l, struct channel, link));
	must(channels == t->n_channels);
	if (t->doomed)
		return;
	must(topic_find(c, span_str(t->name)) == t);
	if (t->drop_to != 0)
		return;
	must(depth == t->depth && unseen == t->unseen && t->passed_n + t->depth == t->messages);
	must(!topic_flows(t) || t->depth == 0);
	check_backlogs(t, passed);
}

uint64_t check_topics(const struct core *c)
{
	const struct topics *all = &c->topics;
	uint64_t topics = 0, channels = 0, consumers = 0;
	struct consumer *cn, *next;
	struct sums s = { 0 };

	for (uint32_t i = 0; i < all->n_topics; i++) {
		if (all->topics[i] == NULL)
			continue;
		check_topic(c, all->topics[i], &s);
		topics++;
	}
	for (uint32_t i = 0; i < all->n_channels; i++) {
		if (all->channels[i] == NULL)
			continue;
		consumers += all->channels[i]->n_consumers;
		channels++;
	}
	HASH_ITER(hh, c->topics.consumers, cn, next)
	{
		must(cn->channel != NULL && c->topics.channels[cn->channel->index] == cn->channel);
		consumers--;
	}
	must(consumers == 0 && topics == all->live_topics && channels == all->live_channels);
	must(s.runs == all->runs.count && s.parcels == all->n_parcels);
	must(s.in_hand_parcels == all->returns.n && s.deferred_parcels == all->dues.n);
	return s.live_bytes;
}
