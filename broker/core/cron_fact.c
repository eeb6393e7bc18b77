/* Schedules in the journal; see cron.h. A fact is either a whole schedule or, tick for tick, only what has changed.
 * Both say how things are, not by how much they changed. */
#include <stdlib.h>

#include "base/le.h"
#include "broker/core/cron.h"

enum { WHOLE = 0, TICK = 1, TICKS_BYTES = 1 + 6 * 8, TERMS_BYTES = 3 + 4 * 8, TEXTS = 8 };

/* The texts of a schedule, in the order of the fact. */
static void texts(struct msg_cron *s, struct span *v[TEXTS])
{
	v[0] = &s->name;
	v[1] = &s->spec;
	v[2] = &s->zone;
	v[3] = &s->queue;
	v[4] = &s->tenant;
	v[5] = &s->group;
	v[6] = &s->headers;
	v[7] = &s->payload;
}

static const uint16_t most[TEXTS] = { LIMIT_NAME,
	                              LIMIT_CRON_SPEC,
	                              LIMIT_NAME,
	                              LIMIT_QUEUE_NAME,
	                              LIMIT_NAME,
	                              LIMIT_NAME,
	                              LIMIT_HEADER_BYTES - CRON_HEADERS,
	                              LIMIT_CRON_PAYLOAD };

void cron_copy(struct msg_cron *to, const struct msg_cron *from)
{
	struct span *v[TEXTS];
	uint8_t *p;
	size_t n = 0;

	*to = *from;
	texts(to, v);
	for (int i = 0; i < TEXTS; i++)
		n += v[i]->n;
	p = malloc(n + 1);
	must(p != NULL);
	for (int i = 0; i < TEXTS; i++) {
		if (v[i]->n > 0)
			memcpy(p, v[i]->p, v[i]->n);
		v[i]->p = p;
		p += v[i]->n;
	}
}

uint64_t cron_fact_bytes(const struct msg_cron *set)
{
	struct msg_cron s = *set;
	struct span *v[TEXTS];
	uint64_t n = FACT_HEAD + 1 + TICKS_BYTES + TERMS_BYTES + 2 * TEXTS;

	texts(&s, v);
	for (int i = 0; i < TEXTS; i++)
		n += v[i]->n;
	return n;
}

static void put_text(struct buf *b, struct span s)
{
	buf_put_u16(b, (uint16_t)s.n);
	buf_put_span(b, s);
}

static void put_ticks(struct buf *b, const struct cron_ticks *t)
{
	buf_put_u8(b, t->paused);
	buf_put_u64(b, t->anchor_ms);
	buf_put_u64(b, t->from_ms);
	buf_put_u64(b, t->last_ms);
	buf_put_u64(b, t->last_job);
	buf_put_u64(b, t->submitted);
	buf_put_u64(b, t->missed);
}

void cron_fact(struct core *c, const struct cron *k)
{
	struct buf *b = &c->fx->block;
	struct msg_cron s = k->set;
	struct span *v[TEXTS];
	size_t begun = fact_begin(b, FACT_CRON);

	buf_put_u8(b, WHOLE);
	put_ticks(b, &k->ticks);
	buf_put_u8(b, (uint8_t)s.missed);
	buf_put_u8(b, (uint8_t)s.priority);
	buf_put_u8(b, (uint8_t)s.attempts);
	buf_put_u64(b, s.lease_ms);
	buf_put_u64(b, s.backoff_ms);
	buf_put_u64(b, s.backoff_max_ms);
	buf_put_u64(b, s.within_ms);
	texts(&s, v);
	for (int i = 0; i < TEXTS; i++)
		put_text(b, *v[i]);
	fact_end(b, begun);
}

void cron_tick_fact(struct core *c, const struct cron *k)
{
	struct buf *b = &c->fx->block;
	size_t begun = fact_begin(b, FACT_CRON);

	buf_put_u8(b, TICK);
	put_ticks(b, &k->ticks);
	put_text(b, k->set.name);
	fact_end(b, begun);
}

void cron_gone_fact(struct core *c, const struct cron *k)
{
	size_t begun = fact_begin(&c->fx->block, FACT_CRON_GONE);

	put_text(&c->fx->block, k->set.name);
	fact_end(&c->fx->block, begun);
}

static const uint8_t *take(struct span *s, size_t n)
{
	const uint8_t *p = s->p;

	if (s->n < n)
		return NULL;
	s->p += n;
	s->n -= n;
	return p;
}

static bool get_text(struct span *s, size_t n_most, struct span *out)
{
	const uint8_t *p = take(s, 2);
	size_t n = p != NULL ? le_get16(p) : 0;

	if (p == NULL || n > n_most || s->n < n)
		return false;
	*out = span_of(take(s, n), n);
	return true;
}

static bool get_ticks(struct span *s, struct cron_ticks *t)
{
	const uint8_t *p = take(s, TICKS_BYTES);

	if (p == NULL)
		return false;
	*t = (struct cron_ticks){ p[0] != 0,        le_get64(p + 1),  le_get64(p + 9), le_get64(p + 17),
		                  le_get64(p + 25), le_get64(p + 33), le_get64(p + 41) };
	return t->from_ms <= JOB_MS_MASK && t->anchor_ms <= JOB_MS_MASK;
}

static bool get_set(struct span *s, struct msg_cron *set)
{
	const uint8_t *p = take(s, TERMS_BYTES);
	struct span *v[TEXTS];

	if (p == NULL)
		return false;
	*set = (struct msg_cron){ .missed = p[0],
		                  .priority = p[1],
		                  .attempts = p[2],
		                  .lease_ms = le_get64(p + 3),
		                  .backoff_ms = le_get64(p + 11),
		                  .backoff_max_ms = le_get64(p + 19),
		                  .within_ms = le_get64(p + 27) };
	texts(set, v);
	for (int i = 0; i < TEXTS; i++)
		if (!get_text(s, most[i], v[i]))
			return false;
	return set->name.n > 0 && set->queue.n > 0 && (zone_name_is_utc(set->zone) || zone_name_ok(set->zone)) &&
	       set->missed >= CRON_ONCE && set->missed <= CRON_SKIP && set->priority <= LIMIT_PRIORITY &&
	       set->attempts <= LIMIT_ATTEMPTS && set->within_ms <= LIMIT_DELAY_MS;
}

static bool replay_whole(struct core *c, struct span *s, const struct cron_ticks *t)
{
	struct msg_cron set;
	struct cron *k;

	if (!get_set(s, &set))
		return false;
	k = cron_find(c, set.name);
	if (k == NULL)
		k = cron_new(c, set.name);
	cron_become(c, k, &set);
	k->ticks = *t;
	return true;
}

bool cron_replay(struct core *c, const struct fact *f)
{
	struct span s = f->body, name;
	struct cron_ticks t;
	const uint8_t *kind;
	struct cron *k;

	if (f->type == FACT_CRON_GONE) {
		if (!get_text(&s, LIMIT_NAME, &name))
			return false;
		k = cron_find(c, name);
		if (k != NULL)
			cron_free(c, k);
		return true;
	}
	kind = take(&s, 1);
	if (kind == NULL || !get_ticks(&s, &t))
		return false;
	if (*kind == WHOLE)
		return replay_whole(c, &s, &t);
	if (*kind != TICK || !get_text(&s, LIMIT_NAME, &name))
		return false;
	k = cron_find(c, name);
	if (k != NULL) /* else its own fact was trimmed, and a later one says all */
		k->ticks = t;
	return true;
}
