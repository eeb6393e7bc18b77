/* The subscriptions of a client session: what the broker is to be told of each, and what it told us. Part of the
 * session's pure machine (machine.h); the user's side of it is in session.h. */
#ifndef SHEAF_CLIENT_SUBS_H
#define SHEAF_CLIENT_SUBS_H

#include "base/buf.h"
#include "base/list.h"
#include "proto/msg.h"

struct csession;
struct request;

enum sub_state {
	SUB_FREE,
	SUB_WANTED, /* SUBSCRIBE is to be sent */
	SUB_ASKED,  /* it is on its way */
	SUB_ON,
	SUB_LEAVING /* UNSUBSCRIBE is to be sent, or on its way; the user has forgotten it */
};

/* One subscription. Its number on the wire is its slot and a count of the slot's uses, so that what is said of an
 * earlier one is not taken for it. */
struct sub {
	enum sub_state state;
	uint32_t number;
	struct list link; /* in subs.wanted or subs.leaving, or in none */
	struct list owed; /* in subs.owed while a CREDIT is due */
	uint64_t tag;
	uint64_t call; /* who hears of the answer to SUBSCRIBE, then to UNSUBSCRIBE */
	bool answered; /* SUBSCRIBE was, once: later ones are our own affair */
	char topic[LIMIT_NAME];
	char channel[LIMIT_NAME];
	struct msg_subscribe want; /* the names point to these */
	uint32_t ready;
	uint64_t bytes;    /* the user's window, since the user subscribed */
	uint64_t received; /* packed bytes since then */
	uint64_t base;     /* of `received`, when it was subscribed last */
	/* what the broker has charged for it since then beyond `received`, and of that what our credit made good; both
	 * may be below 0 */
	int64_t drift, made_good;
};

struct subs {
	struct sub **v; /* owned, n of them, each owned */
	uint32_t n, cap;
	uint32_t *free; /* owned: slots of free ones */
	uint32_t n_free, cap_free;
	uint32_t live;
	struct list wanted, leaving, owed;
	struct buf settles;    /* msg_settle_rec, one behind the other */
	size_t settled;        /* of these bytes, what has been sent */
	bool counted;          /* `delivered` agrees with the broker's count since this hello */
	uint64_t delivered;    /* deliveries that came */
	uint64_t suspect;      /* a pong said that so many were sent, more than came; 0 = none said so */
	uint64_t suspect_ping; /* the pings sent when it did */
	bool gap;              /* the user is to hear that what was in hand is not any more */
};

void subs_init(struct subs *s);
void subs_fini(struct subs *s);
/* NULL if there is none of this number. */
struct sub *subs_find(const struct subs *s, uint32_t number);

/* A delivery has come for it. */
void subs_came(struct csession *c, struct sub *sub, const struct msg_delivery_rec *r);

/* The broker may have forgotten them, or some of its deliveries were lost: all subscribe again. */
void subs_again(struct subs *s);

/* Makes requests of what is wanted, as long as there are numbers. */
void subs_request(struct csession *c);
/* The answer to one of these. False if it is not the user's: one that the session subscribed again by itself; refused,
 * it is over. */
bool subs_answered(struct csession *c, const struct request *r, uint32_t error);
/* The next frame of SETTLE or CREDIT; false if there is none. Credits go first, then settles, then requests. */
bool subs_settle_frame(struct csession *c, struct msg_header h, struct buf *out);
bool subs_credit_frame(struct csession *c, struct msg_header h, struct buf *out);
bool subs_unsent(const struct subs *s);

#endif
