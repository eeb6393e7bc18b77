/* See batch.h. */
#include "broker/core/batch.h"

#include <stdlib.h>

#include "base/text.h"
#include "broker/core/after.h"
#include "broker/core/fx.h"
#include "broker/core/put.h"
#include "broker/core/queue.h"
#include "broker/core/turn.h"
#include "broker/core/wait.h"

enum { FINISH_MOST = 64 }; /* batches that one step finishes: each may submit a job and tell waiters */

struct batch *batch_find(const struct core *c, uint64_t id)
{
	struct batch *b;

	HASH_FIND(hh, c->by_batch, &id, sizeof id, b);
	return b;
}

/* An index for a new batch: a hole, or the end of the array. */
static uint32_t place(struct core *c)
{
	uint32_t index = 0;

	if (c->live_batches == c->n_batches)
		index = c->n_batches;
	while (index < c->n_batches && c->batches[index] != NULL)
		index++;
	if (index < c->n_batches)
		return index;
	if (c->n_batches == c->cap_batches) {
		c->cap_batches = c->cap_batches ? 2 * c->cap_batches : 16;
		c->batches = realloc(c->batches, c->cap_batches * sizeof c->batches[0]);
		must(c->batches != NULL);
	}
	return c->n_batches++;
}

struct batch *batch_new(struct core *c, uint64_t id)
{
	struct batch *b;

	if (c->live_batches >= LIMIT_BATCHES && !c->replaying)
		return NULL;
	b = calloc(1, sizeof *b);
	must(b != NULL);
	b->id = id;
	b->index = place(c);
	b->waiter = NO_INDEX;
	list_init(&b->link);
	b->timer.tie = id;
	c->batches[b->index] = b;
	c->live_batches++;
	HASH_ADD(hh, c->by_batch, id, sizeof b->id, b);
	return b;
}

void batch_free(struct core *c, struct batch *b)
{
	batch_set_then(c, b, NULL);
	HASH_DELETE(hh, c->by_batch, b);
	list_remove(&b->link);
	if (heap_has(&b->timer))
		heap_remove(&c->open_batches, &b->timer);
	c->batches[b->index] = NULL;
	c->live_batches--;
	free(b);
}

void batch_set_then(struct core *c, struct batch *b, const struct fact_then *t)
{
	if (b->then != NULL) {
		c->then_bytes -= b->then->headers_n + b->then->payload_n;
		c->queues[b->then->queue]->n_thens--;
		free(b->then);
		b->then = NULL;
	}
	if (t == NULL)
		return;
	b->then = calloc(1, sizeof *b->then + t->headers.n + t->payload.n);
	must(b->then != NULL);
	b->then->when = t->when;
	b->then->priority = t->priority;
	b->then->attempts = t->attempts;
	b->then->queue = t->queue;
	b->then->headers_n = (uint32_t)t->headers.n;
	b->then->payload_n = (uint32_t)t->payload.n;
	if (t->headers.n > 0)
		memcpy(b->then->bytes, t->headers.p, t->headers.n);
	if (t->payload.n > 0)
		memcpy(b->then->bytes + t->headers.n, t->payload.p, t->payload.n);
	c->then_bytes += t->headers.n + t->payload.n;
	queue_at(c, t->queue)->n_thens++;
}

/* ---- members ---- */

void batch_keeps(struct batch *b, struct job *j)
{
	j->batch = b != NULL && j->state != JOB_DEAD ? b->index : NO_INDEX;
	if (j->batch != NO_INDEX)
		b->kept++;
}

void batch_member_ended(struct core *c, struct job *j, enum job_state state)
{
	struct batch *b;

	if (j->batch == NO_INDEX)
		return;
	b = c->batches[j->batch];
	b->members--;
	b->ended++;
	b->failed += state != JOB_DONE;
	batch_keeps(b, j);
	batch_settle(c, b);
}

void batch_result_gone(struct core *c, struct job *j)
{
	struct batch *b;

	if (j->batch == NO_INDEX)
		return;
	b = c->batches[j->batch];
	j->batch = NO_INDEX;
	b->kept--;
	if (b->kept == 0 && batch_finished(b) && !c->replaying && list_empty(&b->link))
		list_push_back(&c->finished_batches, &b->link); /* it was due before */
}

/* ---- from open to finished ---- */

void batch_opens(struct core *c, struct batch *b, uint64_t closes_wall)
{
	b->closes_wall = closes_wall;
	b->timer.key = closes_wall;
	heap_add(&c->open_batches, &b->timer);
}

void batch_close(struct core *c, struct batch *b, bool expired)
{
	b->closed = true;
	b->expired = expired;
	if (heap_has(&b->timer))
		heap_remove(&c->open_batches, &b->timer);
	batch_settle(c, b);
}

void batch_settle(struct core *c, struct batch *b)
{
	if (!c->replaying && b->closed && b->members == 0 && !batch_finished(b) && list_empty(&b->link))
		list_push_back(&c->finishing_batches, &b->link);
}

void batch_start(struct core *c, struct batch *b)
{
	if (!b->closed)
		batch_opens(c, b, b->closes_wall);
	else if (batch_finished(b) && list_empty(&b->link))
		list_push_back(&c->finished_batches, &b->link);
	else
		batch_settle(c, b);
}

