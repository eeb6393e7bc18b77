/* See news.h. */
#include "broker/core/topic/news.h"

#include "base/json.h"
#include "base/text.h"
#include "broker/core/civil.h"
#include "broker/core/fx.h"
#include "broker/core/log.h"
#include "broker/core/policy.h"
#include "broker/core/race.h"
#include "broker/core/topic/gateway.h"
#include "broker/core/topic/topic.h"
#include "broker/core/trim.h"
#include "broker/core/turn.h"

static_assert(NEWS_STEP_BYTES < DEFAULT_SEGMENT / 2 - DEFAULT_SEGMENT / 3, "beside the endings of a step");

enum { SMALL = 4 * KIB }; /* what is asked of the disk for a body without a result */

/* ---- who listens ---- */

static struct topic *heard(const struct core *c, const char *kind, const struct queue *q)
{
	char name[LIMIT_NAME + 1];
	struct topic *t;

	text_format(name, sizeof name, "%s.%s", kind, q->name);
	t = topic_find(c, span_str(name));
	return t != NULL && t->n_channels > 0 ? t : NULL;
}

static void listen(const struct core *c, struct queue *q)
{
	if (likely(q->news.generation == c->topics.generation))
		return;
	q->news.generation = c->topics.generation;
	q->news.results = heard(c, "results", q);
	q->news.events = heard(c, "events", q);
}

static struct topic *results_of(const struct core *c, struct queue *q)
{
	listen(c, q);
	return q->news.results;
}

static struct topic *events_of(const struct core *c, struct queue *q)
{
	listen(c, q);
	return q->news.events;
}

/* The topic that the job's submit named, made if it is gone; NULL: none, or there is no room for it. */
static struct topic *own_of(struct core *c, const struct job *j)
{
	struct span name = policy_topic(c, j->p.policy);
	struct topic *t;

	if (likely(name.n == 0))
		return NULL;
	t = topic_find(c, name);
	if (topic_ephemeral(name))
		return t != NULL && t->n_channels > 0 ? t : NULL;
	if (t == NULL)
		t = topic_for(c, name);
	c->count.unpublished += t == NULL;
	return t;
}

const char *news_refused(const struct core *c, struct span topic, enum sheaf_error *e)
{
	*e = SHEAF_E_BAD_VALUE;
	if (topic.n == 0)
		return NULL;
	if (gateway_topic(topic))
		return "topic: what is published in jobs.QUEUE would be a job; take another name";
	*e = SHEAF_E_FULL;
	if (!topic_ephemeral(topic) && topic_find(c, topic) == NULL && c->topics.live_topics >= LIMIT_TOPICS)
		return "there are 10000 topics already";
	return NULL;
}

/* ---- bodies ---- */

/* As `sheaf job --json` has times: 2026-11-24T15:53:10.123Z; nothing for 0. */
static void put_time(struct json *j, const char *key, uint64_t wall_ms)
{
	uint64_t s = wall_ms / 1000, day = s % 86400;
	struct civil d = civil_date((int64_t)(s / 86400));
	char text[48];

	if (wall_ms == 0)
		return;
	text_format(text, sizeof text, "%04lld-%02u-%02uT%02u:%02u:%02u.%03uZ", (long long)d.year, d.month, d.day,
	            (unsigned)(day / 3600), (unsigned)(day / 60 % 60), (unsigned)(day % 60),
	            (unsigned)(wall_ms % 1000));
	json_put_word(j, key, text);
}

static void put_id(struct json *j, uint64_t id)
{
	char text[24];

	text_format(text, sizeof text, "%llu", (unsigned long long)id);
	json_put_word(j, "id", text);
}

/* The beginning of an error, not cut within a character. */
static struct span brief(struct span error)
{
	size_t n = error.n;

	if (n <= LIMIT_HISTORY_ERROR || !json_utf8(error))
		return span_of(error.p, n < LIMIT_HISTORY_ERROR ? n : LIMIT_HISTORY_ERROR);
	for (n = LIMIT_HISTORY_ERROR; n > 0 && (error.p[n] & 0xc0) == 0x80;)
		n--;
	return span_of(error.p, n);
}

static void put_result(struct core *c, const struct ending *e, bool whole)
{
	const struct job *job = e->job;
	struct buf *out = &c->topics.step.body;
	struct json j;

	buf_clear(out);
	j = json_begin(out);
	put_id(&j, job->id);
	json_put_word(&j, "queue", c->queues[job->queue]->name);
	json_put_word(&j, "state", job_state_name(e->state));
	json_put_whole(&j, "attempt", e->used);
	json_put_whole(&j, "exit", e->exit);
	if (whole)
		json_put_text(&j, "result", e->result);
	else
		json_put_flag(&j, "result_omitted");
	json_put_text(&j, "error", whole ? e->error : brief(e->error));
	put_time(&j, "submitted", job->submitted_ms);
	put_time(&j, "started", e->used > 0 ? c->wall - e->run_ms : 0);
	put_time(&j, "finished", c->wall);
	json_end(&j);
}

static void put_event(struct core *c, const char *event, uint64_t id, const struct queue *q, uint32_t attempt,
                      struct json *j)
{
	struct buf *out = &c->topics.step.body;

	buf_clear(out);
	*j = json_begin(out);
	json_put_word(j, "event", event);
	put_id(j, id);
	json_put_word(j, "queue", q->name);
	json_put_whole(j, "attempt", attempt);
}

/* ---- publishing ---- */

