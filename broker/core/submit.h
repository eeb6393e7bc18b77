/* What clients change: submits, cancels, batches. */
#ifndef SHEAF_CORE_SUBMIT_H
#define SHEAF_CORE_SUBMIT_H

#include "broker/core/state.h"

void submit_request(struct core *c, struct client *cl, const struct msg *m);
void submit_cancel(struct core *c, struct client *cl, const struct msg *m);
void submit_batch_open(struct core *c, struct client *cl, const struct msg *m);
void submit_batch_close(struct core *c, struct client *cl, const struct msg *m);

#endif
