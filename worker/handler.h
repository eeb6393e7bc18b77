/* Handlers: what runs a job. A slot thread calls run(); it returns when the job has come to a verdict. The I/O
 * thread may call cancel() for a running job at any time. */
#ifndef SHEAF_WORKER_HANDLER_H
#define SHEAF_WORKER_HANDLER_H

#include <stdatomic.h>

#include "base/buf.h"
#include "proto/msg.h"

/* Why a running job is to be ended. */
enum end_reason {
	END_NOT,       /* it goes on */
	END_FORGOTTEN, /* it is not ours any more: its outcome does not matter */
	END_LEASE      /* it ran out of its lease: the slot sees to its outcome */
};

/* A job in a slot's hands. */
struct job_run {
	struct msg_job_rec job; /* spans are valid during run() */
	struct span queue;      /* name */
	uint32_t slot;          /* that runs it, from 0 */
	_Atomic int cancelled;  /* enum end_reason, set by the I/O thread */
	int cancel_fd;          /* an eventfd that becomes readable then */
	/* Hears what the handler says of its progress; NULL: nobody does. See job_touch(). */
	void (*tell)(void *teller, uint64_t token, uint32_t percent, struct span text);
	void *teller;
};

/* A sign of life, in the slot's thread: a lease with a time of its own begins anew. With percent (0 to 100, or
 * PERCENT_UNKNOWN) and text (may be empty; what is over LIMIT_PROGRESS_TEXT is cut) for those who look at the job. */
static inline void job_touch(const struct job_run *run, uint32_t percent, struct span text)
{
	if (run->tell != NULL)
		run->tell(run->teller, run->job.token, percent, text);
}

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
	/* In the thread of each slot, before its first job and after its last one; NULL: nothing to do. */
	void (*begin)(void *arg, uint32_t slot);
	void (*end)(void *arg, uint32_t slot);
};

/* echo, noop, sleep, fail; NULL for anything else. Static. */
const struct handler *builtin_find(const char *name);

/* What the processes of one job may use; 0 = no limit. The texts are as they were typed, for the error. */
struct job_limits {
	uint64_t mem;    /* bytes of memory, resident, of all its processes together */
	uint64_t cpu_ms; /* of processor time, likewise */
	uint64_t output; /* bytes of the result, and as many of stderr */
	const char *mem_text, *cpu_text, *output_text;
};

/* How processes are started. argv as after `--`; all is borrowed. */
struct exec_config {
	char **argv;
	int words;
	int guardian;     /* descriptor of guardian_start(), or -1 */
	uint64_t files;   /* limit of open files that processes get; 0 = what we have */
	uint64_t kill_ms; /* from TERM to KILL */
	struct job_limits limits;
	const char *dir;     /* working directory; NULL = ours */
	const char *scratch; /* each job has a working directory of its own in here; NULL = not */
	char **env;          /* NAME=VALUE that are added to the environment, n_env of them */
	int n_env;
	bool env_clean; /* of our own environment only what spawn.c says */
};

/* A process per job. */
void exec_run(void *exec_config, struct job_run *run, struct job_outcome *out);

/* Forks a process that kills every process group that it was told of (guardian_tell) when this process is gone,
 * however it went, and then removes the directory `scratch`, if that is not NULL. Call before any thread is made.
 * Returns a descriptor, or -1. */
int guardian_start(const char *scratch);
/* Tells it that a group has begun (add) or has ended. */
void guardian_tell(int guardian, int group, bool add);
/* Ends it once nothing runs any more; -1 does nothing. */
void guardian_stop(int guardian);

#endif
