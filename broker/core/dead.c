/* See dead.h. What clients ask for is in dead_client.c. */
#include "broker/core/dead.h"

#include <stdlib.h>

#include "base/text.h"
#include "broker/core/after.h"
#include "broker/core/fx.h"
#include "broker/core/history.h"
#include "broker/core/log.h"
#include "broker/core/turn.h"

#define DAY_MS ((uint64_t)24 * 3600 * 1000)

/* ---- which ---- */

struct dead_want dead_want(const struct core *c, const struct msg_dead_filter *f)
{
	struct dead_want w = { .to_ms = JOB_MS_MASK, .error = f->error };

	if (f->min_age_ms != 0)
		w.to_ms = c->wall > f->min_age_ms ? c->wall - f->min_age_ms : 0;
	if (f->max_age_ms != 0)
		w.from_ms = c->wall > f->max_age_ms ? c->wall - f->max_age_ms : 0;
	return w;
}

struct msg_attempt_rec dead_last(const struct side *s)
{
	struct msg_attempt_rec last = { 0 }, r;
	struct span rest = history_of(s);

	while (history_next(&rest, &r))
		last = r;
	return last;
}

bool dead_wanted(const struct dead_want *w, const struct side *s)
{
	struct span error;

	if (s->job->finished_ms < w->from_ms || s->job->finished_ms > w->to_ms)
		return false;
	if (w->error.n == 0)
		return true;
	error = dead_last(s).error;
	return error.n >= w->error.n && memmem(error.p, error.n, w->error.p, w->error.n) != NULL;
}

/* ---- the list, and its timer ---- */

void dead_add(struct core *c, struct queue *q, struct side *s)
{
	struct list *at = q->dead.prev;

	s->death = ++c->deaths;
	/* the clock does not go back, so only those of the same moment may have to stand behind it */
	while (!c->replaying && at != &q->dead &&
	       dead_behind(list_item(at, struct side, link)->job, s->job->finished_ms, s->job->id))
		at = at->prev;
	list_insert(&s->link, at, at->next);
	if (!heap_has(&q->dead_timer))
		dead_look(c, q);
}

void dead_remove(struct queue *q, struct side *s)
{
	if (q->dead_op != NULL && q->dead_op->at == &s->link)
		q->dead_op->at = s->link.next;
	list_remove(&s->link);
}

/* When the oldest is too old, in core time. */
static uint64_t too_old_at(const struct core *c, const struct queue *q)
{
	uint64_t due;

	if (q->settings.dead_keep_ms == 0 || list_empty(&q->dead))
		return UINT64_MAX;
	due = list_item(q->dead.next, struct side, link)->job->finished_ms + q->settings.dead_keep_ms;
	return due > c->wall ? c->t + (due - c->wall) : c->t;
}

void dead_look(struct core *c, struct queue *q)
{
	uint64_t due = too_old_at(c, q);

	if (c->replaying)
		return;
	if (q->dead_op != NULL && q->dead_op->next < due)
		due = q->dead_op->next;
	if (heap_has(&q->dead_timer)) {
		heap_remove(&c->dead_timers, &q->dead_timer);
	}
	if (due == UINT64_MAX)
		return;
	q->dead_timer.key = due;
	q->dead_timer.tie = q->index;
	heap_add(&c->dead_timers, &q->dead_timer);
}

static int by_death(const void *a, const void *b)
{
	const struct job *x = (*(struct side *const *)a)->job, *y = (*(struct side *const *)b)->job;

	return dead_behind(x, y->finished_ms, y->id) ? 1 : -1;
}

/* Facts that were written again stand later in the log than they happened. */
static void sort(struct queue *q)
{
	struct side **v = malloc(q->now[JOB_DEAD] * sizeof(struct side *));
	uint64_t n = 0;

	must(v != NULL);
	for (struct list *l = q->dead.next; l != &q->dead; l = l->next)
		v[n++] = list_item(l, struct side, link);
	must(n == q->now[JOB_DEAD]);
	qsort(v, n, sizeof(struct side *), by_death);
	list_init(&q->dead);
	for (uint64_t i = 0; i < n; i++)
		list_push_back(&q->dead, &v[i]->link);
	free(v);
}

void dead_start(struct core *c)
{
	for (uint32_t i = 0; i < c->n_queues; i++) {
		struct queue *q = c->queues[i];
		uint64_t last;

		if (q == NULL || list_empty(&q->dead))
			continue;
		sort(q);
		last = list_item(q->dead.prev, struct side, link)->job->finished_ms;
		if (c->wall < last)
			c->wall = last; /* the machine's clock was set back while we were away */
		dead_look(c, q);
	}
}

