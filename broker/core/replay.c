/* See replay.h. The log may begin anywhere (its prefix is trimmed), so a fact may speak of a queue or batch
 * whose own fact comes later: it is made without a name or with counts that the later fact corrects. */
#include "broker/core/replay.h"

#include <stdlib.h>

#include "base/text.h"
#include "broker/core/after.h"
#include "broker/core/batch.h"
#include "broker/core/client.h"
#include "broker/core/cron.h"
#include "broker/core/dead.h"
#include "broker/core/fact.h"
#include "broker/core/fx.h"
#include "broker/core/history.h"
#include "broker/core/job.h"
#include "broker/core/job_table.h"
#include "broker/core/keep.h"
#include "broker/core/order.h"
#include "broker/core/policy.h"
#include "broker/core/queue.h"
#include "broker/core/race.h"
#include "broker/core/replay_dead.h"
#include "broker/core/setting.h"
#include "broker/core/side.h"
#include "broker/core/topic/replay.h"
#include "broker/core/trim.h"

static bool replay_meta(struct core *c, struct span body)
{
	struct fact_meta m;

	if (!fact_get_meta(body, &m))
		return false;
	if (m.epoch > c->epoch)
		c->epoch = m.epoch;
	if (m.next_id > c->next_id)
		c->next_id = m.next_id;
	if (m.wall_ms > c->wall)
		c->wall = m.wall_ms;
	if (m.next_run > c->topics.next_run)
		c->topics.next_run = m.next_run;
	return true;
}

static bool replay_queue(struct core *c, struct span body)
{
	struct fact_queue f;
	struct queue *q, *same;

	if (!fact_get_queue(body, &f) || f.index >= LIMIT_QUEUES || f.name.n == 0)
		return false;
	q = queue_at(c, f.index);
	same = queue_find(c, f.name);
	if (same != NULL && same != q)
		return false;
	if (same == NULL)
		queue_name(c, q, f.name);
	q->paused = f.flags & FACT_PAUSED;
	q->draining = f.flags & FACT_DRAINING;
	q->submitted = f.submitted;
	memcpy(q->ended, f.ended, sizeof f.ended);
	q->redriven = f.redriven;
	q->forgotten = f.forgotten;
	return setting_load(&q->settings, f.settings, f.n_settings);
}

static bool replay_queue_gone(struct core *c, struct span body)
{
	uint64_t index;
	struct queue *q;

	if (!fact_get_u64(body, &index) || index >= LIMIT_QUEUES)
		return false;
	q = queue_at(c, (uint16_t)index);
	while (!list_empty(&q->kept))
		job_forget(c, list_item(q->kept.next, struct job, in.link));
	while (!list_empty(&q->dead))
		job_forget(c, list_item(q->dead.next, struct side, link)->job);
	if (queue_live(q) == 0)
		queue_free(c, q);
	return true;
}

/* It is blocked by what it follows, as far as the replay knows. */
static bool follows(const struct job *j)
{
	return j->state == JOB_BLOCKED && j->in.side->after != NULL;
}

/* What the submit said of a job. */
static void replay_terms(struct core *c, struct job *j, const struct fact_put *f)
{
	struct policy_words words = { f->headers,          f->lease_ms, f->backoff_ms, f->backoff_max_ms,
		                      c->queues[j->queue], f->tenant,   f->group,      f->topic };
	struct side *side;

	j->priority = f->priority & 15u;
	j->attempts = f->attempts;
	j->submitted_ms = f->submitted_ms & JOB_MS_MASK;
	j->p.policy = policy_intern(c, &words, 1);
	if (job_terminal(j) || (f->due_ms == 0 && f->expires_ms == 0 && f->n_after == 0 && f->replicas == 0))
		return;
	side = side_make(j);
	side->expires = f->expires_ms;
	if (f->n_after > 0)
		after_hold(c, side, f->after, f->n_after, f->flags & FACT_AFTER_ANY);
	if (f->replicas > 0) {
		(void)race_new(c, j, f->replicas, 0);
		return; /* its children are delayed, not the parent */
	}
	side->due = f->due_ms;
	side->dated = f->due_ms != 0 && (f->flags & FACT_DATED);
}

