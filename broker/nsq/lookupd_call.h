/* The insides of the registration with nsqlookupds; only lookupd*.c look here. */
#ifndef SHEAF_NSQ_LOOKUPD_CALL_H
#define SHEAF_NSQ_LOOKUPD_CALL_H

#include "base/buf.h"
#include "base/list.h"
#include "broker/nsq/fetch.h"
#include "broker/nsq/lookupd.h"
#include "broker/nsq/names.h"

enum {
	LOOKUPD_PING_MS = 15000,
	LOOKUPD_RETRY_MS = 1000,        /* before the first new attempt; each next one twice as long, up to a ping */
	LOOKUPD_ANSWER_MS = 10000,      /* that an answer, or a connection, may take */
	LOOKUPD_ANSWER = 64 * 1024,     /* bytes of one answer over TCP */
	LOOKUPD_CHANNELS = 1024 * 1024, /* bytes of a list of channels */
	LOOKUPD_ASK_MS = 5000,          /* that asking for channels may take: the first message waits for it */
	LOOKUPD_CONNECT_MS = 2000
};

enum peer_state { PEER_RESTS, PEER_RESOLVES, PEER_CONNECTS, PEER_TALKS };

/* One nsqlookupd. */
struct peer {
	struct list node; /* in lookupd.peers, or .leaving */
	struct lookupd *l;
	char address[LOOKUPD_ADDRESS];
	char host[LOOKUPD_ADDRESS];
	char port[8];
	enum peer_state state;
	bool known;   /* was there before the list changed */
	bool leaving; /* is freed once nothing of it is in the loop */
	uv_timer_t timer;
	uv_tcp_t tcp;
	bool tcp_open;  /* its close has not come back */
	bool resolving; /* a look-up goes on */
	uv_getaddrinfo_t resolve;
	uv_connect_t connect;
	uint32_t busy;   /* what the loop still has of it: the timer, the socket, a request */
	uint32_t asked;  /* commands without an answer */
	bool identified; /* the first answer came */
	uint64_t retry_ms;
	struct buf in;
	char http[LOOKUPD_ADDRESS + 16]; /* HOST:PORT of its HTTP side; empty: not known yet */
};

struct lookupd {
	struct lookupd_setup setup;
	struct list peers;
	struct list leaving;
	uint32_t n_peers;
	struct names names;  /* what there is: topics, and channels */
	struct names coming; /* the same as it is being told by the hub */
	uint64_t generation; /* of names; 0 = none were told yet */
	uint64_t next;       /* of coming */
	bool polling;        /* the hub was asked */
	uv_timer_t poll;
	struct names asked; /* topics whose channels have been asked for, or that were there from the start */
	struct list asks;   /* of topics that are being asked for */
	struct list held;   /* publishes that wait, in order */
	uint32_t busy;      /* handles of the loop */
	bool closing;
	void (*closed)(void *arg);
	void *closed_arg;
};

/* ---- lookupd_peer.c ---- */

/* NULL if the address is none. */
struct peer *peer_new(struct lookupd *l, const char *address);
/* Takes it out of its list; the loop frees it. */
void peer_leave(struct peer *p);
/* Tells it of a change: "REGISTER" or "UNREGISTER", and the name. */
void peer_tell(struct peer *p, const char *command, struct span name);

/* ---- lookupd.c ---- */

void lookupd_gone(struct lookupd *l); /* something of the loop's has closed */

/* ---- lookupd_ask.c ---- */

/* Asks all nsqlookupds for the topic's channels, if that was not done, and creates them. */
void lookupd_ask(struct lookupd *l, struct span topic);
/* Drops what is asked and what waits. */
void lookupd_ask_end(struct lookupd *l);

#endif
