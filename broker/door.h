/* Who may in, and what for. The broker's directory of keys becomes *principals*: a number for each key, the same as
 * long as the broker runs. libzmq asks the door about each connection (zap.h); a connection that is let in carries its
 * principal in every message, and the door is asked about each message, so that a key that is taken away, or gets
 * another role, stops counting at once. Without --keys there is no door. */
#ifndef SHEAF_BROKER_DOOR_H
#define SHEAF_BROKER_DOOR_H

#include <zmq.h>

#include "keys/cert.h"

struct door;

/* Reads the keys and binds the handler in this context, before anything else binds in it. NULL with a sentence. */
struct door *door_new(void *context, const char *dir, char err[KEYS_ERR]);
void door_free(struct door *d);

/* The socket to be polled, and what to do when it has something: answers all that ask. */
void *door_socket(const struct door *d);
void door_answer(struct door *d, uint64_t mono_ms);

/* What a socket is for. A jobs socket admits the key of one principal alone. */
enum door_domain { DOOR_CLIENTS, DOOR_WORKERS, DOOR_RESULTS, DOOR_JOBS };

/* Before a socket binds. False if the socket will not. */
MUST_CHECK bool door_guard(const struct door *d, void *socket, enum door_domain domain, uint32_t principal);

/* Whose connection a received frame came over; 0 = nobody's. */
uint32_t door_principal(const struct door *d, zmq_msg_t *frame);

/* NULL if the principal may send this message, else the sentence that refuses it, valid until the next call. */
const char *door_refuses(struct door *d, uint32_t principal, const struct msg *m, uint64_t mono_ms);

/* Reads the directory again. `gone` is called for each principal that may no longer what it might. On an error, which
 * is logged, nothing has changed. */
void door_reload(struct door *d, void (*gone)(void *ctx, uint32_t principal), void *ctx);

/* What happened so far, for people. */
struct door_counts {
	uint64_t keys;    /* that are admitted now */
	uint64_t refused; /* connections */
	uint64_t denied;  /* messages */
};
struct door_counts door_counts(const struct door *d);

#endif
