/* See session.h: the life of a session, what it takes, what time does to it. */
#include <stdlib.h>

#include "broker/nsq/session_state.h"

struct session *session_new(const struct session_world *w, void *owner, const char *remote, struct buf *out,
                            uint64_t now_ms)
{
	struct session *s = calloc(1, sizeof *s);
	const char *colon = strrchr(remote, ':');
	size_t n = colon != NULL ? (size_t)(colon - remote) : strlen(remote);

	must(s != NULL);
	if (n > 2 && remote[0] == '[' && remote[n - 1] == ']') {
		remote++;
		n -= 2;
	}
	memcpy(s->remote_ip, remote, n < sizeof s->remote_ip ? n : sizeof s->remote_ip - 1);
	s->world = w;
	s->config = w->config;
	s->owner = owner;
	s->out = out;
	s->need = 4;
	s->now_ms = s->since_ms = s->beat_ms = now_ms;
	s->id.heartbeat_ms =
	    SESSION_HEARTBEAT_MS < s->config->max_heartbeat_ms ? SESSION_HEARTBEAT_MS : s->config->max_heartbeat_ms;
	s->id.buffer_size = 16384;
	s->id.buffer_ms = 250;
	s->id.msg_ms = s->config->msg_ms;
	list_init(&s->peers);
	return s;
}

void session_free(struct session *s)
{
	if (s == NULL)
		return;
	leave(s);
	hub_forget(s->world->hub, s);
	if (s->world->via != NULL)
		s->world->via->forget(s->world->via->ctx, s);
	if (s->query != NULL)
		auth_cancel(s->query);
	auth_grants_free(s->grants);
	free(s->secret);
	free(s->common_name);
	inflight_fini(&s->inflight);
	publish_fini(s);
	identity_fini(&s->id);
	free(s);
}

/* ---- waiting, closing ---- */

void woke(struct session *s)
{
	s->world->woke(s->owner);
}

size_t wait_for(struct session *s, enum session_wait what)
{
	s->wait = what;
	return 0;
}

void wait_over(struct session *s)
{
	s->wait = WAIT_NOT;
	s->again = true;
	s->need = 1;
}

bool must_queue(struct session *s)
{
	if (s->n_unanswered > 0)
		wait_for(s, WAIT_ANSWERS);
	return s->n_unanswered > 0;
}

void leave(struct session *s)
{
	list_remove(&s->peers);
	if (s->sub != NULL)
		hub_unsubscribe(&s->sub);
}

void part_if_done(struct session *s)
{
	if ((s->ended || s->draining) && s->n_unanswered == 0 && s->wait == WAIT_NOT &&
	    (s->ended || s->inflight.n == 0))
		s->closing = true;
}

bool session_closing(const struct session *s)
{
	return s->closing;
}

void session_end(struct session *s)
{
	s->ended = true;
	part_if_done(s);
}

void session_drain(struct session *s)
{
	s->draining = true;
	if (s->state == CLIENT_SUBSCRIBED)
		credit(s, true);
	part_if_done(s);
}

void session_failed(struct session *s)
{
	publish_failed(s);
	s->closing = true;
}

/* ---- frames ---- */

void say(struct session *s, enum frame_type type, struct span data)
{
	size_t before = s->out->n;

	frame_put(s->out, type, data);
	s->said += s->out->n - before;
}

void say_ok(struct session *s)
{
	say(s, FRAME_RESPONSE, span_of("OK", 2));
}

static void vsay_error(struct session *s, const char *code, const char *format, va_list args)
{
	size_t at = frame_begin(s->out, FRAME_ERROR);

	buf_put_span(s->out, span_str(code));
	if (format[0] != '\0')
		buf_put_u8(s->out, ' ');
	text_vsay(s->out, format, args);
	frame_end(s->out, at);
	s->said += s->out->n - at;
}

void say_error(struct session *s, const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay_error(s, code, format, args);
	va_end(args);
}

