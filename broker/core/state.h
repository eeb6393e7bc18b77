/* The core's state, private to broker/core. Everything hangs on struct core; there is nothing global. A
 * job sits in exactly one container, the one that its state names:
 *
 *   blocked    queue.waiting, through its struct side
 *   delayed    queue.waiting, and core.delayed or core.dated until its time comes
 *   ready      a line of its tenant or group; see lines.h
 *   running    a struct lease, in its worker's list or among the orphans
 *   dead       queue.dead, oldest first, through its struct side, until it is redriven or purged
 *   otherwise  queue.kept, oldest first, until its result is no longer kept
 */
#ifndef SHEAF_CORE_STATE_H
#define SHEAF_CORE_STATE_H

#include <uthash.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/rand.h"
#include "broker/core/core.h"
#include "broker/core/join.h"
#include "broker/core/lines.h"
#include "broker/core/log.h"
#include "broker/core/topic/state.h"
#include "broker/core/turn_parts.h"
#include "proto/setting.h"

#define NO_INDEX      UINT32_MAX
#define KEY_TABLES    256
#define POLICY_TABLES 256

/* Where a job's bytes are. */
struct job_bytes {
	uint64_t at;
	uint32_t length;
	uint32_t crc;
	uint32_t overhead; /* share of what stands around them in the log; see job_overhead */
	uint32_t sharers;  /* a payload of so many jobs, which are charged with a part of it each; 0 = of this one */
};

/* One job: all that the index keeps of it. What only some jobs have lives in side tables (lease, past,
 * policy, waiter, batch). What is dead keeps its payload, and the place of its result in its side. */
struct job {
	uint64_t id;
	union {
		struct list link;    /* ready without a side; or terminal and not dead */
		struct side *side;   /* JOB_SIDE is set: blocked, delayed, dead, or ready with one */
		struct lease *lease; /* running */
	} in;
	uint64_t at;          /* position in the log: of the payload, or of history, error and result (see history.h) */
	uint32_t length : 25; /* bytes there */
	uint32_t sharers : 7; /* see struct job_bytes */
	uint32_t crc;         /* CRC-32C over them */
	uint64_t submitted_ms : 44;
	uint64_t state : 4;
	uint64_t priority : 4;
	uint64_t flags : 4; /* enum job_flag */
	uint64_t attempts : 8;
	uint64_t finished_ms : 44; /* terminal */
	uint64_t overhead : 20;    /* its share of the log around those bytes: heads of block and fact, headers */
	uint32_t batch;            /* index of its batch, or NO_INDEX */
	union {
		uint32_t waiter; /* first waiter, or NO_INDEX */
		uint32_t run_ms; /* terminal */
	} w;
	union {
		uint32_t policy; /* index of its policy, or NO_INDEX */
		struct {
			uint16_t error_length; /* of the bytes at `at`, those behind the history are error text */
			int16_t exit;
		} end; /* terminal and not dead */
	} p;
	uint16_t queue;     /* index */
	uint8_t attempt;    /* attempts used up */
	uint8_t deliveries; /* deliveries lost with their workers */
};

enum job_flag {
	JOB_SIDE = 1,   /* in.side is set */
	JOB_ENDING = 2, /* named in this turn: it ends (or, dead, is redriven or forgotten) when that is committed */
	JOB_EMPTY = 4,  /* terminal: neither error nor result, nothing has to be read; dead: its payload is gone */
};

#define JOB_MS_MASK     (((uint64_t)1 << 44) - 1)
#define JOB_LENGTH_MASK ((1u << 25) - 1)

static_assert(LIMIT_PAYLOAD + LIMIT_ERROR + LIMIT_HISTORY_BYTES + 16 <= JOB_LENGTH_MASK,
              "a job's bytes fit its length");
static_assert(LIMIT_ALL_PARTS < 128, "sharers of a payload fit their bits");
static_assert(sizeof(struct job) <= 72, "a job's record in the index is at most 72 bytes");

