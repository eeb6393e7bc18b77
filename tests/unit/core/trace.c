/* Effects as text: a line for each that somebody would notice. See rig.h. */
#include <stdarg.h>
#include <stdio.h>

#include "broker/core/history.h"
#include "tests/unit/core/trace.h"

__attribute__((format(printf, 2, 3))) static void put(struct rig *r, const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	ck_assert(n >= 0 && n < (int)sizeof text);
	buf_put(&r->trace, text, (size_t)n);
}

static unsigned low(uint64_t v)
{
	return (unsigned)(v & UINT32_MAX);
}

static struct span bytes(struct rig *r, const struct log_bytes *at)
{
	return rig_bytes(r, at);
}

static void put_span(struct rig *r, struct span s)
{
	if (s.n > 20)
		put(r, " (%zu bytes)", s.n);
	else if (s.n > 0)
		put(r, " '%.*s'", (int)s.n, (const char *)s.p);
}

static void put_result(struct rig *r, const struct effect *e)
{
	struct msg_result_rec rec = e->u.result.rec;

	if (e->u.result.from_log) {
		struct span s = bytes(r, &e->stored);

		history_result(s, e->u.result.error_length, &rec);
	}
	put(r, "C%u result %s%llu: %llu %s", (unsigned)e->peer - 100, e->u.result.answer ? "#" : "@",
	    (unsigned long long)e->number, (unsigned long long)rec.id, job_state_name((enum job_state)rec.state));
	if (rec.attempt > 0)
		put(r, " attempt=%u", rec.attempt);
	if (rec.exit != 0)
		put(r, " exit=%d", rec.exit);
	if (rec.gone)
		put(r, " gone");
	if (rec.error.n > 3 && memcmp(rec.error.p, "no ", 3) == 0) /* of a race: what became of each */
		put(r, " '%.*s'", (int)rec.error.n, (const char *)rec.error.p);
	else
		put_span(r, rec.error);
	put_span(r, rec.result);
	put(r, "\n");
}

static void put_queue(struct rig *r, const struct msg_queue_rec *q)
{
	put(r, " [%.*s%s workers=%u submitted=%llu", (int)q->name.n, (const char *)q->name.p,
	    q->paused ? " paused" : "", q->workers, (unsigned long long)q->submitted);
	for (int s = 1; s < JOB_STATES; s++)
		if (q->states[s] > 0)
			put(r, " %s=%llu", job_state_name((enum job_state)s), (unsigned long long)q->states[s]);
	if (q->dead != q->states[JOB_DEAD])
		put(r, " letters=%llu", (unsigned long long)q->dead);
	if (q->redriven > 0)
		put(r, " redriven=%llu", (unsigned long long)q->redriven);
	if (q->forgotten > 0)
		put(r, " forgotten=%llu", (unsigned long long)q->forgotten);
	put(r, " kept=%llu]", (unsigned long long)q->kept);
}

static void put_dead(struct rig *r, const struct msg *m)
{
	put(r, " dead #%llu", (unsigned long long)m->h.number);
	for (uint32_t i = 0; i < m->u.dead_info.n; i++) {
		const struct msg_dead_rec *d = &m->u.dead_info.v[i];

		put(r, " [%llu attempt=%u exit=%d", (unsigned long long)d->id, d->attempt, d->exit);
		if (d->worker.n > 0)
			put(r, " by %.*s", (int)d->worker.n, (const char *)d->worker.p);
		put_span(r, d->error);
		put(r, "]");
	}
	if (m->u.dead_info.more)
		put(r, " more");
	r->dead_next = m->u.dead_info.next;
	r->dead_more = m->u.dead_info.more;
}

/* Of a job that has ended they are in the log. */
static void put_attempts(struct rig *r, const struct effect *e)
{
	struct msg_attempt_rec v[LIMIT_HISTORY];
	struct msg_job_info copy = e->u.msg->u.job_info, *i = &copy;

	if (e->kind == FX_JOB)
		history_info(bytes(r, &e->stored), (uint32_t)e->number, i, v);
	for (uint32_t k = 0; k < i->n_history; k++) {
		const struct msg_attempt_rec *a = &i->history[k];

		put(r, " [%u by %.*s exit=%d", a->verdict, (int)a->worker.n, (const char *)a->worker.p, a->exit);
		put_span(r, a->error);
		put(r, "]");
	}
}

/* Times are minutes after the rig's beginning, or with a fraction. */
static void put_time(struct rig *r, const char *what, struct msg_cron_time t)
{
	uint64_t ms = t.at_ms - RIG_WALL_MS;

	if (t.at_ms == 0)
		return;
	put(r, "%s%llu", what, (unsigned long long)(ms / 60000));
	if (ms % 60000 != 0)
		put(r, ":%05.2f", (double)(ms % 60000) / 1000);
	if (t.offset_s != 0)
		put(r, "%+dh", t.offset_s / 3600);
}

