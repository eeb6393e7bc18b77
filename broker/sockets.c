/* See sockets.h. */
#include "broker/sockets.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/text.h"

enum {
	ROUTE_BYTES = 5,       /* of an automatic routing id: 0 and 32 bits */
	ROUTER_HWM = 10000,    /* messages waiting for one client or worker before it is left to ask again */
	OWED_FROM = 4096,      /* messages below this are bounded by ROUTER_HWM alone */
	OWED_MOST = 64 << 20,  /* bytes waiting for one client, likewise */
	EDGE_MOST = 512 << 20, /* for one edge, which has all its clients' windows */
	OTHER_FILES = 128,     /* descriptors for everything but workers and clients */
	FILES_PER_WORKER = 6,  /* control, results, jobs: a listening socket and what ZeroMQ needs for each */
	STUCK_MS = 2000,       /* without a connection that long, a worker is unreachable */
	BIND_TRIES = 20,
	BIND_PAUSE_MS = 50,
	LINGER_MS = 500 /* at shutdown, for answers on their way */
};

static uint64_t route_of(const uint8_t *p)
{
	return (uint64_t)p[0] << 32 | (uint64_t)p[1] << 24 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 8 | p[4];
}

static void route_bytes(uint64_t route, uint8_t p[ROUTE_BYTES])
{
	for (int i = 0; i < ROUTE_BYTES; i++)
		p[i] = (uint8_t)(route >> (8 * (ROUTE_BYTES - 1 - i)));
}

static void set(void *socket, int option, int value)
{
	int r = zmq_setsockopt(socket, option, &value, sizeof value);

	must(r == 0);
}

static void *make(struct sockets *s, int type, int hwm, int linger, enum door_domain domain, uint32_t principal)
{
	void *socket = zmq_socket(s->context, type);
	int64_t most = (int64_t)LIMIT_MESSAGE;

	if (socket == NULL)
		return NULL;
	set(socket, ZMQ_SNDHWM, hwm);
	set(socket, ZMQ_RCVHWM, hwm);
	set(socket, ZMQ_LINGER, linger);
	set(socket, ZMQ_TCP_KEEPALIVE, 1);
	set(socket, ZMQ_TCP_KEEPALIVE_IDLE, 30);
	zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
	if (s->door == NULL || door_guard(s->door, socket, domain, principal))
		return socket;
	zmq_close(socket);
	return NULL;
}

/* A broker that was killed a moment ago may still hold its port. */
static int bind_patiently(void *socket, const char *endpoint)
{
	int r = zmq_bind(socket, endpoint);

	for (int i = 0; i < BIND_TRIES && r != 0 && errno == EADDRINUSE; i++) {
		poll(NULL, 0, BIND_PAUSE_MS);
		r = zmq_bind(socket, endpoint);
	}
	return r;
}

static void *open_bound(struct sockets *s, int type, enum door_domain domain, const char *endpoint,
                        char at[LIMIT_ENDPOINT], char *err)
{
	size_t n = LIMIT_ENDPOINT;
	void *socket = make(s, type, type == ZMQ_ROUTER ? ROUTER_HWM : 0, LINGER_MS, domain, 0);

	if (socket == NULL) {
		text_format(err, OPTIONS_ERR, "cannot make a socket: %s", zmq_strerror(errno));
		return NULL;
	}
	if (type == ZMQ_ROUTER)
		set(socket, ZMQ_ROUTER_MANDATORY, 1);
	if (bind_patiently(socket, endpoint) != 0 || zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, at, &n) != 0) {
		text_format(err, OPTIONS_ERR, "cannot listen on %s: %s", endpoint, zmq_strerror(errno));
		zmq_close(socket);
		return NULL;
	}
	return socket;
}

/* Nobody outside of this process reaches it, so no door guards it. */
static bool open_edges(struct sockets *s, char *err)
{
	s->edges = zmq_socket(s->context, ZMQ_ROUTER);
	if (s->edges == NULL) {
		text_format(err, OPTIONS_ERR, "cannot make a socket: %s", zmq_strerror(errno));
		return false;
	}
	set(s->edges, ZMQ_SNDHWM, ROUTER_HWM);
	set(s->edges, ZMQ_RCVHWM, ROUTER_HWM);
	set(s->edges, ZMQ_LINGER, 0);
	set(s->edges, ZMQ_ROUTER_MANDATORY, 1);
	if (zmq_bind(s->edges, EDGES_AT) == 0)
		return true;
	text_format(err, OPTIONS_ERR, "cannot listen on %s: %s", EDGES_AT, zmq_strerror(errno));
	return false;
}

