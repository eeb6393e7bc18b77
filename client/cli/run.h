/* What `run` and `race` share: a job that is awaited, and cancelled if it is awaited no longer. */
#ifndef SHEAF_CLI_RUN_H
#define SHEAF_CLI_RUN_H

#include "client/cli/common.h"

/* Waits until the one job that has been posted has ended: 0 and *r, valid until the next call. If --timeout and `grace`
 * milliseconds run out before, or a signal comes, it is cancelled: an exit status after a sentence, also if it was
 * refused. */
MUST_CHECK int run_await(struct cli *c, uint64_t grace, struct msg_result_rec *r);

#endif
