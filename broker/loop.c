/* See loop.h. One turn: results first, then workers, then clients, so that a flood of submits delays no beat and
 * no death is judged before its outcomes are in; then time; then what was gathered goes out. */
#include "broker/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proto/role.h"

enum {
	TURN_OUTCOMES = 1024, /* messages of each kind taken in one turn */
	TURN_CONTROL = 1024,
	TURN_REQUESTS = 512,
	TURN_BYTES = 8 << 20, /* of requests */
	TURN_TICKS = 16,
	TURN_BLOCKS = 64, /* of the mover's segment */
	POLL_MOST_MS = 1000,
	NONCE_MS = 5,    /* between tries while a worker connects */
	LEAVE_MS = 2000, /* at the end: for the last answers */
	FAIL_MS = 1000,  /* when the journal failed: for edges to tell their clients */
	FAIL_LOOK_MS = 5,
	EDGE_LOOK_MS = 20 /* at a drain: how often an edge is asked whether it is done */
};

/* Whose all that an edge says is: no key has this number, so nobody else can speak for its session. */
static const uint32_t EDGE_PRINCIPAL = LIMIT_PRINCIPALS + 1;

/* Unsent answers at which submits are told to come back. */
static const uint64_t OUTBOX_BYTES = 256 * MIB;

/* What the carrying out of effects has brought. */
static void take_echoes(struct loop *l)
{
	while (l->first != NULL) {
		struct echo *e = l->first;

		l->first = e->next;
		if (l->first == NULL)
			l->last = NULL;
		core_step(l->core, l->now, &e->ev, &l->fx);
		loop_carry_out(l);
		buf_fini(&e->bytes);
		free(e);
	}
}

static void step(struct loop *l, const struct event *ev)
{
	core_step(l->core, l->now, ev, &l->fx);
	loop_carry_out(l);
	take_echoes(l);
}

/* Whose message it is, and whether they may send it. False with the sentence for them. */
static bool admitted(struct loop *l, zmq_msg_t *frame, struct event *ev, const char **why)
{
	if (ev->peer & ROUTE_EDGE) {
		ev->principal = EDGE_PRINCIPAL;
		ev->flag = true;
		*why = "an edge does not need this";
		return role_edge_may(ev->msg);
	}
	if (l->sockets.door == NULL)
		return true;
	ev->principal = door_principal(l->sockets.door, frame);
	*why = door_refuses(l->sockets.door, ev->principal, ev->msg, l->now.mono_ms);
	return *why == NULL;
}

/* Decodes a frame and steps; what cannot be decoded is answered where there is somebody to answer. */
static void take(struct loop *l, enum event_kind kind, uint64_t route, zmq_msg_t *frame)
{
	struct event ev = { .kind = kind, .peer = route };
	struct span bytes = span_of(zmq_msg_data(frame), zmq_msg_size(frame));
	const char *why = "";
	struct msg m;
	enum sheaf_error e = msg_decode(bytes, l->room, &m, &why);

	l->messages_in++;
	ev.msg = &m;
	if (e == SHEAF_OK && !admitted(l, frame, &ev, &why))
		e = SHEAF_E_DENIED;
	if (e != SHEAF_OK || (kind == EV_OUTCOMES && m.h.kind != MSG_OUTCOMES)) {
		if (kind == EV_OUTCOMES) {
			if (e != SHEAF_E_DENIED)
				log_line(LOG_WARN, "outcomes-malformed", "bytes=%zu why=\"%s\"", bytes.n, why);
			return;
		}
		ev.kind = EV_MALFORMED;
		ev.from_worker = kind == EV_WORKER;
		ev.error = e;
		ev.text = span_str(why);
	}
	step(l, &ev);
}

static void strange(struct loop *l, enum event_kind kind, uint64_t route)
{
	struct msg m = { .h = { .version = PROTO_VERSION_MAX } };
	struct event ev = { .kind = EV_MALFORMED,
		            .peer = route,
		            .msg = &m,
		            .from_worker = kind == EV_WORKER,
		            .error = SHEAF_E_MALFORMED,
		            .text = span_str("a message is one frame") };

	if (route != 0)
		step(l, &ev);
}

