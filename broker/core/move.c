/* The mover: takes the facts of an old segment and writes again what is still needed; see trim.h. */
#include <stdlib.h>

#include "base/le.h"
#include "broker/core/fact.h"
#include "broker/core/fx.h"
#include "broker/core/history.h"
#include "broker/core/job.h"
#include "broker/core/job_table.h"
#include "broker/core/key.h"
#include "broker/core/race.h"
#include "broker/core/side.h"
#include "broker/core/topic/move.h"
#include "broker/core/topic/run.h"
#include "broker/core/trim.h"
#include "broker/core/turn.h"

enum { MOVED_MAX = 4096 };

/* Jobs, or keys, of the block under way, with where their bytes stand in the new block's facts. */
struct moved {
	struct job *job; /* or NULL */
	struct key *key;
	uint64_t at;
	uint64_t sharers_at; /* in the block: where the record says how many share its payload; 0 = nowhere */
	uint32_t overhead;
	uint32_t sharers; /* as far as was seen */
	bool end;         /* what it left, not its payload */
};

/* The job whose payload stands there. */
static struct job *whose_payload(struct core *c, uint64_t id, uint64_t at)
{
	struct job *j = job_find(&c->jobs, id);

	if (j == NULL || j->at != at || (job_terminal(j) && j->state != JOB_DEAD) || (j->flags & JOB_EMPTY))
		return NULL;
	return j;
}

/* The ended job that left what stands there. */
static struct job *whose_end(struct core *c, uint64_t id, uint64_t at)
{
	struct job *j = job_find(&c->jobs, id);
	uint16_t error_length;

	return j != NULL && job_terminal(j) && job_left(j, &error_length).at == at ? j : NULL;
}

static uint64_t here(const struct core *c, size_t length)
{
	return c->fx->block.n - LOG_BLOCK_HEADER - length;
}

static void write_lease(struct core *c, const struct job *j)
{
	struct buf *b = &c->fx->block;
	size_t begun = fact_begin(b, FACT_JOBS_LEASED);

	fact_put_count(b, FACT_MOVED, 1);
	fact_put_lease_rec(b, &(struct fact_lease_rec){ j->id, j->in.lease->token, j->attempt, j->deliveries });
	fact_end(b, begun);
}

/* What a replay must know of a live job beside its beginning. */
static void write_history(struct core *c, const struct job *j)
{
	struct buf *b = &c->fx->block;
	struct side *s = side_of(j);
	struct fact_back_rec r = { .id = j->id, .attempt = j->attempt, .deliveries = j->deliveries };
	size_t begun;

	if (job_terminal(j))
		return; /* its end says it all */
	r.token = s != NULL ? s->token : 0;
	r.due = s != NULL && j->state == JOB_DELAYED && !s->dated ? s->due : 0;
	r.history = history_of(s);
	if (r.token != 0 || r.attempt != 0 || r.deliveries != 0 || r.history.n != 0) {
		begun = fact_begin(b, FACT_JOBS_BACK);
		fact_put_count(b, FACT_MOVED, 1);
		fact_put_back_rec(b, &r);
		fact_end(b, begun);
	}
	if (j->state == JOB_RUNNING && j->in.lease->fact)
		write_lease(c, j);
}

/* The same for all that there is of a race. */
static void write_race(struct core *c, const struct race *race)
{
	race_fact_all(&c->fx->block, race);
	for (uint32_t i = 0; i < race->n; i++)
		if (race->v[i].job != NULL)
			write_history(c, race->v[i].job);
}

/* Whether it is a member of its batch still: one that has died and was counted is not, also when it was redriven. */
static bool is_member(const struct job *j)
{
	return !job_terminal(j) && j->batch != NO_INDEX;
}

/* Whether it has lost the expiry that its submit named: one that has died does, also when it was redriven. */
static bool expires_no_more(const struct job *j)
{
	const struct side *s = side_of(j);

	return s == NULL || s->expires == 0;
}

