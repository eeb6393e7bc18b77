/* A plugin for test_plugin.c that was made for another version of the header. */
#include "worker/sheaf_worker.h"

static int old_run(void *arg, struct sheaf_job *job)
{
	(void)arg;
	(void)job;
	return 0;
}

const struct sheaf_plugin sheaf_plugin = { SHEAF_WORKER_ABI + 1, old_run, NULL, NULL };
