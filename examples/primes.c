/* A plugin: counts the primes below the number in the payload. It tells how far it is, and stops when it is cancelled.
 *
 *	cc -shared -fPIC -I worker -o primes.so examples/primes.c
 *	sheaf-worker primes --plugin ./primes.so &
 *	sheaf run primes 1000000
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sheaf_worker.h"

static int is_prime(unsigned long n)
{
	for (unsigned long d = 2; d * d <= n; d++)
		if (n % d == 0)
			return 0;
	return n > 1;
}

static int run(void *arg, struct sheaf_job *job)
{
	char text[32] = "";
	unsigned long limit, found = 0;

	(void)arg;
	memcpy(text, job->payload, job->payload_n < sizeof text - 1 ? job->payload_n : sizeof text - 1);
	limit = strtoul(text, NULL, 10);
	if (limit == 0) {
		sheaf_job_error(job, "the payload is no number");
		return 2;
	}
	for (unsigned long n = 0; n < limit; n++) {
		if (n % 1000 == 0) {
			if (sheaf_job_cancelled(job))
				return 1;
			sheaf_job_progress(job, (int)(100 * n / limit), NULL);
		}
		found += is_prime(n);
	}
	sheaf_job_result(job, text, snprintf(text, sizeof text, "%lu\n", found));
	return 0;
}

SHEAF_PLUGIN(run, NULL, NULL);
