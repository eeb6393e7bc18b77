/* A job as `sheaf job` shows it. */
#ifndef SHEAF_CLI_JOB_SHOW_H
#define SHEAF_CLI_JOB_SHOW_H

#include "client/cli/show.h"

/* For people: what it is, then a line for each of its attempts. `now_ms` is the wall clock. */
void job_show(struct out *o, const struct msg_job_info *i, uint64_t now_ms);

/* For programs; see docs/json.md. */
json_t *job_json(const struct msg_job_info *i);

#endif
