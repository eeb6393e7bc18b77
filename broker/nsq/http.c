/* libmicrohttpd in libuv: its epoll descriptor is watched, its timeouts are a timer; see http.h. */
#include "broker/nsq/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "base/text.h"
#include "broker/nsq/http_door.h"
#include "broker/nsq/http_tls.h"

/* So much of a body that is not wanted is read and dropped, that its sender may read the answer. */
#define DROP_BYTES (16 * 1024 * 1024)

/* GnuTLS's words for which versions may be. */
static char tls12_up[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
static char tls13_only[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3";

struct http {
	struct http_door door;
	struct MHD_Daemon *daemon;
	uv_poll_t poll;
	uv_timer_t timer;
	uv_idle_t gone; /* waits for the door */
	int open;       /* handles of libuv, of these three */
	const struct http_calls *calls;
	void *arg;
	struct http_tls tls;
	enum http_clients clients;
	uint32_t connections;
	uint32_t most;
	uint64_t bodies; /* bytes that are in memory */
	uint64_t most_bodies;
	struct list waiting; /* calls whose answer is not there yet */
	bool running;        /* MHD_run is on the stack */
	bool draining;
	void (*closed)(void *arg);
	void *closed_arg;
};

enum call_state { CALL_HEAD, CALL_BODY, CALL_WAITS, CALL_ANSWERED };

struct http_call {
	struct list node; /* in waiting */
	struct http *h;
	struct MHD_Connection *c;
	enum call_state state;
	bool suspended;
	struct http_request r;
	char *uri;
	char remote[INET6_ADDRSTRLEN];
	struct buf body;
	size_t bound; /* of the body */
	size_t came;  /* bytes of it, also those that were dropped */
	struct MHD_Response *response;
	unsigned status;
};

/* ---- turns ---- */

static void run(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (h->running || h->daemon == NULL)
		return;
	h->running = true;
	MHD_run(h->daemon);
	h->running = false;
	if (MHD_get_timeout(h->daemon, &ms) == MHD_YES)
		uv_timer_start(&h->timer, h->timer.timer_cb, ms, 0);
	else
		uv_timer_stop(&h->timer);
}

static void on_time(uv_timer_t *t)
{
	run(t->data);
}

static void on_ready(uv_poll_t *p, int status, int events)
{
	(void)status;
	(void)events;
	run(p->data);
}

/* Lets it go on in the loop's next turn. */
static void wake(struct http *h)
{
	uv_timer_start(&h->timer, on_time, 0, 0);
}

/* ---- requests ---- */

/* The first that is heard of a request. */
static void *on_uri(void *arg, const char *uri, struct MHD_Connection *c)
{
	struct http_call *call = calloc(1, sizeof *call);
	const char *mark;

	must(call != NULL);
	call->h = arg;
	call->c = c;
	call->uri = strdup(uri);
	must(call->uri != NULL);
	list_init(&call->node);
	buf_init(&call->body);
	mark = strchr(call->uri, '?');
	call->r.path = mark == NULL ? span_str(call->uri) : span_of(call->uri, (size_t)(mark - call->uri));
	call->r.query = mark == NULL ? span_str("") : span_str(mark + 1);
	return call;
}

static void drop_body(struct http_call *call)
{
	call->h->bodies -= call->body.n;
	buf_fini(&call->body);
}

static void on_completed(void *arg, struct MHD_Connection *c, void **slot, enum MHD_RequestTerminationCode code)
{
	struct http_call *call = *slot;

	(void)arg;
	(void)c;
	(void)code;
	if (call == NULL)
		return;
	must(call->state != CALL_WAITS); /* it would be suspended, and so not completed */
	if (call->response != NULL)
		MHD_destroy_response(call->response);
	drop_body(call);
	free(call->uri);
	free(call);
	*slot = NULL;
}

static void take_remote(struct http_call *call)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(call->c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *a = i == NULL ? NULL : i->client_addr;

	if (a != NULL && a->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, call->remote,
		          sizeof call->remote);
	else if (a != NULL && a->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, call->remote,
		          sizeof call->remote);
	call->r.remote = call->remote;
}

static const char *header(const struct http_call *call, const char *name)
{
	return MHD_lookup_connection_value(call->c, MHD_HEADER_KIND, name);
}

static void take_head(struct http_call *call, const char *method)
{
	const char *auth = header(call, MHD_HTTP_HEADER_AUTHORIZATION);

	call->r.method = method;
	call->r.tls = call->h->tls.cert != NULL;
	if (auth != NULL && strncasecmp(auth, "Bearer ", 7) == 0)
		call->r.secret = auth + 7;
	take_remote(call);
	call->bound = call->h->calls->body_bound(call->h->arg, &call->r);
}

static void pass_on(struct http_call *call)
{
	struct http *h = call->h;

	call->r.body = call->r.too_big ? span_str("") : buf_span(&call->body);
	call->state = CALL_WAITS;
	list_push_back(&h->waiting, &call->node);
	h->calls->request(h->arg, call, &call->r);
	if (call->state == CALL_WAITS) {
		call->suspended = true;
		MHD_suspend_connection(call->c);
	}
}

/* The head is there. True: the request is passed on without its body. */
static bool began(struct http_call *call, const char *method)
{
	const char *length, *expect;
	unsigned long long n;

	take_head(call, method);
	if (!http_tls_admits(call->c, call->h->clients))
		return false;
	length = header(call, MHD_HTTP_HEADER_CONTENT_LENGTH);
	expect = header(call, MHD_HTTP_HEADER_EXPECT);
	n = length == NULL ? 0 : strtoull(length, NULL, 10); /* libmicrohttpd has seen that it is a number */
	call->state = CALL_BODY;
	if (n <= call->bound)
		return false;
	call->r.too_big = call->bound > 0;
	return call->r.too_big && (expect != NULL || n - call->bound > DROP_BYTES);
}

static bool body_came(struct http_call *call, const char *p, size_t n)
{
	call->came += n;
	if (call->came > call->bound && call->bound > 0)
		call->r.too_big = true;
	if (call->r.too_big || call->bound == 0) {
		drop_body(call);
	} else if (call->h->bodies + n > call->h->most_bodies) {
		log_line(LOG_WARN, "nsq-http-full", "a request is refused: the bodies of others fill %llu bytes",
		         (unsigned long long)call->h->most_bodies);
		return false;
	} else {
		call->h->bodies += n;
		buf_put(&call->body, p, n);
	}
	return call->came <= call->bound || call->came - call->bound <= DROP_BYTES;
}

static enum MHD_Result queue(struct http_call *call)
{
	enum MHD_Result good = MHD_queue_response(call->c, call->status, call->response);

	MHD_destroy_response(call->response);
	call->response = NULL;
	return good;
}

/* libmicrohttpd calls it when the head is there, for each piece of the body, at its end, and after each resume. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *n, void **slot)
{
	struct http_call *call = *slot;

	(void)arg;
	(void)c;
	(void)url;
	(void)version;
	switch (call->state) {
	case CALL_HEAD:
		if (began(call, method))
			pass_on(call);
		else if (call->state == CALL_HEAD)
			return MHD_NO; /* without the certificate that it has to have */
		break;
	case CALL_BODY:
		if (*n > 0) {
			if (!body_came(call, data, *n))
				return MHD_NO;
			*n = 0;
			return MHD_YES;
		}
		pass_on(call);
		break;
	case CALL_WAITS:
	case CALL_ANSWERED:
		break;
	}
	return call->state == CALL_ANSWERED ? queue(call) : MHD_YES;
}

