/* The limits of queues, counted by hand: a rate lets go no more jobs than its time brought. And the order of grants. */
#include "broker/core/state.h"
#include "tests/sim/oracle.h"

#define JOB ((uint64_t)24 * 3600 * 1000) /* a job, where a rate of so many a day brings so much in a millisecond */

static const struct queue *find(const struct core *core, uint32_t i)
{
	const char name[] = { 'q', (char)('0' + i), 0 };

	for (uint32_t k = 0; k < core->n_queues; k++)
		if (core->queues[k] != NULL && strcmp(core->queues[k]->name, name) == 0)
			return core->queues[k];
	return NULL;
}

static uint64_t most(const struct queue_settings *s)
{
	uint64_t burst = s->burst > 0 ? s->burst : s->rate / 86400;

	return (burst > 0 ? burst : 1) * JOB;
}

static void cap(struct bucket *b)
{
	if (b->tokens > most(&b->settings))
		b->tokens = most(&b->settings);
}

void oracle_step_begins(struct oracle *o, const struct core *core)
{
	uint64_t now = world_ms(o->w);

	for (uint32_t i = 0; i < SIM_QUEUES; i++) {
		const struct queue *q = find(core, i);
		struct bucket *b = &o->buckets[i];

		b->there = q != NULL;
		if (q == NULL)
			continue;
		b->running = q->now[JOB_RUNNING];
		b->over = q->ended[JOB_DONE] + q->ended[JOB_DEAD];
		b->tokens += (now - b->filled) * b->settings.rate;
		b->filled = now;
		cap(b);
	}
}

static void look(struct oracle *o, uint32_t i, const struct queue *q, uint64_t grants)
{
	struct bucket *b = &o->buckets[i];
	uint64_t over = q->ended[JOB_DONE] + q->ended[JOB_DEAD] - b->over, left = b->running + grants;

	left = left > q->now[JOB_RUNNING] ? left - q->now[JOB_RUNNING] : 0;
	if (b->settings.rate > 0 && left > over) /* at most so many came back that had not begun */
		b->tokens += (left - over) * JOB;
	if (i != SIM_RACE_QUEUE && b->settings.rate > 0 && grants * JOB > b->tokens)
		world_fail(o->w, "queue %u: %llu jobs are granted where its rate allows %llu", i,
		           (unsigned long long)grants, (unsigned long long)(b->tokens / JOB));
	if (b->settings.rate > 0)
		b->tokens -= grants * JOB < b->tokens ? grants * JOB : b->tokens;
}

void oracle_step_ends(struct oracle *o, const struct core *core, const struct effects *fx)
{
	uint64_t grants[SIM_QUEUES] = { 0 };

	for (uint32_t i = 0; i < fx->n; i++) {
		const struct known *k = fx->v[i].kind == FX_GRANT ? oracle_by_id(o, fx->v[i].u.job.id) : NULL;

		if (k != NULL) /* else it is of a client that has not heard of it: we count less than there is */
			grants[k->queue]++;
	}
	for (uint32_t i = 0; i < SIM_QUEUES; i++) {
		const struct queue *q = find(core, i);
		struct bucket *b = &o->buckets[i];

		if (q == NULL)
			continue;
		if (b->there)
			look(o, i, q, grants[i]);
		if (!b->there || b->settings.rate == 0)
			b->tokens = most(&q->settings);
		b->filled = world_ms(o->w);
		b->settings = q->settings;
		cap(b);
	}
}

void oracle_limits_restarted(struct oracle *o, const struct core *core)
{
	for (uint32_t i = 0; i < SIM_QUEUES; i++) {
		const struct queue *q = find(core, i);
		struct bucket *b = &o->buckets[i];

		*b = (struct bucket){ .there = q != NULL, .filled = world_ms(o->w) };
		if (q != NULL)
			b->settings = q->settings;
	}
}

void oracle_lease_set(struct oracle *o, uint32_t queue)
{
	o->leased[queue] = true;
}

/* It may have waited for so long that its priority does not count. */
static bool starves(struct oracle *o, const struct core *core, const struct known *k)
{
	uint64_t starve = find(core, k->queue)->settings.starve_ms;

	return world_wall(o->w) - k->posted_ms >= (starve > 0 ? starve : DEFAULT_STARVE_MS);
}

void oracle_in_order(struct oracle *o, const struct core *core, uint64_t id)
{
	const struct known *k = oracle_by_id(o, id);
	bool starved;

	if (k != NULL && k->ends_by != 0 && !oracle_redriven(o, k) && world_wall(o->w) >= k->ends_by)
		world_fail(o->w, "job %llu is granted, and it has expired", (unsigned long long)id);
	if (k != NULL)
		oracle_check_after(o, core, k);
	if (k != NULL)
		oracle_check_replica(o, core, k, id);
	if (k == NULL || k->shared || k->race > 0 || o->w->options->check_each > 1)
		return;
	starved = starves(o, core, k);
	for (uint64_t i = 0; i < o->n; i++) {
		const struct known *other = &o->v[i];

		if (other->id == 0 || other->id == id || other->seen || other->shared || other->race > 0 ||
		    other->queue != k->queue || other->priority < k->priority ||
		    (other->priority == k->priority && other->id > id))
			continue;
		if (other->priority > k->priority && starved)
			continue;
		if (core_job_state(core, other->id) == JOB_READY)
			world_fail(o->w, "job %llu is granted before job %llu", (unsigned long long)id,
			           (unsigned long long)other->id);
	}
}
