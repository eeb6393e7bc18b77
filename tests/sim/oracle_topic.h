/* The inside of the auditor of topics: oracle_topic.c holds what is published and delivered, oracle_places.c what is
 * done to topics and channels. */
#ifndef SHEAF_TESTS_SIM_ORACLE_TOPIC_H
#define SHEAF_TESTS_SIM_ORACLE_TOPIC_H

#include <uthash.h>

#include "tests/sim/topics.h"

enum { MANY = 1000 };

/* What is known of a message in a channel. */
struct seen {
	uint32_t attempts;   /* of the last delivery; 0 = unknown */
	uint32_t floor;      /* of the last one that is known to have come back */
	uint32_t n;          /* deliveries */
	uint64_t moment;     /* of the last delivery */
	uint64_t not_before; /* wall clock: it was requeued with a delay */
	bool settling;       /* somebody says that it is finished */
	bool finished;       /* and that is durable */
};

/* A message's name. There are two for one that died. */
struct named {
	uint64_t id;
	uint64_t tag;
	bool left; /* somebody may know it */
	UT_hash_handle hh;
};

struct message {
	uint64_t tag;
	uint64_t id, dead_id; /* 0 = unknown */
	uint64_t sent;        /* moment */
	uint64_t due_ms;      /* wall clock: not before */
	uint32_t topic;
	uint32_t length;
	bool accepted, refused;
	struct seen seen[PLACES];
};

struct state {
	uint64_t from; /* what is sent after this moment must come; NEVER = nothing must */
	uint64_t gone; /* moment at which a deletion was answered */
	uint64_t life;
	uint64_t last_id; /* of an ordered channel */
	bool paused;      /* and nobody has asked for its end */
	bool deleting, ordered;
	bool set;
	bool twice; /* what empties, pauses or deletes it was sent again: a late copy may do so at any time */
};

struct topic_oracle {
	struct world *w;
	struct message *v; /* by tag, from 1; owned */
	uint64_t n, cap;
	struct named *by_id;
	uint64_t moment;
	struct state places[PLACES];
	uint64_t paused[TOPICS]; /* moment at which that was answered; NEVER = it is not */
	uint64_t kept_from;
	bool late; /* that is so of some place */
};

#endif
