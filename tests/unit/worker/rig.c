/* See rig.h. */
#include "tests/unit/worker/rig.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((format(printf, 2, 3))) static void put(struct rig *r, const char *format, ...)
{
	char line[512];
	va_list args;

	if (r->quiet)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	buf_put(&r->text, line, strlen(line));
}

/* ---- the slots ---- */

static bool drop(void *ctx, void *user)
{
	struct rig_job *j = user;

	(void)ctx;
	if (j->state != RIG_WAITING)
		return false;
	j->state = RIG_NONE;
	return true;
}

static uint32_t running(void *ctx, uint64_t *tokens, uint32_t most)
{
	struct rig *r = ctx;
	uint32_t n = 0;

	for (uint32_t i = 0; i < RIG_JOBS && n < most; i++)
		if (r->jobs[i].state == RIG_RUNNING)
			tokens[n++] = r->jobs[i].token;
	return n;
}

void rig_begin(struct rig *r, uint64_t id)
{
	ck_assert_int_eq(r->jobs[id].state, RIG_WAITING);
	r->jobs[id].state = RIG_RUNNING;
}

void rig_begin_lease(struct rig *r, uint64_t id, uint64_t lease_ms)
{
	rig_begin(r, id);
	wsession_touched(r->s, r->now, &(struct wsession_touch){ .token = rig_token(id), .lease_ms = lease_ms });
}

void rig_touch(struct rig *r, uint64_t id, uint32_t percent, const char *text)
{
	wsession_touched(r->s, r->now,
	                 &(struct wsession_touch){
			     .token = rig_token(id), .touched = true, .percent = percent, .text = span_str(text) });
	rig_pass(r, 0);
}

bool rig_finish(struct rig *r, uint64_t id, const char *error, uint64_t run_us)
{
	struct msg_outcome_rec rec = { .id = id, .token = rig_token(id), .verdict = VERDICT_DONE };

	if (error != NULL) {
		rec.verdict = VERDICT_FAILED;
		rec.exit = 1;
		rec.error = span_str(error);
	}
	rec.result = span_str("r");
	r->jobs[id].state = RIG_NONE;
	return wsession_finished(r->s, &rec, run_us * 1000);
}

void rig_flush(struct rig *r)
{
	wsession_flush(r->s);
	rig_effects(r);
}

/* ---- effects as text ---- */

static int by_token(const void *a, const void *b)
{
	const struct msg_held_rec *x = a, *y = b;

	return x->token < y->token ? -1 : x->token > y->token;
}

static void put_hello(struct rig *r, const struct msg_worker_hello *h)
{
	struct msg_held_rec held[RIG_JOBS];

	put(r, "hello");
	memcpy(held, h->held, h->n_held * sizeof held[0]);
	qsort(held, h->n_held, sizeof held[0], by_token);
	for (uint32_t i = 0; i < h->n_held; i++) {
		ck_assert_uint_eq(held[i].token, rig_token(held[i].id));
		put(r, " %llu:%c", (unsigned long long)held[i].id, "?wrf"[held[i].state]);
	}
	put(r, "\n");
	ck_assert_uint_eq(h->n_queues, 2);
	ck_assert(span_eq(h->queues[1], span_str("b")) && span_eq(h->name, span_str("w")) && h->instance == 5);
}

static void put_beat(struct rig *r, uint64_t number, const struct msg_beat *b)
{
	put(r, "beat %llu window=%llu received=%llu", (unsigned long long)number, (unsigned long long)b->window_jobs,
	    (unsigned long long)b->received);
	for (uint32_t i = 0; i < b->n_lost; i++)
		put(r, " lost=%llu-%llu", (unsigned long long)b->lost[i].first, (unsigned long long)b->lost[i].last);
	for (uint32_t i = 0; i < b->n_started; i++)
		put(r, " runs=%llu", (unsigned long long)b->started[i] - 100);
	put(r, "\n");
	ck_assert_int_eq(b->window_jobs == 0, b->window_bytes == 0);
}

