/* What is inside struct csession. session.c holds the life of the connection and what leaves, messages.c
 * what comes in and what the user hears of it, posts.c what the user asks for. Of no interest outside. */
#ifndef SHEAF_CLIENT_MACHINE_H
#define SHEAF_CLIENT_MACHINE_H

#include "base/buf.h"
#include "base/rand.h"
#include "client/awaited.h"
#include "client/requests.h"
#include "client/session.h"
#include "client/subs.h"

#define CSESSION_RECORDS_DEFAULT 256
/* No result for so long: ask again for all that is awaited. */
#define CSESSION_QUIET_FIRST_MS 10000

enum link_state {
	LINK_NONE,   /* a connection is to be made at `link_ms` */
	LINK_HELLO,  /* hello is to be sent at `link_ms` */
	LINK_ASKED,  /* hello was sent at `link_ms` */
	LINK_OPEN,   /* the broker has welcomed us */
	LINK_FAILED, /* it will not have us */
	LINK_CLOSED  /* we said bye */
};

/* Where csession_event stands in the message that came last. */
enum place_kind {
	AT_NOTHING,
	AT_ONE,      /* `one` is to be handed out */
	AT_ACCEPTED, /* job `job` of `request`, which record `rec` accepted */
	AT_REFUSED,  /* job `job` of `request`; `one` has the rest */
	AT_RESULTS,  /* record `rec` */
	AT_MESSAGES, /* likewise */
	AT_GONE      /* likewise */
};

struct place {
	enum place_kind kind;
	const struct msg *m; /* borrowed from the shell */
	uint32_t rec;
	uint32_t job;
	struct request *request; /* NULL: between two records */
	struct csession_event one;
};

struct csession {
	uint64_t session;
	struct rng rng;
	char name[LIMIT_NAME];
	size_t name_n;
	uint64_t beat_ms;
	uint32_t records; /* wanted in a SUBMIT; the broker's records_max bounds them too */

	enum link_state link;
	uint64_t link_ms;
	uint32_t failures; /* connections and hellos in a row without a welcome */
	bool bye;          /* to be said */
	struct csession_counts counts;
	enum sheaf_error held_up;

	uint64_t epoch; /* of the last welcome */
	struct msg_client_welcome welcome;
	char welcome_results[LIMIT_ENDPOINT];
	char welcome_workers[LIMIT_ENDPOINT];
	char welcome_software[LIMIT_TEXT];
	char refusal[LIMIT_TEXT];

	uint64_t ticked_ms;  /* the last tick */
	uint64_t heard_ms;   /* the last message */
	uint64_t ping_ms;    /* when the next ping is due */
	uint64_t pings;      /* sent */
	uint64_t pongs;      /* number of the last one that came */
	uint64_t unheard_ms; /* when the first ping without a pong was sent */

	bool counted;          /* `received` agrees with the broker's count since this hello */
	uint64_t received;     /* pushed results that came, or that were given up */
	uint64_t suspect;      /* a pong said that so many were pushed, more than came; 0 = none said so */
	uint64_t suspect_ping; /* the pings sent when it did */

	struct awaited awaited;
	uint64_t *waits; /* owned: ids to be named in WAIT, from waits_at to waits_n, once they are still awaited */
	uint32_t waits_at;
	uint32_t waits_n;
	uint32_t waits_cap;
	uint64_t waits_ms;  /* all that is awaited is asked for again at this time; UINT64_MAX = not so */
	uint64_t quiet_ms;  /* and when that long nothing came of it */
	uint64_t result_ms; /* the last result, or WAIT */

	struct subs subs;
	struct requests requests;
	struct request *gathered; /* a SUBMIT that takes more jobs, or NULL */
	bool flush;               /* it is to leave */
	struct buf out;           /* the frame that csession_effect handed out */
	struct place place;
};

/* Asks for all that is awaited. */
void csession_wait_all(struct csession *c, uint64_t now_ms);
/* Asks for one job. */
void csession_wait_one(struct csession *c, uint64_t id);
/* Numbers the gathered SUBMIT if the window has room. */
void csession_settle_gathered(struct csession *c);
/* A request that was sent is to be sent again: it, or its answer, may be lost. */
void csession_again(struct csession *c, struct request *r);
/* A pause before try number `tries` (from 0), doubling from `first_ms` up to `most_ms`, with jitter. */
uint64_t csession_pause(struct csession *c, uint32_t tries, uint64_t first_ms, uint64_t most_ms);
/* The broker has welcomed us, or said hello again: see session.c. */
void csession_opened(struct csession *c, uint64_t now_ms);
void csession_hello_again(struct csession *c, uint64_t due_ms);

#endif
