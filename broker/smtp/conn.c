/* See conn.h. What is read goes to the session at once, and what it says leaves in one write when it has taken what it
 * can. No more is taken from a client while what it was told waits to be read by it. */
#include "broker/smtp/conn.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"

enum { KEEP = 4096 }; /* bytes that an empty buffer keeps: thousands of connections are idle */

static void emptied(struct buf *b)
{
	if (b->cap > KEEP)
		buf_fini(b);
	buf_clear(b);
}

static uv_handle_t *handle(struct conn *c)
{
	return (uv_handle_t *)&c->io.stream;
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *h)
{
	struct conn *c = h->data;
	struct smtp_server *s = c->server;

	tls_free(c->tls);
	buf_fini(&c->in);
	buf_fini(&c->out);
	buf_fini(&c->raw);
	buf_fini(&c->sending);
	free(c);
	smtp_server_left(s);
}

/* Its line in the log; strangers can cause these. */
static void say_end(struct conn *c)
{
	struct smtp_session_facts f;
	char peer[CIDR_TEXT];
	uint32_t more;

	cidr_show(&c->peer.address, peer);
	if (log_lowest() > LOG_INFO || !quiet_may(&c->server->quiet, peer, conn_now(c), &more))
		return;
	smtp_session_facts(c->session, &f);
	log_line(LOG_INFO, "smtp-session",
	         "peer=%s helo=%s tls='%s' user='%s' mails=%u refused=%u bytes=%llu us=%llu why=%s more=%u", peer,
	         f.helo, f.tls, f.user, f.mails, f.refused, (unsigned long long)f.bytes,
	         (unsigned long long)c->slowest_us, f.why[0] != '\0' ? f.why : "broken", more);
}

static void drop_session(struct conn *c)
{
	smtp_conn_forget(c);
	if (c->session == NULL)
		return;
	say_end(c);
	atomic_fetch_sub_explicit(&c->server->setup.counts->sessions_now, 1, memory_order_relaxed);
	smtp_session_free(c->session);
	c->session = NULL;
}

void smtp_conn_close(struct conn *c)
{
	struct smtp_server *s = c->server;

	if (c->state == CONN_CLOSED)
		return;
	c->state = CONN_CLOSED;
	drop_session(c);
	edge_timers_remove(&s->timers, &c->timer);
	if (c->by_peer)
		peers_remove(&s->peers, &c->peer.address);
	list_remove(&c->all);
	s->n--;
	s->n_turned -= c->turned;
	uv_close(handle(c), on_closed);
	smtp_server_counted(s);
}

void smtp_conn_leave(struct conn *c)
{
	uint64_t idle_ms = c->server->setup.config->idle_ms;

	if (c->state >= CONN_LEAVING)
		return;
	smtp_conn_forget(c);
	c->state = CONN_LEAVING;
	c->until_ms = conn_now(c) + (idle_ms < CONN_LEAVE_MS ? idle_ms : CONN_LEAVE_MS);
}

/* Who has said QUIT, and nothing behind it, has heard all that it wants to. */
static bool has_quit(const struct conn *c)
{
	struct smtp_session_facts f;

	if (c->session == NULL || c->in.n > c->at)
		return false;
	smtp_session_facts(c->session, &f);
	return strcmp(f.why, "quit") == 0;
}

static void shut(struct conn *c)
{
	uv_os_fd_t fd;

	if (uv_fileno(handle(c), &fd) != 0 || shutdown(fd, SHUT_WR) != 0) {
		smtp_conn_close(c);
		return;
	}
	c->state = CONN_LINGERS;
	c->until_ms = conn_now(c) + CONN_LINGER_MS;
}

/* The last words have been handed to the socket. */
static void part(struct conn *c)
{
	bool over = c->ended || has_quit(c);

	if (c->state != CONN_LEAVING || c->writing || c->out.n > 0 || c->raw.n > 0)
		return;
	drop_session(c);
	if (c->tls != NULL) {
		tls_end(c->tls, &c->raw);
		smtp_conn_send(c);
		tls_free(c->tls);
		c->tls = NULL;
		if (c->writing || c->state != CONN_LEAVING)
			return;
	}
	if (over)
		smtp_conn_close(c);
	else
		shut(c);
}

