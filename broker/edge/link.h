/* An edge's session with the broker in a libuv loop: libsheaf's session machine (client/session.h) over a connection,
 * its part of a turn, its timer. What is asked and what comes of it is the owner's. */
#ifndef SHEAF_EDGE_LINK_H
#define SHEAF_EDGE_LINK_H

#include <uv.h>

#include "client/session.h"
#include "keys/keys.h"

struct link;

struct link_setup {
	const char *name;            /* for the broker's logs */
	const char *endpoint;        /* inproc:// of `context`, or any that a client may use */
	void *context;               /* NULL: not inproc */
	const struct keys_own *keys; /* NULL: none */
	uint64_t beat_ms;            /* 0 = the default */
};

/* What the owner does, all from the loop, and but for link_close's last `send` never from within a call. */
struct link_calls {
	/* An event of the session. */
	void (*event)(void *arg, const struct csession_event *ev);
	/* Events have been handed out: what callbacks are due, and what was gathered leaves now. Called once a turn,
	 * before `send`. What is handed in during this call has its place in this turn; true: something else is due,
	 * and the next turn comes at once. */
	bool (*turn)(void *arg);
	/* Hands what waits to the session, as far as it has room. May be called several times in a turn. */
	void (*send)(void *arg);
	/* All that can leave now has left. May be NULL. */
	void (*sent)(void *arg);
};

/* Connects in the loop. NULL: there is no socket left.
 *
 * What is handed in during a turn of the loop leaves at the turn's end: once before the loop sleeps, once after it has
 * read. What is handed in between keeps the loop awake (link_wake), so it does not matter in which order handles were
 * started. */
MUST_CHECK struct link *link_open(uv_loop_t *loop, const struct link_setup *setup, const struct link_calls *calls,
                                  void *arg);
/* Of the owner until link_close. */
struct csession *link_session(struct link *l);
/* The time of the turn, as clock_mono_ms. */
uint64_t link_now(const struct link *l);
/* There is something to do: the turn does not end without it. */
void link_wake(struct link *l);
/* The broker has answered, and lately. */
bool link_connected(const struct link *l);
/* A frame waits that could not leave. */
bool link_holds(const struct link *l);
/* Nothing waits to leave, and no turn is due. */
bool link_idle(const struct link *l);
/* Lets go what there is, says goodbye, and frees it; `closed` comes from the loop when nothing is left. */
void link_close(struct link **l, void (*closed)(void *arg), void *arg);

#endif
