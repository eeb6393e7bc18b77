/* A part of the state, see state.h: what joins jobs. Batches, jobs that follow others, idempotency keys. */
#ifndef SHEAF_CORE_JOIN_H
#define SHEAF_CORE_JOIN_H

#include <uthash.h>

#include "base/heap.h"
#include "base/list.h"
#include "proto/msg.h"

#define KEY_TABLES        256
#define THEN_HEADER_BYTES 64 /* of the headers that the broker adds to a job that follows a batch */

struct side;

/* An idempotency key of a queue; see key.h. */
struct key {
	struct heap_item ends; /* in core.key_ends; wall clock */
	struct list link;      /* in queue.keys */
	UT_hash_handle hh;     /* by name */
	uint64_t id;           /* of the job that it was first given for */
	uint64_t at;           /* position of its fact's body */
	uint16_t queue;        /* index */
	uint16_t n;            /* bytes of name */
	uint8_t name[];        /* the queue's index, then the key */
};

/* The job that is to be submitted when a batch is complete. */
struct then {
	uint8_t when; /* enum then_when */
	uint8_t priority;
	uint8_t attempts; /* 0 = the queue's default */
	uint16_t queue;   /* index */
	uint32_t headers_n;
	uint32_t payload_n;
	uint8_t bytes[]; /* headers, payload */
};

struct batch {
	uint64_t id;
	uint32_t index;
	bool closed;
	bool expired; /* it was left open for too long */
	uint64_t total;
	uint64_t ended;
	uint64_t failed;
	uint64_t members;       /* live jobs that point here */
	uint64_t kept;          /* ended ones, not dead, that point here: their results are kept */
	uint32_t waiter;        /* first, or NO_INDEX */
	uint64_t closes_wall;   /* when it expires if it is still open */
	uint64_t finished_wall; /* when it was complete, and what follows from that was done; 0 = it is not */
	uint64_t then_id;       /* the job that was submitted then */
	struct then *then;      /* owned, or NULL */
	struct heap_item timer; /* in core.open_batches while open */
	struct list link;       /* in core.finishing_batches, then core.finished_batches; or alone */
	UT_hash_handle hh;
};

/* A job follows something; see after.h. */
struct edge {
	struct list link; /* in parent.edges while that has not ended, or what follows from it is not done; or alone */
	struct side *side;
	uint64_t id; /* of what it follows */
};

/* What a blocked job follows. */
struct after {
	uint32_t n;
	uint32_t left; /* of these, the ones that it waits for */
	bool any;      /* they may end in whichever way */
	struct edge edges[];
};

/* A job or batch that blocked jobs follow. */
struct parent {
	uint64_t id;
	enum job_state ended; /* JOB_NONE: it has not */
	struct list edges;
	struct list link; /* in core.releasing once it has ended */
	UT_hash_handle hh;
};

#endif
