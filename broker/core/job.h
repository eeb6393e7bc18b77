/* The life of a job: which states follow which, and what has to be true in each. job.c holds the table
 * and the one function that assigns a state; everything else calls these. */
#ifndef SHEAF_CORE_JOB_H
#define SHEAF_CORE_JOB_H

#include "broker/core/state.h"

/* Where a job's bytes are. */
struct job_bytes {
	uint64_t at;
	uint32_t length;
	uint32_t crc;
	uint32_t overhead; /* share of what stands around them in the log; see job_overhead */
};

/* Each job's share of a fact with `count` records and `headers` bytes of headers, its block's head included. Without it
 * a log of small jobs that were submitted one by one would seem nearly empty, and be moved for nothing. */
uint32_t job_overhead(bool ended, uint32_t count, size_t headers);

/* A new job in `ready`. The policy's reference is taken over; batch: index or NO_INDEX. */
struct job *job_put(struct core *c, struct queue *q, uint64_t id, const struct job_bytes *where);

/* ready → running: a lease for the worker (NULL: an orphan) with this token. */
struct lease *job_run(struct core *c, struct job *j, struct worker *w, uint64_t token);

/* running → ready: its lease ends without a verdict that counts. */
void job_back(struct core *c, struct job *j);

/* How a job ended. */
struct job_end {
	enum job_state state; /* terminal */
	int32_t exit;
	uint8_t attempt; /* attempts used */
	uint32_t run_ms;
	uint64_t finished_ms;
	uint16_t error_length;
	struct job_bytes where; /* of error and result */
};

/* Any live state → terminal. Waiters are not told: see wait_resolve. */
void job_end(struct core *c, struct job *j, const struct job_end *end);

/* A terminal job that appears in the log without its beginning (it was trimmed). */
struct job *job_put_ended(struct core *c, struct queue *q, uint64_t id);

/* Terminal → not there any more. */
void job_forget(struct core *c, struct job *j);

/* The job's bytes have been written again elsewhere. */
void job_moved(struct core *c, struct job *j, const struct job_bytes *where);

/* Bytes that the job needs of the log. */
uint64_t job_log_bytes(const struct job *j);

static inline struct job_bytes job_where(const struct job *j)
{
	return (struct job_bytes){ j->at, j->length, j->crc, j->overhead };
}

static inline bool job_terminal(const struct job *j)
{
	return job_state_terminal((enum job_state)j->state);
}

#endif
