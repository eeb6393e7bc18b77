/* The inside of session.h's machine, for the files that it consists of: session.c takes what comes and keeps the time,
 * session_verbs.c has the table of commands and the small ones, session_mail.c MAIL and RCPT, session_data.c DATA and
 * BDAT, session_auth.c AUTH. */
#ifndef SHEAF_SMTP_SESSION_STATE_H
#define SHEAF_SMTP_SESSION_STATE_H

#include "broker/smtp/command.h"
#include "broker/smtp/content.h"
#include "broker/smtp/reply.h"
#include "broker/smtp/session.h"

enum {
	SMTP_CHUNK_MOST = 1 << 30, /* bytes of a chunk of BDAT; a larger one is absurd */
	SMTP_RATE_AFTER_MS = 30000 /* into a mail the rate counts */
};

/* How far the conversation is. */
enum smtp_state {
	STATE_START,  /* nobody has said EHLO */
	STATE_READY,  /* for a mail */
	STATE_MAIL,   /* MAIL */
	STATE_TRIED,  /* and RCPT, but none was accepted */
	STATE_RCPT,   /* one was */
	STATE_CHUNKS, /* BDAT, not the last one yet */
	STATES
};

/* What the next bytes are. */
enum smtp_phase {
	PHASE_NEW, /* nothing was said yet */
	PHASE_COMMAND,
	PHASE_AUTH,  /* a line of AUTH's exchange */
	PHASE_SKIP,  /* the rest of a line that is too long */
	PHASE_DATA,  /* a mail, up to its dot */
	PHASE_CHUNK, /* chunk_left bytes of BDAT's */
	PHASE_LOST   /* the same, but nobody wants them: chunk_reply is their answer */
};

enum smtp_auth { AUTH_PLAIN, AUTH_LOGIN_USER, AUTH_LOGIN_PASSWORD };

struct smtp_credentials {
	char user[LIMIT_MAIL_USER + 1];
	char password[LIMIT_MAIL_PASSWORD + 1];
};

struct smtp_session {
	const struct smtp_world *world;
	const struct smtp_config *config;
	struct smtp_peer peer;
	struct buf *out;
	uint64_t now_ms, wall_ms;

	enum smtp_state state;
	enum smtp_phase phase;
	enum smtp_ask ask;
	bool esmtp;                    /* EHLO or LHLO */
	bool closing, ended, draining; /* ended: the client has */
	bool pressed;
	bool tls_on;
	const char *why;  /* it is closing */
	size_t looked;    /* bytes of a command that is not whole which were looked at */
	uint64_t last_ms; /* when it was last heard of */
	uint64_t slow_ms; /* until when nothing is taken, for errors; 0 = not */
	bool slowed;      /* the next command has waited already */
	uint32_t errors;  /* since the last mail */

	/* who it is */
	char peer_text[CIDR_TEXT + 8];
	char helo[LIMIT_MAIL_DOMAIN + 1];
	char tls[64];
	char user[LIMIT_MAIL_USER + 1]; /* authenticated */

	/* the mail on its way */
	struct letter *letter;          /* owned, until it is the owner's to store */
	char from[LIMIT_MAIL_PATH + 1]; /* the sender in lower case, for the policies */
	struct rcpt pending;            /* the recipient whose queue is asked for */
	bool pending_create;
	char pending_text[LIMIT_MAIL_PATH + 1];
	uint32_t n_rcpts; /* of a mail that is stored */
	uint64_t stored_bytes;
	struct content content;
	bool content_on;
	enum smtp_reply fault; /* what is wrong with the mail; it is taken to its end all the same */
	bool fault_told;       /* to a chunk: it is repeated to the others, and counts once */
	uint64_t got;          /* bytes of it */
	uint64_t size_most;    /* bytes that the mail itself may have: ours, or what MAIL said */
	uint64_t data_ms;      /* when the first of them was asked for */
	uint64_t chunk_left;
	bool chunk_last;
	enum smtp_reply chunk_reply;

	enum smtp_auth auth;
	struct smtp_credentials *credentials; /* owned; NULL = none */

	struct smtp_session_facts facts;
};

/* ---- session.c ---- */
/* Says it; it counts as an error if it is one, and the last error that it may have ends the session. */
void smtp_say(struct smtp_session *s, enum smtp_reply r);
void smtp_say_text(struct smtp_session *s, enum smtp_reply r, const char *text);
/* An error has been said. */
void smtp_erred(struct smtp_session *s);
void smtp_shut(struct smtp_session *s, const char *why);
/* Says it, and that was it. */
void smtp_say_last(struct smtp_session *s, enum smtp_reply r, const char *why);
void smtp_say_drain(struct smtp_session *s);
/* After whatever has happened: it may have been the last. */
void smtp_settle(struct smtp_session *s);
/* Forgets the mail on its way; EHLO stays said. */
void smtp_forget_mail(struct smtp_session *s);

/* ---- session_verbs.c ---- */
/* Obeys a line without its end. */
void smtp_command(struct smtp_session *s, struct span line);

/* ---- session_mail.c ---- */
void smtp_mail(struct smtp_session *s, struct span argument);
void smtp_rcpt(struct smtp_session *s, struct span argument);

/* ---- session_data.c ---- */
void smtp_data(struct smtp_session *s, struct span argument);
/* refused: what BDAT is answered with once its bytes are gone; REPLY_NONE = it is in order. */
void smtp_bdat(struct smtp_session *s, struct span argument, enum smtp_reply refused);
/* Takes bytes of DATA's or BDAT's; how many. */
size_t smtp_take_data(struct smtp_session *s, struct span in);
size_t smtp_take_chunk(struct smtp_session *s, struct span in);
size_t smtp_take_lost(struct smtp_session *s, struct span in);

/* ---- session_auth.c ---- */
void smtp_auth(struct smtp_session *s, struct span argument);
/* A line of the exchange, without its end. */
void smtp_auth_line(struct smtp_session *s, struct span line);
void smtp_forget_credentials(struct smtp_session *s);

#endif