size_t fatal(struct session *s, const char *code, const char *format, ...)
{
	va_list args;

	if (must_queue(s))
		return 0;
	va_start(args, format);
	vsay_error(s, code, format, args);
	va_end(args);
	s->closing = true;
	return 0;
}

size_t wrong_state(struct session *s, const char *command)
{
	return fatal(s, "E_INVALID", "cannot %s in current state", command);
}

/* ---- in ---- */

static size_t take_magic(struct session *s, struct span in)
{
	if (in.n < 4)
		return 0;
	if (memcmp(in.p, "  V2", 4) != 0)
		return fatal(s, "E_BAD_PROTOCOL", "");
	s->magic = true;
	s->beat_ms = s->now_ms;
	return 4;
}

static size_t need_more(struct session *s, size_t n)
{
	s->need = n;
	return 0;
}

bool body_size(struct session *s, const struct line *l, struct span in, int32_t *size)
{
	uint32_t n;

	if (in.n < l->size + 4) {
		need_more(s, l->size + 4);
		return false;
	}
	memcpy(&n, in.p + l->size, 4);
	*size = (int32_t)__builtin_bswap32(n);
	return true;
}

bool body_whole(struct session *s, const struct line *l, struct span in, int32_t size, struct span *body)
{
	size_t n = (size_t)size, before = l->size + 4;

	if (in.n < before + n) {
		need_more(s, before + n);
		return false;
	}
	*body = span_of(in.p + before, n);
	return true;
}

/* IDENTIFY is heard before all; what is unknown is so only where TLS is on if it has to be. */
static size_t run(struct session *s, const struct line *l, struct span in)
{
	const struct command *c = command_find(l);

	if (s->config->tls_required && !s->tls && (c == NULL || c->run != command_identify))
		return fatal(s, "E_INVALID", "cannot %b in current state (TLS required)", l->word[0]);
	if (c == NULL)
		return fatal(s, "E_INVALID", "invalid command %b", l->word[0]);
	return c->run(s, l, in);
}

enum { FIN_LINE = 4 + ID_DIGITS + 1 };

/* The bytes of a command that it is done with; 0: see command_run. */
static size_t take_command(struct session *s, struct span in)
{
	size_t most = in.n < SESSION_LINE ? in.n : SESSION_LINE;
	const uint8_t *end;
	struct line l;
	uint64_t id;

	if (in.n >= FIN_LINE && memcmp(in.p, "FIN ", 4) == 0 && in.p[FIN_LINE - 1] == '\n' && parse_id(in.p + 4, &id) &&
	    inflight_finish(&s->inflight, id)) { /* what a consumer says most often */
		s->finished++;
		return FIN_LINE;
	}
	end = s->scanned < most ? memchr(in.p + s->scanned, '\n', most - s->scanned) : NULL;
	if (end == NULL) {
		s->scanned = most;
		if (most == SESSION_LINE && !must_queue(s))
			s->closing = true;
		return need_more(s, in.n + 1);
	}
	s->scanned = (size_t)(end - in.p);
	line_split(&l, span_of(in.p, s->scanned + 1));
	return run(s, &l, in);
}

size_t session_take(struct session *s, struct span in, uint64_t now_ms)
{
	size_t at = 0, n;

	s->now_ms = now_ms;
	s->looks = SESSION_LOOKS;
	if (s->again) {
		s->again = false;
		s->since_ms = now_ms;
	}
	while (!s->closing && s->wait == WAIT_NOT) {
		struct span rest = span_of(in.p + at, in.n - at);

		if (rest.n == 0) {
			s->need = s->magic ? 1 : 4;
			break;
		}
		n = s->magic ? take_command(s, rest) : take_magic(s, rest);
		if (n == 0)
			break;
		at += n;
		s->scanned = 0;
		s->many = (struct many){ 0 };
		s->since_ms = now_ms;
	}
	settle_finished(s);
	part_if_done(s);
	return at;
}

