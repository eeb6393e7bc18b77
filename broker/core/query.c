/* See query.h. */
#include "broker/core/query.h"

#include <stdlib.h>

#include "base/text.h"
#include "broker/core/after.h"
#include "broker/core/batch.h"
#include "broker/core/chore.h"
#include "broker/core/dead.h"
#include "broker/core/fx.h"
#include "broker/core/history.h"
#include "broker/core/job.h"
#include "broker/core/job_table.h"
#include "broker/core/order.h"
#include "broker/core/policy.h"
#include "broker/core/progress.h"
#include "broker/core/queue.h"
#include "broker/core/race.h"
#include "broker/core/setting.h"
#include "broker/core/side.h"
#include "broker/core/turn.h"
#include "broker/core/wait.h"

static void unknown(struct core *c, struct client *cl, const struct msg *m, const char *text)
{
	fx_answer(c, cl->peer, &m->h, SHEAF_E_UNKNOWN, text, 0);
}

/* What has been asked for it, and what has happened to it so far. */
static void describe_live(struct core *c, const struct job *j, struct msg_job_info *i)
{
	const struct side *s = side_of(j);
	struct msg_attempt_rec *v = fx_alloc(c, LIMIT_HISTORY * sizeof *v);
	struct span history = history_of(s);
	uint8_t *copy;

	i->rec = (struct msg_result_rec){
		.id = j->id, .state = j->state, .attempt = j->attempt, .submitted_ms = j->submitted_ms
	};
	if (s != NULL && s->after != NULL)
		i->after = after_list(c, s, &i->n_after);
	if (race_of(j) != NULL) {
		i->race = race_of(j)->id;
		i->replicas = race_of(j)->n;
	}
	if (s != NULL) {
		i->due_ms = s->due;
		i->expires_ms = s->expires;
	}
	if (history.n > 0) {
		copy = fx_alloc(c, history.n);
		memcpy(copy, history.p, history.n);
		i->history = v;
		i->n_history = history_read(span_of(copy, history.n), v);
	}
	if (j->state == JOB_RUNNING) {
		i->rec.attempt = j->attempt + 1u;
		progress_describe(c, j->in.lease, i);
		if (j->in.lease->worker != NULL)
			i->worker = span_str(j->in.lease->worker->name);
	}
}

/* What an ended job left is in the log. */
static void describe_ended(struct core *c, const struct job *j, struct msg_job_info *i)
{
	struct effect *e = &c->fx->v[c->fx->n - 1];
	uint16_t error_length;
	struct job_bytes left = job_left(j, &error_length);

	wait_describe(j, &i->rec);
	e->kind = FX_JOB;
	e->stored = (struct log_bytes){ left.at, left.length, left.crc };
	e->number = error_length;
}

void query_job(struct core *c, struct client *cl, const struct msg *m)
{
	struct job *j = job_find(&c->jobs, m->u.one.id);
	struct msg_job_info *i;

	if (j == NULL) {
		if (m->u.one.id > 0 && m->u.one.id < c->next_id)
			fx_answer(c, cl->peer, &m->h, SHEAF_E_GONE, "the job has ended and is no longer kept", 0);
		else
			unknown(c, cl, m, "there is no such job");
		return;
	}
	i = &fx_reply(c, cl->peer, MSG_JOB_INFO, cl->session, m->h.number)->u.job_info;
	i->queue = span_str(c->queues[j->queue]->name);
	i->priority = j->priority;
	i->attempts = j->attempts;
	i->deliveries = j->deliveries;
	i->percent = PERCENT_UNKNOWN;
	i->batch = j->batch == NO_INDEX ? 0 : c->batches[j->batch]->id;
	if (!job_terminal(j) || j->state == JOB_DEAD) {
		i->size = j->length;
		i->headers = policy_headers(c, j->p.policy);
		i->lease_ms = policy_lease(c, j->p.policy);
		i->backoff_ms = policy_backoff(c, j->p.policy);
		i->tenant = policy_tenant(c, j->p.policy);
		i->group = policy_group(c, j->p.policy);
	}
	if (job_terminal(j))
		describe_ended(c, j, i);
	else
		describe_live(c, j, i);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct queue *const *)a)->name, (*(struct queue *const *)b)->name);
}

