/* See conn.h. What is read goes to the session at once; what the session says is gathered until the turn of the loop
 * ends, then it leaves in one write. */
#include "broker/nsq/conn.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

enum {
	KEEP = 16384, /* bytes that an empty buffer keeps: thousands of connections are idle */
	KEEPALIVE_S = 60
};

static void emptied(struct buf *b)
{
	if (b->cap > KEEP)
		buf_fini(b);
	buf_clear(b);
}

static struct span waiting(const struct conn *c)
{
	return span_of(c->in.p + c->at, c->in.n - c->at);
}

static size_t unsent(const struct conn *c)
{
	return c->frames.n + c->raw.n + (c->writing ? uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp) : 0);
}

void conn_mark(struct conn *c)
{
	if (c->state == CONN_CLOSED || !list_empty(&c->dirty))
		return;
	list_push_back(&c->server->dirty, &c->dirty);
	server_stay_awake(c->server);
}

static void on_closed(uv_handle_t *h)
{
	struct conn *c = h->data;
	struct server *s = c->server;

	layers_fini(&c->layers);
	buf_fini(&c->in);
	buf_fini(&c->frames);
	buf_fini(&c->raw);
	buf_fini(&c->sending);
	list_remove(&c->all);
	server_left(s, c);
	free(c);
}

static void drop_session(struct conn *c)
{
	session_free(c->session);
	c->session = NULL;
}

void conn_close(struct conn *c)
{
	if (c->state == CONN_CLOSED)
		return;
	c->state = CONN_CLOSED;
	drop_session(c);
	list_remove(&c->dirty);
	edge_timers_remove(&c->server->timers, &c->timer);
	uv_close((uv_handle_t *)&c->tcp, on_closed);
}

/* What is gathered is still sent, then it is over. */
static void leave(struct conn *c)
{
	uint64_t ms = session_heartbeat_ms(c->session);

	if (c->state != CONN_OPEN)
		return;
	c->state = CONN_LEAVING;
	c->until_ms = conn_now(c) + (ms > 0 ? ms : CONN_LEAVE_MS);
	conn_mark(c);
}

static void broken(struct conn *c)
{
	log_line(LOG_DEBUG, "nsq-layer", "peer=%s %s", c->peer, layers_why(&c->layers));
	buf_clear(&c->frames); /* cannot be sent any more */
	leave(c);
}

/* ---- in ---- */

/* What was gathered takes the layers that are on now. */
static void seal(struct conn *c)
{
	if (c->frames.n == 0 || layers_shaking(&c->layers))
		return;
	c->in_raw += c->frames.n;
	if (!layers_any(&c->layers))
		buf_put_span(&c->raw, buf_span(&c->frames));
	else if (!layers_write(&c->layers, buf_span(&c->frames), &c->raw))
		broken(c);
	emptied(&c->frames);
}

static void upgraded(struct conn *c)
{
	struct session_layers facts = { 0 };
	struct tls_facts f;

	if (c->layers.tls != NULL) {
		tls_facts(c->layers.tls, &f);
		facts = (struct session_layers){ f.version, f.cipher, f.common_name };
	}
	session_upgraded(c->session, &facts, conn_now(c));
}

/* Puts the layer on that the session has agreed upon. What was read already belongs to the new layer, so nothing that
 * was said outside of it is ever taken as if it had been said inside. */
static void upgrade(struct conn *c)
{
	int level = 0;
	enum session_upgrade kind = session_upgrade(c->session, &level);

	if (kind == UPGRADE_NONE || layers_shaking(&c->layers))
		return;
	seal(c);
	c->more = true;
	if (kind == UPGRADE_TLS)
		layers_start_tls(&c->layers, c->server->setup.tls, conn_now(c), waiting(c));
	else if (kind == UPGRADE_SNAPPY)
		layers_start_snappy(&c->layers, waiting(c));
	else
		layers_start_deflate(&c->layers, level, waiting(c));
	emptied(&c->in);
	c->at = 0;
	if (kind != UPGRADE_TLS)
		upgraded(c);
}

static void through_layers(struct conn *c, struct span raw)
{
	bool shaking = layers_shaking(&c->layers);

	switch (layers_read(&c->layers, raw, &c->in, &c->raw)) {
	case LAYERS_MORE:
		c->more = true;
		break;
	case LAYERS_SHORT:
		c->more = false;
		break;
	case LAYERS_END:
		c->more = false;
		c->ended = true;
		break;
	default:
		c->more = false;
		broken(c);
		return;
	}
	if (shaking && !layers_shaking(&c->layers))
		upgraded(c);
}

