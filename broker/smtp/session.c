/* See session.h: the life of a session, the lines that it takes, what time does to it. */
#include <stdlib.h>

#include "base/text.h"
#include "broker/smtp/session_state.h"

struct smtp_session *smtp_session_new(const struct smtp_world *w, const struct smtp_peer *peer, struct buf *out,
                                      uint64_t now_ms)
{
	struct smtp_session *s = calloc(1, sizeof *s);
	char address[CIDR_TEXT];

	must(s != NULL);
	s->world = w;
	s->config = w->config;
	s->peer = *peer;
	s->out = out;
	s->now_ms = s->last_ms = now_ms;
	s->why = "";
	if (peer->address.family == 0)
		text_format(s->peer_text, sizeof s->peer_text, "unix");
	else
		text_format(s->peer_text, sizeof s->peer_text, peer->address.family == 6 ? "[%s]:%u" : "%s:%u",
		            cidr_show(&peer->address, address), (unsigned)peer->port);
	return s;
}

/* The client went away within a mail. */
static void count_aborted(struct smtp_session *s)
{
	if (s->letter != NULL && !s->closing)
		SMTP_COUNT(s->world->counts, aborted);
}

void smtp_session_free(struct smtp_session *s)
{
	if (s == NULL)
		return;
	count_aborted(s);
	smtp_forget_mail(s);
	smtp_forget_credentials(s);
	free(s);
}

/* ---- saying ---- */

void smtp_shut(struct smtp_session *s, const char *why)
{
	if (s->closing)
		return;
	s->closing = true;
	s->why = why;
	s->ask = SMTP_ASK_NOTHING;
	smtp_forget_mail(s);
	smtp_forget_credentials(s);
}

void smtp_erred(struct smtp_session *s)
{
	s->facts.errors++;
	if (++s->errors >= SESSION_ERRORS && !s->closing) {
		smtp_reply_put(s->out, REPLY_ERRORS, s->world->counts);
		smtp_shut(s, "errors");
	}
}

void smtp_say(struct smtp_session *s, enum smtp_reply r)
{
	smtp_reply_put(s->out, r, s->world->counts);
	if (smtp_reply_is_error(r))
		smtp_erred(s);
}

void smtp_say_text(struct smtp_session *s, enum smtp_reply r, const char *text)
{
	if (text == NULL || text[0] == '\0') {
		smtp_say(s, r);
		return;
	}
	smtp_reply_put_text(s->out, r, span_str(text), s->world->counts);
	if (smtp_reply_is_error(r))
		smtp_erred(s);
}

void smtp_say_last(struct smtp_session *s, enum smtp_reply r, const char *why)
{
	smtp_reply_put(s->out, r, s->world->counts);
	if (smtp_reply_is_error(r))
		s->facts.errors++;
	smtp_shut(s, why);
}

void smtp_say_drain(struct smtp_session *s)
{
	smtp_reply_put_drain(s->out, s->config->hostname, s->world->counts);
	smtp_shut(s, "drain");
}

void smtp_forget_mail(struct smtp_session *s)
{
	if (s->content_on)
		content_fini(&s->content);
	s->content_on = false;
	letter_free(s->letter);
	s->letter = NULL;
	s->fault = REPLY_NONE;
	s->fault_told = false;
	s->got = 0;
	s->data_ms = 0;
	if (s->state != STATE_START)
		s->state = STATE_READY;
}

/* ---- its beginning and its end ---- */

void smtp_session_begin(struct smtp_session *s, bool early, uint64_t now_ms, uint64_t wall_ms)
{
	must(s->phase == PHASE_NEW);
	s->now_ms = s->last_ms = now_ms;
	s->wall_ms = wall_ms;
	s->phase = PHASE_COMMAND;
	if (s->draining) {
		smtp_say_drain(s);
	} else if (early) {
		smtp_say_last(s, REPLY_EARLY, "early");
	} else {
		buf_put(s->out, "220 ", 4);
		buf_put_span(s->out, span_str(s->config->hostname));
		buf_put_span(s->out, span_str(s->peer.lmtp ? " LMTP Sheaf\r\n" : " ESMTP Sheaf\r\n"));
	}
}

