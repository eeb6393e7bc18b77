/* Effects to frames, and the outbox: nothing leaves before the journal has synced the head of its step. */
#include <stdlib.h>

#include "broker/core/history.h"
#include "tests/sim/broker_actor.h"

enum out_kind { OUT_CLIENT, OUT_CONTROL, OUT_JOBS, OUT_TRIM };

/* Something that waits for the journal. */
struct out {
	struct list link;
	uint64_t head; /* of the log after the step that made it */
	enum out_kind kind;
	uint64_t route;   /* peer, or position of a trim */
	uint64_t session; /* of the worker */
	struct buf frame;
};

/* A message that is being gathered from several effects. */
struct gather {
	struct msg_writer writer;
	struct out *out; /* NULL: none is */
	uint32_t kind;   /* enum msg_kind */
	uint64_t number;
};

static void out_free(struct out *o)
{
	list_remove(&o->link);
	buf_fini(&o->frame);
	free(o);
}

static struct out *out_new(struct broker *b, enum out_kind kind, uint64_t route, uint64_t session)
{
	struct out *o = calloc(1, sizeof *o);

	must(o != NULL);
	*o = (struct out){ .head = b->fx.head, .kind = kind, .route = route, .session = session };
	buf_init(&o->frame);
	list_push_back(&b->outbox, &o->link);
	return o;
}

void broker_drop_outbox(struct broker *b)
{
	while (!list_empty(&b->outbox))
		out_free(list_item(b->outbox.next, struct out, link));
	b->trims_out = 0;
}

static void gather_end(struct gather *g)
{
	if (g->out != NULL)
		msg_end(&g->writer);
	g->out = NULL;
}

static void gather_begin(struct broker *b, struct gather *g, uint32_t kind, const struct effect *e, uint32_t answer)
{
	struct msg_header h = { .version = 1, .kind = kind, .epoch = core_epoch(b->core), .session = e->session };
	enum out_kind to = kind == MSG_JOBS ? OUT_JOBS : OUT_CLIENT;

	gather_end(g);
	h.number = g->number = kind == MSG_ACCEPTED ? 0 : e->number;
	g->kind = kind;
	g->out = out_new(b, to, e->peer, e->session);
	msg_begin(&g->writer, &g->out->frame, &h, answer);
}

static void add_accepted(struct broker *b, struct gather *g, const struct effect *e)
{
	if (g->out == NULL || g->kind != MSG_ACCEPTED || g->out->route != e->peer || !msg_fits(&g->writer, 0))
		gather_begin(b, g, MSG_ACCEPTED, e, 0);
	msg_put_accepted(&g->writer, &e->u.accepted);
}

static void add_result(struct broker *b, struct gather *g, const struct effect *e)
{
	struct msg_result_rec r = e->u.result.rec;

	if (e->u.result.from_log) {
		struct span s = disk_bytes(&b->disk, e->stored.position, e->stored.length, e->stored.crc);

		history_result(s, e->u.result.error_length, &r);
	}
	if (g->out == NULL || g->kind != MSG_RESULTS || g->out->route != e->peer || e->u.result.answer ||
	    g->number + g->writer.n != e->number || !msg_fits(&g->writer, r.error.n + r.result.n))
		gather_begin(b, g, MSG_RESULTS, e, e->u.result.answer);
	msg_put_result(&g->writer, &r);
	if (e->u.result.answer)
		gather_end(g);
}

static void add_delivery(struct broker *b, struct gather *g, const struct effect *e)
{
	struct msg_delivery_rec r;
	struct buf packed;

	buf_init(&packed);
	broker_delivery(b, e, &r, &packed);
	if (g->out == NULL || g->kind != MSG_MESSAGES || g->out->route != e->peer ||
	    g->number + g->writer.n != e->number || !msg_fits(&g->writer, r.packed.n))
		gather_begin(b, g, MSG_MESSAGES, e, 0);
	msg_put_delivery(&g->writer, &r);
	buf_fini(&packed);
}

