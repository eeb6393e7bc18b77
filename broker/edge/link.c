/* See link.h. A turn: what has come is handed out, then everything that was handed in leaves. */
#include "broker/edge/link.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "client/connection.h"
#include "proto/codec.h"

enum {
	TURN_FRAMES = 64, /* taken in a turn; more come with the next one, so that sockets are written meanwhile */
	TIMER_MOST_MS = 60000,
	BYE_MS = 100 /* over a network: how long the last frames may take to leave */
};

struct link {
	uv_loop_t *loop;
	const struct link_calls *calls;
	void *arg;
	uv_poll_t *poll, *watch; /* owned; one for each descriptor: the socket's, and the one that tells of its end */
	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t idle;
	uv_timer_t timer;
	uint32_t handles;  /* that the loop still has */
	uint64_t timer_ms; /* when the timer is due */
	bool dirty;        /* there is something to send, or to hand out */
	bool readable;     /* something may have come */
	bool shaken;       /* the connection may have broken */
	bool closing;

	struct connection *connection;
	bool inside; /* it is within the process, and does not break */
	struct csession *session;
	struct msg_room *room;
	struct msg message; /* the one whose events are handed out */
	uint64_t now_ms;
	struct buf held; /* a frame that could not leave; others wait behind it */
	bool holds;

	void (*closed)(void *arg);
	void *closed_arg;
};

/* ---- receiving ---- */

static void take_events(struct link *l)
{
	struct csession_event ev = { 0 };

	while (csession_event(l->session, &ev))
		l->calls->event(l->arg, &ev);
}

static void receive(struct link *l)
{
	struct span frame;
	struct msg m;
	const char *why;

	for (uint32_t i = 0; i < TURN_FRAMES; i++) {
		if (!connection_receive(l->connection, &frame))
			return;
		if (msg_decode(frame, l->room, &m, &why) != SHEAF_OK)
			continue; /* what it answered is asked for again */
		l->message = m;
		csession_message(l->session, l->now_ms, &l->message);
		take_events(l);
	}
}

/* What our key, or the lack of one, cannot do today it will not do in a second either. */
static void look_at_connection(struct link *l)
{
	char why[LIMIT_TEXT];
	enum curve_trouble t;

	l->shaken = false;
	if (!connection_broken(l->connection))
		return;
	l->holds = false; /* it is sent again, as is all that is not answered */
	csession_lost(l->session, l->now_ms);
	t = connection_trouble(l->connection);
	if (t != CURVE_REFUSED && t != CURVE_MISMATCH)
		return;
	csession_refused(l->session, SHEAF_E_DENIED, span_str(connection_why(l->connection, why)));
	take_events(l);
}

/* ---- sending ---- */

static void on_readable(uv_poll_t *p, int status, int events)
{
	struct link *l = p->data;

	(void)status;
	(void)events;
	l->readable = true;
}

static void on_shaken(uv_poll_t *p, int status, int events)
{
	struct link *l = p->data;

	(void)status;
	(void)events;
	l->shaken = true;
}

static void free_poll(uv_handle_t *p)
{
	free(p);
}

static void close_poll(uv_poll_t **poll)
{
	if (*poll == NULL)
		return;
	uv_poll_stop(*poll);
	uv_close((uv_handle_t *)*poll, free_poll);
	*poll = NULL;
}

static bool open_poll(struct link *l, uv_poll_t **poll, int fd, uv_poll_cb call)
{
	uv_poll_t *p = malloc(sizeof *p);

	must(p != NULL);
	if (fd < 0 || uv_poll_init(l->loop, p, fd) != 0) {
		free(p);
		return false;
	}
	p->data = l;
	uv_poll_start(p, UV_READABLE, call);
	*poll = p;
	return true;
}

/* A new socket, and its descriptors in the loop instead of the old one's. */
static bool open_connection(struct link *l)
{
	close_poll(&l->poll);
	close_poll(&l->watch);
	l->holds = false;
	if (!connection_open(l->connection) || !open_poll(l, &l->poll, connection_fd(l->connection), on_readable))
		return false;
	l->readable = true;
	if (l->inside)
		return true;
	l->shaken = true;
	return open_poll(l, &l->watch, connection_trouble_fd(l->connection), on_shaken);
}

/* False if nothing can leave now. */
static bool send_frame(struct link *l, struct span frame)
{
	if (connection_send(l->connection, frame))
		return true;
	if (!l->inside) {
		csession_lost(l->session, l->now_ms);
		return true;
	}
	buf_clear(&l->held);
	buf_put_span(&l->held, frame);
	l->holds = true;
	return false;
}

static void send_all(struct link *l)
{
	struct span frame;

	if (l->holds) {
		if (!connection_send(l->connection, buf_span(&l->held)))
			return;
		l->holds = false;
	}
	for (;;) {
		l->calls->send(l->arg);
		switch (csession_effect(l->session, l->now_ms, &frame)) {
		case CSESSION_SEND:
			if (!send_frame(l, frame))
				return;
			break;
		case CSESSION_RECONNECT:
			if (!open_connection(l))
				csession_lost(l->session, l->now_ms);
			break;
		case CSESSION_IDLE:
			return;
		}
	}
}

