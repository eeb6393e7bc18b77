/* The words of msg.h. */
#include "proto/msg.h"

const char *job_state_name(enum job_state s)
{
	static const char *const names[JOB_STATES] = {
		[JOB_NONE] = "unknown", [JOB_BLOCKED] = "blocked", [JOB_DELAYED] = "delayed",
		[JOB_READY] = "ready",  [JOB_RUNNING] = "running", [JOB_DONE] = "done",
		[JOB_DEAD] = "dead",    [JOB_EXPIRED] = "expired", [JOB_CANCELLED] = "cancelled",
	};

	return (unsigned int)s < JOB_STATES ? names[s] : "unknown";
}
