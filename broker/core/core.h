/* The functional core of the broker: one shard's jobs, queues, workers, clients and batches as a state
 * machine. It does no I/O and knows no clock: core_step takes an event and the time, changes the state,
 * and says in effects what the shell has to do. The same core runs under the broker's sockets and, with
 * a virtual clock, under tests/sim.
 *
 * Peers are 64-bit routes that the shell makes of its sockets' routing ids; the core only hands them
 * back. Spans in an event are borrowed for the call. Spans in effects are valid until the next call of
 * any core function, so the shell encodes effects at once; what a span cannot hold, because only the log
 * has it, is named by its position.
 *
 * The rule that makes it durable: after a step, effects.head is the log's head. Whatever the step sends
 * may leave only when the journal has synced up to that head. A delivery of messages may leave earlier: it needs its
 * messages and the epoch of its token, and whatever else happened may happen again. */
#ifndef SHEAF_CORE_CORE_H
#define SHEAF_CORE_CORE_H

#include "base/buf.h"
#include "base/log.h"
#include "proto/msg.h"

struct core;

/* Read once per turn of the loop by the shell. */
struct now {
	uint64_t mono_ms; /* leases, liveness */
	uint64_t wall_ms; /* what people read; results' age */
};

struct core_config {
	uint64_t segment_bytes;  /* of the log, see log.h */
	uint64_t disk_cap;       /* bytes of log at which submits are refused; 0 = none */
	uint64_t keep_ms;        /* results */
	uint64_t keep_bytes;     /* results, per queue */
	uint64_t keep_all_bytes; /* results, in all */
	uint64_t key_window_ms;  /* how long an idempotency key is remembered */
	uint32_t keys_max;       /* per queue; at most LIMIT_QUEUE_KEYS */
	uint64_t policy_bytes;   /* of memory for headers and the like of jobs that have not ended */
	uint32_t deliveries;     /* a job that was lost with its worker this often is a dead letter */
	uint64_t message_max;    /* bytes of one message of a topic */
	uint64_t dead_max;       /* dead letters at which a queue takes no more jobs */
	uint32_t beat_ms;
	uint32_t liveness_ms;
	uint64_t client_liveness_ms;
	uint64_t session_keep_ms;
	uint32_t workers_max; /* from the machine's limits; at most LIMIT_WORKERS */
	uint64_t seed;        /* of the generator inside */
	const char *results;  /* endpoints as the broker tells them to peers; borrowed for core_new */
	const char *workers;
	const char *software; /* "sheafd 0.1.0" */
};

/* All defaults of limits.h; endpoints empty, no cap. */
void core_config_default(struct core_config *c);

enum event_kind {
	EV_CLIENT,      /* peer, msg: a decoded message of a client */
	EV_WORKER,      /* peer, msg: of a worker, on control */
	EV_OUTCOMES,    /* msg: of a worker, on the results socket */
	EV_MALFORMED,   /* peer, from_worker, msg.h as far as known, error, why: could not be decoded; answered */
	EV_SOCKET,      /* session, endpoint: the PUSH socket of FX_OPEN is bound; empty endpoint: it could not be */
	EV_UNREACHABLE, /* session: its PUSH socket has had no peer for a while */
	EV_PRESSURE,    /* flag: the journal's buffer is at its bound (1: submits get busy) or not (0) */
	EV_SPACE,       /* flag: the disk has no room for another segment (1: submits get full) or has (0) */
	EV_MOVE,        /* position, facts: one block of the segment named by FX_MOVE, in order */
	EV_MOVED,       /* position: the segment's base; all its blocks were handed in */
	EV_BAD_PAYLOAD, /* lease, text: the payload of this granted job could not be read back */
	EV_ZONE,    /* text: the name that FX_ZONE gave; facts: the bytes of that time zone's file; flag 1: it cannot be
	               read, and facts say why */
	EV_FETCHED, /* session: the token that FX_FETCH gave; facts: the packed message; flag 1: it cannot be read */
	EV_BAD_MESSAGES, /* session: the token of a delivery whose bytes could not be read back */
	EV_DRAIN,        /* stop intake: submits get draining, nothing more is granted */
	EV_DISMISSED,    /* principal: it may no longer what it might; its sessions end */
	EV_TICK          /* the time of core_deadline has come */
};

struct event {
	enum event_kind kind;
	uint64_t peer;      /* route of who sent it */
	uint32_t principal; /* and whose key that is, as the shell numbers them; 0 = there are no keys */
	const struct msg *msg;
	bool from_worker;       /* EV_MALFORMED */
	enum sheaf_error error; /* EV_MALFORMED */
	uint64_t session;       /* worker session */
	uint64_t position;
	bool flag; /* of EV_CLIENT: an edge of the broker's own process, whose clients have their answers before the end
	            */
	struct lease_name lease;
	struct span text; /* endpoint, or why */
	struct span facts;
};

/* Bytes in the log. */
struct log_bytes {
	uint64_t position; /* of the first byte */
	uint32_t length;   /* bytes */
	uint32_t crc;      /* CRC-32C over them */
};