/* While the broker is busy, who publishes waits; consumers go on, for what they finish makes room. */
static bool is_held(struct conn *c)
{
	const struct server_setup *s = &c->server->setup;
	struct nsq_client_stat st = { 0 };

	c->held = s->busy != NULL && s->busy(s->busy_arg);
	if (c->held) {
		session_stat(c->session, &st);
		c->held = st.state == 0;
	}
	return c->held;
}

static bool takes(struct conn *c)
{
	return c->state == CONN_OPEN && session_wants(c->session) > 0 && !is_held(c);
}

/* Gives the session what it can take of `in`. */
static void take(struct conn *c)
{
	if (takes(c) && waiting(c).n >= session_wants(c->session))
		c->at += session_take(c->session, waiting(c), conn_now(c));
	if (c->at == c->in.n) {
		emptied(&c->in);
		c->at = 0;
	} else if (c->at > c->in.n / 2) {
		memmove(c->in.p, c->in.p + c->at, c->in.n - c->at);
		c->in.n -= c->at;
		c->at = 0;
	}
}

/* Brings in as far as it goes. True: it could go on, but the turn is over. */
static bool go_on(struct conn *c)
{
	for (int i = 0; i < CONN_STEPS && c->state == CONN_OPEN; i++) {
		take(c);
		if (session_closing(c->session)) {
			leave(c);
			return false;
		}
		upgrade(c);
		if (!c->more || (!takes(c) && !layers_shaking(&c->layers)))
			return false;
		through_layers(c, span_of(NULL, 0));
	}
	return c->state == CONN_OPEN;
}

static void linger_more(struct conn *c, ssize_t n)
{
	if (n < 0 || (c->lingered += (size_t)n) > CONN_LINGER)
		conn_close(c);
}

/* Room for what comes: behind what waits, if something does and nothing is to be done to it. */
static void on_room(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
	struct conn *c = h->data;

	(void)suggested;
	if (c->state == CONN_OPEN && c->in.n > 0 && !layers_any(&c->layers))
		*out = uv_buf_init((char *)buf_room(&c->in, CONN_READ), CONN_READ);
	else
		*out = uv_buf_init((char *)c->server->room, CONN_READ);
}

static void bring_in(struct conn *c, struct span bytes)
{
	size_t taken = 0;

	if (layers_any(&c->layers)) {
		through_layers(c, bytes);
	} else if (bytes.p != c->server->room) {
		c->in.n += bytes.n;
	} else {
		if (takes(c) && session_wants(c->session) <= bytes.n) /* most often all of it: without a copy */
			taken = session_take(c->session, bytes, conn_now(c));
		buf_put(&c->in, bytes.p + taken, bytes.n - taken);
	}
	if (c->reading && (c->more || (!takes(c) && !layers_shaking(&c->layers)))) {
		uv_read_stop((uv_stream_t *)&c->tcp);
		c->reading = false;
	}
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
	struct conn *c = stream->data;

	if (n == 0 || c->state == CONN_CLOSED)
		return;
	if (c->state == CONN_LINGERS) {
		linger_more(c, n);
	} else if (n == UV_EOF) {
		c->ended = true;
	} else if (n < 0) {
		conn_close(c);
		return;
	} else if (c->state == CONN_OPEN) {
		bring_in(c, span_of(b->base, (size_t)n));
	}
	conn_mark(c);
}

static void see_to_reading(struct conn *c)
{
	bool want = c->state == CONN_LINGERS || (c->state == CONN_OPEN && !c->ended && !c->more &&
	                                         unsent(c) < CONN_UNSENT && (takes(c) || layers_shaking(&c->layers)));

	if (want == c->reading)
		return;
	c->reading = want;
	if (!want)
		uv_read_stop((uv_stream_t *)&c->tcp);
	else if (uv_read_start((uv_stream_t *)&c->tcp, on_room, on_read) != 0)
		conn_close(c);
}

/* ---- out ---- */

static void taken_by_socket(struct conn *c, uint64_t frames)
{
	c->sent += frames;
	if (c->session != NULL && frames > 0)
		session_sent(c->session, c->sent);
}

static void on_written(uv_write_t *w, int status)
{
	struct conn *c = w->data;

	if (c->state == CONN_CLOSED)
		return;
	c->writing = false;
	emptied(&c->sending);
	if (status != 0) {
		conn_close(c);
		return;
	}
	taken_by_socket(c, c->in_sending);
	conn_mark(c);
}

