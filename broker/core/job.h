/* The life of a job: which states follow which, and what has to be true in each. job.c holds the table
 * and the one function that assigns a state; everything else calls these. */
#ifndef SHEAF_CORE_JOB_H
#define SHEAF_CORE_JOB_H

#include "broker/core/fact.h"
#include "broker/core/state.h"

/* Each job's share of a fact with `count` records and `headers` bytes of headers, its block's head included. Without it
 * a log of small jobs that were submitted one by one would seem nearly empty, and be moved for nothing. */
uint32_t job_overhead(bool ended, uint32_t count, size_t headers);

/* What the record of a job that shares its payload has more. */
static inline uint32_t job_shared_head(uint32_t sharers)
{
	return sharers > 0 ? FACT_SHARED_HEAD : 0;
}

/* A new job, in no state yet: the caller fills in what the submit said, and a side if it needs one, then begins it. */
struct job *job_put(struct core *c, struct queue *q, uint64_t id, const struct job_bytes *where);

/* A replica of this parent, in no state yet, with its priority, attempts, policy and payload: see race.h. */
struct job *job_put_replica(struct core *c, const struct job *parent, uint64_t id);

/* Outside → blocked if its race holds it, delayed if its side has a due time, else ready. */
void job_begin(struct core *c, struct job *j);

/* In a replay: ready or delayed, as its side's due time says. */
void job_wait_again(struct core *c, struct job *j);

/* delayed → ready: its time has come. */
void job_wake(struct core *c, struct job *j);

/* blocked → ready, or delayed if its side has a due time to come: nothing that it follows holds it up any more. */
void job_release(struct core *c, struct job *j);

/* ready → blocked, and back, or delayed if its side has a due time: a replica. */
void job_block(struct core *c, struct job *j);
void job_unblock(struct core *c, struct job *j);

/* ready → running: a lease for the worker (NULL: an orphan) with this token. */
struct lease *job_run(struct core *c, struct job *j, struct worker *w, uint64_t token);

/* running → ready, or delayed until `due` (wall clock; 0 = ready): its lease ends without a verdict that counts. */
void job_back(struct core *c, struct job *j, uint64_t due);

/* dead → ready, with all its attempts before it. No run with an older token than this may come back. */
void job_redrive(struct core *c, struct job *j, uint64_t token);

/* How a job ended. */
struct job_end {
	enum job_state state; /* terminal */
	int32_t exit;
	uint8_t used; /* attempts used */
	uint32_t run_ms;
	uint64_t finished_ms;
	uint16_t error_length;
	bool empty;             /* neither error nor result */
	struct job_bytes where; /* of history, error and result */
	struct attempt attempt; /* for the history of a dead one */
};

/* Any live state → terminal. A dead one keeps its payload, so that it can be redriven. Waiters are not told: see
 * wait_resolve. */
void job_end(struct core *c, struct job *j, const struct job_end *end);

/* A terminal job that appears in the log without its beginning (it was trimmed). */
struct job *job_put_ended(struct core *c, struct queue *q, uint64_t id, enum job_state state);

/* Terminal → not there any more. */
void job_forget(struct core *c, struct job *j);

/* The bytes at `at` have been written again elsewhere: the payload of a live or dead job, what another one left. */
void job_moved(struct core *c, struct job *j, const struct job_bytes *where);

/* The same for what a dead job left. */
void job_end_moved(struct core *c, struct job *j, const struct job_bytes *where);

/* The payload of a dead job that appeared in the log without its beginning. */
void job_put_late(struct core *c, struct job *j, const struct job_bytes *where);

/* Puts a live job into the container of its state, once the replay is over. */
void job_enter(struct core *c, struct job *j);

/* Bytes that the job needs of the log: for what stands at `at`, and (dead) for what it left. */
uint64_t job_log_bytes(const struct job *j);
uint64_t job_end_bytes(const struct job *j);

/* Where what an ended job left stands, and how much of it is error text. */
struct job_bytes job_left(const struct job *j, uint16_t *error_length);

static inline struct job_bytes job_where(const struct job *j)
{
	return (struct job_bytes){ j->at, j->length, j->crc, j->overhead, j->sharers };
}

/* It has a result, or had one, and nothing to run any more. */
static inline bool job_terminal(const struct job *j)
{
	return job_state_terminal((enum job_state)j->state);
}

#endif
