/* Connections that are half closed; see linger.h. */
#include "broker/nsq/linger.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct half {
	struct list node;
	struct linger_set *l;
	uv_poll_t poll;
	uv_timer_t timer;
	int fd;
	int open;       /* handles of libuv */
	size_t dropped; /* bytes */
};

void linger_init(struct linger_set *l, uv_loop_t *loop, uint32_t most)
{
	*l = (struct linger_set){ .loop = loop, .most = most };
	list_init(&l->all);
}

static void on_closed(uv_handle_t *h)
{
	struct half *x = h->data;

	if (--x->open > 0)
		return;
	x->l->n--;
	free(x);
}

static void end(struct half *x)
{
	if (x->fd < 0)
		return;
	list_remove(&x->node);
	uv_poll_stop(&x->poll);
	uv_close((uv_handle_t *)&x->poll, on_closed);
	uv_close((uv_handle_t *)&x->timer, on_closed);
	close(x->fd);
	x->fd = -1;
}

static void on_time(uv_timer_t *h)
{
	end(h->data);
}

/* True: the peer may still send. */
static bool drop(int fd, size_t *dropped)
{
	static uint8_t waste[64 * 1024]; /* what lands here is never read: threads may share it */

	while (*dropped < LINGER_BYTES) {
		ssize_t n = recv(fd, waste, sizeof waste, MSG_DONTWAIT);

		if (n > 0)
			*dropped += (size_t)n;
		else
			return n < 0 && (errno == EAGAIN || errno == EINTR);
	}
	return false;
}

static void on_ready(uv_poll_t *h, int status, int events)
{
	struct half *x = h->data;

	(void)events;
	if (status < 0 || !drop(x->fd, &x->dropped))
		end(x);
}

void linger_close(struct linger_set *l, int fd)
{
	struct half *x;
	size_t dropped = 0;

	shutdown(fd, SHUT_WR);
	if (l->n >= l->most || !drop(fd, &dropped)) {
		close(fd);
		return;
	}
	x = calloc(1, sizeof *x);
	must(x != NULL);
	*x = (struct half){ .l = l, .fd = fd, .open = 2, .dropped = dropped };
	if (uv_poll_init(l->loop, &x->poll, fd) < 0) {
		close(fd);
		free(x);
		return;
	}
	uv_timer_init(l->loop, &x->timer);
	x->poll.data = x->timer.data = x;
	list_push_back(&l->all, &x->node);
	l->n++;
	uv_poll_start(&x->poll, UV_READABLE, on_ready);
	uv_timer_start(&x->timer, on_time, LINGER_MS, 0);
}

void linger_stop(struct linger_set *l)
{
	while (!list_empty(&l->all))
		end(list_item(l->all.next, struct half, node));
}
