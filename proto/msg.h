/* The messages as structs: what the codec makes of bytes and what it makes bytes of. Everything inside
 * the programs speaks these; only proto/codec*.c sees msgpack. proto/PROTOCOL.md has each byte for byte.
 *
 * Spans and arrays in a decoded message are borrowed: spans from the frame, arrays from the struct
 * msg_room it was decoded with. In a message to be encoded they are borrowed from the caller. */
#ifndef SHEAF_PROTO_MSG_H
#define SHEAF_PROTO_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "proto/error.h"
#include "proto/limits.h"
#include "proto/msg_all.h"
#include "proto/msg_cron.h"
#include "proto/msg_dead.h"
#include "proto/msg_topic.h"
#include "proto/msg_worker.h"

/* A job's states (DESIGN: the last four are terminal). Their numbers are on the wire and on disk. */
enum job_state {
	JOB_NONE = 0, /* no such job; never on the wire but in a RESULTS record for an unknown id */
	JOB_BLOCKED = 1,
	JOB_DELAYED = 2,
	JOB_READY = 3,
	JOB_RUNNING = 4,
	JOB_DONE = 5,
	JOB_DEAD = 6,
	JOB_EXPIRED = 7,
	JOB_CANCELLED = 8,
	JOB_STATES = 9
};

static inline bool job_state_terminal(enum job_state s)
{
	return s >= JOB_DONE;
}

/* "ready", "done", …; "unknown" for JOB_NONE. */
const char *job_state_name(enum job_state s);

enum msg_kind {
	/* client → broker, DEALER → ROUTER; header.number counts the session's requests from 1 */
	MSG_CLIENT_HELLO = 1,
	MSG_SUBMIT = 2,
	MSG_WAIT = 3,
	MSG_RESULT_GET = 4,
	MSG_JOB_GET = 5,
	MSG_CANCEL = 6,
	MSG_QUEUE_LIST = 7,
	MSG_QUEUE_OP = 8,
	MSG_WORKER_LIST = 9,
	MSG_STATS = 10,
	MSG_PING = 11,
	MSG_BATCH_OPEN = 12,
	MSG_BATCH_CLOSE = 13,
	MSG_BATCH_GET = 14,
	MSG_CLIENT_BYE = 15,
	MSG_JOB_LIST = 24,
	MSG_WORKER_OP = 16,
	MSG_QUEUE_SET = 17,
	MSG_CRON_SET = 18,
	MSG_CRON_OP = 19,
	MSG_CRON_LIST = 20,
	MSG_DEAD_LIST = 21,
	MSG_DEAD_OP = 22,
	MSG_RETRY = 23,
	MSG_PUBLISH = 25,
	MSG_SUBSCRIBE = 26,
	MSG_CREDIT = 27, /* not answered, as is SETTLE; number 0 */
	MSG_SETTLE = 28,
	MSG_UNSUBSCRIBE = 29,
	MSG_TOPIC_OP = 30,
	MSG_TOPIC_LIST = 31,
	MSG_SUBMIT_ALL = 113, /* the numbers up to 31 are used up */
	/* broker → client; header.number repeats the request's, but where said otherwise */
	MSG_CLIENT_WELCOME = 32,
	MSG_ACCEPTED = 33, /* number 0; each record names its request */
	MSG_RESULTS = 34,  /* number: how many results were pushed to this session before this message; or, with
	                      `answer` set, the number of the request that it answers */
	MSG_REPLY = 35,
	MSG_PONG = 36,
	MSG_JOB_INFO = 37,
	MSG_QUEUE_INFO = 38,
	MSG_WORKER_INFO = 39,
	MSG_STATS_INFO = 40,
	MSG_PEEKED = 41,
	MSG_BATCH_INFO = 42,
	MSG_JOBS_INFO = 46,
	MSG_CRON_INFO = 44,
	MSG_DEAD_INFO = 45,
	MSG_MESSAGES = 43, /* number: how many deliveries were pushed to this session before this message */
	MSG_TOPICS_INFO = 47,
	MSG_MESSAGES_GONE = 48,
	MSG_ALL_ACCEPTED = 49,
	/* worker → broker, control */
	MSG_WORKER_HELLO = 64,
	MSG_WORKER_READY = 65,
	MSG_BEAT = 66,
	MSG_RETURN = 67,
	MSG_WORKER_BYE = 68,
	MSG_PROGRESS = 69,
	/* broker → worker, control */
	MSG_WORKER_WELCOME = 80,
	MSG_BEAT_ANSWER = 81, /* number repeats the beat's */
	MSG_SETTLED = 82,
	MSG_RECALL = 83,
	MSG_REVOKE = 84,
	MSG_NO_SESSION = 85, /* to workers and clients: say hello again */
	/* broker → worker, PUSH */
	MSG_JOBS_WELCOME = 96,
	MSG_JOBS = 97, /* number counts this session's JOBS from 1; without records it is a probe */
	/* worker → broker, PULL */
	MSG_OUTCOMES = 112 /* number counts this session's OUTCOMES from 1 */
};

