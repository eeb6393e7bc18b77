/* See replay_dead.h. */
#include "broker/core/replay_dead.h"

#include "broker/core/fact.h"
#include "broker/core/job.h"
#include "broker/core/job_table.h"
#include "broker/core/queue.h"

/* Where a dead letter's payload is written again later, or was lost with damage, it is forgotten for the moment. */
bool replay_redrive(struct core *c, struct span rest)
{
	struct fact_dead_rec r;
	struct fact_dead f;

	if (!fact_get_dead(&rest, &f))
		return false;
	for (uint32_t i = 0; i < f.count; i++) {
		struct job *j;

		if (!fact_get_dead_rec(&rest, &r))
			return false;
		queue_at(c, r.queue)->redriven++;
		j = job_find(&c->jobs, r.id);
		if (j == NULL || j->state != JOB_DEAD)
			continue;
		if (j->flags & JOB_EMPTY)
			job_forget(c, j);
		else
			job_redrive(c, j, f.token);
	}
	return true;
}

/* Nothing of a forgotten job is written again, so this is the last that the log says of it. */
bool replay_forgotten(struct core *c, struct span rest)
{
	struct fact_dead_rec r;
	struct fact_dead f;

	if (!fact_get_dead(&rest, &f))
		return false;
	for (uint32_t i = 0; i < f.count; i++) {
		struct job *j;

		if (!fact_get_dead_rec(&rest, &r))
			return false;
		queue_at(c, r.queue)->forgotten++;
		j = job_find(&c->jobs, r.id);
		if (j != NULL && j->state == JOB_DEAD)
			job_forget(c, j);
	}
	return true;
}
