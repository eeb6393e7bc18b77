/* Working directories that last as long as a job. */
#ifndef SHEAF_WORKER_SCRATCH_H
#define SHEAF_WORKER_SCRATCH_H

#include <stdbool.h>

#include "base/must.h"

enum { SCRATCH_PATH = 512 };

/* Makes the directory that all of them are in: in $TMPDIR, or /tmp; only we may enter it. False with errno. */
MUST_CHECK bool scratch_open(char base[SCRATCH_PATH]);
/* Makes one in it. False with errno. */
MUST_CHECK bool scratch_make(const char *base, char path[SCRATCH_PATH]);
/* Removes a directory and all that is in it, following nothing and leaving mounts alone. False with errno if something
 * of it is left. */
bool scratch_remove(const char *path);

#endif
