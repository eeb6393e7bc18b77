/* A core on a bench: messages and time go in, effects come out as lines of text, and its facts are kept, so that it
 * can be started again from them. Clients and workers are small numbers here: client 1 speaks from peer 101 with
 * session 1; the n-th worker session from peer 200 + n.
 *
 *	rig_client(&rig, 1);
 *	rig_submit(&rig, 1, 1, "q", 2);
 *	rig_expect(&rig, "C1 accepted #1: 1..2\n");
 */
#ifndef SHEAF_TESTS_UNIT_CORE_RIG_H
#define SHEAF_TESTS_UNIT_CORE_RIG_H

#include <check.h>

#include "base/buf.h"
#include "broker/core/core.h"
#include "broker/core/log.h"

#define RIG_WALL_MS UINT64_C(1700000040000) /* 2023-11-14 22:14 UTC: where its wall clock begins */

enum { RIG_BLOCKS = 16384, RIG_WORKERS = 8, RIG_ZONES = 16, RIG_FETCHES = 64 };

struct rig_block {
	uint64_t at;
	uint32_t facts;
	uint8_t *p; /* owned */
};

struct rig {
	struct core_config config;
	struct core *core;
	struct effects fx;
	struct now now;
	struct buf trace;
	struct rig_block blocks[RIG_BLOCKS];
	uint32_t n_blocks;
	uint64_t tail;                     /* of the log: as told by FX_TRIM */
	uint64_t move;                     /* base of the segment that FX_MOVE named + 1, or 0 */
	uint64_t nonce;                    /* of the last FX_NONCE */
	uint64_t results[RIG_WORKERS + 1]; /* OUTCOMES numbers per worker */
	uint64_t beats;
	uint64_t *held;     /* tokens that the next hello names; borrowed */
	uint64_t *held_ids; /* and their jobs */
	uint32_t n_held;
	uint32_t held_state;
	uint32_t principal;               /* whose key all that is said now comes with */
	bool edge;                        /* what is sent comes from an edge of the broker's own process */
	bool hello_draining;              /* the next hello says so */
	bool quiet;                       /* effects are carried out and not written down */
	bool attempts;                    /* jobs are shown with their history, as far as it is in memory */
	uint64_t due_ms;                  /* of the last job shown */
	struct msg_dead_cursor dead_next; /* of the last page of dead letters */
	bool dead_more;
	bool no_zones;                         /* time zones cannot be read */
	char zones[RIG_ZONES][LIMIT_NAME + 1]; /* that the core has asked for */
	uint32_t n_zones;
	struct rig_fetch {
		uint64_t token, mask;
		struct log_bytes stored;
	} fetches[RIG_FETCHES]; /* messages that the core has asked for */
	uint32_t n_fetches;
	bool bad_reads; /* they cannot be read */
};

void rig_init(struct rig *r);
void rig_fini(struct rig *r);
/* What was written since the last call, exactly. */
void rig_expect(struct rig *r, const char *trace);
void rig_forget(struct rig *r);
/* Whether what was written holds this; forgets nothing. */
bool rig_has(const struct rig *r, const char *text);

/* What the log holds there. */
struct span rig_bytes(const struct rig *r, const struct log_bytes *at);

void rig_step(struct rig *r, const struct event *ev);
/* Time goes by, with a tick whenever the core asks for one. */
void rig_pass(struct rig *r, uint64_t ms);
/* The broker crashes now, with everything synced, and starts again. `trimmed` false: the segments that were given
 * up are still there. */
void rig_restart(struct rig *r, bool trimmed);
/* Only the first n blocks reached the disk; to be followed by a restart. */
void rig_keep_blocks(struct rig *r, uint32_t n);
/* Hands the mover the segment that it asked for. */
void rig_scan(struct rig *r);

/* ---- clients ---- */

void rig_client(struct rig *r, unsigned client); /* hello, in silence */
void rig_request(struct rig *r, unsigned client, uint64_t number, enum msg_kind kind, struct msg m);
void rig_submit(struct rig *r, unsigned client, uint64_t number, const char *queue, uint32_t n);
/* With its own fields; payloads are "p". */
void rig_submit_as(struct rig *r, unsigned client, uint64_t number, const char *queue, uint32_t n, struct msg_submit s);
/* For rig_submit_as: a race of so many, awaited, for half a minute. */
struct msg_submit rig_race(uint32_t replicas, uint64_t hedge_ms);
void rig_ids(struct rig *r, unsigned client, uint64_t number, enum msg_kind kind, uint32_t flags, uint64_t id);
void rig_one(struct rig *r, unsigned client, uint64_t number, enum msg_kind kind, uint64_t id);
void rig_queue(struct rig *r, unsigned client, uint64_t number, const char *queue, enum queue_op op, uint64_t arg);

void rig_set(struct rig *r, unsigned client, uint64_t number, const char *queue, const char *name, uint64_t value);

/* ---- workers ---- */

/* Hello of a process, socket, ready and a first beat, in silence but for grants; it becomes session `worker` of this
 * epoch. */
void rig_worker(struct rig *r, unsigned worker, uint32_t slots, const char *queue, uint64_t window);
/* The same, of the process with this instance, with one slot on "q" and a window of one. */
void rig_worker_as(struct rig *r, unsigned worker, uint64_t instance);
/* Only the hello and what the core says to it. */
void rig_hello(struct rig *r, unsigned worker, uint64_t instance, uint32_t slots, const char *queue);
void rig_socket(struct rig *r, unsigned worker);
void rig_ready(struct rig *r, unsigned worker);
struct rig_beat {
	uint64_t window;
	uint64_t received;
	struct msg_range lost; /* first 0: none */
	uint64_t started;      /* low half of one token, or 0 */
};
void rig_beat(struct rig *r, unsigned worker, struct rig_beat b);
/* One outcome in a message of its own; token: its low half, of this epoch. */
void rig_outcome(struct rig *r, unsigned worker, uint64_t id, uint64_t token, enum verdict verdict);
void rig_outcome_numbered(struct rig *r, unsigned worker, uint64_t number, uint64_t id, uint64_t token);
/* One record of progress; `percent` PERCENT_UNKNOWN and `text` "": a touch. */
void rig_progress(struct rig *r, unsigned worker, uint64_t id, uint64_t token, uint32_t percent, const char *text);
void rig_return(struct rig *r, unsigned worker, uint64_t id, uint64_t token);
void rig_bye(struct rig *r, unsigned worker, uint64_t last);
void rig_unreachable(struct rig *r, unsigned worker);

/* The token of this epoch with this low half; a whole token stays what it is. */
uint64_t rig_token(const struct rig *r, uint64_t low);
uint64_t rig_session(const struct rig *r, unsigned worker);

/* A line for each queue with all its counts, and one for the whole. */
void rig_describe(struct rig *r);

int rig_suite(const char *name, void (*setup)(void), void (*teardown)(void), const TTest *const *tests, size_t n);

#define RIG_MAIN(name, ...)                                                                                            \
	int main(void)                                                                                                 \
	{                                                                                                              \
		const TTest *const tests[] = { __VA_ARGS__ };                                                          \
		return rig_suite(name, setup, teardown, tests, sizeof tests / sizeof tests[0]);                        \
	}

#endif
