/* See batch.h. */
#include "broker/core/batch.h"

#include <stdlib.h>

#include "broker/core/fact.h"
#include "broker/core/wait.h"

struct batch *batch_find(const struct core *c, uint64_t id)
{
	struct batch *b;

	HASH_FIND(hh, c->by_batch, &id, sizeof id, b);
	return b;
}

struct batch *batch_new(struct core *c, uint64_t id)
{
	struct batch *b;
	uint32_t index = 0;

	if (c->live_batches >= LIMIT_BATCHES && !c->replaying)
		return NULL;
	if (c->live_batches == c->n_batches)
		index = c->n_batches;
	while (index < c->n_batches && c->batches[index] != NULL)
		index++;
	if (index == c->n_batches) {
		if (c->n_batches == c->cap_batches) {
			c->cap_batches = c->cap_batches ? 2 * c->cap_batches : 16;
			c->batches = realloc(c->batches, c->cap_batches * sizeof c->batches[0]);
			must(c->batches != NULL);
		}
		c->n_batches++;
	}
	b = calloc(1, sizeof *b);
	must(b != NULL);
	b->id = id;
	b->index = index;
	b->waiter = NO_INDEX;
	list_init(&b->link);
	c->batches[index] = b;
	c->live_batches++;
	HASH_ADD(hh, c->by_batch, id, sizeof b->id, b);
	return b;
}

void batch_free(struct core *c, struct batch *b)
{
	HASH_DELETE(hh, c->by_batch, b);
	list_remove(&b->link);
	c->batches[b->index] = NULL;
	c->live_batches--;
	free(b);
}

bool batch_complete(const struct batch *b)
{
	return b->closed && b->ended == b->total;
}

void batch_member_ended(struct core *c, uint32_t index, enum job_state state)
{
	struct batch *b;

	if (index == NO_INDEX)
		return;
	b = c->batches[index];
	b->members--;
	b->ended++;
	if (state != JOB_DONE)
		b->failed++;
	batch_settle(c, b);
}

void batch_settle(struct core *c, struct batch *b)
{
	if (c->replaying || !batch_complete(b) || !list_empty(&b->link))
		return;
	if (b->finished_wall == 0)
		b->finished_wall = c->wall;
	list_push_back(&c->finished_batches, &b->link);
	wait_resolve_batch(c, b);
}

void batch_fact(struct core *c, const struct batch *b, uint64_t session, uint64_t number)
{
	struct fact_batch f = { b->id, b->closed, b->total, b->ended, b->failed, b->finished_wall, session, number };

	fact_put_batch(&c->fx->block, &f);
}

uint64_t batch_deadline(const struct core *c)
{
	uint64_t due;

	if (list_empty(&c->finished_batches))
		return UINT64_MAX;
	due = list_item(c->finished_batches.next, struct batch, link)->finished_wall + c->config.keep_ms;
	return due > c->wall ? c->t + (due - c->wall) : c->t;
}

void batch_expire(struct core *c)
{
	for (int i = 0; i < STEP_WORK && batch_deadline(c) <= c->t; i++) {
		struct batch *b = list_item(c->finished_batches.next, struct batch, link);

		fact_put_u64(&c->fx->block, FACT_BATCH_GONE, b->id);
		batch_free(c, b);
	}
}