static void add(struct MHD_Response *m, const char *name, const char *value)
{
	if (value != NULL)
		must(MHD_add_response_header(m, name, value) == MHD_YES);
}

void http_answer(struct http_call *call, const struct http_reply *reply)
{
	struct MHD_Response *m;
	void *copy = NULL;

	must(call->state == CALL_WAITS && call->response == NULL);
	if (reply->body.n > 0) {
		copy = malloc(reply->body.n);
		must(copy != NULL);
		memcpy(copy, reply->body.p, reply->body.n);
	}
	m = MHD_create_response_from_buffer(reply->body.n, copy,
	                                    copy == NULL ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);
	must(m != NULL);
	add(m, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type);
	add(m, MHD_HTTP_HEADER_ALLOW, reply->allow);
	add(m, "X-NSQ-Content-Type", reply->plain ? NULL : "nsq; version=1.0");
	add(m, MHD_HTTP_HEADER_CONNECTION, call->h->draining || call->r.too_big ? "close" : NULL);
	call->response = m;
	call->status = reply->status;
	call->state = CALL_ANSWERED;
	list_remove(&call->node);
	if (call->suspended) {
		call->suspended = false;
		MHD_resume_connection(call->c);
		wake(call->h);
	}
}

/* ---- connections ---- */

static void on_connection(void *arg, struct MHD_Connection *c, void **slot, enum MHD_ConnectionNotificationCode code)
{
	struct http *h = arg;
	const union MHD_ConnectionInfo *i;
	int fd;

	(void)slot;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		h->connections++;
		return;
	}
	h->connections--;
	i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	fd = i == NULL ? -1 : fcntl(i->connect_fd, F_DUPFD_CLOEXEC, 0); /* its own is closed now */
	if (fd >= 0)
		linger_close(&h->door.linger, fd);
}