/* The head of every message: [version, kind, shard, epoch, session, number, body…] */
struct msg_header {
	uint32_t version;
	uint32_t kind;    /* enum msg_kind; may be unknown */
	uint32_t shard;   /* 0 today */
	uint64_t epoch;   /* the broker's epoch as the sender knows it; 0 = not yet known */
	uint64_t session; /* client's own random number; or the worker session that the broker gave; 0 = none */
	uint64_t number;
};

enum submit_flags {
	SUBMIT_WANT = 1,      /* push each job's result to this session when it ends */
	SUBMIT_AGAIN = 2,     /* this request was sent before: answer it, do not redo it */
	SUBMIT_AFTER_ANY = 4, /* terms.after: however those end; else they must end well */
};

/* What a submit may ask for its jobs beside the usual. 0 and empty: nothing of it. */
struct msg_terms {
	uint64_t delay_ms;       /* not before so long from now */
	uint64_t at_ms;          /* not before this time of the wall clock */
	uint64_t expires_ms;     /* does not begin to run after this time of the wall clock */
	uint64_t backoff_ms;     /* pause after the first failed attempt, doubling; 0 = the queue's */
	uint64_t backoff_max_ms; /* at most; 0 = the queue's */
	struct span key;         /* a repeat within the queue's window returns the first id; one payload only */
	struct span tenant;      /* tenants of a queue share it fairly */
	struct span group;       /* jobs of a group run one at a time, in order */
	const uint64_t *after;   /* jobs and closed batches that come first */
	uint32_t n_after;        /* at most LIMIT_AFTER */
	uint32_t replicas;       /* race: so many different workers; one payload only */
	uint64_t hedge_ms;       /* race: the next replica begins when the one before has been silent for so long */
	uint64_t race_ms;        /* race: no answer within it is the end */
	struct span topic;       /* where the result is published, beside results.QUEUE */
	uint64_t within_ms;      /* as expires_ms, so long from now */
};

/* SUBMIT: one policy, many payloads. The ids of its jobs are consecutive. */
struct msg_submit {
	struct span queue;
	uint32_t flags;      /* enum submit_flags */
	uint32_t priority;   /* 0..9 */
	uint32_t attempts;   /* ..LIMIT_ATTEMPTS; 0 = the queue's default */
	uint64_t lease_ms;   /* time that the handler has for one run or touch; 0 = the queue's default */
	uint64_t batch;      /* 0 = none */
	uint64_t answered;   /* every request up to this number has been answered: forget those answers */
	struct span headers; /* NAME=VALUE, each ended by a NUL; at most LIMIT_HEADERS */
	const struct span *payloads;
	uint32_t n; /* 1..LIMIT_RECORDS */
	struct msg_terms terms;
};

enum wait_flags {
	WAIT_QUIET = 1, /* states only: the result's bytes are left out */
};

/* WAIT, CANCEL, RETRY: ids. Every id of a WAIT is pushed as a result, at once if it has ended (or is unknown). */
struct msg_ids {
	uint32_t flags; /* enum wait_flags or enum cancel_flags */
	const uint64_t *ids;
	uint32_t n; /* 1..LIMIT_RECORDS */
};

