/* The mover: takes the facts of an old segment and writes again what is still needed; see trim.h. */
#include <stdlib.h>

#include "broker/core/fact.h"
#include "broker/core/fx.h"
#include "broker/core/job.h"
#include "broker/core/job_table.h"
#include "broker/core/policy.h"
#include "broker/core/trim.h"
#include "broker/core/turn.h"

enum { MOVED_MAX = 4096 };

/* Jobs of the block under way, with where their bytes stand in the new block's facts. */
struct moved {
	struct job *job;
	uint64_t at;
	uint32_t overhead;
};

static struct job *still_there(struct core *c, uint64_t id, uint64_t at, bool terminal)
{
	struct job *j = job_find(&c->jobs, id);

	return j != NULL && job_terminal(j) == terminal && j->at == at ? j : NULL;
}

static uint64_t here(const struct core *c, size_t length)
{
	return c->fx->block.n - LOG_BLOCK_HEADER - length;
}

/* What a replay must know of a live job beside its beginning. */
static void write_history(struct core *c, const struct moved *v, uint32_t n)
{
	struct buf *b = &c->fx->block;

	for (uint32_t i = 0; i < n; i++) {
		struct job *j = v[i].job;
		struct fact_lease_rec r = { .id = j->id, .attempt = j->attempt, .deliveries = j->deliveries };
		bool leased = j->state == JOB_RUNNING && j->in.lease->fact;
		size_t begun;

		if (leased)
			r.token = j->in.lease->token;
		else if (j->flags & JOB_PAST)
			r.token = j->in.past->token;
		else if (j->state == JOB_RUNNING && j->in.lease->past != NULL)
			r.token = j->in.lease->past->token;
		if (r.token == 0 && r.attempt == 0 && r.deliveries == 0)
			continue;
		begun = fact_begin(b, leased ? FACT_JOBS_LEASED : FACT_JOBS_BACK);
		fact_put_count(b, FACT_MOVED, 1);
		fact_put_lease_rec(b, &r);
		fact_end(b, begun);
	}
}

/* The live ones of a JOBS_PUT fact. */
static uint32_t move_put(struct core *c, uint64_t facts_at, const struct fact *f, struct moved *v, uint32_t n)
{
	struct buf *b = &c->fx->block;
	struct span rest = f->body;
	struct fact_put head;
	struct fact_put_rec r;
	size_t begun = 0, count_at = 0;
	uint32_t from = n;

	if (!fact_get_put(&rest, &head))
		return n;
	head.flags |= FACT_MOVED;
	for (uint32_t i = 0; i < head.count && n < MOVED_MAX && fact_get_put_rec(&rest, &r); i++) {
		uint64_t at = facts_at + f->offset + (uint64_t)(r.payload.p - f->body.p);
		struct job *j = still_there(c, r.id, at, false);

		if (j == NULL)
			continue;
		if (begun == 0) {
			begun = fact_begin(b, FACT_JOBS_PUT);
			count_at = b->n + 8;
			fact_put_put(b, &head);
		}
		fact_put_put_rec(b, &r);
		v[n++] = (struct moved){ j, here(c, r.payload.n), 0 };
	}
	if (n > from) {
		uint32_t count = n - from;

		b->p[count_at] = (uint8_t)count;
		b->p[count_at + 1] = (uint8_t)(count >> 8);
		b->p[count_at + 2] = b->p[count_at + 3] = 0;
		fact_end(b, begun);
		for (uint32_t i = from; i < n; i++)
			v[i].overhead = job_overhead(false, count, head.headers.n);
		write_history(c, v + from, n - from);
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
		uint64_t at = facts_at + f->offset + (uint64_t)(r.error.p - f->body.p);
		struct job *j = still_there(c, r.id, at, true);
		size_t begun;

		if (j == NULL)
			continue;
		begun = fact_begin(b, FACT_JOBS_END);
		fact_put_count(b, FACT_MOVED, 1);
		fact_put_end_rec(b, &r);
		fact_end(b, begun);
		v[n++] = (struct moved){ j, here(c, r.error.n + r.result.n), job_overhead(true, 1, 0) };
	}
	return n;
}

void trim_move(struct core *c, uint64_t position, struct span facts)
{
	struct moved *v = fx_alloc(c, MOVED_MAX * sizeof *v);
	const char *why;
	uint32_t n = 0, offset = 0;
	uint64_t base;
	struct fact f;

	while (fact_next(&facts, &offset, &f, &why) == 1) {
		if (f.type == FACT_JOBS_PUT)
			n = move_put(c, position + LOG_BLOCK_HEADER, &f, v, n);
		else if (f.type == FACT_JOBS_END)
			n = move_end(c, position + LOG_BLOCK_HEADER, &f, v, n);
	}
	base = turn_place(c);
	for (uint32_t i = 0; i < n; i++) {
		struct job *j = v[i].job;

		job_moved(c, j, &(struct job_bytes){ base + v[i].at, j->length, j->crc, v[i].overhead });
	}
	c->count.moved += n;
}