static bool room(void *arg)
{
	const struct http *h = arg;

	return h->connections + h->door.n_waiting < h->most;
}

static void enter(void *arg, int fd)
{
	struct http *h = arg;
	struct sockaddr_storage a;
	socklen_t n = sizeof a;

	if (getpeername(fd, (struct sockaddr *)&a, &n) < 0) {
		close(fd);
		return;
	}
	if (MHD_add_connection(h->daemon, fd, (struct sockaddr *)&a, n) != MHD_YES)
		return; /* it has closed it */
	run(h);
}

uint16_t http_port(const struct http *h)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof a;

	if (getsockname(h->door.fd, (struct sockaddr *)&a, &n) < 0)
		return 0;
	return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&a)->sin6_port
	                                     : ((struct sockaddr_in *)(void *)&a)->sin_port);
}

/* ---- opening and closing ---- */

static struct MHD_Daemon *start(struct http *h, const struct http_options *o)
{
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, h->tls.cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, h->tls.key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, o->least_tls13 ? tls13_only : tls12_up },
		{ h->tls.ca == NULL ? MHD_OPTION_END : MHD_OPTION_HTTPS_MEM_TRUST, 0, h->tls.ca },
		{ MHD_OPTION_END, 0, NULL },
	};

	if (h->tls.cert == NULL)
		tls[0].option = MHD_OPTION_END;
	return MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET |
		(h->tls.cert != NULL ? MHD_USE_TLS : 0),
	    0, NULL, NULL, on_request, h, MHD_OPTION_CONNECTION_LIMIT, (unsigned)h->most, MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)(o->idle_s > 0 ? o->idle_s : DEFAULT_HTTP_IDLE), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)LIMIT_HTTP_HEAD, MHD_OPTION_URI_LOG_CALLBACK, on_uri, h, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
	    h, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

struct http *http_open(uv_loop_t *loop, const struct http_options *o, const struct http_calls *calls, void *arg,
                       char err[HTTP_ERR])
{
	struct http *h = calloc(1, sizeof *h);
	int fd = -1;

	must(h != NULL);
	h->calls = calls;
	h->arg = arg;
	h->most = o->connections;
	h->most_bodies = o->bodies;
	h->clients = o->clients;
	list_init(&h->waiting);
	if (http_tls_read(&h->tls, o, err))
		fd = http_listen(o->address, o->port, err);
	if (fd >= 0) {
		h->daemon = start(h, o);
		if (h->daemon == NULL) {
			text_format(err, HTTP_ERR, "%s",
			            o->cert == NULL ? "the HTTP server cannot start"
			                            : "certificate and key are not what TLS for HTTP can use");
			close(fd);
		}
	}
	if (h->daemon == NULL) {
		http_tls_free(&h->tls);
		free(h);
		return NULL;
	}
	h->door.enter = enter;
	h->door.room = room;
	h->door.arg = h;
	h->door.tls = o->cert != NULL;
	h->door.idle_s = o->idle_s > 0 ? o->idle_s : DEFAULT_HTTP_IDLE;
	http_door_open(&h->door, loop, fd);
	must(uv_poll_init(loop, &h->poll, MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd) == 0);
	uv_timer_init(loop, &h->timer);
	uv_idle_init(loop, &h->gone);
	h->poll.data = h->timer.data = h->gone.data = h;
	h->open = 3;
	uv_poll_start(&h->poll, UV_READABLE, on_ready);
	wake(h);
	return h;
}

void http_drain(struct http *h)
{
	h->draining = true;
	http_door_shut(&h->door);
}

static void on_closed(uv_handle_t *x)
{
	struct http *h = x->data;

	if (--h->open > 0)
		return;
	http_tls_free(&h->tls);
	h->closed(h->closed_arg);
	free(h);
}

static void on_idle(uv_idle_t *x)
{
	struct http *h = x->data;

	if (http_door_gone(&h->door))
		uv_close((uv_handle_t *)x, on_closed);
}

void http_close(struct http *h, void (*closed)(void *arg), void *arg)
{
	static const struct http_reply late = { .status = 503, .plain = true };

	http_drain(h);
	h->closed = closed;
	h->closed_arg = arg;
	while (!list_empty(&h->waiting))
		http_answer(list_item(h->waiting.next, struct http_call, node), &late);
	run(h); /* sends what is answered, as far as sockets take it */
	uv_poll_stop(&h->poll);
	uv_close((uv_handle_t *)&h->poll, on_closed);
	uv_close((uv_handle_t *)&h->timer, on_closed);
	MHD_stop_daemon(h->daemon);
	h->daemon = NULL;
	linger_stop(&h->door.linger);
	uv_idle_start(&h->gone, on_idle);
}
