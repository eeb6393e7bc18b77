/* See wait.h. */
#include "broker/core/wait.h"

#include <stdlib.h>

#include "broker/core/batch.h"
#include "broker/core/fx.h"
#include "broker/core/job.h"
#include "broker/core/job_table.h"
#include "broker/core/side.h"

enum { CHUNK_BITS = 10, CHUNK = 1 << CHUNK_BITS, ROOM_FOR_OTHERS = 1024 };

static struct waiter *at(const struct core *c, uint32_t i)
{
	return &c->waiters[i >> CHUNK_BITS][i & (CHUNK - 1)];
}

static void add_chunk(struct core *c)
{
	uint32_t first = c->n_waiter_chunks * CHUNK;

	c->waiters = realloc(c->waiters, (c->n_waiter_chunks + 1) * sizeof c->waiters[0]);
	must(c->waiters != NULL);
	c->waiters[c->n_waiter_chunks] = calloc(CHUNK, sizeof(struct waiter));
	must(c->waiters[c->n_waiter_chunks] != NULL);
	c->n_waiter_chunks++;
	for (uint32_t i = CHUNK; i-- > 0;) {
		at(c, first + i)->next = c->free_waiter;
		c->free_waiter = first + i;
	}
}

void wait_add(struct core *c, struct client *cl, uint64_t id, uint32_t flags, uint32_t *head)
{
	struct waiter *w;
	uint32_t i;

	must(cl->n_waits < LIMIT_CLIENT_WAITS);
	if (c->free_waiter == NO_INDEX)
		add_chunk(c);
	i = c->free_waiter;
	w = at(c, i);
	c->free_waiter = w->next;
	w->client = cl;
	w->id = id;
	w->flags = flags;
	w->next = *head;
	*head = i;
	list_push_back(&cl->waits, &w->link);
	cl->n_waits++;
}

static void drop(struct core *c, uint32_t i)
{
	struct waiter *w = at(c, i);

	list_remove(&w->link);
	w->client->n_waits--;
	w->client = NULL;
	w->next = c->free_waiter;
	c->free_waiter = i;
}

/* One result to one client; NULL if the step has no room for it. */
static struct effect *push(struct core *c, struct client *cl, const struct msg_result_rec *r)
{
	uint64_t number = cl->pushed++;
	struct effect *e;

	if (fx_room(c) <= ROOM_FOR_OTHERS)
		return NULL;
	e = fx_add(c, FX_RESULT);
	e->peer = cl->peer;
	e->session = cl->session;
	e->number = number;
	e->u.result.rec = *r;
	return e;
}

/* Leaves the result's bytes out. */
static void hush(struct effect *e)
{
	e->u.result.rec.gone = 1;
	e->u.result.rec.result = (struct span){ 0 };
}

void wait_resolve(struct core *c, uint32_t head, const struct msg_result_rec *r)
{
	while (head != NO_INDEX) {
		struct waiter *w = at(c, head);
		uint32_t next = w->next;
		struct effect *e = push(c, w->client, r);

		if (e != NULL && (w->flags & WAIT_QUIET))
			hush(e);
		drop(c, head);
		head = next;
	}
}

static void describe_batch(const struct batch *b, struct msg_result_rec *r)
{
	*r = (struct msg_result_rec){ .id = b->id,
		                      .state = batch_failed(b) ? JOB_DEAD : JOB_DONE,
		                      .exit = batch_failed(b) ? 1 : 0,
		                      .finished_ms = b->finished_wall };
}

void wait_resolve_batch(struct core *c, struct batch *b)
{
	struct msg_result_rec r;
	uint32_t head = b->waiter;

	b->waiter = NO_INDEX;
	describe_batch(b, &r);
	wait_resolve(c, head, &r);
}

void wait_describe(const struct job *j, struct msg_result_rec *r)
{
	*r = (struct msg_result_rec){
		.id = j->id,
		.state = j->state,
		.attempt = j->attempt,
		.exit = j->state == JOB_DEAD ? j->in.side->exit : j->p.end.exit,
		.submitted_ms = j->submitted_ms,
		.finished_ms = j->finished_ms,
		.started_ms = j->attempt > 0 ? j->finished_ms - j->w.run_ms : 0,
	};
}

/* Whether the results that this step answers with have grown beyond what it may send at once. */
static bool too_much(struct core *c, const struct job *j)
{
	uint16_t error_length;

	c->answer_bytes += job_left(j, &error_length).length;
	return c->answer_bytes > STEP_ANSWER_BYTES;
}

