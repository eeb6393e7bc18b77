/* See limit.h. The rate is a token bucket in whole numbers: a rate of so many jobs per day brings so many tokens in a
 * millisecond, and a job takes as many as a day has milliseconds. */
#include "broker/core/limit.h"

#include "broker/core/queue.h"

#define JOB_TOKENS ((uint64_t)24 * 3600 * 1000)

static_assert(LIMIT_BURST <= UINT64_MAX / JOB_TOKENS && LIMIT_RATE <= UINT64_MAX / JOB_TOKENS, "tokens fit");

/* The most that is saved up. */
static uint64_t most(const struct queue_settings *s)
{
	uint64_t burst = s->burst != 0 ? s->burst : s->rate / RATE_PER_SECOND;

	return (burst > 0 ? burst : 1) * JOB_TOKENS;
}

/* Brings what the time since the last call is worth. */
static void fill(const struct core *c, struct queue *q, const struct queue_settings *s)
{
	uint64_t cap = most(s), ms = c->t - q->filled;

	q->filled = c->t;
	if (q->tokens >= cap || s->rate == 0)
		return;
	q->tokens = ms > (cap - q->tokens) / s->rate ? cap : q->tokens + ms * s->rate;
}

/* Whether it waits for workers to say what they hold. */
static bool is_held(const struct core *c, const struct queue *q)
{
	return c->t < c->limits_from && (q->settings.concurrency != 0 || !list_empty(&q->groups));
}

uint32_t limit_count(struct core *c, struct queue *q)
{
	const struct queue_settings *s = &q->settings;
	uint64_t room = UINT32_MAX;

	if (is_held(c, q))
		return 0;
	if (s->concurrency != 0)
		room = q->now[JOB_RUNNING] < s->concurrency ? s->concurrency - q->now[JOB_RUNNING] : 0;
	if (s->rate != 0) {
		fill(c, q, s);
		room = q->tokens / JOB_TOKENS < room ? q->tokens / JOB_TOKENS : room;
	}
	return (uint32_t)room;
}

void limit_wait(struct core *c, struct queue *q)
{
	uint64_t rate = q->settings.rate, due = 0;

	if (heap_has(&q->throttle))
		return;
	if (rate != 0 && q->tokens < JOB_TOKENS)
		due = c->t + (JOB_TOKENS - q->tokens + rate - 1) / rate;
	if (is_held(c, q) && due < c->limits_from)
		due = c->limits_from;
	if (due == 0)
		return; /* a job that ends makes room */
	q->throttle.key = due;
	q->throttle.tie = q->index;
	heap_add(&c->throttled, &q->throttle);
}

void limit_granted(struct queue *q)
{
	if (q->settings.rate == 0)
		return;
	must(q->tokens >= JOB_TOKENS);
	q->tokens -= JOB_TOKENS;
}

/* Looks at the queue again. */
static void go_on(struct core *c, struct queue *q)
{
	if (heap_has(&q->throttle))
		heap_remove(&c->throttled, &q->throttle);
	queue_heat(c, q);
}

void limit_refund(struct core *c, struct queue *q)
{
	if (q->settings.rate == 0)
		return;
	fill(c, q, &q->settings);
	q->tokens += JOB_TOKENS;
	if (q->tokens > most(&q->settings))
		q->tokens = most(&q->settings);
	go_on(c, q);
}

void limit_freed(struct core *c, struct queue *q)
{
	if (q->excess > q->now[JOB_RUNNING])
		q->excess = q->now[JOB_RUNNING];
	queue_heat(c, q);
}

void limit_changed(struct core *c, struct queue *q, const struct queue_settings *before)
{
	if (before->rate != 0) {
		fill(c, q, before);
	} else {
		q->tokens = most(&q->settings);
		q->filled = c->t;
	}
	if (q->tokens > most(&q->settings))
		q->tokens = most(&q->settings);
	q->excess = q->now[JOB_RUNNING];
	go_on(c, q);
}

void limit_start(struct core *c)
{
	if (c->jobs.count > 0)
		c->limits_from = c->orphans_until;
	for (uint32_t i = 0; i < c->n_queues; i++) {
		struct queue *q = c->queues[i];

		if (q == NULL)
			continue;
		q->tokens = 0;
		q->filled = c->t;
		q->excess = q->now[JOB_RUNNING];
	}
}

void limit_tick(struct core *c)
{
	while (heap_min(&c->throttled) != NULL && heap_min(&c->throttled)->key <= c->t)
		go_on(c, list_item(heap_min(&c->throttled), struct queue, throttle));
}