static void put_crons(struct rig *r, const struct msg *m)
{
	static const char *const did[] = { "", " added", " replaced", " same" };

	put(r, " crons #%llu%s", (unsigned long long)m->h.number, did[m->u.cron_info.did]);
	for (uint32_t i = 0; i < m->u.cron_info.n; i++) {
		const struct msg_cron_rec *k = &m->u.cron_info.v[i];

		put(r, " [%.*s%s", (int)k->cron.name.n, (const char *)k->cron.name.p, k->paused ? " paused" : "");
		put_time(r, " next=", k->next);
		put_time(r, " last=", k->last);
		if (k->last_job > 0)
			put(r, " job=%llu", (unsigned long long)k->last_job);
		put(r, " jobs=%llu missed=%llu", (unsigned long long)k->submitted, (unsigned long long)k->missed);
		if (k->trouble.n > 0)
			put(r, " trouble='%.*s'", (int)k->trouble.n, (const char *)k->trouble.p);
		put(r, "]");
	}
	for (uint32_t i = 0; i < m->u.cron_info.n_times; i++)
		put_time(r, " ", m->u.cron_info.times[i]);
}

static void put_running(struct rig *r, const struct msg *m)
{
	put(r, " running #%llu", (unsigned long long)m->h.number);
	for (uint32_t i = 0; i < m->u.jobs_info.n; i++) {
		const struct msg_running_rec *j = &m->u.jobs_info.v[i];

		put(r, " [%llu %.*s %.*s attempt=%u", (unsigned long long)j->id, (int)j->queue.n,
		    (const char *)j->queue.p, (int)j->worker.n, (const char *)j->worker.p, j->attempt);
		if (j->percent != PERCENT_UNKNOWN)
			put(r, " %u%%", j->percent);
		put_span(r, j->progress);
		put(r, "]");
	}
	if (m->u.jobs_info.more)
		put(r, " more");
}

static void put_batch(struct rig *r, const struct msg_batch_info *i, uint64_t number)
{
	put(r, " batch #%llu %llu%s total=%llu ended=%llu failed=%llu", (unsigned long long)number,
	    (unsigned long long)i->batch, i->closed ? " closed" : "", (unsigned long long)i->total,
	    (unsigned long long)i->ended, (unsigned long long)i->failed);
	if (i->expired)
		put(r, " expired");
	if (i->finished_ms > 0)
		put(r, " kept=%llu", (unsigned long long)i->kept);
	if (i->then_queue.n > 0)
		put(r, " then=%.*s", (int)i->then_queue.n, (const char *)i->then_queue.p);
	if (i->then_id > 0)
		put(r, " then=%llu", (unsigned long long)i->then_id);
}

static const char *const whys[] = { "", "timeout", "emptied", "deleted", "stale" };

/* [SUB RUN/TOKEN:PLACES WHY] */
static void put_gone(struct rig *r, const struct msg *m)
{
	put(r, " gone");
	for (uint32_t i = 0; i < m->u.gone.n; i++) {
		const struct msg_gone_rec *g = &m->u.gone.v[i];

		put(r, " [%u", g->sub);
		if (g->run != 0)
			put(r, " %llu/%u:%llx", (unsigned long long)g->run, low(g->token), (unsigned long long)g->mask);
		put(r, " %s]", whys[g->why]);
	}
}

static void put_count(struct rig *r, const char *name, uint64_t n)
{
	if (n > 0)
		put(r, " %s=%llu", name, (unsigned long long)n);
}

static void put_topics(struct rig *r, const struct msg *m)
{
	put(r, " topics #%llu", (unsigned long long)m->h.number);
	for (uint32_t i = 0; i < m->u.topics_info.n; i++) {
		const struct msg_topic_rec *t = &m->u.topics_info.v[i];

		put(r, " [%.*s%s%.*s%s%s", (int)t->topic.n, (const char *)t->topic.p, t->channel.n > 0 ? "/" : "",
		    (int)t->channel.n, t->channel.n > 0 ? (const char *)t->channel.p : "",
		    t->flags & TOPIC_PAUSED ? " paused" : "", t->flags & TOPIC_ORDERED ? " ordered" : "");
		put_count(r, "consumers", t->consumers);
		put_count(r, "depth", t->depth);
		put_count(r, "in-hand", t->in_hand);
		put_count(r, "deferred", t->deferred);
		put_count(r, "messages", t->messages);
		put_count(r, "bytes", t->bytes);
		put_count(r, "requeued", t->requeued);
		put_count(r, "timed-out", t->timed_out);
		put_count(r, "dead", t->dead);
		put_count(r, "kept", t->kept);
		put(r, "]");
	}
	if (m->u.topics_info.more)
		put(r, " more");
}

