/* See discover.h. */
#include "worker/discover.h"

#include <errno.h>
#include <stdlib.h>
#include <zmq.h>

#include "base/buf.h"
#include "base/rand.h"
#include "base/text.h"
#include "proto/codec.h"
#include "proto/endpoint.h"

enum { AGAIN_MS = 1000 };

struct discover {
	void *socket, *monitor;
	enum curve_trouble trouble;
	const char *broker; /* borrowed */
	uint64_t session, number, asked_at;
	struct msg_room *room;
	bool asked;
};

/* Has the socket tell of handshakes that fail. The name is our session's, which nobody else has. */
static void watch(struct discover *d, void *context)
{
	char name[64];
	int none = 0;

	text_format(name, sizeof name, "inproc://discover.%llx", (unsigned long long)d->session);
	if (zmq_socket_monitor(d->socket, name, CURVE_EVENTS) != 0)
		return;
	d->monitor = zmq_socket(context, ZMQ_PAIR);
	must(d->monitor != NULL);
	zmq_setsockopt(d->monitor, ZMQ_LINGER, &none, sizeof none);
	zmq_connect(d->monitor, name);
}

struct discover *discover_new(void *context, const char *broker, const struct keys_own *keys, char err[512])
{
	struct discover *d = calloc(1, sizeof *d);
	int none = 0;

	must(d != NULL);
	d->broker = broker;
	d->session = rand_os();
	d->room = msg_room_new();
	d->socket = zmq_socket(context, ZMQ_DEALER);
	must(d->socket != NULL);
	zmq_setsockopt(d->socket, ZMQ_LINGER, &none, sizeof none);
	watch(d, context);
	if (!curve_connect(d->socket, keys) || zmq_connect(d->socket, broker) != 0) {
		text_format(err, 512, "'%s' is no address of a broker such as tcp://127.0.0.1:7400: %s", broker,
		            zmq_strerror(errno));
		discover_free(d);
		return NULL;
	}
	return d;
}

void discover_free(struct discover *d)
{
	if (d == NULL)
		return;
	if (d->monitor != NULL) {
		zmq_socket_monitor(d->socket, NULL, 0);
		zmq_close(d->monitor);
	}
	zmq_close(d->socket);
	msg_room_free(d->room);
	free(d);
}

void *discover_socket(struct discover *d)
{
	return d->socket;
}

static void ask(struct discover *d, enum msg_kind kind)
{
	struct msg m = { .h = { PROTO_VERSION_MAX, kind, 0, 0, d->session, ++d->number } };
	struct buf b;

	m.u.client_hello = (struct msg_client_hello){ PROTO_VERSION_MIN, PROTO_VERSION_MAX, 0, span_str("worker") };
	buf_init(&b);
	msg_encode(&b, &m);
	zmq_send(d->socket, b.p, b.n, ZMQ_DONTWAIT);
	buf_fini(&b);
}

/* Each event is two frames; the second one is an address and no event. */
static void look(struct discover *d)
{
	uint8_t frame[LIMIT_ENDPOINT];
	int n;

	while (d->monitor != NULL && (n = zmq_recv(d->monitor, frame, sizeof frame, ZMQ_DONTWAIT)) >= 0) {
		enum curve_trouble t = curve_event(frame, (size_t)n < sizeof frame ? (size_t)n : sizeof frame);

		if (t != CURVE_FINE)
			d->trouble = t;
	}
}

enum curve_trouble discover_trouble(const struct discover *d)
{
	return d->trouble;
}

bool discover_run(struct discover *d, uint64_t now_ms, char workers[LIMIT_ENDPOINT])
{
	zmq_msg_t frame;
	const char *why;
	struct msg m;
	bool found = false;

	look(d);
	if (!d->asked || now_ms - d->asked_at >= AGAIN_MS) {
		d->asked = true;
		d->asked_at = now_ms;
		ask(d, MSG_CLIENT_HELLO);
	}
	zmq_msg_init(&frame);
	while (!found && zmq_msg_recv(&frame, d->socket, ZMQ_DONTWAIT) >= 0) {
		if (msg_decode(span_of(zmq_msg_data(&frame), zmq_msg_size(&frame)), d->room, &m, &why) == SHEAF_OK &&
		    m.h.kind == MSG_CLIENT_WELCOME) {
			discover_resolve(m.u.client_welcome.workers, d->broker, workers);
			found = true;
		}
	}
	zmq_msg_close(&frame);
	if (found)
		ask(d, MSG_CLIENT_BYE);
	return found;
}

uint64_t discover_deadline(const struct discover *d)
{
	return d->asked ? d->asked_at + AGAIN_MS : 0;
}

void discover_resolve(struct span endpoint, const char *dialled, char out[LIMIT_ENDPOINT])
{
	struct span host = endpoint_host(endpoint), ours = endpoint_host(span_str(dialled));

	if (host.n > 0 && ours.n > 0 &&
	    (span_eq(host, span_str("*")) || span_eq(host, span_str("0.0.0.0")) || span_eq(host, span_str("[::]"))))
		text_format(out, LIMIT_ENDPOINT, "tcp://%.*s%.*s", (int)ours.n, (const char *)ours.p,
		            (int)(endpoint.n - 6 - host.n), (const char *)host.p + host.n);
	else
		text_format(out, LIMIT_ENDPOINT, "%.*s", (int)endpoint.n, (const char *)endpoint.p);
}
