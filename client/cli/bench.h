/* The parts of `sheaf bench`: loads, floors, shares of the processors, and the report. */
#ifndef SHEAF_CLI_BENCH_H
#define SHEAF_CLI_BENCH_H

#include "client/cli/common.h"
#include "client/cli/hist.h"

/* Who uses the processors; in seconds of processor time. */
struct bench_cpu {
	double client;
	double broker; /* < 0: not on this machine, or not to be found */
	double workers;
};

/* What the broker says about itself, and where it lives if that is here. */
struct bench_broker {
	const char *url; /* borrowed */
	bool local;
	uint64_t pid;     /* 0 = unknown */
	int fsync;        /* 0 always, 1 interval, 2 never; < 0 unknown */
	char data[256];   /* its data directory, or "." */
	uint32_t workers; /* on the queue */
	uint32_t slots;   /* of them all */
};

struct bench_result {
	const char *mode;
	uint32_t batch; /* jobs in a message, at most */
	uint64_t jobs;
	uint64_t failed;
	double seconds;
	struct hist times; /* microseconds from submit to result */
	struct bench_cpu cpu;
};

struct bench_floor {
	uint64_t fdatasync_us; /* median of 4 KiB appends; 0 = could not be measured */
	uint64_t zmq_us;       /* median round trip */
	double zmq_single;     /* records/s there and back, one a message */
	double zmq_batched;    /* and 64 a message */
};

/* bench_load.c: runs one load. An exit status. */
int bench_load(struct cli *c, uint32_t batch, uint32_t in_flight, const struct bench_broker *b, struct bench_result *r);
/* bench_floor.c */
void bench_floor(const struct bench_broker *b, size_t payload, struct bench_floor *f);
/* bench_cpu.c: what the broker and the workers of this machine have used so far. */
void bench_cpu(const struct bench_broker *b, struct bench_cpu *cpu);
/* Finds the broker among the processes of this machine, when `b->local`. */
void bench_find(struct bench_broker *b);
/* bench_report.c */
void bench_report(struct cli *c, const struct bench_broker *b, const struct bench_floor *f,
                  const struct bench_result *const *r, size_t n);
/* Lines as they come, for people. */
void bench_report_head(struct cli *c, const struct bench_broker *b, const struct bench_floor *f);
void bench_report_line(struct cli *c, const struct bench_broker *b, const struct bench_result *r);

#endif
