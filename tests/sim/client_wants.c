/* What a client's user does beside submitting plain jobs: dead letters, the settings of queues, jobs for several queues
 * together. */
#include <stdio.h>

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

enum { MOST_PARTS = 6, PART_MOST = 1500, PART_HEADERS = 32 };

/* What a SUBMIT_ALL is made of. */
struct making {
	struct msg_all_part v[MOST_PARTS];
	uint32_t behaviour[MOST_PARTS]; /* of the payload */
	char headers[MOST_PARTS][PART_HEADERS];
	uint8_t payload[MOST_PARTS][sizeof(struct task) + PART_MOST];
};

/* The payload of part i, which is its own. */
static void make_payload(struct world *w, struct making *m, uint32_t i, uint64_t tag)
{
	struct task t = { .tag = tag, .run_ms = (uint32_t)rng_below(&w->rng, 30), .behaviour = m->behaviour[i] };
	size_t n = sizeof t + rng_below(&w->rng, world_chance(w, 300) ? PART_MOST : 64);

	memcpy(m->payload[i], &t, sizeof t);
	for (size_t k = sizeof t; k < n; k++)
		m->payload[i][k] = (uint8_t)(tag + k);
	m->v[i].payload = span_of(m->payload[i], n);
}

/* Adds part i; returns its tag. */
static uint64_t make_part(struct world *w, struct making *m, uint32_t i, bool keyed)
{
	static const char *const keys[] = { "", "k1", "k2", "k3", "k4", "k5", "k6" };
	struct msg_all_part *p = &m->v[i];
	struct wanted wanted = { .queue = (uint32_t)rng_below(&w->rng, SIM_QUEUES),
		                 .attempts = (uint32_t)world_range(w, 0, SIM_MOST_ATTEMPTS),
		                 .priority = (uint32_t)world_range(w, 0, LIMIT_PRIORITY),
		                 .key = keyed && world_chance(w, 600) ? (uint32_t)world_range(w, 1, 6) : 0 };
	uint64_t tag;

	*p = (struct msg_all_part){ .queue = client_queue_name(wanted.queue),
		                    .flags = world_chance(w, 800) ? ALL_CREATE : 0,
		                    .priority = wanted.priority,
		                    .attempts = wanted.attempts,
		                    .key = span_str(keys[wanted.key]),
		                    .same = i > 0 && world_chance(w, 600) ? (uint32_t)world_range(w, 1, i) : 0 };
	if (world_chance(w, 150)) {
		p->delay_ms = world_range(w, 1, 2000);
		wanted.not_before = world_wall(w) + p->delay_ms;
	}
	if (wanted.key == 0 && world_chance(w, 150)) { /* of a repeat nobody knows whose end counts */
		p->within_ms = world_range(w, 20, 4000);
		wanted.ends_from = world_wall(w) + p->within_ms;
	}
	m->behaviour[i] = p->same != 0 ? m->behaviour[p->same - 1] : keyed || world_chance(w, 800) ? DO_ECHO : DO_FLAKY;
	wanted.behaviour = m->behaviour[i];
	tag = oracle_post(w->oracle, &wanted);
	p->headers = span_of(m->headers[i],
	                     (size_t)snprintf(m->headers[i], PART_HEADERS, "tag=%llu", (unsigned long long)tag) + 1);
	if (p->same == 0)
		make_payload(w, m, i, tag);
	return tag;
}

void client_all(struct client_actor *a)
{
	static struct making m;
	struct world *w = a->w;
	uint32_t n = (uint32_t)world_range(w, 1, MOST_PARTS);
	bool keyed = world_chance(w, 400);
	uint64_t first = 0, number;

	if (!csession_all_room(a->c))
		return;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t tag = make_part(w, &m, i, keyed);

		first = i == 0 ? tag : first;
	}
	oracle_all_posted(w->oracle, first, n);
	if (csession_submit_all(a->c, &(struct msg_submit_all){ .v = m.v, .n = n }, CALL_ALL + first, &number) !=
	    SHEAF_OK)
		world_fail(w, "client %u cannot submit", a->index);
}

void client_all_answered(struct client_actor *a, const struct csession_event *ev)
{
	const struct msg_all_accepted *all = &ev->answer->u.all_accepted;
	uint64_t first = ev->call - CALL_ALL;

	if (ev->error == SHEAF_E_MALFORMED)
		world_fail(a->w, "client %u does not understand the answer", a->index);
	if (ev->error != SHEAF_OK) {
		oracle_all_refused(a->w->oracle, first, ev->error);
		return;
	}
	oracle_all_accepted(a->w->oracle, first, all->ids, all->n);
	a->last_id = all->ids[0];
	for (uint32_t i = 0; i < all->n; i++)
		if (world_chance(a->w, 500) && csession_room(a->c) > 0)
			(void)csession_await(a->c, all->ids[i], first + i);
}
