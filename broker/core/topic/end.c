/* See end.h. */
#include "broker/core/topic/end.h"

#include "broker/core/topic/channel.h"
#include "broker/core/topic/consumer.h"
#include "broker/core/topic/fact.h"
#include "broker/core/topic/parcel.h"
#include "broker/core/topic/run.h"
#include "broker/core/topic/step.h"
#include "broker/core/topic/topic.h"

void channel_end(struct core *c, struct channel *ch)
{
	struct topic *t = ch->topic;

	must(!ch->doomed);
	if (channel_durable(ch))
		fact_put_u64(&c->fx->block, FACT_CHANNEL_GONE, ch->index);
	HASH_DELETE(hh, t->by_channel, ch);
	c->topics.generation++;
	list_remove(&ch->link);
	t->n_channels--;
	t->n_doomed++;
	ch->doomed = true;
	channel_place(c, ch, NULL);
	ch->reached = c->topics.next_run;
	list_remove(&ch->hot);
	list_remove(&ch->letters);
	if (list_empty(&ch->chore))
		list_push_back(&c->topics.chores, &ch->chore);
	sweep_wake(c, t);
	if (t->n_channels == 0 && !t->paused && c->fx != NULL)
		topic_fact(c, t); /* what comes now waits; not when the core itself ends */
	if (t->ephemeral && t->n_channels == 0 && !t->doomed)
		topic_end(c, t);
}

void topic_end(struct core *c, struct topic *t)
{
	must(!t->doomed);
	if (!t->ephemeral)
		fact_put_u64(&c->fx->block, FACT_TOPIC_GONE, t->index);
	HASH_DELETE(hh, c->topics.by_name, t);
	c->topics.generation++;
	t->doomed = true;
	while (!list_empty(&t->channels))
		channel_end(c, list_item(t->channels.next, struct channel, link));
	list_remove(&t->sweeps);
	if (heap_has(&t->keep_timer))
		heap_remove(&c->topics.keeps, &t->keep_timer);
	if (list_empty(&t->chore))
		list_push_back(&c->topics.chores_of_topics, &t->chore);
}

void channel_empty(struct core *c, struct channel *ch)
{
	struct topic *t = ch->topic;

	channel_place(c, ch, topic_unpassed(t));
	ch->passed = t->passed_n;
	ch->start = ch->reached = t->passed;
	ch->empty_to = c->topics.next_run;
	list_remove(&ch->hot);
	if (list_empty(&ch->chore))
		list_push_back(&c->topics.chores, &ch->chore);
	channel_fact(c, ch);
}

void topic_empty(struct core *c, struct topic *t)
{
	if (t->unseen == NULL)
		return;
	if (!t->ephemeral)
		fact_put_dropped(&c->fx->block,
		                 &(struct fact_dropped){ t->index, t->unseen->number, c->topics.next_run });
	for (struct list *p = t->channels.next; p != &t->channels; p = p->next)
		list_item(p, struct channel, link)->passed += t->depth;
	t->passed_n += t->depth;
	t->depth = 0;
	if (t->drop == NULL)
		t->drop = t->unseen;
	t->unseen = NULL;
	t->drop_to = c->topics.next_run;
	if (list_empty(&t->chore))
		list_push_back(&c->topics.chores_of_topics, &t->chore);
}

/* Finishes parcels that are in nobody's hands, off this list. */
static void end_parcels(struct core *c, struct list *all, uint32_t *left)
{
	for (; *left > 0 && !list_empty(all); --*left) {
		struct parcel *p = list_item(all->next, struct parcel, link);

		parcel_finish(c, p, p->mask);
	}
}

static void end_in_hand(struct core *c, struct consumer *cn, uint32_t *left)
{
	for (; *left > 0 && !list_empty(&cn->parcels) && step_room(c, 1); --*left) {
		struct parcel *p = list_item(cn->parcels.next, struct parcel, link);

		step_gone(c, cn, &(struct msg_gone_rec){ 0, p->run->number, p->token, p->mask, GONE_EMPTIED });
		parcel_finish(c, p, p->mask);
	}
}

/* The consumers of a deleted channel are told that alone: it says all about what they hold. */
static void end_consumers(struct core *c, struct channel *ch, uint32_t *left)
{
	for (; *left > 0 && !list_empty(&ch->consumers) && step_room(c, 1); --*left) {
		struct consumer *cn = list_item(ch->consumers.next, struct consumer, link);

		step_gone(c, cn, &(struct msg_gone_rec){ .why = GONE_DELETED });
		consumer_leave(c, cn);
	}
}

static bool is_empty(const struct channel *ch)
{
	return ch->n_waiting + ch->n_deferred + ch->n_dying + ch->n_in_hand == 0;
}

/* What consumers hold who have left comes back by consumer_slice. */
static void channel_slice(struct core *c, struct channel *ch, uint32_t *left)
{
	struct topic *t = ch->topic;

	if (ch->doomed)
		end_consumers(c, ch, left);
	for (struct list *p = ch->consumers.next; p != &ch->consumers && *left > 0; p = p->next)
		end_in_hand(c, list_item(p, struct consumer, link), left);
	end_parcels(c, &ch->waiting, left);
	end_parcels(c, &ch->deferred, left);
	end_parcels(c, &ch->dying, left);
	if (!is_empty(ch) || (ch->doomed && !list_empty(&ch->consumers)))
		return;
	list_remove(&ch->chore);
	if (ch->doomed) {
		t->n_doomed--;
		channel_free(c, ch);
		return;
	}
	ch->empty_to = 0;
	channel_came(c, ch);
}

static void drop_slice(struct core *c, struct topic *t, uint32_t *left)
{
	for (; *left > 0 && t->drop != NULL && t->drop->number < t->drop_to; --*left) {
		struct run *r = t->drop;

		for (struct list *p = t->channels.next; p != &t->channels && r->cursors > 0; p = p->next)
			if (list_item(p, struct channel, link)->cursor == r)
				channel_place(c, list_item(p, struct channel, link), t->unseen);
		run_free(c, r);
	}
	if (t->drop != NULL && t->drop->number < t->drop_to)
		return;
	t->drop = NULL;
	t->drop_to = 0;
	list_remove(&t->chore);
	topic_pump(c, t);
	sweep_wake(c, t);
}

static void topic_slice(struct core *c, struct topic *t, uint32_t *left)
{
	if (!t->doomed) {
		drop_slice(c, t, left);
		return;
	}
	if (t->n_doomed > 0)
		return;
	for (; *left > 0 && !list_empty(&t->runs); --*left)
		run_free(c, list_item(t->runs.next, struct run, link));
	if (list_empty(&t->runs))
		topic_free(c, t);
}

void end_slice(struct core *c)
{
	uint32_t left = STEP_WORK;
	struct list *p, *next;

	for (p = c->topics.chores.next; p != &c->topics.chores && left > 0; p = next) {
		next = p->next;
		channel_slice(c, list_item(p, struct channel, chore), &left);
	}
	for (p = c->topics.chores_of_topics.next; p != &c->topics.chores_of_topics && left > 0; p = next) {
		next = p->next;
		topic_slice(c, list_item(p, struct topic, chore), &left);
	}
}

bool end_pending(const struct core *c)
{
	return !list_empty(&c->topics.chores) || !list_empty(&c->topics.chores_of_topics);
}
