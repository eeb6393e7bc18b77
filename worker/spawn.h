/* Starting a handler's process: a group of its own, three descriptors, its death tied to ours. */
#ifndef SHEAF_WORKER_SPAWN_H
#define SHEAF_WORKER_SPAWN_H

#include "base/must.h"
#include "worker/handler.h"

/* argv and environment of one job; made by words_make, freed by words_free. */
struct words {
	char **argv; /* owned array; the words it owns are in `owned` */
	char **env;  /* owned array */
	char *text;  /* owned: what the environment's own entries point into */
	char **owned;
	int n_owned;
	uint64_t files; /* as in exec_config */
};

/* Builds them. NULL, or a sentence why it cannot be: a payload that is no argument. */
const char *words_make(struct words *w, const struct exec_config *config, const struct job_run *run);
void words_free(struct words *w);

/* Starts argv with stdin, stdout, stderr; the guardian (or -1) knows of the group before the first of its instructions
 * runs. Returns the pid, which is its group, too; or -1 with errno set as exec left it, and nothing left behind. */
MUST_CHECK int spawn(const struct words *w, int guardian, int in, int out, int err);

#endif
