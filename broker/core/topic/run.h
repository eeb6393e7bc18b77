/* Runs: the index of messages. A run is there as long as a cursor, a parcel, retention, or a topic that does not pass
 * it on needs it, and as long its bytes are charged to the log. */
#ifndef SHEAF_CORE_TOPIC_RUN_H
#define SHEAF_CORE_TOPIC_RUN_H

#include "broker/core/state.h"

#define RUN_NUMBER_MAX                                                                                                 \
	(UINT64_MAX / RUN_MESSAGES) /* a message's id is its run's number times RUN_MESSAGES and more                  \
	                             */

struct run_new {
	uint64_t number; /* from 1 to RUN_NUMBER_MAX; no run has it */
	uint64_t at;     /* as in struct run */
	uint32_t length, crc, overhead;
	uint8_t count;
	uint64_t time_ms, due_ms;
};

/* Puts a run into the table, into its topic's list at its place, and its bytes to the log's account. Nobody has seen
 * it: topic_arrived tells the channels. */
struct run *run_put(struct core *c, struct topic *t, const struct run_new *n);

struct run *run_find(struct core *c, uint64_t number);

/* It is about to be freed with its topic, or with what no channel has seen: if its bytes are moved meanwhile, then with
 * FACT_EPHEMERAL, for no replay. */
static inline bool run_doomed(const struct run *r)
{
	const struct topic *t = r->topic;

	return t->doomed || (t->drop != NULL && r->number >= t->drop->number && r->number < t->drop_to);
}

/* The one behind it in its topic, or NULL; the last one of a topic. */
struct run *run_next(const struct run *r);
struct run *run_last(const struct topic *t);

/* The mover has written it again. */
void run_moved(struct core *c, struct run *r, uint64_t at, uint32_t overhead);

/* Its share of what stands around it in the log, in a fact with so many. */
uint32_t run_overhead(uint32_t runs);

/* No cursor is in it, and it has no parcels. */
void run_free(struct core *c, struct run *r);

/* A parcel of it is gone: frees the run if nothing needs it any more. */
void run_let_go(struct core *c, struct run *r);

/* The topic's first runs may be needed no longer: sweep_slice will look. */
void sweep_wake(struct core *c, struct topic *t);
/* Frees what nobody needs, some in a step. */
void sweep_slice(struct core *c);

void run_table_fini(struct run_table *t);

#endif
