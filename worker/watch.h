/* What a job's processes use, and the limits that they have. The process that was started and all below it are looked
 * at every now and then, 20 times a second after a while; what has left that tree is not seen. */
#ifndef SHEAF_WORKER_WATCH_H
#define SHEAF_WORKER_WATCH_H

#include <sys/resource.h>

#include "worker/handler.h"

/* The first limit that a job went over. */
enum over { OVER_NOT, OVER_MEM, OVER_CPU, OVER_OUTPUT, OVER_RESULT };

struct watch {
	const struct job_limits *limits; /* borrowed */
	int pid;
	uint64_t look_at; /* UINT64_MAX: there is nothing to look at */
	uint64_t pause_ms;
	uint64_t ticks; /* that they had used before */
	enum over over;
};

void watch_begin(struct watch *w, const struct job_limits *limits, int pid, uint64_t now_ms);
/* Looks, if it is time; sets `over`. */
void watch_look(struct watch *w, uint64_t now_ms);
/* The process has ended with this status, having used this: it may have been over a limit between two looks. */
void watch_ended(struct watch *w, int status, const struct rusage *used);
/* Bytes of the result, and of stderr in all. */
void watch_output(struct watch *w, uint64_t result, uint64_t errors);

/* For people: which limit it was. */
void watch_why(const struct watch *w, char *out, size_t n);

/* Sets the limits that the kernel has for a process, in a child of vfork: a net below the looks, and a little wider, so
 * that it is a look that ends a job, with its limit's name. `lasts`: the process runs many jobs, so its time is not
 * limited. */
void watch_arm(const struct job_limits *limits, bool lasts);

#endif