/* JOBS numbers of a session have no gap where they are made. */
static struct conn *count_jobs(struct broker *b, const struct effect *e, bool again)
{
	struct conn *c = conn_by_route(b->w, CONN_JOBS, e->session);

	if (c == NULL)
		world_fail(b->w, "jobs for the session %llx, which has no socket", (unsigned long long)e->session);
	if (!again && e->number != c->sent + 1)
		world_fail(b->w, "JOBS %llu follows %llu", (unsigned long long)e->number, (unsigned long long)c->sent);
	c->sent = e->number;
	return c;
}

static void add_grant(struct broker *b, struct gather *g, const struct effect *e)
{
	struct msg_job_rec r = e->u.job;
	bool same = g->out != NULL && g->kind == MSG_JOBS && g->out->session == e->session && g->number == e->number;

	r.payload = disk_bytes(&b->disk, e->stored.position, e->stored.length, e->stored.crc);
	count_jobs(b, e, same);
	if (!same)
		gather_begin(b, g, MSG_JOBS, e, 0);
	msg_put_job(&g->writer, &r);
	oracle_in_order(b->w->oracle, b->core, r.id);
}

static void add_msg(struct broker *b, enum out_kind kind, const struct effect *e)
{
	struct out *o = out_new(b, kind, e->peer, e->u.msg->h.session);

	msg_encode(&o->frame, e->u.msg);
}

static void add_peek(struct broker *b, const struct effect *e)
{
	struct msg_peek_rec v[LIMIT_PEEKED];
	struct out *o = out_new(b, OUT_CLIENT, e->peer, 0);
	struct msg m = { .h = *e->u.peek.h };

	for (uint32_t i = 0; i < e->u.peek.n; i++) {
		const struct log_bytes *at = &e->u.peek.stored[i];
		struct span s = disk_bytes(&b->disk, at->position, at->length, at->crc);

		v[i] = e->u.peek.v[i];
		v[i].payload = span_of(s.p, s.n < LIMIT_PEEK_BYTES ? s.n : LIMIT_PEEK_BYTES);
	}
	m.u.peeked.v = v;
	m.u.peeked.n = e->u.peek.n;
	msg_encode(&o->frame, &m);
}

static void add_job(struct broker *b, const struct effect *e)
{
	struct out *o = out_new(b, OUT_CLIENT, e->peer, e->u.msg->h.session);
	struct span s = disk_bytes(&b->disk, e->stored.position, e->stored.length, e->stored.crc);
	struct msg_attempt_rec v[LIMIT_HISTORY];
	struct msg m = *e->u.msg;

	history_info(s, (uint32_t)e->number, &m.u.job_info, v);
	msg_encode(&o->frame, &m);
}

static void add_nonce(struct broker *b, const struct effect *e)
{
	struct out *o = out_new(b, OUT_JOBS, 0, e->session);
	struct msg m = {
		.h = { .version = 1, .kind = MSG_JOBS_WELCOME, .epoch = core_epoch(b->core), .session = e->session }
	};

	m.u.nonce.nonce = e->number;
	msg_encode(&o->frame, &m);
}

static void open_socket(struct broker *b, uint64_t session)
{
	struct conn *c = conn_new(b->w, CONN_JOBS);

	c->route = session;
	pipe_block(&c->down, NEVER); /* until the worker connects */
	broker_self(b, SELF_SOCKET, session);
}

static void close_socket(struct broker *b, uint64_t session)
{
	struct conn *c = conn_by_route(b->w, CONN_JOBS, session);

	if (c == NULL)
		world_fail(b->w, "the session %llx has no socket to close", (unsigned long long)session);
	c->route = 0;
	if (world_chance(b->w, 500))
		pipe_cut(&c->down);
}

