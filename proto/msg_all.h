/* The messages about jobs for several queues that are accepted together or not at all; see msg.h. */
#ifndef SHEAF_PROTO_MSG_ALL_H
#define SHEAF_PROTO_MSG_ALL_H

#include <stdint.h>

#include "base/span.h"
#include "proto/limits.h"

enum all_flags {
	ALL_CREATE = 1 /* its queue is made if it is missing; else a missing one is refused */
};

/* One job of it. */
struct msg_all_part {
	struct span queue;
	uint32_t flags;    /* enum all_flags */
	uint32_t priority; /* 0..9 */
	uint32_t attempts; /* 0 = the queue's default */
	uint64_t lease_ms; /* 0 = the queue's default */
	uint64_t delay_ms;
	uint64_t within_ms;  /* expires so long from now; 0 = never */
	struct span key;     /* idempotency key, as in msg_terms */
	struct span headers; /* as in msg_submit */
	uint32_t same;       /* n: the payload is that of part number n, counted from 1, an earlier one; 0: its own */
	struct span payload; /* empty if `same` */
};

/* SUBMIT_ALL. Answered by ALL_ACCEPTED once all of it is durable, or by a REPLY that refuses all of it, whose value is
 * the number, from 1, of the part that is to blame, 0 if it is none. */
struct msg_submit_all {
	uint64_t answered; /* as in msg_submit */
	const struct msg_all_part *v;
	uint32_t n; /* 1..LIMIT_ALL_PARTS */
};

/* ALL_ACCEPTED: the id of each part's job, in their order; of a key that is remembered, the first one's. */
struct msg_all_accepted {
	const uint64_t *ids;
	uint32_t n;
};

#endif