void batch_fact(struct core *c, const struct batch *b, uint64_t session, uint64_t number)
{
	const struct then *t = b->then;
	struct fact_batch f = {
		.id = b->id,
		.closed = b->closed,
		.expired = b->expired,
		.total = b->total,
		.ended = b->ended,
		.failed = b->failed,
		.finished_wall = b->finished_wall,
		.session = session,
		.number = number,
		.closes_wall = b->closes_wall,
		.then_id = b->then_id,
	};

	if (t != NULL) {
		f.then = (struct fact_then){ .when = t->when,
			                     .priority = t->priority,
			                     .attempts = t->attempts,
			                     .queue = t->queue,
			                     .headers = span_of(t->bytes, t->headers_n),
			                     .payload = span_of(t->bytes + t->headers_n, t->payload_n) };
	}
	fact_put_batch(&c->fx->block, &f);
}

static bool wants_then(const struct batch *b)
{
	if (b->then == NULL)
		return false;
	return b->then->when == THEN_ANY || batch_failed(b) == (b->then->when == THEN_FAILURE);
}

/* Writes the job that follows. Its headers say what it follows. */
static void submit_then(struct core *c, struct batch *b)
{
	const struct then *t = b->then;
	struct queue *q = c->queues[t->queue];
	uint8_t attempts = t->attempts ? t->attempts : (uint8_t)q->settings.attempts;
	char *headers = fx_alloc(c, t->headers_n + THEN_HEADER_BYTES);
	size_t n = t->headers_n;

	if (n > 0)
		memcpy(headers, t->bytes, n);
	n += text_format(headers + n, THEN_HEADER_BYTES, "batch=%llu", (unsigned long long)b->id) + 1;
	n += text_format(headers + n, THEN_HEADER_BYTES / 2, "batch-failed=%llu", (unsigned long long)b->failed) + 1;
	b->then_id = put_job(c, q,
	                     &(struct put){ .priority = t->priority,
	                                    .attempts = attempts ? attempts : DEFAULT_ATTEMPTS,
	                                    .lease_ms = q->settings.lease_ms,
	                                    .backoff_ms = q->settings.backoff_ms,
	                                    .backoff_max_ms = q->settings.backoff_max_ms,
	                                    .headers = span_of(headers, n) },
	                     span_of(t->bytes + t->headers_n, t->payload_n));
}

static void finish(struct core *c, struct batch *b)
{
	list_remove(&b->link);
	b->finished_wall = c->wall;
	if (wants_then(b))
		submit_then(c, b);
	batch_set_then(c, b, NULL);
	batch_fact(c, b, 0, 0);
	list_push_back(&c->finished_batches, &b->link);
	wait_resolve_batch(c, b);
	after_ended(c, b->id, batch_failed(b) ? JOB_DEAD : JOB_DONE);
}

static uint64_t due_at(const struct core *c, const struct batch *b)
{
	return b->finished_wall + c->config.keep_ms;
}

static void expire_open(struct core *c)
{
	for (int i = 0; i < STEP_WORK && heap_min(&c->open_batches) != NULL; i++) {
		struct batch *b = list_item(heap_min(&c->open_batches), struct batch, timer);

		if (b->closes_wall > c->wall || turn_bytes(c) >= log_group_max(c->config.segment_bytes) / 4)
			return;
		fx_log(c, LOG_WARN, "batch-expired", "batch=%llu it was left open for too long",
		       (unsigned long long)b->id);
		batch_close(c, b, true);
		batch_fact(c, b, 0, 0);
	}
}

static void forget(struct core *c)
{
	for (int i = 0; i < STEP_WORK && !list_empty(&c->finished_batches); i++) {
		struct batch *b = list_item(c->finished_batches.next, struct batch, link);

		if (due_at(c, b) > c->wall || after_pending(c))
			return;
		if (b->kept > 0) {
			list_remove(&b->link); /* batch_result_gone brings it back */
			continue;
		}
		fact_put_u64(&c->fx->block, FACT_BATCH_GONE, b->id);
		batch_free(c, b);
	}
}

void batch_slice(struct core *c)
{
	uint64_t full = log_group_max(c->config.segment_bytes) / 4;

	expire_open(c);
	for (int i = 0; i < FINISH_MOST && !list_empty(&c->finishing_batches) && turn_bytes(c) < full &&
	                c->turn.n_puts < STEP_PUTS;
	     i++)
		finish(c, list_item(c->finishing_batches.next, struct batch, link));
	forget(c);
}

uint64_t batch_deadline(const struct core *c)
{
	uint64_t at = UINT64_MAX, due;

	if (!list_empty(&c->finishing_batches))
		return 0;
	if (heap_min(&c->open_batches) != NULL) {
		due = heap_min(&c->open_batches)->key;
		at = due > c->wall ? c->t + (due - c->wall) : c->t;
	}
	if (!list_empty(&c->finished_batches) && !after_pending(c)) {
		due = due_at(c, list_item(c->finished_batches.next, struct batch, link));
		due = due > c->wall ? c->t + (due - c->wall) : c->t;
		at = due < at ? due : at;
	}
	return at;
}
