/* See gone.h. */
#include "broker/core/topic/gone.h"

#include "broker/core/topic/channel.h"
#include "broker/core/topic/parcel.h"
#include "broker/core/topic/run.h"
#include "broker/core/topic/topic.h"

void run_gone(struct core *c, struct run *r)
{
	struct topic *t = r->topic;
	struct parcel *p, *next;

	for (struct list *l = t->channels.next; l != &t->channels; l = l->next) {
		struct channel *ch = list_item(l, struct channel, link);

		if (ch->cursor == r)
			channel_place(c, ch, run_next(r));
	}
	for (p = r->parcels; p != NULL; p = next) {
		next = p->next;
		if (next == NULL && t->sweep != NULL && r->number < t->sweep->number) {
			parcel_finish(c, p, p->mask); /* the run goes with its last one */
			return;
		}
		parcel_finish(c, p, p->mask);
	}
	run_free(c, r);
}

static void parcels_end(struct core *c, struct list *all)
{
	while (!list_empty(all)) {
		struct parcel *p = list_item(all->next, struct parcel, link);

		parcel_finish(c, p, p->mask);
	}
}

void channel_gone(struct core *c, struct channel *ch)
{
	struct topic *t = ch->topic;

	parcels_end(c, &ch->waiting);
	parcels_end(c, &ch->deferred);
	parcels_end(c, &ch->dying);
	channel_place(c, ch, NULL);
	list_remove(&ch->link);
	t->n_channels--;
	if (ch->name[0] != '\0')
		HASH_DELETE(hh, t->by_channel, ch);
	c->topics.generation++;
	channel_free(c, ch);
}

void topic_gone(struct core *c, struct topic *t)
{
	while (!list_empty(&t->channels))
		channel_gone(c, list_item(t->channels.next, struct channel, link));
	while (!list_empty(&t->runs))
		run_free(c, list_item(t->runs.next, struct run, link));
	if (t->name[0] != '\0')
		HASH_DELETE(hh, c->topics.by_name, t);
	c->topics.generation++;
	topic_free(c, t);
}
