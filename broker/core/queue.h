/* Queues: named lines of jobs, first in first out inside each priority. Order comes from ids: new jobs join
 * at the end, a job that comes back from a worker waits in a small heap by id and goes before its juniors. */
#ifndef SHEAF_CORE_QUEUE_H
#define SHEAF_CORE_QUEUE_H

#include "broker/core/state.h"

/* The queue of this name, or NULL. */
struct queue *queue_find(const struct core *c, struct span name);

/* A new queue; NULL if there are LIMIT_QUEUES. */
struct queue *queue_new(struct core *c, struct span name);

/* The queue with this name, made with its fact if there is none; NULL at LIMIT_QUEUES. */
struct queue *queue_for(struct core *c, struct span name);

/* For a replay: the queue of this index, made without a name if need be. */
struct queue *queue_at(struct core *c, uint16_t index);
void queue_name(struct core *c, struct queue *q, struct span name);

/* Removes a queue that has no live job and no kept result. */
void queue_free(struct core *c, struct queue *q);

/* Puts a ready job in line; does nothing during a replay, after which all are put in line in order. */
void queue_add_ready(struct core *c, struct queue *q, struct job *j);

/* Takes a ready job out of line. */
void queue_take(struct core *c, struct queue *q, struct job *j);

/* Jobs that wait in line. */
static inline uint64_t queue_ready(const struct queue *q)
{
	return q->now[JOB_READY];
}

/* Marks the queue as worth a look by the dispatcher. */
void queue_heat(struct core *c, struct queue *q);

/* Writes the queue as it is into the step's facts. */
void queue_fact(struct core *c, const struct queue *q);

/* The queue as people see it. */
void queue_describe(const struct core *c, const struct queue *q, struct msg_queue_rec *r);

/* Jobs of it that have not ended. */
static inline uint64_t queue_live(const struct queue *q)
{
	return q->now[JOB_BLOCKED] + q->now[JOB_DELAYED] + q->now[JOB_READY] + q->now[JOB_RUNNING];
}

#endif