static void put_outcomes(struct rig *r, const struct msg *m)
{
	put(r, "outcomes %llu/%llu:", (unsigned long long)m->h.session, (unsigned long long)m->h.number);
	for (uint32_t i = 0; i < m->u.outcomes.n; i++) {
		const struct msg_outcome_rec *o = &m->u.outcomes.v[i];

		put(r, " %llu%s", (unsigned long long)o->id, o->verdict == VERDICT_DONE ? "" : " failed ");
		put(r, "%.*s", (int)o->error.n, (const char *)o->error.p);
	}
	put(r, "\n");
}

static void put_progress(struct rig *r, const struct msg *m)
{
	put(r, "progress");
	for (uint32_t i = 0; i < m->u.progress.n; i++) {
		const struct msg_progress_rec *p = &m->u.progress.v[i];

		ck_assert_uint_eq(p->token, rig_token(p->id));
		put(r, " %llu", (unsigned long long)p->id);
		if (p->percent != PERCENT_UNKNOWN)
			put(r, ":%u%%", p->percent);
		if (p->text.n > 0)
			put(r, "'%.*s'", (int)p->text.n, (const char *)p->text.p);
	}
	put(r, "\n");
}

static void put_message(struct rig *r, struct span bytes)
{
	const char *why = "";
	struct msg m;

	ck_assert_msg(msg_decode(bytes, r->room, &m, &why) == SHEAF_OK, "%s", why);
	switch (m.h.kind) {
	case MSG_WORKER_HELLO:
		put_hello(r, &m.u.worker_hello);
		break;
	case MSG_WORKER_READY:
		put(r, "ready %llu\n", (unsigned long long)m.u.nonce.nonce);
		break;
	case MSG_BEAT:
		put_beat(r, m.h.number, &m.u.beat);
		break;
	case MSG_RETURN:
		put(r, "return");
		for (uint32_t i = 0; i < m.u.leases.n; i++)
			put(r, " %llu", (unsigned long long)m.u.leases.v[i].id);
		put(r, "\n");
		break;
	case MSG_WORKER_BYE:
		put(r, "bye %llu\n", (unsigned long long)m.u.worker_bye.last);
		break;
	case MSG_PROGRESS:
		put_progress(r, &m);
		break;
	case MSG_OUTCOMES:
		put_outcomes(r, &m);
		break;
	default:
		ck_abort_msg("kind %u", m.h.kind);
	}
}

static void run_job(struct rig *r, const struct msg_job_rec *j)
{
	put(r, "run %llu\n", (unsigned long long)j->id);
	ck_assert(j->id < RIG_JOBS);
	ck_assert_int_eq(r->jobs[j->id].state, RIG_NONE);
	r->jobs[j->id] = (struct rig_job){ .token = j->token, .state = RIG_WAITING };
	wsession_bind(r->s, j->token, &r->jobs[j->id]);
}

void rig_effects(struct rig *r)
{
	struct wsession_effect e;

	while (wsession_effect(r->s, &e)) {
		switch (e.kind) {
		case WSESSION_CONTROL:
		case WSESSION_OUTCOMES:
			put_message(r, e.bytes);
			break;
		case WSESSION_ATTACH:
			put(r, "attach %.*s %.*s\n", (int)e.jobs.n, (const char *)e.jobs.p, (int)e.results.n,
			    (const char *)e.results.p);
			break;
		case WSESSION_RUN:
			run_job(r, &e.job);
			break;
		case WSESSION_KILL:
			put(r, "kill %llu\n", (unsigned long long)((struct rig_job *)e.user)->token - 100);
			((struct rig_job *)e.user)->state = RIG_NONE;
			break;
		case WSESSION_EXPIRED:
			put(r, "expired %llu\n", (unsigned long long)((struct rig_job *)e.user)->token - 100);
			break;
		case WSESSION_RECONNECT:
			put(r, "reconnect\n");
			break;
		case WSESSION_READY:
			put(r, "attached\n");
			break;
		case WSESSION_REFUSED:
			put(r, "refused: %.*s\n", (int)e.why.n, (const char *)e.why.p);
			break;
		case WSESSION_ENDED:
			put(r, "ended\n");
			break;
		}
	}
}

void rig_expect(struct rig *r, const char *text)
{
	buf_put_u8(&r->text, 0);
	ck_assert_str_eq((const char *)r->text.p, text);
	buf_clear(&r->text);
}

/* ---- the broker ---- */