enum effect_kind {
	FX_APPEND,   /* the block of effects.block at effects.block_at; at most one in a step, and the first effect */
	FX_ACCEPTED, /* peer, session; accepted: gathered into one ACCEPTED per peer and turn */
	FX_RESULT,   /* peer, session, number; result: gathered into RESULTS. answer: set as in MSG_RESULTS. If
	                from_log, result.error and result.result are not spans but `stored`: what the job left, to be
	                taken apart by history_split with error_length */
	FX_REPLY,    /* peer, msg: one message to a client */
	FX_PEEK,     /* peer, msg (header only), leases: answer PEEKED with the payloads at peeks[0..n_peeks] */
	FX_JOB, /* peer, msg: JOB_INFO of an ended job. If stored.length > 0, what it left stands there: its history and
	           error text go into the message; number: bytes of the error text */
	FX_CONTROL, /* peer, msg: one message to a worker on control */
	FX_OPEN,    /* session, number (the principal whose key it admits): bind a PUSH socket; answer with EV_SOCKET */
	FX_NONCE,   /* session, number: send JOBS_WELCOME with this nonce on its PUSH socket */
	FX_GRANT,   /* session, number; job: to the worker's PUSH; grants of one number share a message; the payload
	               is at `stored` (job.payload is empty) */
	FX_PROBE,   /* session, number: an empty JOBS message */
	FX_CLOSE,   /* session: close its PUSH socket at once */
	FX_MOVE,    /* position: read that segment and hand its blocks in as EV_MOVE, then EV_MOVED */
	FX_TRIM,    /* position: nothing below it is needed; a segment's base */
	FX_DELIVER, /* peer, session, number (deliveries pushed to it before this one); delivery (its `packed` is
	               empty); count: messages in the run, whose packed bytes are at `stored`: gathered into MESSAGES,
	               with those that the mask names. What cannot be read: EV_BAD_MESSAGES */
	FX_FETCH,   /* number (a token), stored (a run's packed bytes), mask (one message of it): answer with EV_FETCHED
	             */
	FX_ZONE,    /* zone: read the file of this time zone; answer with EV_ZONE. A name as zone_name_ok has it */
	FX_LOG      /* level, id, text: one line for the log */
};

struct effect {
	enum effect_kind kind;
	uint64_t peer;
	uint64_t session;
	uint64_t number;
	struct log_bytes stored;
	union {
		struct msg_accepted_rec accepted;
		struct {
			struct msg_result_rec rec;
			uint32_t answer;
			bool from_log;
			uint32_t error_length;
		} result;
		const struct msg *msg;
		struct msg_job_rec job;
		struct {
			struct msg_delivery_rec rec;
			uint32_t count;
			uint64_t after; /* it may leave when the journal has synced up to here, see below */
		} delivery;
		uint64_t mask;
		struct {
			const struct msg_header *h;
			const struct msg_peek_rec *v;   /* payload empty */
			const struct log_bytes *stored; /* whole payloads */
			uint32_t n;
		} peek;
		uint64_t position;
		const char *zone;
		struct {
			enum log_level level;
			const char *id;
			const char *text;
		} log;
	} u;
};

/* What a step wants done, in this order. Owned by the caller, used again for each step. */
struct effects {
	struct effect *v;    /* in `base` */
	uint32_t n;          /* at most STEP_EFFECTS + 1 */
	struct effect *base; /* owned */
	struct buf block;    /* of FX_APPEND: LOG_BLOCK_HEADER bytes to be filled by the journal, the facts, zero
	                        padding up to LOG_ALIGN */
	uint64_t block_at;   /* its position, by log_place */
	uint32_t facts;      /* bytes of facts in the block, without padding */
	uint64_t head;       /* the log's head after the step */
};

void effects_init(struct effects *fx);
void effects_fini(struct effects *fx);

/* A core with nothing in it, not yet started. */
struct core *core_new(const struct core_config *config);
void core_free(struct core *core);

/* Replays one block of facts that the journal holds, in the order of positions, before core_start. False
 * with *why set if a fact is of a newer version or is not a fact; the broker then refuses to start. */
MUST_CHECK bool core_replay(struct core *core, uint64_t position, struct span facts, const char **why);

/* Tells of an epoch that the journal has seen even if no fact says so (the fact may be damaged): the next one, and
 * with it every token, will be above it. Before core_start. */
void core_seen_epoch(struct core *core, uint64_t epoch);

/* Ends the replay: `tail` is the log's first live segment base, `head` where the next block goes. Begins a
 * new epoch and appends it; the shell must sync past fx->head before it lets anybody in. */
void core_start(struct core *core, struct now now, uint64_t tail, uint64_t head, struct effects *fx);

/* The only way state changes after the start. fx is emptied first. */
void core_step(struct core *core, struct now now, const struct event *ev, struct effects *fx);

/* When (mono_ms) the core wants an EV_TICK; UINT64_MAX = no time is known. Work that goes on at once has
 * a deadline of 0. */
uint64_t core_deadline(const struct core *core);

/* Walks every invariant and aborts on a broken one. For tests: it is linear in all there is. */
void core_check(const struct core *core);

/* The epoch that core_start began. */
uint64_t core_epoch(const struct core *core);

/* After EV_DRAIN: nothing is in a worker's hands and no work is pending. */
bool core_drained(const struct core *core);

/* What there is, for --check, logs and tests. */
struct core_totals {
	uint64_t queues;
	uint64_t jobs[JOB_STATES];  /* in the index, by state */
	uint64_t submitted;         /* ever */
	uint64_t redriven;          /* dead letters made ready again, ever */
	uint64_t forgotten;         /* dead letters purged, or too old, ever */
	uint64_t ended[JOB_STATES]; /* ever, by terminal state */
	uint64_t batches;
	uint64_t crons; /* schedules */
	uint64_t topics;
	uint64_t channels;
	uint64_t messages;    /* published to these topics, ever */
	uint64_t keys;        /* idempotency keys that are remembered */
	uint64_t live_bytes;  /* of the log */
	uint64_t index_bytes; /* memory of the job table */
};
void core_totals(const struct core *core, struct core_totals *t);

/* The state of a job, JOB_NONE if it is not in the index. For tests and --check. */
enum job_state core_job_state(const struct core *core, uint64_t id);

#endif
