/* A plugin for test_plugin.c: init looks at its words, run does what the payload says. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/sheaf_worker.h"

static int good_init(void **arg, int argc, char **argv, char *err, size_t n)
{
	if (argc > 0 && strcmp(argv[0], "no") == 0) {
		snprintf(err, n, "it was told to say no");
		return -1;
	}
	*arg = calloc(1, sizeof(int));
	return *arg == NULL;
}

static void good_fini(void *arg)
{
	free(arg);
}

static int good_run(void *arg, struct sheaf_job *job)
{
	char text[256], *payload = strndup(job->payload, job->payload_n);
	int status = 0;

	++*(int *)arg;
	if (payload == NULL)
		return 99;
	if (strcmp(payload, "show") == 0) {
		snprintf(text, sizeof text, "%llu %llu %u %s %s=%s %s=%s %zu", (unsigned long long)job->id,
		         (unsigned long long)job->token, job->attempt, job->queue, job->headers[0].name,
		         job->headers[0].value, job->headers[1].name, job->headers[1].value, job->n_headers);
		sheaf_job_result(job, text, strlen(text));
	} else if (strcmp(payload, "progress") == 0) {
		sheaf_job_touch(job);
		sheaf_job_progress(job, 30, "half");
		sheaf_job_progress(job, 300, NULL);
	} else if (strcmp(payload, "flood") == 0) {
		for (int i = 0; i < 100; i++)
			sheaf_job_result(job, text, sizeof text);
	} else if (strcmp(payload, "fail") == 0) {
		sheaf_job_error(job, "first");
		sheaf_job_error(job, "no luck");
		status = 7;
	} else if (strcmp(payload, "silent") == 0) {
		status = 8;
	} else if (strcmp(payload, "wait") == 0) {
		poll(&(struct pollfd){ .fd = job->cancel_fd, .events = POLLIN }, 1, 60000);
		status = sheaf_job_cancelled(job) ? 9 : 10;
	}
	free(payload);
	return status;
}

SHEAF_PLUGIN(good_run, good_init, good_fini);
