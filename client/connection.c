/* The socket under a session; see connection.h. */
#include "client/connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include "base/units.h"
#include "proto/limits.h"

/* Frames that wait in the socket. A session has at most LIMIT_CLIENT_REQUESTS requests and a WAIT for each
 * LIMIT_RECORDS of LIMIT_CLIENT_WAITS jobs in flight, so this is never reached while all is well. */
#define SEND_FRAMES    4096
#define RECEIVE_FRAMES 1024
#define RETRY_MS       50 /* libzmq tries to connect so soon again, doubling */
#define RETRY_MOST_MS  500
#define SLEEP_MOST_MS  60000

static_assert(LIMIT_CLIENT_REQUESTS + LIMIT_CLIENT_WAITS / LIMIT_RECORDS < SEND_FRAMES / 2,
              "a session fits its socket");

struct connection {
	void *context;
	bool lent;     /* the context is somebody else's, and the endpoint within the process */
	void *socket;  /* NULL before the first connection_open */
	void *monitor; /* PAIR: tells of disconnections, and of handshakes that fail */
	int wake;      /* eventfd */
	bool holds;    /* `message` is to be closed */
	zmq_msg_t message;
	uint32_t opened;
	char endpoint[LIMIT_ENDPOINT];
	bool encrypted;
	struct keys_own keys; /* if it is */
	enum curve_trouble trouble;
};

static const char *bad_tcp(const char *host_port)
{
	const char *colon = strrchr(host_port, ':');
	uint64_t port;

	if (!colon)
		return "has no port";
	if (!units_number(colon + 1, 1, 65535, &port))
		return "has a port that is no number from 1 to 65535";
	if (colon == host_port)
		return "has no host";
	if (host_port[0] != '[' && memchr(host_port, ':', (size_t)(colon - host_port)))
		return "has a host with colons: write an IPv6 address in [ ]";
	if (strchr(host_port, '*'))
		return "has a wildcard: a client needs the broker's host";
	if (strpbrk(host_port, " \t\n/"))
		return "has a blank or a slash in its host";
	return NULL;
}

const char *connection_bad_endpoint(const char *endpoint)
{
	if (strlen(endpoint) >= LIMIT_ENDPOINT)
		return "is too long";
	if (strncmp(endpoint, "tcp://", 6) == 0)
		return bad_tcp(endpoint + 6);
	if (strncmp(endpoint, "ipc://", 6) == 0)
		return endpoint[6] ? NULL : "has no path";
	return "is no endpoint such as tcp://HOST:PORT or ipc://PATH";
}

enum sheaf_error connection_new(const char *endpoint, const struct keys_own *keys, struct connection **out)
{
	struct connection *x = calloc(1, sizeof *x);

	must(x && strlen(endpoint) < sizeof x->endpoint);
	memcpy(x->endpoint, endpoint, strlen(endpoint) + 1);
	x->encrypted = keys != NULL;
	if (keys)
		x->keys = *keys;
	x->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (x->wake < 0)
		goto err_free;
	x->context = zmq_ctx_new();
	if (!x->context)
		goto err_wake;
	zmq_ctx_set(x->context, ZMQ_IO_THREADS, 1);
	*out = x;
	return SHEAF_OK;

err_wake:
	close(x->wake);
err_free:
	keys_own_wipe(&x->keys);
	free(x);
	return SHEAF_E_CONFIG;
}

enum sheaf_error connection_new_inproc(const char *endpoint, void *context, struct connection **out)
{
	struct connection *x = calloc(1, sizeof *x);

	must(x && strlen(endpoint) < sizeof x->endpoint);
	memcpy(x->endpoint, endpoint, strlen(endpoint) + 1);
	x->context = context;
	x->lent = true;
	x->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (x->wake < 0) {
		free(x);
		return SHEAF_E_CONFIG;
	}
	*out = x;
	return SHEAF_OK;
}

