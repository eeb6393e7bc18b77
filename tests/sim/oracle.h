/* The oracle's inside: oracle.c has the jobs; oracle_*.c a subject each. */
#ifndef SHEAF_TESTS_SIM_ORACLE_H
#define SHEAF_TESTS_SIM_ORACLE_H

#include "proto/setting.h"
#include "tests/sim/sim.h"

/* One job, from the moment somebody wanted it. */
struct known {
	uint64_t tag;
	uint64_t posted_ms; /* wall clock */
	uint64_t id;        /* 0: not accepted yet */
	uint32_t behaviour;
	uint32_t attempts;
	uint32_t queue;
	uint32_t priority;
	uint64_t not_before, ends_from, ends_by; /* see struct wanted */
	bool leased, shared;
	uint32_t race;                 /* replicas */
	uint64_t racers[SIM_REPLICAS]; /* instances of their workers */
	uint64_t raced_us;             /* when the first of them was granted */
	uint32_t key;
	uint64_t known_ms; /* wall clock: when its id was */
	uint64_t after;
	bool after_any;
	bool due;     /* it follows a batch that is complete */
	uint64_t all; /* the tag of the first one of those that it was submitted together with, or 0 */
	uint32_t n_all;
	bool in_row;   /* none of them has a key: their ids are consecutive */
	uint32_t runs; /* handlers that came to their end */
	bool refused;
	bool cancelled;
	bool seen;        /* somebody got its result */
	uint64_t granted; /* the highest token that left the broker */
	uint64_t granted_us;
	uint64_t n_granted; /* grants that left */
	uint32_t state;     /* as seen */
	uint64_t finished_ms;
	bool redriven; /* somebody asked for it */
	uint32_t attempt;
	uint64_t token; /* of the run that counted, as seen; 0 = none */
};

/* What a queue's rate has saved up, see oracle_limits.c. */
struct bucket {
	bool there; /* the queue is */
	struct queue_settings settings;
	uint64_t tokens;
	uint64_t filled;  /* time of the broker's clock */
	uint64_t running; /* before the step */
	uint64_t over;    /* done and dead, before it */
};

struct oracle {
	struct world *w;
	struct known *v; /* by tag, from 1; owned */
	uint64_t n, cap;
	uint64_t *by_id; /* tag of each id; owned */
	uint64_t n_ids;
	uint64_t *tokens; /* open addressing set of tokens that left; owned */
	uint64_t n_tokens, cap_tokens;
	uint64_t crashed_us; /* the last crash */
	uint64_t cancels;    /* asked for */
	bool purged[SIM_QUEUES], deleted[SIM_QUEUES];
	bool redriven[SIM_QUEUES], dead_purged[SIM_QUEUES]; /* its dead letters, or some of them */
	bool leased[SIM_QUEUES];                            /* a lease was set */
	struct bucket buckets[SIM_QUEUES];
};

/* Ties an id to a tag: by an acceptance, or by a grant that came first. */
struct known *oracle_tie(struct oracle *o, uint64_t tag, uint64_t id);
/* It has an id now: so have those that it was submitted together with. */
void oracle_all_tied(struct oracle *o, const struct known *k);

/* The job that was posted with this tag; fails if there is none. */
struct known *oracle_by_tag(struct oracle *o, uint64_t tag);
/* The job that has this id, or NULL. */
struct known *oracle_by_id(struct oracle *o, uint64_t id);

/* Two submits with one key: false if they are of different keys. */
bool oracle_same_key(const struct known *a, const struct known *b);
/* It is granted for the first time: holds it against the others with its key. */
void oracle_check_key(struct oracle *o, const struct known *k);
/* The job is its own, and no repeat of another one's submit. */
static inline bool oracle_own(const struct oracle *o, const struct known *k)
{
	return k->id != 0 && o->by_id[k->id] == k->tag;
}
/* A replica's grant has left; the core has just granted one. */
void oracle_replica_granted(struct oracle *o, uint64_t session, struct known *k, const struct msg_job_rec *r);
void oracle_check_replica(struct oracle *o, const struct core *core, const struct known *k, uint64_t id);
/* It is granted: what it follows has ended. */
void oracle_check_after(struct oracle *o, const struct core *core, const struct known *k);

/* Somebody asked that it be redriven, if it is dead. */
bool oracle_redriven(const struct oracle *o, const struct known *k);
/* The result is that of a death from which the job was redriven, and it has ended since. */
bool oracle_old_death(struct oracle *o, const struct known *k, const struct msg_result_rec *r);
/* The limits begin anew. */
void oracle_limits_restarted(struct oracle *o, const struct core *core);

#endif