/* What only some jobs have; while one runs, its lease holds it. */
struct side {
	struct heap_item line;   /* ready: in its line, by id; delayed: in core.delayed or core.dated */
	struct heap_item expiry; /* in core.expiries while it has an end and has not begun */
	struct list link;        /* in queue.waiting or queue.dead */
	struct job *job;
	struct race *race; /* that it is a part of, or NULL; see race.h */
	uint64_t token;    /* nothing older may come back: that of the last lease, or the next if its run was counted */
	uint64_t due;      /* wall clock: delayed until then */
	uint64_t expires;  /* wall clock: does not begin after it; 0 = never */
	bool dated;        /* due is a time of the wall clock that somebody named, not a pause */
	uint16_t history_n;
	uint8_t *history;    /* owned: attempts so far, see history.h */
	struct after *after; /* owned; blocked: what it follows */
	/* dead: */
	uint64_t death;       /* counts the deaths since the start */
	struct job_bytes end; /* history, error and result */
	uint16_t error_length;
	int16_t exit;
};

/* A job in somebody's hands (DESIGN, words: lease). Only struct job and struct worker are named here, so
 * that messages, pipes and units can have it too. */
struct lease {
	struct list link;  /* in worker.leases in the order of grants, or core.orphans */
	struct list young; /* in core.young until it is a fact */
	struct job *job;
	struct worker *worker;  /* NULL: an orphan, held for whoever presents its token */
	struct side *side;      /* the job's, or NULL */
	struct heap_item timer; /* in core.lease_timers once it is started and has a time of its own */
	uint64_t token;
	uint64_t since;   /* core time of the grant */
	uint64_t message; /* JOBS number that carried it; 0 = adopted */
	uint32_t bytes;   /* of payload, as charged to the worker's window */
	bool started;     /* a beat named it */
	bool fact;        /* it is in the journal */
	bool recalled;
	bool unwanted;       /* to be cancelled if it comes back without having begun */
	uint8_t percent;     /* as its handler says, or PERCENT_UNKNOWN */
	uint16_t progress_n; /* bytes of `progress` */
	uint8_t *progress;   /* owned, or NULL: what the handler says of it */
};

struct policy {
	uint32_t index;
	uint32_t refs; /* jobs */
	uint64_t lease_ms;
	uint64_t backoff_ms;
	uint64_t backoff_max_ms;
	struct tenant *tenant; /* NULL: the queue's own, whichever queue it is */
	struct group *group;   /* NULL: in no group */
	size_t n, from;        /* length of the key, and where the headers begin in it */
	uint8_t *key;          /* owned, see policy.c */
	UT_hash_handle hh;     /* by key */
};

/* Somebody who wants to hear of a job's end. */
struct waiter {
	struct list link; /* in client.waits */
	struct client *client;
	uint64_t id;    /* job or batch */
	uint32_t next;  /* of the same job, or NO_INDEX; of the free ones */
	uint32_t flags; /* enum wait_flags */
};

/* Which dead letters: those that died in this time, and whose last attempt has this in its error. */
struct dead_want {
	uint64_t from_ms; /* wall clock, both included */
	uint64_t to_ms;
	struct span error;
};

/* A redrive or purge of a queue's dead letters that is under way; see dead.h. */
struct dead_op {
	enum dead_op_kind kind;
	bool over;       /* it is to be answered */
	struct list *at; /* what it looks at next, in queue.dead */
	struct dead_want want;
	uint8_t text[LIMIT_HISTORY_ERROR]; /* want.error */
	uint64_t until;                    /* the last death that it concerns */
	uint64_t limit;                    /* jobs; 0 = all */
	uint64_t rate;                     /* jobs per day; 0 = at once */
	uint64_t began;                    /* core time */
	uint64_t next;                     /* core time of its next slice */
	uint64_t done;                     /* jobs so far */
	uint64_t peer;
	struct msg_header request;
};

/* The last one that was answered, for its retry. */
struct dead_answer {
	uint64_t session;
	uint64_t number;
	uint64_t done;
};

enum chore { CHORE_NONE, CHORE_PURGE, CHORE_DELETE };

