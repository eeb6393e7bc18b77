/* What the journal knows of races. JOBS_PUT with replicas has the parent first, then the children that live, without a
 * payload. RACE stands behind it, and again whenever a replica has failed; it is
 * [parent u64][hedge_ms u64][replicas u8][count u8], then for each of the replicas that it speaks of (those that have
 * failed) [index u8][instance u64][length u16][attempt, see history.h]. */
#include "base/crc32c.h"
#include "base/le.h"
#include "broker/core/fact.h"
#include "broker/core/history.h"
#include "broker/core/job_table.h"
#include "broker/core/race.h"
#include "broker/core/side.h"

enum { RACE_HEAD = 18, RACER_HEAD = 11 };

uint64_t race_fact_bytes(uint32_t replicas)
{
	return replicas > 0 ? FACT_HEAD + RACE_HEAD + (uint64_t)replicas * FACT_PUT_RECORD : 0;
}

void race_put_children(struct buf *b, uint64_t parent, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		fact_put_put_rec(b, &(struct fact_put_rec){ .id = parent + 1 + i, .crc = crc32c(0, NULL, 0) });
}

uint32_t race_put_live(struct buf *b, const struct race *race)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < race->n; i++) {
		if (race->v[i].job == NULL)
			continue;
		race_put_children(b, race->id, i, i + 1);
		n++;
	}
	return n;
}

static size_t begin(struct buf *b, uint64_t parent, uint64_t hedge_ms, uint32_t n, uint32_t count)
{
	size_t begun = fact_begin(b, FACT_RACE);

	buf_put_u64(b, parent);
	buf_put_u64(b, hedge_ms);
	buf_put_u8(b, (uint8_t)n);
	buf_put_u8(b, (uint8_t)count);
	return begun;
}

static void put_racer(struct buf *b, const struct race *race, uint32_t i)
{
	const struct racer *r = &race->v[i];

	buf_put_u8(b, (uint8_t)i);
	buf_put_u64(b, r->instance);
	buf_put_u16(b, r->attempt_n);
	buf_put_span(b, span_of(r->attempt, r->attempt_n));
}

void race_fact_begin(struct buf *b, uint64_t parent, uint32_t n, uint64_t hedge_ms)
{
	fact_end(b, begin(b, parent, hedge_ms, n, 0));
}

void race_fact_failed(struct buf *b, const struct race *race, uint32_t i)
{
	size_t begun = begin(b, race->id, race->hedge_ms, race->n, 1);

	put_racer(b, race, i);
	fact_end(b, begun);
}

void race_fact_all(struct buf *b, const struct race *race)
{
	uint32_t failed = 0;
	size_t begun;

	for (uint32_t i = 0; i < race->n; i++)
		failed += race->v[i].failed;
	begun = begin(b, race->id, race->hedge_ms, race->n, failed);
	for (uint32_t i = 0; i < race->n; i++)
		if (race->v[i].failed)
			put_racer(b, race, i);
	fact_end(b, begun);
}

/* The live parent with this id and its race, or NULL: it has ended meanwhile. */
static struct race *race_at(struct core *c, uint64_t parent)
{
	struct job *j = job_find(&c->jobs, parent);
	struct race *race = j != NULL ? race_of(j) : NULL;

	return race != NULL && race->parent == j ? race : NULL;
}

static bool take(struct span *s, size_t n, const uint8_t **p)
{
	if (s->n < n)
		return false;
	*p = s->p;
	*s = span_of(s->p + n, s->n - n);
	return true;
}

/* What the fact says of one replica. */
static bool replay_racer(struct race *race, struct span *body)
{
	const uint8_t *p, *attempt;
	struct msg_attempt_rec a;
	struct span rest;
	size_t n;

	if (!take(body, RACER_HEAD, &p))
		return false;
	n = le_get16(p + 9);
	if (!take(body, n, &attempt))
		return false;
	rest = span_of(attempt, n);
	if (race == NULL)
		return true;
	if (p[0] >= race->n || (n > 0 && (!history_next(&rest, &a) || rest.n > 0)))
		return false;
	if (!race->v[p[0]].failed && n > 0)
		history_add(side_of(race->parent), &(struct attempt){ .worker = a.worker,
		                                                      .started_ms = a.started_ms,
		                                                      .run_ms = (uint32_t)a.run_ms,
		                                                      .exit = a.exit,
		                                                      .verdict = (uint8_t)a.verdict,
		                                                      .error = a.error });
	race->v[p[0]].instance = le_get64(p + 1);
	race_failed(race, p[0], span_of(attempt, n));
	return true;
}

bool race_replay(struct core *c, struct span body)
{
	struct race *race;
	const uint8_t *p;

	if (!take(&body, RACE_HEAD, &p))
		return false;
	race = race_at(c, le_get64(p));
	if (race != NULL && race->n != p[16])
		return false;
	if (race != NULL)
		race->hedge_ms = le_get64(p + 8);
	for (uint32_t i = 0; i < p[17]; i++)
		if (!replay_racer(race, &body))
			return false;
	return true;
}

bool race_replay_child(struct core *c, uint64_t parent, uint64_t id, uint64_t due, bool dated)
{
	struct race *race = race_at(c, parent);

	if (id <= parent || id > parent + LIMIT_REPLICAS)
		return false;
	if (id >= c->next_id)
		c->next_id = id + 1;
	if (race == NULL || job_find(&c->jobs, id) != NULL)
		return true; /* ended meanwhile, or known */
	if (id > parent + race->n)
		return false;
	race_add_child(c, race, id, due, dated);
	return true;
}
