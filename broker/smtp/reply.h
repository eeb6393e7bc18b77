/* What is said to mail clients: every reply with its code, its enhanced code (RFC 3463) and its text, in one table.
 * Pure. */
#ifndef SHEAF_SMTP_REPLY_H
#define SHEAF_SMTP_REPLY_H

#include "base/buf.h"
#include "broker/smtp/smtp_counts.h"

/* Name, code and enhanced code, text, and what counts it; `nothing` is no counter. */
/* clang-format off */
#define SMTP_REPLIES(X) \
	X(NONE,            "000", "", nothing) /* there is none */ \
	X(OK,              "250 2.0.0", "ok", nothing) \
	X(SENDER_OK,       "250 2.1.0", "sender ok", nothing) \
	X(RCPT_OK,         "250 2.1.5", "recipient ok", nothing) \
	X(CHUNK_OK,        "250 2.0.0", "chunk received", nothing) \
	X(QUEUED,          "250 2.0.0", "queued as", nothing) /* the ids follow */ \
	X(GO_AHEAD,        "354", "end the mail with a dot on a line of its own", nothing) \
	X(TLS_READY,       "220 2.0.0", "ready for TLS", nothing) \
	X(BYE,             "221 2.0.0", "bye", nothing) \
	X(HELP,            "214 2.0.0", "mail to QUEUE at this host becomes a job; see man sheafd", nothing) \
	X(VRFY,            "252 2.0.0", "send a mail, and see", nothing) \
	X(AUTH_OK,         "235 2.7.0", "authenticated", nothing) \
	X(AUTH_GO,         "334", "", nothing) \
	X(AUTH_USER,       "334", "VXNlcm5hbWU6", nothing) \
	X(AUTH_PASSWORD,   "334", "UGFzc3dvcmQ6", nothing) \
	/* commands */ \
	X(TOO_LONG,        "500 5.5.2", "the line is longer than a command may be", refused_command) \
	X(UNKNOWN,         "500 5.5.1", "no such command", refused_command) \
	X(NO_EXPN,         "502 5.5.1", "there are no lists here", refused_command) \
	X(NO_AUTH,         "502 5.5.1", "nobody can authenticate here", refused_command) \
	X(SYNTAX,          "501 5.5.4", "that is not how the command is written", refused_command) \
	X(NO_ARGUMENT,     "501 5.5.4", "the command has no argument", refused_command) \
	X(HELLO_SYNTAX,    "501 5.5.4", "say who you are: a domain, or an address in brackets", refused_command) \
	X(MAIL_SYNTAX,     "501 5.5.4", "write MAIL FROM:<address>", refused_command) \
	X(RCPT_SYNTAX,     "501 5.5.4", "write RCPT TO:<queue@host>", refused_command) \
	X(SENDER_BAD,      "501 5.1.7", "that is no address", refused_command) \
	X(RCPT_BAD,        "501 5.1.3", "that is no address", refused_command) \
	X(PARAMETER_BAD,   "501 5.5.4", "a parameter has a value that it cannot have", refused_command) \
	X(PARAMETER_TWICE, "501 5.5.4", "a parameter is there twice", refused_command) \
	X(PARAMETER_NONE,  "555 5.5.4", "a parameter that is not known here", refused_command) \
	X(CHUNK_SYNTAX,    "501 5.5.4", "write BDAT BYTES, and LAST behind the last", refused_command) \
	X(NO_HELLO,        "503 5.5.1", "say EHLO first", refused_command) \
	X(NESTED,          "503 5.5.1", "there is a mail already; RSET ends it", refused_command) \
	X(IN_MAIL,         "503 5.5.1", "not within a mail", refused_command) \
	X(NO_MAIL,         "503 5.5.1", "say MAIL first", refused_command) \
	X(NO_RCPT,         "503 5.5.1", "say RCPT first", refused_command) \
	X(IN_CHUNKS,       "503 5.5.1", "the mail comes by BDAT; BDAT LAST or RSET ends it", refused_command) \
	X(BINARY_DATA,     "503 5.5.1", "BODY=BINARYMIME goes with BDAT only", refused_command) \
	X(NO_RCPT_LEFT,    "554 5.5.1", "no recipient was accepted", refused_command) \
	X(NO_RCPT_LMTP,    "503 5.5.1", "no recipient was accepted", refused_command) /* RFC 2033, 4.2 */ \
	X(BARE,            "550 5.5.2", "a bare CR, a bare LF or a NUL; lines end in CR LF", refused_content) \
	X(HTTP,            "421 4.7.0", "this is no web server", refused_command) \
	X(NO_PROXY,        "421 4.7.0", "you are not among the proxies that are trusted here", refused_connection) \
	X(EARLY,           "554 5.5.1", "wait for the greeting", refused_command) \
	X(ERRORS,          "421 4.7.0", "too many errors", nothing) \
	X(IDLE,            "421 4.4.2", "too slow, or idle for too long", timeouts) \
	X(DRAIN,           "421 4.3.2", "is going down, try again", nothing) /* the host's name stands before it */ \
	X(TOO_MANY,        "421 4.3.2", "too many connections, try again", refused_connection) \
	X(TOO_MANY_YOURS,  "421 4.7.0", "too many connections of your address, try again", refused_connection) \
	/* TLS, AUTH */ \
	X(NO_TLS,          "454 4.7.0", "there is no certificate, so no TLS", refused_command) \
	X(TLS_TWICE,       "503 5.5.1", "TLS is on", refused_command) \
	X(TLS_FIRST,       "530 5.7.0", "say STARTTLS first", refused_command) \
	X(AUTH_NO_TLS,     "538 5.7.11", "only under TLS: say STARTTLS first", refused_command) \
	X(AUTH_TWICE,      "503 5.5.1", "you are authenticated", refused_command) \
	X(AUTH_MECHANISM,  "504 5.5.4", "PLAIN and LOGIN are what there is", refused_command) \
	X(AUTH_BASE64,     "501 5.5.2", "that is no base64 of what was asked for", refused_command) \
	X(AUTH_LONG,       "500 5.5.6", "the line is longer than one of AUTH may be", refused_command) \
	X(AUTH_STOPPED,    "501 5.7.0", "as you wish", nothing) \
	X(AUTH_WRONG,      "535 5.7.8", "the user or the password is wrong", refused_auth) \
	/* recipients */ \
	X(UTF8_FIRST,      "553 5.6.7", "an address that is not ASCII needs SMTPUTF8", refused_command) \
	X(RCPT_MANY,       "452 4.5.3", "too many recipients; send them in another mail", nothing) \
	X(RCPT_FOREIGN,    "550 5.7.1", "no domain of this host; nothing is relayed", refused_recipient) \
	X(RCPT_NO_QUEUE,   "550 5.1.1", "there is no such queue", refused_recipient) \
	X(RCPT_OPTION,     "550 5.1.3", "an option is wrong", refused_recipient) \
	X(DENIED,          "550 5.7.1", "you may not send to this queue", refused_sender) \
	X(AUTH_FIRST,      "530 5.7.0", "authenticate first to send to this queue", refused_sender) \
	X(RCPT_PAUSED,     "450 4.2.1", "the queue is paused, try again", refused_paused) \
	X(RCPT_CLOSED,     "450 4.2.1", "the queue takes no more, try again", refused_paused) \
	X(AWAY,            "451 4.3.0", "the broker does not answer, try again", refused_away) \
	/* mails */ \
	X(LARGE,           "552 5.3.4", "larger than the size that EHLO names", refused_size) \
	X(LARGER,          "552 5.3.4", "larger than the size that MAIL named", refused_size) \
	X(LOOP,            "554 5.4.6", "too many Received lines: the mail goes in circles", refused_content) \
	X(HEADERS,         "554 5.6.0", "its headers are too large", refused_content) \
	X(FULL,            "452 4.3.1", "there is no room for it, try again", refused_full) \
	X(SPOOL,           "451 4.3.0", "it could not be written down, try again", refused_away) \
	X(GONE,            "451 4.3.0", "a queue went away meanwhile, try again", refused_away) \
	X(MAIL_BAD,        "550 5.6.0", "what it asks for cannot be done", refused_content)
/* clang-format on */

enum smtp_reply {
#define X(name, code, text, count) REPLY_##name,
	SMTP_REPLIES(X)
#undef X
	    REPLIES
};

enum { REPLY_LINE = 512 }; /* bytes of a line at most, its end included */

/* Appends it, and counts it; counts: NULL = not. */
void smtp_reply_put(struct buf *out, enum smtp_reply r, struct smtp_counts *counts);
/* With another text, of which what is not printable ASCII is replaced, and what does not fit is cut. */
void smtp_reply_put_text(struct buf *out, enum smtp_reply r, struct span text, struct smtp_counts *counts);
/* 421: the host is going down. */
void smtp_reply_put_drain(struct buf *out, const char *hostname, struct smtp_counts *counts);
/* 250 with the ids of its jobs, each once. */
void smtp_reply_put_queued(struct buf *out, const uint64_t *ids, uint32_t n);

/* How many different ids these are. */
uint32_t smtp_distinct(const uint64_t *ids, uint32_t n);

/* Whether it is a client's mistake: 5xx. */
bool smtp_reply_is_error(enum smtp_reply r);

#endif
