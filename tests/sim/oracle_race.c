/* Races: each replica on a worker of its own, and none of them when the race is over. */
#include "broker/core/state.h"
#include "tests/sim/oracle.h"

/* The process that has this session; 0: the core does not know it any more. */
static uint64_t instance_of(struct oracle *o, uint64_t session)
{
	const struct core *core = broker_core(o->w->broker);

	for (struct list *l = core->workers.next; l != &core->workers; l = l->next) {
		const struct worker *w = list_item(l, struct worker, link);

		if (w->session == session)
			return w->instance;
	}
	return 0;
}

/* What a broker granted without a fact is unknown to the next one. */
static void apart(struct oracle *o, struct known *k, uint64_t id, uint64_t session)
{
	uint64_t instance = instance_of(o, session);

	if (k->raced_us == 0)
		k->raced_us = o->w->now_us;
	for (uint32_t i = 0; i < k->race; i++)
		if (id != k->id + 1 + i && instance != 0 && k->racers[i] == instance && o->crashed_us < k->raced_us)
			world_fail(o->w, "replica %llu goes to the worker of replica %llu", (unsigned long long)id,
			           (unsigned long long)(k->id + 1 + i));
	k->racers[id - k->id - 1] = instance;
}

void oracle_replica_granted(struct oracle *o, uint64_t session, struct known *k, const struct msg_job_rec *r)
{
	if (k->seen && !oracle_redriven(o, k))
		world_fail(o->w, "replica %llu is granted, and somebody has seen the end of its race",
		           (unsigned long long)r->id);
	if (k->id != 0 && (r->id <= k->id || r->id > k->id + k->race))
		world_fail(o->w, "job %llu has the payload of race %llu", (unsigned long long)r->id,
		           (unsigned long long)k->id);
	if (k->id != 0)
		apart(o, k, r->id, session);
}

void oracle_check_replica(struct oracle *o, const struct core *core, const struct known *k, uint64_t id)
{
	if (k->race > 0 && k->id != 0 && k->id != id && job_state_terminal(core_job_state(core, k->id)))
		world_fail(o->w, "replica %llu is granted, and its race is over", (unsigned long long)id);
}
