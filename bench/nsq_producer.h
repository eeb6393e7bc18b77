/* A connection that publishes as fast as its server says OK, or at a rate. Messages are written once and only their
 * numbers change, so that one costs a few nanoseconds. A message's body is
 *
 *     "nsql", tag (u32), number (u64), when it was due (u64, ns of CLOCK_MONOTONIC), letters up to its size
 *
 * with all numbers little endian. */
#ifndef SHEAF_BENCH_NSQ_PRODUCER_H
#define SHEAF_BENCH_NSQ_PRODUCER_H

#include "base/le.h"
#include "bench/nsq_conn.h"
#include "client/cli/hist.h"

enum { BODY_TAG_AT = 4, BODY_NUMBER_AT = 8, BODY_DUE_AT = 16, BODY_HEAD = 24 };

/* What the producers of a run share. */
struct produce {
	const char *topic;
	uint32_t batch, size, depth, tag;
	uint64_t first, next, end; /* numbers: of the first, of the next, behind the last */
	uint64_t accepted;         /* messages whose OK has come */
	uint64_t refused;          /* errors instead of an OK, connections that closed */
	uint32_t in_flight;        /* publishes without an answer, of all */
	uint64_t rate;             /* messages a second since `began_ns`; 0: no bound */
	uint64_t began_ns;
	struct hist times; /* from when a publish was ready to be written until its OK, us */
};

struct producer;
struct load_options;

/* As the options say. */
void produce_init(struct produce *p, const struct load_options *o);

/* Connects; not started yet. */
struct producer *producer_new(struct loop *l, const char *host, const char *port, struct produce *p);
void producer_free(struct producer *w);
void producer_start(struct producer *w);
/* Publishes what may be published now; for a rate, call it often. */
void producer_go(struct producer *w);

/* Writes the body of a message of `size` bytes, number 0. */
void body_write(uint8_t *p, uint32_t size, uint32_t tag);

#endif
