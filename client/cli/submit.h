/* Submitting, as `sheaf submit` and `sheaf batch add` do. */
#ifndef SHEAF_CLI_SUBMIT_H
#define SHEAF_CLI_SUBMIT_H

#include "client/cli/common.h"

/* With the arguments QUEUE [PAYLOAD|-]: a job, or a job for each record, into the batch unless that is 0. An exit
 * status. */
int submit_run(struct cli *c, uint64_t batch);

#endif