enum cancel_flags {
	CANCEL_UNSTARTED = 1, /* leave what is running alone */
};

enum queue_op {
	QUEUE_SHOW = 1,
	QUEUE_PAUSE = 2,
	QUEUE_RESUME = 3,
	QUEUE_PURGE = 4, /* cancels every job that has not started */
	QUEUE_PEEK = 5,  /* the first `arg` jobs, answered by PEEKED */
	QUEUE_DELETE = 6,
	QUEUE_DRAIN = 7 /* takes no more jobs until it is resumed; what is there goes on */
};

/* What can be done to workers, by name. */
enum worker_op {
	WORKER_DRAIN = 1, /* gets no more jobs: what runs finishes, what has not started goes back */
	WORKER_RESUME = 2
};

/* Which end of a batch the job that follows it is submitted for. */
enum then_when {
	THEN_SUCCESS = 1, /* no member failed */
	THEN_ANY = 2,
	THEN_FAILURE = 3 /* one did, or the batch was left open for too long */
};

/* BATCH_OPEN: all of it may be absent. */
struct msg_batch_open {
	struct span then_queue; /* of a job that is submitted when the batch is complete; empty = none */
	uint32_t then_when;     /* enum then_when; 0 = THEN_SUCCESS */
	struct span then_payload;
	struct span then_headers;
	uint32_t then_priority;
	uint32_t then_attempts; /* 0 = the queue's default */
	uint64_t open_ms;       /* it expires if it is open for longer; 0 = DEFAULT_BATCH_OPEN_MS */
};

struct msg_worker_op {
	struct span name;
	uint32_t op; /* enum worker_op */
};

struct msg_queue_op {
	struct span queue;
	uint32_t op; /* enum queue_op */
	uint64_t arg;
};

struct msg_accepted_rec {
	uint64_t number; /* of the request */
	uint64_t first;  /* id of its first job; the others follow without a gap */
	uint32_t count;
};

/* One ended job (or one that is unknown or, in JOB_INFO, on its way). */
struct msg_result_rec {
	uint64_t id;
	uint32_t state;   /* enum job_state; JOB_NONE for an id that is unknown */
	uint32_t attempt; /* from 1; 0 = never started */
	int32_t exit;     /* the handler's exit status; 128+signal if it was killed; 0 for builtins that did well */
	uint32_t gone;    /* 1: the bytes are no longer kept, or were not asked for */
	uint64_t submitted_ms; /* wall clock, 0 = unknown */
	uint64_t started_ms;
	uint64_t finished_ms;
	struct span error;  /* empty when done */
	struct span result; /* what the handler returned */
};

/* A queue as people see it. */
struct msg_queue_rec {
	struct span name;
	uint32_t paused;
	uint32_t workers;
	uint64_t submitted;          /* since the queue was created */
	uint64_t states[JOB_STATES]; /* now there, by state; terminal ones: since the queue was created */
	uint64_t kept;               /* results kept */
	uint64_t kept_bytes;         /* as charged against the budget */
	uint64_t oldest_ms;          /* age of the oldest ready job; 0 = none is ready */
	uint64_t dead;               /* dead letters now */
	uint64_t redriven;           /* dead letters that were made ready again, since the queue was created */
	uint64_t forgotten;          /* and those that were purged, or became too old */
	uint32_t draining;           /* 1: it takes no more jobs */
};

struct msg_worker_rec {
	uint64_t session;
	struct span name;
	struct span queues; /* comma separated */
	uint32_t slots;
	uint32_t running;     /* as the last beat said */
	uint32_t outstanding; /* leases in its hands */
	uint64_t window_jobs;
	uint64_t done;      /* results of this session */
	uint64_t silent_ms; /* since it was last heard */
	uint32_t draining;  /* 1: nothing is granted to it, until it is told to resume */
};

struct msg_stat_rec {
	struct span name;
	uint64_t value;
};

/* A queue's setting by its name; see proto/setting.h. */
struct msg_setting_rec {
	struct span name;
	uint64_t value; /* 0 = not set */
};