/* ---- out ---- */

static void on_written(uv_write_t *w, int status)
{
	struct conn *c = w->data;

	if (c->state == CONN_CLOSED)
		return;
	c->writing = false;
	emptied(&c->sending);
	if (status != 0)
		smtp_conn_close(c);
	else
		smtp_conn_go(c);
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
	if (uv_write(&c->write, &c->io.stream, &b, 1, on_written) != 0) {
		c->writing = false;
		smtp_conn_close(c);
	}
}

static bool seal(struct conn *c)
{
	if (c->out.n == 0 || conn_shaking(c))
		return true;
	if (!tls_write(c->tls, buf_span(&c->out), &c->raw))
		return false;
	emptied(&c->out);
	return true;
}

void smtp_conn_send(struct conn *c)
{
	struct buf *from = c->tls != NULL ? &c->raw : &c->out;
	uv_buf_t b;
	int n;

	if (c->writing || c->state == CONN_CLOSED)
		return;
	if (c->tls != NULL && !seal(c)) {
		smtp_conn_close(c);
		return;
	}
	if (from->n == 0)
		return;
	b = uv_buf_init((char *)from->p, (unsigned)from->n);
	n = uv_try_write(&c->io.stream, &b, 1);
	if (n < 0 && n != UV_EAGAIN)
		smtp_conn_close(c);
	else if (n >= 0 && (size_t)n == from->n)
		emptied(from);
	else
		write_rest(c, from, n > 0 ? (size_t)n : 0);
}

/* ---- in ---- */

/* Some clients send a mail and its dot in two writes, and their TCP holds the second one until the first is
 * acknowledged, which ours would put off for 40 ms, since there is nothing to answer yet. */