/* Writes the record of a job whose payload others may have, too: the payload with the first one that is needed. */
static void move_shared(struct core *c, struct job *j, struct fact_put_rec r, struct moved *v, uint32_t n)
{
	struct buf *b = &c->fx->block;
	uint64_t record = b->n;

	v[n] = (struct moved){ .job = j, .sharers_at = record + FACT_PUT_RECORD, .sharers = 1 };
	r.back = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (v[i].sharers == 0 || v[i].job->at != j->at)
			continue;
		v[i].sharers++;
		v[n].sharers++;
		v[n].at = v[i].at;
		r.back = fact_put_back(b, v[i].at);
	}
	fact_put_put_rec(b, &r);
	if (r.back == 0)
		v[n].at = here(c, r.payload.n);
}

/* Now that all have been seen. */
static void write_sharers(struct core *c, const struct moved *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (v[i].sharers > 0)
			le_put32(c->fx->block.p + v[i].sharers_at, v[i].sharers);
}

/* Those jobs of a JOBS_PUT fact that are still needed and of which head->batch and head->expires_ms are true. */
static uint32_t move_some(struct core *c, uint64_t facts_at, const struct fact *f, const struct fact_put *head,
                          struct span rest, bool expiring, struct moved *v, uint32_t n)
{
	struct buf *b = &c->fx->block;
	struct fact_put_rec r;
	size_t begun = 0, count_at = 0;
	uint32_t from = n, children = 0;

	for (uint32_t i = 0; i < head->count && n < MOVED_MAX && fact_get_put_rec(&rest, f, head, &r); i++) {
		uint64_t at = facts_at + f->offset + (uint64_t)(r.payload.p - f->body.p);
		struct job *j = whose_payload(c, r.id, at);

		if (j == NULL || is_member(j) != (head->batch != 0))
			continue;
		if (expiring && expires_no_more(j) != (head->expires_ms == 0))
			continue;
		if (begun == 0) {
			begun = fact_begin(b, FACT_JOBS_PUT);
			count_at = b->n + 8;
			fact_put_put(b, head);
		}
		if (head->flags & FACT_SHARED) {
			move_shared(c, j, r, v, n++);
			continue;
		}
		fact_put_put_rec(b, &r);
		v[n++] = (struct moved){ .job = j, .at = here(c, r.payload.n) };
		if (head->replicas > 0)
			children = race_put_live(b, race_of(j));
	}
	if (n > from) {
		uint32_t count = n - from;

		le_put32(b->p + count_at, count + children);
		fact_end(b, begun);
		for (uint32_t i = from; i < n; i++) {
			v[i].overhead = job_overhead(false, count, head->headers.n) + children * FACT_PUT_RECORD +
			                job_shared_head(v[i].sharers);
			if (race_of(v[i].job) != NULL)
				write_race(c, race_of(v[i].job));
			else
				write_history(c, v[i].job);
		}
	}
	return n;
}

/* Whether the parent that stands first there has not ended yet. */
static bool races_still(struct core *c, uint64_t facts_at, const struct fact *f, const struct fact_put *head,
                        struct span rest)
{
	struct fact_put_rec r;
	struct job *j;

	if (!fact_get_put_rec(&rest, f, head, &r))
		return false;
	j = whose_payload(c, r.id, facts_at + f->offset + (uint64_t)(r.payload.p - f->body.p));
	return j != NULL && race_of(j) != NULL;
}

static uint32_t move_put(struct core *c, uint64_t facts_at, const struct fact *f, struct moved *v, uint32_t n)
{
	struct span rest = f->body;
	uint64_t batch, expires;
	struct fact_put head;

	if (!fact_get_put(&rest, &head))
		return n;
	head.flags |= FACT_MOVED;
	if (head.replicas > 0 && !races_still(c, facts_at, f, &head, rest)) {
		head.replicas = 0; /* it is dead, or a job like any other since it was redriven */
		head.due_ms = head.expires_ms = 0;
	}
	batch = head.batch;
	expires = head.expires_ms;
	for (int member = batch != 0; member >= 0; member--) {
		head.batch = member ? batch : 0;
		head.expires_ms = expires;
		n = move_some(c, facts_at, f, &head, rest, expires != 0, v, n);
		head.expires_ms = 0;
		if (expires != 0)
			n = move_some(c, facts_at, f, &head, rest, true, v, n);
	}
	return n;
}

