/* What a client's user does beside submitting plain jobs: dead letters, and the settings of queues. */
#include "tests/sim/client_actor.h"

enum { PER_SECOND = 86400 }; /* a rate is in jobs per day */

static void dead_op(struct client_actor *a, uint32_t q)
{
	struct world *w = a->w;
	struct msg m = { .h.kind = MSG_DEAD_OP };
	uint64_t n = rng_below(&w->rng, 10);

	m.u.dead_op.queue = client_queue_name(q);
	m.u.dead_op.op = n < 6 ? DEAD_REDRIVE : n < 9 ? DEAD_PURGE : DEAD_STOP;
	if (world_chance(w, 300))
		m.u.dead_op.limit = world_range(w, 1, 5);
	if (world_chance(w, 300))
		m.u.dead_op.filter.min_age_ms = world_range(w, 1, 500);
	if (m.u.dead_op.op == DEAD_REDRIVE && world_chance(w, 300))
		m.u.dead_op.rate = world_range(w, 2, 50) * PER_SECOND;
	if (m.u.dead_op.op == DEAD_REDRIVE)
		oracle_redrive_asked(w->oracle, q);
	if (m.u.dead_op.op == DEAD_PURGE)
		oracle_dead_purge_asked(w->oracle, q);
	client_ask(a, &m, CALL_STEADY);
}

void client_dead(struct client_actor *a)
{
	struct world *w = a->w;
	uint64_t what = rng_below(&w->rng, 10);
	uint32_t q = (uint32_t)rng_below(&w->rng, SIM_QUEUES);
	uint64_t ids[2] = { a->last_id, oracle_some_dead(w->oracle) };
	struct msg m = { .h.kind = MSG_DEAD_LIST };

	if (what < 3) {
		dead_op(a, q);
	} else if (what < 5) {
		m.u.dead_list.queue = client_queue_name(q);
		m.u.dead_list.limit = (uint32_t)world_range(w, 1, 10);
		client_ask(a, &m, CALL_ANY);
	} else if (ids[0] != 0 && ids[1] != 0) {
		m.h.kind = MSG_RETRY;
		m.u.ids.ids = ids;
		m.u.ids.n = 2;
		oracle_retry_asked(w->oracle, ids[0]);
		oracle_retry_asked(w->oracle, ids[1]);
		client_ask(a, &m, CALL_STEADY);
	}
}

void client_joins(struct client_actor *a, struct wanted *wanted, struct csession_policy *p, struct msg_terms *t)
{
	static const char *const keys[] = { "", "k1", "k2", "k3", "k4", "k5", "k6" };
	struct world *w = a->w;

	if (wanted->queue == SIM_RACE_QUEUE && world_chance(w, 400)) {
		wanted->race = t->replicas = (uint32_t)world_range(w, 2, SIM_REPLICAS);
		t->race_ms = world_range(w, 200, 4000);
		t->hedge_ms = world_chance(w, 500) ? world_range(w, 1, 300) : 0;
		wanted->ends_from = world_wall(w) + t->race_ms;
	} else if (world_chance(w, 500)) {
		wanted->key = (uint32_t)world_range(w, 1, 6);
		t->key = span_str(keys[wanted->key]);
		p->batch = 0;
	} else if (a->last_id != 0) {
		wanted->after = a->last_id;
		wanted->after_any = p->after_any = world_chance(w, 300);
		t->after = &a->last_id;
		t->n_after = 1;
	} else {
		return;
	}
	p->terms = t;
}

void client_then(struct client_actor *a, struct msg *m)
{
	static struct task t;
	struct world *w = a->w;
	struct msg_batch_open *o = &m->u.batch_open;
	struct wanted wanted = { .queue = (uint32_t)rng_below(&w->rng, SIM_QUEUES), .attempts = 2 };

	a->then = 0;
	if (world_chance(w, 300))
		o->open_ms = world_range(w, 1, 4000);
	if (world_chance(w, 400))
		return;
	t = (struct task){ .tag = oracle_post(w->oracle, &wanted), .behaviour = DO_ECHO };
	o->then_queue = client_queue_name(wanted.queue);
	o->then_when = (uint32_t)world_range(w, THEN_SUCCESS, THEN_FAILURE);
	o->then_attempts = wanted.attempts;
	o->then_payload = span_of(&t, sizeof t);
	if (o->then_when == THEN_ANY)
		a->then = t.tag;
}

static void set(struct client_actor *a, uint64_t queue, const struct msg_setting_rec *v, uint32_t n)
{
	struct msg m = { .h.kind = MSG_QUEUE_SET };

	m.u.queue_set.queue = client_queue_name(queue);
	m.u.queue_set.v = v;
	m.u.queue_set.n = n;
	client_ask(a, &m, CALL_STEADY);
}

void client_settings(struct client_actor *a)
{
	struct world *w = a->w;
	uint32_t q = (uint32_t)rng_below(&w->rng, SIM_QUEUES);
	struct msg_setting_rec v[4];
	uint32_t n = 0;

	switch (rng_below(&w->rng, 3)) {
	case 0:
		v[n++] = (struct msg_setting_rec){ span_str("attempts"), world_range(w, 0, SIM_MOST_ATTEMPTS) };
		v[n++] = (struct msg_setting_rec){ span_str("backoff"), world_range(w, 0, 300) };
		v[n++] = (struct msg_setting_rec){ span_str("backoff-max"), world_range(w, 0, 500) };
		break;
	case 1:
		v[n++] =
		    (struct msg_setting_rec){ span_str("lease"), world_chance(w, 500) ? world_range(w, 200, 3000) : 0 };
		oracle_lease_set(w->oracle, q);
		break;
	default:
		v[n++] = (struct msg_setting_rec){ span_str("keep-dead"), world_range(w, 0, 2) * 500 };
		oracle_dead_purge_asked(w->oracle, q);
		break;
	}
	set(a, q, v, n);
}

void client_unlimit(struct client_actor *a, uint64_t queue)
{
	const struct msg_setting_rec v[] = { { span_str("concurrency"), 0 }, { span_str("rate"), 0 } };
	struct msg m = { .h.kind = MSG_DEAD_OP };

	set(a, queue, v, 2);
	m.u.dead_op.queue = client_queue_name(queue);
	m.u.dead_op.op = DEAD_STOP;
	client_ask(a, &m, CALL_STEADY);
}
