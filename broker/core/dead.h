/* Dead letters: the jobs of a queue whose attempts, or deliveries, are spent. They stay, payload, error and history,
 * until somebody redrives or purges them, or until they are as old as the queue's setting keep-dead allows. Redriving
 * and purging go on slice by slice, through the ticks; a redrive can keep to a rate. */
#ifndef SHEAF_CORE_DEAD_H
#define SHEAF_CORE_DEAD_H

#include "broker/core/state.h"

/* What the filter of a request says, with times of the wall clock. The text is borrowed. */
struct dead_want dead_want(const struct core *c, const struct msg_dead_filter *f);

/* Whether this dead letter is one of those. */
bool dead_wanted(const struct dead_want *w, const struct side *s);

/* The last attempt of a dead letter; all zero if there was none. */
struct msg_attempt_rec dead_last(const struct side *s);

/* The order of queue.dead: by time of death, then by id. */
static inline bool dead_behind(const struct job *j, uint64_t finished_ms, uint64_t id)
{
	return j->finished_ms != finished_ms ? j->finished_ms > finished_ms : j->id > id;
}

/* Into queue.dead, and out of it: only job.c calls these. */
void dead_add(struct core *c, struct queue *q, struct side *s);
void dead_remove(struct queue *q, struct side *s);

/* What its dead letters wait for may have changed: sets the queue's timer. */
void dead_look(struct core *c, struct queue *q);

/* After a replay: puts them in their order, sets the timers. */
void dead_start(struct core *c);

/* A slice of what is due; before the turn is committed. */
void dead_slice(struct core *c);

/* Answers what that slice has ended; after the turn was committed. */
void dead_finish(struct core *c);

/* When the next slice is due, in core time; 0: at once. */
uint64_t dead_deadline(const struct core *c);

/* That its dead letters are being redriven or purged, and what ends it. In the step's arena. */
const char *dead_at_work(struct core *c, const struct queue *q);

/* Why the queue takes no more jobs: it has as many dead letters as it may have; NULL: it has not. In the step's arena.
 */
const char *dead_full(struct core *c, const struct queue *q);

#endif