static void replay_put_one(struct core *c, struct queue *q, const struct fact_put *f, struct batch *b, uint64_t at,
                           const struct fact_put_rec *r)
{
	struct job_bytes where = { at, (uint32_t)r->payload.n, r->crc,
		                   job_overhead(false, f->replicas > 0 ? 1 : f->count, f->headers.n) +
		                       f->replicas * FACT_PUT_RECORD + job_shared_head(r->sharers),
		                   r->sharers };
	struct job *j = job_find(&c->jobs, r->id);

	if (r->id >= c->next_id)
		c->next_id = r->id + 1;
	if (j != NULL && j->state == JOB_DEAD && (j->flags & JOB_EMPTY)) {
		replay_terms(c, j, f);
		job_put_late(c, j, &where);
		return;
	}
	if (j != NULL) {
		if (!job_terminal(j) || j->state == JOB_DEAD)
			job_moved(c, j, &where);
		return;
	}
	j = job_put(c, q, r->id, &where);
	replay_terms(c, j, f);
	if (b != NULL) {
		j->batch = b->index;
		b->members++;
	}
	job_begin(c, j);
}

static bool replay_put(struct core *c, uint64_t facts_at, const struct fact *fact)
{
	struct span rest = fact->body;
	struct fact_put_rec r;
	struct fact_put f;
	uint64_t first = 0;
	struct queue *q;
	struct batch *b;

	if (!fact_get_put(&rest, &f) || f.headers.n > LIMIT_HEADER_BYTES)
		return false;
	q = queue_at(c, f.queue);
	b = replay_batch_at(c, f.batch);
	for (uint32_t i = 0; i < f.count; i++) {
		if (!fact_get_put_rec(&rest, fact, &f, &r))
			return false;
		if (i == 0 && f.session != 0 && !(f.flags & FACT_MOVED)) {
			struct client *cl = client_at(c, f.session);

			client_answered(cl, f.floor);
			client_remember(cl, f.number, r.id, f.replicas > 0 ? 1 : f.count);
		}
		if (i == 0)
			first = r.id;
		if (i > 0 && f.replicas > 0) {
			if (!race_replay_child(c, first, r.id, f.due_ms, f.flags & FACT_DATED))
				return false;
			continue;
		}
		replay_put_one(c, q, &f, b, facts_at + fact->offset + (uint64_t)(r.payload.p - fact->body.p), &r);
	}
	if (!(f.flags & FACT_MOVED)) {
		q->submitted += f.count;
		if (b != NULL)
			b->total += f.replicas > 0 ? 1 : f.count;
	}
	return true;
}

/* A member ended whose beginning was trimmed: its batch counts it all the same. */
static void count_ended(struct core *c, const struct fact_end_rec *r)
{
	struct batch *b = replay_batch_at(c, r->batch);

	if (b == NULL)
		return;
	b->ended++;
	b->failed += r->state != JOB_DONE;
}

static void replay_end_one(struct core *c, uint64_t at, uint32_t overhead, const struct fact_end_rec *r, bool moved)
{
	struct queue *q = queue_at(c, r->queue);
	struct job *j = job_find(&c->jobs, r->id);
	struct batch *b = NULL;
	struct job_end end = {
		.state = (enum job_state)r->state,
		.exit = r->exit,
		.used = r->attempts_used,
		.run_ms = r->run_ms,
		.finished_ms = r->finished_ms,
		.error_length = (uint16_t)r->error.n,
		.empty = r->error.n + r->result.n == 0,
		.where = { at, (uint32_t)r->left.n, r->crc, overhead, 0 },
	};

	if (r->id >= c->next_id)
		c->next_id = r->id + 1;
	if (j != NULL && job_terminal(j)) {
		if (j->state == JOB_DEAD)
			job_end_moved(c, j, &end.where);
		else
			job_moved(c, j, &end.where);
		return;
	}
	if (j == NULL) {
		if (!moved)
			count_ended(c, r);
		b = replay_batch_at(c, r->batch);
		j = job_put_ended(c, q, r->id, end.state);
		j->priority = r->priority & 15u;
		j->attempts = r->attempts;
		j->submitted_ms = r->submitted_ms & JOB_MS_MASK;
	}
	if (follows(j))
		job_release(c, j); /* that it was is no fact */
	if (j->state == JOB_DELAYED)
		job_wake(c, j); /* nor is this */
	job_end(c, j, &end);
	if (b != NULL)
		batch_keeps(b, j);
	if (end.state == JOB_DEAD)
		history_set(j->in.side, r->history);
}

