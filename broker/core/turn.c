/* See turn.h. */
#include "broker/core/turn.h"

#include "broker/core/fact.h"
#include "broker/core/history.h"
#include "broker/core/job.h"
#include "broker/core/limit.h"
#include "broker/core/put.h"
#include "broker/core/race.h"
#include "broker/core/side.h"
#include "broker/core/topic/news.h"
#include "broker/core/topic/step.h"
#include "broker/core/trim.h"
#include "broker/core/wait.h"

enum { TURN_CAP = STEP_WORK + LIMIT_RECORDS, ENDINGS_CAP = 2 * TURN_CAP };

void turn_begin(struct core *c)
{
	struct effects *fx = c->fx;

	c->turn.n_endings = c->turn.n_backs = c->turn.n_puts = c->turn.n_redrives = c->turn.n_forgets = 0;
	c->turn.n_parked = 0;
	c->turn.dead = NULL;
	c->turn.placed = false;
	c->turn.bytes = 0;
	c->arena_used = 0;
	step_begin(c);
	c->answer_bytes = 0;
	fx->v = fx->base + 1; /* base[0] is kept for FX_APPEND */
	fx->n = 0;
	fx->facts = 0;
	buf_clear(&fx->block);
	memset(buf_room(&fx->block, LOG_BLOCK_HEADER), 0, LOG_BLOCK_HEADER);
	fx->block.n = LOG_BLOCK_HEADER;
	fx->head = c->trim.head;
}

bool turn_has_room(const struct core *c, uint32_t n)
{
	return c->turn.n_endings + 2 * n <= ENDINGS_CAP && c->turn.n_backs + n <= TURN_CAP &&
	       c->turn.n_redrives + n <= TURN_CAP && c->turn.n_forgets + n <= TURN_CAP;
}

/* Bytes that a job's history may take with one attempt more. */
static uint64_t history_room(const struct job *j)
{
	return history_of(side_of(j)).n + LIMIT_NAME + LIMIT_HISTORY_ERROR + 32;
}

void turn_end_job(struct core *c, const struct ending *e)
{
	struct ending *mine = &c->turn.endings[c->turn.n_endings++];

	must(c->turn.n_endings <= ENDINGS_CAP && !c->turn.placed);
	*mine = *e;
	if (race_of(e->job) != NULL)
		race_ending(c, mine);
	c->turn.bytes += FACT_END_RECORD + history_room(e->job) + mine->error.n + mine->result.n;
}

void turn_back_job(struct core *c, const struct handback *h)
{
	must(c->turn.n_backs < TURN_CAP && !c->turn.placed);
	c->turn.backs[c->turn.n_backs++] = *h;
	c->turn.bytes += FACT_BACK_RECORD + history_room(h->job);
}

void turn_redrive(struct core *c, struct job *j)
{
	must(c->turn.n_redrives < TURN_CAP && !c->turn.placed);
	must(j->state == JOB_DEAD && !(j->flags & (JOB_ENDING | JOB_EMPTY)));
	j->flags |= JOB_ENDING;
	c->turn.redrives[c->turn.n_redrives++] = j;
	c->turn.bytes += FACT_DEAD_RECORD;
}

void turn_forget(struct core *c, struct job *j)
{
	must(c->turn.n_forgets < TURN_CAP && !c->turn.placed);
	must(j->state == JOB_DEAD && !(j->flags & JOB_ENDING));
	j->flags |= JOB_ENDING;
	c->turn.forgets[c->turn.n_forgets++] = j;
	c->turn.bytes += FACT_DEAD_RECORD;
}

uint64_t turn_bytes(const struct core *c)
{
	return c->fx->block.n - LOG_BLOCK_HEADER + 8 * FACT_HEAD + c->turn.bytes;
}

uint64_t turn_place(struct core *c)
{
	struct effects *fx = c->fx;
	uint64_t pad;

	must(!c->turn.placed);
	c->turn.placed = true;
	if (fx->block.n == LOG_BLOCK_HEADER)
		return 0;
	fx->facts = (uint32_t)(fx->block.n - LOG_BLOCK_HEADER);
	must(fx->facts <= log_group_max(c->config.segment_bytes));
	fx->block_at = log_place(c->trim.head, c->config.segment_bytes, fx->facts);
	pad = log_block_bytes(fx->facts) - fx->block.n;
	memset(buf_room(&fx->block, pad), 0, pad);
	fx->block.n += pad;
	fx->head = fx->block_at + fx->block.n;
	trim_set_head(c, fx->head);
	fx->v = fx->base;
	fx->n++;
	fx->v[0] = (struct effect){ .kind = FX_APPEND };
	c->turn.base = fx->block_at + LOG_BLOCK_HEADER;
	return c->turn.base;
}

/* Writes the JOBS_END fact; where[i] becomes the place of each ending's bytes, counted from the first fact. */
static void write_endings(struct core *c, struct job_bytes *where)
{
	struct buf *b = &c->fx->block;
	size_t begun;

	if (c->turn.n_endings == 0)
		return;
	begun = fact_begin(b, FACT_JOBS_END);
	fact_put_count(b, 0, c->turn.n_endings);
	for (uint32_t i = 0; i < c->turn.n_endings; i++) {
		const struct ending *e = &c->turn.endings[i];
		struct fact_end_rec r = {
			.id = e->job->id,
			.submitted_ms = e->job->submitted_ms,
			.finished_ms = c->wall,
			.run_ms = e->run_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)e->run_ms,
			.exit = (int16_t)e->exit,
			.queue = e->job->queue,
			.state = (uint8_t)e->state,
			.attempts_used = e->used,
			.attempts = e->job->attempts,
			.priority = e->job->priority,
			.batch = e->job->batch == NO_INDEX ? 0 : c->batches[e->job->batch]->id,
			.history = history_of(side_of(e->job)),
			.attempt = e->attempt,
			.error = e->error,
			.result = e->result,
		};

		fact_put_end_rec(b, &r);
		where[i].length = (uint32_t)r.left.n;
		where[i].crc = r.crc;
		where[i].overhead = job_overhead(true, c->turn.n_endings, 0);
		where[i].at = b->n - where[i].length - LOG_BLOCK_HEADER;
	}
	fact_end(b, begun);
}