void rig_message(struct rig *r, struct msg *m)
{
	m->h.version = PROTO_VERSION_MAX;
	m->h.epoch = RIG_EPOCH;
	wsession_message(r->s, r->now, m);
	rig_effects(r);
}

void rig_welcome(struct rig *r, uint64_t session, const uint64_t *dropped, uint32_t n)
{
	struct msg m = { .h = { .kind = MSG_WORKER_WELCOME, .session = session } };

	r->session = session;
	m.u.worker_welcome = (struct msg_worker_welcome){ .version = 1,
		                                          .jobs = span_str("tcp://h:1"),
		                                          .results = span_str("tcp://h:2"),
		                                          .beat_ms = 500,
		                                          .liveness_ms = 2500,
		                                          .dropped = dropped,
		                                          .n_dropped = n };
	rig_message(r, &m);
}

void rig_nonce(struct rig *r)
{
	struct msg m = { .h = { .kind = MSG_JOBS_WELCOME, .session = r->session } };

	m.u.nonce.nonce = RIG_NONCE;
	rig_message(r, &m);
}

void rig_jobs(struct rig *r, uint64_t number, uint64_t first, uint32_t n)
{
	struct msg m = { .h = { .kind = MSG_JOBS, .session = r->session, .number = number } };
	struct msg_job_rec *v = calloc(n + 1, sizeof *v);

	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct msg_job_rec){ .id = first + i, .token = rig_token(first + i), .attempt = 1 };
	m.u.jobs.v = v;
	m.u.jobs.n = n;
	rig_message(r, &m);
	free(v);
}

void rig_answer(struct rig *r, uint64_t beat, uint64_t settled)
{
	struct msg m = { .h = { .kind = MSG_BEAT_ANSWER, .session = r->session, .number = beat } };

	m.u.settled.settled = settled;
	rig_message(r, &m);
}

void rig_settled(struct rig *r, uint64_t settled, bool resend)
{
	struct msg m = { .h = { .kind = MSG_SETTLED, .session = r->session } };

	m.u.settled.settled = settled;
	m.u.settled.resend = resend;
	rig_message(r, &m);
}

void rig_lease(struct rig *r, enum msg_kind kind, uint64_t id)
{
	struct lease_name name = { id, rig_token(id) };
	struct msg m = { .h = { .kind = kind, .session = r->session } };

	m.u.leases.v = &name;
	m.u.leases.n = 1;
	rig_message(r, &m);
}

void rig_refuse(struct rig *r, const char *why)
{
	struct msg m = { .h = { .kind = MSG_REPLY } };

	m.u.reply.error = SHEAF_E_DENIED;
	m.u.reply.text = span_str(why);
	rig_message(r, &m);
}

void rig_no_session(struct rig *r)
{
	struct msg m = { .h = { .kind = MSG_NO_SESSION, .session = r->session } };

	rig_message(r, &m);
}

/* ---- life ---- */

void rig_pass(struct rig *r, uint64_t ms)
{
	r->now += ms;
	wsession_tick(r->s, r->now);
	rig_effects(r);
}

struct rig *rig_new(uint32_t slots)
{
	struct span queues[2] = { span_str("a"), span_str("b") };
	struct rig *r = calloc(1, sizeof *r);

	ck_assert_ptr_nonnull(r);
	r->now = 1000;
	r->room = msg_room_new();
	r->s = wsession_new(&(struct wsession_config){ .instance = 5,
	                                               .seed = 1,
	                                               .name = span_str("w"),
	                                               .queues = queues,
	                                               .n_queues = 2,
	                                               .slots = slots,
	                                               .ctx = r,
	                                               .drop = drop,
	                                               .running = running });
	rig_effects(r);
	rig_expect(r, ""); /* without a connection there is nothing to say */
	wsession_connected(r->s, r->now);
	rig_effects(r);
	rig_expect(r, "hello\n");
	return r;
}

void rig_free(struct rig *r)
{
	wsession_free(r->s);
	msg_room_free(r->room);
	buf_fini(&r->text);
	free(r);
}

void rig_open(struct rig *r)
{
	rig_welcome(r, RIG_SESSION, NULL, 0);
	rig_nonce(r);
	rig_answer(r, 1, 0);
	buf_clear(&r->text);
	ck_assert_uint_eq(wsession_id(r->s), RIG_SESSION);
}
