/* The simulated broker's inside: broker_actor.c lives, steps and dies; broker_out.c turns effects into frames. */
#ifndef SHEAF_TESTS_SIM_BROKER_ACTOR_H
#define SHEAF_TESTS_SIM_BROKER_ACTOR_H

#include "tests/sim/sim.h"

enum broker_state { BROKER_DOWN, BROKER_STARTING, BROKER_UP };

struct broker {
	struct world *w;
	enum broker_state state;
	struct core *core; /* owned; NULL when down */
	struct disk disk;
	struct effects fx;
	struct msg_room *room; /* of what is looked at on its way out */
	uint64_t frozen_until;
	uint64_t ready_at; /* position of the start's own facts: nobody is let in before they are synced */
	uint64_t disk_cap;
	struct timer tick;
	struct timer restart;
	struct timer scan;
	uint64_t scan_base; /* segment that is read for the mover */
	uint64_t scan_at;
	bool scanning;
	struct pipe self;   /* what the shell tells the core later */
	struct list outbox; /* struct out: waits for the journal */
	uint32_t trims_out; /* trims in the outbox */
	uint64_t steps;
	uint64_t crash_in; /* steps until it crashes in the middle of one; 0 = it does not */
	bool pressed;
};

/* What the shell tells the core later, through broker.self. */
enum self_kind { SELF_SOCKET, SELF_UNREACHABLE, SELF_PRESSURE, SELF_SPACE, SELF_FETCHED };
struct self_note {
	uint64_t kind;
	uint64_t session; /* or a flag, or a token; behind that one stands what was fetched */
};
void broker_self(struct broker *b, enum self_kind kind, uint64_t session);

/* Carries out the effects of the last step. */
void broker_carry_out(struct broker *b);
/* broker_topics.c: messages on their way out. */
struct out;
void broker_delivery(struct broker *b, const struct effect *e, struct msg_delivery_rec *r, struct buf *packed);
void broker_fetch(struct broker *b, const struct effect *e);
void broker_tell_deliveries(struct broker *b, const struct msg *m);

/* Lets leave what the journal has synced. */
void broker_flush(struct broker *b);
void broker_drop_outbox(struct broker *b);

#endif