static void close_socket(struct connection *x, int linger_ms)
{
	if (x->holds)
		zmq_msg_close(&x->message);
	x->holds = false;
	if (x->monitor) {
		zmq_socket_monitor(x->socket, NULL, 0);
		zmq_close(x->monitor);
	}
	x->monitor = NULL;
	if (x->socket) {
		zmq_setsockopt(x->socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
		zmq_close(x->socket);
	}
	x->socket = NULL;
}

void connection_free(struct connection *x, int linger_ms)
{
	if (!x)
		return;
	close_socket(x, linger_ms);
	while (!x->lent && zmq_ctx_term(x->context) < 0 && errno == EINTR)
		;
	close(x->wake);
	keys_own_wipe(&x->keys);
	free(x);
}

static bool set_int(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_options(struct connection *x)
{
	int64_t most = (int64_t)LIMIT_MESSAGE;

	return set_int(x->socket, ZMQ_LINGER, 0) && set_int(x->socket, ZMQ_SNDHWM, SEND_FRAMES) &&
	       set_int(x->socket, ZMQ_RCVHWM, RECEIVE_FRAMES) && set_int(x->socket, ZMQ_TCP_KEEPALIVE, 1) &&
	       set_int(x->socket, ZMQ_TCP_KEEPALIVE_IDLE, 30) && set_int(x->socket, ZMQ_TCP_KEEPALIVE_INTVL, 10) &&
	       set_int(x->socket, ZMQ_TCP_KEEPALIVE_CNT, 3) && set_int(x->socket, ZMQ_RECONNECT_IVL, RETRY_MS) &&
	       set_int(x->socket, ZMQ_RECONNECT_IVL_MAX, RETRY_MOST_MS) &&
	       set_int(x->socket, ZMQ_IPV6, strchr(x->endpoint, '[') != NULL) &&
	       zmq_setsockopt(x->socket, ZMQ_MAXMSGSIZE, &most, sizeof most) == 0 &&
	       curve_connect(x->socket, x->encrypted ? &x->keys : NULL);
}

/* The monitor is attached before the socket connects, so that no event is missed. */
static bool watch(struct connection *x)
{
	char name[64];

	if (x->lent)
		return true; /* what could break? */
	snprintf(name, sizeof name, "inproc://sheaf.monitor.%u", x->opened);
	if (zmq_socket_monitor(x->socket, name, ZMQ_EVENT_DISCONNECTED | CURVE_EVENTS) < 0)
		return false;
	x->monitor = zmq_socket(x->context, ZMQ_PAIR);
	return x->monitor && set_int(x->monitor, ZMQ_LINGER, 0) && zmq_connect(x->monitor, name) == 0;
}

bool connection_open(struct connection *x)
{
	close_socket(x, 0);
	x->opened++;
	x->socket = zmq_socket(x->context, ZMQ_DEALER);
	if (!x->socket)
		return false;
	if (set_options(x) && watch(x) && zmq_connect(x->socket, x->endpoint) == 0)
		return true;
	close_socket(x, 0);
	return false;
}

bool connection_send(struct connection *x, struct span frame)
{
	int n;

	if (!x->socket)
		return false;
	do {
		n = zmq_send(x->socket, frame.p, frame.n, ZMQ_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n >= 0;
}

/* Receives one part; false if there is none. */
static bool receive_part(struct connection *x)
{
	int n;

	if (x->holds)
		zmq_msg_close(&x->message);
	zmq_msg_init(&x->message);
	x->holds = true;
	do {
		n = zmq_msg_recv(&x->message, x->socket, ZMQ_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n >= 0;
}

bool connection_receive(struct connection *x, struct span *frame)
{
	bool parts = false;

	if (!x->socket || !receive_part(x))
		return false;
	while (zmq_msg_more(&x->message)) { /* no message of the protocol has parts: it is dropped whole */
		parts = true;
		if (!receive_part(x))
			return false;
	}
	*frame = parts ? span_of(NULL, 0) : span_of(zmq_msg_data(&x->message), zmq_msg_size(&x->message));
	return true;
}

static int fd_of(void *socket)
{
	int fd = -1;
	size_t n = sizeof fd;

	if (socket && zmq_getsockopt(socket, ZMQ_FD, &fd, &n) < 0)
		fd = -1;
	return fd;
}

int connection_fd(const struct connection *x)
{
	return fd_of(x->socket);
}

int connection_trouble_fd(const struct connection *x)
{
	return fd_of(x->monitor);
}

bool connection_came(const struct connection *x)
{
	int events = 0;
	size_t n = sizeof events;

	return x->socket && zmq_getsockopt(x->socket, ZMQ_EVENTS, &events, &n) == 0 && (events & ZMQ_POLLIN) != 0;
}

/* An event is two frames: what happened, and the address, which is longer than that. */
bool connection_broken(struct connection *x)
{
	bool broken = false;
	uint8_t event[LIMIT_ENDPOINT];
	int n;

	while (x->monitor && (n = zmq_recv(x->monitor, event, sizeof event, ZMQ_DONTWAIT)) >= 0) {
		enum curve_trouble t = curve_event(event, (size_t)n);

		broken = true;
		if (t != CURVE_FINE)
			x->trouble = t;
	}
	return broken;
}

enum curve_trouble connection_trouble(const struct connection *x)
{
	return x->trouble;
}

const char *connection_why(const struct connection *x, char to[LIMIT_TEXT])
{
	return curve_why(x->trouble, x->endpoint, x->encrypted, to);
}

void connection_sleep(struct connection *x, uint64_t ms)
{
	zmq_pollitem_t items[] = {
		{ .fd = x->wake, .events = ZMQ_POLLIN },
		{ .socket = x->socket, .events = ZMQ_POLLIN },
		{ .socket = x->monitor, .events = ZMQ_POLLIN },
	};

	(void)zmq_poll(items, x->socket ? 3 : 1, (long)(ms < SLEEP_MOST_MS ? ms : SLEEP_MOST_MS));
}

void connection_wake(struct connection *x)
{
	static const uint64_t one = 1;
	int saved = errno;

	if (write(x->wake, &one, sizeof one) < 0)
		errno = 0; /* EAGAIN: it is awake as can be */
	errno = saved;
}

void connection_calm(struct connection *x)
{
	uint64_t n;

	if (read(x->wake, &n, sizeof n) < 0)
		return; /* EAGAIN: nobody woke it */
}