struct msg_queue_set {
	struct span queue;
	const struct msg_setting_rec *v;
	uint32_t n; /* 1..LIMIT_SETTINGS */
};

struct msg_peek_rec {
	uint64_t id;
	uint32_t priority;
	uint32_t size;       /* bytes of the payload */
	struct span payload; /* its beginning, at most LIMIT_PEEK_BYTES */
};

enum { ATTEMPT_LOST = 4 }; /* beside enum verdict: its worker was lost; no attempt is used up */

/* One attempt that is over. */
struct msg_attempt_rec {
	uint64_t started_ms; /* wall clock */
	uint64_t run_ms;
	int32_t exit;
	uint32_t verdict;   /* enum verdict, or ATTEMPT_LOST */
	struct span worker; /* its name */
	struct span error;  /* at most LIMIT_HISTORY_ERROR bytes */
};

/* What a job is now. */
struct msg_job_info {
	struct msg_result_rec rec;
	struct span queue;
	uint32_t priority;
	uint32_t attempts;
	uint32_t deliveries;
	uint64_t batch;
	uint64_t size;      /* bytes of the payload; 0 once the job has ended */
	struct span worker; /* who runs it; empty = nobody */
	struct span headers;
	uint32_t percent;     /* of a running job, as its handler says; PERCENT_UNKNOWN else */
	struct span progress; /* the text that went with it */
	uint64_t due_ms;      /* delayed: until this time of the wall clock */
	uint64_t expires_ms;  /* wall clock; 0 = never */
	uint64_t lease_ms;    /* 0 = as long as its worker beats */
	uint64_t backoff_ms;
	const struct msg_attempt_rec *history; /* oldest first */
	uint32_t n_history;                    /* at most LIMIT_HISTORY */
	struct span tenant;                    /* empty = none; likewise group */
	struct span group;
	const uint64_t *after; /* blocked: the jobs and batches that it still waits for */
	uint32_t n_after;      /* at most LIMIT_AFTER */
	uint64_t race;         /* the parent of the race that it is or has a part in, while that is on; 0 = none */
	uint32_t replicas;     /* of that */
};

/* One job that runs. */
struct msg_running_rec {
	uint64_t id;
	uint64_t session; /* of its worker */
	uint64_t token;
	struct span queue;
	struct span worker;
	uint32_t attempt;
	uint64_t since_ms; /* wall clock: when it was granted */
	uint32_t percent;  /* as its handler says, or PERCENT_UNKNOWN */
	struct span progress;
};

struct msg_batch_info {
	uint64_t batch;
	uint32_t closed;
	uint64_t total;
	uint64_t ended;
	uint64_t failed;        /* ended otherwise than done */
	uint32_t expired;       /* 1: it was left open for too long, which counts as a failure */
	uint64_t kept;          /* results of members that are kept, dead letters not counted */
	uint64_t closes_ms;     /* wall clock: an open one expires then; 0 = it is closed */
	uint64_t finished_ms;   /* wall clock: when it was complete; 0 = it is not */
	uint32_t then_when;     /* enum then_when, of a job that is still to follow; 0 = none */
	struct span then_queue; /* its queue */
	uint64_t then_id;       /* the job that followed; 0 = none (yet) */
};

struct msg_client_hello {
	uint32_t version_min;
	uint32_t version_max;
	uint64_t features;
	struct span name;
};

struct msg_client_welcome {
	uint32_t version;
	uint64_t features;
	struct span results; /* the broker's other endpoints */
	struct span workers;
	uint64_t payload_max;
	uint32_t records_max;
	uint32_t waits_max;
	uint64_t beat_ms;
	struct span software; /* "sheafd 0.1.0" */
	uint64_t message_max; /* bytes of one message of a topic */
};

