/* See chore.h. */
#include "broker/core/chore.h"

#include "broker/core/fact.h"
#include "broker/core/fx.h"
#include "broker/core/job.h"
#include "broker/core/queue.h"
#include "broker/core/side.h"
#include "broker/core/turn.h"

bool chore_begin(struct core *c, struct queue *q, enum chore chore, uint64_t peer, const struct msg_header *request)
{
	if (q->chore != CHORE_NONE)
		return false;
	q->chore = chore;
	q->chore_to = c->next_id;
	q->chore_done = 0;
	q->chore_peer = peer;
	q->chore_request = *request;
	list_push_back(&c->chores, &q->chores);
	return true;
}

static bool purge_one(struct core *c, const struct queue *q, struct job *j)
{
	if (j->id >= q->chore_to || (j->flags & JOB_ENDING))
		return false;
	j->flags |= JOB_ENDING;
	turn_end_job(
	    c, &(struct ending){ .job = j, .state = JOB_CANCELLED, .used = j->attempt, .error = span_str("purged") });
	return true;
}

/* Names up to STEP_WORK jobs that wait in line; they leave it when the turn is committed. */
static void purge_slice(struct core *c, struct queue *q)
{
	uint64_t full = log_group_max(c->config.segment_bytes) / 4;
	uint32_t n = 0;

	for (int p = 0; p < PRIORITIES; p++) {
		for (struct list *l = q->line[p].next; l != &q->line[p] && n < STEP_WORK && turn_bytes(c) < full;
		     l = l->next) {
			if (!purge_one(c, q, list_item(l, struct job, in.link)))
				break; /* what follows is younger */
			n++;
		}
		for (uint32_t i = 0; i < q->back[p].n && n < STEP_WORK && turn_bytes(c) < full; i++)
			n += purge_one(c, q, list_item(q->back[p].v[i], struct side, line)->job);
	}
	for (struct list *l = q->waiting.next; l != &q->waiting && n < STEP_WORK && turn_bytes(c) < full; l = l->next)
		n += purge_one(c, q, list_item(l, struct side, link)->job);
	q->chore_done += n;
	if (n == 0)
		q->chore_to = 0; /* done */
}

static bool in_use(const struct queue *q)
{
	return queue_live(q) > 0 || q->n_servers > 0;
}

/* Nothing is left of it. It stays so within a step: what ends meanwhile is kept. */
static bool nothing_left(const struct queue *q)
{
	return !in_use(q) && list_empty(&q->kept) && list_empty(&q->dead);
}

static void delete_slice(struct core *c, struct queue *q)
{
	if (in_use(q)) {
		q->chore_to = 0; /* it is refused, and takes nothing with it */
		return;
	}
	for (int i = 0; i < STEP_WORK && !list_empty(&q->kept); i++)
		job_forget(c, list_item(q->kept.next, struct job, in.link));
	for (int i = 0; i < STEP_WORK && !list_empty(&q->dead); i++)
		job_forget(c, list_item(q->dead.next, struct side, link)->job);
	if (list_empty(&q->kept) && list_empty(&q->dead))
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
		          "the queue is in use: it has jobs or workers", 0);
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
