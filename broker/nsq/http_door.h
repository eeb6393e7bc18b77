/* The door of an HTTP port: takes connections, looks at their first bytes without reading them, and hands those that
 * begin as HTTP (or TLS) do to the server. libmicrohttpd closes on garbage without a word; here it gets a 400. */
#ifndef SHEAF_NSQ_HTTP_DOOR_H
#define SHEAF_NSQ_HTTP_DOOR_H

#include "base/list.h"
#include "base/span.h"
#include "broker/nsq/http.h"
#include "broker/nsq/linger.h"

#define LIMIT_HTTP_CONNECT 512 /* connections that have not said anything yet */

/* A socket that listens at the first address of the host that can be bound; * is every address. -1 with a sentence. */
MUST_CHECK int http_listen(const char *address, uint16_t port, char err[HTTP_ERR]);

enum http_first {
	HTTP_FIRST_GOOD,
	HTTP_FIRST_GARBAGE,
	HTTP_FIRST_PLAIN /* HTTP at a port that wants TLS */
};

/* Judges the first bytes, at least one of them. */
enum http_first http_first(struct span bytes, bool tls);

struct http_door {
	uv_poll_t listen;
	uv_timer_t sweep; /* of those that say nothing */
	int fd;
	int open; /* handles of libuv */
	bool tls;
	bool shut;
	uint32_t idle_s;
	struct linger_set linger;
	struct list waiting;
	uint32_t n_waiting;
	/* Takes the socket. */
	void (*enter)(void *arg, int fd);
	/* Is there room for another? */
	bool (*room)(void *arg);
	void *arg;
};

/* Watches the listening socket, which it takes. */
void http_door_open(struct http_door *d, uv_loop_t *loop, int fd);

/* No more connections. */
void http_door_shut(struct http_door *d);

/* True once the loop has nothing of it any more; call it after http_door_shut until then. */
bool http_door_gone(const struct http_door *d);

#endif
