/* Handlers: what runs a job. A slot thread calls run(); it returns when the job has come to a verdict. The I/O
 * thread may call cancel() for a running job at any time. */
#ifndef SHEAF_WORKER_HANDLER_H
#define SHEAF_WORKER_HANDLER_H

#include <stdatomic.h>

#include "base/buf.h"
#include "proto/msg.h"

/* A job in a slot's hands. */
struct job_run {
	struct msg_job_rec job; /* spans are valid during run() */
	struct span queue;      /* name */
	_Atomic int cancelled;  /* set by the I/O thread: end it, its outcome does not matter any more */
	int cancel_fd;          /* an eventfd that becomes readable when it is cancelled */
};

/* What came of it. The buffers are the slot's and are emptied before each run. `result_is_payload`: the result
 * is the job's payload itself, so that nothing is copied. */
struct job_outcome {
	enum verdict verdict;
	int32_t exit;
	bool result_is_payload;
	struct buf result;
	struct buf error;
};

struct handler {
	const char *name;
	/* Runs one job in the calling slot's thread; `arg` is the handler's own. */
	void (*run)(void *arg, struct job_run *run, struct job_outcome *out);
	void *arg;
};

/* echo, noop, sleep, fail; NULL for anything else. Static. */
const struct handler *builtin_find(const char *name);

/* A process per job: argv as after `--`, borrowed. `words` = number of them. */
struct exec_config {
	char **argv;
	int words;
	int guardian;   /* descriptor of guardian_start(), or -1 */
	uint64_t files; /* limit of open files that processes get; 0 = what we have */
};
void exec_run(void *exec_config, struct job_run *run, struct job_outcome *out);

/* Forks a process that kills every process group that it was told of (guardian_tell) when this process is gone,
 * however it went. Call before any thread is made. Returns a descriptor, or -1. */
int guardian_start(void);
/* Tells it that a group has begun (add) or has ended. */
void guardian_tell(int guardian, int group, bool add);
/* Ends it once nothing runs any more; -1 does nothing. */
void guardian_stop(int guardian);

#endif
