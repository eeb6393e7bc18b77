/* SUBMIT_ALL: jobs for several queues, which are there together or not at all. */
#ifndef SHEAF_CORE_ALL_H
#define SHEAF_CORE_ALL_H

#include "broker/core/state.h"

void all_request(struct core *c, struct client *cl, const struct msg *m);

#endif
