/**
 * @file sheaf_worker.h
 * Handlers in C for Sheaf, in two ways that share what a handler sees of its job:
 *
 *  1. a *plugin*: a shared object with two symbols, which `sheaf-worker QUEUE --plugin ./FILE.so` loads;
 *  2. a program that *embeds* a worker: sheaf_worker_run(), or start and stop (link with libsheafworker).
 *
 * A handler runs in a thread of the worker, as many at a time as the worker has slots: what handlers share they
 * have to lock themselves. If a handler crashes, so does the worker, and its jobs go to others. Whatever a struct
 * sheaf_job points to is valid until the handler returns; what is handed to a call is copied.
 *
 * This header needs nothing else of Sheaf, and a plugin needs no library of it.
 */
#ifndef SHEAF_WORKER_H
#define SHEAF_WORKER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of everything here. What is added later goes to the ends of the structs, and leaves it as it is. */
#define SHEAF_WORKER_ABI 1

/** A percentage that is not known. */
#define SHEAF_PERCENT_UNKNOWN 255

/* ---- the job, as its handler sees it ---------------------------------------------------------------- */

struct sheaf_header {
	const char *name;
	const char *value;
};

struct sheaf_job;

/** What a handler may say about its job; use the functions below instead. */
struct sheaf_job_calls {
	void (*result)(struct sheaf_job *job, const void *bytes, size_t n);
	void (*error)(struct sheaf_job *job, const char *text);
	void (*touch)(struct sheaf_job *job, int percent, const char *text);
	int (*cancelled)(const struct sheaf_job *job);
};

struct sheaf_job {
	uint64_t id;
	uint64_t token; /**< of this grant: greater than any before it, so it can fence what the job writes elsewhere */
	uint32_t attempt; /**< from 1 */
	const char *queue;
	const void *payload; /**< any bytes; not ended by a NUL */
	size_t payload_n;
	const struct sheaf_header *headers; /**< n_headers of them */
	size_t n_headers;
	uint64_t lease_ms; /**< within so long it has to end or touch; 0: however long it takes */
	int cancel_fd;     /**< becomes readable when the job is cancelled: for poll(); not to be read or closed */
	const struct sheaf_job_calls *calls;
};

/** Appends to the result. Up to 16 MiB in all, and to --limit-output if that is less: beyond that the job fails. */
static inline void sheaf_job_result(struct sheaf_job *job, const void *bytes, size_t n)
{
	job->calls->result(job, bytes, n);
}

/** Why it failed, in place of what was said before; up to 4096 bytes. It counts only if the handler returns other than
 * 0. */
static inline void sheaf_job_error(struct sheaf_job *job, const char *text)
{
	job->calls->error(job, text);
}

/** A sign of life: the job's lease, if it has one of its own (`sheaf submit --lease`), begins anew. */
static inline void sheaf_job_touch(struct sheaf_job *job)
{
	job->calls->touch(job, SHEAF_PERCENT_UNKNOWN, NULL);
}

/** The same, and how far it is: 0 to 100 or SHEAF_PERCENT_UNKNOWN, and a text (NULL: none) of up to 256 bytes. */
static inline void sheaf_job_progress(struct sheaf_job *job, int percent, const char *text)
{
	job->calls->touch(job, percent, text);
}

/** Not 0: the job was cancelled, or its lease is over. The handler should return soon; nobody can make it. What it
 *  returns does not matter any more. */
static inline int sheaf_job_cancelled(const struct sheaf_job *job)
{
	return job->calls->cancelled(job);
}

/** A handler: 0 = done; 1 to 255 = failed, with this exit status. */
typedef int sheaf_handler(void *arg, struct sheaf_job *job);

/* ---- 1. plugins -------------------------------------------------------------------------------------- */

/** Put this into one of the plugin's files: SHEAF_PLUGIN(run, init, fini), where init and fini may be NULL.
 *
 *  init is called once, in the main thread, with the words behind `--`. It leaves in *arg what run and fini get.
 *  0 = all is well; else it says why in err (of n bytes), and the worker does not start.
 *  fini is called once no handler runs any more. */
struct sheaf_plugin {
	uint32_t abi; /**< SHEAF_WORKER_ABI */
	sheaf_handler *run;
	int (*init)(void **arg, int argc, char **argv, char *err, size_t n);
	void (*fini)(void *arg);
};

#define SHEAF_PLUGIN(run_, init_, fini_)                                                                               \
	const struct sheaf_plugin sheaf_plugin = { SHEAF_WORKER_ABI, run_, init_, fini_ }

#ifdef __GNUC__
__attribute__((visibility("default")))
#endif
extern const struct sheaf_plugin sheaf_plugin;

/* ---- 2. programs that embed a worker ---------------------------------------------------------------- */

typedef struct sheaf_worker sheaf_worker;

/** Zero-initialise, then set `abi`, `queues` and whatever else is not to be the default. Copied. */
struct sheaf_worker_options {
	uint32_t abi;       /**< SHEAF_WORKER_ABI */
	const char *broker; /**< where clients connect; default tcp://127.0.0.1:7400 */
	const char *queues; /**< names with commas between them, no spaces */
	const char *name;   /**< shown by `sheaf workers`; default HOST-PID */
	uint32_t slots;     /**< handlers that run at the same time, a thread each; default: the CPUs */
	uint64_t grace_ms;  /**< how long sheaf_worker_stop() lets running handlers go on; 0: 30 s */
	const char *keys;   /**< directory with keys that `sheaf keygen` made; NULL: none */
	int insecure;       /**< not 0: allow a broker that is not on this machine, unencrypted */
};

enum { SHEAF_WORKER_ERR = 512 };

/** Starts a worker with threads of its own, which blocks or changes no signals. It looks for its broker until it finds
 *  it, and again when it has lost it. NULL with a sentence in err if the options are wrong. */
sheaf_worker *sheaf_worker_start(const struct sheaf_worker_options *options, sheaf_handler *handler, void *arg,
                                 char err[SHEAF_WORKER_ERR]);

/** Ends it: no more jobs, running handlers end or are cancelled when the grace is over, what has not begun goes to
 *  others. Returns when the last handler has returned; frees the worker and sets *w to NULL. Not to be called by a
 *  handler. */
void sheaf_worker_stop(sheaf_worker **w);

/** One call for all of it: runs a worker in this thread until SIGTERM or SIGINT, then drains it; a second signal ends
 *  the program at once. Call it before other threads are made: it blocks these signals. 0; or with a sentence in err:
 * 2, the options are wrong, 4, the broker does not accept its key. */
int sheaf_worker_run(const struct sheaf_worker_options *options, sheaf_handler *handler, void *arg,
                     char err[SHEAF_WORKER_ERR]);

#ifdef __cplusplus
}
#endif

#endif
