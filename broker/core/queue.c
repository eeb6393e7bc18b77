/* See queue.h. */
#include "broker/core/queue.h"

#include <stdlib.h>

#include "broker/core/fact.h"
#include "broker/core/keep.h"

struct queue *queue_find(const struct core *c, struct span name)
{
	struct queue *q;

	HASH_FIND(hh, c->by_name, name.p, name.n, q);
	return q;
}

void queue_name(struct core *c, struct queue *q, struct span name)
{
	if (q->name[0] != '\0')
		HASH_DELETE(hh, c->by_name, q);
	memcpy(q->name, name.p, name.n);
	q->name[name.n] = '\0';
	HASH_ADD_KEYPTR(hh, c->by_name, q->name, name.n, q);
}

struct queue *queue_at(struct core *c, uint16_t index)
{
	struct queue *q;

	must(index < LIMIT_QUEUES);
	if (index >= c->cap_queues) {
		uint32_t cap = c->cap_queues ? c->cap_queues : 16;

		while (cap <= index)
			cap *= 2;
		c->queues = realloc(c->queues, cap * sizeof c->queues[0]);
		must(c->queues != NULL);
		memset(c->queues + c->cap_queues, 0, (cap - c->cap_queues) * sizeof c->queues[0]);
		c->cap_queues = cap;
	}
	if (index >= c->n_queues)
		c->n_queues = index + 1u;
	if (c->queues[index] != NULL)
		return c->queues[index];
	q = calloc(1, sizeof *q);
	must(q != NULL);
	q->index = index;
	for (int p = 0; p < PRIORITIES; p++) {
		list_init(&q->line[p]);
		heap_init(&q->back[p]);
	}
	list_init(&q->waiting);
	list_init(&q->dead);
	list_init(&q->kept);
	list_init(&q->servers);
	list_init(&q->hot);
	list_init(&q->chores);
	c->queues[index] = q;
	c->live_queues++;
	return q;
}

struct queue *queue_new(struct core *c, struct span name)
{
	uint32_t index = 0;
	struct queue *q;

	if (c->live_queues >= LIMIT_QUEUES)
		return NULL;
	if (c->live_queues == c->n_queues)
		index = c->n_queues;
	while (index < c->n_queues && c->queues[index] != NULL)
		index++;
	q = queue_at(c, (uint16_t)index);
	queue_name(c, q, name);
	return q;
}

void queue_free(struct core *c, struct queue *q)
{
	if (q->name[0] != '\0')
		HASH_DELETE(hh, c->by_name, q);
	list_remove(&q->hot);
	list_remove(&q->chores);
	if (heap_has(&q->keep_timer))
		heap_remove(&c->keep_timers, &q->keep_timer);
	for (int p = 0; p < PRIORITIES; p++)
		heap_fini(&q->back[p]);
	c->queues[q->index] = NULL;
	c->live_queues--;
	free(q);
}

void queue_heat(struct core *c, struct queue *q)
{
	if (list_empty(&q->hot) && q->ready_mask != 0 && !q->paused && q->n_servers > 0 && q->chore == CHORE_NONE)
		list_push_back(&c->hot, &q->hot);
}

void queue_add_ready(struct core *c, struct queue *q, struct job *j)
{
	if (c->replaying)
		return;
	if (j->flags & JOB_SIDE) {
		struct side *side = j->in.side;

		side->line.key = side->line.tie = j->id;
		heap_add(&q->back[j->priority], &side->line);
	} else {
		list_push_back(&q->line[j->priority], &j->in.link);
	}
	q->ready_mask = (uint16_t)(q->ready_mask | 1u << j->priority);
	queue_heat(c, q);
}

void queue_take(struct core *c, struct queue *q, struct job *j)
{
	unsigned p = j->priority;

	if (c->replaying)
		return;
	if (j->flags & JOB_SIDE)
		heap_remove(&q->back[p], &j->in.side->line);
	else
		list_remove(&j->in.link);
	if (list_empty(&q->line[p]) && q->back[p].n == 0)
		q->ready_mask = (uint16_t)(q->ready_mask & ~(1u << p));
}

struct job *queue_first(const struct queue *q)
{
	struct job *fresh = NULL, *back = NULL;
	unsigned p;

	if (q->ready_mask == 0)
		return NULL;
	p = 31 - (unsigned)__builtin_clz(q->ready_mask);
	if (!list_empty(&q->line[p]))
		fresh = list_item(q->line[p].next, struct job, in.link);
	if (q->back[p].n > 0)
		back = list_item(heap_min(&q->back[p]), struct side, line)->job;
	if (fresh == NULL || (back != NULL && back->id < fresh->id))
		return back;
	return fresh;
}

void queue_fact(struct core *c, const struct queue *q)
{
	struct fact_queue f = { .index = q->index,
		                .paused = q->paused,
		                .name = span_str(q->name),
		                .submitted = q->submitted,
		                .settings = (const uint64_t *)&q->settings,
		                .n_settings = SETTINGS };

	memcpy(f.ended, q->ended, sizeof f.ended);
	fact_put_queue(&c->fx->block, &f);
}

/* Age of the oldest ready job among the heads of the lines. */
static uint64_t oldest(const struct core *c, const struct queue *q)
{
	uint64_t first = UINT64_MAX;

	for (int p = 0; p < PRIORITIES; p++) {
		if (!list_empty(&q->line[p])) {
			uint64_t ms = list_item(q->line[p].next, struct job, in.link)->submitted_ms;

			first = ms < first ? ms : first;
		}
		if (q->back[p].n > 0) {
			uint64_t ms = list_item(heap_min(&q->back[p]), struct side, line)->job->submitted_ms;

			first = ms < first ? ms : first;
		}
	}
	return first >= c->wall ? 0 : c->wall - first;
}

void queue_describe(const struct core *c, const struct queue *q, struct msg_queue_rec *r)
{
	*r = (struct msg_queue_rec){ .name = span_str(q->name),
		                     .paused = q->paused,
		                     .workers = q->n_servers,
		                     .submitted = q->submitted,
		                     .kept_bytes = q->kept_bytes,
		                     .oldest_ms = oldest(c, q) };
	for (int s = 0; s < JOB_STATES; s++) {
		bool terminal = job_state_terminal((enum job_state)s);

		r->states[s] = terminal ? q->ended[s] : q->now[s];
		if (terminal && s != JOB_DEAD)
			r->kept += q->now[s];
	}
}
