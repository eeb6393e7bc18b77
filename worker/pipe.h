/* The pipe handler: one long-lived process per slot, which gets a JSON line for each job and answers with another. What
 * it writes to stderr goes to ours. It is started before the slot's first job, and again whenever it has died. */
#ifndef SHEAF_WORKER_PIPE_H
#define SHEAF_WORKER_PIPE_H

#include "worker/handler.h"

struct pipes;

/* `config` is borrowed. */
struct pipes *pipes_new(const struct exec_config *config, uint32_t slots);
void pipes_free(struct pipes *p);

/* What struct handler needs; `arg` is a struct pipes. */
void pipe_begin(void *arg, uint32_t slot);
void pipe_run(void *arg, struct job_run *run, struct job_outcome *out);
void pipe_end(void *arg, uint32_t slot);

#endif
