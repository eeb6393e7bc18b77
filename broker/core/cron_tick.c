/* What is due is submitted; see cron.h. */
#include "base/text.h"
#include "broker/core/civil.h"
#include "broker/core/cron.h"
#include "broker/core/fx.h"
#include "broker/core/put.h"
#include "broker/core/queue.h"
#include "broker/core/turn.h"

/* The ticks in (from, now]. */
struct past {
	uint64_t n; /* at most CRON_COUNT_MOST of fields are counted */
	uint64_t last;
	bool in_time; /* the last one */
};

static struct past look_back(const struct core *c, const struct cron *k)
{
	const struct zone *z = cron_table(k);
	uint64_t anchor = k->ticks.anchor_ms, grace = CRON_GRACE_MS, t = k->due_ms;
	struct past p = { .last = cronspec_last(&k->spec, z, anchor, k->ticks.from_ms, c->wall) };

	must(p.last != CRON_NEVER && p.last >= k->due_ms);
	if (k->spec.every_ms > 0) {
		p.n = (p.last - k->due_ms) / k->spec.every_ms + 1;
		grace = k->spec.every_ms / 2 < grace ? k->spec.every_ms / 2 : grace;
	} else {
		for (p.n = 1; t < p.last && p.n < CRON_COUNT_MOST; p.n++)
			t = cronspec_next(&k->spec, z, anchor, t);
	}
	p.in_time = c->wall - p.last <= grace;
	return p;
}

/* The schedule's headers, and two more: its name, and the tick. In the step's arena. */
static struct span headers(struct core *c, const struct cron *k, uint64_t due_ms)
{
	struct span own = k->set.headers;
	uint64_t s = due_ms / 1000, of_day = s % 86400;
	struct civil d = civil_date((int64_t)(s / 86400));
	uint8_t *p = fx_alloc(c, own.n + CRON_HEADERS);
	size_t n = own.n;
	char fraction[8] = "";

	if (n > 0)
		memcpy(p, own.p, n);
	if (due_ms % 1000 != 0)
		text_format(fraction, sizeof fraction, ".%03u", (unsigned)(due_ms % 1000));
	n += 1 + text_format((char *)p + n, CRON_HEADERS, "cron=%.*s", (int)k->set.name.n, (const char *)k->set.name.p);
	n += 1 + text_format((char *)p + n, CRON_HEADERS + own.n - n, "due=%04d-%02u-%02uT%02u:%02u:%02u%sZ",
	                     (int)d.year, d.month, d.day, (unsigned)(of_day / 3600), (unsigned)(of_day / 60 % 60),
	                     (unsigned)(of_day % 60), fraction);
	return span_of(p, n);
}

/* Why its job cannot be put; NULL: it can, into *q. */
static const char *refused(struct core *c, const struct cron *k, const struct put *p, struct queue **q)
{
	const char *why = put_refused(c, p, k->set.payload);

	*q = NULL;
	if (why != NULL)
		return why;
	*q = queue_find(c, k->set.queue);
	if (*q != NULL && (*q)->now[JOB_DEAD] >= c->config.dead_max)
		return "its queue has as many dead letters as it may: redrive or purge some";
	if (*q != NULL)
		return (*q)->chore == CHORE_DELETE ? "its queue is being deleted" : NULL;
	*q = queue_new(c, k->set.queue);
	if (*q == NULL)
		return "there are 10000 queues already";
	queue_fact(c, *q);
	return NULL;
}

static void say_missed(struct core *c, const struct cron *k, const struct past *p, bool run)
{
	fx_log(c, LOG_WARN, "cron-missed", "cron=%.*s ticks=%llu%s %s", (int)k->set.name.n, (const char *)k->set.name.p,
	       (unsigned long long)(p->n - (run && p->in_time)), p->n >= CRON_COUNT_MOST ? "+" : "",
	       !run         ? "skipped"
	       : p->in_time ? "before this one"
	                    : "run=once");
}

/* Submits the job of the last tick; false: it is held. */
static bool submit(struct core *c, struct cron *k, const struct past *past)
{
	struct put p = {
		.priority = (uint8_t)k->set.priority,
		.attempts = (uint8_t)k->set.attempts,
		.lease_ms = k->set.lease_ms,
		.backoff_ms = k->set.backoff_ms,
		.backoff_max_ms = k->set.backoff_max_ms,
		.within_ms = k->set.within_ms,
		.tenant = k->set.tenant,
		.group = k->set.group,
		.headers = headers(c, k, past->last),
	};
	struct queue *q;
	const char *why = refused(c, k, &p, &q);

	if (why != NULL) {
		if (k->held == NULL)
			fx_log(c, LOG_WARN, "cron-held", "cron=%.*s its job waits: %s", (int)k->set.name.n,
			       (const char *)k->set.name.p, why);
		k->held = why;
		return false;
	}
	k->ticks.last_job = put_job(c, q, &p, k->set.payload);
	k->ticks.last_ms = past->last;
	k->ticks.submitted++;
	c->count.cron_jobs++;
	return true;
}

static void tick(struct core *c, struct cron *k)
{
	struct past past;
	bool run;

	if (!cron_ready(k)) {
		if (!k->zone->asked)
			cron_zone_ask(c, span_str(k->zone->name));
		cron_arm(c, k);
		return;
	}
	past = look_back(c, k);
	run = past.in_time || k->set.missed == CRON_ONCE;
	if (run && !submit(c, k, &past)) {
		cron_arm(c, k);
		return;
	}
	k->held = NULL;
	k->ticks.missed += past.n - run;
	c->count.cron_missed += past.n - run;
	k->ticks.from_ms = past.last;
	if (past.n > 1 || !past.in_time)
		say_missed(c, k, &past, run);
	cron_tick_fact(c, k);
	cron_arm(c, k);
}

void cron_slice(struct core *c)
{
	uint64_t full = log_group_max(c->config.segment_bytes) / 4;

	for (int n = 0; n < CRON_SLICE && heap_min(&c->cron_timers) != NULL &&
	                heap_min(&c->cron_timers)->key <= c->wall && turn_bytes(c) < full;
	     n++)
		tick(c, list_item(heap_min(&c->cron_timers), struct cron, timer));
}