struct msg {
	struct msg_header h;
	union {
		struct msg_client_hello client_hello;
		struct msg_submit submit;
		struct msg_submit_all submit_all;
		struct msg_all_accepted all_accepted;
		struct msg_ids ids; /* WAIT, CANCEL, RETRY */
		struct {
			uint64_t id;
		} one; /* RESULT_GET, JOB_GET, BATCH_CLOSE, BATCH_GET */
		struct {
			struct span after;
		} queue_list; /* names that sort after this */
		struct msg_queue_op queue_op;
		struct msg_worker_op worker_op;
		struct msg_queue_set queue_set;
		struct msg_dead_list dead_list;
		struct msg_dead_op dead_op;
		struct msg_dead_info dead_info;
		struct {
			uint64_t after;
		} worker_list; /* sessions above this */
		struct {
			struct span queue; /* empty = of all */
			uint64_t session;  /* and token: behind this place */
			uint64_t token;
		} job_list;
		struct {
			uint32_t more;
			const struct msg_running_rec *v;
			uint32_t n;
		} jobs_info;
		struct {
			uint64_t pushed;
			uint64_t delivered;
		} ping; /* PING: results and deliveries received; PONG: pushed */
		struct msg_publish publish;
		struct msg_subscribe subscribe;
		struct {
			const struct msg_credit_rec *v;
			uint32_t n;
		} credit;
		struct {
			const struct msg_settle_rec *v;
			uint32_t n;
		} settle;
		struct {
			uint32_t sub;
		} unsubscribe;
		struct msg_topic_op topic_op;
		struct msg_topic_list topic_list;
		struct msg_topics_info topics_info;
		struct {
			const struct msg_delivery_rec *v;
			uint32_t n;
		} messages;
		struct {
			const struct msg_gone_rec *v;
			uint32_t n;
		} gone;
		struct {
			uint32_t flags; /* enum cron_flags */
			struct msg_cron cron;
		} cron_set;
		struct msg_cron_op cron_op;
		struct {
			struct span after;
		} cron_list; /* names that sort after this */
		struct msg_client_welcome client_welcome;
		struct {
			const struct msg_accepted_rec *v;
			uint32_t n;
		} accepted;
		struct {
			uint32_t answer;
			const struct msg_result_rec *v;
			uint32_t n;
		} results;
		struct {
			uint32_t error;
			struct span text;
			uint64_t value;
		} reply; /* value: batch id, jobs cancelled, … */
		struct msg_job_info job_info;
		struct {
			uint32_t more;
			const struct msg_queue_rec *v;
			uint32_t n;
			const struct msg_setting_rec *settings; /* QUEUE_SHOW: those that are set */
			uint32_t n_settings;
		} queue_info;
		struct {
			uint32_t more;
			const struct msg_worker_rec *v;
			uint32_t n;
		} worker_info;
		struct {
			const struct msg_stat_rec *v;
			uint32_t n;
		} stats_info;
		struct {
			const struct msg_peek_rec *v;
			uint32_t n;
		} peeked;
		struct msg_batch_info batch_info;
		struct msg_batch_open batch_open;
		struct {
			uint32_t more;
			uint32_t did; /* enum cron_did */
			const struct msg_cron_rec *v;
			uint32_t n;
			const struct msg_cron_time *times; /* of CRON_NEXT */
			uint32_t n_times;
		} cron_info;
		struct msg_worker_hello worker_hello;
		struct {
			uint64_t nonce;
		} nonce; /* WORKER_READY, JOBS_WELCOME */
		struct msg_beat beat;
		struct {
			const struct lease_name *v;
			uint32_t n;
		} leases; /* RETURN, RECALL, REVOKE */
		struct {
			const struct msg_progress_rec *v;
			uint32_t n;
		} progress;
		struct {
			uint64_t last;
		} worker_bye; /* the last OUTCOMES number sent */
		struct msg_worker_welcome worker_welcome;
		struct {
			uint64_t settled;
			uint32_t resend;
			uint32_t draining; /* 1: the worker gets no jobs for now */
		} settled;                 /* BEAT_ANSWER, SETTLED */
		struct {
			const struct msg_job_rec *v;
			uint32_t n;
		} jobs;
		struct {
			const struct msg_outcome_rec *v;
			uint32_t n;
		} outcomes;
	} u;
};

#endif
