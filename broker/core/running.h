/* JOB_LIST: the jobs that run now, with what their handlers say of them. */
#ifndef SHEAF_CORE_RUNNING_H
#define SHEAF_CORE_RUNNING_H

#include "broker/core/state.h"

/* Answers with JOBS_INFO: the jobs behind the place that the request names, as many as a message holds. */
void running_request(struct core *c, struct client *cl, const struct msg *m);

#endif