/* Nothing of a mail is on its way, and no command either. */
static bool idle(const struct smtp_session *s)
{
	return s->phase == PHASE_COMMAND && s->ask == SMTP_ASK_NOTHING && s->state <= STATE_READY;
}

void smtp_settle(struct smtp_session *s)
{
	if (s->closing)
		return;
	if (s->draining && idle(s))
		smtp_say_drain(s);
	else if (s->ended && s->ask == SMTP_ASK_NOTHING)
		smtp_shut(s, "eof");
}

void smtp_session_end(struct smtp_session *s)
{
	s->ended = true;
	if (s->ask == SMTP_ASK_MAIL)
		return;
	count_aborted(s);
	smtp_shut(s, "eof");
}

void smtp_session_drain(struct smtp_session *s, bool now)
{
	s->draining = true;
	if (s->phase == PHASE_NEW || s->closing)
		return;
	if (now && s->ask == SMTP_ASK_TLS)
		smtp_shut(s, "drain"); /* it does not hear us */
	else if (now)
		smtp_say_drain(s);
	else
		smtp_settle(s);
}

bool smtp_session_busy(const struct smtp_session *s)
{
	return !s->closing && (s->letter != NULL || s->ask == SMTP_ASK_MAIL || s->phase == PHASE_LOST);
}

bool smtp_session_in_mail(const struct smtp_session *s)
{
	return s->phase == PHASE_DATA || s->phase == PHASE_CHUNK || s->phase == PHASE_LOST;
}

bool smtp_session_closing(const struct smtp_session *s)
{
	return s->closing;
}

enum smtp_ask smtp_session_asks(const struct smtp_session *s)
{
	return s->ask;
}

void smtp_session_secured(struct smtp_session *s, const char *version, const char *cipher, uint64_t now_ms)
{
	if (s->closing)
		return;
	must(s->ask == SMTP_ASK_TLS || (s->phase == PHASE_NEW && !s->tls_on));
	smtp_forget_mail(s);
	s->now_ms = s->last_ms = now_ms;
	s->ask = SMTP_ASK_NOTHING;
	s->state = STATE_START;
	s->esmtp = false;
	s->helo[0] = '\0';
	s->looked = 0;
	s->tls_on = true;
	text_format(s->tls, sizeof s->tls, "%s %s", version, cipher);
	SMTP_COUNT(s->world->counts, sessions_tls);
	if (s->phase != PHASE_NEW)
		smtp_settle(s);
}

void smtp_session_facts(const struct smtp_session *s, struct smtp_session_facts *f)
{
	*f = s->facts;
	f->helo = s->helo;
	f->tls = s->tls;
	f->user = s->user;
	f->why = s->why;
}

/* ---- what comes ---- */

bool smtp_session_takes(const struct smtp_session *s)
{
	return !s->closing && s->phase != PHASE_NEW && s->ask == SMTP_ASK_NOTHING && s->slow_ms == 0 &&
	       s->out->n < SESSION_OUT;
}

/* Errors make what follows wait. */
static bool must_wait(struct smtp_session *s)
{
	if (s->errors < SESSION_SLOW_ERRORS || s->slowed)
		return false;
	s->slow_ms = s->now_ms + SESSION_SLOW_MS;
	return true;
}

static void obey(struct smtp_session *s, struct span line)
{
	const uint8_t *cr = memchr(line.p, '\r', line.n);

	s->last_ms = s->now_ms;
	s->slowed = false;
	if (cr == NULL || cr != line.p + line.n - 1 || memchr(line.p, 0, line.n) != NULL) {
		smtp_say_last(s, REPLY_BARE, "bare");
		return;
	}
	line.n--;
	if (s->phase == PHASE_COMMAND)
		smtp_command(s, line);
	else if (s->draining)
		smtp_say_drain(s);
	else
		smtp_auth_line(s, line);
}

static bool begins_auth(struct span in)
{
	struct span rest = in;

	return smtp_is(smtp_word(&rest), "AUTH");
}

/* A line that has no end within its bound. */
static size_t too_long(struct smtp_session *s, struct span in, bool auth)
{
	s->looked = 0;
	if (!auth) {
		smtp_say_last(s, REPLY_TOO_LONG, "line");
		return 0;
	}
	s->phase = PHASE_SKIP;
	smtp_forget_credentials(s);
	return in.n;
}

