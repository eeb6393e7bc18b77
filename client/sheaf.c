/* A session of libsheaf: its life, its errors, and the one loop under every call; see sheaf.h. */
#include "client/sheaf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "client/handle.h"

#define BYE_MS 100 /* how long sheaf_free waits for its BYE to leave */

static enum sheaf_error make_parts(struct sheaf *s, struct span name, const struct keys_own *keys)
{
	struct csession_config config = { .session = rand_os(), .seed = rand_os(), .name = name };

	if (connection_new(s->broker, keys, &s->connection))
		return SHEAF_E_CONFIG;
	s->session = csession_new(&config);
	s->room = msg_room_new();
	s->newest = &s->oldest;
	inbox_init(s);
	buf_init(&s->headers);
	return SHEAF_OK;
}

enum sheaf_error sheaf_new(const struct sheaf_options *o, sheaf_t **out)
{
	const char *broker = o && o->broker ? o->broker : SHEAF_DEFAULT_BROKER;
	struct span name = span_str(o && o->name ? o->name : "client");
	struct keys_own keys = { 0 };
	char why[KEYS_ERR];
	enum sheaf_error e;
	struct sheaf *s;

	if (connection_bad_endpoint(broker) || !name_worker_ok(name))
		return SHEAF_E_CONFIG;
	if (o && o->keys && keys_own_read(o->keys, KEYS_CLIENT, &keys, why))
		return SHEAF_E_CONFIG;
	s = calloc(1, sizeof *s);
	must(s);
	snprintf(s->broker, sizeof s->broker, "%s", broker);
	e = make_parts(s, name, o && o->keys ? &keys : NULL);
	keys_own_wipe(&keys);
	if (e) {
		free(s);
		return e;
	}
	s->now_ms = clock_mono_ms();
	handle_send(s);
	*out = s;
	return SHEAF_OK;
}

const char *sheaf_bad_broker(const char *broker)
{
	return connection_bad_endpoint(broker);
}

bool sheaf_good_keys(const char *dir, char why[SHEAF_WHY])
{
	struct keys_own keys;
	bool good = keys_own_read(dir, KEYS_CLIENT, &keys, why) == 0;

	static_assert(SHEAF_WHY == KEYS_ERR, "a sentence has room");
	keys_own_wipe(&keys);
	return good;
}

void sheaf_free(sheaf_t *s)
{
	bool connected;

	if (!s)
		return;
	s->now_ms = clock_mono_ms();
	connected = csession_connected(s->session, s->now_ms);
	csession_bye(s->session);
	if (connected)
		handle_send(s);
	connection_free(s->connection, connected ? BYE_MS : 0);
	csession_free(s->session);
	msg_room_free(s->room);
	backlog_fini(s);
	inbox_fini(s);
	buf_fini(&s->headers);
	free(s);
}

const char *sheaf_why(const sheaf_t *s)
{
	return s->why;
}

enum sheaf_error handle_fail(struct sheaf *s, enum sheaf_error e, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(s->why, sizeof s->why, format, args);
	va_end(args);
	return e;
}

enum sheaf_error handle_refused(struct sheaf *s, enum sheaf_error e, struct span text)
{
	if (text.n == 0)
		return handle_fail(s, e, "%s", sheaf_error_text(e));
	return handle_fail(s, e, "%.*s", (int)(text.n < LIMIT_TEXT ? text.n : LIMIT_TEXT), (const char *)text.p);
}

enum sheaf_error handle_strange(struct sheaf *s)
{
	return handle_fail(s, SHEAF_E_MALFORMED, "broker %s gave an answer that makes no sense", s->broker);
}

const struct msg_client_welcome *sheaf_welcome(const sheaf_t *s)
{
	return csession_welcome(s->session);
}

bool sheaf_connected(const sheaf_t *s)
{
	return csession_connected(s->session, clock_mono_ms());
}

void sheaf_interrupt(sheaf_t *s, bool on)
{
	atomic_store(&s->interrupted, on);
	if (on)
		connection_wake(s->connection);
	else
		connection_calm(s->connection);
}

/* ---- the loop ---- */

uint64_t handle_until(struct sheaf *s, uint64_t ms)
{
	s->now_ms = clock_mono_ms();
	return ms > UINT64_MAX - s->now_ms ? UINT64_MAX : s->now_ms + ms;
}

void handle_send(struct sheaf *s)
{
	struct span frame;

	for (;;) {
		enum csession_effect effect = csession_effect(s->session, s->now_ms, &frame);
		bool good = true;

		if (effect == CSESSION_IDLE)
			return;
		if (effect == CSESSION_SEND)
			good = connection_send(s->connection, frame);
		else if (effect == CSESSION_RECONNECT)
			good = connection_open(s->connection);
		if (!good)
			csession_lost(s->session, s->now_ms);
	}
}

/* Hands the session the next frame that has come. A frame that cannot be decoded is dropped: what it
 * answered is asked for again. False if none has come. */
static bool receive(struct sheaf *s)
{
	struct span frame;
	struct msg m;
	const char *why;

	if (!connection_receive(s->connection, &frame))
		return false;
	if (msg_decode(frame, s->room, &m, &why) == SHEAF_OK) {
		s->message = m;
		csession_message(s->session, s->now_ms, &s->message);
	}
	return true;
}

/* What our key, or the lack of one, cannot do today it will not do in a second either. */
static void broken(struct sheaf *s)
{
	enum curve_trouble t = connection_trouble(s->connection);
	char why[LIMIT_TEXT];

	csession_lost(s->session, s->now_ms);
	if (t == CURVE_REFUSED || t == CURVE_MISMATCH)
		csession_refused(s->session, SHEAF_E_DENIED, span_str(connection_why(s->connection, why)));
}

