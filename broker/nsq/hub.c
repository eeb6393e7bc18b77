/* The life of a hub and its part of a turn: what has come is handed out, then everything that was handed in leaves. See
 * hub.h and hub_open.h. */
#include "broker/nsq/hub.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "broker/nsq/hub_state.h"

/* The broker lives in the same process: it is silent only while it is busy. */
#define BEAT_MS 2000

enum {
	TURN_FRAMES = 64, /* taken in a turn; more come with the next one, so that sockets are written meanwhile */
	TIMER_MOST_MS = 60000
};

static const uint64_t EASE_BYTES = HUB_BUSY_BYTES / 2;

/* ---- asking ---- */

static void asked_answered(struct hub *h, struct asked *a, enum sheaf_error error, struct span text,
                           const struct msg *answer)
{
	switch (a->kind) {
	case ASKED_PUBLISH:
		part_answered(h, (struct part *)(void *)a, error, text);
		break;
	case ASKED_OP:
		op_answered(h, (struct op *)(void *)a, error, text);
		break;
	case ASKED_ROWS:
		listing_answered(h, (struct listing *)(void *)a, error, answer);
		break;
	case ASKED_SUBSCRIBE:
	case ASKED_UNSUBSCRIBE:
		sub_answered(h, a, error, text);
		break;
	}
}

/* False if the session has no room for the next one. */
static bool send_waiting(struct hub *h)
{
	struct asked *a = list_item(h->waiting.next, struct asked, link);

	if (h->failed != SHEAF_OK) {
		asked_answered(h, a, h->failed, span_str(sheaf_error_text(h->failed)), NULL);
		return true;
	}
	if (a->kind == ASKED_PUBLISH)
		return part_send(h, (struct part *)(void *)a);
	if (a->kind == ASKED_OP)
		return op_send(h, (struct op *)(void *)a);
	return listing_send(h, (struct listing *)(void *)a);
}

/* The broker will not have us: nothing that is asked is answered any more but by this. */
static void fail(struct hub *h, enum sheaf_error error, struct span text)
{
	log_line(LOG_ERROR, "nsq-hub-refused", "error=%s", sheaf_error_text(error));
	h->failed = error;
	while (!list_empty(&h->waiting))
		asked_answered(h, list_item(h->waiting.next, struct asked, link), error, text, NULL);
	while (!list_empty(&h->asked))
		asked_answered(h, list_item(h->asked.next, struct asked, link), error, text, NULL);
}

/* ---- receiving ---- */

static void event(struct hub *h, const struct csession_event *ev)
{
	switch (ev->kind) {
	case CSESSION_MESSAGES:
	case CSESSION_GONE:
	case CSESSION_OVER:
		sub_event(h, ev);
		break;
	case CSESSION_PUBLISHED:
	case CSESSION_ANSWER:
		asked_answered(h, (struct asked *)(uintptr_t)ev->call, ev->error, ev->text, ev->answer);
		break;
	case CSESSION_GAP:
		subs_gap(h);
		break;
	case CSESSION_FAILED:
		fail(h, ev->error, ev->text);
		break;
	case CSESSION_WELCOMED: /* what could not leave before does now, at this turn's end */
	case CSESSION_PONG:
	case CSESSION_ACCEPTED: /* of jobs, which an edge does not submit */
	case CSESSION_REFUSED:
	case CSESSION_RESULT:
		break;
	}
}

static void receive(struct hub *h)
{
	struct csession_event ev = { 0 };
	struct span frame;
	struct msg m;
	const char *why;

	for (uint32_t i = 0; i < TURN_FRAMES; i++) {
		if (!connection_receive(h->connection, &frame))
			return;
		if (msg_decode(frame, h->room, &m, &why) != SHEAF_OK)
			continue; /* what it answered is asked for again */
		h->message = m;
		csession_message(h->session, h->now_ms, &h->message);
		while (csession_event(h->session, &ev))
			event(h, &ev);
	}
}

/* ---- sending ---- */

static void on_readable(uv_poll_t *p, int status, int events);

