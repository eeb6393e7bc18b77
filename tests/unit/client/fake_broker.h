/* A broker of a hundred lines, in a thread of its own, on a free port of the loopback: it accepts each
 * submit and ends each job at once as done with its payload as the result. It forgets nothing but sessions,
 * and only when told. What it does wrong is what the tests ask it for. */
#ifndef SHEAF_TESTS_CLIENT_FAKE_BROKER_H
#define SHEAF_TESTS_CLIENT_FAKE_BROKER_H

#include <stdint.h>

struct fake_broker;

/* What goes wrong, as long as it is set. */
struct fake_faults {
	int busy;         /* so many submits are answered busy */
	int refuse;       /* every submit is answered full */
	int lose_results; /* so many RESULTS messages are counted and not sent */
	int mute;         /* nothing is answered */
	int deny;         /* hello is answered denied */
};

struct fake_broker *fake_broker_new(void);
void fake_broker_free(struct fake_broker *b);
const char *fake_broker_endpoint(const struct fake_broker *b);
void fake_broker_set(struct fake_broker *b, const struct fake_faults *faults);
/* Drops the socket with all its connections, forgets the sessions and, after `ms`, binds the same port. */
void fake_broker_restart(struct fake_broker *b, uint64_t ms);
/* Jobs accepted so far; a retry does not count. */
uint64_t fake_broker_jobs(struct fake_broker *b);

#endif
