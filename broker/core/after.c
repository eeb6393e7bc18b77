/* See after.h. */
#include "broker/core/after.h"

#include <stdlib.h>

#include "base/text.h"
#include "broker/core/batch.h"
#include "broker/core/fx.h"
#include "broker/core/job.h"
#include "broker/core/job_table.h"
#include "broker/core/queue.h"
#include "broker/core/race.h"
#include "broker/core/turn.h"

/* What is known of something that a job may follow. JOB_NONE: it is not there any more, so it ended well. A job or
 * batch that goes on is said to be ready. */
static enum job_state state_of(const struct core *c, uint64_t id)
{
	const struct job *j = job_find((struct job_table *)&c->jobs, id);
	const struct batch *b = j == NULL ? batch_find(c, id) : NULL;

	if (j != NULL)
		return job_terminal(j) ? (enum job_state)j->state : JOB_READY;
	if (b == NULL)
		return JOB_NONE;
	if (!batch_finished(b))
		return JOB_READY;
	return batch_failed(b) ? JOB_DEAD : JOB_DONE;
}

static bool ended_well(enum job_state s)
{
	return s == JOB_NONE || s == JOB_DONE;
}

static struct parent *find(const struct core *c, uint64_t id)
{
	struct parent *p;

	HASH_FIND(hh, c->by_parent, &id, sizeof id, p);
	return p;
}

const char *after_refused(const struct core *c, const uint64_t *ids, uint32_t n, bool any, uint32_t jobs,
                          enum sheaf_error *error)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct batch *b = batch_find(c, ids[i]);
		const struct parent *p = find(c, ids[i]);
		enum job_state s = state_of(c, ids[i]);

		*error = SHEAF_E_UNKNOWN;
		if (ids[i] == 0 || ids[i] >= c->next_id)
			return "after: there is no such job or batch";
		*error = SHEAF_E_GONE;
		if (s == JOB_NONE)
			return "after: that job or batch has ended and is no longer kept";
		*error = SHEAF_E_BAD_VALUE;
		if (b != NULL && !b->closed)
			return "after: that batch is open, and could come to wait for itself: close it first";
		*error = SHEAF_E_BUSY;
		if (s == JOB_READY && p != NULL && p->ended != JOB_NONE)
			return "after: a dead job has been redriven, and what followed it is still being cancelled";
		*error = SHEAF_E_FINISHED;
		if (!any && job_state_terminal(s) && !ended_well(s))
			return "after: what it is to follow has failed";
	}
	*error = SHEAF_E_FULL;
	if (c->n_edges + (uint64_t)n * jobs > LIMIT_AFTER_ALL)
		return "after: too many jobs follow others";
	*error = SHEAF_OK;
	return NULL;
}

uint32_t after_unended(const struct core *c, const uint64_t *ids, uint32_t n, uint64_t *out)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++) {
		bool again = false;

		for (uint32_t j = 0; j < k; j++)
			again = again || out[j] == ids[i];
		if (!again && state_of(c, ids[i]) == JOB_READY)
			out[k++] = ids[i];
	}
	return k;
}

void after_hold(struct core *c, struct side *s, const uint64_t *ids, uint32_t n, bool any)
{
	struct after *a = calloc(1, sizeof *a + n * sizeof a->edges[0]);

	must(a != NULL && n > 0 && s->after == NULL);
	a->n = n;
	a->any = any;
	for (uint32_t i = 0; i < n; i++) {
		a->edges[i].id = ids[i];
		a->edges[i].side = s;
		list_init(&a->edges[i].link);
	}
	s->after = a;
	c->n_edges += n;
}

/* ---- what is followed ---- */

static struct parent *make(struct core *c, uint64_t id)
{
	struct parent *p = find(c, id);

	if (p != NULL)
		return p;
	p = calloc(1, sizeof *p);
	must(p != NULL);
	p->id = id;
	list_init(&p->edges);
	list_init(&p->link);
	HASH_ADD(hh, c->by_parent, id, sizeof p->id, p);
	return p;
}

static void destroy(struct core *c, struct parent *p)
{
	must(list_empty(&p->edges));
	if (p->ended != JOB_NONE && p->ended != JOB_DONE)
		c->n_dooming--;
	HASH_DELETE(hh, c->by_parent, p);
	list_remove(&p->link);
	free(p);
}

/* Its end is known: what follows it is due. */
static void release(struct core *c, struct parent *p, enum job_state state)
{
	if (p->ended != JOB_NONE)
		return;
	p->ended = state;
	if (state != JOB_DONE)
		c->n_dooming++;
	list_push_back(&c->releasing, &p->link);
}