static void one(struct broker *b, struct gather *g, const struct effect *e)
{
	switch (e->kind) {
	case FX_APPEND:
		disk_append(&b->disk, b->fx.block_at, &b->fx.block, b->fx.facts);
		break;
	case FX_ACCEPTED:
		add_accepted(b, g, e);
		return;
	case FX_RESULT:
		add_result(b, g, e);
		return;
	case FX_GRANT:
		add_grant(b, g, e);
		return;
	case FX_PROBE:
		count_jobs(b, e, false);
		gather_begin(b, g, MSG_JOBS, e, 0);
		break;
	case FX_REPLY:
		add_msg(b, OUT_CLIENT, e);
		break;
	case FX_JOB:
		add_job(b, e);
		break;
	case FX_PEEK:
		add_peek(b, e);
		break;
	case FX_CONTROL:
		add_msg(b, OUT_CONTROL, e);
		break;
	case FX_OPEN:
		open_socket(b, e->session);
		break;
	case FX_NONCE:
		add_nonce(b, e);
		break;
	case FX_CLOSE:
		close_socket(b, e->session);
		break;
	case FX_MOVE:
		if (b->scanning)
			world_fail(b->w, "a second scan while one is under way");
		b->scanning = true;
		b->scan_base = b->scan_at = e->u.position;
		timer_at(b->w, &b->scan, b->w->now_us + 100);
		break;
	case FX_TRIM:
		out_new(b, OUT_TRIM, e->u.position, 0);
		b->trims_out++;
		break;
	case FX_DELIVER:
		add_delivery(b, g, e);
		return;
	case FX_FETCH:
		broker_fetch(b, e);
		break;
	case FX_ZONE:
		world_fail(b->w, "zone %s: nobody has asked for one", e->u.zone);
		break;
	case FX_LOG:
		world_note(b->w, "log %s %s", e->u.log.id, e->u.log.text);
		break;
	}
	gather_end(g);
}

void broker_carry_out(struct broker *b)
{
	struct gather g = { 0 };

	if (b->fx.n > STEP_EFFECTS + 1)
		world_fail(b->w, "a step with %u effects", b->fx.n);
	for (uint32_t i = 0; i < b->fx.n; i++) {
		if (b->fx.v[i].kind == FX_APPEND && i > 0)
			world_fail(b->w, "an append that is not the first effect");
		one(b, &g, &b->fx.v[i]);
	}
	gather_end(&g);
}

static void tell_oracle(struct broker *b, const struct out *o)
{
	const char *why;
	struct msg m;

	if (msg_decode(buf_span(&o->frame), b->room, &m, &why) != SHEAF_OK)
		world_fail(b->w, "the broker's own frame: %s", why);
	if (m.h.kind == MSG_MESSAGES)
		broker_tell_deliveries(b, &m);
	if (m.h.kind != MSG_JOBS)
		return;
	for (uint32_t i = 0; i < m.u.jobs.n; i++)
		oracle_granted(b->w->oracle, o->session, &m.u.jobs.v[i]);
}

/* It is being made anew at this moment. */
static bool broken(const struct pipe *p)
{
	return p->blocked_until != NEVER && p->blocked_until > p->w->now_us;
}

static void leave(struct broker *b, const struct out *o)
{
	static const enum conn_kind kinds[] = { CONN_CLIENT, CONN_CONTROL, CONN_JOBS };
	struct conn *c;

	if (o->kind == OUT_TRIM) {
		b->trims_out--;
		disk_trim(&b->disk, o->route);
		return;
	}
	c = conn_by_route(b->w, kinds[o->kind], o->kind == OUT_JOBS ? o->session : o->route);
	if (o->kind == OUT_JOBS && c != NULL && c->open && !(broken(&c->down) && world_chance(b->w, 500))) {
		tell_oracle(b, o);
		pipe_send(&c->down, buf_span(&o->frame));
	} else if (o->kind == OUT_JOBS && c != NULL) {
		broker_self(b, SELF_UNREACHABLE, o->session); /* nobody is connected: EAGAIN */
	} else if (c != NULL && c->open) {
		tell_oracle(b, o);
		pipe_send(&c->down, buf_span(&o->frame));
	} /* else the ROUTER knows no such route: whoever it was comes back */
}

void broker_flush(struct broker *b)
{
	while (!list_empty(&b->outbox)) {
		struct out *o = list_item(b->outbox.next, struct out, link);

		if (o->head > b->disk.synced)
			return;
		leave(b, o);
		out_free(o);
	}
}
