/* Slots: one thread each. The I/O thread hands jobs over through one ring that all slots take from, one job at a
 * time, so that no job waits behind another while a slot is idle. Each slot gives what has ended back through a
 * ring of its own. */
#ifndef SHEAF_WORKER_SLOTS_H
#define SHEAF_WORKER_SLOTS_H

#include "worker/handler.h"

/* A received message of jobs, kept as long as one of them is in use. The I/O thread's alone. */
struct batch_frame;

/* A job on its way through the worker. */
struct task {
	struct job_run run;
	struct job_outcome out;
	_Atomic int state; /* enum task_state */
	_Atomic int lock;  /* held while the state leaves RUNNING, and while a cancel looks at it */
	uint64_t run_ns;
	uint64_t begin_by_ns;      /* it does not begin after this, of clock_mono_ns(); 0 = whenever */
	struct batch_frame *frame; /* what its spans point into */
	struct task *next;         /* among the free ones */
};

enum task_state {
	TASK_WAITING,
	TASK_RUNNING,
	TASK_DROPPED,
	TASK_LATE, /* it had not begun in time, and has not been run */
	TASK_ENDED
};

struct slots;

/* Starts n threads. `handler` is borrowed. NULL if threads cannot be made. */
struct slots *slots_new(uint32_t n, const struct handler *handler);
/* Ends the threads; nothing may be running. */
void slots_free(struct slots *s);

/* Hands a task over. There is room for LIMIT_HELD. */
void slots_put(struct slots *s, struct task *t);
/* Wakes sleeping slots after one or more slots_put. */
void slots_wake(struct slots *s);

/* Takes what was dropped out of the line, so that it comes through slots_take without waiting for a slot that may be
 * busy for long. Costs a walk along the line: call it once after some drops. */
void slots_sweep(struct slots *s);

/* The next task that has ended or was dropped; NULL if there is none. The I/O thread owns it again. */
struct task *slots_take(struct slots *s);

/* A descriptor that becomes readable when a task has ended while the I/O thread sleeps. slots_sleep says that it is
 * about to poll; false: there is something to take already. slots_woken clears it. */
int slots_fd(const struct slots *s);
bool slots_sleep(struct slots *s);
void slots_woken(struct slots *s);

/* Takes a waiting task back: true if it had not begun. It comes through slots_take all the same. */
bool slots_drop(struct task *t);
/* Ends a running task, or one that is about to; not END_NOT. With END_LEASE its outcome will be VERDICT_KILLED. */
void slots_cancel(struct task *t, enum end_reason why);

/* What the handler of a slot has said since the last look: words for one job are one, the newest. */
struct slot_word {
	uint64_t token;
	uint64_t lease_ms; /* not 0: it has begun, and its lease has a time of its own */
	bool touched;      /* it said something: */
	uint32_t percent;
	uint32_t n;
	char text[LIMIT_PROGRESS_TEXT];
};
/* The next one; false if there is none. */
bool slots_said(struct slots *s, struct slot_word *w);

/* Waits until no task runs: false if some still do after so long. */
bool slots_rest(struct slots *s, uint64_t ms);

/* Tokens of the tasks that run now. */
uint32_t slots_running(struct slots *s, uint64_t *tokens, uint32_t most);

#endif
