/* The jobs whose results are awaited: id to tag. A table made for ids that come in runs and leave soon
 * after, at millions a second: open addressing in Robin Hood order, so that a search for what is not there
 * ends early and nothing is left behind by a removal. Runs of 64 ids keep their order and lie side by side
 * in memory, the runs are spread by multiplication (Knuth, The Art of Computer Programming 6.4).
 * Who fills it keeps the bound (LIMIT_CLIENT_WAITS). */
#ifndef SHEAF_CLIENT_AWAITED_H
#define SHEAF_CLIENT_AWAITED_H

#include <stdbool.h>
#include <stdint.h>

struct awaited_job {
	uint64_t id; /* 0 = empty */
	uint64_t tag;
};

struct awaited {
	struct awaited_job *v; /* owned, mask + 1 of them */
	uint32_t n;            /* jobs inside */
	uint32_t mask;
	uint32_t shift; /* of the product, for the number of a run's place */
};

void awaited_init(struct awaited *a);
void awaited_fini(struct awaited *a);

/* Adds a job; id is not 0. False if it is there already; it then keeps its tag. */
bool awaited_put(struct awaited *a, uint64_t id, uint64_t tag);
/* Removes a job. False if it is not there; *tag is then untouched. */
bool awaited_take(struct awaited *a, uint64_t id, uint64_t *tag);
bool awaited_has(const struct awaited *a, uint64_t id);

#endif