static void take_outcomes(struct loop *l)
{
	zmq_msg_t frame;

	for (int i = 0; i < TURN_OUTCOMES; i++) {
		enum sockets_got got = sockets_pull(l->sockets.results, &frame);

		if (got == GOT_NOTHING)
			return;
		if (got == GOT_MESSAGE)
			take(l, EV_OUTCOMES, 0, &frame);
		zmq_msg_close(&frame);
	}
}

/* `mark` is set in the routes of this ROUTER. */
static void take_routed(struct loop *l, void *router, enum event_kind kind, int most, uint64_t mark)
{
	uint64_t route, bytes = 0;
	zmq_msg_t frame;

	for (int i = 0; i < most && bytes < TURN_BYTES && outbox_bytes(l->outbox) < OUTBOX_BYTES; i++) {
		enum sockets_got got = sockets_take(router, &route, &frame);

		if (got == GOT_NOTHING)
			return;
		bytes += zmq_msg_size(&frame);
		route |= route != 0 ? mark : 0;
		if (got == GOT_MESSAGE)
			take(l, kind, route, &frame);
		else
			strange(l, kind, route);
		zmq_msg_close(&frame);
	}
}

/* Hands the mover's segment in, some blocks a turn. */
static void go_on_moving(struct loop *l)
{
	for (int i = 0; i < TURN_BLOCKS && l->scanning; i++) {
		struct event ev = { .kind = EV_MOVE };
		int got = journal_scan_next(l->journal, &ev.position, &ev.facts);

		if (got == 0)
			return;
		if (got < 0) {
			l->scanning = false;
			ev = (struct event){ .kind = EV_MOVED, .position = journal_scan_base(l->journal) };
		}
		step(l, &ev);
	}
}

static void flag(struct loop *l, bool *known, bool is, enum event_kind kind)
{
	struct event ev = { .kind = kind, .flag = is };

	if (*known == is)
		return;
	*known = is;
	step(l, &ev);
}

static bool edges_are_done(const struct loop *l)
{
	for (uint32_t i = 0; i < l->n_edges; i++)
		if (!l->edges[i].done(l->edges[i].ctx))
			return false;
	return true;
}

/* Their clients hear that what they sent did not last, rather than nothing at all. */
static void fail_edges(struct loop *l)
{
	uint64_t until = clock_mono_ms() + FAIL_MS;

	for (uint32_t i = 0; i < l->n_edges; i++)
		l->edges[i].fail(l->edges[i].ctx);
	while (!edges_are_done(l) && clock_mono_ms() < until)
		zmq_poll(NULL, 0, FAIL_LOOK_MS);
}

static void watch_journal(struct loop *l)
{
	struct journal_status s;

	journal_woken(l->journal);
	journal_status(l->journal, &s);
	if (s.failed) {
		log_line(LOG_ERROR, "journal-failed", "%s; nothing more is acknowledged", s.error);
		l->stop = true;
		l->status = 1;
		fail_edges(l);
		return;
	}
	flag(l, &l->pressure, s.pressure || outbox_bytes(l->outbox) > OUTBOX_BYTES, EV_PRESSURE);
	flag(l, &l->no_space, s.no_space, EV_SPACE);
}

static void run_ticks(struct loop *l)
{
	struct event ev = { .kind = EV_TICK };

	for (int i = 0; i < TURN_TICKS && core_deadline(l->core) <= l->now.mono_ms; i++)
		step(l, &ev);
}

static void dismiss(void *ctx, uint32_t principal)
{
	step(ctx, &(struct event){ .kind = EV_DISMISSED, .principal = principal });
}