static size_t take_line(struct smtp_session *s, struct span in)
{
	size_t most = s->phase == PHASE_AUTH ? SESSION_AUTH_LINE : SESSION_LINE;
	size_t from = s->looked < in.n ? s->looked : 0, n;
	const uint8_t *lf;

	if (in.n >= most && most == SESSION_LINE && begins_auth(span_of(in.p, 5)))
		most = SESSION_AUTH_LINE;
	n = in.n < most ? in.n : most;
	from = from < n ? from : 0;
	lf = memchr(in.p + from, '\n', n - from);
	if (lf == NULL && in.n >= most)
		return too_long(s, span_of(in.p, most), most == SESSION_AUTH_LINE);
	if (lf == NULL)
		s->looked = in.n;
	if (lf == NULL || must_wait(s))
		return 0;
	s->looked = 0;
	n = (size_t)(lf - in.p);
	obey(s, span_of(in.p, n));
	return n + 1;
}

static size_t skip(struct smtp_session *s, struct span in)
{
	const uint8_t *lf = memchr(in.p, '\n', in.n);

	if (lf == NULL)
		return in.n;
	s->last_ms = s->now_ms;
	s->phase = PHASE_COMMAND;
	smtp_say(s, REPLY_AUTH_LONG);
	return (size_t)(lf - in.p) + 1;
}

static size_t take(struct smtp_session *s, struct span in)
{
	switch (s->phase) {
	case PHASE_COMMAND:
	case PHASE_AUTH:
		return take_line(s, in);
	case PHASE_SKIP:
		return skip(s, in);
	case PHASE_DATA:
		return smtp_take_data(s, in);
	case PHASE_CHUNK:
		return smtp_take_chunk(s, in);
	case PHASE_LOST:
		return smtp_take_lost(s, in);
	default:
		return 0;
	}
}

size_t smtp_session_take(struct smtp_session *s, struct span in, uint64_t now_ms, uint64_t wall_ms)
{
	size_t at = 0, n = 1;

	s->now_ms = now_ms;
	s->wall_ms = wall_ms;
	while (n > 0 && at < in.n && smtp_session_takes(s)) {
		n = take(s, span_of(in.p + at, in.n - at));
		at += n;
		smtp_settle(s);
	}
	return at;
}

/* ---- time ---- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When a mail that comes has to be whole, or to have come faster. */
static uint64_t mail_deadline(const struct smtp_session *s)
{
	uint64_t at = s->data_ms + s->config->data_ms, rate = s->config->data_rate, due;

	if (rate > 0) {
		due = s->got / rate * 1000 + s->got % rate * 1000 / rate;
		at = sooner(at, s->data_ms + (due > SMTP_RATE_AFTER_MS ? due : SMTP_RATE_AFTER_MS));
	}
	return at;
}

uint64_t smtp_session_deadline(const struct smtp_session *s)
{
	uint64_t idle_ms = s->config->idle_ms, at;

	if (s->closing || s->phase == PHASE_NEW || (s->ask != SMTP_ASK_NOTHING && s->ask != SMTP_ASK_TLS))
		return UINT64_MAX;
	if (s->slow_ms > 0)
		return s->slow_ms;
	if (s->pressed)
		idle_ms = sooner(idle_ms, SMTP_PRESSED_MS);
	at = s->last_ms + idle_ms;
	if (s->data_ms > 0)
		at = sooner(at, mail_deadline(s));
	return at;
}

void smtp_session_tick(struct smtp_session *s, uint64_t now_ms)
{
	s->now_ms = now_ms;
	if (now_ms < smtp_session_deadline(s))
		return;
	if (s->slow_ms > 0) {
		s->slow_ms = 0;
		s->slowed = true;
		s->last_ms = now_ms;
	} else if (s->ask == SMTP_ASK_TLS) {
		SMTP_COUNT(s->world->counts, timeouts);
		smtp_shut(s, "timeout");
	} else {
		smtp_say_last(s, REPLY_IDLE, "timeout");
	}
}

void smtp_session_press(struct smtp_session *s, bool pressed)
{
	s->pressed = pressed;
}