struct queue {
	char name[LIMIT_QUEUE_NAME + 1];
	uint16_t index;
	bool paused;
	bool draining; /* takes no more jobs */
	struct queue_settings settings;
	enum chore chore;                /* long work on it that goes on through the ticks */
	uint64_t chore_to;               /* purge: ids below this */
	uint64_t chore_done;             /* jobs so far */
	uint64_t chore_waiting;          /* purge: jobs in `waiting` that it has not looked at yet */
	struct msg_header chore_request; /* to be answered when it is done */
	uint64_t chore_peer;
	struct list chores; /* in core.chores */
	uint32_t purge;     /* counts the purges */
	/* who is next, see order.h and tenant.c */
	struct tenant own; /* of the jobs without a tenant */
	struct level own_levels[PRIORITIES];
	struct list turns, ahead;    /* tenants with something to grant */
	struct list tenants, groups; /* all but its own; its groups */
	uint64_t round;              /* of the turns */
	uint32_t aheads;             /* grants in a row to tenants that go ahead */
	/* limits, see limit.c */
	uint64_t tokens;            /* of its rate */
	uint64_t filled;            /* core time up to which they were brought */
	uint64_t excess;            /* jobs that ran when the concurrency was set, and still do */
	struct heap_item throttle;  /* in core.throttled while time holds it back */
	uint64_t now[JOB_STATES];   /* jobs in the index by state */
	uint64_t ended[JOB_STATES]; /* since creation, by terminal state */
	uint64_t submitted;
	uint64_t redriven;   /* dead letters made ready again, since creation */
	uint64_t forgotten;  /* dead letters purged, or too old, since creation */
	struct list waiting; /* sides of the jobs that are blocked or delayed */
	struct list dead;    /* sides of the dead ones, oldest end first, then by id */
	struct list kept;    /* other terminal jobs, oldest end first */
	struct list parked;  /* replicas for whom there is no other worker; see race.h */
	uint64_t kept_bytes;
	struct heap_item keep_timer; /* when the oldest kept one is due */
	struct list keys;            /* idempotency keys that are remembered, first come first */
	uint32_t n_keys;
	uint32_t n_thens;    /* batches that a job of it is to follow */
	struct list servers; /* struct attachment of the workers that serve it */
	uint32_t n_servers;
	struct list hot; /* in core.hot while it may have something to grant */
	struct {
		uint64_t generation;            /* of the topics, for which these are true */
		struct topic *results, *events; /* NULL: nobody listens */
	} news;
	struct dead_op *dead_op; /* owned; NULL: none is under way */
	struct dead_answer dead_answer;
	struct heap_item dead_timer; /* in core.dead_timers: when dead_op goes on, or the oldest is too old */
	UT_hash_handle hh;
};

/* A worker serves a queue. */
struct attachment {
	struct list link; /* in queue.servers */
	struct worker *worker;
	struct queue *queue;
	uint32_t index; /* of the queue in the worker's hello */
};

enum worker_state {
	WORKER_OPENING,  /* its PUSH socket is being bound */
	WORKER_WELCOMED, /* its nonce is on the way */
	WORKER_OPEN,
	WORKER_LEAVING, /* it said bye; outcomes are still missing */
	WORKER_LOST,    /* its leases are being handed on, slice by slice */
};

