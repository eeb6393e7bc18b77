/* nsq-load: what it was told, what it found out, and its modes. Each mode is a function that measures, reports and
 * returns the exit status. */
#ifndef SHEAF_BENCH_NSQ_LOAD_H
#define SHEAF_BENCH_NSQ_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses. */
enum { LOAD_OK = 0, LOAD_WRONG = 1, LOAD_USAGE = 2, LOAD_UNREACHABLE = 3, LOAD_REFUSED = 4, LOAD_FAILED = 5 };

enum { LOAD_CHANNELS = 16, LOAD_NAME = 65, LOAD_CONNECTIONS = 20000 };

struct load_options {
	const char *mode;
	char host[256];
	const char *port;
	const char *topic;
	char channels[LOAD_CHANNELS][LOAD_NAME];
	uint32_t n_channels;
	uint32_t connections; /* of each kind, and for each channel */
	uint32_t batch;       /* messages in an MPUB; 1: PUB */
	uint32_t size;        /* bytes of a message */
	uint32_t depth;       /* publishes that wait for their OK, for each connection */
	uint32_t rdy;
	uint32_t idle, busy, spread; /* crowd: subscribers, and channels of each kind */
	uint64_t count;              /* messages; 0: as many as there is time for */
	uint64_t first;              /* the number of the first */
	uint64_t rate;               /* messages a second; 0: no bound */
	uint64_t ms;                 /* how long */
	uint64_t patience_ms;        /* how long nothing may come before it gives up */
	uint32_t tag;                /* tells the messages of one run from another's */
	bool json;
};

/* Reads and checks everything; ends the process with what to type if something is wrong. */
void options_of_load(struct load_options *o, int argc, char **argv);

int load_publish(const struct load_options *o);
int load_consume(const struct load_options *o);
int load_latency(const struct load_options *o);
int load_crowd(const struct load_options *o);

/* Prints `nsq-load: …` and exits with that status. */
_Noreturn __attribute__((format(printf, 2, 3))) void load_die(int status, const char *format, ...);
/* Prints `nsq-load: …`, the first few times. */
__attribute__((format(printf, 1, 2))) void load_warn(const char *format, ...);
/* Set by SIGINT or SIGTERM: end now, and report. */
extern volatile bool load_stopped;

#endif
