/* See nsq_conn.h. */
#include "bench/nsq_conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "bench/nsq_load.h"

enum { FRAME_MOST = 16 << 20, HEAD = 8, EVENTS = 256, SETUP_SECONDS = 10 };

void loop_init(struct loop *l)
{
	*l = (struct loop){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
	if (l->epoll < 0)
		load_die(LOAD_FAILED, "epoll: %s", strerror(errno));
}

void loop_fini(struct loop *l)
{
	close(l->epoll);
}

/* ---- setting up, which may block ---- */

static int dial(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *all, *a;
	struct timeval limit = { .tv_sec = SETUP_SECONDS };
	int e = getaddrinfo(host, port, &hints, &all), fd = -1, one = 1;

	if (e != 0)
		load_die(LOAD_UNREACHABLE, "%s: %s", host, gai_strerror(e));
	for (a = all; a != NULL && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
		if (fd < 0)
			load_die(LOAD_FAILED, "a socket: %s%s", strerror(errno),
			         errno == EMFILE ? "; `ulimit -n` says how many files may be open" : "");
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
		if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(all);
	if (fd < 0)
		load_die(LOAD_UNREACHABLE, "nothing answers at %s:%s: %s", host, port, strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static void read_all(struct conn *c, uint8_t *p, size_t n)
{
	for (size_t got = 0; got < n;) {
		ssize_t r = recv(c->fd, p + got, n - got, 0);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			load_die(LOAD_UNREACHABLE, "the server %s",
			         r == 0 ? "closed the connection" : "does not answer");
		got += (size_t)r;
	}
}

static void write_all(struct conn *c, const void *p, size_t n)
{
	for (size_t sent = 0; sent < n;) {
		ssize_t r = send(c->fd, (const uint8_t *)p + sent, n - sent, MSG_NOSIGNAL);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			load_die(LOAD_UNREACHABLE, "the server does not read");
		sent += (size_t)r;
	}
}

/* Waits for a response; heartbeats are answered. The text is in c->in. */
static void await_response(struct conn *c, const char *to)
{
	for (;;) {
		uint8_t head[HEAD];
		uint32_t n, type;

		read_all(c, head, sizeof head);
		n = be_get32(head) - 4;
		type = be_get32(head + 4);
		if (n > FRAME_MOST)
			load_die(LOAD_FAILED, "that is no NSQ server: a frame of %u bytes", n);
		buf_clear(&c->in);
		read_all(c, buf_room(&c->in, n + 1), n);
		c->in.n = n;
		c->in.p[n] = 0;
		if (type == FRAME_RESPONSE && strcmp((char *)c->in.p, "_heartbeat_") == 0)
			write_all(c, "NOP\n", 4);
		else if (type == FRAME_RESPONSE)
			return;
		else
			load_die(LOAD_REFUSED, "%s was answered with: %s", to, (char *)c->in.p);
	}
}

void conn_open(struct conn *c, struct loop *l, const char *host, const char *port, size_t chunk,
               const struct conn_calls *calls, void *arg)
{
	static const char who[] =
	    "{\"client_id\":\"nsq-load\",\"hostname\":\"nsq-load\",\"user_agent\":\"nsq-load/" SHEAF_VERSION
	    "\",\"feature_negotiation\":true,\"heartbeat_interval\":30000}";
	uint8_t size[4];

	*c = (struct conn){ .fd = dial(host, port), .calls = calls, .arg = arg, .loop = l, .chunk = chunk };
	buf_init(&c->in);
	buf_init(&c->out);
	be_put32(size, sizeof who - 1);
	conn_put_text(c, "  V2IDENTIFY\n");
	buf_put(&c->out, size, sizeof size);
	conn_put_text(c, who);
	write_all(c, c->out.p, c->out.n);
	buf_clear(&c->out);
}

void conn_subscribe(struct conn *c, const char *topic, const char *channel)
{
	char line[256];
	int n = snprintf(line, sizeof line, "SUB %s %s\n", topic, channel);

	write_all(c, line, (size_t)n);
	c->subscribes = true;
}

void conn_await(struct conn *c)
{
	await_response(c, "IDENTIFY");
	if (c->in.n == 0 || c->in.p[0] != '{')
		load_die(LOAD_FAILED, "IDENTIFY was not answered with what was negotiated");
	if (c->subscribes)
		await_response(c, "SUB");
}

void conn_start(struct conn *c)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

	buf_clear(&c->in);
	c->at = 0;
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 || epoll_ctl(c->loop->epoll, EPOLL_CTL_ADD, c->fd, &e) != 0)
		load_die(LOAD_FAILED, "a socket: %s", strerror(errno));
}

void conn_close(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_fini(&c->in);
	buf_fini(&c->out);
}

/* ---- writing ---- */

void conn_put_text(struct conn *c, const char *text)
{
	buf_put(&c->out, text, strlen(text));
}

static void broken(struct conn *c, const char *why)
{
	if (c->fd < 0)
		return;
	close(c->fd);
	c->fd = -1;
	c->calls->closed(c, why);
}

static void watch_room(struct conn *c, bool on)
{
	struct epoll_event e = { .events = EPOLLIN | (on ? EPOLLOUT : 0u), .data.ptr = c };

	if (c->waits_to_write == on || c->fd < 0)
		return;
	c->waits_to_write = on;
	epoll_ctl(c->loop->epoll, EPOLL_CTL_MOD, c->fd, &e);
}

size_t conn_write(struct conn *c, const struct iovec *v, int n)
{
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)v, .msg_iovlen = (size_t)n };
	ssize_t r;

	if (c->fd < 0)
		return 0;
	do
		r = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (r < 0 && errno == EINTR);
	if (r >= 0)
		return (size_t)r;
	if (errno == EAGAIN)
		watch_room(c, true);
	else
		broken(c, strerror(errno));
	return 0;
}

