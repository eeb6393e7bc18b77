/* The state of topics and channels, private to broker/core/topic; see topic.h for the walk of a message.
 *
 * Messages that were published together lie in *runs* of up to RUN_MESSAGES, one behind the other in the log; the index
 * knows a run's position and never a body. Runs are numbered broker-wide in the order of publishing. A channel's
 * *cursor* is the first message that it has not given to anybody yet. What is behind the cursor and not finished is in
 * *parcels*: some messages of one run, as a mask, with one history. A parcel is in exactly one container, the one that
 * its state names:
 *
 *   waiting   channel.waiting: back in line
 *   deferred  core.dues, by wall time
 *   in hand   consumer.parcels, and core.returns by core time: a lease, with a token and a time
 *   dying     channel.dying: its attempts are spent; its bytes are on the way to the dead-letter topic
 *
 * so a message of a channel is before the cursor in one parcel, or finished, or at the cursor or behind it. */
#ifndef SHEAF_CORE_TOPIC_STATE_H
#define SHEAF_CORE_TOPIC_STATE_H

#include <uthash.h>

#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "proto/msg.h"

struct client;

enum {
	TOPIC_STEP = 4096,  /* records of each kind that one step gathers */
	TOPIC_FETCHES = 64, /* dead messages that are fetched at a time */
	TOPIC_SPARE = 65536 /* parcels that are kept for the next ones */
};

/* Up to RUN_MESSAGES messages of a topic. */
struct run {
	struct list link; /* in topic.runs, by number */
	struct topic *topic;
	struct parcel *parcels; /* of all channels, through parcel.next; the youngest first */
	uint64_t number;
	uint64_t at;           /* position in the log of its packed bytes */
	uint32_t length;       /* of these */
	uint32_t crc;          /* CRC-32C over them */
	uint64_t time_ms : 44; /* wall clock: when it was published */
	uint64_t count : 8;    /* messages */
	uint64_t spare : 12;
	uint64_t due_ms : 44;   /* wall clock: not before; 0 = at once */
	uint64_t overhead : 20; /* its share of the log around the bytes */
	uint32_t cursors;       /* channels whose cursor is in it */
};

enum parcel_state { PARCEL_NONE, PARCEL_WAITING, PARCEL_DEFERRED, PARCEL_IN_HAND, PARCEL_DYING };

/* Some messages of a run in a channel that its cursor has passed; they have the same history. */
struct parcel {
	struct list link;            /* in its container; deferred ones: in channel.deferred */
	struct parcel *next, **from; /* in run.parcels; `from` points at what points at it */
	struct run *run;
	struct channel *channel;
	struct consumer *consumer; /* in hand */
	uint64_t mask;             /* never 0 outside of a step */
	uint64_t token;            /* in hand, or dying; never used twice */
	struct heap_item timer;    /* in hand: in core.returns; deferred: in core.dues */
	uint64_t since;            /* in hand: core time of the delivery */
	uint64_t behind;           /* waiting: goes when the cursor has come to the run of this number, or beyond */
	uint64_t *until;   /* owned; in hand, once one was touched: core time at which each goes back; else NULL */
	uint32_t attempts; /* deliveries so far */
	uint8_t state;     /* enum parcel_state */
	uint8_t left;      /* messages: bits of the mask */
};

/* What is set on a channel. */
struct channel_settings {
	bool ordered;              /* one message in hand at a time */
	uint32_t attempts;         /* after so many it dies; 0 = never */
	char dead[LIMIT_NAME + 1]; /* topic that it goes to then; empty = nowhere */
};

struct channel {
	char name[LIMIT_NAME + 1];
	uint16_t index; /* in core.topics.channels, and in facts */
	bool paused;
	bool ephemeral; /* in no fact, and gone with its last consumer */
	bool known;     /* a replay has seen its own fact */
	bool doomed;    /* it is being deleted: no delivery, no subscription */
	struct channel_settings settings;
	struct topic *topic;
	struct list link; /* in topic.channels, in the order of creation */
	uint64_t start;   /* number of the first run that it has to do with */
	/* the cursor */
	struct run *cursor; /* NULL: everything that there is has been passed */
	uint8_t cursor_at;  /* place in that run */
	uint64_t reached;   /* number: the cursor has passed all runs below it, and none from it on */
	uint64_t passed;    /* messages of topic.passed_n that the cursor has passed */
	/* parcels */
	struct list waiting, deferred, dying;
	uint64_t n_waiting, n_deferred, n_in_hand, n_dying; /* messages */
	uint64_t n_retry;                                   /* of the deferred ones those that were delivered before */
	struct list
	    letters; /* in core.topics.letters while it has dying parcels that nobody fetches yet; they are in front */
	/* consumers */
	struct list consumers; /* all of them */
	struct list ready;     /* those that may have more, in the order of their turns */
	uint32_t n_consumers, n_ready;
	struct list hot;   /* in core.topics.hot while it may have something to deliver */
	struct list chore; /* in core.topics.chores while it is being emptied or deleted; it delivers nothing then */
	uint64_t empty_to; /* being emptied: parcels of runs below this number go; else 0 */
	/* since it was created */
	uint64_t messages, requeued, timed_out, dead;
	UT_hash_handle hh; /* in topic.by_channel */
};