/* Raises the number of descriptors to what is allowed; the number of workers follows from it. */
static void raise_limits(struct sockets *s)
{
	uint32_t ports = (uint32_t)(s->config->jobs_last - s->config->jobs_first) + 1, files;
	struct rlimit r;

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	getrlimit(RLIMIT_NOFILE, &r);
	files = r.rlim_cur > 1000000 ? 1000000 : (uint32_t)r.rlim_cur;
	s->workers_max = files > 2 * OTHER_FILES ? (files - OTHER_FILES) / 2 / FILES_PER_WORKER : 1;
	if (s->workers_max > ports)
		s->workers_max = ports;
	if (s->workers_max > LIMIT_WORKERS)
		s->workers_max = LIMIT_WORKERS;
	zmq_ctx_set(s->context, ZMQ_MAX_SOCKETS, (int)s->workers_max + OTHER_FILES);
	log_line(LOG_INFO, "limits", "files=%u workers=%u", files, s->workers_max);
}

int sockets_open(struct sockets *s, const struct config *c, char err[OPTIONS_ERR])
{
	*s = (struct sockets){ .config = c, .context = zmq_ctx_new() };
	s->owed = calloc(SOCKETS_OWED + EDGES_OWED, sizeof *s->owed);
	must(s->context != NULL && s->owed != NULL);
	raise_limits(s);
	if (c->keys != NULL) {
		char why[KEYS_ERR];

		s->door = door_new(s->context, c->keys, why);
		if (s->door == NULL) {
			text_format(err, OPTIONS_ERR, "--keys: %s", why);
			return -1;
		}
	}
	s->clients = open_bound(s, ZMQ_ROUTER, DOOR_CLIENTS, c->listen, s->clients_at, err);
	if (s->clients == NULL)
		return -1;
	s->workers = open_bound(s, ZMQ_ROUTER, DOOR_WORKERS, c->workers, s->workers_at, err);
	if (s->workers == NULL)
		return -1;
	s->results = open_bound(s, ZMQ_PULL, DOOR_RESULTS, c->results, s->results_at, err);
	return s->results != NULL && (!c->edges || open_edges(s, err)) ? 0 : -1;
}

void sockets_close(struct sockets *s)
{
	struct push *p, *next;

	HASH_ITER(hh, s->pushes, p, next)
	sockets_push_close(s, p->session);
	if (s->clients != NULL)
		zmq_close(s->clients);
	if (s->edges != NULL)
		zmq_close(s->edges);
	if (s->workers != NULL)
		zmq_close(s->workers);
	if (s->results != NULL)
		zmq_close(s->results);
	door_free(s->door); /* last of all: without a handler libzmq lets everybody in */
	if (s->context != NULL)
		zmq_ctx_term(s->context);
	free((void *)s->owed); /* messages on their way count there until then */
}

/* Throws away the rest of a message. */
static void skip(void *socket, zmq_msg_t *frame)
{
	while (zmq_msg_more(frame)) {
		zmq_msg_close(frame);
		zmq_msg_init(frame);
		if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0)
			return;
	}
}

enum sockets_got sockets_take(void *router, uint64_t *route, zmq_msg_t *frame)
{
	zmq_msg_init(frame);
	*route = 0;
	if (zmq_msg_recv(frame, router, ZMQ_DONTWAIT) < 0) {
		zmq_msg_close(frame);
		return GOT_NOTHING;
	}
	if (zmq_msg_size(frame) == ROUTE_BYTES)
		*route = route_of(zmq_msg_data(frame));
	if (!zmq_msg_more(frame))
		return GOT_STRANGE;
	zmq_msg_close(frame);
	zmq_msg_init(frame);
	if (zmq_msg_recv(frame, router, ZMQ_DONTWAIT) < 0 || zmq_msg_more(frame) || *route == 0) {
		skip(router, frame);
		return GOT_STRANGE;
	}
	return GOT_MESSAGE;
}

enum sockets_got sockets_pull(void *pull, zmq_msg_t *frame)
{
	zmq_msg_init(frame);
	if (zmq_msg_recv(frame, pull, ZMQ_DONTWAIT) < 0) {
		zmq_msg_close(frame);
		return GOT_NOTHING;
	}
	if (!zmq_msg_more(frame))
		return GOT_MESSAGE;
	skip(pull, frame);
	return GOT_STRANGE;
}

