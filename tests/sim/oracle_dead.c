/* Dead letters: who is redriven may end again, who is purged may be gone. Nobody else. */
#include "tests/sim/oracle.h"

/* What is dead there is on its way again, for all we know. */
static void unsee(struct oracle *o, struct known *k)
{
	(void)o;
	k->redriven = true;
	if (k->state == JOB_DEAD)
		k->seen = false;
}

void oracle_redrive_asked(struct oracle *o, uint32_t queue)
{
	o->redriven[queue] = true;
	for (uint64_t i = 0; i < o->n; i++)
		if (o->v[i].queue == queue)
			unsee(o, &o->v[i]);
}

void oracle_retry_asked(struct oracle *o, uint64_t id)
{
	struct known *k = oracle_by_id(o, id);

	if (k != NULL)
		unsee(o, k);
}

void oracle_dead_purge_asked(struct oracle *o, uint32_t queue)
{
	o->dead_purged[queue] = true;
}

uint64_t oracle_some_dead(struct oracle *o)
{
	uint64_t from = o->n > 0 ? rng_below(&o->w->rng, o->n) : 0;

	for (uint64_t i = 0; i < o->n; i++) {
		const struct known *k = &o->v[(from + i) % o->n];

		if (oracle_own(o, k) && k->seen && k->state == JOB_DEAD)
			return k->id;
	}
	return 0;
}

bool oracle_redriven(const struct oracle *o, const struct known *k)
{
	return k->redriven || o->redriven[k->queue];
}

bool oracle_old_death(struct oracle *o, const struct known *k, const struct msg_result_rec *r)
{
	if (r->state != JOB_DEAD || !oracle_redriven(o, k) || k->state == JOB_NONE || k->state == JOB_DEAD)
		return false;
	if (r->finished_ms > k->finished_ms)
		world_fail(o->w, "job %llu was %s, and is dead since", (unsigned long long)r->id,
		           job_state_name((enum job_state)k->state));
	return true;
}
