/* What can be set on a queue: the one list of settings, which the broker, the wire, the journal and the command line
 * share. No code, so that the core may have it.
 *
 * A value is a whole number: jobs, milliseconds, bytes, or jobs per day for a rate, so that 1000000/s and 1/d are both
 * whole. 0 = not set: the default holds. */
#ifndef SHEAF_PROTO_SETTING_H
#define SHEAF_PROTO_SETTING_H

#include "proto/limits.h"

enum setting_kind { SETTING_COUNT, SETTING_RATE, SETTING_DURATION, SETTING_SIZE };

/* X(field, name, kind, most, default, meaning). The values stand in the journal in this order: add at the end only.
 * `default` is what people are told. */
#define QUEUE_SETTINGS(X)                                                                                              \
	X(concurrency, "concurrency", COUNT, LIMIT_CONCURRENCY, "no limit", "jobs in workers' hands at a time")        \
	X(rate, "rate", RATE, LIMIT_RATE, "no limit", "jobs started in a time, such as 100/s or 6/m")                  \
	X(burst, "burst", COUNT, LIMIT_BURST, "a second's rate", "jobs that an idle rate saves up for")                \
	X(lease_ms, "lease", DURATION, LIMIT_DELAY_MS, "the worker's beats", "time of an attempt, for jobs without")   \
	X(attempts, "attempts", COUNT, LIMIT_ATTEMPTS, "1", "attempts of jobs that do not say")                        \
	X(backoff_ms, "backoff", DURATION, LIMIT_DELAY_MS, "none", "wait before the second attempt; then doubled")     \
	X(backoff_max_ms, "backoff-max", DURATION, LIMIT_DELAY_MS, "1h", "the longest wait before an attempt")         \
	X(keep_ms, "keep", DURATION, LIMIT_DELAY_MS, "1h", "how long results are kept")                                \
	X(keep_bytes, "keep-bytes", SIZE, LIMIT_KEEP_BYTES, "256M", "results that are kept, in bytes")                 \
	X(dead_keep_ms, "keep-dead", DURATION, LIMIT_DELAY_MS, "until redriven or purged",                             \
	  "how long dead letters are kept")                                                                            \
	X(key_window_ms, "key-window", DURATION, LIMIT_DELAY_MS, "1d", "how long a --key is remembered")               \
	X(starve_ms, "starve", DURATION, LIMIT_DELAY_MS, "30s", "wait after which low priorities get 1 in 16")

#define SETTING_FIELD(field, name, kind, most, standard, meaning) uint64_t field;
struct queue_settings {
	QUEUE_SETTINGS(SETTING_FIELD)
};
#undef SETTING_FIELD

enum { SETTINGS = sizeof(struct queue_settings) / sizeof(uint64_t) };

/* Jobs per day in one of these. */
#define RATE_PER_DAY    ((uint64_t)1)
#define RATE_PER_HOUR   ((uint64_t)24)
#define RATE_PER_MINUTE ((uint64_t)24 * 60)
#define RATE_PER_SECOND ((uint64_t)24 * 60 * 60)

static_assert(SETTINGS <= LIMIT_SETTINGS, "one message can name them all");

#endif
