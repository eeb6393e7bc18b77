/* Races: one job that several workers run at once; the first good result counts.
 *
 * A race is a parent, which is `blocked` until it ends and never runs itself, and up to LIMIT_REPLICAS children, its
 * replicas, with the ids that follow. They share the payload: it stands in the log once, as the parent's. A child is
 * never granted to a worker (a process: its instance) that a sibling has, or had. While nobody is left who could take
 * it, it is parked: `blocked`, so that it holds up nobody in its line.
 *
 * The first child that is done ends the parent, in the same block of the log. When every child has failed that could be
 * placed, the parent is dead, with all their errors. A parent that has ended, in whatever way, leaves its children to
 * race_slice, which cancels them; so does a replay that finds children without their parent. A child ends as done or as
 * cancelled, never as dead: what failed is the race. */
#ifndef SHEAF_CORE_RACE_H
#define SHEAF_CORE_RACE_H

#include "broker/core/state.h"

/* One replica. */
struct racer {
	struct job *job;    /* while it lives, or NULL */
	struct list parked; /* in queue.parked while no worker may have it, or can */
	uint64_t instance;  /* of the worker that has it, or had it last; 0 = nobody did */
	bool failed;
	uint16_t attempt_n;
	uint8_t *attempt; /* owned: the attempt that failed, see history.h */
};

struct race {
	uint64_t id;        /* of the parent */
	struct job *parent; /* NULL once it has ended */
	uint32_t n;         /* replicas */
	uint32_t live;      /* of these */
	uint32_t opened;    /* how many of them, from the first on, may run; the others wait for the hedge, or for
	                     * what the parent follows */
	uint64_t hedge_ms;
	struct heap_item hedge; /* in core.hedges while the last one that is open runs and another one may follow */
	struct list all;        /* in core.races */
	struct list link;       /* in core.closing once the parent has ended, or in core.judging, or alone */
	struct racer v[];
};

/* The race that the job is the parent or a child of, or NULL. */
static inline struct race *race_of(const struct job *j)
{
	const struct side *s = j->state == JOB_RUNNING ? j->in.lease->side
	                       : j->flags & JOB_SIDE   ? j->in.side
	                                               : (struct side *)NULL;

	return s != NULL ? s->race : NULL;
}

static inline bool race_is_child(const struct job *j)
{
	const struct race *race = race_of(j);

	return race != NULL && j->id != race->id;
}

/* ---- its beginning ---- */

/* Makes a race of a job that is put and in no state yet. The caller begins the job and then calls race_add_child for
 * each replica. */
struct race *race_new(struct core *c, struct job *parent, uint32_t n, uint64_t hedge_ms);

/* Makes and begins the child with this id, with its parent's priority, attempts and policy (a reference is the
 * caller's); due: as in struct side. */
void race_add_child(struct core *c, struct race *race, uint64_t id, uint64_t due, bool dated);

/* Whether a job with this side has to wait in `blocked` for its race. */
bool race_holds(const struct side *s);

/* The children's bytes are where the parent's are. */
void race_share(struct race *race);

/* ---- what happens to it ---- */

/* The job has a lease: granted (w), adopted (w), or in a replay. */
void race_granted(struct core *c, struct job *j, const struct worker *w);

/* The child went back by this; the turn has carried it out. */
void race_back(struct core *c, const struct handback *h);

/* The parent or a child is being named as ending in this turn: makes of *e what it means in a race, and ends the parent
 * if this decides it. */
void race_ending(struct core *c, struct ending *e);

/* The job has ended, and its side is about to go. */
void race_left(struct core *c, struct job *j, struct side *s);

/* The replay is over, and jobs are about to enter their containers. */
void race_replayed(struct core *c);

/* Opens what is due by hedging, judges what may be lost, ends the children of what is over; before the turn is
 * committed. */
void race_slice(struct core *c);

/* Children are left without their parent: the next slice ends them. */
static inline bool race_closing(const struct core *c)
{
	return !list_empty(&c->closing);
}

/* race_slice has something to do now. */
static inline bool race_pending(const struct core *c)
{
	return !list_empty(&c->closing) || !list_empty(&c->judging);
}

/* Any of its children runs. */
bool race_runs(const struct race *race);

/* What the waiting job is a part of, as one that purges sees it: itself, or the parent; NULL: a race that runs. */
struct job *race_whole(struct job *j);

/* Why the parent expires. */
struct span race_too_late(struct core *c, const struct job *parent);

void race_fini(struct core *c);

/* Holds a job of a race against what must be true. */
void race_check(const struct core *c, const struct job *j);

/* ---- apart: who may run what (race_apart.c) ---- */

/* Whether no sibling of the job has, or had, this worker. True for what is no replica. */
bool race_allows(const struct job *j, const struct worker *w);

/* ready → blocked: nobody who has room may take it now. */
void race_park(struct core *c, struct job *j);

/* Makes ready again what somebody has room for, and looks at the fate of what nobody can take; some of the queue's
 * parked ones, in turns. */
void race_unpark(struct core *c, struct queue *q);

/* A worker says that it has this one: it need not wait any more. */
void race_claimed(struct core *c, struct job *j);

/* Somebody else than w, who may, is idle and could take it. */
bool race_movable(const struct core *c, const struct job *j, const struct worker *w);

/* Whether there is a worker that could ever take it. */
bool race_placeable(const struct core *c, const struct job *j);

/* ---- the journal (race_fact.c) ---- */

/* Bytes that its facts take beside those of one job. */
uint64_t race_fact_bytes(uint32_t replicas);

/* The records of the replicas `from` to `to` (not included) behind the parent's in JOBS_PUT. */
void race_put_children(struct buf *b, uint64_t parent, uint32_t from, uint32_t to);

/* Those of the children that live; how many. */
uint32_t race_put_live(struct buf *b, const struct race *race);

/* RACE: what is known of the race at its beginning. */
void race_fact_begin(struct buf *b, uint64_t parent, uint32_t n, uint64_t hedge_ms);

/* RACE: that one replica has failed. */
void race_fact_failed(struct buf *b, const struct race *race, uint32_t i);

/* RACE: all of it. */
void race_fact_all(struct buf *b, const struct race *race);

/* What they say. */
MUST_CHECK bool race_replay(struct core *c, struct span body);
MUST_CHECK bool race_replay_child(struct core *c, uint64_t parent, uint64_t id, uint64_t due, bool dated);

/* ---- between these files ---- */

/* Marks a replica as failed by this attempt, as history.h has it. */
void race_failed(struct race *race, uint32_t i, struct span attempt);

/* The next tick looks whether the race may begin, or is lost. */
void race_judge(struct core *c, struct race *race);

/* The replicas up to the i-th may run. */
void race_open(struct core *c, struct race *race, uint32_t to);

static inline struct racer *race_racer(struct race *race, const struct job *child)
{
	return &race->v[child->id - race->id - 1];
}

#endif
