/* ZeroMQ's authentication protocol (RFC 27), the handler's side: libzmq asks about each connection that wants in. */
#ifndef SHEAF_BROKER_ZAP_H
#define SHEAF_BROKER_ZAP_H

#include "keys/cert.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"

enum { ZAP_TEXT = 256 };

struct zap_request {
	uint8_t id[ZAP_TEXT]; /* libzmq's, for the reply */
	size_t id_n;
	char domain[ZAP_TEXT];  /* of the socket that was dialled */
	char address[ZAP_TEXT]; /* of who dials */
	uint8_t key[KEY_BYTES]; /* its public key, which it has proved to have the secret of */
};

/* Binds the handler's socket; before any socket of the context binds. NULL if that fails. */
void *zap_open(void *context);

enum zap_got { ZAP_NOTHING, ZAP_REQUEST, ZAP_BAD };

/* Takes a request without waiting. ZAP_REQUEST and ZAP_BAD (not RFC 27, or not CURVE) have to be replied to. */
enum zap_got zap_take(void *socket, struct zap_request *r);

/* Admits who dialled as `user`; NULL: refuses. */
void zap_reply(void *socket, const struct zap_request *r, const char *user);

#endif
