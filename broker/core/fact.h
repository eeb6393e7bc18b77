/* Facts: what the journal remembers. Each is [type u8, version u8, reserved u16, length u32, body], little
 * endian. A block holds the group of facts of one step, there whole or not at all. Replay must come to the
 * same state from any prefix-trimmed log: counts are absolute in QUEUE and BATCH facts, and jobs carry
 * all that is needed to begin at any of their facts.
 *
 * The writers append to a buffer; reading goes through fact_next and one reader per type. Readers check
 * lengths and ranges, for a disk can hand us anything; they return false on what is no fact of ours. */
#ifndef SHEAF_CORE_FACT_H
#define SHEAF_CORE_FACT_H

#include "base/buf.h"
#include "broker/core/state.h"
#include "proto/msg.h"

enum fact_type {
	FACT_META = 1,  /* epoch, next id, wall clock, number of the next run */
	FACT_QUEUE = 2, /* a queue as it is now, with its counts */
	FACT_QUEUE_GONE = 3,
	FACT_JOBS_PUT = 4,    /* jobs of one policy, with their payloads */
	FACT_JOBS_END = 5,    /* jobs that ended, with error and result */
	FACT_JOBS_BACK = 6,   /* jobs that went back: attempts and deliveries used, last token, history, due time */
	FACT_JOBS_LEASED = 7, /* leases that have become old */
	FACT_BATCH = 8,       /* a batch as it is now, with its counts */
	FACT_BATCH_GONE = 9,
	FACT_SESSION = 10, /* a client session's answers, for its retries */
	FACT_KEY = 11,     /* an idempotency key and the job that it stands for */
	FACT_CRON = 12,    /* a schedule, or what changed of it; see cron_fact.c */
	FACT_CRON_GONE = 13,
	FACT_JOBS_REDRIVE = 14,   /* dead letters that are ready again */
	FACT_JOBS_FORGOTTEN = 16, /* dead letters that are gone */
	FACT_RACE = 17,           /* what is known of a race; see race_fact.c */
	/* of topics, see topic/fact.h */
	FACT_TOPIC = 18,
	FACT_TOPIC_GONE = 19,
	FACT_CHANNEL = 20,
	FACT_CHANNEL_GONE = 21,
	FACT_MESSAGES_PUT = 22,
	FACT_MESSAGES_DONE = 23,
	FACT_MESSAGES_BACK = 24,
	FACT_MESSAGES_DROPPED = 25,
	FACT_ANSWER = 26 /* an answer to a SUBMIT_ALL, for its retry */
};

#define FACT_LAST FACT_ANSWER

#define FACT_VERSION 1

enum {
	FACT_HEAD = 8,
	FACT_PUT_RECORD = 16,
	FACT_SHARED_HEAD = 8,
	FACT_END_RECORD = 60,
	FACT_BACK_RECORD = 26,
	FACT_LEASE_RECORD = 18,
	FACT_DEAD_RECORD = 10,
	FACT_PUT_HEAD = 64,
	FACT_COUNT_HEAD = 5,
	FACT_KEY_HEAD = 20
};

/* A fact as it stands in a block. */
struct fact {
	enum fact_type type;
	struct span body;
	uint32_t offset; /* of the body in the block's facts */
};

/* Takes the next fact off `rest`; *offset counts on. 1: one; 0: the end; -1 with *why: not a fact, or newer. */
MUST_CHECK int fact_next(struct span *rest, uint32_t *offset, struct fact *f, const char **why);

/* Begins a fact and ends it (fills in its length); between, the body is appended. */
size_t fact_begin(struct buf *b, enum fact_type type);
void fact_end(struct buf *b, size_t begun);

struct fact_meta {
	uint64_t epoch;
	uint64_t next_id;
	uint64_t wall_ms;
	uint64_t next_run;
};
void fact_put_meta(struct buf *b, const struct fact_meta *m);
MUST_CHECK bool fact_get_meta(struct span body, struct fact_meta *m);

enum fact_queue_flag { FACT_PAUSED = 1, FACT_DRAINING = 2 };