/* ---- slices ---- */

static bool has_room(const struct core *c)
{
	return turn_has_room(c, 1) && turn_bytes(c) < log_group_max(c->config.segment_bytes) / 4;
}

/* When the op may redrive the next one, in core time. */
static uint64_t op_due(const struct dead_op *op)
{
	return op->rate != 0 ? op->began + op->done * DAY_MS / op->rate : 0;
}

static bool op_wants(const struct dead_op *op, const struct side *s)
{
	if (s->death > op->until || (s->job->flags & JOB_ENDING))
		return false;
	if (op->kind == DEAD_REDRIVE && (s->job->flags & JOB_EMPTY))
		return false; /* its payload was lost with damage: there is nothing to run */
	return dead_wanted(&op->want, s);
}

/* Everything in its reach has been looked at. */
static bool op_over(const struct queue *q, const struct dead_op *op)
{
	return (op->limit != 0 && op->done == op->limit) || op->at == &q->dead ||
	       list_item(op->at, struct side, link)->job->finished_ms > op->want.to_ms;
}

static void op_slice(struct core *c, struct queue *q, struct dead_op *op)
{
	op->next = c->t;
	for (int i = 0; i < STEP_WORK && has_room(c); i++) {
		struct side *s;

		op->over = op_over(q, op);
		if (op->over)
			return;
		s = list_item(op->at, struct side, link);
		if (op_wants(op, s)) {
			if (op_due(op) > c->t) {
				op->next = op_due(op);
				return;
			}
			if (op->kind == DEAD_REDRIVE)
				turn_redrive(c, s->job);
			else
				turn_forget(c, s->job);
			op->done++;
		}
		op->at = s->link.next;
	}
}

static void age_slice(struct core *c, struct queue *q)
{
	struct list *l = q->dead.next;

	if (q->settings.dead_keep_ms == 0)
		return;
	for (int i = 0; i < STEP_WORK && l != &q->dead && has_room(c); i++, l = l->next) {
		struct job *j = list_item(l, struct side, link)->job;

		if (j->finished_ms + q->settings.dead_keep_ms > c->wall)
			return;
		if (!(j->flags & JOB_ENDING))
			turn_forget(c, j);
	}
}

void dead_slice(struct core *c)
{
	struct queue *q;

	if (dead_deadline(c) != 0 || after_pending(c))
		return; /* what dooms others stays until they have ended */
	q = list_item(heap_min(&c->dead_timers), struct queue, dead_timer);
	if (q->dead_op != NULL)
		op_slice(c, q, q->dead_op);
	age_slice(c, q);
	c->turn.dead = q;
}

void dead_finish(struct core *c)
{
	struct queue *q = c->turn.dead;
	struct dead_op *op;

	if (q == NULL)
		return;
	op = q->dead_op;
	if (op != NULL && op->over) {
		fx_answer(c, op->peer, &op->request, SHEAF_OK, "", op->done);
		q->dead_answer = (struct dead_answer){ op->request.session, op->request.number, op->done };
		free(op);
		q->dead_op = NULL;
	}
	dead_look(c, q);
}

uint64_t dead_deadline(const struct core *c)
{
	const struct heap_item *first = heap_min(&c->dead_timers);

	if (first == NULL)
		return UINT64_MAX;
	return first->key <= c->t ? 0 : first->key;
}

const char *dead_at_work(struct core *c, const struct queue *q)
{
	enum { WORDS = 192 };
	char *text = fx_alloc(c, WORDS);

	text_format(text, WORDS, "the dead letters of '%s' are being %s: wait, or 'sheaf dead %s stop'", q->name,
	            q->dead_op->kind == DEAD_REDRIVE ? "redriven" : "purged", q->name);
	return text;
}

const char *dead_full(struct core *c, const struct queue *q)
{
	enum { WORDS = 256 };
	char *text;

	if (q == NULL || q->now[JOB_DEAD] < c->config.dead_max)
		return NULL;
	text = fx_alloc(c, WORDS);
	text_format(text, WORDS,
	            "queue '%s' has %llu dead letters, as many as it may: 'sheaf dead %s redrive' or 'sheaf dead %s "
	            "purge' makes room",
	            q->name, (unsigned long long)q->now[JOB_DEAD], q->name, q->name);
	return text;
}