static void take_signal(struct loop *l)
{
	struct event ev = { .kind = EV_DRAIN };
	struct signalfd_siginfo info;

	if (read(l->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
		return;
	if (info.ssi_signo == SIGHUP) { /* comes only where there are keys */
		door_reload(l->sockets.door, dismiss, l);
		return;
	}
	if (l->draining) {
		log_line(LOG_WARN, "stop", "second signal: leaving at once");
		l->stop = true;
		return;
	}
	log_line(LOG_INFO, "drain", "signal=%u", info.ssi_signo);
	l->draining = true;
	l->drain_until = l->now.mono_ms + l->config->grace_ms;
	for (uint32_t i = 0; i < l->n_edges; i++)
		l->edges[i].drain(l->edges[i].ctx);
	step(l, &ev);
}

static long poll_ms(const struct loop *l)
{
	uint64_t deadline = core_deadline(l->core), ms = POLL_MOST_MS;

	if (deadline <= l->now.mono_ms || l->first != NULL)
		return 0;
	if (deadline != UINT64_MAX && deadline - l->now.mono_ms < ms)
		ms = deadline - l->now.mono_ms;
	if (l->n_nonces > 0 && ms > NONCE_MS)
		ms = NONCE_MS;
	if (l->draining && l->drain_until > l->now.mono_ms && l->drain_until - l->now.mono_ms < ms)
		ms = l->drain_until - l->now.mono_ms;
	if (l->draining && l->n_edges > 0 && ms > EDGE_LOOK_MS)
		ms = EDGE_LOOK_MS;
	return (long)ms;
}

static void turn(struct loop *l)
{
	zmq_pollitem_t items[] = {
		{ l->sockets.results, 0, ZMQ_POLLIN, 0 },
		{ l->sockets.workers, 0, ZMQ_POLLIN, 0 },
		{ l->sockets.clients, 0, ZMQ_POLLIN, 0 },
		{ NULL, journal_fd(l->journal), ZMQ_POLLIN, 0 },
		{ NULL, l->signal_fd, ZMQ_POLLIN, 0 },
		{ NULL, -1, 0, 0 },
		{ NULL, -1, 0, 0 },
	};
	int n = 5, edges = 0, door = 0;

	if (l->sockets.edges != NULL) {
		edges = n;
		items[n++] = (zmq_pollitem_t){ l->sockets.edges, 0, ZMQ_POLLIN, 0 };
	}
	if (l->sockets.door != NULL) {
		door = n;
		items[n++] = (zmq_pollitem_t){ door_socket(l->sockets.door), 0, ZMQ_POLLIN, 0 };
	}
	if (zmq_poll(items, n, poll_ms(l)) < 0)
		must(errno == EINTR);
	l->now = (struct now){ clock_mono_ms(), clock_wall_ms() };
	take_echoes(l); /* of what left at the end of the last turn */
	if (door != 0 && items[door].revents)
		door_answer(l->sockets.door, l->now.mono_ms);
	take_outcomes(l);
	if (items[1].revents)
		take_routed(l, l->sockets.workers, EV_WORKER, TURN_CONTROL, 0);
	if (items[2].revents)
		take_routed(l, l->sockets.clients, EV_CLIENT, TURN_REQUESTS, 0);
	if (edges != 0 && items[edges].revents)
		take_routed(l, l->sockets.edges, EV_CLIENT, TURN_REQUESTS, ROUTE_EDGE);
	watch_journal(l);
	if (items[4].revents)
		take_signal(l);
	go_on_moving(l);
	run_ticks(l);
	outbox_seal(l->outbox);
	journal_commit(l->journal);
	outbox_flush(l->outbox, journal_synced(l->journal));
	loop_send_nonces(l);
}

/* What was said is still delivered: a last sync, a last flush. */
static void leave(struct loop *l)
{
	uint64_t until = clock_mono_ms() + LEAVE_MS;

	while (!outbox_empty(l->outbox) && clock_mono_ms() < until && l->status == 0) {
		zmq_pollitem_t item = { NULL, journal_fd(l->journal), ZMQ_POLLIN, 0 };

		outbox_seal(l->outbox);
		journal_commit(l->journal);
		zmq_poll(&item, 1, 10);
		journal_woken(l->journal);
		outbox_flush(l->outbox, journal_synced(l->journal));
	}
}

int loop_run(struct loop *l)
{
	take_echoes(l); /* of the start */
	while (!l->stop) {
		turn(l);
		if (l->draining && ((core_drained(l->core) && edges_are_done(l)) || l->now.mono_ms >= l->drain_until))
			l->stop = true;
	}
	leave(l);
	return l->status;
}
