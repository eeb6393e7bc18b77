/* Of the messages of msg.h those that are about dead letters. */
#ifndef SHEAF_PROTO_MSG_DEAD_H
#define SHEAF_PROTO_MSG_DEAD_H

#include <stdint.h>

#include "base/span.h"
#include "proto/limits.h"

/* What can be done to the dead letters of a queue. */
enum dead_op_kind {
	DEAD_REDRIVE = 1, /* they are ready again, with all their attempts before them */
	DEAD_PURGE = 2,   /* they are forgotten */
	DEAD_STOP = 3     /* what is under way ends here */
};

/* Which dead letters; 0 and empty: all. */
struct msg_dead_filter {
	uint64_t min_age_ms; /* dead for so long at least */
	uint64_t max_age_ms; /* and at most */
	struct span error;   /* stands in the error of the last attempt; at most LIMIT_HISTORY_ERROR bytes */
};

struct msg_dead_op {
	struct span queue;
	uint32_t op; /* enum dead_op_kind */
	struct msg_dead_filter filter;
	uint64_t limit; /* so many, the oldest first; 0 = all */
	uint64_t rate;  /* DEAD_REDRIVE: jobs per day; 0 = at once */
};

/* Where a listing of dead letters stands: the order is by time of death, then by id. */
struct msg_dead_cursor {
	uint64_t id; /* what comes behind the job of this id, which died then; 0 = from the beginning */
	uint64_t finished_ms;
	uint64_t near; /* a dead letter that stands at that place, or before it: a hint */
};

struct msg_dead_list {
	struct span queue;
	struct msg_dead_cursor after;
	struct msg_dead_filter filter;
	uint32_t limit; /* 1..LIMIT_LISTED */
};

struct msg_dead_rec {
	uint64_t id;
	uint64_t finished_ms; /* when it died, wall clock */
	uint32_t attempt;     /* attempts used up */
	int32_t exit;
	uint64_t size;      /* bytes of the payload */
	struct span worker; /* of the last attempt, as is the error; empty if there was none */
	struct span error;  /* at most LIMIT_HISTORY_ERROR bytes */
};

struct msg_dead_info {
	uint32_t more;
	struct msg_dead_cursor next;
	const struct msg_dead_rec *v;
	uint32_t n; /* ..LIMIT_LISTED */
};

#endif
