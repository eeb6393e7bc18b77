/* The worker's side of the worker protocol as a state machine: one session after another with one broker. It does
 * no I/O and knows no clock; the caller tells it the time and carries out its effects. The same machine runs
 * under worker/io.c and under the simulator.
 *
 * What it sees to: hello with all that it holds, beats, the window, gaps in the numbers of JOBS, outcomes kept until
 * they are durable and sent again when they were lost, recall, revoke, leases with a time of their own, what handlers
 * say of their progress, and the drain. A job's memory is the
 * caller's: it is named by token, and WSESSION_RUN hands its record out once. */
#ifndef SHEAF_WORKER_SESSION_H
#define SHEAF_WORKER_SESSION_H

#include "base/buf.h"
#include "base/must.h"
#include "proto/msg.h"

struct wsession;

struct wsession_config {
	uint64_t instance; /* random, not 0: names this process */
	uint64_t seed;     /* of the jitter */
	struct span name;  /* borrowed for wsession_new, as are the queues */
	const struct span *queues;
	uint32_t n_queues;
	uint32_t slots;
	/* What only the slots know; `ctx` goes with each call, `user` is what wsession_bind was given. */
	void *ctx;
	bool (*drop)(void *ctx, void *user); /* take back a job that waits; false if it has begun */
	uint32_t (*running)(void *ctx, uint64_t *tokens, uint32_t most); /* tokens of the jobs that run now */
};

struct wsession *wsession_new(const struct wsession_config *config);
void wsession_free(struct wsession *s);

/* ---- what the shell tells it ---- */

/* The control connection is new (the first, or after WSESSION_RECONNECT): hello is said. */
void wsession_connected(struct wsession *s, uint64_t now_ms);

/* A decoded message of the broker's, on control or on the jobs socket. Effects borrow from it until they were
 * taken; take them all before the next message. Any message may come at any time. */
void wsession_message(struct wsession *s, uint64_t now_ms, const struct msg *m);

/* The caller's own pointer for a job that WSESSION_RUN has just handed out. */
void wsession_bind(struct wsession *s, uint64_t token, void *user);

/* What the handler of a running job said. */
struct wsession_touch {
	uint64_t token;
	uint64_t lease_ms; /* not 0: it has begun, and its lease has a time of its own */
	bool touched;      /* with percent and text, or PERCENT_UNKNOWN and nothing */
	uint32_t percent;
	struct span text; /* copied */
};
void wsession_touched(struct wsession *s, uint64_t now_ms, const struct wsession_touch *t);

/* How a job ended; spans are copied. run_ns: how long it ran. False if the job was taken away meanwhile: its
 * outcome is of no interest. */
bool wsession_finished(struct wsession *s, const struct msg_outcome_rec *r, uint64_t run_ns);

/* The job did not begin by the time that it had to: it goes back. */
void wsession_late(struct wsession *s, uint64_t token);

/* The time of wsession_deadline has come, or any other. */
void wsession_tick(struct wsession *s, uint64_t now_ms);
uint64_t wsession_deadline(const struct wsession *s);

/* Begins the drain: no more jobs; what has not started goes back; at now + grace_ms what still runs is killed and
 * goes back; then bye. A second call may shorten the grace. */
void wsession_drain(struct wsession *s, uint64_t now_ms, uint64_t grace_ms);

/* The outcomes of this turn are complete: they may leave. */
void wsession_flush(struct wsession *s);

/* ---- what it wants ---- */

enum wsession_effect_kind {
	WSESSION_CONTROL,   /* send `bytes` on control */
	WSESSION_OUTCOMES,  /* send `bytes` on results */
	WSESSION_ATTACH,    /* connect PULL to `jobs` and PUSH to `results` (endpoints), in place of what is there */
	WSESSION_RECONNECT, /* control is to be made anew; then call wsession_connected */
	WSESSION_RUN,       /* hand `job` to the slots; its spans are borrowed from the message under way */
	WSESSION_KILL,      /* the job `user` is to be ended if it runs, and forgotten if it waits in line */
	WSESSION_EXPIRED,   /* the job `user` has run out of its lease: it is to be ended; its outcome is VERDICT_KILLED
	                     */
	WSESSION_READY,     /* attached: the first beat of this session was answered */
	WSESSION_REFUSED,   /* the broker will not have us: `why`; it is tried again later */
	WSESSION_ENDED      /* the drain is over */
};

struct wsession_effect {
	enum wsession_effect_kind kind;
	struct span bytes;
	struct span jobs, results;
	struct span why; /* REFUSED: in the broker's words */
	enum sheaf_error error;
	void *user;
	struct msg_job_rec job;
};

/* The next effect; false when there is none. Valid until the next call of any function here. */
bool wsession_effect(struct wsession *s, struct wsession_effect *e);

/* ---- what is known ---- */

struct span wsession_queue(const struct wsession *s, uint32_t index); /* name of a job's queue */
uint32_t wsession_held(const struct wsession *s);                     /* jobs waiting or running */
uint64_t wsession_id(const struct wsession *s);                       /* 0 = not attached */
uint64_t wsession_window(const struct wsession *s);                   /* jobs, as last told to the broker */

#endif
