/* Which worker may have which replica; see race.h. */
#include "broker/core/dispatch.h"
#include "broker/core/job.h"
#include "broker/core/queue.h"
#include "broker/core/race.h"

enum { LOOK = 16 }; /* parked ones that are looked at at a time */

bool race_allows(const struct job *j, const struct worker *w)
{
	const struct race *race = race_of(j);

	if (race == NULL)
		return true;
	if (race->parent == NULL) /* it is over since this very step: its replicas are cancelled in the next one */
		return false;
	for (uint32_t i = 0; i < race->n; i++)
		if (race->v[i].instance == w->instance && j->id != race->id + 1 + i)
			return false;
	return true;
}

/* Whether a worker of the queue that the test is true for may have the job. */
static bool any(const struct queue *q, const struct job *j, bool (*test)(const struct worker *w, uint64_t bytes))
{
	for (const struct list *p = q->servers.next; p != &q->servers; p = p->next) {
		const struct worker *w = list_item(p, struct attachment, link)->worker;

		if (test(w, j->length) && race_allows(j, w))
			return true;
	}
	return false;
}

static bool has_room(const struct worker *w, uint64_t bytes)
{
	return dispatch_credit(w, bytes) > 0;
}

static bool stays(const struct worker *w, uint64_t bytes)
{
	(void)bytes;
	return w->state != WORKER_LEAVING && !w->draining;
}

static bool idle(const struct worker *w, uint64_t bytes)
{
	return w->outstanding < w->slots && has_room(w, bytes);
}

bool race_placeable(const struct core *c, const struct job *j)
{
	return any(c->queues[j->queue], j, stays);
}

bool race_movable(const struct core *c, const struct job *j, const struct worker *w)
{
	(void)w; /* it is not idle, or nothing would be taken from it */
	return race_of(j) == NULL || any(c->queues[j->queue], j, idle);
}

void race_park(struct core *c, struct job *j)
{
	struct race *race = race_of(j);

	job_block(c, j);
	list_push_back(&c->queues[j->queue]->parked, &race_racer(race, j)->parked);
	race_judge(c, race);
}

static void unpark(struct core *c, struct racer *r)
{
	list_remove(&r->parked);
	job_unblock(c, r->job);
}

void race_unpark(struct core *c, struct queue *q)
{
	struct list *p = q->parked.next, *next;

	for (int i = 0; i < LOOK && p != &q->parked; i++, p = next) {
		struct racer *r = list_item(p, struct racer, parked);

		next = p->next;
		if (r->job->flags & JOB_ENDING)
			continue;
		if (any(q, r->job, has_room)) {
			unpark(c, r);
			continue;
		}
		if (race_of(r->job)->parent != NULL && !race_placeable(c, r->job))
			race_judge(c, race_of(r->job));
		list_remove(&r->parked);
		list_push_back(&q->parked, &r->parked);
		if (next == &q->parked)
			break; /* each once */
	}
}

void race_claimed(struct core *c, struct job *j)
{
	struct race *race = race_of(j);
	struct racer *r;

	if (j->state != JOB_BLOCKED || j->id == race->id || (j->flags & JOB_ENDING))
		return;
	r = race_racer(race, j);
	if (!list_empty(&r->parked))
		unpark(c, r);
	else
		race_open(c, race, race->hedge_ms != 0 ? (uint32_t)(j->id - race->id) : race->n);
}
