/* The simulated publisher and subscriber's inside. It speaks the protocol by itself, on the codec alone: a machine that
 * knows nothing of client/. */
#ifndef SHEAF_TESTS_SIM_TOPIC_ACTOR_H
#define SHEAF_TESTS_SIM_TOPIC_ACTOR_H

#include "tests/sim/topics.h"

enum { ACTOR_SUBS = 2 * 16, ACTOR_HOLDS = 128, ADMIN = 0, AUDITOR = SIM_TOPIC_ACTORS - 1 };

/* A request that is not answered yet. */
struct ask {
	struct list link;
	uint64_t number;
	uint64_t life;   /* of the session's connection when it was sent last */
	uint64_t moment; /* of its first sending */
	bool again;
	struct buf frame;
	uint32_t kind;
	uint32_t place; /* of a SUBSCRIBE or TOPIC_OP; PLACES if it is about the topic alone */
	uint32_t topic;
	struct msg_topic_op op; /* spans empty */
	uint64_t tag;           /* of a PUBLISH */
	uint32_t n;
	uint32_t sub;
};

/* Messages in our hands: a delivery, or what is left of it. */
struct hold {
	uint64_t run, token, mask;
	uint32_t attempts;
	uint64_t got_us;
};

struct subscription {
	bool wanted;                /* we want it */
	bool asking;                /* a SUBSCRIBE or UNSUBSCRIBE is under way */
	bool open;                  /* the broker has it */
	uint32_t ready, ready_high; /* as we said; the most that the broker may still think */
	uint64_t high_life, high_moment;
	uint64_t window, sent;
	struct hold holds[ACTOR_HOLDS];
	uint32_t n_holds;
};

/* A SETTLE on its way. */
struct settling {
	struct settled s;
	uint64_t life;
};

struct topic_actor {
	struct world *w;
	uint32_t index;
	bool alive, welcome, hello, calm;
	struct conn *conn;
	struct msg_room *room;
	struct timer tick, user, rise;
	uint64_t frozen_until;
	uint64_t session, epoch, number;
	uint64_t life; /* counts welcomes */
	uint64_t delivered;
	bool counting; /* `delivered` is known */
	uint64_t said_us, heard_us;
	struct list asks;
	uint32_t n_asks;
	struct subscription subs[ACTOR_SUBS];
	struct settling *settling; /* owned */
	uint32_t n_settling, cap_settling;
	uint32_t step;  /* of the admin's list */
	bool operating; /* an operation is under way */
	bool listed;    /* the auditor has seen that nothing is left */
	struct buf frame;
};

/* topic_session.c. Sends a numbered request, and again until it is answered. */
struct ask *topic_ask(struct topic_actor *a, struct msg *m);
/* Sends what is not answered, if the broker knows us. */
void topic_say(struct topic_actor *a, const struct msg *m);
void topic_settle(struct topic_actor *a, uint32_t sub, struct hold *h, uint64_t mask, uint32_t verdict,
                  uint64_t delay_ms);
void topic_credit(struct topic_actor *a, uint32_t sub, uint32_t ready, uint64_t window);
void topic_subscribe(struct topic_actor *a, uint32_t sub);
void topic_unsubscribe(struct topic_actor *a, uint32_t sub);

void topic_ask_free(struct topic_actor *a, struct ask *q);
/* Once more. */
void topic_send_ask(struct topic_actor *a, struct ask *q);
void topic_hello(struct topic_actor *a);
void topic_ping(struct topic_actor *a);
/* A frame has come; ctx: the actor. */
void topic_from_broker(void *ctx, struct span frame);

/* topic_user.c */
void topic_user(void *ctx);
/* topic_admin.c: goes on with making, pausing and emptying; an answer to a TOPIC_OP or TOPIC_LIST. */
void topic_admin(struct topic_actor *a);
void topic_operated(struct topic_actor *a, const struct ask *q, bool ok);
void topic_listed(struct topic_actor *a, const struct msg_topics_info *m);
/* Whether all that it had to do at the end is done. */
bool topic_admin_done(const struct topic_actor *a);

#endif
