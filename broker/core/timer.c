/* See timer.h. */
#include "broker/core/timer.h"

#include "base/text.h"
#include "broker/core/fx.h"
#include "broker/core/gather.h"
#include "broker/core/job.h"
#include "broker/core/policy.h"
#include "broker/core/queue.h"
#include "broker/core/race.h"
#include "broker/core/turn.h"
#include "broker/core/worker.h"

enum { WALL_LOOK_MS = 1000 };

void timer_watch(struct core *c, struct side *s)
{
	if (s->expires != 0) {
		s->expiry.key = s->expires;
		heap_add(&c->expiries, &s->expiry);
	}
	if (s->job->state != JOB_DELAYED)
		return;
	s->line.tie = s->job->id;
	if (s->dated) {
		s->line.key = s->due;
		heap_add(&c->dated, &s->line);
	} else {
		s->line.key = c->t + (s->due > c->wall ? s->due - c->wall : 0);
		heap_add(&c->delayed, &s->line);
	}
}

void timer_unwatch(struct core *c, struct side *s)
{
	if (heap_has(&s->expiry))
		heap_remove(&c->expiries, &s->expiry);
	if (s->job->state == JOB_DELAYED && heap_has(&s->line))
		heap_remove(s->dated ? &c->dated : &c->delayed, &s->line);
}

/* The worker ends a handler that runs out of its lease. The broker does so only where a worker does not, so it gives it
 * time to say so. */
static uint64_t patience(const struct core *c)
{
	return 2 * (uint64_t)c->config.liveness_ms;
}

void timer_lease(struct core *c, struct lease *l)
{
	uint64_t lease_ms = policy_lease(c, l->job->p.policy), due;

	if (lease_ms == 0 || l->worker == NULL)
		return;
	due = c->t + lease_ms + patience(c);
	if (heap_has(&l->timer)) {
		heap_move(&c->lease_timers, &l->timer, due);
		return;
	}
	l->timer.key = due;
	l->timer.tie = l->job->id;
	heap_add(&c->lease_timers, &l->timer);
}

static bool due(const struct heap *h, uint64_t now)
{
	return heap_min(h) != NULL && heap_min(h)->key <= now;
}

static void wake(struct core *c, struct heap *h, uint64_t now)
{
	for (int i = 0; i < STEP_WORK && due(h, now); i++)
		job_wake(c, list_item(heap_min(h), struct side, line)->job);
}

/* The job leaves its heap when the turn is committed, so the timer goes first. */
static void expire(struct core *c)
{
	for (int i = 0; i < STEP_WORK && due(&c->expiries, c->wall) && turn_has_room(c, 1); i++) {
		struct side *s = list_item(heap_min(&c->expiries), struct side, expiry);

		heap_remove(&c->expiries, &s->expiry);
		if (s->job->flags & JOB_ENDING)
			continue;
		s->job->flags |= JOB_ENDING;
		turn_end_job(c, &(struct ending){ .job = s->job,
		                                  .state = JOB_EXPIRED,
		                                  .used = s->job->attempt,
		                                  .error = race_of(s->job) != NULL
		                                               ? race_too_late(c, s->job)
		                                               : span_str("expired before it began") });
		queue_heat(c, c->queues[s->job->queue]); /* it may have stood at the head of the line */
	}
}

static void run_out(struct core *c, struct lease *l)
{
	enum { WORDS = 80 };
	char *text = fx_alloc(c, WORDS);
	size_t n = text_format(text, WORDS, "ran out of its lease of %llu ms, and its worker did not end it",
	                       (unsigned long long)policy_lease(c, l->job->p.policy));
	struct attempt a = { .worker = span_str(l->worker->name),
		             .started_ms = c->wall > c->t - l->since ? c->wall - (c->t - l->since) : 0,
		             .run_ms = (uint32_t)(c->t - l->since),
		             .exit = 137,
		             .verdict = VERDICT_KILLED,
		             .error = span_of(text, n) };

	fx_log(c, LOG_WARN, "lease-over", "job=%llu worker=%s %s", (unsigned long long)l->job->id, l->worker->name,
	       text);
	worker_revoke(c, l);
	gather_failed(c, l, &a, (struct span){ 0 });
}

uint64_t timer_backoff(struct core *c, const struct job *j)
{
	uint64_t base = policy_backoff(c, j->p.policy), most = policy_backoff_max(c, j->p.policy), ms;

	if (base == 0)
		return 0;
	if (most == 0)
		most = base > DEFAULT_BACKOFF_MAX_MS ? base : DEFAULT_BACKOFF_MAX_MS;
	ms = base;
	for (uint32_t i = 0; i < j->attempt && ms < most; i++)
		ms *= 2;
	ms = ms < most ? ms : most;
	return c->wall + ms - rng_below(&c->rng, ms / 2 + 1);
}

void timer_slice(struct core *c)
{
	wake(c, &c->delayed, c->t);
	wake(c, &c->dated, c->wall);
	expire(c);
	for (int i = 0; i < STEP_WORK && due(&c->lease_timers, c->t) && turn_has_room(c, 1); i++) {
		struct lease *l = list_item(heap_min(&c->lease_timers), struct lease, timer);

		heap_remove(&c->lease_timers, &l->timer);
		if (!(l->job->flags & JOB_ENDING) && l->worker != NULL)
			run_out(c, l);
	}
}

static uint64_t earlier(uint64_t a, const struct heap *h, uint64_t now, uint64_t t, uint64_t look)
{
	uint64_t key, in;

	if (heap_min(h) == NULL)
		return a;
	key = heap_min(h)->key;
	in = key > now ? key - now : 0;
	in = in < look ? in : look;
	return t + in < a ? t + in : a;
}

/* The wall clock is looked at every WALL_LOOK_MS while something waits for it: somebody may have set it. */
uint64_t timer_deadline(const struct core *c)
{
	uint64_t at = UINT64_MAX;

	at = earlier(at, &c->delayed, c->t, c->t, UINT64_MAX);
	at = earlier(at, &c->lease_timers, c->t, c->t, UINT64_MAX);
	at = earlier(at, &c->hedges, c->t, c->t, UINT64_MAX);
	at = earlier(at, &c->dated, c->wall, c->t, WALL_LOOK_MS);
	return earlier(at, &c->expiries, c->wall, c->t, WALL_LOOK_MS);
}
