/* See zap.h. */
#include "broker/zap.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#include "base/text.h"

/* The frames of a request behind the envelope, which the REP socket keeps. */
enum { VERSION, ID, DOMAIN, ADDRESS, ROUTING_ID, MECHANISM, CREDENTIALS, FRAMES };

void *zap_open(void *context)
{
	void *socket = zmq_socket(context, ZMQ_REP);
	int none = 0;

	if (socket == NULL)
		return NULL;
	zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
	if (zmq_bind(socket, ZAP_ENDPOINT) == 0)
		return socket;
	zmq_close(socket);
	return NULL;
}

static bool is(struct span s, const char *text)
{
	return span_eq(s, span_str(text));
}

/* Text that goes to the log: printable or it is not taken. */
static bool take_text(struct span s, char to[ZAP_TEXT])
{
	if (s.n >= ZAP_TEXT)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	text_format(to, ZAP_TEXT, "%.*s", (int)s.n, (const char *)s.p);
	return true;
}

static bool take_frame(struct zap_request *r, int i, struct span s)
{
	switch (i) {
	case VERSION:
		return is(s, "1.0");
	case ID:
		if (s.n > sizeof r->id)
			return false;
		memcpy(r->id, s.p, s.n);
		r->id_n = s.n;
		return true;
	case DOMAIN:
		return take_text(s, r->domain);
	case ADDRESS:
		return take_text(s, r->address);
	case ROUTING_ID:
		return true;
	case MECHANISM:
		return is(s, "CURVE");
	case CREDENTIALS:
		if (s.n != KEY_BYTES)
			return false;
		memcpy(r->key, s.p, KEY_BYTES);
		return true;
	default:
		return false;
	}
}

/* A frame, or false if there is none. */
static bool receive(void *socket, zmq_msg_t *frame)
{
	int n;

	do {
		n = zmq_msg_recv(frame, socket, ZMQ_DONTWAIT);
	} while (n < 0 && zmq_errno() == EINTR);
	return n >= 0;
}

enum zap_got zap_take(void *socket, struct zap_request *r)
{
	bool good = true, more = true;
	zmq_msg_t frame;
	int n = 0;

	*r = (struct zap_request){ 0 };
	for (; more; n++) {
		zmq_msg_init(&frame);
		if (!receive(socket, &frame)) {
			zmq_msg_close(&frame);
			return n == 0 ? ZAP_NOTHING : ZAP_BAD; /* a message comes whole */
		}
		good = good && take_frame(r, n, span_of(zmq_msg_data(&frame), zmq_msg_size(&frame)));
		more = zmq_msg_more(&frame) != 0;
		zmq_msg_close(&frame);
	}
	return good && n == FRAMES ? ZAP_REQUEST : ZAP_BAD;
}

void zap_reply(void *socket, const struct zap_request *r, const char *user)
{
	const char *status = user != NULL ? "200" : "400", *text = user != NULL ? "OK" : "not known";
	struct span frames[] = { span_str("1.0"),
		                 span_of(r->id, r->id_n),
		                 span_str(status),
		                 span_str(text),
		                 span_str(user != NULL ? user : ""),
		                 span_of("", 0) };
	int n = sizeof frames / sizeof frames[0];

	for (int i = 0; i < n;) {
		if (zmq_send(socket, frames[i].p, frames[i].n, ZMQ_DONTWAIT | (i + 1 < n ? ZMQ_SNDMORE : 0)) >= 0)
			i++;
		else if (zmq_errno() != EINTR)
			return; /* the context ends: a REP drops what is for nobody, and never has to wait */
	}
}
