/* The socket under a session: a DEALER to one endpoint, made anew for each connection so that nothing of
 * an old one reaches the new one. A monitor tells when the connection breaks, since libzmq mends it
 * silently and what was in flight is then lost. One thread uses it; only connection_wake is for others. */
#ifndef SHEAF_CLIENT_CONNECTION_H
#define SHEAF_CLIENT_CONNECTION_H

#include "base/must.h"
#include "base/span.h"
#include "keys/curve.h"
#include "proto/error.h"

struct connection;

/* NULL if the endpoint is one that can be connected to, else what is wrong with it, as a sentence's end. */
const char *connection_bad_endpoint(const char *endpoint);

/* Nothing is opened yet. The endpoint is a good one, copied, as are the keys (NULL: none). SHEAF_E_CONFIG when the
 * machine has no socket or descriptor left. */
MUST_CHECK enum sheaf_error connection_new(const char *endpoint, const struct keys_own *keys, struct connection **out);
/* Within the process: to an inproc:// endpoint of a context that outlives it. Such a connection does not break; what
 * leaves it waits for the other side up to a bound. */
MUST_CHECK enum sheaf_error connection_new_inproc(const char *endpoint, void *context, struct connection **out);
/* What is not sent yet has `linger_ms` to leave. NULL is fine. */
void connection_free(struct connection *x, int linger_ms);

/* Drops the socket, if there is one, and makes a new one; false when that fails. */
MUST_CHECK bool connection_open(struct connection *x);
/* False if it cannot be sent now: the socket is of no use any more. */
MUST_CHECK bool connection_send(struct connection *x, struct span frame);
/* The next frame that has come, valid until the next call; false if there is none. */
bool connection_receive(struct connection *x, struct span *frame);
/* For who sleeps elsewhere: a descriptor that becomes readable when something may have come or may be sent, until the
 * next connection_open; -1 if there is none. It tells of changes: after each round of sending and receiving ask
 * connection_came() whether there is more. */
int connection_fd(const struct connection *x);
bool connection_came(const struct connection *x);
/* The same for connection_broken(), which takes all that there is; -1 if there is none: within the process. */
int connection_trouble_fd(const struct connection *x);
/* True if the connection has broken since the last call. */
bool connection_broken(struct connection *x);
/* What went wrong with the last handshake, as far as connection_broken() has seen; and the sentence for it. */
enum curve_trouble connection_trouble(const struct connection *x);
const char *connection_why(const struct connection *x, char to[LIMIT_TEXT]);

/* Sleeps until something comes, the connection breaks, it is woken, or `ms` have passed. */
void connection_sleep(struct connection *x, uint64_t ms);
/* Makes connection_sleep return, now or the next time, until calmed. Safe in a signal handler. */
void connection_wake(struct connection *x);
void connection_calm(struct connection *x);

#endif
