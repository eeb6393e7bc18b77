/* The client's side of the protocol as a state machine: one session with one broker. It does no I/O and
 * knows no clock; the caller tells it the time in milliseconds of a clock that does not step back. The
 * same machine runs under libsheaf's socket (client/connection.c) and under the simulator.
 *
 * Calls go in (csession_post, csession_request, csession_await), messages go in (csession_message), time goes in
 * (csession_tick); frames come out of csession_effect, and what the user should know of csession_event. So a
 * shell's turn is:
 *
 *	csession_message(c, now, &m), then csession_event() until it is false
 *	csession_tick(c, now) when now >= csession_deadline(c)
 *	csession_effect(c, now, &frame) until CSESSION_IDLE: send, or make the connection anew
 *
 * What it sees to: hello and hello again; every unanswered request is kept and sent again after a loss,
 * marked so that the broker answers it and does not redo it; results that were pushed and lost are noticed
 * by their count and asked for with WAIT; a result is handed out once, however often it comes.
 *
 * Ownership: what goes in is copied during the call. What comes out says how long it lives. Out of memory
 * aborts (base/buf.h); every table here has a bound of limits.h. */
#ifndef SHEAF_CLIENT_SESSION_H
#define SHEAF_CLIENT_SESSION_H

#include "base/buf.h"
#include "base/must.h"
#include "proto/msg.h"

/* Bytes of payloads that wait for their answer; beyond it csession_room is 0. One job passes at any size. */
#define CSESSION_QUEUED_BYTES (64 * MIB)
/* A SUBMIT that has gathered this many bytes of payload is full. */
#define CSESSION_BATCH_BYTES MIB
/* Requests that posting leaves free, so that a blocking call finds a number. */
#define CSESSION_RESERVED_REQUESTS 8

struct csession;

struct csession_config {
	uint64_t session; /* random, not 0: names the session on the wire */
	uint64_t seed;    /* of the jitter */
	struct span name; /* for the broker's logs; borrowed for csession_new */
	uint64_t beat_ms; /* between pings; 0 = DEFAULT_BEAT_MS */
	uint32_t records; /* jobs in one SUBMIT; 0 = 256 */
};

struct csession *csession_new(const struct csession_config *config);
void csession_free(struct csession *c);

/* ---- what the user wants ---- */

/* What the jobs of one SUBMIT have in common. */
struct csession_policy {
	struct span queue;
	struct span headers; /* as in msg_submit */
	uint32_t priority;
	uint32_t attempts; /* 0 = the queue's default */
	uint64_t lease_ms; /* 0 = the queue's default */
	uint64_t batch;
	bool want;                     /* push the results here */
	bool after_any;                /* terms->after may have ended in any way */
	const struct msg_terms *terms; /* NULL = none; copied by csession_post */
	uint64_t call; /* handed back with each event of the job; 0 for streams, the caller's own count for calls */
};

/* Jobs of the same policy gather in one SUBMIT, up to `records` (1..LIMIT_RECORDS) of them. Returns what it
 * was before. */
uint32_t csession_set_records(struct csession *c, uint32_t records);

/* How many more jobs may be posted now. */
size_t csession_room(const struct csession *c);

/* Adds one job to the SUBMIT that is gathered. Needs csession_room() > 0, else SHEAF_E_FULL. Refuses what
 * the broker would refuse: SHEAF_E_BAD_NAME, SHEAF_E_BAD_VALUE, SHEAF_E_TOO_LARGE; nothing is then posted. */
MUST_CHECK enum sheaf_error csession_post(struct csession *c, const struct csession_policy *p, struct span payload,
                                          uint64_t tag);

/* Lets go what csession_post has gathered; without it only a full SUBMIT leaves. */
void csession_flush(struct csession *c);

/* Asks the broker for something else: MSG_RESULT_GET, JOB_GET, CANCEL, QUEUE_LIST, QUEUE_OP, WORKER_LIST,
 * STATS, BATCH_OPEN, BATCH_CLOSE, BATCH_GET; only m->h.kind and m->u are looked at. Comes back as
 * CSESSION_ANSWER with `call`. *number names the request. SHEAF_E_FULL: too many are unanswered. */