/* One turn: takes a message if there is one; otherwise sends, and sleeps until something is to be done.
 * True if a message was taken. */
static bool turn(struct sheaf *s, uint64_t until_ms)
{
	uint64_t wake_ms;
	bool received;

	s->now_ms = clock_mono_ms();
	received = receive(s);
	if (!received)
		csession_flush(s->session);
	if (csession_deadline(s->session) <= s->now_ms)
		csession_tick(s->session, s->now_ms);
	else if (received)
		return true;
	handle_send(s);
	if (received || s->now_ms >= until_ms)
		return received;
	wake_ms = csession_deadline(s->session);
	if (wake_ms > until_ms)
		wake_ms = until_ms;
	if (wake_ms > s->now_ms)
		connection_sleep(s->connection, wake_ms - s->now_ms);
	if (connection_broken(s->connection))
		broken(s);
	return false;
}

bool handle_event(struct sheaf *s, struct csession_event *ev)
{
	if (unlikely(atomic_load_explicit(&s->interrupted, memory_order_relaxed)))
		return false;
	do {
		if (!csession_event(s->session, ev))
			return false;
	} while (inbox_take(s, ev) && !s->wants_messages);
	if (likely(ev->kind != CSESSION_FAILED))
		return true;
	s->failed = handle_refused(s, ev->error, ev->text);
	snprintf(s->failed_why, sizeof s->failed_why, "%s", s->why);
	return false;
}

enum sheaf_error handle_next(struct sheaf *s, uint64_t until_ms, struct csession_event *ev)
{
	for (;;) {
		if (handle_event(s, ev))
			return SHEAF_OK;
		if (atomic_load_explicit(&s->interrupted, memory_order_relaxed))
			return handle_fail(s, SHEAF_E_INTERRUPTED, "interrupted");
		if (s->failed)
			return handle_fail(s, s->failed, "%s", s->failed_why);
		if (!turn(s, until_ms) && s->now_ms >= until_ms)
			return SHEAF_E_TIMEOUT;
	}
}

/* ---- blocking calls ---- */

struct call call_begin(struct sheaf *s, uint64_t ms)
{
	s->why[0] = 0;
	free(s->handed);
	s->handed = NULL;
	return (struct call){ .s = s, .id = ++s->calls, .until_ms = handle_until(s, ms) };
}

static enum sheaf_error too_late(struct sheaf *s)
{
	enum sheaf_error e = csession_held_up(s->session);

	if (!csession_welcome(s->session) && connection_trouble(s->connection)) {
		char why[LIMIT_TEXT];

		return handle_fail(s, SHEAF_E_UNREACHABLE, "%s", connection_why(s->connection, why));
	}
	if (!csession_welcome(s->session)) {
		return handle_fail(s, SHEAF_E_UNREACHABLE, "broker %s does not answer%s%s", s->broker, e ? ": " : "",
		                   e ? sheaf_error_text(e) : "");
	}
	if (e)
		return handle_fail(s, SHEAF_E_TIMEOUT, "broker %s: %s", s->broker, sheaf_error_text(e));
	if (!csession_connected(s->session, s->now_ms))
		return handle_fail(s, SHEAF_E_TIMEOUT, "broker %s does not answer any more", s->broker);
	return handle_fail(s, SHEAF_E_TIMEOUT, "timed out");
}

enum sheaf_error call_next(struct call *k, struct csession_event *ev)
{
	struct sheaf *s = k->s;
	enum sheaf_error e = handle_next(s, k->until_ms, ev);

	if (e == SHEAF_E_TIMEOUT)
		return too_late(s);
	if (e || ev->kind == CSESSION_PONG || ev->kind == CSESSION_WELCOMED)
		return e;
	if (ev->kind == CSESSION_RESULT ? ev->id == k->awaited : ev->call == k->id)
		return SHEAF_OK;
	backlog_add(s, ev);
	ev->kind = CSESSION_WELCOMED;
	return s->now_ms > k->until_ms ? too_late(s) : SHEAF_OK; /* streams may never pause */
}

enum sheaf_error call_ask(struct call *k, const struct msg *m, const struct msg **answer)
{
	struct csession_event ev = { 0 };
	uint64_t number = 0;
	enum sheaf_error e;

	do {
		if (number == 0 && csession_request(k->s->session, m, k->id, &number))
			number = 0; /* too many are unanswered: again after the next event */
		e = call_next(k, &ev);
		if (e) {
			csession_forget(k->s->session, k->id);
			return e;
		}
	} while (ev.kind != CSESSION_ANSWER || ev.number != number);
	if (ev.error)
		return handle_refused(k->s, ev.error, ev.text);
	*answer = ev.answer;
	return SHEAF_OK;
}

enum sheaf_error handle_ask(struct sheaf *s, const struct msg *m, uint64_t ms, const struct msg **answer)
{
	struct call k = call_begin(s, ms);

	return call_ask(&k, m, answer);
}

enum sheaf_error sheaf_connect(sheaf_t *s, uint64_t ms)
{
	struct call k = call_begin(s, ms);
	struct csession_event ev = { 0 };

	while (!csession_welcome(s->session)) {
		enum sheaf_error e = call_next(&k, &ev);

		if (e)
			return e;
	}
	return SHEAF_OK;
}

enum sheaf_error sheaf_ping(sheaf_t *s, uint64_t ms, uint64_t *us)
{
	struct call k = call_begin(s, ms);
	uint64_t number = csession_ping(s->session), begun_ns = clock_mono_ns();
	struct csession_event ev = { 0 };
	enum sheaf_error e;

	do {
		e = call_next(&k, &ev);
		if (e)
			return e;
	} while (ev.kind != CSESSION_PONG || ev.number < number);
	*us = (clock_mono_ns() - begun_ns) / 1000;
	return SHEAF_OK;
}