size_t session_wants(const struct session *s)
{
	return s->closing || s->wait != WAIT_NOT ? 0 : s->need;
}

/* ---- layers ---- */

enum session_upgrade session_upgrade(const struct session *s, int *level)
{
	if (s->wait != WAIT_UPGRADE || s->closing)
		return UPGRADE_NONE;
	*level = s->id.deflate_level;
	return s->id.tls ? UPGRADE_TLS : s->id.snappy ? UPGRADE_SNAPPY : UPGRADE_DEFLATE;
}

void session_upgraded(struct session *s, const struct session_layers *l, uint64_t now_ms)
{
	must(s->wait == WAIT_UPGRADE);
	s->now_ms = now_ms;
	if (s->id.tls) {
		s->tls = true;
		s->id.tls = false;
		free(s->common_name);
		s->common_name = l->common_name != NULL ? strdup(l->common_name) : NULL;
	} else {
		s->compressed = true;
		s->id.snappy = s->id.deflate = false;
	}
	say_ok(s);
	if (s->id.snappy || s->id.deflate)
		return;
	wait_over(s);
	s->again = false;
	s->since_ms = now_ms;
}

void session_sent(struct session *s, uint64_t total)
{
	s->sent = total;
	if (s->state == CLIENT_SUBSCRIBED)
		credit(s, false);
}

/* ---- time ---- */

uint64_t session_heartbeat_ms(const struct session *s)
{
	return s->id.heartbeat_ms;
}

static uint64_t read_deadline(const struct session *s)
{
	if (s->wait != WAIT_NOT || s->again)
		return UINT64_MAX;
	if (!s->magic)
		return s->since_ms + SESSION_MAGIC_MS;
	return s->id.heartbeat_ms > 0 ? s->since_ms + 2 * s->id.heartbeat_ms : UINT64_MAX;
}

uint64_t session_deadline(const struct session *s)
{
	uint64_t at = read_deadline(s);

	if (s->closing)
		return UINT64_MAX;
	if (s->magic && s->wait != WAIT_UPGRADE && s->id.heartbeat_ms > 0 && s->beat_ms + s->id.heartbeat_ms < at)
		at = s->beat_ms + s->id.heartbeat_ms;
	return at;
}

void session_tick(struct session *s, uint64_t now_ms)
{
	s->now_ms = now_ms;
	if (s->closing)
		return;
	if (now_ms >= read_deadline(s)) {
		s->closing = true;
		return;
	}
	if (s->again) {
		s->again = false;
		s->since_ms = now_ms;
		part_if_done(s);
	}
	if (s->magic && s->wait != WAIT_UPGRADE && s->id.heartbeat_ms > 0 &&
	    now_ms >= s->beat_ms + s->id.heartbeat_ms) {
		say(s, FRAME_RESPONSE, span_str("_heartbeat_"));
		s->beat_ms = now_ms;
	}
}

/* ---- what /stats says ---- */

static struct span said(const char *text, const char *otherwise)
{
	return span_str(text != NULL ? text : otherwise);
}

void session_stat(const struct session *s, struct nsq_client_stat *st)
{
	st->topic = span_of(s->topic, s->topic_n);
	st->channel = span_of(s->channel, s->channel_n);
	st->client_id = said(s->id.client_id, s->remote_ip);
	st->hostname = said(s->id.hostname, s->remote_ip);
	st->user_agent = said(s->id.user_agent, "");
	st->zone = said(s->id.zone, "");
	st->region = said(s->id.region, "");
	st->state = s->state;
	st->sample_rate = s->id.sample;
	st->ready = s->ready;
	st->in_flight = s->inflight.n;
	st->messages = s->messages;
	st->finished = s->finished;
	st->requeued = s->requeued;
	st->authed = s->grants != NULL;
	if (s->grants != NULL) {
		st->identity = auth_grants_identity(s->grants);
		st->identity_url = auth_grants_identity_url(s->grants);
	}
	st->published = s->counts;
	st->n_published = s->n_counts;
}
