/* See chore.h. */
#include "broker/core/chore.h"

#include "broker/core/after.h"
#include "broker/core/fact.h"
#include "broker/core/fx.h"
#include "broker/core/job.h"
#include "broker/core/key.h"
#include "broker/core/queue.h"
#include "broker/core/race.h"
#include "broker/core/side.h"
#include "broker/core/turn.h"

bool chore_begin(struct core *c, struct queue *q, enum chore chore, uint64_t peer, const struct msg_header *request)
{
	must(q->dead_op == NULL);
	if (q->chore != CHORE_NONE)
		return false;
	q->chore = chore;
	q->chore_to = c->next_id;
	q->chore_done = 0;
	q->chore_waiting = q->now[JOB_DELAYED] + q->now[JOB_BLOCKED];
	q->purge++;
	q->chore_peer = peer;
	q->chore_request = *request;
	list_push_back(&c->chores, &q->chores);
	return true;
}

static bool purge_one(struct core *c, const struct queue *q, struct job *j)
{
	j = race_whole(j);
	if (j == NULL || j->id >= q->chore_to || (j->flags & JOB_ENDING))
		return false;
	j->flags |= JOB_ENDING;
	turn_end_job(
	    c, &(struct ending){ .job = j, .state = JOB_CANCELLED, .used = j->attempt, .error = span_str("purged") });
	return true;
}

/* What a slice may still do. */
struct slice {
	struct core *c;
	struct queue *q;
	uint32_t left; /* jobs, and tenants and groups that are looked at */
	uint32_t n;    /* jobs named */
};

static bool has_room(const struct slice *s)
{
	return s->left > 0 && turn_has_room(s->c, 1) &&
	       turn_bytes(s->c) < log_group_max(s->c->config.segment_bytes) / 4;
}

static void name_one(struct slice *s, struct job *j)
{
	s->left--;
	s->n += purge_one(s->c, s->q, j);
}

/* The ones that came back, from the i-th on down; no child in a heap is older than its parent. */
static bool purge_heap(struct slice *s, const struct heap *h, uint32_t i)
{
	if (i >= h->n || h->v[i]->key >= s->q->chore_to)
		return true;
	if (!has_room(s))
		return false;
	name_one(s, list_item(h->v[i], struct side, line)->job);
	return purge_heap(s, h, 2 * i + 1) && purge_heap(s, h, 2 * i + 2);
}

/* True if it has gone through all of the line. */
static bool purge_line(struct slice *s, const struct line *line)
{
	for (struct list *l = line->fresh.next; l != &line->fresh; l = l->next) {
		struct job *j = list_item(l, struct job, in.link);

		if (j->id >= s->q->chore_to)
			break; /* what follows is younger */
		if (!has_room(s))
			return false;
		name_one(s, j);
	}
	return purge_heap(s, &line->back, 0);
}

static bool purge_tenant(struct slice *s, const struct tenant *t)
{
	for (int p = 0; p < PRIORITIES; p++)
		if (t->level[p] != NULL && !purge_line(s, &t->level[p]->line))
			return false;
	return true;
}

/* Goes on with the tenants that this purge has not seen, which are in front: who was seen goes to the end, and what is
 * made meanwhile has been seen by birth. */
static bool purge_tenants(struct slice *s)
{
	while (!list_empty(&s->q->tenants)) {
		struct tenant *t = list_item(s->q->tenants.next, struct tenant, all);

		if (t->seen == s->q->purge)
			break;
		if (!has_room(s) || !purge_tenant(s, t))
			return false;
		s->left -= s->left > 0;
		t->seen = s->q->purge;
		list_remove(&t->all);
		list_push_back(&s->q->tenants, &t->all);
	}
	return true;
}

