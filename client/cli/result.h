/* What `run` and `result` do with a job that has ended. */
#ifndef SHEAF_CLI_RESULT_H
#define SHEAF_CLI_RESULT_H

#include "client/cli/common.h"

/* The exit status that a failed job passes on: the handler's own, or EXIT_FAILED. */
int result_status(const struct msg_result_rec *r);
/* Result to stdout, error to stderr (with --json: one object on stdout). Returns 0 for a job that is done, else its
 * result_status; EXIT_REFUSED after a sentence when there is no result. */
int result_print(struct cli *c, const struct msg_result_rec *r);
/* The error text of a failed job, or, if it left none, what is known. */
struct span result_error(const struct msg_result_rec *r, char out[80]);

#endif
