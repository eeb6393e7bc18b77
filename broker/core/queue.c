/* See queue.h. */
#include "broker/core/queue.h"

#include <stdlib.h>

#include "broker/core/fact.h"
#include "broker/core/keep.h"
#include "broker/core/key.h"
#include "broker/core/order.h"

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
	order_init(q);
	list_init(&q->waiting);
	list_init(&q->dead);
	list_init(&q->parked);
	list_init(&q->kept);
	list_init(&q->keys);
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

struct queue *queue_for(struct core *c, struct span name)
{
	struct queue *q = queue_find(c, name);

	if (q != NULL)
		return q;
	q = queue_new(c, name);
	if (q != NULL)
		queue_fact(c, q);
	return q;
}

void queue_free(struct core *c, struct queue *q)
{
	if (q->name[0] != '\0')
		HASH_DELETE(hh, c->by_name, q);
	list_remove(&q->hot);
	list_remove(&q->chores);
	key_drop(c, q, UINT32_MAX);
	if (heap_has(&q->keep_timer))
		heap_remove(&c->keep_timers, &q->keep_timer);
	if (heap_has(&q->throttle))
		heap_remove(&c->throttled, &q->throttle);
	if (heap_has(&q->dead_timer))
		heap_remove(&c->dead_timers, &q->dead_timer);
	free(q->dead_op);
	order_fini(c, q);
	c->queues[q->index] = NULL;
	c->live_queues--;
	free(q);
}

void queue_heat(struct core *c, struct queue *q)
{
	bool any = order_any(q) || !list_empty(&q->parked);

	if (list_empty(&q->hot) && any && !q->paused && q->n_servers > 0 && q->chore == CHORE_NONE &&
	    !heap_has(&q->throttle))
		list_push_back(&c->hot, &q->hot);
}

void queue_add_ready(struct core *c, struct queue *q, struct job *j)
{
	if (c->replaying)
		return;
	order_add(c, q, j);
	queue_heat(c, q);
}

void queue_take(struct core *c, struct queue *q, struct job *j)
{
	if (!c->replaying)
		order_take(c, q, j);
}

void queue_fact(struct core *c, const struct queue *q)
{
	struct fact_queue f = { .index = q->index,
		                .flags = (uint8_t)((q->paused ? FACT_PAUSED : 0) | (q->draining ? FACT_DRAINING : 0)),
		                .name = span_str(q->name),
		                .submitted = q->submitted,
		                .redriven = q->redriven,
		                .forgotten = q->forgotten,
		                .settings = (const uint64_t *)&q->settings,
		                .n_settings = SETTINGS };

	memcpy(f.ended, q->ended, sizeof f.ended);
	fact_put_queue(&c->fx->block, &f);
}

static void look_oldest(void *ctx, const struct line *line, unsigned priority)
{
	uint64_t *first = ctx;
	const struct job *heads[] = { line_fresh(line), line_back(line) };

	(void)priority;
	for (int i = 0; i < 2; i++)
		if (heads[i] != NULL && heads[i]->submitted_ms < *first)
			*first = heads[i]->submitted_ms;
}

/* Age of the oldest ready job among the heads of the lines; of very many tenants and groups some are looked at. */
static uint64_t oldest(const struct core *c, const struct queue *q)
{
	uint64_t first = UINT64_MAX;

	order_each(q, LOOK_MOST, look_oldest, &first);
	return first >= c->wall ? 0 : c->wall - first;
}

void queue_describe(const struct core *c, const struct queue *q, struct msg_queue_rec *r)
{
	*r = (struct msg_queue_rec){ .name = span_str(q->name),
		                     .paused = q->paused,
		                     .draining = q->draining,
		                     .workers = q->n_servers,
		                     .submitted = q->submitted,
		                     .kept_bytes = q->kept_bytes,
		                     .oldest_ms = oldest(c, q),
		                     .dead = q->now[JOB_DEAD],
		                     .redriven = q->redriven,
		                     .forgotten = q->forgotten };
	for (int s = 0; s < JOB_STATES; s++) {
		bool terminal = job_state_terminal((enum job_state)s);

		r->states[s] = terminal ? q->ended[s] : q->now[s];
		if (terminal && s != JOB_DEAD)
			r->kept += q->now[s];
	}
}
