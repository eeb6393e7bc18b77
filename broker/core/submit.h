/* What clients change: submits, cancels. */
#ifndef SHEAF_CORE_SUBMIT_H
#define SHEAF_CORE_SUBMIT_H

#include "broker/core/state.h"

void submit_request(struct core *c, struct client *cl, const struct msg *m);
void submit_cancel(struct core *c, struct client *cl, const struct msg *m);

/* Answers a request that was answered before. True if it was one. */
bool submit_answered(struct core *c, struct client *cl, const struct msg *m);

#endif
