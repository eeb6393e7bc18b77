/* What is inside a sheaf_t, and what the files of the API share: one session machine, one connection, and
 * a backlog of what happened to streams while a blocking call ran. Of no interest outside. */
#ifndef SHEAF_CLIENT_HANDLE_H
#define SHEAF_CLIENT_HANDLE_H

#include <stdatomic.h>

#include "base/buf.h"
#include "client/connection.h"
#include "client/session.h"
#include "client/sheaf.h"
#include "proto/codec.h"

/* Something that happened to a stream, with copies of its bytes. */
struct backlog_item {
	struct backlog_item *next;
	struct sheaf_event event;
	uint8_t bytes[]; /* error, then result */
};

/* A delivery that has come, with a copy of its messages. */
struct inbox_item {
	struct inbox_item *next;
	uint32_t sub;                /* place in subs */
	uint32_t at;                 /* where the next message begins in bytes */
	uint64_t gone;               /* of rec.mask: no longer ours */
	struct msg_delivery_rec rec; /* mask: those that have not been handed out */
	uint8_t bytes[];
};

/* What a session knows of a subscription. */
struct subscribed {
	uint32_t number; /* the session machine's */
	bool used, over;
	uint32_t ready;
	uint64_t window;   /* bytes */
	uint64_t received; /* packed bytes that were handed out */
	uint64_t granted;  /* as the broker was told last */
};

struct sheaf {
	struct csession *session;
	struct connection *connection;
	struct msg_room *room;
	struct msg message; /* decoded last; borrows from room and the connection */
	char broker[LIMIT_ENDPOINT];
	char why[LIMIT_TEXT + 2 * LIMIT_ENDPOINT];
	enum sheaf_error failed; /* the broker will not have us: each call returns this, and says that */
	char failed_why[LIMIT_TEXT + 2 * LIMIT_ENDPOINT];
	atomic_bool interrupted;
	uint64_t calls;  /* blocking calls so far; names one in csession_policy.call */
	uint64_t now_ms; /* as read last */
	struct backlog_item *oldest, **newest;
	struct backlog_item *handed; /* what sheaf_next gave out of the backlog, until the next call */
	struct inbox_item *first_in, **last_in, *in_hand; /* owned; in_hand: of the message that was handed out last */
	struct subscribed *subs;                          /* owned, n_subs of them */
	uint32_t n_subs;
	bool wants_messages; /* sheaf_message waits: what comes in ends its pause */
	uint32_t part;       /* messages of one PUBLISH at most; 0 = as many as is good */
	struct buf packed;   /* of the publish at hand */
	struct buf headers;  /* of the policy at hand, as the wire wants them */
};

/* A blocking call on its way. */
struct call {
	struct sheaf *s;
	uint64_t id;       /* of its requests' events */
	uint64_t awaited;  /* the job whose result it waits for; 0 = none */
	uint64_t until_ms; /* its deadline */
};

/* When a deadline of `ms` from now is. */
uint64_t handle_until(struct sheaf *s, uint64_t ms);

/* Notes the sentence and returns the error. */
__attribute__((format(printf, 3, 4))) enum sheaf_error handle_fail(struct sheaf *s, enum sheaf_error e,
                                                                   const char *format, ...);
/* The same for what the broker refused: its own words, if it said any. */
enum sheaf_error handle_refused(struct sheaf *s, enum sheaf_error e, struct span text);
/* The broker's answer is not one to that question. */
enum sheaf_error handle_strange(struct sheaf *s);

/* The next event that has come already, unless the session is interrupted. */
bool handle_event(struct sheaf *s, struct csession_event *ev);
/* The next event of the session, whoever it is for. SHEAF_E_TIMEOUT when the deadline passed; else
 * SHEAF_E_INTERRUPTED, or why the broker will not have us. */
MUST_CHECK enum sheaf_error handle_next(struct sheaf *s, uint64_t until_ms, struct csession_event *ev);
/* Sends what can be sent without waiting. */
void handle_send(struct sheaf *s);

/* Begins a blocking call. */
struct call call_begin(struct sheaf *s, uint64_t ms);
/* The next event, CSESSION_WELCOMED or _PONG if it is of no use to this call; the streams' go to the
 * backlog. The deadline's passing is an error with a sentence: SHEAF_E_UNREACHABLE before the broker has answered once,
 * then SHEAF_E_TIMEOUT. */
MUST_CHECK enum sheaf_error call_next(struct call *k, struct csession_event *ev);
/* Asks the broker and waits for the answer: *answer is valid until the next call. A refusal is an error. */
MUST_CHECK enum sheaf_error call_ask(struct call *k, const struct msg *m, const struct msg **answer);
/* The same in one. */
MUST_CHECK enum sheaf_error handle_ask(struct sheaf *s, const struct msg *m, uint64_t ms, const struct msg **answer);

/* The session's form of a policy; borrows from s->headers. SHEAF_E_TOO_LARGE for headers over the limit. */
MUST_CHECK enum sheaf_error handle_policy(struct sheaf *s, const char *queue, const struct sheaf_policy *p,
                                          struct csession_policy *out);
/* The sentence for what csession_post refused. */
enum sheaf_error handle_bad_post(struct sheaf *s, enum sheaf_error e, const struct csession_policy *p, size_t bytes);

/* Turns a session's event into what sheaf_next hands out; false if it is none of a stream's. */
bool stream_event(const struct csession_event *from, struct sheaf_event *to);
void backlog_add(struct sheaf *s, const struct csession_event *ev);
void backlog_fini(struct sheaf *s);

/* Takes an event that is about subscriptions; false if it is not. (topics.c) */
bool inbox_take(struct sheaf *s, const struct csession_event *ev);
void inbox_init(struct sheaf *s);
void inbox_fini(struct sheaf *s);

#endif
