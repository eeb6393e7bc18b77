/* See all.h. First every part is looked at and nothing is changed; then the facts of all of them go into one block. */
#include "broker/core/all.h"

#include "broker/core/admit.h"
#include "broker/core/client.h"
#include "broker/core/fact.h"
#include "broker/core/fx.h"
#include "broker/core/job.h"
#include "broker/core/key.h"
#include "broker/core/put.h"
#include "broker/core/queue.h"
#include "broker/core/submit.h"
#include "broker/core/turn.h"

static_assert(LIMIT_ALL_PARTS <= STEP_PUTS, "all parts are put in one step");

/* Bytes of facts of one part without its bytes and texts, and of a queue that is made, at most. */
enum { PART_BYTES = 256, QUEUE_BYTES = 256 + 8 * SETTINGS };

#define NO_TWIN UINT32_MAX

/* What is known of a part. */
struct part {
	struct queue *q;           /* NULL: not there yet */
	uint64_t id;               /* of the first job with its key; 0: there is none yet */
	uint32_t twin;             /* the earlier part that has its queue and key, and makes the job; or NO_TWIN */
	uint32_t root;             /* the part whose payload it has */
	uint32_t users;            /* of its payload, among those that make a job */
	const struct putting *put; /* the first one of these */
};

struct all {
	const struct msg_submit_all *m;
	uint32_t n_new;                     /* parts that make a job */
	struct part parts[LIMIT_ALL_PARTS]; /* m->n of them */
	uint64_t ids[LIMIT_ALL_PARTS];
};

static bool makes_job(const struct part *p)
{
	return p->id == 0 && p->twin == NO_TWIN;
}

static struct span payload_of(const struct all *a, uint32_t i)
{
	return a->m->v[a->parts[i].root].payload;
}

/* Parts before this one that make a job with a key: *all, and of its queue *here. Returns the one with the same key, or
 * NO_TWIN. */
static uint32_t find_twin(const struct all *a, uint32_t i, uint32_t *here, uint32_t *all)
{
	const struct msg_all_part *v = a->m->v;

	*here = *all = 0;
	for (uint32_t k = 0; k < i; k++) {
		if (v[k].key.n == 0 || !makes_job(&a->parts[k]))
			continue;
		++*all;
		if (!span_eq(v[k].queue, v[i].queue))
			continue;
		++*here;
		if (span_eq(v[k].key, v[i].key))
			return k;
	}
	return NO_TWIN;
}

/* Finds out what each part is about. */
static void look(const struct core *c, struct all *a)
{
	uint32_t here, all;

	for (uint32_t i = 0; i < a->m->n; i++) {
		const struct msg_all_part *v = &a->m->v[i];
		struct part *p = &a->parts[i];

		must(v->same <= i);
		*p = (struct part){ .q = queue_find(c, v->queue), .twin = NO_TWIN, .root = i };
		if (v->same != 0)
			p->root = a->parts[v->same - 1].root;
		if (v->key.n > 0 && p->q != NULL)
			p->id = key_find(c, p->q, v->key);
		if (v->key.n > 0 && p->id == 0)
			p->twin = find_twin(a, i, &here, &all);
		if (!makes_job(p))
			continue;
		a->n_new++;
		a->parts[p->root].users++;
	}
}

/* Bytes of facts that it will take, at most. */
static uint64_t fact_bytes(const struct all *a)
{
	uint64_t n = FACT_HEAD + 64 + 8 * a->m->n;

	for (uint32_t i = 0; i < a->m->n; i++) {
		const struct msg_all_part *v = &a->m->v[i];

		if (a->parts[i].users > 0)
			n += v->payload.n;
		if (makes_job(&a->parts[i]))
			n += PART_BYTES + v->headers.n + v->key.n + (a->parts[i].q == NULL ? QUEUE_BYTES : 0);
	}
	return n;
}

/* Whether an earlier part is about the same queue, which is missing. */
static bool made_before(const struct all *a, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (a->parts[k].q == NULL && makes_job(&a->parts[k]) && span_eq(a->m->v[k].queue, a->m->v[i].queue))
			return true;
	return false;
}

/* What all parts together need. */
struct needs {
	uint32_t queues;  /* that are to be made */
	uint32_t sets;    /* of headers */
	uint64_t headers; /* bytes of these */
};

/* What speaks against one part. */
static struct refusal refuse_part(struct core *c, const struct all *a, uint32_t i, struct needs *needs)
{
	const struct msg_all_part *v = &a->m->v[i];
	const struct part *p = &a->parts[i];
	struct refusal no = admit_queue(c, p->q);
	uint32_t here, all;

	if (no.error != SHEAF_OK)
		return no;
	if (p->q == NULL && !(v->flags & ALL_CREATE))
		return (struct refusal){ SHEAF_E_UNKNOWN, "there is no such queue" };
	if (p->q == NULL && !made_before(a, i) && ++needs->queues + c->live_queues > LIMIT_QUEUES)
		return (struct refusal){ SHEAF_E_FULL, "there are 10000 queues already" };
	needs->sets += v->headers.n > 0;
	needs->headers += v->headers.n;
	no = admit_policies(c, needs->sets, needs->headers);
	if (no.error != SHEAF_OK || v->key.n == 0)
		return no;
	(void)find_twin(a, i, &here, &all);
	return admit_key(c, p->q, here, all);
}