/* Handbacks that a replay must know of: those that used something up, or whose lease is a fact. */
static bool counts(const struct handback *h)
{
	return h->counted || h->delivery || h->due != 0 || h->job->in.lease->fact;
}

static void write_backs(struct core *c)
{
	struct buf *b = &c->fx->block;
	uint32_t n = 0;
	size_t begun;

	for (uint32_t i = 0; i < c->turn.n_backs; i++)
		n += counts(&c->turn.backs[i]);
	if (n == 0)
		return;
	begun = fact_begin(b, FACT_JOBS_BACK);
	fact_put_count(b, 0, n);
	for (uint32_t i = 0; i < c->turn.n_backs; i++) {
		const struct handback *h = &c->turn.backs[i];
		/* a run that was counted may not come back, one that was lost may */
		struct fact_back_rec r = { .id = h->job->id,
			                   .token = h->job->in.lease->token + h->counted,
			                   .attempt = (uint8_t)(h->job->attempt + h->counted),
			                   .deliveries = (uint8_t)(h->job->deliveries + h->delivery),
			                   .due = h->due,
			                   .history = history_of(h->job->in.lease->side),
			                   .last = h->attempt };

		if (counts(h))
			fact_put_back_rec(b, &r);
	}
	fact_end(b, begun);
}

static void write_dead(struct core *c, enum fact_type type, struct job *const *v, uint32_t n, uint64_t token)
{
	struct buf *b = &c->fx->block;
	size_t begun;

	if (n == 0)
		return;
	begun = fact_begin(b, type);
	fact_put_dead(b, &(struct fact_dead){ n, token });
	for (uint32_t i = 0; i < n; i++)
		fact_put_dead_rec(b, &(struct fact_dead_rec){ v[i]->id, v[i]->queue });
	fact_end(b, begun);
}

static void carry_out_dead(struct core *c, uint64_t token)
{
	for (uint32_t i = 0; i < c->turn.n_redrives; i++) {
		c->queues[c->turn.redrives[i]->queue]->redriven++;
		job_redrive(c, c->turn.redrives[i], token);
	}
	for (uint32_t i = 0; i < c->turn.n_forgets; i++) {
		c->queues[c->turn.forgets[i]->queue]->forgotten++;
		job_forget(c, c->turn.forgets[i]);
	}
}

static void carry_out_ending(struct core *c, const struct ending *e, const struct job_bytes *where)
{
	struct job *j = e->job;
	uint32_t waiter = j->w.waiter;
	struct job_end end = {
		.state = e->state,
		.exit = e->exit,
		.used = e->used,
		.run_ms = e->run_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)e->run_ms,
		.finished_ms = c->wall,
		.error_length = (uint16_t)e->error.n,
		.empty = e->error.n + e->result.n == 0,
		.where = *where,
		.attempt = e->attempt,
	};
	struct msg_result_rec r = {
		.id = j->id,
		.state = e->state,
		.attempt = e->used,
		.exit = e->exit,
		.submitted_ms = j->submitted_ms,
		.finished_ms = c->wall,
		.started_ms = e->used > 0 ? c->wall - e->run_ms : 0,
		.error = e->error,
		.result = e->result,
	};

	c->queues[j->queue]->ended[e->state]++;
	job_end(c, j, &end);
	wait_resolve(c, waiter, &r);
}

void turn_commit(struct core *c)
{
	struct job_bytes where[ENDINGS_CAP];
	uint64_t base, token = c->epoch << 32 | c->next_token; /* no lease so far has one as high */

	if (c->turn.placed) {
		must(c->turn.n_endings == 0 && c->turn.n_backs == 0 && c->turn.n_puts == 0);
		must(c->turn.n_redrives == 0 && c->turn.n_forgets == 0);
		must(c->topics.step.n_dones == 0 && c->topics.step.n_backs == 0 && c->topics.step.n_staged == 0);
		return;
	}
	news_turn(c);
	write_endings(c, where);
	write_backs(c);
	write_dead(c, FACT_JOBS_REDRIVE, c->turn.redrives, c->turn.n_redrives, token);
	write_dead(c, FACT_JOBS_FORGOTTEN, c->turn.forgets, c->turn.n_forgets, 0);
	step_write(c);
	base = turn_place(c);
	put_apply(c, base);
	step_apply(c, base);
	for (uint32_t i = 0; i < c->turn.n_endings; i++) {
		where[i].at += base;
		carry_out_ending(c, &c->turn.endings[i], &where[i]);
	}
	for (uint32_t i = 0; i < c->turn.n_backs; i++) {
		struct handback *h = &c->turn.backs[i];

		if (!h->counted && !h->delivery && !h->job->in.lease->started && h->job->in.lease->message != 0)
			limit_refund(c, c->queues[h->job->queue]);
		h->job->attempt = (uint8_t)(h->job->attempt + h->counted);
		h->job->deliveries = (uint8_t)(h->job->deliveries + h->delivery);
		job_back(c, h->job, h->due);
		side_of(h->job)->token += h->counted;
		history_add(side_of(h->job), &h->attempt);
		if (race_of(h->job) != NULL)
			race_back(c, h);
	}
	carry_out_dead(c, token);
}
