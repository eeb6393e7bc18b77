/* Topics by name and index, and what they pass on to their channels; see topic.h. */
#include "broker/core/topic/topic.h"

#include <stdlib.h>

#include "broker/core/topic/channel.h"
#include "broker/core/topic/fact.h"
#include "broker/core/topic/run.h"

bool topic_ephemeral(struct span name)
{
	static const char end[] = "#ephemeral";
	size_t n = sizeof end - 1;

	return name.n > n && memcmp(name.p + name.n - n, end, n) == 0;
}

struct topic *topic_find(const struct core *c, struct span name)
{
	struct topic *t;

	HASH_FIND(hh, c->topics.by_name, name.p, name.n, t);
	return t;
}

void topic_name(struct core *c, struct topic *t, struct span name)
{
	must(name.n <= LIMIT_NAME && t->name[0] == '\0');
	memcpy(t->name, name.p, name.n);
	t->name[name.n] = '\0';
	t->ephemeral = topic_ephemeral(name);
	HASH_ADD_KEYPTR(hh, c->topics.by_name, t->name, name.n, t);
	c->topics.generation++;
}

struct topic *topic_at(struct core *c, uint16_t index)
{
	struct topics *all = &c->topics;
	struct topic *t;

	must(index < LIMIT_TOPICS);
	if (index >= all->cap_topics) {
		uint32_t cap = all->cap_topics ? all->cap_topics : 16;

		while (cap <= index)
			cap *= 2;
		all->topics = realloc(all->topics, cap * sizeof all->topics[0]);
		must(all->topics != NULL);
		memset(all->topics + all->cap_topics, 0, (cap - all->cap_topics) * sizeof all->topics[0]);
		all->cap_topics = cap;
	}
	if (index >= all->n_topics)
		all->n_topics = index + 1u;
	if (all->topics[index] != NULL)
		return all->topics[index];
	t = calloc(1, sizeof *t);
	must(t != NULL);
	t->index = index;
	t->passed = all->next_run;
	list_init(&t->channels);
	list_init(&t->runs);
	list_init(&t->sweeps);
	list_init(&t->chore);
	all->topics[index] = t;
	all->live_topics++;
	return t;
}

struct topic *topic_for(struct core *c, struct span name)
{
	struct topic *t = topic_find(c, name);
	struct topics *all = &c->topics;
	uint32_t index = 0;

	if (t != NULL)
		return t;
	if (all->live_topics >= LIMIT_TOPICS)
		return NULL;
	if (all->live_topics == all->n_topics)
		index = all->n_topics;
	while (index < all->n_topics && all->topics[index] != NULL)
		index++;
	t = topic_at(c, (uint16_t)index);
	topic_name(c, t, name);
	topic_fact(c, t);
	return t;
}

void topic_fact(struct core *c, const struct topic *t)
{
	if (t->ephemeral || t->doomed)
		return;
	fact_put_topic(&c->fx->block, &(struct fact_topic){ .index = t->index,
	                                                    .paused = t->paused,
	                                                    .flows = !t->paused && t->n_channels > 0,
	                                                    .name = span_str(t->name),
	                                                    .passed = t->passed,
	                                                    .passed_n = t->passed_n,
	                                                    .keep_ms = t->keep_ms,
	                                                    .keep_bytes = t->keep_bytes,
	                                                    .messages = t->messages,
	                                                    .bytes = t->bytes });
}

void topic_pump(struct core *c, struct topic *t)
{
	uint64_t n = t->depth;

	if (!topic_flows(t))
		return;
	t->passed = c->topics.next_run;
	t->passed_n += n;
	t->depth = 0;
	t->unseen = NULL;
	for (struct list *p = t->channels.next; p != &t->channels; p = p->next) {
		struct channel *ch = list_item(p, struct channel, link);

		ch->messages += n;
		channel_came(c, ch);
	}
	sweep_wake(c, t);
}

void topic_arrived(struct core *c, struct topic *t, struct run *first, uint64_t messages)
{
	bool flows = topic_flows(t);

	if (flows) {
		t->passed = c->topics.next_run;
		t->passed_n += messages;
	} else {
		t->depth += messages;
		t->unseen = t->unseen != NULL ? t->unseen : first;
	}
	for (struct list *p = t->channels.next; p != &t->channels; p = p->next) {
		struct channel *ch = list_item(p, struct channel, link);

		if (ch->cursor == NULL)
			channel_place(c, ch, first);
		if (!flows)
			continue;
		ch->messages += messages;
		channel_came(c, ch);
	}
	if (t->keep_bytes != 0 && t->bytes_there > t->keep_bytes)
		sweep_wake(c, t);
}

void topic_free(struct core *c, struct topic *t)
{
	must(list_empty(&t->channels) && list_empty(&t->runs));
	list_remove(&t->sweeps);
	list_remove(&t->chore);
	if (heap_has(&t->keep_timer))
		heap_remove(&c->topics.keeps, &t->keep_timer);
	c->topics.topics[t->index] = NULL;
	c->topics.live_topics--;
	free(t);
}
