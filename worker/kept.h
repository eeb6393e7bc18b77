/* Outcomes that the broker has not made durable yet: messages, encoded once, kept until they are settled and sent
 * again as they are, but for the numbers in their head. */
#ifndef SHEAF_WORKER_KEPT_H
#define SHEAF_WORKER_KEPT_H

#include "base/buf.h"
#include "proto/codec.h"

struct kept {
	struct kept *next;
	struct buf bytes;
	struct msg_writer writer;
	struct lease_name *names; /* owned: what is inside, for the next hello */
	uint32_t n, cap;
	uint64_t charged; /* its part of outcomes.bytes */
};

struct outcomes {
	struct kept *first, *last; /* complete ones, the oldest first */
	struct kept *open;         /* the one under construction, or NULL */
	struct kept *unsent;       /* the first that is to be sent; NULL = none */
	struct kept *spare;
	uint64_t settled;   /* numbers up to here are durable; the first kept one is settled + 1 */
	uint64_t next;      /* number of the next message that is completed */
	uint64_t send_next; /* number of `unsent` */
	uint64_t bytes;     /* of all */
};

void outcomes_init(struct outcomes *o);
void outcomes_fini(struct outcomes *o);
void outcomes_put(struct outcomes *o, const struct msg_outcome_rec *r);
/* Completes the open message. */
void outcomes_close(struct outcomes *o);
/* Everything up to this number is durable. */
void outcomes_settle(struct outcomes *o, uint64_t settled);
/* All that is kept goes again. */
void outcomes_resend(struct outcomes *o);
/* A new session: all that is kept is numbered from 1 and goes again. */
void outcomes_renumber(struct outcomes *o);
/* The next message to send, with its head filled in; NULL if there is none. */
struct kept *outcomes_take(struct outcomes *o, uint64_t epoch, uint64_t session);
/* The last number that was completed. */
static inline uint64_t outcomes_last(const struct outcomes *o)
{
	return o->next - 1;
}

#endif
