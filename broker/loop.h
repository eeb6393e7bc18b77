/* The broker's one loop: poll → decode → core → effects. Everything that changes the state goes through it. */
#ifndef SHEAF_BROKER_LOOP_H
#define SHEAF_BROKER_LOOP_H

#include "broker/config.h"
#include "broker/core/core.h"
#include "broker/journal/journal.h"
#include "broker/outbox.h"
#include "broker/sockets.h"
#include "proto/codec.h"

/* An event that the carrying out of effects brings: handled when they are all done. */
struct echo {
	struct echo *next;
	struct event ev;
	char text[LIMIT_ENDPOINT]; /* what ev.text points to */
	struct buf bytes;          /* what ev.facts points to; owned */
};

/* An edge that is part of this process, a thread of its own (broker/nsq/edge.h, broker/smtp/smtp_edge.h), as the loop
 * sees it; edges.c fills it in. */
struct loop_edge {
	void *ctx;
	void (*drain)(void *ctx); /* the broker drains: nothing new from outside; it goes on answering */
	void (*fail)(void *ctx);  /* the journal failed: it has a moment to tell its clients */
	bool (*done)(void *ctx);  /* after that, or after drain: it has nothing more to say */
	/* Writes its counters, at most LOOP_EDGE_STATS, whose names live as long as it does; how many. NULL: none. */
	uint32_t (*stats)(void *ctx, struct msg_stat_rec *to);
	/* as in broker/nsq/edge.h */
	int (*start)(void *ctx, void *zmq_context, const char *endpoint, char *err);
	const char *(*addresses)(void *ctx);
	void (*free)(void *ctx);
};
enum { LOOP_EDGES = 2, LOOP_EDGE_STATS = 32 };

struct loop {
	const struct config *config; /* borrowed */
	struct core *core;
	struct journal *journal;
	struct sockets sockets;
	struct outbox *outbox;
	struct msg_room *room;
	struct effects fx;
	struct now now;
	struct echo *first, *last; /* owned */
	int signal_fd;
	struct loop_edge edges[LOOP_EDGES];
	uint32_t n_edges;
	uint64_t epoch;
	uint64_t started_ms;
	/* nonces that wait for their worker to connect */
	struct nonce {
		uint64_t session;
		struct buf bytes;
	} * nonces; /* owned */
	uint32_t n_nonces, cap_nonces;
	bool scanning; /* the mover's segment is being handed in */
	bool pressure, no_space, draining, stop;
	int status; /* exit status */
	uint64_t drain_until;
	uint64_t messages_in, messages_out;
};

/* Runs until it is told to stop by signals or the journal fails. Returns the exit status. */
int loop_run(struct loop *l);

/* Carries out the effects of a step. */
void loop_carry_out(struct loop *l);

/* The outbox's world; ctx is the loop. */
void loop_world(struct loop *l, struct outbox_world *w);

/* Tries again what waits for a worker to connect. */
void loop_send_nonces(struct loop *l);

/* Adds what the shell knows to the answer to STATS; valid until the next call. */
const struct msg *stats_extend(struct loop *l, const struct msg *m);

#endif