void conn_flush(struct conn *c)
{
	while (c->out_at < c->out.n && !c->midway) {
		struct iovec v = { c->out.p + c->out_at, c->out.n - c->out_at };
		size_t sent = conn_write(c, &v, 1);

		if (sent == 0)
			return;
		c->out_at += sent;
	}
	if (c->out_at == c->out.n) {
		buf_clear(&c->out);
		c->out_at = 0;
	}
}

/* ---- reading ---- */

static void other_frame(struct conn *c, uint32_t type, const uint8_t *data, size_t n)
{
	if (type == FRAME_RESPONSE && n == 11 && memcmp(data, "_heartbeat_", 11) == 0)
		conn_put_text(c, "NOP\n");
	else
		c->calls->response(c, type, data, n);
}

/* Tells all frames that are there. False: what came is no frame. */
static bool tell_frames(struct conn *c)
{
	while (c->in.n - c->at >= HEAD) {
		const uint8_t *p = c->in.p + c->at;
		uint32_t n = be_get32(p), type = be_get32(p + 4);

		if (n < 4 || n > FRAME_MOST)
			return false;
		if (c->in.n - c->at < n + 4u)
			break;
		c->at += n + 4u;
		if (likely(type == FRAME_MESSAGE && n >= 4 + MESSAGE_HEAD))
			c->calls->message(c, p + HEAD, n - 4);
		else
			other_frame(c, type, p + HEAD, n - 4);
		if (c->fd < 0)
			return true;
	}
	return true;
}

static void readable(struct conn *c)
{
	ssize_t r;

	/* what is left of the last read, less than a frame, moves to the front */
	if (c->at > 0) {
		memmove(c->in.p, c->in.p + c->at, c->in.n - c->at);
		c->in.n -= c->at;
		c->at = 0;
	}
	buf_room(&c->in, c->chunk);
	r = recv(c->fd, c->in.p + c->in.n, c->in.cap - c->in.n, 0);
	if (r < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (r <= 0) {
		broken(c, r == 0 ? "the server closed the connection" : strerror(errno));
		return;
	}
	c->in.n += (size_t)r;
	if (!tell_frames(c))
		broken(c, "the server sent what is no frame");
}

void loop_turn(struct loop *l, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(l->epoll, events, EVENTS, timeout_ms);

	for (int i = 0; i < n; i++) {
		struct conn *c = events[i].data.ptr;

		if (c->fd >= 0 && (events[i].events & EPOLLOUT))
			watch_room(c, false);
		if (c->fd >= 0 && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
			readable(c);
		if (c->fd >= 0)
			conn_flush(c);
		if (c->fd >= 0)
			c->calls->turn(c);
	}
}

void loop_turn_ns(struct loop *l, uint64_t timeout_ns)
{
	struct pollfd p = { .fd = l->epoll, .events = POLLIN };
	struct timespec t = { (time_t)(timeout_ns / 1000000000), (long)(timeout_ns % 1000000000) };

	if (ppoll(&p, 1, &t, NULL) > 0)
		loop_turn(l, 0);
}