static void free_poll(uv_handle_t *p)
{
	free(p);
}

static void close_poll(struct hub *h)
{
	if (h->poll == NULL)
		return;
	uv_poll_stop(h->poll);
	uv_close((uv_handle_t *)h->poll, free_poll);
	h->poll = NULL;
}

/* A new socket, and its descriptor in the loop instead of the old one's. */
static bool open_connection(struct hub *h)
{
	int fd;

	close_poll(h);
	if (!connection_open(h->connection))
		return false;
	fd = connection_fd(h->connection);
	h->poll = malloc(sizeof *h->poll);
	must(h->poll != NULL);
	if (fd < 0 || uv_poll_init(h->loop, h->poll, fd) != 0) {
		free(h->poll);
		h->poll = NULL;
		return false;
	}
	h->poll->data = h;
	uv_poll_start(h->poll, UV_READABLE, on_readable);
	return true;
}

/* False if nothing can leave now. */
static bool send_frame(struct hub *h, struct span frame)
{
	if (connection_send(h->connection, frame))
		return true;
	buf_clear(&h->held);
	buf_put_span(&h->held, frame);
	h->holds = true;
	return false;
}

static void send_all(struct hub *h)
{
	struct span frame;

	if (h->holds) {
		if (!connection_send(h->connection, buf_span(&h->held)))
			return;
		h->holds = false;
	}
	for (;;) {
		while (!list_empty(&h->waiting) && send_waiting(h))
			;
		switch (csession_effect(h->session, h->now_ms, &frame)) {
		case CSESSION_SEND:
			if (!send_frame(h, frame))
				return;
			break;
		case CSESSION_RECONNECT:
			if (!open_connection(h))
				csession_lost(h->session, h->now_ms);
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

void hub_wake(struct hub *h)
{
	if (h->dirty || h->closing)
		return;
	h->dirty = true;
	uv_idle_start(&h->idle, on_idle);
}

static void on_timer(uv_timer_t *t)
{
	struct hub *h = t->data;

	h->timer_ms = UINT64_MAX;
	hub_wake(h);
}

static void set_timer(struct hub *h)
{
	uint64_t due = csession_deadline(h->session), in;

	if (due >= h->timer_ms)
		return;
	in = due > h->now_ms ? due - h->now_ms : 1;
	h->timer_ms = due;
	uv_timer_start(&h->timer, on_timer, in < TIMER_MOST_MS ? in : TIMER_MOST_MS, 0);
}

static bool eased(const struct hub *h)
{
	return h->bytes < EASE_BYTES && h->calls < HUB_BUSY_CALLS / 2 && !h->holds &&
	       csession_connected(h->session, h->now_ms);
}

static void turn(struct hub *h)
{
	h->now_ms = clock_mono_ms();
	receive(h);
	if (csession_deadline(h->session) <= h->now_ms)
		csession_tick(h->session, h->now_ms);
	calls_answer(h);
	h->dirty = !list_empty(&h->due); /* what callbacks handed in until now leaves now */
	parts_close(h);
	send_all(h);
	h->readable = connection_came(h->connection);
	if (h->told_busy && eased(h)) {
		h->told_busy = false;
		h->ease(h->ease_arg);
	}
	if (h->dirty || h->readable)
		uv_idle_start(&h->idle, on_idle);
	else
		uv_idle_stop(&h->idle);
	set_timer(h);
}

static void on_readable(uv_poll_t *p, int status, int events)
{
	struct hub *h = p->data;

	(void)status;
	(void)events;
	h->readable = true;
}

static void on_prepare(uv_prepare_t *p)
{
	struct hub *h = p->data;

	if (h->dirty || h->readable)
		turn(h);
}

static void on_check(uv_check_t *c)
{
	struct hub *h = c->data;

	if (h->dirty || h->readable)
		turn(h);
}

/* ---- life ---- */

bool hub_connected(const struct hub *h)
{
	return csession_connected(h->session, clock_mono_ms());
}

bool hub_busy(struct hub *h)
{
	bool busy = h->failed == SHEAF_OK && (h->bytes >= HUB_BUSY_BYTES || h->calls >= HUB_BUSY_CALLS || h->holds ||
	                                      !csession_connected(h->session, h->now_ms));

	h->told_busy = busy && h->ease != NULL;
	return busy;
}

void hub_on_ease(struct hub *h, void (*ease)(void *arg), void *arg)
{
	h->ease = ease;
	h->ease_arg = arg;
}

bool hub_idle(const struct hub *h)
{
	return h->calls == 0 && h->opened == 0 && !h->holds && !h->dirty && list_empty(&h->waiting) &&
	       list_empty(&h->asked) && !csession_unsent(h->session);
}

static void start_handles(struct hub *h)
{
	must(uv_prepare_init(h->loop, &h->prepare) == 0 && uv_check_init(h->loop, &h->check) == 0 &&
	     uv_idle_init(h->loop, &h->idle) == 0 && uv_timer_init(h->loop, &h->timer) == 0);
	h->prepare.data = h->check.data = h->idle.data = h->timer.data = h;
	h->handles = 4;
	uv_prepare_start(&h->prepare, on_prepare);
	uv_check_start(&h->check, on_check);
}

struct hub *hub_open(uv_loop_t *loop, void *zmq_context, const char *endpoint)
{
	struct hub *h = calloc(1, sizeof *h);
	struct csession_config config = {
		.session = rand_os(), .seed = rand_os(), .name = span_str("nsq"), .beat_ms = BEAT_MS
	};

	must(h != NULL);
	if (connection_new_inproc(endpoint, zmq_context, &h->connection) != SHEAF_OK) {
		free(h);
		return NULL;
	}
	h->loop = loop;
	h->session = csession_new(&config);
	h->room = msg_room_new();
	h->timer_ms = UINT64_MAX;
	buf_init(&h->held);
	list_init(&h->due);
	list_init(&h->waiting);
	list_init(&h->asked);
	list_init(&h->subs);
	list_init(&h->listings);
	start_handles(h);
	hub_wake(h); /* says hello */
	return h;
}

static void free_asked(struct hub *h, struct list *all)
{
	static const char ending[] = "the broker ends";

	while (!list_empty(all)) {
		struct asked *a = list_item(all->next, struct asked, link);

		if (a->kind == ASKED_ROWS)
			((struct listing *)(void *)a)->rows = NULL;
		asked_answered(h, a, SHEAF_E_DRAINING, span_str(ending), NULL);
	}
}

static void free_hub(struct hub *h)
{
	void (*closed)(void *arg) = h->closed;
	void *arg = h->closed_arg;

	calls_free(h); /* nobody wants an answer: what is answered below is just freed */
	parts_close(h);
	free_asked(h, &h->waiting);
	free_asked(h, &h->asked);
	calls_free(h);
	parts_free(h);
	csession_free(h->session);
	msg_room_free(h->room);
	buf_fini(&h->held);
	free(h);
	if (closed != NULL)
		closed(arg);
}

static void handle_closed(uv_handle_t *handle)
{
	struct hub *h = handle->data;

	if (--h->handles == 0)
		free_hub(h);
}

void hub_close(struct hub **hub, void (*closed)(void *arg), void *arg)
{
	struct hub *h = *hub;

	*hub = NULL;
	must(list_empty(&h->subs) && !h->closing);
	h->closed = closed;
	h->closed_arg = arg;
	h->now_ms = clock_mono_ms();
	parts_close(h);
	send_all(h); /* within what the session has room for; hub_idle() tells who waits for the rest */
	csession_bye(h->session);
	send_all(h);
	h->closing = true;
	close_poll(h);
	connection_free(h->connection, 0);
	uv_close((uv_handle_t *)&h->prepare, handle_closed);
	uv_close((uv_handle_t *)&h->check, handle_closed);
	uv_close((uv_handle_t *)&h->idle, handle_closed);
	uv_close((uv_handle_t *)&h->timer, handle_closed);
}
