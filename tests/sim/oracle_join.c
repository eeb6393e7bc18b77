/* What joins jobs: keys, batches, and jobs that follow others. */
#include "tests/sim/oracle.h"

bool oracle_same_key(const struct known *a, const struct known *b)
{
	return a->key != 0 && a->key == b->key && a->queue == b->queue;
}

/* Only jobs that were granted are known to be no repeats. Within the window of a key there is one job, whoever asks. A
 * submit took place between its posting and the moment that its id was known. */
void oracle_check_key(struct oracle *o, const struct known *k)
{
	if (k->key == 0 || o->deleted[k->queue])
		return;
	for (uint64_t i = 0; i < o->n; i++) {
		const struct known *other = &o->v[i];
		uint64_t apart;

		if (other->n_granted == 0 || other->id == k->id || !oracle_same_key(k, other))
			continue;
		apart = k->known_ms - other->posted_ms;
		if (other->known_ms > k->posted_ms && other->known_ms - k->posted_ms > apart)
			apart = other->known_ms - k->posted_ms;
		if (apart < o->w->key_window_ms)
			world_fail(o->w, "jobs %llu and %llu have the same key", (unsigned long long)k->id,
			           (unsigned long long)other->id);
	}
}

void oracle_check_after(struct oracle *o, const struct core *core, const struct known *k)
{
	const struct known *first = k->after != 0 ? oracle_by_id(o, k->after) : NULL;
	enum job_state state;

	if (first == NULL || oracle_redriven(o, first) || oracle_redriven(o, k))
		return;
	state = core_job_state(core, k->after);
	if (state == JOB_NONE || state == JOB_DONE || (k->after_any && job_state_terminal(state)))
		return;
	world_fail(o->w, "job %llu is granted, and job %llu, which it follows, is %s", (unsigned long long)k->id,
	           (unsigned long long)k->after, job_state_name(state));
}

void oracle_then_due(struct oracle *o, uint64_t tag)
{
	oracle_by_tag(o, tag)->due = true;
}
