/* The end of a replay, of topics: what has no name goes, parcels stand in line, and everything is counted. */
#include <stdlib.h>

#include "broker/core/fact.h"
#include "broker/core/fx.h"
#include "broker/core/topic/channel.h"
#include "broker/core/topic/gone.h"
#include "broker/core/topic/parcel.h"
#include "broker/core/topic/replay.h"
#include "broker/core/topic/run.h"
#include "broker/core/topic/topic.h"

/* Those whose own fact was lost to damage. A fact says that they are gone, for their index is given out again. */
static void drop_unknown(struct core *c)
{
	for (uint32_t i = 0; i < c->topics.n_channels; i++) {
		struct channel *ch = c->topics.channels[i];

		if (ch == NULL || (ch->known && ch->topic->known))
			continue;
		fx_log(c, LOG_ERROR, "channel-lost", "topic=%s index=%u its name was lost with damaged facts",
		       ch->topic->name, i);
		fact_put_u64(&c->fx->block, FACT_CHANNEL_GONE, i);
		channel_gone(c, ch);
	}
	for (uint32_t i = 0; i < c->topics.n_topics; i++) {
		struct topic *t = c->topics.topics[i];

		if (t == NULL || t->known)
			continue;
		fx_log(c, LOG_ERROR, "topic-lost", "index=%u runs=%llu its name was lost with damaged facts", i,
		       (unsigned long long)t->n_runs);
		fact_put_u64(&c->fx->block, FACT_TOPIC_GONE, i);
		topic_gone(c, t);
	}
}

/* In the order of the messages. */
static int in_line(const void *a, const void *b)
{
	const struct parcel *p = *(struct parcel *const *)a, *q = *(struct parcel *const *)b;

	if (p->run != q->run)
		return p->run->number < q->run->number ? -1 : 1;
	return __builtin_ctzll(p->mask) - __builtin_ctzll(q->mask);
}

/* Whether its attempts are spent by what is set now. */
static bool spent(const struct parcel *p)
{
	uint32_t most = p->channel->settings.attempts;

	return most != 0 && p->attempts >= most;
}

static void stand_in_line(struct core *c, struct channel *ch)
{
	struct parcel **v;
	size_t n = 0;

	for (struct list *l = ch->waiting.next; l != &ch->waiting; l = l->next)
		n++;
	for (struct list *l = ch->deferred.next; l != &ch->deferred; l = l->next)
		n++;
	if (n == 0)
		return;
	v = malloc(n * sizeof(struct parcel *));
	must(v != NULL);
	n = 0;
	for (struct list *l = ch->deferred.next; l != &ch->deferred; l = l->next)
		if (spent(list_item(l, struct parcel, link)))
			v[n++] = list_item(l, struct parcel, link);
	while (!list_empty(&ch->waiting)) {
		v[n] = list_item(ch->waiting.next, struct parcel, link);
		list_remove(&v[n++]->link);
	}
	qsort(v, n, sizeof(struct parcel *), in_line);
	for (size_t i = 0; i < n; i++) {
		if (v[i]->state == PARCEL_WAITING) {
			v[i]->behind = 0;
			list_push_back(&ch->waiting, &v[i]->link);
		}
		if (spent(v[i]))
			parcel_die(c, v[i]);
	}
	free(v);
}

/* What the channels whose cursor is in this run have passed, when so many messages are before it. */
static void count_cursors(struct topic *t, const struct run *r, uint64_t before)
{
	uint32_t left = r->cursors;

	for (struct list *l = t->channels.next; l != &t->channels && left > 0; l = l->next) {
		struct channel *ch = list_item(l, struct channel, link);

		if (ch->cursor == r) {
			ch->passed = before + ch->cursor_at;
			left--;
		}
	}
}

static void count_topic(struct core *c, struct topic *t)
{
	uint64_t passed = 0, before;
	struct run *r;

	if (topic_flows(t) || t->flowed)
		t->passed = c->topics.next_run;
	t->depth = 0;
	t->unseen = NULL;
	for (r = t->sweep; r != NULL; r = run_next(r)) {
		if (r->number < t->passed) {
			passed += r->count;
			continue;
		}
		t->unseen = t->unseen != NULL ? t->unseen : r;
		t->depth += r->count;
	}
	if (t->messages < passed + t->depth)
		t->messages = passed + t->depth; /* some facts were lost to damage */
	t->passed_n = t->messages - t->depth;
	for (struct list *l = t->channels.next; l != &t->channels; l = l->next)
		list_item(l, struct channel, link)->passed = t->passed_n;
	before = t->passed_n - passed;
	for (r = t->sweep; r != NULL && r->number < t->passed; r = run_next(r)) {
		count_cursors(t, r, before);
		before += r->count;
	}
}

void replay_topics_finish(struct core *c)
{
	drop_unknown(c);
	for (uint32_t i = 0; i < c->topics.n_channels; i++)
		if (c->topics.channels[i] != NULL)
			stand_in_line(c, c->topics.channels[i]);
	for (uint32_t i = 0; i < c->topics.n_topics; i++) {
		if (c->topics.topics[i] == NULL)
			continue;
		count_topic(c, c->topics.topics[i]);
		if (c->topics.topics[i]->flowed && !topic_flows(c->topics.topics[i]))
			topic_fact(c, c->topics.topics[i]); /* its channels were ephemeral: what comes now waits */
		sweep_wake(c, c->topics.topics[i]);
	}
}
