/* The broker's sockets. Nothing here ever blocks: what cannot be sent now is reported. */
#ifndef SHEAF_BROKER_SOCKETS_H
#define SHEAF_BROKER_SOCKETS_H

#include <stdatomic.h>
#include <uthash.h>
#include <zmq.h>

#include "base/span.h"
#include "broker/config.h"
#include "broker/door.h"

enum {
	SOCKETS_OWED = 65536, /* clients that are told apart */
	EDGES_OWED = 16       /* edges, likewise */
};

/* Where an edge that is part of this process connects, in this context, as any client does. */
#define EDGES_AT "inproc://edges"

/* Marks the routes of edges: a client on tcp may have the same number. */
#define ROUTE_EDGE (UINT64_C(1) << 40)

/* A worker session's PUSH socket. */
struct push {
	uint64_t session;
	void *socket;
	uint16_t port;
	uint64_t stuck_since; /* mono_ms since when it takes nothing; 0 = it does */
	UT_hash_handle hh;
};

struct sockets {
	void *context;
	struct door *door;                 /* NULL = there are no keys */
	void *clients, *workers, *results; /* ROUTER, ROUTER, PULL */
	void *edges;                       /* ROUTER; NULL = there are none */
	char clients_at[LIMIT_ENDPOINT], workers_at[LIMIT_ENDPOINT], results_at[LIMIT_ENDPOINT];
	const struct config *config; /* borrowed */
	struct push *pushes;         /* uthash by session */
	uint32_t next_port;          /* where the search for a free port goes on */
	_Atomic uint64_t *owed; /* owned: bytes of large messages not yet taken by clients, by route, then by edges;
	                           ZeroMQ numbers these one by one, so that they hardly ever share a place */
	uint32_t workers_max;   /* as many as there are descriptors and ports for */
};

/* Raises the limits, makes the context, binds everything. -1 with a sentence in err. */
MUST_CHECK int sockets_open(struct sockets *s, const struct config *c, char err[OPTIONS_ERR]);
void sockets_close(struct sockets *s);

enum sockets_got { GOT_NOTHING, GOT_MESSAGE, GOT_STRANGE };

/* Receives from a ROUTER: the sender's route and one frame, which the caller closes (after GOT_MESSAGE and
 * GOT_STRANGE). GOT_STRANGE: not two frames, or no automatic routing id; *route is 0 if it is unknown. */
enum sockets_got sockets_take(void *router, uint64_t *route, zmq_msg_t *frame);

/* Receives from the PULL; more than one frame is GOT_STRANGE. */
enum sockets_got sockets_pull(void *pull, zmq_msg_t *frame);

/* Sends to a route; false if the peer is gone or takes nothing now. */
bool sockets_send(void *router, uint64_t route, struct span bytes);

/* Sends to a client or an edge, unless it leaves too many bytes unread; false then, or if it is gone or takes nothing
 * now. What a deaf client does not read must not fill the broker's memory: it asks for what it misses when it reads
 * again. */
bool sockets_answer(struct sockets *s, uint64_t route, struct span bytes);

/* Binds a PUSH socket for the session, which with keys admits this principal's key alone; its endpoint, as peers dial
 * it, goes to `endpoint`. False: no free port. */
bool sockets_push_open(struct sockets *s, uint64_t session, uint32_t principal, char endpoint[LIMIT_ENDPOINT]);
void sockets_push_close(struct sockets *s, uint64_t session);

enum sockets_pushed {
	PUSH_SENT,
	PUSH_NO_SESSION,
	PUSH_NOT_NOW, /* nobody is connected at the moment: the message is lost, as one on the wire may be */
	PUSH_STUCK    /* nobody has been connected for long */
};

/* Sends on it. */
enum sockets_pushed sockets_push(struct sockets *s, uint64_t session, struct span bytes, uint64_t mono_ms);

#endif
