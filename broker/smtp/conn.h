/* One connection: its socket, TLS, its session, and what is on the way between them. Only server.c and conn*.c look
 * inside. */
#ifndef SHEAF_SMTP_CONN_H
#define SHEAF_SMTP_CONN_H

#include "base/list.h"
#include "broker/edge/listen.h"
#include "broker/edge/timers.h"
#include "broker/quiet.h"
#include "broker/smtp/passwords.h"
#include "broker/smtp/peers.h"
#include "broker/smtp/server.h"

enum {
	CONN_READ = 64 << 10,      /* bytes that one read brings, at most */
	CONN_HANDSHAKE_MS = 10000, /* how long TLS may take to begin */
	CONN_LINGER_MS = 1000,     /* how long the last words may take to arrive */
	CONN_LINGER = 4 << 20,     /* bytes that are thrown away meanwhile */
	CONN_LEAVE_MS = 10000,     /* how long a client may take to read the last words */
	CONN_TURNED = 256          /* connections that are being turned away at a time; others are just closed */
};

enum conn_state {
	CONN_PROXY,   /* the PROXY header comes first */
	CONN_SHAKES,  /* then implicit TLS */
	CONN_OPEN,    /* it has a session */
	CONN_LEAVING, /* what is to be sent is sent, then it lingers */
	CONN_LINGERS, /* nothing more is sent; what still comes is thrown away, so that no reset destroys the last words
	               */
	CONN_CLOSED   /* its handle is being closed */
};

struct conn {
	union {
		uv_tcp_t tcp;
		uv_pipe_t pipe;
		uv_stream_t stream;
	} io;
	struct smtp_server *server;
	enum smtp_port came_to;
	enum conn_state state;
	bool turned;  /* it was not let in, it is only told so */
	bool by_peer; /* it counts among those of its address */
	bool reading, writing;
	bool ended;    /* the client has closed its side */
	bool told_end; /* and the session knows */
	struct smtp_peer peer;
	struct smtp_session *session; /* owned; NULL before it is greeted, and from CONN_LINGERS on */
	enum smtp_ask asked;          /* what the store or a thread works on for it */
	struct password *password;    /* being looked at */
	uint64_t asked_us;            /* since when, of a mail */
	uint64_t slowest_us;          /* the longest time that one took */
	struct tls *tls;              /* owned; NULL = not on */
	struct buf in;                /* plain, not taken by the session; from `at` on */
	size_t at;
	struct buf out;     /* plain; where the session puts its replies */
	struct buf raw;     /* sealed */
	struct buf sending; /* in the hands of `write` */
	uv_write_t write;
	uint64_t until_ms;      /* of a state that lasts so long at most */
	size_t lingered;        /* bytes thrown away */
	struct heap_item timer; /* in server.timers */
	struct list all;        /* in server.all */
};

/* An address that it listens at. */
struct smtp_door {
	struct smtp_server *server;
	enum smtp_port which;
	bool open;
	struct edge_listen listen;
};

struct smtp_server {
	struct smtp_server_setup setup;
	struct smtp_world world;
	struct store *store;
	struct smtp_door doors[SMTP_PORTS];
	struct edge_timers timers;
	struct passwords passwords;
	struct peers peers;
	struct list all;
	uint32_t handles;  /* that are open beside those of connections */
	uint32_t n;        /* connections, those that are turned away included */
	uint32_t n_turned; /* these */
	uint32_t limit;    /* of the others */
	bool pressed, draining, closing;
	uint64_t said_ms; /* when the log was last told of refused connections; 0 = never */
	struct quiet quiet;
	uint8_t *room; /* owned: what a read brings */
	void (*closed)(void *arg);
	void *arg;
};

/* ---- conn.c ---- */
/* Takes a connection that waits at the listener. */
void smtp_conn_accept(struct smtp_door *d, uv_stream_t *listener);
/* Does what can be done: takes what came, asks, answers, sends, closes. */
void smtp_conn_go(struct conn *c);
/* Ends it now. */
void smtp_conn_close(struct conn *c);
/* What is in `out` is still sent, then it is over. */
void smtp_conn_leave(struct conn *c);
/* Raw bytes that are not a PROXY header's. */
void smtp_conn_bring_in(struct conn *c, struct span bytes);
/* Sends what there is. */
void smtp_conn_send(struct conn *c);

/* ---- conn_begin.c: from the socket to the greeting ---- */
/* It is there: who it is, whether it may in, what comes first. */
void smtp_conn_begin(struct conn *c);
/* Raw bytes while the PROXY header is awaited. */
void smtp_conn_begin_take(struct conn *c, struct span raw);
/* TLS is on, for the first time: the greeting, or back to the session. */
void smtp_conn_secured(struct conn *c);

/* ---- conn_ask.c: what the session asks for ---- */
/* True: it was answered at once, so the session may go on. */
bool smtp_conn_ask(struct conn *c);
/* Nobody waits for the answer any more. */
void smtp_conn_forget(struct conn *c);

/* ---- conn_time.c ---- */
/* Sets when it is to be looked at; not `exactly`: no later than it should. */
void smtp_conn_retime(struct conn *c, bool exactly);
void smtp_conn_tick(struct heap_item *timer);

/* ---- server.c ---- */
/* A handle of a connection is gone. */
void smtp_server_left(struct smtp_server *s);
/* There is one more or less of those that were let in: whether it is crowded. */
void smtp_server_counted(struct smtp_server *s);
/* Tells the log, seldom, why somebody was not let in. */
void smtp_server_say(struct smtp_server *s, const struct conn *c, const char *why);

static inline uint64_t conn_now(const struct conn *c)
{
	return uv_now(c->server->setup.loop);
}

static inline bool conn_shaking(const struct conn *c)
{
	return c->tls != NULL && !tls_done(c->tls);
}

static inline struct span conn_waiting(const struct conn *c)
{
	return span_of(c->in.p + c->at, c->in.n - c->at);
}

#endif
