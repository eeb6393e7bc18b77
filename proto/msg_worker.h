/* Of the messages of msg.h those that workers and the broker exchange. */
#ifndef SHEAF_PROTO_MSG_WORKER_H
#define SHEAF_PROTO_MSG_WORKER_H

#include <stdint.h>

#include "base/span.h"
#include "proto/limits.h"

/* A lease as both sides name it. */
struct lease_name {
	uint64_t id;    /* job */
	uint64_t token; /* epoch << 32 | counter; grows, never repeats */
};

/* One job on its way to a worker. */
struct msg_job_rec {
	uint64_t id;
	uint64_t token;
	uint32_t attempt;  /* from 1 */
	uint32_t queue;    /* index into the queues of the worker's hello */
	uint64_t lease_ms; /* 0 = the worker's beats keep it */
	struct span headers;
	struct span payload;
	uint64_t expires_ms; /* it must begin within so long; 0 = whenever */
};

enum verdict {
	VERDICT_DONE = 1,
	VERDICT_FAILED = 2, /* the handler said no: uses up an attempt */
	VERDICT_KILLED = 3, /* ended for a limit: uses up an attempt */
};

/* One attempt's outcome, on its way to the broker. */
struct msg_outcome_rec {
	uint64_t id;
	uint64_t token;
	uint32_t verdict; /* enum verdict */
	int32_t exit;
	uint64_t run_ms; /* how long the handler ran */
	struct span error;
	struct span result;
};

/* How far a running job is; whatever it says, its lease begins anew. */
struct msg_progress_rec {
	uint64_t id;
	uint64_t token;
	uint32_t percent; /* 0..100, or PERCENT_UNKNOWN */
	struct span text; /* at most LIMIT_PROGRESS_TEXT */
};

struct msg_range {
	uint64_t first;
	uint64_t last;
};

struct msg_beat {
	uint64_t window_jobs;  /* how many jobs may be in the worker's hands, running ones included */
	uint64_t window_bytes; /* and how many bytes of payload */
	uint64_t received; /* the highest JOBS number up to which nothing is outstanding: came, or named in `lost` */
	const struct msg_range
	    *lost; /* JOBS numbers that never came; repeated until a beat that named them is answered */
	uint32_t n_lost;
	const uint64_t *started; /* tokens of the jobs that run now */
	uint32_t n_started;
};

enum held_state {
	HELD_WAITING = 1, /* not started */
	HELD_RUNNING = 2,
	HELD_FINISHED = 3, /* its outcome will be sent (again) */
};

struct msg_held_rec {
	uint64_t id;
	uint64_t token;
	uint32_t state; /* enum held_state */
};

struct msg_worker_hello {
	uint32_t version_min;
	uint32_t version_max;
	uint64_t features;
	uint64_t instance; /* random, one per process: a new hello with it replaces the session before */
	struct span name;
	uint32_t slots;
	const struct span *queues;
	uint32_t n_queues;
	const struct msg_held_rec *held;
	uint32_t n_held;   /* up to LIMIT_HELD */
	uint32_t draining; /* as the last BEAT_ANSWER said */
};

struct msg_worker_welcome {
	uint32_t version;
	uint64_t features;
	struct span jobs;    /* endpoint to connect the PULL to; port only matters, see PROTOCOL.md */
	struct span results; /* endpoint to connect the PUSH to */
	uint64_t beat_ms;
	uint64_t liveness_ms;
	const uint64_t *dropped; /* tokens of `held` that are stale: stop and forget them */
	uint32_t n_dropped;
};

#endif
