/* The worker's I/O thread: owns the sockets, the session machine, and the heartbeats. */
#ifndef SHEAF_WORKER_IO_H
#define SHEAF_WORKER_IO_H

#include "keys/keys.h"
#include "worker/handler.h"

struct io_config {
	const char *broker;          /* client endpoint */
	const struct keys_own *keys; /* NULL = none */
	const char *name;
	const struct span *queues;
	uint32_t n_queues;
	uint32_t slots;
	const struct handler *handler;
	uint64_t grace_ms;
	uint64_t start_timeout_ms; /* for the first answer; UINT64_MAX = none */
	int signal_fd;             /* of SIGTERM and SIGINT; or whatever becomes readable when it is to end */
	bool embedded;             /* in another program: what is said goes to the log */
};

/* Runs until a signal has drained it. Returns the exit status: 0; 3 if the broker did not answer in
 * time; 4 if it never had us because of our key. */
int io_run(const struct io_config *config);

#endif
