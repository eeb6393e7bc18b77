/* What people look at, and what they do to queues. */
#ifndef SHEAF_CORE_QUERY_H
#define SHEAF_CORE_QUERY_H

#include "broker/core/state.h"

void query_job(struct core *c, struct client *cl, const struct msg *m);
void query_queues(struct core *c, struct client *cl, const struct msg *m);
void query_queue_op(struct core *c, struct client *cl, const struct msg *m);
void query_workers(struct core *c, struct client *cl, const struct msg *m);
void query_stats(struct core *c, struct client *cl, const struct msg *m);

#endif