struct fact_queue {
	uint16_t index;
	uint8_t flags; /* enum fact_queue_flag */
	struct span name;
	uint64_t submitted;
	uint64_t ended[JOB_STATES];
	uint64_t redriven;
	uint64_t forgotten;
	const uint64_t *settings; /* written: all of them, in the order of proto/setting.h */
	uint8_t n_settings;       /* read: up to the last one that is set */
	uint64_t room[LIMIT_SETTINGS];
};
void fact_put_queue(struct buf *b, const struct fact_queue *q);
/* q->settings points into *q. */
MUST_CHECK bool fact_get_queue(struct span body, struct fact_queue *q);

void fact_put_u64(struct buf *b, enum fact_type type, uint64_t v); /* QUEUE_GONE, BATCH_GONE */
MUST_CHECK bool fact_get_u64(struct span body, uint64_t *v);

enum fact_flag {
	FACT_MOVED = 1,      /* re-appended by the mover: counts were made before */
	FACT_TERMS = 2,      /* JOBS_PUT: terms stand behind the headers */
	FACT_AFTER_ANY = 8,  /* JOBS_PUT: what they follow may end in whichever way */
	FACT_EPHEMERAL = 16, /* MESSAGES_PUT: of an ephemeral topic, for no replay */
	FACT_DATED = 4,      /* JOBS_PUT: due is a time of the wall clock that somebody named */
	FACT_SHARED = 32,    /* JOBS_PUT: its jobs share their payload with others of the block */
};

/* Head of JOBS_PUT; `count` records follow: id u64, length u32, crc u32, payload. With FACT_SHARED, between crc and
 * payload: sharers u32, back u32; if the latter is not 0 there is no payload, but it stands so many bytes before that
 * place, in the same block. */
struct fact_put {
	uint16_t queue;
	uint8_t priority;
	uint8_t attempts;
	uint8_t flags;
	uint8_t replicas; /* of a race: behind its parent stand its children, without a payload of their own */
	uint32_t count;
	uint64_t session; /* and number: the request that this answers; 0 = none */
	uint64_t number;
	uint64_t floor; /* the session's, see struct client */
	uint64_t submitted_ms;
	uint64_t lease_ms;
	uint64_t batch;
	struct span headers;
	/* terms, only written when one of them says something (FACT_TERMS) */
	uint64_t due_ms; /* wall clock */
	uint64_t expires_ms;
	uint64_t backoff_ms;
	uint64_t backoff_max_ms;
	struct span tenant;
	struct span group;
	struct span topic;
	uint64_t after[LIMIT_AFTER];
	uint8_t n_after;
};
void fact_put_put(struct buf *b, const struct fact_put *p);
MUST_CHECK bool fact_get_put(struct span *body, struct fact_put *p); /* *body is left at the records */

struct fact_put_rec {
	uint64_t id;
	uint32_t crc;
	struct span payload;
	uint32_t sharers; /* 1..LIMIT_ALL_PARTS: of a FACT_SHARED; else 0 */
	uint32_t back;
};
void fact_put_put_rec(struct buf *b, const struct fact_put_rec *r);
/* The next record of `f`, whose head is `p`. */
MUST_CHECK bool fact_get_put_rec(struct span *body, const struct fact *f, const struct fact_put *p,
                                 struct fact_put_rec *r);

/* `back` for a record that is written next to the step's block; `at`: of the payload, counted from the first fact. */
static inline uint32_t fact_put_back(const struct buf *block, uint64_t at)
{
	return (uint32_t)(block->n - LOG_BLOCK_HEADER + FACT_PUT_RECORD + FACT_SHARED_HEAD - at);
}

/* Head of JOBS_END is flags u8 and count u32; records: */
struct fact_end_rec {
	uint64_t id;
	uint64_t submitted_ms;
	uint64_t finished_ms;
	uint64_t batch; /* 0 = none */
	uint32_t run_ms;
	uint32_t crc; /* over error and result */
	int16_t exit;
	uint16_t queue;
	uint8_t state;
	uint8_t attempts_used;
	uint8_t attempts; /* that it might have had */
	uint8_t priority;
	struct span history;    /* of attempts before the last one (writing), of all (reading) */
	struct attempt attempt; /* the last one, for writing; none if its verdict is 0 */
	struct span error;
	struct span result;
	struct span left; /* history, error and result as they stand there, see history.h; filled in by both */
};
void fact_put_count(struct buf *b, uint8_t flags, uint32_t count);
MUST_CHECK bool fact_get_count(struct span *body, uint8_t *flags, uint32_t *count);
/* Computes crc, over `left`, and finds `left`, which points into the buffer. */
void fact_put_end_rec(struct buf *b, struct fact_end_rec *r);
MUST_CHECK bool fact_get_end_rec(struct span *body, struct fact_end_rec *r);

