/* Starting a handler's process: a group of its own, three descriptors, its death tied to ours. */
#ifndef SHEAF_WORKER_SPAWN_H
#define SHEAF_WORKER_SPAWN_H

#include "base/must.h"
#include "worker/handler.h"

enum { SPAWN_PROGRESS_FD = 3 }; /* where the process finds it; SHEAF_PROGRESS_FD says so */

/* argv and environment of one job; made by words_make, freed by words_free. */
struct words {
	char **argv; /* owned array; the words it owns are in `owned` */
	char **env;  /* owned array */
	char *text;  /* owned: what the environment's own entries point into */
	char **owned;
	int n_owned;
	const struct exec_config *config; /* borrowed */
	const char *dir;                  /* borrowed: working directory, NULL = ours */
	bool lasts;                       /* it is not for one job */
};

/* Builds them. `run`: NULL for a process that is not for one job. NULL, or a sentence why it cannot be: a payload that
 * is no argument. */
const char *words_make(struct words *w, const struct exec_config *config, const struct job_run *run);
void words_free(struct words *w);

/* The descriptors of a process. */
struct spawn_fds {
	int in, out, err;
	int progress; /* -1 = it has none */
};

enum spawn_error { SPAWN_NO_PROCESS = -1, SPAWN_NO_EXEC = -2, SPAWN_NO_DIR = -3 };

/* Starts it; the guardian knows of the group before the first of its instructions runs. Returns the pid, which is its
 * group, too; or an enum spawn_error with errno set, and nothing left behind. */
MUST_CHECK int spawn(const struct words *w, const struct spawn_fds *fds);

#endif
