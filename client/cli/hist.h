/* A histogram of durations that keeps each within 1.6 %: enough for percentiles of millions of them. Pure. */
#ifndef SHEAF_CLI_HIST_H
#define SHEAF_CLI_HIST_H

#include <stdint.h>

enum { HIST_STEPS = 64, HIST_BUCKETS = 59 * HIST_STEPS };

struct hist {
	uint64_t n;                   /* values in it */
	uint64_t most;                /* the highest */
	uint64_t count[HIST_BUCKETS]; /* 64 exact values, then 64 steps for each power of two */
};

void hist_clear(struct hist *h);
void hist_add(struct hist *h, uint64_t value);
/* The value below or at which `share` (0 to 1) of all values lie; 0 if there are none. */
uint64_t hist_percentile(const struct hist *h, double share);

#endif
