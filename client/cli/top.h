/* One run of `sheaf top`: what the broker said last, and how it is shown. (top.c takes it and prints it, top_screen.c
 * draws it.) */
#ifndef SHEAF_CLI_TOP_H
#define SHEAF_CLI_TOP_H

#include "client/cli/common.h"
#include "client/cli/top_list.h"

struct top_queue {
	char key[TOP_KEY]; /* its name */
	uint64_t ready, running, delayed, blocked, done, failed, workers;
	uint64_t lag_ms; /* age of the oldest ready job */
	double done_rate, failed_rate;
	char note[16];
	bool paused;
};

struct top_worker {
	char key[TOP_KEY]; /* its session, with leading zeros */
	char name[LIMIT_NAME + 1];
	char queues[48];
	uint64_t slots, running, waiting, done, silent_ms;
	double rate;
	char note[64]; /* what is unusual of it, or how far a job of it is */
	bool draining;
};

struct top {
	struct cli *c;
	struct top_list queues, workers;
	uint64_t at_ms, before_ms; /* of the last two looks, monotonic; 0 = none */
	uint64_t uptime_ms, log_bytes, free_bytes;
	char software[64];
	struct top_queue all; /* the sums of the queues */
	uint64_t slots, busy; /* of the workers */
};

/* Asks the broker for everything, for so long at most. */
MUST_CHECK enum sheaf_error top_look(struct top *t, uint64_t ms);
/* The two lines above the lists. */
void top_summary(const struct top *t, char first[160], char second[160]);
/* The live view; an exit status. (top_screen.c) */
int top_screen(struct top *t);

#endif