struct worker {
	uint64_t session;
	uint64_t peer;
	uint32_t principal; /* whose key said hello; 0 = there are no keys */
	bool usurped;       /* outcomes of another principal were refused, and that was logged */
	uint64_t instance;
	char name[LIMIT_NAME + 1];
	enum worker_state state;
	uint32_t slots;
	uint32_t n_queues;
	struct attachment *queues; /* owned, n_queues */
	uint64_t nonce;
	uint64_t *dropped; /* owned: tokens that the welcome will name */
	uint32_t n_dropped;
	uint64_t window_jobs;
	uint64_t window_bytes;
	uint32_t outstanding;
	uint64_t outstanding_bytes;
	uint32_t running; /* as the last beat said */
	struct list leases;
	uint64_t sent;            /* JOBS numbers given out */
	uint64_t confirmed;       /* as the last beat said */
	uint64_t sent_at;         /* core time of the last JOBS or probe, while some are unconfirmed */
	uint64_t expected;        /* OUTCOMES number that comes next */
	uint64_t settled;         /* the last one it was told of */
	uint64_t unsettled_bytes; /* of outcomes since then */
	uint64_t asked;           /* `expected` for which a resend was asked, at asked_at */
	uint64_t asked_at;
	uint64_t bye;         /* last OUTCOMES number, when leaving */
	uint32_t losses;      /* beats that named lost messages, since the last outcome */
	uint64_t done;        /* outcomes taken */
	uint64_t heard;       /* core time */
	uint64_t recalled_at; /* core time of the last recall */
	bool draining;        /* by WORKER_OP: nothing is granted to it */
	bool blame;           /* WORKER_LOST: what it may have been running counts as a delivery */
	struct heap_item timer;
	struct list link;      /* in core.workers by age, or core.lost */
	struct list unsettled; /* in core.unsettled while a SETTLED is due */
	UT_hash_handle hh;     /* by session; not when lost */
	UT_hash_handle hi;     /* by instance; not when lost */
};

/* An answered request that changed the state, kept for its retry. */
struct answer {
	uint64_t number;
	uint64_t first; /* id of the first job, or of the batch */
	uint32_t count; /* jobs; 0 = a batch */
	uint64_t *ids;  /* owned: those of a SUBMIT_ALL, if they are not consecutive; else NULL */
};

struct client {
	uint64_t session;
	uint64_t peer;
	uint32_t principal; /* whose key said hello; 0 = there are no keys, or nobody has yet */
	bool here;          /* said hello since the start, and was heard since */
	uint64_t heard;     /* core time */
	uint64_t pushed;    /* results pushed to it */
	uint64_t delivered; /* deliveries pushed to it */
	struct list consumers;
	struct list waits;
	uint32_t n_waits;
	uint64_t floor;         /* requests up to here are answered and forgotten */
	struct answer *answers; /* owned, by number */
	uint32_t n_answers;
	uint32_t cap_answers;
	struct heap_item timer;
	UT_hash_handle hh;
};

/* The index of jobs by id; see job_table.h. */
struct job_table {
	void *root;
	unsigned depth;
	uint64_t count;
	uint64_t bytes;
	struct job_page *last; /* page found last */
	uint64_t last_number;
};

enum trim_phase { TRIM_IDLE, TRIM_MOVE, TRIM_PREAMBLE };

struct trim {
	enum trim_phase phase;
	uint64_t tail;          /* base of the first segment of the log */
	uint64_t head;          /* of the log */
	uint64_t preamble_at;   /* where the last complete preamble begins */
	uint64_t preamble_from; /* where the one under way began */
	uint32_t next_queue;    /* what the preamble writes next: queues, batches, topics, clients, schedules */
	uint32_t next_batch;
	uint32_t next_topic;
	struct client *next_client;
	struct cron *next_cron;
	uint64_t *live; /* bytes still needed, per segment from tail on; owned */
	uint64_t n_live, cap_live;
	uint64_t live_bytes;
	bool left;  /* the mover had no room for all: the segment is read once more */
	bool stuck; /* the first segment keeps live bytes that cannot be read */
	bool no_space;
};

struct counters {
	uint64_t unpublished; /* messages about jobs for which there was no room */
	uint64_t submits, refused, granted, outcomes, stale, lost_workers, lost_messages, recalled, moved, trimmed,
	    probes, cron_jobs, cron_missed;
};

