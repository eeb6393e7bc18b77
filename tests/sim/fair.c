/* See fair.h. */
#include "tests/sim/fair.h"

enum { TENANTS = 3, GROUPS = 8 };

static struct span pick(struct world *w, const char *const *names, uint64_t n)
{
	return span_str(names[rng_below(&w->rng, n)]);
}

bool fair_terms(struct world *w, struct msg_terms *t)
{
	static const char *const tenants[TENANTS] = { "t0", "t1", "t2" };
	static const char *const groups[GROUPS] = { "g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7" };

	if (world_chance(w, 700))
		t->tenant = pick(w, tenants, TENANTS);
	if (world_chance(w, 500))
		t->group = pick(w, groups, GROUPS);
	return t->tenant.n + t->group.n > 0;
}

void fair_settings(struct world *w, struct span queue, struct msg *m)
{
	static struct msg_setting_rec v[2];
	struct {
		const char *name;
		uint64_t value;
	} some[] = {
		{ "concurrency", world_range(w, 2, 6) },
		{ "rate", world_range(w, 20, 400) * 86400 }, /* a second */
		{ "burst", world_range(w, 1, 50) },
		{ "starve", world_range(w, 1, 5000) },
	};

	*m = (struct msg){ .h.kind = MSG_QUEUE_SET };
	m->u.queue_set.queue = queue;
	m->u.queue_set.v = v;
	m->u.queue_set.n = (uint32_t)world_range(w, 1, 2);
	for (uint32_t i = 0; i < m->u.queue_set.n; i++) {
		uint64_t k = rng_below(&w->rng, sizeof some / sizeof some[0]);

		v[i] = (struct msg_setting_rec){ span_str(some[k].name), world_chance(w, 300) ? 0 : some[k].value };
	}
}
