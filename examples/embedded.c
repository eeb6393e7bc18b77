/* A program that embeds a worker: it answers each job with its payload backwards.
 *
 *	embedded QUEUE [BROKER]
 */
#include <stdio.h>
#include <stdlib.h>

#include "sheaf_worker.h"

static int backwards(void *arg, struct sheaf_job *job)
{
	const char *payload = job->payload;
	unsigned long *jobs = arg; /* one slot: nobody else counts */

	++*jobs;
	for (size_t i = job->payload_n; i > 0; i--)
		sheaf_job_result(job, payload + i - 1, 1);
	return 0;
}

int main(int argc, char **argv)
{
	struct sheaf_worker_options options = { .abi = SHEAF_WORKER_ABI,
		                                .queues = argc > 1 ? argv[1] : NULL,
		                                .broker = argc > 2 ? argv[2] : NULL,
		                                .slots = 1 };
	char err[SHEAF_WORKER_ERR];
	unsigned long jobs = 0;

	if (sheaf_worker_run(&options, backwards, &jobs, err) != 0) {
		fprintf(stderr, "embedded: %s\n", err);
		return EXIT_FAILURE;
	}
	printf("%lu jobs\n", jobs);
	return EXIT_SUCCESS;
}
