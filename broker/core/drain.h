/* Workers that get no jobs because somebody said so: WORKER_OP. Their session goes on, and so does what they run. */
#ifndef SHEAF_CORE_DRAIN_H
#define SHEAF_CORE_DRAIN_H

#include "broker/core/state.h"

/* The request: drain or resume all workers of a name. */
void drain_request(struct core *c, struct client *cl, const struct msg *m);

/* Asks a draining worker for a slice of what it has not started; each of its beats comes here. */
void drain_slice(struct core *c, struct worker *w);

#endif
