/* core_check's part about what waits for what: batches and their members, jobs and those that follow them. */
#include <stdlib.h>

#include "base/must.h"
#include "broker/core/after.h"
#include "broker/core/batch.h"
#include "broker/core/check.h"
#include "broker/core/job.h"
#include "broker/core/job_table.h"
#include "broker/core/side.h"

/* What a walk over all jobs counts for one batch. */
struct count {
	uint64_t members, kept;
};

static uint64_t check_after(const struct job *j)
{
	const struct side *s = side_of(j);
	uint64_t linked = 0;

	if (s == NULL || s->after == NULL) {
		must(j->state != JOB_BLOCKED || s->race != NULL);
		return 0;
	}
	must(j->state == JOB_BLOCKED);
	for (uint32_t i = 0; i < s->after->n; i++) {
		must(s->after->edges[i].side == s && s->after->edges[i].id < j->id);
		linked += !list_empty(&s->after->edges[i].link);
	}
	must(linked > 0 && linked == s->after->left);
	return linked;
}

static void check_batch(const struct core *c, const struct batch *b, const struct count *n)
{
	bool complete = b->closed && b->members == 0;

	must(b->members == n->members && b->kept == n->kept);
	must(b->ended <= b->total && b->failed <= b->ended && b->members == b->total - b->ended);
	must(heap_has(&b->timer) == !b->closed);
	must(!batch_finished(b) || (complete && b->then == NULL && b->waiter == NO_INDEX));
	must(batch_finished(b) || b->then_id == 0);
	must(list_empty(&b->link) == !(complete && (!batch_finished(b) || b->kept == 0)) || b->kept > 0);
	must(b->then == NULL || c->queues[b->then->queue] != NULL);
}

static void check_thens(const struct core *c)
{
	uint64_t bytes = 0, thens = 0, queued = 0;

	for (uint32_t i = 0; i < c->n_batches; i++) {
		const struct batch *b = c->batches[i];

		if (b == NULL || b->then == NULL)
			continue;
		bytes += b->then->headers_n + b->then->payload_n;
		thens++;
	}
	for (uint32_t i = 0; i < c->n_queues; i++)
		queued += c->queues[i] != NULL ? c->queues[i]->n_thens : 0;
	must(bytes == c->then_bytes && thens == queued);
}

void check_join(const struct core *c)
{
	struct job_table *jobs = (struct job_table *)&c->jobs;
	struct count *counts = calloc(c->n_batches + 1, sizeof *counts);
	uint64_t linked = 0;

	must(counts != NULL);
	for (struct job *j = job_next(jobs, 0); j != NULL; j = job_next(jobs, j->id + 1)) {
		linked += check_after(j);
		if (j->batch == NO_INDEX)
			continue;
		must(j->batch < c->n_batches && c->batches[j->batch] != NULL && j->state != JOB_DEAD);
		counts[j->batch].members += !job_terminal(j);
		counts[j->batch].kept += job_terminal(j);
	}
	for (uint32_t i = 0; i < c->n_batches; i++)
		if (c->batches[i] != NULL)
			check_batch(c, c->batches[i], &counts[i]);
	free(counts);
	check_thens(c);
	must(linked == after_check(c));
}