/* The rest goes when the client reads. */
static void write_rest(struct conn *c, struct buf *from, size_t done)
{
	struct buf empty = c->sending;
	uv_buf_t b;

	c->sending = *from;
	*from = empty;
	b = uv_buf_init((char *)c->sending.p + done, (unsigned)(c->sending.n - done));
	c->write.data = c;
	c->writing = true;
	if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &b, 1, on_written) != 0) {
		c->writing = false;
		conn_close(c);
		return;
	}
	c->stuck_ms = conn_now(c);
	c->stuck_at = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp);
}

static void send_out(struct conn *c)
{
	struct buf *from = &c->frames;
	uint64_t frames;
	uv_buf_t b;
	int n;

	if (c->writing || c->state == CONN_CLOSED)
		return;
	if (layers_any(&c->layers) || c->raw.n > 0) {
		seal(c);
		from = &c->raw;
	}
	if (from->n == 0)
		return;
	b = uv_buf_init((char *)from->p, (unsigned)from->n);
	n = uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
	if (n < 0 && n != UV_EAGAIN) {
		conn_close(c);
		return;
	}
	frames = from == &c->frames ? from->n : c->in_raw;
	c->in_raw = 0;
	if (n >= 0 && (size_t)n == from->n) {
		emptied(from);
		taken_by_socket(c, frames);
		return;
	}
	if (n > 0 && from == &c->frames) { /* what is gone already counts already */
		taken_by_socket(c, (uint64_t)n);
		frames -= (uint64_t)n;
	}
	c->in_sending = frames;
	write_rest(c, from, n > 0 ? (size_t)n : 0);
}

static void on_shut(uv_shutdown_t *r, int status)
{
	(void)r, (void)status; /* if that fails the linger ends it */
}

/* The last words have been handed to the socket. */
static void part(struct conn *c)
{
	if (c->state != CONN_LEAVING || c->writing || c->frames.n > 0 || c->raw.n > 0)
		return;
	if (c->session != NULL) {
		drop_session(c);
		layers_end(&c->layers, &c->raw);
		send_out(c);
		if (c->writing || c->state != CONN_LEAVING)
			return;
	}
	if (c->ended || uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shut) != 0) {
		conn_close(c);
		return;
	}
	c->state = CONN_LINGERS;
	c->until_ms = conn_now(c) + CONN_LINGER_MS;
}

/* ---- the turn ---- */

/* The client has closed its side: what it said before still counts. */
static void see_to_end(struct conn *c)
{
	if (c->state != CONN_OPEN || !c->ended || c->more)
		return;
	if (layers_shaking(&c->layers)) {
		conn_close(c);
	} else if (!c->told_end && takes(c)) { /* it has had all that it can take */
		c->told_end = true;
		session_end(c->session);
	}
	if (c->state == CONN_OPEN && session_closing(c->session))
		leave(c);
}

void conn_turn(struct conn *c)
{
	bool again = go_on(c);

	see_to_end(c);
	send_out(c);
	part(c);
	list_remove(&c->dirty);
	if (c->state == CONN_CLOSED)
		return;
	see_to_reading(c);
	if (c->state == CONN_CLOSED)
		return;
	conn_retime(c, false);
	if (again)
		conn_mark(c);
}

/* ---- the beginning ---- */

static void name_peer(struct conn *c)
{
	struct sockaddr_storage a;
	char host[INET6_ADDRSTRLEN] = "?";
	int n = sizeof a, port = 0;

	if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&a, &n) == 0) {
		bool six = a.ss_family == AF_INET6;

		uv_ip_name((struct sockaddr *)&a, host, sizeof host);
		port = ntohs(six ? ((struct sockaddr_in6 *)&a)->sin6_port : ((struct sockaddr_in *)&a)->sin_port);
	}
	text_format(c->peer, sizeof c->peer, strchr(host, ':') != NULL ? "[%s]:%d" : "%s:%d", host, port);
}

void conn_accept(struct server *s, uv_stream_t *listener)
{
	struct conn *c = calloc(1, sizeof *c);

	must(c != NULL);
	c->server = s;
	list_init(&c->dirty);
	layers_init(&c->layers);
	must(uv_tcp_init(s->setup.loop, &c->tcp) == 0); /* makes no socket yet */
	c->tcp.data = c;
	list_push_back(&s->all, &c->all);
	s->n++;
	if (uv_accept(listener, (uv_stream_t *)&c->tcp) != 0 || s->n > s->setup.connections || s->draining) {
		conn_close(c);
		return;
	}
	uv_tcp_nodelay(&c->tcp, 1);
	uv_tcp_keepalive(&c->tcp, 1, KEEPALIVE_S);
	name_peer(c);
	c->connected_s = clock_wall_ms() / 1000;
	c->timer.tie = (uint64_t)(uintptr_t)c;
	c->session = session_new(&s->world, c, c->peer, &c->frames, conn_now(c));
	conn_mark(c);
}