/* Points the effect at the bytes of a terminal job. */
static void store(struct effect *e, const struct job *j, bool quiet)
{
	struct job_bytes left;
	uint16_t error_length;

	if (quiet) { /* states only: nothing has to be read */
		e->u.result.rec.gone = 1;
		return;
	}
	if (j->state != JOB_DEAD && (j->flags & JOB_EMPTY))
		return;
	left = job_left(j, &error_length);
	e->stored = (struct log_bytes){ left.at, left.length, left.crc };
	e->u.result.error_length = error_length;
	e->u.result.from_log = true;
}

/* Adds a waiter unless this client has one there, as after a repeated WAIT. False at the client's limit. */
static bool add_once(struct core *c, struct client *cl, uint64_t id, uint32_t flags, uint32_t *head)
{
	for (uint32_t i = *head; i != NO_INDEX; i = at(c, i)->next)
		if (at(c, i)->client == cl)
			return true;
	if (cl->n_waits >= LIMIT_CLIENT_WAITS)
		return false;
	wait_add(c, cl, id, flags, head);
	return true;
}

bool wait_on(struct core *c, struct client *cl, uint64_t id, uint32_t flags)
{
	struct job *j = job_find(&c->jobs, id);
	struct batch *b = j == NULL ? batch_find(c, id) : NULL;
	struct msg_result_rec r = { .id = id, .state = JOB_NONE, .gone = id > 0 && id < c->next_id };
	struct effect *e;

	if (j != NULL && !job_terminal(j)) {
		return add_once(c, cl, id, flags, &j->w.waiter);
	} else if (j != NULL) {
		wait_describe(j, &r);
		if (!(flags & WAIT_QUIET) && too_much(c, j)) {
			cl->pushed++; /* left out, as if it was lost: the client sees the gap and asks again */
			return true;
		}
		e = push(c, cl, &r);
		if (e != NULL)
			store(e, j, flags & WAIT_QUIET);
	} else if (b != NULL && !batch_finished(b)) {
		return add_once(c, cl, id, flags, &b->waiter);
	} else {
		if (b != NULL)
			describe_batch(b, &r);
		push(c, cl, &r);
	}
	return true;
}

void wait_request(struct core *c, struct client *cl, const struct msg *m)
{
	for (uint32_t i = 0; i < m->u.ids.n; i++) {
		if (!wait_on(c, cl, m->u.ids.ids[i], m->u.ids.flags)) {
			fx_answer(c, cl->peer, &m->h, SHEAF_E_TOO_LARGE, "one client awaits at most 65536 jobs", 0);
			return;
		}
	}
}

/* The beginning of the chain that waiter i is in, or NULL if that has just ended. */
static uint32_t *head_of(struct core *c, uint64_t id)
{
	struct job *j = job_find(&c->jobs, id);
	struct batch *b;

	if (j != NULL)
		return job_terminal(j) ? NULL : &j->w.waiter;
	b = batch_find(c, id);
	return b != NULL ? &b->waiter : NULL;
}

void wait_forget(struct core *c, struct client *cl)
{
	while (!list_empty(&cl->waits)) {
		struct waiter *w = list_item(cl->waits.next, struct waiter, link);
		uint32_t *p = head_of(c, w->id);
		uint32_t i;

		must(p != NULL);
		while (at(c, *p) != w)
			p = &at(c, *p)->next;
		i = *p;
		*p = w->next;
		drop(c, i);
	}
}

void wait_result(struct core *c, const struct msg *m, uint64_t peer)
{
	struct job *j = job_find(&c->jobs, m->u.one.id);
	struct effect *e;

	if (j == NULL && m->u.one.id > 0 && m->u.one.id < c->next_id) {
		fx_answer(c, peer, &m->h, SHEAF_E_GONE, "the result is no longer kept", 0);
	} else if (j == NULL) {
		fx_answer(c, peer, &m->h, SHEAF_E_UNKNOWN, "there is no such job", 0);
	} else if (!job_terminal(j)) {
		fx_answer(c, peer, &m->h, SHEAF_E_NOT_FINISHED, "the job has not finished", j->state);
	} else {
		e = fx_add(c, FX_RESULT);
		e->peer = peer;
		e->session = m->h.session;
		e->number = m->h.number;
		wait_describe(j, &e->u.result.rec);
		e->u.result.answer = 1;
		store(e, j, false);
	}
}

void wait_fini(struct core *c)
{
	for (uint32_t i = 0; i < c->n_waiter_chunks; i++)
		free(c->waiters[i]);
	free(c->waiters);
}
