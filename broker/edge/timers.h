/* When each of many connections has to be looked at: a heap of them under one timer of libuv. */
#ifndef SHEAF_EDGE_TIMERS_H
#define SHEAF_EDGE_TIMERS_H

#include <uv.h>

#include "base/heap.h"

struct edge_timers {
	uv_timer_t timer;
	struct heap heap;
	uint64_t next_ms; /* when the timer rings; UINT64_MAX = it does not */
	/* Its time has come, or almost: it moves itself, or takes itself out. */
	void (*due)(struct heap_item *it);
	void (*closed)(void *arg);
	void *arg;
};

void edge_timers_open(struct edge_timers *t, uv_loop_t *loop, void (*due)(struct heap_item *it));
/* `due` is to be called at that time of uv_now; UINT64_MAX = never. Not `exactly`: no later than that, so that a time
 * that moves on and on costs nothing: an entry that is too early finds nothing to do, and is set anew. */
void edge_timers_set(struct edge_timers *t, struct heap_item *it, uint64_t at_ms, bool exactly);
void edge_timers_remove(struct edge_timers *t, struct heap_item *it);
/* The items are not looked at any more; `closed` comes from the loop. */
void edge_timers_close(struct edge_timers *t, void (*closed)(void *arg), void *arg);
/* After that. */
void edge_timers_fini(struct edge_timers *t);

#endif