/* A large message on its way to a client: what the client owes counts it until ZeroMQ is done with it. */
struct owed {
	_Atomic uint64_t *bytes; /* borrowed from sockets.owed */
	size_t n;
	uint8_t message[];
};

static void paid(void *message, void *hint)
{
	struct owed *o = hint;

	(void)message;
	atomic_fetch_sub_explicit(o->bytes, o->n, memory_order_relaxed);
	free(o);
}

bool sockets_answer(struct sockets *s, uint64_t route, struct span bytes)
{
	bool edge = (route & ROUTE_EDGE) != 0;
	_Atomic uint64_t *owed = &s->owed[edge ? SOCKETS_OWED + route % EDGES_OWED : route % SOCKETS_OWED];
	void *router = edge ? s->edges : s->clients;
	uint8_t id[ROUTE_BYTES];
	struct owed *o;
	zmq_msg_t frame;
	int r;

	if (bytes.n < OWED_FROM)
		return sockets_send(router, route, bytes);
	if (atomic_load_explicit(owed, memory_order_relaxed) > (edge ? EDGE_MOST : OWED_MOST))
		return false;
	route_bytes(route, id);
	if (zmq_send(router, id, sizeof id, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
		return false;
	o = malloc(sizeof *o + bytes.n);
	must(o != NULL);
	o->bytes = owed;
	o->n = bytes.n;
	memcpy(o->message, bytes.p, bytes.n);
	atomic_fetch_add_explicit(owed, o->n, memory_order_relaxed);
	r = zmq_msg_init_data(&frame, o->message, o->n, paid, o);
	must(r == 0);
	if (zmq_msg_send(&frame, router, ZMQ_DONTWAIT) >= 0)
		return true;
	zmq_msg_close(&frame);
	return false;
}

bool sockets_send(void *router, uint64_t route, struct span bytes)
{
	uint8_t id[ROUTE_BYTES];

	route_bytes(route, id);
	return zmq_send(router, id, sizeof id, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 &&
	       zmq_send(router, bytes.p, bytes.n, ZMQ_DONTWAIT) >= 0;
}

static struct push *find(struct sockets *s, uint64_t session)
{
	struct push *p;

	HASH_FIND(hh, s->pushes, &session, sizeof session, p);
	return p;
}

bool sockets_push_open(struct sockets *s, uint64_t session, uint32_t principal, char endpoint[LIMIT_ENDPOINT])
{
	uint32_t ports = (uint32_t)(s->config->jobs_last - s->config->jobs_first) + 1;
	struct push *p = calloc(1, sizeof *p);

	must(p != NULL);
	p->session = session;
	p->socket =
	    make(s, ZMQ_PUSH, 0, 0, DOOR_JOBS, principal); /* credit bounds it; nothing stale may reach a successor */
	for (uint32_t i = 0; p->socket != NULL && i < ports; i++) {
		p->port = (uint16_t)(s->config->jobs_first + s->next_port++ % ports);
		text_format(endpoint, LIMIT_ENDPOINT, "tcp://%s:%u", s->config->jobs_host, p->port);
		if (zmq_bind(p->socket, endpoint) == 0) {
			HASH_ADD(hh, s->pushes, session, sizeof p->session, p);
			return true;
		}
	}
	if (p->socket != NULL)
		zmq_close(p->socket);
	free(p);
	return false;
}

void sockets_push_close(struct sockets *s, uint64_t session)
{
	struct push *p = find(s, session);

	if (p == NULL)
		return;
	HASH_DELETE(hh, s->pushes, p);
	zmq_close(p->socket);
	free(p);
}

enum sockets_pushed sockets_push(struct sockets *s, uint64_t session, struct span bytes, uint64_t mono_ms)
{
	struct push *p = find(s, session);
	int events;
	size_t n = sizeof events;

	if (p == NULL)
		return PUSH_NO_SESSION;
	if (zmq_send(p->socket, bytes.p, bytes.n, ZMQ_DONTWAIT) < 0) {
		/* its connection may have just come: reading the events lets the socket see it */
		zmq_getsockopt(p->socket, ZMQ_EVENTS, &events, &n);
		if (zmq_send(p->socket, bytes.p, bytes.n, ZMQ_DONTWAIT) < 0) {
			if (p->stuck_since == 0)
				p->stuck_since = mono_ms;
			return mono_ms - p->stuck_since > STUCK_MS ? PUSH_STUCK : PUSH_NOT_NOW;
		}
	}
	p->stuck_since = 0;
	return PUSH_SENT;
}