/* The kept ones of a JOBS_END fact. */
static uint32_t move_end(struct core *c, uint64_t facts_at, const struct fact *f, struct moved *v, uint32_t n)
{
	struct buf *b = &c->fx->block;
	struct span rest = f->body;
	struct fact_end_rec r;
	uint8_t flags;
	uint32_t count;

	if (!fact_get_count(&rest, &flags, &count))
		return n;
	for (uint32_t i = 0; i < count && n < MOVED_MAX && fact_get_end_rec(&rest, &r); i++) {
		uint64_t at = facts_at + f->offset + (uint64_t)(r.left.p - f->body.p);
		struct job *j = whose_end(c, r.id, at);
		size_t begun;

		if (j == NULL)
			continue;
		begun = fact_begin(b, FACT_JOBS_END);
		fact_put_count(b, FACT_MOVED, 1);
		fact_put_end_rec(b, &r);
		fact_end(b, begun);
		v[n++] = (struct moved){
			.job = j,
			.at = here(c, r.left.n),
			.overhead = job_overhead(true, 1, 0),
			.end = true,
		};
	}
	return n;
}

static uint32_t move_key(struct core *c, uint64_t facts_at, const struct fact *f, struct moved *v, uint32_t n)
{
	struct fact_key r;
	struct key *k;

	if (n == MOVED_MAX || !fact_get_key(f->body, &r))
		return n;
	k = key_at(c, &r, facts_at + f->offset);
	if (k == NULL)
		return n;
	fact_put_key(&c->fx->block, &r);
	v[n++] = (struct moved){ .key = k, .at = here(c, f->body.n) };
	return n;
}

void trim_move(struct core *c, uint64_t position, struct span facts)
{
	struct moved_run *runs = fx_alloc(c, MOVED_MAX * sizeof *runs);
	struct moved *v = fx_alloc(c, MOVED_MAX * sizeof *v);
	struct span rest = facts;
	const char *why;
	uint32_t n = 0, n_runs = 0, offset = 0;
	uint64_t base;
	struct fact f;

	while (fact_next(&rest, &offset, &f, &why) == 1) {
		if (f.type == FACT_JOBS_PUT)
			n = move_put(c, position + LOG_BLOCK_HEADER, &f, v, n);
		else if (f.type == FACT_JOBS_END)
			n = move_end(c, position + LOG_BLOCK_HEADER, &f, v, n);
		else if (f.type == FACT_KEY)
			n = move_key(c, position + LOG_BLOCK_HEADER, &f, v, n);
	}
	offset = 0;
	while (fact_next(&facts, &offset, &f, &why) == 1) /* these know what room the others have left */
		if (f.type == FACT_MESSAGES_PUT)
			n_runs = move_messages(c, position + LOG_BLOCK_HEADER, &f, runs, n_runs, MOVED_MAX);
	write_sharers(c, v, n);
	base = turn_place(c);
	for (uint32_t i = 0; i < n_runs; i++)
		run_moved(c, runs[i].run, base + runs[i].at, runs[i].overhead);
	for (uint32_t i = 0; i < n; i++) {
		struct job *j = v[i].job;
		uint16_t error_length;
		struct job_bytes where;

		if (j == NULL) {
			key_moved(c, v[i].key, base + v[i].at);
			continue;
		}
		where = v[i].end ? job_left(j, &error_length) : job_where(j);
		where.at = base + v[i].at;
		where.overhead = v[i].overhead;
		where.sharers = v[i].sharers;
		if (v[i].end && j->state == JOB_DEAD)
			job_end_moved(c, j, &where);
		else
			job_moved(c, j, &where);
	}
	c->count.moved += n + n_runs;
}
