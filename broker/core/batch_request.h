/* What clients ask of batches. */
#ifndef SHEAF_CORE_BATCH_REQUEST_H
#define SHEAF_CORE_BATCH_REQUEST_H

#include "broker/core/state.h"

void batch_request_open(struct core *c, struct client *cl, const struct msg *m);
void batch_request_close(struct core *c, struct client *cl, const struct msg *m);
void batch_request_show(struct core *c, struct client *cl, const struct msg *m);

#endif
