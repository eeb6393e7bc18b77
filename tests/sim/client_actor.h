/* The simulated client's inside: client_actor.c lives and has the session; client_user.c is who wants something of it,
 * client_wants.c what is beside plain jobs. */
#ifndef SHEAF_TESTS_SIM_CLIENT_ACTOR_H
#define SHEAF_TESTS_SIM_CLIENT_ACTOR_H

#include "client/session.h"
#include "tests/sim/sim.h"

enum { MOST_BATCHES = 16 };

/* Calls, by what their answer is for. */
enum call { CALL_STREAM, CALL_ANY, CALL_CANCEL, CALL_BATCH_OPEN, CALL_STEADY, CALL_ALL /* and the first tag */ };

struct client_actor {
	struct world *w;
	uint32_t index;
	struct csession *c; /* owned; NULL: dead, or not yet alive */
	struct conn *conn;
	struct timer tick, user, rise;
	uint64_t frozen_until;
	bool working;                   /* submits */
	uint64_t batch;                 /* open one, or 0 */
	bool opening;                   /* a batch is on its way */
	uint64_t then;                  /* tag of what follows it, or 0 */
	uint64_t batches[MOST_BATCHES]; /* awaited */
	uint64_t thens[MOST_BATCHES];   /* and what follows them */
	uint32_t n_batches;
	uint8_t *got; /* by tag: results that came in this life; owned */
	uint64_t n_got;
	uint64_t last_id;
	uint64_t steady; /* requests that are awaited before all is over */
};

struct span client_queue_name(uint64_t i);
void client_ask(struct client_actor *a, const struct msg *m, enum call call);
/* The user does something, now and then. */
void client_user(void *ctx);
/* What comes of it leaves. */
void client_run(struct client_actor *a);

/* client_wants.c */
void client_dead(struct client_actor *a);
/* Jobs for several queues, together. */
void client_all(struct client_actor *a);
void client_all_answered(struct client_actor *a, const struct csession_event *ev);
/* A key, or a job to follow. */
void client_joins(struct client_actor *a, struct wanted *wanted, struct csession_policy *p, struct msg_terms *t);
/* What is to follow a batch; what m points to is good until the next call. */
void client_then(struct client_actor *a, struct msg *m);
void client_settings(struct client_actor *a);
/* Nothing is limited, and no dead letters are redriven any more. */
void client_unlimit(struct client_actor *a, uint64_t queue);

#endif