struct core {
	struct core_config config;
	char results[LIMIT_ENDPOINT + 1], workers_at[LIMIT_ENDPOINT + 1], software[LIMIT_NAME + 1];
	/* time */
	uint64_t t;    /* core time: monotonic less every stall of ours */
	uint64_t skew; /* mono_ms = t + skew */
	uint64_t last; /* mono_ms of the step before */
	uint64_t wall; /* never goes back */
	struct rng rng;
	bool replaying, draining, pressure;
	bool inside; /* this step's event comes from an edge of the broker's own process */
	/* names */
	uint64_t epoch;
	uint64_t epoch_at; /* where the log ends that says so; UINT64_MAX within the step that says it */
	uint64_t next_id;
	uint64_t next_token; /* low half; the epoch is the high half */
	uint64_t next_session;
	/* jobs */
	struct job_table jobs;
	struct queue *by_name; /* uthash */
	struct queue **queues; /* by index; owned; holes are NULL */
	uint32_t n_queues, cap_queues;
	uint32_t live_queues;
	struct list hot;
	uint64_t kept_bytes;                      /* of all queues */
	uint32_t keep_look;                       /* queue that is looked at next when that is too much */
	struct policy *by_headers[POLICY_TABLES]; /* uthash, by key; the hash says in which */
	struct tenant *by_tenant;                 /* uthash, by queue and name */
	struct group *by_group;                   /* uthash, by queue, tenant and name */
	struct list away; /* tenants without jobs that have had more than their share; oldest first */
	uint32_t n_away;
	struct policy **policies; /* by index; owned */
	uint32_t n_policies, cap_policies;
	uint32_t *policy_holes; /* owned: the indices that are free, n_policy_holes of them */
	uint32_t n_policy_holes;
	uint64_t policy_bytes;  /* of memory */
	struct batch *by_batch; /* uthash by id */
	struct batch **batches; /* by index; owned */
	uint32_t n_batches, cap_batches, live_batches;
	struct list finishing_batches; /* complete: what follows from it is to be done */
	struct list finished_batches;  /* oldest first */
	struct heap open_batches;      /* wall clock: when they expire */
	uint64_t then_bytes;           /* of all jobs that are to follow batches */
	struct parent *by_parent;      /* uthash by id */
	struct list releasing;         /* parents that have ended */
	uint64_t n_edges;              /* of all blocked jobs */
	uint64_t n_dooming;            /* parents in `releasing` that have failed */
	/* leases */
	struct list young;   /* leases that are no fact yet, oldest first */
	struct list orphans; /* leases of the journal that nobody has claimed yet */
	uint64_t orphans_until;
	struct list *spare_leases; /* chained through link.next */
	/* workers */
	struct worker *by_session, *by_instance; /* uthash */
	struct list workers, lost, unsettled;
	uint32_t n_workers;
	bool idle_hint; /* somebody may be idle while others have unstarted jobs */
	uint64_t rebalance_at;
	uint64_t settle_at;
	/* clients */
	struct client *by_client; /* uthash by session */
	uint32_t n_clients;
	struct waiter **waiters; /* chunks */
	uint32_t n_waiter_chunks, free_waiter;
	struct heap worker_timers, client_timers, keep_timers, lease_timers; /* keys in core time */
	struct heap throttled;                                               /* queues: keys in core time */
	uint64_t limits_from;         /* core time: until then limited queues wait for workers to say what they hold */
	struct heap delayed;          /* sides: keys in core time */
	struct heap dated, expiries;  /* sides: keys in wall time */
	struct key *keys[KEY_TABLES]; /* uthash; the hash says in which */
	struct heap key_ends;         /* the same: keys in wall time */
	struct heap dead_timers;      /* queues: keys in core time */
	uint64_t deaths;              /* since the start */
	struct list chores;           /* queues with long work */
	struct list races;            /* all of them; see race.h */
	struct list judging, closing; /* some of them */
	struct heap hedges;           /* of races: keys in core time */
	/* schedules; see cron.h */
	struct cron *crons;      /* uthash by name */
	struct cron_zone *zones; /* uthash by name */
	struct heap cron_timers; /* keys in wall time */
	struct list cron_asks;   /* requests that wait for a zone */
	uint32_t n_cron_asks;
	struct topics topics;
	struct trim trim;
	struct counters count;
	struct turn turn;
	/* the step under way */
	struct effects *fx;
	uint8_t *arena; /* what this step's effects point to; owned, STEP_ARENA bytes */
	size_t arena_used;
	uint64_t answer_bytes; /* of stored results that it sends */
};

#define STEP_ARENA        (4 * MIB)
#define STEP_ANSWER_BYTES (32 * MIB)

#endif
