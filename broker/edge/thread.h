/* An edge as a thread of sheafd: a libuv loop of its own, and how the main thread tells it that the broker drains, that
 * its journal has failed, and that it ends. All calls are the main thread's; what it calls runs in the loop. */
#ifndef SHEAF_EDGE_THREAD_H
#define SHEAF_EDGE_THREAD_H

#include <stdbool.h>
#include <uv.h>

#include "base/must.h"

enum { EDGE_THREAD_ERR = 512 };

struct edge_thread;

struct edge_work {
	const char *name;         /* "NSQ", as errors call it */
	void (*drain)(void *arg); /* the broker drains; once */
	void (*fail)(void *arg);  /* nothing is durable any more; once */
	bool (*done)(void *arg);  /* after one of these: it has nothing more to say */
	/* Takes all that it has out of the loop, and calls `closed` when nothing is left; also before the start. */
	void (*close)(void *arg, void (*closed)(void *closed_arg), void *closed_arg);
};

/* The loop, without a thread yet: its owner may bind and begin in it. `work` outlives it. NULL with a sentence in
 * err. */
MUST_CHECK struct edge_thread *edge_thread_new(const struct edge_work *work, void *arg, char err[EDGE_THREAD_ERR]);
uv_loop_t *edge_thread_loop(struct edge_thread *t);
/* From here on the loop is the thread's. -1 with a sentence. */
MUST_CHECK int edge_thread_start(struct edge_thread *t, char err[EDGE_THREAD_ERR]);

void edge_thread_drain(struct edge_thread *t);
void edge_thread_fail(struct edge_thread *t);
/* What work->done said last. */
bool edge_thread_done(const struct edge_thread *t);

/* Has everything closed, and ends the thread. NULL is fine. */
void edge_thread_free(struct edge_thread *t);

#endif