static bool replay_end(struct core *c, uint64_t facts_at, const struct fact *fact)
{
	struct span rest = fact->body;
	struct fact_end_rec r;
	uint32_t count;
	uint8_t flags;

	if (!fact_get_count(&rest, &flags, &count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!fact_get_end_rec(&rest, &r))
			return false;
		replay_end_one(c, facts_at + fact->offset + (uint64_t)(r.left.p - fact->body.p),
		               job_overhead(true, count, 0), &r, flags & FACT_MOVED);
		if (!(flags & FACT_MOVED))
			queue_at(c, r.queue)->ended[r.state]++;
	}
	return true;
}

static void replay_back_one(struct core *c, struct job *j, const struct fact_back_rec *r)
{
	struct side *s;

	j->attempt = r->attempt;
	j->deliveries = r->deliveries;
	if (j->state == JOB_RUNNING)
		job_back(c, j, r->due);
	if (follows(j))
		job_release(c, j);
	s = side_make(j);
	if (r->token > s->token)
		s->token = r->token;
	s->due = r->due;
	s->dated = false;
	history_set(s, r->history);
	job_wait_again(c, j);
}

static bool replay_backs(struct core *c, const struct fact *fact)
{
	struct span rest = fact->body;
	struct fact_back_rec r;
	uint32_t count;
	uint8_t flags;

	if (!fact_get_count(&rest, &flags, &count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		struct job *j;

		if (!fact_get_back_rec(&rest, &r))
			return false;
		j = job_find(&c->jobs, r.id);
		if (j != NULL && !job_terminal(j))
			replay_back_one(c, j, &r);
	}
	return true;
}

static void replay_leased_one(struct core *c, struct job *j, const struct fact_lease_rec *r)
{
	struct lease *l;

	j->attempt = r->attempt;
	j->deliveries = r->deliveries;
	if (j->state == JOB_RUNNING) {
		if (r->token > j->in.lease->token)
			j->in.lease->token = r->token;
		return;
	}
	if ((j->flags & JOB_SIDE) && j->in.side->token > r->token)
		return;
	if (follows(j))
		job_release(c, j); /* that it was is no fact */
	if (j->state == JOB_DELAYED)
		job_wake(c, j); /* nor is this */
	l = job_run(c, j, NULL, r->token);
	l->fact = true;
	l->started = true;
}

static bool replay_leases(struct core *c, const struct fact *fact)
{
	struct span rest = fact->body;
	struct fact_lease_rec r;
	uint32_t count;
	uint8_t flags;

	if (!fact_get_count(&rest, &flags, &count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		struct job *j;

		if (!fact_get_lease_rec(&rest, &r))
			return false;
		j = job_find(&c->jobs, r.id);
		if (j != NULL && !job_terminal(j))
			replay_leased_one(c, j, &r);
	}
	return true;
}

static bool replay_fact(struct core *c, uint64_t facts_at, const struct fact *f)
{
	switch (f->type) {
	case FACT_META:
		return replay_meta(c, f->body);
	case FACT_QUEUE:
		return replay_queue(c, f->body);
	case FACT_QUEUE_GONE:
		return replay_queue_gone(c, f->body);
	case FACT_JOBS_PUT:
		return replay_put(c, facts_at, f);
	case FACT_JOBS_END:
		return replay_end(c, facts_at, f);
	case FACT_JOBS_BACK:
		return replay_backs(c, f);
	case FACT_CRON:
	case FACT_CRON_GONE:
		return cron_replay(c, f);
	case FACT_JOBS_REDRIVE:
		return replay_redrive(c, f->body);
	case FACT_JOBS_FORGOTTEN:
		return replay_forgotten(c, f->body);
	case FACT_JOBS_LEASED:
		return replay_leases(c, f);
	case FACT_BATCH:
		return replay_batch(c, f->body);
	case FACT_BATCH_GONE:
		return replay_batch_gone(c, f->body);
	case FACT_SESSION:
		return replay_session(c, f->body);
	case FACT_ANSWER:
		return replay_answer(c, f->body);
	case FACT_KEY:
		return replay_key(c, facts_at, f);
	case FACT_TOPIC:
	case FACT_TOPIC_GONE:
	case FACT_CHANNEL:
	case FACT_CHANNEL_GONE:
	case FACT_MESSAGES_PUT:
	case FACT_MESSAGES_DONE:
	case FACT_MESSAGES_BACK:
	case FACT_MESSAGES_DROPPED:
		return replay_topic(c, facts_at, f);
	case FACT_RACE:
		return race_replay(c, f->body);
	}
	return false;
}

bool replay_block(struct core *c, uint64_t position, struct span facts, const char **why)
{
	uint32_t offset = 0;
	struct fact f;
	int got;

	if (c->trim.head == 0)
		c->trim.tail = position / c->config.segment_bytes * c->config.segment_bytes;
	c->trim.head = position + log_block_bytes(facts.n);
	while ((got = fact_next(&facts, &offset, &f, why)) == 1) {
		if (!replay_fact(c, position + LOG_BLOCK_HEADER, &f)) {
			*why = f.type > FACT_LAST ? "a fact of an unknown type: written by a newer version of sheafd?"
			                          : "a fact does not make sense";
			return false;
		}
	}
	return got == 0;
}

/* Queues whose own fact was lost to damage: named for what they are if they hold anything. */
static void name_queues(struct core *c)
{
	char name[LIMIT_QUEUE_NAME + 1];

	for (uint32_t i = 0; i < c->n_queues; i++) {
		struct queue *q = c->queues[i];

		if (q == NULL || q->name[0] != '\0')
			continue;
		if (queue_live(q) == 0 && q->n_thens == 0 && list_empty(&q->kept) && list_empty(&q->dead)) {
			queue_free(c, q);
			continue;
		}
		queue_name(c, q, span_of(name, text_format(name, sizeof name, "lost-%u", i)));
		queue_fact(c, q);
		fx_log(c, LOG_ERROR, "queue-lost", "queue=%s its name was lost with damaged facts", q->name);
	}
}

/* A job that waits for its next attempt holds its group up, and one whose wait is over does not: that it woke is no
 * fact, and another one of the group may have begun since. */
static void wake_overdue(struct core *c, struct job *j)
{
	if (j->state == JOB_DELAYED && order_holds(j, JOB_DELAYED) && j->in.side->due <= c->wall)
		job_wake(c, j);
}

void replay_finish(struct core *c, uint64_t tail, uint64_t head)
{
	struct job *j;

	trim_set_tail(c, tail);
	must(head >= c->trim.head);
	c->trim.head = head;
	race_replayed(c);
	c->replaying = false;
	name_queues(c);
	for (j = job_next(&c->jobs, 0); j != NULL; j = job_next(&c->jobs, j->id + 1)) {
		if (order_holds(j, (enum job_state)j->state))
			order_hold(c, j);
		if (follows(j) && race_of(j) == NULL && !after_link(c, j->in.side))
			after_over(c, j);
		else if (j->state == JOB_READY || j->state == JOB_DELAYED || j->state == JOB_BLOCKED)
			job_enter(c, j);
		if (follows(j) && race_of(j) != NULL && !after_link(c, j->in.side))
			after_over(c, j);
		wake_overdue(c, j);
	}
	for (uint32_t i = 0; i < c->n_queues; i++)
		if (c->queues[i] != NULL)
			keep_expire(c, c->queues[i]);
	replay_topics_finish(c);
	dead_start(c);
	for (uint32_t i = 0; i < c->n_batches; i++)
		if (c->batches[i] != NULL)
			batch_start(c, c->batches[i]);
	c->orphans_until = c->t + c->config.liveness_ms;
	client_start(c);
	cron_start(c);
}