void query_queues(struct core *c, struct client *cl, const struct msg *m)
{
	struct queue **all = fx_alloc(c, (c->n_queues + 1) * sizeof *all);
	struct msg_queue_rec *v = fx_alloc(c, LIMIT_LISTED * sizeof *v);
	struct msg *out;
	uint32_t n = 0, k = 0;
	char after[LIMIT_NAME + 1];

	if (m->u.queue_list.after.n > 0)
		memcpy(after, m->u.queue_list.after.p, m->u.queue_list.after.n);
	after[m->u.queue_list.after.n] = '\0';
	for (uint32_t i = 0; i < c->n_queues; i++)
		if (c->queues[i] != NULL && strcmp(c->queues[i]->name, after) > 0)
			all[n++] = c->queues[i];
	qsort(all, n, sizeof *all, by_name);
	for (; k < n && k < LIMIT_LISTED; k++)
		queue_describe(c, all[k], &v[k]);
	out = fx_reply(c, cl->peer, MSG_QUEUE_INFO, cl->session, m->h.number);
	out->u.queue_info.more = k < n;
	out->u.queue_info.v = v;
	out->u.queue_info.n = k;
}

static void show(struct core *c, struct client *cl, const struct msg *m, const struct queue *q)
{
	struct msg_queue_rec *v = fx_alloc(c, sizeof *v);
	struct msg *out = fx_reply(c, cl->peer, MSG_QUEUE_INFO, cl->session, m->h.number);

	queue_describe(c, q, v);
	out->u.queue_info.v = v;
	out->u.queue_info.n = 1;
	out->u.queue_info.settings = setting_list(c, q, &out->u.queue_info.n_settings);
}

static void set_flow(struct core *c, struct client *cl, const struct msg *m, struct queue *q, bool paused,
                     bool draining)
{
	if (q->paused != paused || q->draining != draining) {
		q->paused = paused;
		q->draining = draining;
		queue_fact(c, q);
		turn_commit(c);
		queue_heat(c, q);
	}
	fx_answer(c, cl->peer, &m->h, SHEAF_OK, "", 0);
}

struct peeking {
	uint32_t most, n;
	struct job *v[LIMIT_PEEKED];
	unsigned priority[LIMIT_PEEKED]; /* of the line it stands in: a group's is that of its first job */
};

/* Adds j, keeping the first ones by priority and id. False if it comes behind all that is wanted. */
static bool add_in_order(struct peeking *k, struct job *j, unsigned priority)
{
	uint32_t i = k->n < k->most ? k->n++ : k->most;

	if (i == k->most) {
		if (k->priority[i - 1] > priority || (k->priority[i - 1] == priority && k->v[i - 1]->id < j->id))
			return false;
		i--;
	}
	for (; i > 0 && (k->priority[i - 1] < priority || (k->priority[i - 1] == priority && k->v[i - 1]->id > j->id));
	     i--) {
		k->v[i] = k->v[i - 1];
		k->priority[i] = k->priority[i - 1];
	}
	k->v[i] = j;
	k->priority[i] = priority;
	return true;
}

static void peek_line(void *ctx, const struct line *line, unsigned priority)
{
	struct peeking *k = ctx;

	for (struct list *l = line->fresh.next; l != &line->fresh; l = l->next)
		if (!add_in_order(k, list_item(l, struct job, in.link), priority))
			break; /* what follows is younger */
	for (uint32_t i = 0; i < line->back.n && i < LIMIT_WINDOW_JOBS; i++)
		add_in_order(k, list_item(line->back.v[i], struct side, line)->job, priority);
}