static bool purge_groups(struct slice *s)
{
	while (!list_empty(&s->q->groups)) {
		struct group *l = list_item(s->q->groups.next, struct group, all);

		if (l->seen == s->q->purge)
			break;
		if (!has_room(s) || !purge_line(s, &l->line))
			return false;
		s->left -= s->left > 0;
		l->seen = s->q->purge;
		list_remove(&l->all);
		list_push_back(&s->q->groups, &l->all);
	}
	return true;
}

/* Those that wait for their time or for others: who was looked at goes to the end. */
static bool purge_waiting(struct slice *s)
{
	for (; s->q->chore_waiting > 0 && !list_empty(&s->q->waiting); s->q->chore_waiting--) {
		struct list *l = s->q->waiting.next;

		if (!has_room(s))
			return false;
		list_remove(l);
		list_push_back(&s->q->waiting, l);
		name_one(s, list_item(l, struct side, link)->job);
	}
	return true;
}

/* Names up to STEP_WORK jobs that have not begun; they are gone when the turn is committed. */
static void purge_slice(struct core *c, struct queue *q)
{
	struct slice s = { .c = c, .q = q, .left = STEP_WORK };
	bool all = purge_tenant(&s, &q->own) && purge_tenants(&s) && purge_groups(&s) && purge_waiting(&s);

	q->chore_done += s.n;
	if (all)
		q->chore_to = 0; /* done */
}

static bool in_use(const struct queue *q)
{
	return queue_live(q) > 0 || q->n_servers > 0 || q->n_thens > 0;
}

/* Nothing is left of it. It stays so within a step: what ends meanwhile is kept. */
static bool nothing_left(const struct queue *q)
{
	return !in_use(q) && list_empty(&q->kept) && list_empty(&q->dead) && list_empty(&q->keys);
}

static void delete_slice(struct core *c, struct queue *q)
{
	uint64_t full = log_group_max(c->config.segment_bytes) / 4;

	if (after_pending(c))
		return; /* what failed in it is still needed */
	if (in_use(q)) {
		q->chore_to = 0; /* it is refused, and takes nothing with it */
		return;
	}
	for (int i = 0; i < STEP_WORK && !list_empty(&q->kept); i++)
		job_forget(c, list_item(q->kept.next, struct job, in.link));
	for (struct list *l = q->dead.next; l != &q->dead && turn_has_room(c, 1) && turn_bytes(c) < full; l = l->next)
		if (!(list_item(l, struct side, link)->job->flags & JOB_ENDING))
			turn_forget(c, list_item(l, struct side, link)->job);
	key_drop(c, q, STEP_WORK);
	if (list_empty(&q->kept) && list_empty(&q->dead) && list_empty(&q->keys))
		q->chore_to = 0;
}

void chore_slice(struct core *c)
{
	struct queue *q;

	if (list_empty(&c->chores) || turn_bytes(c) >= log_group_max(c->config.segment_bytes) / 4)
		return; /* a slice without room would look like one without work */
	q = list_item(c->chores.next, struct queue, chores);
	if (q->chore == CHORE_PURGE)
		purge_slice(c, q);
	else
		delete_slice(c, q);
	if (q->chore == CHORE_DELETE && q->chore_to == 0 && nothing_left(q))
		fact_put_u64(&c->fx->block, FACT_QUEUE_GONE, q->index);
}

void chore_finish(struct core *c)
{
	struct queue *q;

	if (list_empty(&c->chores))
		return;
	q = list_item(c->chores.next, struct queue, chores);
	if (q->chore_to != 0)
		return;
	list_remove(&q->chores);
	if (q->chore == CHORE_DELETE && !nothing_left(q)) {
		fx_answer(c, q->chore_peer, &q->chore_request, SHEAF_E_BAD_VALUE,
		          "the queue is in use: it has jobs or workers, or a batch submits to it", 0);
	} else {
		fx_answer(c, q->chore_peer, &q->chore_request, SHEAF_OK, "", q->chore_done);
	}
	if (q->chore == CHORE_DELETE && nothing_left(q)) {
		queue_free(c, q);
		return;
	}
	q->chore = CHORE_NONE;
	queue_heat(c, q);
}
