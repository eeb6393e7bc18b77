/* The inside of the worker's session machine, shared by session.c, take.c and say.c. */
#ifndef SHEAF_WORKER_MACHINE_H
#define SHEAF_WORKER_MACHINE_H

#include "base/rand.h"
#include "worker/held.h"
#include "worker/kept.h"
#include "worker/session.h"
#include "worker/touches.h"

enum {
	WORK_AHEAD_NS = 5000000, /* of work that waits for each slot */
	RUN_LEAST_NS = 500,      /* no job is shorter than this */
	BEAT_LEAST_MS = 20,      /* between beats that tell of a new window */
	RESEND_MS = 1000,        /* without a word of what is durable, outcomes go again */
	BACKOFF_LEAST_MS = 50,
	BACKOFF_MOST_MS = 1000,
	REFUSED_MS = 1000, /* before another hello after a refusal */
	LEAVE_MS = 5000,   /* a drain waits that long for its outcomes to be durable */
	DRAIN_LOOK_MS = 20,
	LOOK_MS = 500,          /* while leases have a time of their own, the caller comes by at least so often */
	WINDOW_BYTES = 64 << 20 /* of payloads in the worker's hands */
};

enum session_state {
	SESSION_AWAY,     /* no connection, or one that is to be made anew */
	SESSION_HELLO,    /* hello is on its way */
	SESSION_WELCOMED, /* the nonce is on its way */
	SESSION_OPEN,
	SESSION_REFUSED, /* the broker would not have us */
	SESSION_ENDED
};

/* An encoded control message that waits to be sent. */
struct frame {
	struct frame *next;
	struct buf bytes;
};

/* A running job that is to be ended. */
struct ending {
	void *user;
	uint64_t lease_ms; /* that it ran out of; 0 = it is not ours any more */
};

struct wsession {
	struct wsession_config config;
	char name[LIMIT_NAME];
	char queue_names[LIMIT_WORKER_QUEUES][LIMIT_QUEUE_NAME];
	struct span queues[LIMIT_WORKER_QUEUES];
	struct rng rng;
	uint64_t now;
	enum session_state state;
	uint64_t session, epoch;
	uint64_t beat_ms, liveness_ms; /* as the broker says */
	uint64_t heard_at, beat_at, settled_at, retry_at, backoff_ms;
	enum sheaf_error refusal; /* what `refused_due` tells of */
	bool reconnect, ready_due, refused_due, attach_due, draining, ended;
	uint64_t drain_at;
	struct span attach_jobs, attach_results, why; /* borrowed from the message under way */
	struct held_table held;
	struct touches touches;
	uint64_t ticked_at; /* 0 = never */
	uint32_t dying;     /* slots that run what is not ours any more, as of the last look */
	struct outcomes outcomes;
	uint64_t run_ns;      /* 16 times the average run */
	uint64_t told_window; /* of the last beat */
	/* JOBS */
	uint64_t received;
	struct msg_range lost[LIMIT_LOST_RANGES];
	uint32_t n_lost, lost_told; /* how many the beat `lost_beat` named */
	uint64_t lost_beat;
	const struct msg_job_rec *jobs; /* of the message under way */
	uint32_t n_jobs, next_job;
	/* what waits to be said */
	uint64_t beats;     /* number of the last beat */
	bool told_draining; /* the broker grants us nothing, because somebody said so */
	bool greeted;       /* the first beat of this session was answered */
	struct frame *frames, *last_frame;
	struct frame sent;          /* holds what wsession_effect handed out */
	struct lease_name *returns; /* owned */
	uint32_t n_returns, cap_returns;
	struct ending *kills; /* owned */
	uint32_t n_kills, cap_kills, next_kill;
};

/* say.c */
void say_hello(struct wsession *s);
void say_ready(struct wsession *s, uint64_t nonce);
void say_beat(struct wsession *s);
void say_returns(struct wsession *s);
void say_bye(struct wsession *s);
void say_progress(struct wsession *s);

/* session.c */
uint64_t machine_window(const struct wsession *s);
void machine_give_back(struct wsession *s, bool all);
void machine_return(struct wsession *s, struct held *h);
void machine_kill(struct wsession *s, void *user, uint64_t lease_ms);
/* Takes the job out: it is not in our hands any more. */
void machine_let_go(struct wsession *s, struct held *h);
/* Tokens of our jobs that run now, at most LIMIT_SLOTS; counts the slots that still run others. */
uint32_t machine_running(struct wsession *s, uint64_t *tokens);

#endif
