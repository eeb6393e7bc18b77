/* One connection: its socket, its layers, its session, and what is on the way between them. Only server.c and conn*.c
 * look inside. */
#ifndef SHEAF_NSQ_CONN_H
#define SHEAF_NSQ_CONN_H

#include <uv.h>

#include "base/list.h"
#include "broker/edge/listen.h"
#include "broker/edge/timers.h"
#include "broker/nsq/layers.h"
#include "broker/nsq/server.h"

enum {
	CONN_READ = 128 << 10, /* bytes that one read brings, at most */
	CONN_UNSENT = 4 << 20, /* bytes that a client leaves unread before nothing more is read from it */
	CONN_STEPS = 4,        /* steps of its layers in a turn, so that a bomb takes no more than its turn */
	CONN_LINGER_MS = 1000, /* how long the last words may take to arrive */
	CONN_LINGER = 4 << 20, /* bytes that are thrown away meanwhile */
	CONN_LEAVE_MS = 30000, /* how long a client without heartbeats may take to read the last words */
	CONN_PEER = 64         /* bytes of "address:port" */
};

enum conn_state {
	CONN_OPEN,
	CONN_LEAVING, /* what is to be sent is sent, then it lingers */
	CONN_LINGERS, /* nothing more is sent; what still comes is thrown away, so that no reset destroys the last words
	               */
	CONN_CLOSED   /* its handle is being closed */
};

struct conn {
	uv_tcp_t tcp;
	struct server *server;
	struct session *session; /* owned; NULL from CONN_LINGERS on */
	enum conn_state state;
	struct layers layers;
	struct buf in; /* plain, not taken by the session; from `at` on */
	size_t at;
	struct buf frames;   /* plain; where the session puts its frames */
	struct buf raw;      /* as it is to be sent, where that is not as it was */
	uint64_t in_raw;     /* bytes of frames in there */
	struct buf sending;  /* in the hands of `write` */
	uint64_t in_sending; /* bytes of frames in there, counted when it is done */
	uint64_t sent;       /* bytes of frames that the socket has taken */
	uv_write_t write;
	uv_shutdown_t shutdown;
	bool writing, reading;
	bool held;              /* nothing is taken until server_eased */
	bool more;              /* the layers may have more for us */
	bool ended;             /* the client has closed its side */
	bool told_end;          /* and the session knows */
	uint64_t stuck_ms;      /* since when the write does not go on */
	size_t stuck_at;        /* bytes that it had left then */
	uint64_t connected_s;   /* unix time */
	uint64_t until_ms;      /* leaving, lingering: until when */
	size_t lingered;        /* bytes thrown away */
	struct heap_item timer; /* in server.timers */
	struct list all;        /* in server.all */
	struct list dirty;      /* in server.dirty: conn_turn is to be called at the end of the turn */
	char peer[CONN_PEER];
};

struct server {
	struct server_setup setup;
	struct session_world world;
	struct edge_listen listen;
	uint32_t handles; /* that are open: listeners, prepare, idle, timer */
	uv_prepare_t prepare;
	uv_idle_t idle; /* runs while somebody is dirty, so that the loop does not sleep */
	struct edge_timers timers;
	struct list all, dirty;
	struct list subscribed; /* sessions, for session_world */
	uint32_t n;
	bool listening, closing, draining, failed;
	uint64_t said_ms; /* when the log was last told of refused connections; 0 = never */
	uint8_t *room;    /* owned: what a read brings when nothing waits in `in` */
	void (*closed)(void *arg);
	void *arg;
};

/* Takes a connection that waits at the listener. */
void conn_accept(struct server *s, uv_stream_t *listener);

/* At the end of a turn: takes what waits, sends what there is. */
void conn_turn(struct conn *c);

/* Its time has come. */
void conn_tick(struct conn *c);

/* Sets when conn_tick is to be called; not `exactly`: no later than it should. */
void conn_retime(struct conn *c, bool exactly);

static inline uint64_t conn_now(const struct conn *c)
{
	return uv_now(c->server->setup.loop);
}

/* Ends it now. */
void conn_close(struct conn *c);

/* conn_turn shall be called at the end of this turn. */
void conn_mark(struct conn *c);

/* The loop does not sleep before the next end of a turn: what marks a connection may come after that of this turn. */
void server_stay_awake(struct server *s);

/* The number of connections is one less, or all are gone. */
void server_left(struct server *s, struct conn *c);

#endif
