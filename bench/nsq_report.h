/* What a mode found out, for people and for programs: names and values, added one by one. */
#ifndef SHEAF_BENCH_NSQ_REPORT_H
#define SHEAF_BENCH_NSQ_REPORT_H

#include "bench/nsq_load.h"
#include "client/cli/hist.h"

struct report {
	bool json;
	bool first; /* nothing is printed yet */
};

void report_begin(struct report *r, const struct load_options *o);
void report_count(struct report *r, const char *name, uint64_t value);
void report_number(struct report *r, const char *name, double value);
/* name_p50_us, name_p99_us, name_p999_us, name_most_us. */
void report_times(struct report *r, const char *name, const struct hist *h);
void report_end(struct report *r);

/* Seconds of processor that this process has used so far. */
double report_cpu(void);

#endif