MUST_CHECK enum sheaf_error csession_request(struct csession *c, const struct msg *m, uint64_t call, uint64_t *number);

/* Publishes `count` packed messages (proto/msg_topic.h), at most LIMIT_PUBLISH of LIMIT_PUBLISH_BYTES; each is within
 * the broker's message_max. Comes back as CSESSION_PUBLISHED, or as a CSESSION_ANSWER that refuses. SHEAF_E_BAD_NAME;
 * SHEAF_E_TOO_LARGE; SHEAF_E_FULL: too much is unanswered. Nothing is then published. */
MUST_CHECK enum sheaf_error csession_publish(struct csession *c, struct span topic, uint64_t defer_ms, uint32_t count,
                                             struct span packed, uint64_t call, uint64_t *number);
/* The same for packed messages in a buffer, which is taken as it is: *packed is then another one, and empty. When it is
 * refused it stays. */
MUST_CHECK enum sheaf_error csession_publish_buf(struct csession *c, struct span topic, uint64_t defer_ms,
                                                 uint32_t count, struct buf *packed, uint64_t call, uint64_t *number);
/* Whether that would be SHEAF_E_FULL. */
bool csession_publish_room(const struct csession *c);

/* Submits jobs for several queues, which are accepted together or not at all; m->answered is not looked at. Comes back
 * as CSESSION_ANSWER with `call`: answer->h.kind is MSG_ALL_ACCEPTED, or the error is that of a REPLY that refuses all
 * of it, whose value (answer->u.reply.value) is the part to blame, counted from 1, 0 if it is none; SHEAF_E_MALFORMED:
 * what came is no answer to it. *number names the request. SHEAF_E_BAD_NAME, SHEAF_E_BAD_VALUE, SHEAF_E_TOO_LARGE: what
 * the broker would refuse; SHEAF_E_FULL: csession_all_room() is false. Nothing is then submitted. The payloads are
 * copied once. */
MUST_CHECK enum sheaf_error csession_submit_all(struct csession *c, const struct msg_submit_all *m, uint64_t call,
                                                uint64_t *number);
bool csession_all_room(const struct csession *c);

/* Subscribes to a channel; want->sub is not looked at. `tag` comes with every event of the subscription; the answer is
 * a CSESSION_ANSWER with `call`, after which csession_unsubscribe is still due, also if it refuses. *sub names it until
 * then. SHEAF_E_BAD_NAME, SHEAF_E_BAD_VALUE; SHEAF_E_FULL: LIMIT_CONSUMERS. */
MUST_CHECK enum sheaf_error csession_subscribe(struct csession *c, const struct msg_subscribe *want, uint64_t tag,
                                               uint64_t call, uint32_t *sub);
/* What it may hold: so many messages at a time, and so many packed bytes in all since it subscribed. */
void csession_credit(struct csession *c, uint32_t sub, uint32_t ready, uint64_t bytes);
/* What becomes of messages; leaves with the next frames. */
void csession_settle(struct csession *c, const struct msg_settle_rec *r);
/* No event of it comes any more but a CSESSION_ANSWER with `call`: by then all that was settled before is durable. */
void csession_unsubscribe(struct csession *c, uint32_t sub, uint64_t call);

/* A round trip besides the beat's: comes back as a CSESSION_PONG whose number is at least the returned one. */
uint64_t csession_ping(struct csession *c);

/* Drops every request of this call (a stream's, for 0): nothing of it is sent again, no event comes of it.
 * What was sent may still have happened. */
void csession_forget(struct csession *c, uint64_t call);

/* Awaits a job known by its id, which is not 0: comes as CSESSION_RESULT with this tag; state JOB_NONE if it is
 * unknown. True if it is awaited already (the older tag stays). The caller saw csession_room() > 0, or waits for one
 * job at a time. */
bool csession_await(struct csession *c, uint64_t id, uint64_t tag);
/* Awaits it no longer. */
void csession_unawait(struct csession *c, uint64_t id);
bool csession_awaits(const struct csession *c, uint64_t id);

/* Jobs posted without an answer and jobs awaited. */
size_t csession_outstanding(const struct csession *c);