static void put_job(struct rig *r, const struct effect *e)
{
	const struct msg *m = e->u.msg;

	put(r, " job #%llu %llu %s attempt=%u/%u deliveries=%u", (unsigned long long)m->h.number,
	    (unsigned long long)m->u.job_info.rec.id, job_state_name((enum job_state)m->u.job_info.rec.state),
	    m->u.job_info.rec.attempt, m->u.job_info.attempts, m->u.job_info.deliveries);
	if (m->u.job_info.worker.n > 0)
		put(r, " by %.*s", (int)m->u.job_info.worker.n, (const char *)m->u.job_info.worker.p);
	if (m->u.job_info.percent != PERCENT_UNKNOWN)
		put(r, " %u%%", m->u.job_info.percent);
	for (uint32_t i = 0; i < m->u.job_info.n_after; i++)
		put(r, " after=%llu", (unsigned long long)m->u.job_info.after[i]);
	put_span(r, m->u.job_info.progress);
	if (r->attempts)
		put_attempts(r, e);
	r->due_ms = m->u.job_info.due_ms;
}

static void put_reply(struct rig *r, const struct effect *e)
{
	const struct msg *m = e->u.msg;

	put(r, "C%u", (unsigned)e->peer - 100);
	switch (m->h.kind) {
	case MSG_CLIENT_WELCOME:
		put(r, " welcome");
		break;
	case MSG_REPLY:
		put(r, " reply #%llu %s", (unsigned long long)m->h.number,
		    sheaf_error_name((enum sheaf_error)m->u.reply.error));
		if (m->u.reply.value > 0)
			put(r, " %llu", (unsigned long long)m->u.reply.value);
		break;
	case MSG_ALL_ACCEPTED:
		put(r, " all #%llu:", (unsigned long long)m->h.number);
		for (uint32_t i = 0; i < m->u.all_accepted.n; i++)
			put(r, " %llu", (unsigned long long)m->u.all_accepted.ids[i]);
		break;
	case MSG_PONG:
		put(r, " pong pushed=%llu", (unsigned long long)m->u.ping.pushed);
		put_count(r, "delivered", m->u.ping.delivered);
		break;
	case MSG_JOB_INFO:
		put_job(r, e);
		break;
	case MSG_QUEUE_INFO:
		put(r, " queues #%llu", (unsigned long long)m->h.number);
		for (uint32_t i = 0; i < m->u.queue_info.n; i++)
			put_queue(r, &m->u.queue_info.v[i]);
		for (uint32_t i = 0; i < m->u.queue_info.n_settings; i++)
			put(r, " %.*s=%llu", (int)m->u.queue_info.settings[i].name.n,
			    (const char *)m->u.queue_info.settings[i].name.p,
			    (unsigned long long)m->u.queue_info.settings[i].value);
		break;
	case MSG_WORKER_INFO:
		put(r, " workers #%llu", (unsigned long long)m->h.number);
		for (uint32_t i = 0; i < m->u.worker_info.n; i++)
			put(r, " [%.*s slots=%u outstanding=%u%s]", (int)m->u.worker_info.v[i].queues.n,
			    (const char *)m->u.worker_info.v[i].queues.p, m->u.worker_info.v[i].slots,
			    m->u.worker_info.v[i].outstanding, m->u.worker_info.v[i].draining ? " draining" : "");
		break;
	case MSG_BATCH_INFO:
		put_batch(r, &m->u.batch_info, m->h.number);
		break;
	case MSG_DEAD_INFO:
		put_dead(r, m);
		break;
	case MSG_JOBS_INFO:
		put_running(r, m);
		break;
	case MSG_CRON_INFO:
		put_crons(r, m);
		break;
	case MSG_MESSAGES_GONE:
		put_gone(r, m);
		break;
	case MSG_TOPICS_INFO:
		put_topics(r, m);
		break;
	case MSG_NO_SESSION:
		put(r, " no-session");
		break;
	default:
		put(r, " kind %u", m->h.kind);
	}
	put(r, "\n");
}

