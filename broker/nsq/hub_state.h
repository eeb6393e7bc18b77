/* The inside of a hub, for hub*.c only. */
#ifndef SHEAF_NSQ_HUB_STATE_H
#define SHEAF_NSQ_HUB_STATE_H

#include "base/buf.h"
#include "base/list.h"
#include "broker/edge/link.h"
#include "broker/nsq/hub_open.h"
#include "proto/codec.h"

enum {
	HUB_GATHERS = 64,             /* topics whose publishes are gathered at a time, a power of two */
	HUB_PART_MESSAGES = 16384,    /* of one publish that leaves */
	HUB_PART_BYTES = 2 * 1048576, /* likewise; one message may be larger */
	HUB_BUSY_CALLS = 65536,       /* unanswered calls with which the hub is busy */
	HUB_FULL_CALLS = 1048576,     /* and with which it takes no more */
	HUB_OWNERS = 4096,            /* places by which owners are found, a power of two */
	HUB_FREE = 1024,              /* of each kind of small thing, kept for use again */
	HUB_FREE_PARTS = 32
};

#define HUB_BUSY_BYTES (UINT64_C(32) * 1048576) /* of unanswered publishes with which the hub is busy */
#define HUB_FULL_BYTES (UINT64_C(256) * 1048576)

/* Whoever is owed answers: an `arg`. Answers come in the order of the calls. */
struct owner {
	struct owner *next; /* in hub.owners */
	void *arg;
	struct list calls;
	struct list due; /* in hub.due while the first call is done */
};

/* A call whose answer is owed. */
struct call {
	struct list link;    /* in owner.calls */
	struct owner *owner; /* NULL: nobody wants the answer */
	hub_answer answer;
	uint32_t parts; /* requests that are to be answered first */
	bool done;
	enum sheaf_error error;
	char *text;         /* owned, or NULL: the error's */
	struct call **held; /* who else knows it, to be told when it is no more; NULL = nobody does */
};

/* What the session is asked for; its address is the `call` that comes back. */
enum asked_kind { ASKED_PUBLISH, ASKED_OP, ASKED_ROWS, ASKED_SUBSCRIBE, ASKED_UNSUBSCRIBE };

struct asked {
	struct list link; /* in hub.asked once it is the session's; in hub.waiting, or in none, before */
	enum asked_kind kind;
};

/* One PUBLISH: the publishes that share it. */
struct part {
	struct asked asked; /* first */
	struct buf packed;
	char topic[LIMIT_NAME];
	size_t topic_n;
	uint64_t defer_ms;
	uint64_t bytes; /* that it counts with in hub.bytes */
	uint32_t count;
	struct call **calls; /* owned array */
	uint32_t n, cap;
	struct part *next_free;
};

struct op {
	struct asked asked; /* first */
	struct call *call;
	enum topic_op op;
	char topic[LIMIT_NAME], channel[LIMIT_NAME];
	size_t topic_n, channel_n;
};

struct listing {
	struct asked asked; /* first */
	struct list link;   /* in hub.listings */
	hub_rows rows;      /* NULL: nobody wants them */
	void *arg;
	uint64_t generation, after;
	char topic[LIMIT_NAME];
	size_t topic_n;
};

struct hub_sub {
	struct asked on, off; /* SUBSCRIBE, UNSUBSCRIBE */
	struct hub *hub;
	struct list link;  /* in hub.subs, until it is unsubscribed */
	uint32_t number;   /* the session's */
	bool there;        /* it has one */
	bool left;         /* hub_unsubscribe was called */
	struct call *call; /* the subscriber's, until it has its answer */
	const struct hub_calls *calls;
	void *arg;
};

struct hub {
	struct link *link;        /* NULL once it closes */
	struct csession *session; /* the link's */
	enum sheaf_error failed;  /* the broker will not have us */

	struct owner *owners[HUB_OWNERS];
	struct owner *owner; /* that was found last, or NULL */
	struct list due;
	struct list waiting; /* asked: in order, until the session has room */
	struct list asked;
	struct list subs;
	struct list listings;
	struct part *open[HUB_GATHERS]; /* that are gathered, by topic: in no list */
	struct part *part;              /* of these, the one that was used last, or NULL */
	uint64_t opened;                /* the places that are taken: a bit each */

	uint64_t bytes; /* of publishes without an answer */
	uint64_t calls; /* without an answer */
	bool told_busy;
	void (*ease)(void *arg);
	void *ease_arg;

	struct call *free_calls;   /* chained by owner */
	struct owner *free_owners; /* chained by next */
	struct part *free_parts;
	uint32_t n_free_calls, n_free_owners, n_free_parts;

	void (*closed)(void *arg);
	void *closed_arg;
};

static_assert(HUB_GATHERS == 64, "a bit each");

/* ---- hub.c ---- */

/* There is something to do: the turn does not end without it. */
void hub_wake(struct hub *h);
/* It has been asked for, and is to be answered. */
static inline void hub_asked(struct hub *h, struct asked *a)
{
	list_push_back(&h->asked, &a->link);
}

/* ---- hub_calls.c ---- */

struct call *call_new(struct hub *h, hub_answer answer, void *arg);
/* One of its parts is answered; with the last one it is done. */
void call_part(struct hub *h, struct call *k, enum sheaf_error error, struct span text);
/* Nobody wants the answer, and no part is on its way to it. */
void call_drop(struct hub *h, struct call *k);
/* Answers whoever is owed an answer now. */
void calls_answer(struct hub *h);
void calls_free(struct hub *h);

/* ---- hub_publish.c ---- */

/* Ends the gathering: all wait for the session. */
void parts_close(struct hub *h);
/* Hands a part to the session; false if it has no room now. */
bool part_send(struct hub *h, struct part *p);
void part_answered(struct hub *h, struct part *p, enum sheaf_error error, struct span text);
void parts_free(struct hub *h);

/* ---- hub_topics.c ---- */

/* Hands it to the session; false if it has no room now. */
bool op_send(struct hub *h, struct op *o);
void op_answered(struct hub *h, struct op *o, enum sheaf_error error, struct span text);
bool listing_send(struct hub *h, struct listing *l);
/* answer: NULL if there is an error. */
void listing_answered(struct hub *h, struct listing *l, enum sheaf_error error, const struct msg *answer);

/* ---- hub_subs.c ---- */

void sub_event(struct hub *h, const struct csession_event *ev);
/* No subscription has anything in its hands. */
void subs_gap(struct hub *h);
void sub_answered(struct hub *h, struct asked *a, enum sheaf_error error, struct span text);

#endif
