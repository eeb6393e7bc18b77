/* The worker's I/O thread: owns the sockets, the session machine, and the heartbeats. */
#ifndef SHEAF_WORKER_IO_H
#define SHEAF_WORKER_IO_H

#include "worker/handler.h"

struct io_config {
	const char *broker; /* client endpoint */
	const char *name;
	const struct span *queues;
	uint32_t n_queues;
	uint32_t slots;
	const struct handler *handler;
	uint64_t grace_ms;
	uint64_t start_timeout_ms; /* for the first answer; UINT64_MAX = none */
	int signal_fd;             /* SIGTERM and SIGINT */
};

/* Runs until a signal has drained it. Returns the exit status: 0, or 3 if the broker did not answer in time. */
int io_run(const struct io_config *config);

#endif
