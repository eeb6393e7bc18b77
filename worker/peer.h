/* A long-lived process on two pipes: started, ended, and started again, with a pause if it dies at once again and
 * again. It belongs to the thread that starts it, and dies with that. */
#ifndef SHEAF_WORKER_PEER_H
#define SHEAF_WORKER_PEER_H

#include "worker/lines.h"
#include "worker/scratch.h"
#include "worker/spawn.h"

struct peer {
	const struct exec_config *config; /* borrowed */
	int pid;                          /* -1 = there is none */
	int pidfd;
	int in, out;        /* our ends, non-blocking; -1 = closed */
	struct lines lines; /* what came from `out` */
	uint64_t born_ms;
	uint64_t start_ms; /* not to be started before */
	uint32_t deaths;   /* quick ones, one after the other */
	int error;         /* errno of a start that failed, and what failed */
	int failed;        /* enum spawn_error */
	char how[96];      /* how it ended last */
	char dir[SCRATCH_PATH];
};

void peer_init(struct peer *p, const struct exec_config *config, size_t line_most);
void peer_fini(struct peer *p);

/* Starts it; false with `error` and `failed` set. */
MUST_CHECK bool peer_start(struct peer *p);
/* Waits until it has ended, or ms are over; it is not buried yet. */
bool peer_await(const struct peer *p, uint64_t ms);
/* Whether it has ended by itself; then it is buried, `how` says how it ended, and start_ms when the next may start. */
bool peer_look(struct peer *p);
/* Ends it: what it says is not read any more; TERM, and KILL after kill_ms. With `politely` its stdin is closed first,
 * and it has a second to end by itself. */
void peer_stop(struct peer *p, bool politely);

#endif
