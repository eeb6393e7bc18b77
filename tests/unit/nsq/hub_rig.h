/* A hub in a loop, and a broker of a few lines that it talks to, all in one thread: hub_rig_until() turns both until a
 * condition is true. The broker does what hello, publishes, subscriptions and listings ask for at once, but for what
 * the test told it to do wrong. */
#ifndef SHEAF_TESTS_NSQ_HUB_RIG_H
#define SHEAF_TESTS_NSQ_HUB_RIG_H

#include <check.h>

#include "base/buf.h"
#include "broker/nsq/hub_open.h"
#include "proto/codec.h"

enum { HUB_RIG_PUBLISHES = 1024 };

/* A PUBLISH as it came. */
struct hub_rig_publish {
	uint64_t number;
	char topic[LIMIT_NAME + 1];
	uint64_t defer_ms;
	uint32_t count;
	size_t bytes;
};

struct hub_rig {
	uv_loop_t loop;
	void *context, *router;
	struct hub *hub;
	struct msg_room *room;
	struct buf out, trace; /* trace: a line for each frame but hello, pings and PUBLISH */
	uint8_t route[64];
	size_t route_n;
	uint64_t session;
	uint64_t delivered;
	bool closed;

	/* what goes wrong */
	const char *holds;        /* publishes to this topic are not answered; NULL = all are; "*" = none is */
	enum sheaf_error refuses; /* everything with a number, with this */
	bool denies;              /* hello */
	bool deaf;                /* nothing is received */

	struct hub_rig_publish publishes[HUB_RIG_PUBLISHES];
	uint32_t n;
	struct buf packed; /* of all publishes */
	uint64_t next_run;
	uint32_t sub;           /* the last that was subscribed */
	uint64_t ready, window; /* the last CREDIT */
	uint64_t settled;       /* messages */
	uint32_t settles;       /* records */
};

void hub_rig_init(struct hub_rig *r);
void hub_rig_fini(struct hub_rig *r);

/* One turn of the loop, then of the broker. */
void hub_rig_turn(struct hub_rig *r);
/* A few, so that what is on its way arrives. */
void hub_rig_settle(struct hub_rig *r);
#define hub_rig_until(r, condition)                                                                                    \
	do {                                                                                                           \
		uint64_t hub_rig_end = uv_hrtime() + UINT64_C(20000000000);                                            \
                                                                                                                       \
		while (!(condition)) {                                                                                 \
			ck_assert_msg(uv_hrtime() < hub_rig_end, "in vain: %s", #condition);                           \
			hub_rig_turn(r);                                                                               \
		}                                                                                                      \
	} while (0)

/* Sends a message of the broker's. */
void hub_rig_send(struct hub_rig *r, enum msg_kind kind, uint64_t number, struct msg m);
/* Accepts one of the publishes that were held. */
void hub_rig_accept(struct hub_rig *r, uint32_t index);
/* Delivers one message "x" of this run; `lost`: the count goes on, but nothing is sent. */
void hub_rig_deliver(struct hub_rig *r, uint64_t run, bool lost);
/* Compares the trace, and forgets it. */
void hub_rig_expect(struct hub_rig *r, const char *trace);

/* What the hub's callbacks were told: "WHO:WHAT " for each, where `arg` is WHO, a string. */
extern char heard[4096];
void hear(const char *what, const char *who);
bool has_heard(const char *all);
/* A hub_answer: WHAT is "ok", or the error's number and its text. */
void answer(void *arg, enum sheaf_error e, struct span text);

/* Runs the tests, each with a rig of its own that is connected; returns main's status. */
int hub_rig_suite(const char *name, struct hub_rig *r, const TTest *const *tests, size_t n);

#endif