/* ---- the turn ---- */

static void on_idle(uv_idle_t *idle)
{
	(void)idle; /* that it runs keeps the loop from sleeping */
}

void link_wake(struct link *l)
{
	if (l->dirty || l->closing)
		return;
	l->dirty = true;
	uv_idle_start(&l->idle, on_idle);
}

static void on_timer(uv_timer_t *t)
{
	struct link *l = t->data;

	l->timer_ms = UINT64_MAX;
	link_wake(l);
}

static void set_timer(struct link *l)
{
	uint64_t due = csession_deadline(l->session), in;

	if (due >= l->timer_ms)
		return;
	in = due > l->now_ms ? due - l->now_ms : 1;
	l->timer_ms = due;
	uv_timer_start(&l->timer, on_timer, in < TIMER_MOST_MS ? in : TIMER_MOST_MS, 0);
}

static bool due(const struct link *l)
{
	return l->dirty || l->readable || l->shaken;
}

static void turn(struct link *l)
{
	l->now_ms = clock_mono_ms();
	if (l->shaken)
		look_at_connection(l);
	receive(l);
	if (csession_deadline(l->session) <= l->now_ms)
		csession_tick(l->session, l->now_ms);
	l->dirty = l->calls->turn(l->arg); /* what callbacks handed in until now leaves now */
	send_all(l);
	l->readable = connection_came(l->connection);
	if (l->calls->sent != NULL)
		l->calls->sent(l->arg);
	if (due(l))
		uv_idle_start(&l->idle, on_idle);
	else
		uv_idle_stop(&l->idle);
	set_timer(l);
}

static void on_prepare(uv_prepare_t *p)
{
	if (due(p->data))
		turn(p->data);
}

static void on_check(uv_check_t *c)
{
	if (due(c->data))
		turn(c->data);
}

/* ---- life ---- */

struct csession *link_session(struct link *l)
{
	return l->session;
}

uint64_t link_now(const struct link *l)
{
	return l->now_ms;
}

bool link_connected(const struct link *l)
{
	return csession_connected(l->session, clock_mono_ms());
}

bool link_holds(const struct link *l)
{
	return l->holds;
}

bool link_idle(const struct link *l)
{
	return !l->holds && !l->dirty && !csession_unsent(l->session);
}

static void start_handles(struct link *l)
{
	must(uv_prepare_init(l->loop, &l->prepare) == 0 && uv_check_init(l->loop, &l->check) == 0 &&
	     uv_idle_init(l->loop, &l->idle) == 0 && uv_timer_init(l->loop, &l->timer) == 0);
	l->prepare.data = l->check.data = l->idle.data = l->timer.data = l;
	l->handles = 4;
	uv_prepare_start(&l->prepare, on_prepare);
	uv_check_start(&l->check, on_check);
}

struct link *link_open(uv_loop_t *loop, const struct link_setup *setup, const struct link_calls *calls, void *arg)
{
	struct link *l = calloc(1, sizeof *l);
	struct csession_config config = {
		.session = rand_os(), .seed = rand_os(), .name = span_str(setup->name), .beat_ms = setup->beat_ms
	};
	enum sheaf_error e;

	must(l != NULL);
	l->inside = setup->context != NULL;
	if (l->inside)
		e = connection_new_inproc(setup->endpoint, setup->context, &l->connection);
	else
		e = connection_new(setup->endpoint, setup->keys, &l->connection);
	if (e != SHEAF_OK) {
		free(l);
		return NULL;
	}
	l->loop = loop;
	l->calls = calls;
	l->arg = arg;
	l->session = csession_new(&config);
	l->room = msg_room_new();
	l->now_ms = clock_mono_ms();
	l->timer_ms = UINT64_MAX;
	buf_init(&l->held);
	start_handles(l);
	link_wake(l); /* says hello */
	return l;
}

static void handle_closed(uv_handle_t *handle)
{
	struct link *l = handle->data;
	void (*closed)(void *arg) = l->closed;
	void *arg = l->closed_arg;

	if (--l->handles > 0)
		return;
	csession_free(l->session);
	msg_room_free(l->room);
	buf_fini(&l->held);
	free(l);
	if (closed != NULL)
		closed(arg);
}

void link_close(struct link **link, void (*closed)(void *arg), void *arg)
{
	struct link *l = *link;
	bool connected;

	*link = NULL;
	must(!l->closing);
	l->closed = closed;
	l->closed_arg = arg;
	l->now_ms = clock_mono_ms();
	connected = csession_connected(l->session, l->now_ms);
	send_all(l); /* within what the session has room for; link_idle() tells who waits for the rest */
	csession_bye(l->session);
	send_all(l);
	l->closing = true;
	close_poll(&l->poll);
	close_poll(&l->watch);
	connection_free(l->connection, !l->inside && connected ? BYE_MS : 0);
	uv_close((uv_handle_t *)&l->prepare, handle_closed);
	uv_close((uv_handle_t *)&l->check, handle_closed);
	uv_close((uv_handle_t *)&l->idle, handle_closed);
	uv_close((uv_handle_t *)&l->timer, handle_closed);
}