/* What speaks against all of it; *blame: the number of the part, from 1, or 0. */
static struct refusal refuse(struct core *c, const struct all *a, uint32_t *blame)
{
	struct refusal no = admit_bytes(c, fact_bytes(a));
	struct needs needs = { 0 };

	*blame = 0;
	for (uint32_t i = 0; i < a->m->n && no.error == SHEAF_OK; i++) {
		if (!makes_job(&a->parts[i]))
			continue;
		no = refuse_part(c, a, i, &needs);
		*blame = no.error != SHEAF_OK ? i + 1 : 0;
	}
	return no;
}

static void accept(struct core *c, const struct client *cl, const struct msg *m, const uint64_t *ids, uint32_t n)
{
	struct msg *out = fx_reply(c, cl->peer, MSG_ALL_ACCEPTED, cl->session, m->h.number);
	uint64_t *v = fx_alloc(c, n * sizeof *v);

	memcpy(v, ids, n * sizeof *v);
	out->u.all_accepted = (struct msg_all_accepted){ v, n };
}

/* Answers a request that was answered before. True if it was one. */
static bool answered(struct core *c, struct client *cl, const struct msg *m)
{
	const struct answer *a = client_answer(cl, m->h.number);
	uint64_t ids[LIMIT_ALL_PARTS];

	if (a == NULL)
		return submit_answered(c, cl, m);
	if (a->count != m->u.submit_all.n) {
		fx_answer(c, cl->peer, &m->h, SHEAF_E_OUTCOME, "another request had this number", 0);
		return true;
	}
	for (uint32_t i = 0; i < a->count; i++)
		ids[i] = a->ids != NULL ? a->ids[i] : a->first + i;
	accept(c, cl, m, ids, a->count);
	return true;
}

/* Writes the facts of the job that a part makes. */
static void put_part(struct core *c, struct all *a, uint32_t i, const struct client *cl, uint64_t number)
{
	const struct msg_all_part *v = &a->m->v[i];
	struct part *p = &a->parts[i], *root = &a->parts[p->root];
	struct span payload = payload_of(a, i);
	bool shares = root->users > 1 && payload.n > FACT_SHARED_HEAD;
	struct put put = { .priority = (uint8_t)v->priority,
		           .attempts = (uint8_t)v->attempts,
		           .lease_ms = v->lease_ms,
		           .delay_ms = v->delay_ms,
		           .within_ms = v->within_ms,
		           .headers = v->headers,
		           .sharers = shares ? root->users : 0,
		           .same = shares ? root->put : NULL };

	if (a->m->n == 1) {
		put.session = cl->session;
		put.number = number;
		put.floor = cl->floor;
	}
	p->q = queue_for(c, v->queue);
	must(p->q != NULL);
	a->ids[i] = put_job(c, p->q, &put, payload);
	if (root->put == NULL)
		root->put = &c->turn.puts[c->turn.n_puts - 1];
}

/* Puts all jobs and keys, and makes them true. */
static void put_all(struct core *c, struct all *a, const struct client *cl, uint64_t number)
{
	struct key_fact keys[LIMIT_ALL_PARTS];

	(void)buf_room(&c->fx->block, fact_bytes(a)); /* grows once */
	for (uint32_t i = 0; i < a->m->n; i++) {
		const struct part *p = &a->parts[i];

		if (!makes_job(p)) {
			a->ids[i] = p->id != 0 ? p->id : a->ids[p->twin];
			continue;
		}
		put_part(c, a, i, cl, number);
		if (a->m->v[i].key.n > 0)
			keys[i] = key_write(c, p->q, a->m->v[i].key, a->ids[i]);
	}
	if (a->m->n > 1)
		fact_put_all(
		    &c->fx->block,
		    &(struct fact_answer){
			.session = cl->session, .floor = cl->floor, .number = number, .n = a->m->n, .ids = a->ids });
	turn_commit(c);
	for (uint32_t i = 0; i < a->m->n; i++)
		if (makes_job(&a->parts[i]) && a->m->v[i].key.n > 0)
			key_add(c, a->parts[i].q, &keys[i].f, c->turn.base + keys[i].at);
}

void all_request(struct core *c, struct client *cl, const struct msg *m)
{
	struct all a; /* some kilobytes: only what is used of it is written */
	struct refusal no;
	uint32_t blame;

	a.m = &m->u.submit_all;
	a.n_new = 0;
	client_answered(cl, a.m->answered);
	if (answered(c, cl, m))
		return;
	look(c, &a);
	if (a.n_new > 0) {
		no = refuse(c, &a, &blame);
		if (no.error != SHEAF_OK) {
			fx_answer(c, cl->peer, &m->h, no.error, no.text, blame);
			return;
		}
		put_all(c, &a, cl, m->h.number);
		c->count.submits++;
	} else {
		for (uint32_t i = 0; i < a.m->n; i++)
			a.ids[i] = a.parts[i].id;
	}
	client_remember_all(cl, m->h.number, a.ids, a.m->n);
	accept(c, cl, m, a.ids, a.m->n);
}
