/* Keys on ZeroMQ sockets, and what a socket's monitor tells of a handshake that failed. */
#ifndef SHEAF_KEYS_CURVE_H
#define SHEAF_KEYS_CURVE_H

#include <zmq.h>

#include "keys/keys.h"

/* Before a socket connects: it speaks CURVE with the broker. NULL: it does not. False if the socket will not. */
MUST_CHECK bool curve_connect(void *socket, const struct keys_own *keys);

/* Before a socket binds: it speaks CURVE only, and asks the ZAP handler about `domain`. */
MUST_CHECK bool curve_bind(void *socket, const struct cert *broker, const char *domain);

/* What a monitor has to be asked for. */
#define CURVE_EVENTS                                                                                                   \
	(ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)

enum curve_trouble {
	CURVE_FINE,
	CURVE_CUT,      /* the other side ended the connection during the handshake, and did not say why */
	CURVE_MISMATCH, /* one side speaks CURVE and the other does not */
	CURVE_REFUSED,  /* the broker does not know our key */
};

/* What the first frame of a monitor's message says; CURVE_FINE for any other event. */
enum curve_trouble curve_event(const void *frame, size_t n);

/* A sentence for people: what is wrong and what to do; "" for CURVE_FINE. `keys`: whether we have keys. Returns `to`.
 */
const char *curve_why(enum curve_trouble t, const char *broker, bool keys, char to[LIMIT_TEXT]);

#endif