static void acknowledge(struct conn *c)
{
	uv_os_fd_t fd;
	int on = 1;

	if (c->state == CONN_OPEN && c->peer.address.family != 0 && uv_fileno(handle(c), &fd) == 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

static bool takes(const struct conn *c)
{
	return c->state == CONN_OPEN && !c->writing && !conn_shaking(c) && smtp_session_takes(c->session);
}

/* What is taken goes. */
static void compact(struct conn *c)
{
	size_t rest = c->in.n - c->at;

	if (c->at == 0)
		return;
	if (rest > 0)
		memmove(c->in.p, c->in.p + c->at, rest);
	c->in.n = rest;
	c->at = 0;
	if (rest == 0)
		emptied(&c->in);
}

static void through_tls(struct conn *c, struct span raw)
{
	bool shaking = conn_shaking(c);

	switch (tls_read(c->tls, raw, SIZE_MAX, &c->in, &c->raw)) {
	case TLS_END:
		c->ended = true;
		break;
	case TLS_BROKEN:
		log_line(LOG_DEBUG, "smtp-tls", "%s", tls_why(c->tls));
		buf_clear(&c->out); /* cannot be sent any more */
		drop_session(c);
		smtp_conn_leave(c); /* with an alert */
		return;
	default:
		break;
	}
	if (shaking && !conn_shaking(c))
		smtp_conn_secured(c);
}

void smtp_conn_bring_in(struct conn *c, struct span bytes)
{
	size_t taken = 0;

	if (c->tls != NULL) {
		through_tls(c, bytes);
		return;
	}
	if (c->in.n == c->at && takes(c)) /* most often all of it: without a copy */
		taken = smtp_session_take(c->session, bytes, conn_now(c), clock_wall_ms());
	buf_put(&c->in, bytes.p + taken, bytes.n - taken);
}

static void linger_more(struct conn *c, ssize_t n)
{
	if (n < 0 || (c->lingered += (size_t)n) > CONN_LINGER)
		smtp_conn_close(c);
}

static void on_room(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
	struct conn *c = h->data;

	(void)suggested;
	*out = uv_buf_init((char *)c->server->room, CONN_READ);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
	struct conn *c = stream->data;
	bool in_mail = c->state == CONN_OPEN && smtp_session_in_mail(c->session);

	if (n == 0 || c->state == CONN_CLOSED)
		return;
	if (c->state == CONN_LINGERS) {
		linger_more(c, n);
		return;
	}
	if (n == UV_EOF) {
		c->ended = true;
	} else if (n < 0) {
		smtp_conn_close(c);
		return;
	} else if (c->tls == NULL && c->state == CONN_PROXY) {
		smtp_conn_begin_take(c, span_of(b->base, (size_t)n));
	} else if (c->state < CONN_LEAVING) {
		smtp_conn_bring_in(c, span_of(b->base, (size_t)n));
	}
	smtp_conn_go(c);
	if (in_mail && c->state == CONN_OPEN && smtp_session_in_mail(c->session))
		acknowledge(c);
}

/* Stopping and starting costs calls of the system, so a client that only waits for its answer is read from all along:
 * what it says meanwhile is kept, and only then it is stopped. */
static void see_to_reading(struct conn *c)
{
	bool want = c->state == CONN_LINGERS ||
	            (c->state < CONN_LEAVING && !c->ended && (c->state != CONN_OPEN || c->in.n == 0 || takes(c)));

	if (want == c->reading || c->state == CONN_CLOSED)
		return;
	c->reading = want;
	if (!want)
		uv_read_stop(&c->io.stream);
	else if (uv_read_start(&c->io.stream, on_room, on_read) != 0)
		smtp_conn_close(c);
}

/* ---- going on ---- */

/* True: there may be more to do at once. */
static bool step(struct conn *c)
{
	if (takes(c) && conn_waiting(c).n > 0)
		c->at += smtp_session_take(c->session, conn_waiting(c), conn_now(c), clock_wall_ms());
	if (!smtp_session_closing(c->session))
		return smtp_conn_ask(c);
	smtp_conn_leave(c);
	return false;
}

/* The client shakes hands now; what it said outside of TLS is never taken as if it had been said inside. */
static void see_to_tls(struct conn *c)
{
	if (c->state != CONN_OPEN || c->tls != NULL || c->writing || c->out.n > 0 ||
	    smtp_session_asks(c->session) != SMTP_ASK_TLS)
		return;
	c->at = c->in.n;
	c->tls = tls_new(c->server->setup.tls);
	c->until_ms = conn_now(c) + CONN_HANDSHAKE_MS;
}

/* The client has closed its side: what it said before still counts. */
static void see_to_end(struct conn *c)
{
	if (!c->ended || c->told_end || c->state >= CONN_LEAVING)
		return;
	if (c->state != CONN_OPEN || conn_shaking(c)) {
		smtp_conn_close(c);
	} else if (takes(c)) { /* it has had all that it can take */
		c->told_end = true;
		smtp_session_end(c->session);
		step(c);
		smtp_conn_send(c);
	}
}

void smtp_conn_go(struct conn *c)
{
	bool full = true;

	if (c->state == CONN_OPEN && smtp_session_closing(c->session)) /* also while the client does not read */
		smtp_conn_leave(c);
	while (full && c->state == CONN_OPEN && !c->writing) {
		while (c->state == CONN_OPEN && step(c))
			;
		full = c->out.n >= SESSION_OUT;
		smtp_conn_send(c);
	}
	if (c->state != CONN_OPEN)
		smtp_conn_send(c);
	see_to_tls(c);
	compact(c);
	see_to_end(c);
	part(c);
	see_to_reading(c);
	if (c->state != CONN_CLOSED)
		smtp_conn_retime(c, false);
}

/* ---- the beginning ---- */

void smtp_conn_accept(struct smtp_door *d, uv_stream_t *listener)
{
	struct smtp_server *s = d->server;
	struct conn *c = calloc(1, sizeof *c);

	must(c != NULL);
	c->server = s;
	c->came_to = d->which;
	if (d->listen.is_path)
		must(uv_pipe_init(s->setup.loop, &c->io.pipe, 0) == 0);
	else
		must(uv_tcp_init(s->setup.loop, &c->io.tcp) == 0); /* makes no socket yet */
	c->io.stream.data = c;
	c->timer.tie = (uint64_t)(uintptr_t)c;
	list_push_back(&s->all, &c->all);
	s->n++;
	s->handles++;
	if (uv_accept(listener, &c->io.stream) != 0 || s->closing) {
		smtp_conn_close(c);
		return;
	}
	smtp_conn_begin(c);
	smtp_conn_go(c);
	smtp_server_counted(s);
}