static void peek(struct core *c, struct client *cl, const struct msg *m, const struct queue *q)
{
	uint32_t want = m->u.queue_op.arg < LIMIT_PEEKED ? (uint32_t)m->u.queue_op.arg : LIMIT_PEEKED, n = 0;
	struct msg_peek_rec *v = fx_alloc(c, LIMIT_PEEKED * sizeof *v);
	struct log_bytes *stored = fx_alloc(c, LIMIT_PEEKED * sizeof *stored);
	struct msg_header *h = fx_alloc(c, sizeof *h);
	struct peeking k = { .most = want };
	struct job **jobs = k.v;
	struct effect *e;

	if (want > 0)
		order_each(q, LOOK_MOST, peek_line, &k);
	n = k.n;
	for (uint32_t i = 0; i < n; i++) {
		v[i] =
		    (struct msg_peek_rec){ .id = jobs[i]->id, .priority = jobs[i]->priority, .size = jobs[i]->length };
		stored[i] = (struct log_bytes){ jobs[i]->at, jobs[i]->length, jobs[i]->crc };
	}
	*h = (struct msg_header){ PROTO_VERSION_MAX, MSG_PEEKED, 0, c->epoch, cl->session, m->h.number };
	e = fx_add(c, FX_PEEK);
	e->peer = cl->peer;
	e->session = cl->session;
	e->u.peek.h = h;
	e->u.peek.v = v;
	e->u.peek.stored = stored;
	e->u.peek.n = n;
}

void query_queue_op(struct core *c, struct client *cl, const struct msg *m)
{
	struct queue *q = queue_find(c, m->u.queue_op.queue);
	enum chore chore = m->u.queue_op.op == QUEUE_PURGE ? CHORE_PURGE : CHORE_DELETE;

	if (q == NULL) {
		unknown(c, cl, m, "there is no such queue");
		return;
	}
	switch (m->u.queue_op.op) {
	case QUEUE_SHOW:
		show(c, cl, m, q);
		break;
	case QUEUE_PAUSE:
		set_flow(c, cl, m, q, true, q->draining);
		break;
	case QUEUE_RESUME:
		set_flow(c, cl, m, q, false, false);
		break;
	case QUEUE_DRAIN:
		set_flow(c, cl, m, q, q->paused, true);
		break;
	case QUEUE_PURGE:
	case QUEUE_DELETE:
		if (q->dead_op != NULL)
			fx_answer(c, cl->peer, &m->h, SHEAF_E_NOT_FINISHED, dead_at_work(c, q), 0);
		else if (!chore_begin(c, q, chore, cl->peer, &m->h))
			fx_answer(c, cl->peer, &m->h, SHEAF_E_BUSY, "the queue is being purged or deleted", 0);
		break;
	case QUEUE_PEEK:
		peek(c, cl, m, q);
		break;
	default:
		fx_answer(c, cl->peer, &m->h, SHEAF_E_UNSUPPORTED, "this broker does not know what to do to a queue",
		          0);
	}
}

/* "a,b,c" in the step's arena. */
static struct span join_queues(struct core *c, const struct worker *w)
{
	size_t cap = (size_t)w->n_queues * (LIMIT_QUEUE_NAME + 1) + 1, n = 0;
	char *s = fx_alloc(c, cap);

	for (uint32_t i = 0; i < w->n_queues; i++)
		n += text_format(s + n, cap - n, "%s%s", i ? "," : "", w->queues[i].queue->name);
	return span_of(s, n);
}

void query_workers(struct core *c, struct client *cl, const struct msg *m)
{
	struct msg_worker_rec *v = fx_alloc(c, LIMIT_LISTED * sizeof *v);
	uint32_t n = 0;
	struct msg *out;
	struct list *p;

	for (p = c->workers.next; p != &c->workers; p = p->next) {
		struct worker *w = list_item(p, struct worker, link);

		if (w->session <= m->u.worker_list.after)
			continue;
		if (n == LIMIT_LISTED)
			break;
		v[n++] = (struct msg_worker_rec){
			.session = w->session,
			.name = span_str(w->name),
			.queues = join_queues(c, w),
			.slots = w->slots,
			.running = w->running,
			.outstanding = w->outstanding,
			.window_jobs = w->window_jobs,
			.done = w->done,
			.silent_ms = c->t - w->heard,
			.draining = w->draining,
		};
	}
	out = fx_reply(c, cl->peer, MSG_WORKER_INFO, cl->session, m->h.number);
	out->u.worker_info.more = p != &c->workers;
	out->u.worker_info.v = v;
	out->u.worker_info.n = n;
}

