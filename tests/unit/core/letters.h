/* A queue q with dead letters on the bench: client 1 submits, worker 1 fails. */
#ifndef SHEAF_TESTS_UNIT_CORE_LETTERS_H
#define SHEAF_TESTS_UNIT_CORE_LETTERS_H

#include "tests/unit/core/rig.h"

extern struct rig rig;
extern uint64_t ids;    /* of jobs, so far */
extern uint64_t number; /* of client 1's requests */

void setup(void);
void teardown(void);
void restart(bool trimmed);

/* `n` jobs of q get to worker 1, once it is there; in silence. Returns the first one's id. */
uint64_t run(uint32_t n, uint64_t batch);
/* They come back failed, with this error. */
void lose(uint64_t first, uint32_t n, const char *error);
/* Both. */
uint64_t die(uint32_t n, const char *error);
/* Worker 1 takes no more. */
void no_more_jobs(void);

void op(uint64_t n, enum dead_op_kind kind, struct msg_dead_op o);
void list(struct msg_dead_cursor after, uint32_t limit, struct msg_dead_filter f);
/* What QUEUE_SHOW says of q, between its name and the bracket. */
void expect_queue(const char *what);

/* Segments go by, until the first ones have been moved from and given back. */
void wear(int rounds);

#endif