struct topic {
	char name[LIMIT_NAME + 1];
	uint16_t index; /* in core.topics.topics, and in facts */
	bool paused;
	bool ephemeral;
	bool known;  /* a replay has seen its own fact */
	bool flowed; /* and by that it passed on what came */
	bool doomed; /* it is being deleted */
	struct list channels;
	struct channel *by_channel; /* uthash by name */
	uint32_t n_channels;        /* of these */
	uint32_t n_doomed;          /* others, that are being deleted */
	struct list runs;           /* by number */
	uint64_t n_runs;
	uint64_t passed; /* runs below this number are there for the channels; the others wait here */
	uint64_t
	    passed_n; /* messages of these, since it was created; what was dropped with the topic's line counts, too */
	uint64_t depth;     /* messages of the others */
	struct run *unseen; /* the first of the others, or NULL */
	struct run *last;   /* that was put; where the next one is looked for in a replay */
	struct run *drop;   /* being emptied: the next one that goes, up to drop_to; it passes nothing on meanwhile */
	uint64_t drop_to;   /* number; 0: it is not being emptied */
	struct run
	    *sweep; /* the first run that may still be needed by a cursor, by retention or as unseen; NULL = the end */
	struct list sweeps; /* in core.topics.sweeps while sweep may go on */
	/* retention */
	uint64_t keep_ms;
	uint64_t keep_bytes;
	struct heap_item keep_timer; /* in core.topics.keeps, wall time: when its oldest kept run is too old */
	uint64_t bytes_there;        /* packed, of all its runs, also of those that a parcel still needs */
	/* since it was created */
	uint64_t messages, bytes;
	struct list chore; /* in core.topics.chores_of_topics while it is being emptied or deleted */
	UT_hash_handle hh; /* by name */
};

/* A client's subscription to a channel. */
struct consumer {
	struct consumer_key {
		uint64_t session;
		uint64_t sub;
	} key;
	struct client *client;
	struct list of_client; /* in client.consumers */
	struct channel *channel;
	struct list link;    /* in channel.consumers */
	struct list ready;   /* in channel.ready, or in none */
	struct list parcels; /* in hand, the oldest delivery first */
	uint32_t limit;      /* messages that it may have in hand */
	uint32_t in_hand;    /* messages */
	uint64_t sent;       /* packed bytes since it subscribed */
	uint64_t window;     /* and how many these may be */
	uint64_t after;      /* position in the log: nothing is delivered before its SUBSCRIBE is answered */
	uint64_t timeout_ms, most_ms;
	uint32_t sample;   /* percent; 0 = all */
	UT_hash_handle hh; /* by key */
};

/* Runs by number: a tree of nodes with 512 children, as deep as the highest number needs. */
struct run_table {
	struct run_node *root; /* owned */
	unsigned depth;
	uint64_t count;        /* runs */
	struct run_node *leaf; /* found last */
	uint64_t leaf_number;
};

/* A dying parcel whose bytes are being fetched. */
struct fetching {
	uint64_t token; /* 0: a free place */
	struct parcel *parcel;
};

struct fact_done_rec;
struct fact_parcel_rec;
struct gone;
struct staged;
struct coming;

/* What one step gathers about messages before its facts are placed; see step.h. */
struct topic_step {
	struct fact_done_rec *dones; /* owned, TOPIC_STEP of each */
	struct fact_parcel_rec *backs;
	struct gone *gone;
	struct staged *staged; /* messages that the core itself publishes */
	struct coming *coming; /* in the step's arena: the runs of these, once they are written */
	uint32_t n_dones, n_backs, n_gone, n_staged, n_coming;
	struct buf bodies;   /* of the staged ones, packed */
	struct buf body;     /* one that news.c writes */
	uint64_t body_bytes; /* of its bodies with results */
};

/* All of it; core.topics. */
struct topics {
	struct topic *by_name;     /* uthash */
	struct topic **topics;     /* by index; owned; holes are NULL */
	struct channel **channels; /* the same */
	uint32_t n_topics, cap_topics, live_topics;
	uint32_t n_channels, cap_channels, live_channels;
	struct run_table runs;
	uint64_t next_run;
	struct consumer *consumers; /* uthash by key */
	uint64_t n_parcels;
	struct list spare_parcels;
	uint32_t n_spare;
	struct list hot, chores, sweeps;
	struct list chores_of_topics; /* topics that are being emptied or deleted */
	struct list leaving;          /* consumers that are gone, while they still hold something; through of_client */
	struct list letters;          /* channels */
	struct fetching fetching[TOPIC_FETCHES];
	struct topic_step step;
	struct heap returns; /* parcels in hand: keys in core time */
	struct heap dues;    /* deferred parcels: keys in wall time */
	struct heap keeps;   /* topics: keys in wall time */
	uint64_t generation; /* changes when a topic or channel comes or goes */
	uint64_t published, delivered, finished, requeued, timed_out; /* messages, for STATS */
};

#endif
