/* One connection's side of SMTP or LMTP (RFC 5321, 2033) without its socket: bytes in, replies out, and what it asks
 * its owner for, one thing at a time. Pure: time is an argument, and what it needs to know of the broker is asked for.
 * The only thing that it calls is the spool of the mail that comes. */
#ifndef SHEAF_SMTP_SESSION_H
#define SHEAF_SMTP_SESSION_H

#include "base/buf.h"
#include "broker/smtp/letter.h"
#include "broker/smtp/smtp_config.h"
#include "broker/smtp/smtp_counts.h"
#include "broker/smtp/store_verdict.h"

enum {
	SESSION_LINE = 2048, /* bytes of a command's line, its end included */
	SESSION_AUTH_LINE = 12288,
	SESSION_OUT = 64 << 10, /* bytes of replies that wait for the client; then nothing more is taken. What is
	                           taken already is still answered, with SESSION_ANSWER bytes at most */
	SESSION_ANSWER = (LIMIT_MAIL_RCPTS + 2) * 512,
	SESSION_SLOW_ERRORS = 10, /* errors after which each reply waits SESSION_SLOW_MS */
	SESSION_ERRORS = 20,      /* errors with which it ends */
	SESSION_SLOW_MS = 1000
};

struct smtp_session;

/* What all sessions share; it outlives them. */
struct smtp_world {
	const struct smtp_config *config;
	struct smtp_counts *counts; /* all but sessions, sessions_now, refused_connection, accept_us and accept_us_max
	                               are counted by the session */
	struct spool_room *spools;
};

/* Who has come. */
struct smtp_peer {
	struct cidr_address address; /* of the client, or what a trusted proxy says; family 0: a Unix socket */
	uint16_t port;
	struct cidr_address local; /* where it came to: an address literal that is ours */
	bool lmtp;
	bool tls; /* implicit TLS is on already; smtp_session_secured is called before smtp_session_begin */
};

/* `out` is the owner's: replies are appended to it. */
struct smtp_session *smtp_session_new(const struct smtp_world *w, const struct smtp_peer *peer, struct buf *out,
                                      uint64_t now_ms);
void smtp_session_free(struct smtp_session *s);

/* Greets. Before it, nothing is taken. early: the client has spoken already, so it is 554 5.5.1 and the end. */
void smtp_session_begin(struct smtp_session *s, bool early, uint64_t now_ms, uint64_t wall_ms);

/* Takes what it can of `in`, which begins where the last call ended; the bytes that it is done with. What it left has
 * to come again, with more behind it: a command's line, SESSION_AUTH_LINE bytes at most. It stops where a command is
 * not whole, while it asks for something, while replies wait to be read or are delayed, when it is closing. */
size_t smtp_session_take(struct smtp_session *s, struct span in, uint64_t now_ms, uint64_t wall_ms);
/* Whether it would take anything now. */
bool smtp_session_takes(const struct smtp_session *s);

enum smtp_ask {
	SMTP_ASK_NOTHING,
	SMTP_ASK_QUEUE, /* what a queue is now: smtp_session_queue */
	SMTP_ASK_TLS,   /* send what is in `out`, throw away what was read, shake hands: smtp_session_secured */
	SMTP_ASK_AUTH,  /* whether a password is right: smtp_session_authorised */
	SMTP_ASK_MAIL   /* a mail is whole: smtp_session_letter takes it, smtp_session_stored answers */
};
enum smtp_ask smtp_session_asks(const struct smtp_session *s);
/* An answer that comes once it is closing, which it may be before, is not looked at. */

struct span smtp_session_asked_queue(const struct smtp_session *s);
void smtp_session_queue(struct smtp_session *s, enum store_queue q, uint64_t now_ms);

/* version "TLS1.3", cipher by its RFC name. Everything learned before is forgotten. */
void smtp_session_secured(struct smtp_session *s, const char *version, const char *cipher, uint64_t now_ms);

/* Both are NUL-terminated, and the session's until the answer or until it is closing, when they are wiped: a thread
 * needs its own copy. */
void smtp_session_credentials(const struct smtp_session *s, const char **user, const char **password);
void smtp_session_authorised(struct smtp_session *s, bool right, uint64_t now_ms);

struct letter *smtp_session_letter(struct smtp_session *s);
void smtp_session_stored(struct smtp_session *s, const struct store_outcome *o, uint64_t now_ms);

/* What is in `out` is still to be sent, then the connection is closed. */
bool smtp_session_closing(const struct smtp_session *s);

/* When smtp_session_tick wants to be called; UINT64_MAX = never. Every call may change it. After a tick it may take
 * again, or be closing, or have something in `out`. */
uint64_t smtp_session_deadline(const struct smtp_session *s);
void smtp_session_tick(struct smtp_session *s, uint64_t now_ms);

/* Under pressure the time to be idle is SMTP_PRESSED_MS. */
enum { SMTP_PRESSED_MS = 10000 };
void smtp_session_press(struct smtp_session *s, bool pressed);

/* The client has closed its side, and of what it sent nothing is left that could be taken: closing, once a mail that is
 * being stored is answered. While it asks or is delayed, what waits behind that may still be taken, so this comes
 * later. */
void smtp_session_end(struct smtp_session *s);
/* The server ends: idle ones are told 421 and close; a mail on its way gets its answer first. `now`: at the deadline
 * whatever it is doing ends, without a 250. */
void smtp_session_drain(struct smtp_session *s, bool now);
/* Whether it is within MAIL..its answer, which a drain waits for. */
bool smtp_session_busy(const struct smtp_session *s);

/* Whether what comes next is of a mail, not a command. */
bool smtp_session_in_mail(const struct smtp_session *s);

/* For the log line at its end. */
struct smtp_session_facts {
	uint32_t mails, refused, errors;
	uint64_t bytes;
	const char *helo, *tls, *user; /* may be empty */
	const char *why;               /* how it ended: "quit", "timeout", "drain", … */
};
void smtp_session_facts(const struct smtp_session *s, struct smtp_session_facts *f);

#endif