/* The session ends: one BYE leaves through csession_effect, if the broker knows us, and then nothing. */
void csession_bye(struct csession *c);

/* ---- what the shell tells it ---- */

/* The connection is broken: it will be made anew, after a short pause. */
void csession_lost(struct csession *c, uint64_t now_ms);

/* The broker, or what stands there, will never have us: comes as CSESSION_FAILED, once. `text` is copied. */
void csession_refused(struct csession *c, enum sheaf_error error, struct span text);

/* A decoded message of the broker's. `m` and what it borrows from must live until csession_event has been
 * false once; only then may the next message come. Any message may come at any time. */
void csession_message(struct csession *c, uint64_t now_ms, const struct msg *m);

/* The time of csession_deadline has come, or any other. */
void csession_tick(struct csession *c, uint64_t now_ms);
uint64_t csession_deadline(const struct csession *c);

/* ---- what it wants ---- */

enum csession_effect {
	CSESSION_IDLE,      /* nothing to do now */
	CSESSION_SEND,      /* send *frame, valid until the next call of csession_effect */
	CSESSION_RECONNECT, /* close the socket and make a new one; the first effect of all */
};
/* The next thing to do. Whoever cannot send now does not ask. A frame that was handed out counts as sent. */
enum csession_effect csession_effect(struct csession *c, uint64_t now_ms, struct span *frame);
/* True if csession_effect has a request to send at this moment: for who posts much and asks seldom. */
bool csession_unsent(struct csession *c);

enum csession_event_kind {
	CSESSION_WELCOMED,  /* the broker has answered hello: the first time, or again */
	CSESSION_ACCEPTED,  /* tag, id, call */
	CSESSION_REFUSED,   /* tag, call, error, text: will not be accepted */
	CSESSION_RESULT,    /* tag, id, result */
	CSESSION_ANSWER,    /* number, call, answer; error and text are those of a REPLY that refuses, else SHEAF_OK */
	CSESSION_PUBLISHED, /* number, call, id (of the first message), count */
	CSESSION_MESSAGES,  /* tag, delivery */
	CSESSION_GONE,      /* tag, gone: these are no longer in its hands */
	CSESSION_GAP,       /* no subscription has anything in its hands any more; all subscribe again by themselves */
	CSESSION_OVER,      /* tag: the subscription has ended; it is still to be unsubscribed */
	CSESSION_PONG,      /* number: of the ping, counted from 1 */
	CSESSION_FAILED,    /* error (SHEAF_E_VERSION, SHEAF_E_DENIED), text: the broker will not have us; nothing more
	                     * comes
	                     */
};

struct csession_event {
	enum csession_event_kind kind;
	enum sheaf_error error;
	uint64_t tag;
	uint64_t id;
	uint64_t call;
	uint64_t number;
	struct span text;                    /* what the broker said; may be empty */
	const struct msg_result_rec *result; /* borrowed from the message, as is all here */
	const struct msg *answer;
	uint32_t count;
	const struct msg_delivery_rec *delivery;
	const struct msg_gone_rec *gone;
};
/* The next event of the last message; false when there is none left. */
bool csession_event(struct csession *c, struct csession_event *ev);

/* ---- what is known ---- */

/* What the broker said in its last hello; NULL before it did. Valid until the next message. */
const struct msg_client_welcome *csession_welcome(const struct csession *c);
/* Heard within the last two beats. */
bool csession_connected(const struct csession *c, uint64_t now_ms);
/* The last refusal that leads to another try (busy, draining, full house); SHEAF_OK if none since. */
enum sheaf_error csession_held_up(const struct csession *c);

/* What happened so far, for logs and tests. */
struct csession_counts {
	uint64_t hellos;     /* welcomes that came */
	uint64_t reconnects; /* connections made anew, the first not counted */
	uint64_t resent;     /* requests sent again */
	uint64_t waits;      /* WAIT messages */
	uint64_t gaps;       /* losses of pushed results that were noticed */
	uint64_t strays;     /* results for ids that nobody awaits: duplicates, mostly */
};
void csession_counts(const struct csession *c, struct csession_counts *counts);

#endif