bool after_link(struct core *c, struct side *s)
{
	struct after *a = s->after;

	for (uint32_t i = 0; i < a->n; i++) {
		struct edge *e = &a->edges[i];
		enum job_state state = state_of(c, e->id);
		struct parent *p;

		if (ended_well(state) || (a->any && state != JOB_READY))
			continue;
		p = make(c, e->id);
		list_push_back(&p->edges, &e->link);
		a->left++;
		if (state != JOB_READY)
			release(c, p, state);
	}
	return a->left > 0;
}

void after_drop(struct core *c, struct side *s)
{
	struct after *a = s->after;

	if (a == NULL)
		return;
	for (uint32_t i = 0; i < a->n; i++) {
		struct edge *e = &a->edges[i];
		struct parent *p = list_empty(&e->link) ? NULL : find(c, e->id);

		list_remove(&e->link);
		if (p != NULL && list_empty(&p->edges))
			destroy(c, p);
	}
	c->n_edges -= a->n;
	s->after = NULL;
	free(a);
}

void after_ended(struct core *c, uint64_t id, enum job_state state)
{
	struct parent *p = c->by_parent != NULL ? find(c, id) : NULL;

	if (p != NULL)
		release(c, p, state);
}

/* ---- what follows ---- */

static void doom(struct core *c, struct job *j, const struct parent *p)
{
	enum { WORDS = 96 };
	char *text = fx_alloc(c, WORDS);
	size_t n;

	if (batch_find(c, p->id) != NULL)
		n = text_format(text, WORDS, "batch %llu, which it was to follow, failed", (unsigned long long)p->id);
	else
		n = text_format(text, WORDS, "job %llu, which it was to follow, ended as %s", (unsigned long long)p->id,
		                job_state_name(p->ended));
	j->flags |= JOB_ENDING;
	turn_end_job(
	    c, &(struct ending){ .job = j, .state = JOB_CANCELLED, .used = j->attempt, .error = span_of(text, n) });
}

void after_over(struct core *c, struct job *j)
{
	if (race_of(j) == NULL) {
		job_release(c, j);
		return;
	}
	after_drop(c, j->in.side);
	race_judge(c, race_of(j));
}

/* One job that follows p. */
static void decide(struct core *c, struct parent *p, struct edge *e)
{
	struct side *s = e->side;

	list_remove(&e->link);
	if (s->job->flags & JOB_ENDING)
		return;
	if (p->ended != JOB_DONE && !s->after->any)
		doom(c, s->job, p);
	else if (--s->after->left == 0)
		after_over(c, s->job);
}

void after_slice(struct core *c)
{
	uint64_t full = log_group_max(c->config.segment_bytes) / 4;

	for (int i = 0; i < STEP_WORK && !list_empty(&c->releasing); i++) {
		struct parent *p = list_item(c->releasing.next, struct parent, link);

		if (!turn_has_room(c, 1) || turn_bytes(c) >= full)
			return;
		if (!list_empty(&p->edges))
			decide(c, p, list_item(p->edges.next, struct edge, link));
		if (list_empty(&p->edges))
			destroy(c, p);
	}
}

const uint64_t *after_list(struct core *c, const struct side *s, uint32_t *n)
{
	uint64_t *v = fx_alloc(c, LIMIT_AFTER * sizeof *v);

	*n = 0;
	for (uint32_t i = 0; s->after != NULL && i < s->after->n; i++)
		if (!list_empty(&s->after->edges[i].link))
			v[(*n)++] = s->after->edges[i].id;
	return v;
}

uint64_t after_check(const struct core *c)
{
	uint64_t n = 0, dooming = 0;
	struct parent *p, *next;

	HASH_ITER(hh, c->by_parent, p, next)
	{
		enum job_state s = state_of(c, p->id);

		must(!list_empty(&p->edges));
		must((p->ended == JOB_NONE) == list_empty(&p->link));
		must(p->ended != JOB_NONE || s == JOB_READY);
		dooming += p->ended != JOB_NONE && p->ended != JOB_DONE;
		for (struct list *l = p->edges.next; l != &p->edges; l = l->next, n++)
			must(list_item(l, struct edge, link)->id == p->id);
	}
	must(dooming == c->n_dooming);
	return n;
}

void after_fini(struct core *c)
{
	struct parent *p, *next;

	HASH_ITER(hh, c->by_parent, p, next)
	{
		HASH_DELETE(hh, c->by_parent, p);
		free(p);
	}
}