/* C1 @DELIVERIES sub 1 RUN/TOKEN attempt=2 PLACE'body'… */
static void put_delivery(struct rig *r, const struct effect *e)
{
	const struct msg_delivery_rec *d = &e->u.delivery.rec;
	struct span all = bytes(r, &e->stored);

	put(r, "C%u @%llu sub %u: %llu/%u", (unsigned)e->peer - 100, (unsigned long long)e->number, d->sub,
	    (unsigned long long)d->run, low(d->token));
	if (d->attempts > 1)
		put(r, " attempt=%u", d->attempts);
	for (uint32_t i = 0; i < e->u.delivery.count; i++) {
		uint32_t size = (uint32_t)all.p[2] << 8 | all.p[3];

		ck_assert(all.n >= 4 + size);
		if (d->mask >> i & 1)
			put(r, " %u'%.*s'", i, size > 20 ? 3 : (int)size, (const char *)all.p + 4);
		all = span_of(all.p + 4 + size, all.n - 4 - size);
	}
	ck_assert_uint_eq(all.n, 0);
	put(r, "\n");
}

static void put_control(struct rig *r, const struct effect *e)
{
	const struct msg *m = e->u.msg;

	put(r, "W%u", (unsigned)e->peer - 200);
	switch (m->h.kind) {
	case MSG_WORKER_WELCOME:
		put(r, " welcome");
		for (uint32_t i = 0; i < m->u.worker_welcome.n_dropped; i++)
			put(r, " dropped=%u", low(m->u.worker_welcome.dropped[i]));
		break;
	case MSG_BEAT_ANSWER:
		put(r, " answer settled=%llu%s", (unsigned long long)m->u.settled.settled,
		    m->u.settled.draining ? " draining" : "");
		break;
	case MSG_SETTLED:
		put(r, " settled=%llu%s", (unsigned long long)m->u.settled.settled,
		    m->u.settled.resend ? " resend" : "");
		break;
	case MSG_RECALL:
	case MSG_REVOKE:
		put(r, m->h.kind == MSG_RECALL ? " recall" : " revoke");
		for (uint32_t i = 0; i < m->u.leases.n; i++)
			put(r, " %llu/%u", (unsigned long long)m->u.leases.v[i].id, low(m->u.leases.v[i].token));
		break;
	case MSG_NO_SESSION:
		put(r, " no-session");
		break;
	case MSG_REPLY:
		put(r, " reply %s", sheaf_error_name((enum sheaf_error)m->u.reply.error));
		break;
	default:
		put(r, " kind %u", m->h.kind);
	}
	put(r, "\n");
}

static void put_grant(struct rig *r, const struct effect *e)
{
	put(r, "S%u jobs %llu: %llu/%u attempt=%u", low(e->session), (unsigned long long)e->number,
	    (unsigned long long)e->u.job.id, low(e->u.job.token), e->u.job.attempt);
	put_span(r, bytes(r, &e->stored));
	put(r, "\n");
}

static void put_peek(struct rig *r, const struct effect *e)
{
	put(r, "C%u peeked #%llu", (unsigned)e->peer - 100, (unsigned long long)e->u.peek.h->number);
	for (uint32_t i = 0; i < e->u.peek.n; i++) {
		put(r, " %llu:%u", (unsigned long long)e->u.peek.v[i].id, e->u.peek.v[i].priority);
		put_span(r, bytes(r, &e->u.peek.stored[i]));
	}
	put(r, "\n");
}

void trace_effect(struct rig *r, const struct effect *e)
{
	switch (e->kind) {
	case FX_ACCEPTED:
		put(r, "C%u accepted #%llu: %llu..%llu\n", (unsigned)e->peer - 100,
		    (unsigned long long)e->u.accepted.number, (unsigned long long)e->u.accepted.first,
		    (unsigned long long)e->u.accepted.first + e->u.accepted.count - 1);
		break;
	case FX_RESULT:
		put_result(r, e);
		break;
	case FX_REPLY:
	case FX_JOB:
		put_reply(r, e);
		break;
	case FX_PEEK:
		put_peek(r, e);
		break;
	case FX_CONTROL:
		put_control(r, e);
		break;
	case FX_OPEN:
		put(r, "S%u open\n", low(e->session));
		break;
	case FX_NONCE:
		put(r, "S%u nonce\n", low(e->session));
		break;
	case FX_GRANT:
		put_grant(r, e);
		break;
	case FX_PROBE:
		put(r, "S%u jobs %llu: probe\n", low(e->session), (unsigned long long)e->number);
		break;
	case FX_CLOSE:
		put(r, "S%u close\n", low(e->session));
		break;
	case FX_MOVE:
		put(r, "move\n");
		break;
	case FX_TRIM:
		put(r, "trim\n");
		break;
	case FX_DELIVER:
		put_delivery(r, e);
		break;
	case FX_APPEND:
	case FX_FETCH:
	case FX_ZONE:
	case FX_LOG:
		break; /* what they say shows elsewhere */
	}
}