/* JOBS_BACK: the head of JOBS_END and these records. */
struct fact_back_rec {
	uint64_t id;
	uint64_t token;
	uint8_t attempt;
	uint8_t deliveries;
	uint64_t due;        /* wall clock; 0 = ready */
	struct span history; /* as in fact_end_rec */
	struct attempt last;
};
void fact_put_back_rec(struct buf *b, const struct fact_back_rec *r);
MUST_CHECK bool fact_get_back_rec(struct span *body, struct fact_back_rec *r);

/* JOBS_LEASED has the head of JOBS_END and these records. */
struct fact_lease_rec {
	uint64_t id;
	uint64_t token;
	uint8_t attempt;
	uint8_t deliveries;
};
void fact_put_lease_rec(struct buf *b, const struct fact_lease_rec *r);
MUST_CHECK bool fact_get_lease_rec(struct span *body, struct fact_lease_rec *r);

/* The job that is to follow a batch. */
struct fact_then {
	uint8_t when; /* enum then_when; 0 = there is none */
	uint8_t priority;
	uint8_t attempts; /* 0 = the queue's default, when it is submitted */
	uint16_t queue;   /* index */
	struct span headers;
	struct span payload;
};

struct fact_batch {
	uint64_t id;
	bool closed;
	bool expired;
	uint64_t total;
	uint64_t ended;
	uint64_t failed;
	uint64_t finished_wall; /* 0 = what follows from its end is still to be done */
	uint64_t session;       /* and number: the request that opened it; 0 = none */
	uint64_t number;
	uint64_t closes_wall; /* when it expires if it is still open */
	uint64_t then_id;     /* the job that was submitted after it, or 0 */
	struct fact_then then;
};
void fact_put_batch(struct buf *b, const struct fact_batch *f);
MUST_CHECK bool fact_get_batch(struct span body, struct fact_batch *f);

/* Head of JOBS_REDRIVE and JOBS_FORGOTTEN; `count` records follow. */
struct fact_dead {
	uint32_t count;
	uint64_t token; /* JOBS_REDRIVE: no run with an older one may come back */
};
struct fact_dead_rec {
	uint64_t id;
	uint16_t queue;
};
void fact_put_dead(struct buf *b, const struct fact_dead *f);
MUST_CHECK bool fact_get_dead(struct span *body, struct fact_dead *f);
void fact_put_dead_rec(struct buf *b, const struct fact_dead_rec *r);
MUST_CHECK bool fact_get_dead_rec(struct span *body, struct fact_dead_rec *r);

struct fact_key {
	uint16_t queue;
	uint64_t id;
	uint64_t ends_ms; /* wall clock: a replay forgets it then, too */
	struct span key;  /* 1 to LIMIT_KEY bytes */
};
void fact_put_key(struct buf *b, const struct fact_key *k);
MUST_CHECK bool fact_get_key(struct span body, struct fact_key *k);

#define SESSION_OVER UINT64_MAX /* as floor, without answers: it said bye */

/* Head of SESSION; `count` answers follow: number u64, first u64, count u32. */
struct fact_session {
	uint64_t session;
	uint64_t floor;
	uint32_t count;
};
void fact_put_session(struct buf *b, const struct fact_session *s);
MUST_CHECK bool fact_get_session(struct span *body, struct fact_session *s);
void fact_put_answer(struct buf *b, uint64_t number, uint64_t first, uint32_t count);
MUST_CHECK bool fact_get_answer(struct span *body, uint64_t *number, uint64_t *first, uint32_t *count);

/* ANSWER. */
struct fact_answer {
	uint64_t session;
	uint64_t floor;
	uint64_t number;
	uint32_t n;          /* 1..LIMIT_ALL_PARTS */
	const uint64_t *ids; /* written */
	uint64_t room[LIMIT_ALL_PARTS];
};
void fact_put_all(struct buf *b, const struct fact_answer *a);
/* a->ids points into *a. */
MUST_CHECK bool fact_get_all(struct span body, struct fact_answer *a);

#endif
