/* The facts about topics; see broker/core/fact.h for what a fact is, and replay.c for what each means in a log whose
 * beginning is gone. Ephemeral channels are in none of them, ephemeral topics only in MESSAGES_PUT with their flag,
 * which a replay skips.
 *
 * What makes a replay right from any trimmed log: a run's first MESSAGES_PUT in the log is either the one that
 * published it, and then all that ever happened to it is behind that; or it was moved, and then the block that holds it
 * says for each channel which of its messages are done (MESSAGES_DONE) and what is known of the others (MESSAGES_BACK),
 * both with FACT_MOVED. A run concerns the channels of its topic whose `start` is not above its number. */
#ifndef SHEAF_CORE_TOPIC_FACT_H
#define SHEAF_CORE_TOPIC_FACT_H

#include "broker/core/fact.h"

/* Numbers of runs end here: what comes out of a disk is at most this, so that a message's id fits 64 bits. */
#define FACT_RUN_MAX (UINT64_MAX / RUN_MESSAGES)

enum { FACT_MESSAGES_HEAD = 48, FACT_RUN_RECORD = 17, FACT_DONE_RECORD = 18, FACT_PARCEL_RECORD = 31 };

struct fact_topic {
	uint16_t index;
	bool paused;
	bool flows; /* it passes on what comes: it is not paused and has a channel, which may be ephemeral */
	struct span name;
	uint64_t passed; /* number: while it does not flow, runs from here on have not been passed */
	uint64_t passed_n;
	uint64_t keep_ms, keep_bytes;
	uint64_t messages, bytes;
};
void fact_put_topic(struct buf *b, const struct fact_topic *f);
MUST_CHECK bool fact_get_topic(struct span body, struct fact_topic *f);

/* A channel as it is now. What it has of runs below `start` is gone with this. */
struct fact_channel {
	uint16_t index, topic;
	bool paused, ordered;
	struct span name, dead;
	uint64_t start;
	uint32_t attempts;
	uint64_t messages, requeued, timed_out, died;
};
void fact_put_channel(struct buf *b, const struct fact_channel *f);
MUST_CHECK bool fact_get_channel(struct span body, struct fact_channel *f);

/* TOPIC_GONE, CHANNEL_GONE: fact_put_u64 with the index. */

/* Head of MESSAGES_PUT; `count` records follow. */
struct fact_messages {
	uint16_t topic;
	uint8_t flags;    /* FACT_MOVED, FACT_EPHEMERAL */
	uint32_t count;   /* runs; their numbers are consecutive, unless moved */
	uint64_t session; /* and number, floor: the request that this answers, as in fact_put; 0 = none */
	uint64_t number;
	uint64_t floor;
	uint64_t time_ms;
	uint64_t due_ms;
};
struct fact_run_rec {
	uint64_t number;
	uint8_t count; /* messages */
	uint32_t crc;
	struct span packed;
};
void fact_put_messages(struct buf *b, const struct fact_messages *f);
MUST_CHECK bool fact_get_messages(struct span *body, struct fact_messages *f);
void fact_put_run_rec(struct buf *b, const struct fact_run_rec *r);
MUST_CHECK bool fact_get_run_rec(struct span *body, struct fact_run_rec *r);

/* MESSAGES_DONE and MESSAGES_BACK have the head of JOBS_END (fact_put_count) and these records. DONE: finished in this
 * channel. BACK: they have had so many deliveries, and wait until `due` (wall clock; 0 = no longer). */
struct fact_done_rec {
	uint16_t channel;
	uint64_t run;
	uint64_t mask;
};
void fact_put_done_rec(struct buf *b, const struct fact_done_rec *r);
MUST_CHECK bool fact_get_done_rec(struct span *body, struct fact_done_rec *r);

struct fact_parcel_rec {
	uint16_t channel;
	uint64_t run;
	uint64_t mask;
	uint32_t attempts;
	uint64_t due_ms;
	bool timed_out; /* counts as such, not as requeued; neither if FACT_MOVED */
};
void fact_put_parcel_rec(struct buf *b, const struct fact_parcel_rec *r);
MUST_CHECK bool fact_get_parcel_rec(struct span *body, struct fact_parcel_rec *r);

/* MESSAGES_DROPPED: a topic was emptied: runs from..to-1 that no channel had seen are gone. */
struct fact_dropped {
	uint16_t topic;
	uint64_t from, to;
};
void fact_put_dropped(struct buf *b, const struct fact_dropped *f);
MUST_CHECK bool fact_get_dropped(struct span body, struct fact_dropped *f);

#endif
