/* What goes on by itself: a tick's part for topics, when there is one, the beginning and the end of it all; see
 * topic.h. */
#include <stdlib.h>

#include "broker/core/topic/consumer.h"
#include "broker/core/topic/deliver.h"
#include "broker/core/topic/end.h"
#include "broker/core/topic/letters.h"
#include "broker/core/topic/parcel.h"
#include "broker/core/topic/run.h"
#include "broker/core/topic/step.h"
#include "broker/core/topic/topic.h"

enum { WALL_LOOK_MS = 1000 };

void topic_tick(struct core *c)
{
	returns_slice(c);
	consumer_slice(c);
	end_slice(c);
	letters_slice(c);
	sweep_slice(c);
	step_tell(c); /* before what takes its place */
	if (!c->draining && c->epoch_at != UINT64_MAX)
		deliver_slice(c);
}

static uint64_t earlier(uint64_t a, const struct heap *h, uint64_t now, uint64_t t, uint64_t look)
{
	uint64_t key, in;

	if (heap_min(h) == NULL)
		return a;
	key = heap_min(h)->key;
	in = key > now ? key - now : 0;
	in = in < look ? in : look;
	return t + in < a ? t + in : a;
}

/* The wall clock is looked at every WALL_LOOK_MS while something waits for it: somebody may have set it. */
uint64_t topic_deadline(const struct core *c)
{
	const struct topics *t = &c->topics;
	uint64_t at = UINT64_MAX;

	if ((!list_empty(&t->hot) && !c->draining) || !list_empty(&t->leaving) || !list_empty(&t->sweeps) ||
	    end_pending(c) || letters_pending(c))
		return 0;
	at = earlier(at, &t->returns, c->t, c->t, UINT64_MAX);
	at = earlier(at, &t->dues, c->wall, c->t, WALL_LOOK_MS);
	return earlier(at, &t->keeps, c->wall, c->t, WALL_LOOK_MS);
}

void topics_init(struct core *c)
{
	struct topics *t = &c->topics;

	t->next_run = 1;
	t->generation = 1;
	list_init(&t->spare_parcels);
	list_init(&t->hot);
	list_init(&t->chores);
	list_init(&t->chores_of_topics);
	list_init(&t->sweeps);
	list_init(&t->leaving);
	list_init(&t->letters);
	heap_init(&t->returns);
	heap_init(&t->dues);
	heap_init(&t->keeps);
	step_init(&t->step);
}

static void free_topic(struct topic *t)
{
	while (!list_empty(&t->runs)) {
		struct run *r = list_item(t->runs.next, struct run, link);
		struct parcel *p, *next;

		for (p = r->parcels; p != NULL; p = next) {
			next = p->next;
			free(p->until);
			free(p);
		}
		list_remove(&r->link);
		free(r);
	}
	HASH_CLEAR(hh, t->by_channel);
	free(t);
}

void topics_fini(struct core *c)
{
	struct topics *t = &c->topics;

	must(t->consumers == NULL); /* their clients are gone */
	HASH_CLEAR(hh, t->by_name);
	for (uint32_t i = 0; i < t->n_topics; i++)
		if (t->topics[i] != NULL)
			free_topic(t->topics[i]);
	for (uint32_t i = 0; i < t->n_channels; i++)
		free(t->channels[i]);
	while (!list_empty(&t->leaving)) {
		struct consumer *cn = list_item(t->leaving.next, struct consumer, of_client);

		list_remove(&cn->of_client);
		free(cn);
	}
	parcels_fini(c);
	free(t->topics);
	free(t->channels);
	run_table_fini(&t->runs);
	heap_fini(&t->returns);
	heap_fini(&t->dues);
	heap_fini(&t->keeps);
	step_fini(&t->step);
}
