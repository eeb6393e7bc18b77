/* See replay_dead.h. */
#include "broker/core/replay_dead.h"

#include "broker/core/fact.h"
#include "broker/core/job.h"
#include "broker/core/job_table.h"
#include "broker/core/queue.h"
#include "broker/core/side.h"

/* Its payload was written again behind its death, and that has been trimmed: to us it never died. */
static void still_ready(struct job *j, uint64_t token)
{
	struct side *s = side_make(j);

	j->attempt = j->deliveries = 0;
	if (s->token < token)
		s->token = token;
}

/* The same, and then it was forgotten. */
static void end_unseen(struct core *c, struct job *j)
{
	if (j->state == JOB_DELAYED)
		job_wake(c, j);
	job_end(c, j, &(struct job_end){ .state = JOB_CANCELLED, .empty = true, .where = { .at = c->trim.head } });
}

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
		if (j != NULL && j->state == JOB_READY)
			still_ready(j, f.token);
		if (j == NULL || j->state != JOB_DEAD)
			continue;
		if (j->flags & JOB_EMPTY)
			job_forget(c, j);
		else
			job_redrive(c, j, f.token);
	}
	return true;
}

/* Nothing of a forgotten job is written again, so this is the last that the log says of it. Its death may be trimmed
 * while its payload, which was written again later, is still there. */
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
		if (j != NULL && !job_terminal(j))
			end_unseen(c, j);
		if (j != NULL)
			job_forget(c, j);
	}
	return true;
}
