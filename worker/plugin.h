/* C handlers (sheaf_worker.h): those of a shared object, and those of a program that embeds a worker. */
#ifndef SHEAF_WORKER_PLUGIN_H
#define SHEAF_WORKER_PLUGIN_H

#include "worker/handler.h"
#include "worker/sheaf_worker.h"

/* What is called for each job. */
struct native {
	sheaf_handler *run;
	void *arg;
	uint64_t output;         /* --limit-output; 0 = none */
	const char *output_text; /* as it was typed */
};
/* struct handler's; `arg` is a struct native. */
void native_run(void *native, struct job_run *run, struct job_outcome *out);

struct plugin;
/* Loads a shared object and calls its init with these words. NULL with a sentence in err. */
struct plugin *plugin_open(const char *path, int argc, char **argv, char *err, size_t n);
/* What runs its jobs. */
struct native plugin_native(const struct plugin *p);
/* Calls its fini. It stays loaded: threads of its own may still run. */
void plugin_close(struct plugin *p);

#endif