static void publish(struct core *c, struct topic *t)
{
	if (trim_full(c, c->topics.step.body.n + SMALL) || !topic_publish(c, t, buf_span(&c->topics.step.body)))
		c->count.unpublished++;
}

static void publish_event(struct core *c, struct topic *t, struct json *j, uint64_t at)
{
	put_time(j, "time", at);
	json_end(j);
	publish(c, t);
}

static void result(struct core *c, const struct ending *e)
{
	struct topic *own, *all;
	uint64_t times, *spent = &c->topics.step.body_bytes;
	bool whole;

	if (race_is_child(e->job))
		return;
	own = own_of(c, e->job);
	all = results_of(c, c->queues[e->job->queue]);
	if (likely(own == NULL && all == NULL))
		return;
	times = (own != NULL ? 1u : 0u) + (all != NULL && all != own ? 1u : 0u);
	whole = e->result.n <= c->config.message_max && *spent + times * e->result.n <= NEWS_STEP_BYTES;
	put_result(c, e, whole);
	if (whole && (c->topics.step.body.n > c->config.message_max ||
	              *spent + times * c->topics.step.body.n > NEWS_STEP_BYTES)) {
		whole = false;
		put_result(c, e, false);
	}
	if (whole)
		*spent += times * c->topics.step.body.n;
	if (own != NULL)
		publish(c, own);
	if (all != NULL && all != own)
		publish(c, all);
}

/* An attempt that no beat has named began with this event, at the time at which it did. */
static void late_start(struct core *c, struct topic *t, const struct job *job, const struct attempt *a)
{
	struct json j;

	if (job->state != JOB_RUNNING || job->in.lease->started || a->verdict == 0)
		return;
	put_event(c, "started", job->id, c->queues[job->queue], job->attempt + 1u, &j);
	publish_event(c, t, &j, a->started_ms);
}

static void failed(struct core *c, struct topic *t, const struct job *job, const struct attempt *a)
{
	struct json j;

	put_event(c, "failed", job->id, c->queues[job->queue], job->attempt + 1u, &j);
	json_put_whole(&j, "exit", a->exit);
	json_put_text(&j, "error", brief(a->error));
	publish_event(c, t, &j, c->wall);
}

static void ended(struct core *c, const struct ending *e)
{
	struct queue *q = c->queues[e->job->queue];
	struct topic *t = events_of(c, q);
	struct json j;

	if (likely(t == NULL) || race_is_child(e->job))
		return;
	late_start(c, t, e->job, &e->attempt);
	if (e->state == JOB_DEAD && e->attempt.verdict != 0)
		failed(c, t, e->job, &e->attempt);
	put_event(c, job_state_name(e->state), e->job->id, q, e->used, &j);
	json_put_whole(&j, "exit", e->exit);
	if (e->state != JOB_DONE)
		json_put_text(&j, "error", brief(e->error));
	publish_event(c, t, &j, c->wall);
}

static void retried(struct core *c, const struct job *job, uint32_t attempts, const struct attempt *a, uint64_t due)
{
	struct queue *q = c->queues[job->queue];
	struct topic *t = events_of(c, q);
	struct json j;

	if (t == NULL)
		return;
	put_event(c, "retried", job->id, q, attempts, &j);
	if (a != NULL && a->verdict != 0)
		json_put_text(&j, "error", brief(a->error));
	put_time(&j, "due", due);
	publish_event(c, t, &j, c->wall);
}

static void handed_back(struct core *c, const struct handback *h)
{
	struct topic *t = events_of(c, c->queues[h->job->queue]);

	if (likely(t == NULL) || race_is_child(h->job) || (!h->counted && !h->delivery))
		return; /* it came back without having begun */
	late_start(c, t, h->job, &h->attempt);
	if (h->counted)
		failed(c, t, h->job, &h->attempt);
	retried(c, h->job, h->job->attempt + h->counted, &h->attempt, h->due);
}

void news_submitted(struct core *c, struct queue *q, uint64_t first, uint32_t n)
{
	struct topic *t = events_of(c, q);
	struct json j;

	for (uint32_t i = 0; t != NULL && i < n; i++) {
		put_event(c, "submitted", first + i, q, 0, &j);
		publish_event(c, t, &j, c->wall);
	}
}

void news_started(struct core *c, const struct lease *l)
{
	struct queue *q = c->queues[l->job->queue];
	struct topic *t = events_of(c, q);
	struct json j;

	if (likely(t == NULL) || race_is_child(l->job))
		return;
	put_event(c, "started", l->job->id, q, l->job->attempt + 1u, &j);
	publish_event(c, t, &j, c->wall);
}

void news_turn(struct core *c)
{
	const struct turn *t = &c->turn;
	uint64_t before = c->count.unpublished;

	/* results first: if there is no room for all, events are what is missing */
	for (uint32_t i = 0; i < t->n_endings; i++)
		result(c, &t->endings[i]);
	for (uint32_t i = 0; i < t->n_puts; i++)
		news_submitted(c, c->queues[t->puts[i].queue], t->puts[i].id, 1);
	for (uint32_t i = 0; i < t->n_endings; i++)
		ended(c, &t->endings[i]);
	for (uint32_t i = 0; i < t->n_backs; i++)
		handed_back(c, &t->backs[i]);
	for (uint32_t i = 0; i < t->n_redrives; i++)
		retried(c, t->redrives[i], 0, NULL, 0);
	if (c->count.unpublished > before)
		fx_log(c, LOG_WARN, "unpublished",
		       "messages=%llu about jobs had no room: the disk is at its cap, or a step at its bound",
		       (unsigned long long)(c->count.unpublished - before));
}