void query_stats(struct core *c, struct client *cl, const struct msg *m)
{
	enum { MOST = 64 };
	struct msg_stat_rec *v = fx_alloc(c, MOST * sizeof *v);
	const struct counters *k = &c->count;
	struct core_totals t;
	uint32_t n = 0;
	struct msg *out;

	core_totals(c, &t);
#define STAT(text, x) v[n++] = (struct msg_stat_rec){ span_str(text), x }
	STAT("epoch", c->epoch);
	STAT("wall_ms", c->wall);
	STAT("queues", t.queues);
	STAT("workers", c->n_workers);
	STAT("clients", c->n_clients);
	STAT("batches", t.batches);
	STAT("keys", t.keys);
	STAT("schedules", t.crons);
	STAT("schedules.jobs", k->cron_jobs);
	STAT("schedules.missed", k->cron_missed);
	STAT("tenants", HASH_COUNT(c->by_tenant));
	STAT("groups", HASH_CNT(hh, c->by_group));
	STAT("jobs.submitted", t.submitted);
	STAT("jobs.ready", t.jobs[JOB_READY]);
	STAT("jobs.running", t.jobs[JOB_RUNNING]);
	STAT("jobs.delayed", t.jobs[JOB_DELAYED]);
	STAT("jobs.blocked", t.jobs[JOB_BLOCKED]);
	STAT("jobs.done", t.ended[JOB_DONE]);
	STAT("jobs.dead", t.ended[JOB_DEAD]);
	STAT("jobs.expired", t.ended[JOB_EXPIRED]);
	STAT("jobs.cancelled", t.ended[JOB_CANCELLED]);
	STAT("dead.kept", t.jobs[JOB_DEAD]);
	STAT("dead.redriven", t.redriven);
	STAT("dead.forgotten", t.forgotten);
	STAT("topics", c->topics.live_topics);
	STAT("channels", c->topics.live_channels);
	STAT("consumers", HASH_CNT(hh, c->topics.consumers));
	STAT("messages.published", c->topics.published);
	STAT("messages.delivered", c->topics.delivered);
	STAT("messages.finished", c->topics.finished);
	STAT("messages.requeued", c->topics.requeued);
	STAT("messages.timed_out", c->topics.timed_out);
	STAT("messages.unpublished", k->unpublished);
	STAT("index.runs", c->topics.runs.count);
	STAT("index.parcels", c->topics.n_parcels);
	STAT("results.kept_bytes", c->kept_bytes);
	STAT("index.jobs", c->jobs.count);
	STAT("index.bytes", t.index_bytes);
	STAT("log.head", c->trim.head);
	STAT("log.bytes", c->trim.head - c->trim.tail);
	STAT("log.live_bytes", t.live_bytes);
	STAT("log.moved_jobs", k->moved);
	STAT("log.trims", k->trimmed);
	STAT("requests.submits", k->submits);
	STAT("requests.refused", k->refused);
	STAT("scatter.granted", k->granted);
	STAT("scatter.lost_messages", k->lost_messages);
	STAT("scatter.probes", k->probes);
	STAT("scatter.returned", k->recalled);
	STAT("gather.outcomes", k->outcomes);
	STAT("gather.stale", k->stale);
	STAT("workers.lost", k->lost_workers);
#undef STAT
	must(n <= MOST);
	out = fx_reply(c, cl->peer, MSG_STATS_INFO, cl->session, m->h.number);
	out->u.stats_info.v = v;
	out->u.stats_info.n = n;
}
