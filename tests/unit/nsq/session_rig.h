/* A session with a fake hub, its bytes in a buffer as a connection has them. What it says is told as text: a line for
 * each frame (a message as "MSG time attempts id body"), and "x" when it is closing. */
#ifndef SHEAF_TESTS_UNIT_NSQ_SESSION_RIG_H
#define SHEAF_TESTS_UNIT_NSQ_SESSION_RIG_H

#include "broker/nsq/session.h"
#include "tests/unit/nsq/session_hub.h"

struct rig {
	struct nsq_config config;
	struct hub hub;
	struct auth auth;
	struct session_world world;
	struct list subscribed;
	struct session *s;
	struct buf in, out, told;
	size_t told_to; /* bytes of out that are told */
	bool closed;    /* was told */
	bool manual;    /* the hub answers only when the test says so */
	uint64_t now;
};

/* With nsqd's defaults. */
void rig_config(struct nsq_config *c);
void rig_init(struct rig *r);
/* The session, and what is remembered of it, anew. */
void rig_begin(struct rig *r);
void rig_end(struct rig *r);
void rig_fini(struct rig *r);

/* Hands bytes over in one piece, or in many, and lets turns go by until nothing happens any more. */
void rig_feed(struct rig *r, const void *bytes, size_t n);
void rig_feed_pieces(struct rig *r, const void *bytes, size_t n, size_t piece);
void rig_turn(struct rig *r);

/* What it has said since the last call, NUL-terminated. */
const char *rig_told(struct rig *r);
/* What the hub was asked since the last call, likewise. */
const char *rig_asked(struct rig *r);

/* A delivery of messages "m0", "m1", … of a run. */
void rig_deliver(struct rig *r, uint64_t run, uint64_t token, uint64_t mask);

#define FEED(r, text) rig_feed(r, text, sizeof text - 1)

#endif
