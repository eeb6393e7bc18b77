/* Whether jobs can be taken: what every way of handing them in asks first. */
#ifndef SHEAF_CORE_ADMIT_H
#define SHEAF_CORE_ADMIT_H

#include "broker/core/state.h"

/* Why not; error SHEAF_OK: nothing speaks against it. The text lives as long as the step. */
struct refusal {
	enum sheaf_error error;
	const char *text;
};

/* So many bytes of facts, as one group. */
struct refusal admit_bytes(const struct core *c, uint64_t bytes);

/* Jobs of this queue; NULL: one that is not there yet. */
struct refusal admit_queue(struct core *c, const struct queue *q);

/* So many more distinct sets of headers and the like, at most, of so many bytes in all. */
struct refusal admit_policies(const struct core *c, uint32_t n, uint64_t bytes);

/* A new key of the queue (NULL: not there yet), when `here` more of it and `all` more in all are new already. */
struct refusal admit_key(const struct core *c, const struct queue *q, uint32_t here, uint32_t all);

#endif
