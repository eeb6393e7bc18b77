/* A connection that finishes every message, and the tally of a channel: which messages have come, and how often. */
#ifndef SHEAF_BENCH_NSQ_CONSUMER_H
#define SHEAF_BENCH_NSQ_CONSUMER_H

#include "bench/nsq_conn.h"
#include "client/cli/hist.h"

#define TALLY_MOST ((uint64_t)1 << 33) /* numbers; a bit for each */

struct tally {
	const char *topic, *channel;
	uint32_t tag;
	uint64_t first, end; /* numbers that are expected */
	uint64_t *seen;      /* a bit for each number from `first` on; owned */
	uint64_t words;
	uint64_t different; /* messages that came, each counted once */
	uint64_t again;     /* that came once more */
	uint64_t foreign;   /* that nobody of this run published */
	uint64_t attempts;  /* deliveries whose count of attempts was above 1 */
	uint64_t errors;    /* error frames, connections that closed */
};

void tally_init(struct tally *t, const char *topic, const char *channel, uint32_t tag, uint64_t first, uint64_t end);
void tally_fini(struct tally *t);

struct consumer {
	struct conn c;
	struct tally *tally; /* of its channel, shared */
	uint64_t received;
	struct hist *times; /* from when a message was due until it came, us; NULL: not wanted */
};

/* Connects and asks to be subscribed. chunk: as in struct conn. Call conn_await(&r->c) before consumer_start, which
 * lets messages flow. */
void consumer_open(struct consumer *r, struct loop *l, const char *host, const char *port, size_t chunk,
                   struct tally *t);
void consumer_start(struct consumer *r, uint32_t rdy);
void consumer_close(struct consumer *r);

#endif
