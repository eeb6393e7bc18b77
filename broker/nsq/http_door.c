/* Who comes to an HTTP port; see http_door.h. */
#include "broker/nsq/http_door.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

enum { METHOD_LETTERS = 20, ACCEPTS = 64 };

/* A connection that has not said anything yet. */
struct guest {
	struct list node;
	struct http_door *d;
	uv_poll_t poll;
	uint64_t since; /* of uv_now */
	int fd;         /* -1: it is no longer ours */
};

enum http_first http_first(struct span b, bool tls)
{
	size_t n = 0;
	bool request;

	while (n < b.n && b.p[n] >= 'A' && b.p[n] <= 'Z')
		n++;
	/* a method and a blank, or as much of these as has come */
	request = n > 0 && n <= METHOD_LETTERS && (n == b.n || b.p[n] == ' ');
	if (!tls)
		return request ? HTTP_FIRST_GOOD : HTTP_FIRST_GARBAGE;
	if (b.p[0] == 0x16) /* a TLS handshake */
		return HTTP_FIRST_GOOD;
	return request ? HTTP_FIRST_PLAIN : HTTP_FIRST_GARBAGE;
}

static void say(int fd, const char *body)
{
	char text[256];
	int n = snprintf(text, sizeof text,
	                 "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
	                 "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
	                 strlen(body), body);

	if (send(fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return; /* it is gone, or reads nothing: nothing to be told */
}

static void on_guest_closed(uv_handle_t *h)
{
	struct guest *g = h->data;

	g->d->open--;
	free(g);
}

/* Its socket is ours again. */
static int release(struct guest *g)
{
	int fd = g->fd;

	g->fd = -1;
	list_remove(&g->node);
	g->d->n_waiting--;
	uv_poll_stop(&g->poll);
	uv_close((uv_handle_t *)&g->poll, on_guest_closed);
	return fd;
}

static void on_guest(uv_poll_t *h, int status, int events)
{
	struct guest *g = h->data;
	struct http_door *d = g->d;
	uint8_t first[METHOD_LETTERS + 1];
	ssize_t n;
	int fd;

	(void)events;
	n = status < 0 ? 0 : recv(g->fd, first, sizeof first, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	fd = release(g);
	if (n <= 0) {
		close(fd);
		return;
	}
	switch (http_first(span_of(first, (size_t)n), d->tls)) {
	case HTTP_FIRST_GOOD:
		d->enter(d->arg, fd);
		break;
	case HTTP_FIRST_GARBAGE:
		say(fd, "400 Bad Request");
		linger_close(&d->linger, fd);
		break;
	case HTTP_FIRST_PLAIN:
		say(fd, "Client sent an HTTP request to an HTTPS server.\n");
		linger_close(&d->linger, fd);
		break;
	}
}

static void admit(struct http_door *d, int fd)
{
	struct guest *g;

	if (d->n_waiting >= LIMIT_HTTP_CONNECT || !d->room(d->arg)) {
		log_line(LOG_WARN, "nsq-http-full", "a connection is refused: there are as many as there may be");
		close(fd);
		return;
	}
	g = calloc(1, sizeof *g);
	must(g != NULL);
	g->d = d;
	g->fd = fd;
	if (uv_poll_init(d->listen.loop, &g->poll, fd) < 0) {
		close(fd);
		free(g);
		return;
	}
	g->poll.data = g;
	g->since = uv_now(d->listen.loop);
	d->open++;
	d->n_waiting++;
	list_push_back(&d->waiting, &g->node);
	uv_poll_start(&g->poll, UV_READABLE, on_guest);
}

static void on_listen(uv_poll_t *h, int status, int events)
{
	struct http_door *d = h->data;

	(void)events;
	if (status < 0)
		return;
	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept4(d->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return; /* EAGAIN, or something that the next one has not */
		admit(d, fd);
	}
}

static void on_sweep(uv_timer_t *h)
{
	struct http_door *d = h->data;
	uint64_t now = uv_now(h->loop);

	while (!list_empty(&d->waiting)) {
		struct guest *g = list_item(d->waiting.next, struct guest, node);

		if (now - g->since < (uint64_t)d->idle_s * 1000)
			break;
		close(release(g));
	}
}

void http_door_open(struct http_door *d, uv_loop_t *loop, int fd)
{
	d->fd = fd;
	list_init(&d->waiting);
	linger_init(&d->linger, loop, LIMIT_HTTP_CONNECT);
	must(uv_poll_init(loop, &d->listen, fd) == 0);
	uv_timer_init(loop, &d->sweep);
	d->listen.data = d->sweep.data = d;
	d->open = 2;
	uv_poll_start(&d->listen, UV_READABLE, on_listen);
	uv_timer_start(&d->sweep, on_sweep, 1000, 1000);
}

static void on_closed(uv_handle_t *h)
{
	struct http_door *d = h->data;

	d->open--;
}

void http_door_shut(struct http_door *d)
{
	if (d->shut)
		return;
	d->shut = true;
	uv_poll_stop(&d->listen);
	uv_close((uv_handle_t *)&d->listen, on_closed);
	uv_close((uv_handle_t *)&d->sweep, on_closed);
	close(d->fd);
	while (!list_empty(&d->waiting))
		close(release(list_item(d->waiting.next, struct guest, node)));
}

bool http_door_gone(const struct http_door *d)
{
	return d->shut && d->open == 0 && d->linger.n == 0;
}
