/* Who makes topics and channels as they shall be, then pauses, empties and deletes, and at the end resumes everything
 * and makes the channels that come late; one operation at a time. And the auditor, who looks whether anything is left.
 */
#include "tests/sim/topic_actor.h"

struct operation {
	uint32_t topic, place; /* PLACES: the topic itself */
	struct msg_topic_op op;
};

/* In the beginning. */
static const struct operation beginning[] = {
	{ T_KEPT, PLACES, { .op = TOPIC_CREATE } },
	{ T_KEPT, PLACES, { .op = TOPIC_SET, .which = SET_KEEP_MS, .keep_ms = 3600 * 1000 } },
	{ T_ORDER, P_ORDER_A, { .op = TOPIC_CREATE } },
	{ T_ORDER, P_ORDER_A, { .op = TOPIC_SET, .which = SET_ORDERED, .ordered = 1 } },
	{ T_TRIES, P_TRIES_A, { .op = TOPIC_CREATE } },
	{ T_TRIES, P_TRIES_A, { .op = TOPIC_SET, .which = SET_ATTEMPTS | SET_DEAD, .attempts = SIM_TRIES_A } },
	{ T_TRIES, P_TRIES_B, { .op = TOPIC_CREATE } },
	{ T_TRIES, P_TRIES_B, { .op = TOPIC_SET, .which = SET_ATTEMPTS, .attempts = SIM_TRIES_B } },
	{ T_SMALL, P_SMALL, { .op = TOPIC_CREATE } },
	{ T_SMALL, PLACES, { .op = TOPIC_SET, .which = SET_KEEP_BYTES, .keep_bytes = SIM_KEEP_BYTES } },
	{ T_PLAIN, P_PLAIN_A, { .op = TOPIC_CREATE } },
};

/* At the end; the late ones with all that is kept. */
static const struct operation ending[] = {
	{ T_PLAIN, PLACES, { .op = TOPIC_RESUME } },    { T_PLAIN, P_PLAIN_A, { .op = TOPIC_RESUME } },
	{ T_PLAIN, P_PLAIN_B, { .op = TOPIC_RESUME } }, { T_ORDER, PLACES, { .op = TOPIC_RESUME } },
	{ T_ORDER, P_ORDER_B, { .op = TOPIC_RESUME } }, { T_TRIES, PLACES, { .op = TOPIC_RESUME } },
	{ T_TRIES, P_TRIES_A, { .op = TOPIC_RESUME } }, { T_KEPT, P_KEPT_LATE, { .op = TOPIC_CREATE, .since_ms = 1 } },
	{ T_WAITS, P_WAITS, { .op = TOPIC_CREATE } },
};

enum { N_BEGINNING = sizeof beginning / sizeof beginning[0], N_ENDING = sizeof ending / sizeof ending[0] };

static void operate(struct topic_actor *a, const struct operation *o)
{
	struct msg m = { .h.kind = MSG_TOPIC_OP };
	struct ask *q;

	m.u.topic_op = o->op;
	m.u.topic_op.topic = sim_topic_name(o->topic);
	m.u.topic_op.channel = sim_channel_name(o->place);
	if (o->op.which & SET_DEAD)
		m.u.topic_op.dead = sim_topic_name(T_DEAD);
	topics_op_sent(a->w->topics, &o->op, o->topic, o->place);
	a->operating = true;
	world_note(a->w, "actor %u: operation %u on %u %u", a->index, o->op.op, o->topic, o->place);
	q = topic_ask(a, &m);
	q->topic = o->topic;
	q->place = o->place;
	q->op = o->op;
}

/* Something that troubles everybody. */
static void trouble(struct topic_actor *a)
{
	static const uint32_t pauses[][2] = {
		{ T_PLAIN, PLACES },    { T_PLAIN, P_PLAIN_A }, { T_PLAIN, P_PLAIN_B }, { T_ORDER, PLACES },
		{ T_ORDER, P_ORDER_B }, { T_TRIES, PLACES },    { T_TRIES, P_TRIES_A },
	};
	static const struct operation ends[] = {
		{ T_PLAIN, PLACES, { .op = TOPIC_EMPTY } },     { T_PLAIN, P_PLAIN_B, { .op = TOPIC_EMPTY } },
		{ T_PLAIN, P_PLAIN_B, { .op = TOPIC_DELETE } }, { T_SMALL, P_SMALL, { .op = TOPIC_DELETE } },
		{ T_SMALL, P_SMALL, { .op = TOPIC_EMPTY } },    { T_SMALL, PLACES, { .op = TOPIC_DELETE } },
		{ T_FLASH, PLACES, { .op = TOPIC_DELETE } },
	};
	struct world *w = a->w;
	const uint32_t *where = pauses[rng_below(&w->rng, sizeof pauses / sizeof pauses[0])];
	struct operation o = { .topic = where[0], .place = where[1] };
	struct msg m = { .h.kind = MSG_TOPIC_LIST };
	uint64_t what = rng_below(&w->rng, 100);

	o.op.op = world_chance(w, 350) ? TOPIC_PAUSE : TOPIC_RESUME;
	if (what < 70)
		operate(a, &o);
	else if (what < 85)
		operate(a, &ends[rng_below(&w->rng, sizeof ends / sizeof ends[0])]);
	else
		(void)topic_ask(a, &m);
}

static void look(struct topic_actor *a)
{
	struct msg m = { .h.kind = MSG_TOPIC_LIST };

	if (a->n_asks == 0 && topics_complete(a->w->topics) && topic_admin_done(a->w->actors[ADMIN]))
		(void)topic_ask(a, &m);
}

void topic_admin(struct topic_actor *a)
{
	if (a->index == AUDITOR) {
		if (a->calm && !a->listed)
			look(a);
		return;
	}
	if (a->operating)
		return;
	if (a->step < N_BEGINNING)
		operate(a, &beginning[a->step]);
	else if (a->calm && a->step < N_BEGINNING + N_ENDING)
		operate(a, &ending[a->step - N_BEGINNING]);
	else if (!a->calm && world_chance(a->w, 150))
		trouble(a);
}

void topic_operated(struct topic_actor *a, const struct ask *q, bool ok)
{
	const struct operation *due = a->step < N_BEGINNING              ? &beginning[a->step]
	                              : a->step < N_BEGINNING + N_ENDING ? &ending[a->step - N_BEGINNING]
	                                                                 : NULL;

	a->operating = false;
	if (q->again)
		topics_op_twice(a->w->topics, &q->op, q->topic, q->place);
	if (ok)
		topics_op_done(a->w->topics, &q->op, q->topic, q->place);
	if (due == NULL || due->topic != q->topic || due->place != q->place || due->op.op != q->op.op)
		return; /* some trouble */
	if (a->step >= N_BEGINNING && !a->calm)
		return;
	if (!ok && a->step < N_BEGINNING)
		world_fail(a->w, "the operation %u on topic %u is refused", q->op.op, q->topic);
	a->step++;
}

bool topic_admin_done(const struct topic_actor *a)
{
	return a->step == N_BEGINNING + N_ENDING && !a->operating;
}

void topic_listed(struct topic_actor *a, const struct msg_topics_info *m)
{
	bool left = false;

	for (uint32_t i = 0; i < m->n; i++) {
		const struct msg_topic_rec *r = &m->v[i];

		if (r->topic.n > 10 || (r->flags & TOPIC_EPHEMERAL))
			continue; /* fleeting */
		left |= r->depth + r->in_hand + r->deferred > 0;
	}
	a->listed = a->index == AUDITOR && a->calm && !left;
}
