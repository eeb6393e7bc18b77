/* Scatter: which worker gets which jobs, and when. */
#ifndef SHEAF_CORE_DISPATCH_H
#define SHEAF_CORE_DISPATCH_H

#include "broker/core/state.h"

/* Grants what can be granted now, as far as the step has room. */
void dispatch(struct core *c);

/* How many more jobs the worker may be sent now; `bytes`: of the next payload. */
uint32_t dispatch_credit(const struct worker *w, uint64_t bytes);

/* True if dispatch stopped for want of room in the step. */
bool dispatch_pending(const struct core *c);

/* Asks workers that have jobs waiting to give some back for those that have nothing to do. */
void dispatch_rebalance(struct core *c);

#endif
