/* Schedules: each submits a job whenever it is due, and never twice for one tick: the fact that a tick is settled and
 * the job's own stand in one block.
 *
 * A schedule's clock is the wall's, which in the core never goes back. All ticks up to `from` are settled; `due` is the
 * first one behind it, and everything follows from that: what time has passed over while the broker was down, or could
 * not take a job, is found between `from` and now. The last tick of these counts as in time if it is not older than
 * CRON_GRACE_MS (or half of what lies between two ticks of @every); else it was missed, like those before it, and their
 * job runs once or not at all, as the schedule says. */
#ifndef SHEAF_CORE_CRON_H
#define SHEAF_CORE_CRON_H

#include "broker/core/cronspec.h"
#include "broker/core/fact.h"
#include "broker/core/state.h"

enum {
	CRON_GRACE_MS = 60000,
	CRON_HELD_MS = 1000,           /* after which a job that could not be taken is tried again */
	CRON_ZONE_MS = 60000,          /* after which a zone that could not be read is asked for again */
	CRON_LOOK_MS = 1000,           /* after which the wall clock is looked at: somebody may have set it */
	CRON_SLICE = 64,               /* ticks of one step; below STEP_PUTS */
	CRON_HEADERS = 2 * LIMIT_NAME, /* bytes for the headers that each job gets */
	CRON_COUNT_MOST = 1000         /* missed ticks of fields that are counted one by one */
};
static_assert((int)CRON_SLICE <= (int)STEP_PUTS, "a slice's jobs can be put");

struct cron_zone {
	char name[LIMIT_NAME + 1];
	struct zone *table; /* owned; NULL: not there yet, or it cannot be read */
	uint32_t refs;      /* schedules */
	bool asked;         /* the shell reads it */
	char trouble[192];  /* why it cannot be read */
	UT_hash_handle hh;
};

/* What of a schedule changes with its ticks. */
struct cron_ticks {
	bool paused;
	uint64_t anchor_ms; /* @every counts from here */
	uint64_t from_ms;   /* ticks up to here are settled */
	uint64_t last_ms;   /* tick whose job was submitted last; 0 = none */
	uint64_t last_job;
	uint64_t submitted; /* jobs */
	uint64_t missed;    /* ticks without a job of their own */
};

struct cron {
	struct msg_cron set; /* its spans are owned: see cron_copy */
	struct cronspec spec;
	bool understood;        /* `spec` is: it might have been written by another version */
	struct cron_zone *zone; /* NULL: UTC */
	struct cron_ticks ticks;
	uint64_t due_ms;        /* CRON_NEVER: paused, or not known */
	const char *held;       /* why the job that is due could not be taken; NULL */
	struct heap_item timer; /* in core.cron_timers */
	UT_hash_handle hh;
};

/* ---- cron.c: the schedules ---- */

struct cron *cron_find(const struct core *c, struct span name);
/* A new one with this name and no more; the caller says cron_become. */
struct cron *cron_new(struct core *c, struct span name);
/* Gives it its contents. The spec was checked, or comes from the journal. */
void cron_become(struct core *c, struct cron *k, const struct msg_cron *set);
void cron_free(struct core *c, struct cron *k);
/* Finds out when it is due and sets its timer. */
void cron_arm(struct core *c, struct cron *k);
/* The zone's table; NULL is UTC. Only where `cron_ready`. */
const struct zone *cron_table(const struct cron *k);
bool cron_ready(const struct cron *k);
/* A tick of it, and how far its zone is ahead then. */
struct msg_cron_time cron_time(const struct zone *z, uint64_t at_ms);
void cron_describe(struct core *c, const struct cron *k, struct msg_cron_rec *r);
/* When a step should come, in core time: not later than CRON_LOOK_MS from now if anything is due some day. */
uint64_t cron_deadline(const struct core *c);
void cron_fini(struct core *c);
void cron_check(const struct core *c);
/* After a replay. */
void cron_start(struct core *c);

/* ---- cron_tick.c: what is due ---- */

void cron_slice(struct core *c);

/* ---- cron_zone.c: zones, which the shell reads ---- */

/* The zone with this name, made if need be, with one more reference. */
struct cron_zone *cron_zone_get(struct core *c, struct span name);
void cron_zone_drop(struct core *c, struct cron_zone *z);
void cron_zone_ask(struct core *c, struct span name);
/* EV_ZONE. */
void cron_zone_came(struct core *c, struct span name, bool good, struct span bytes);

/* ---- cron_ask.c: what clients want ---- */

void cron_set_request(struct core *c, struct client *cl, const struct msg *m);
void cron_op_request(struct core *c, struct client *cl, const struct msg *m);
void cron_list_request(struct core *c, struct client *cl, const struct msg *m);
/* The zone has come, or cannot be read: answers the first who waited for it. Each has asked the shell on his own. */
void cron_ask_zone(struct core *c, struct cron_zone *z);
void cron_ask_fini(struct core *c);

/* ---- cron_fact.c: what the journal keeps ---- */

/* Bytes of the schedule's whole fact. */
uint64_t cron_fact_bytes(const struct msg_cron *set);
void cron_fact(struct core *c, const struct cron *k);      /* all of it */
void cron_tick_fact(struct core *c, const struct cron *k); /* what changes with its ticks */
void cron_gone_fact(struct core *c, const struct cron *k);
/* FACT_CRON and FACT_CRON_GONE. */
MUST_CHECK bool cron_replay(struct core *c, const struct fact *f);

/* A copy in memory of its own, to be given back with free(to->name.p). */
void cron_copy(struct msg_cron *to, const struct msg_cron *from);

#endif
