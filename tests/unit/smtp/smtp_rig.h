/* A session of SMTP with everything around it: who answers what it asks for, a client that reads, and what has come of
 * it as text. */
#ifndef SHEAF_TESTS_UNIT_SMTP_SMTP_RIG_H
#define SHEAF_TESTS_UNIT_SMTP_SMTP_RIG_H

#include "broker/smtp/session.h"

/* What is unlike the usual: no TLS, no users, SMTP, from this machine. */
enum {
	RIG_LMTP = 1 << 0,
	RIG_CERT = 1 << 1,     /* there is a certificate */
	RIG_TLS = 1 << 2,      /* and TLS from the beginning */
	RIG_USERS = 1 << 3,    /* one can authenticate; "secret" is everybody's password */
	RIG_REQUIRED = 1 << 4, /* TLS is */
	RIG_FAR = 1 << 5,      /* the client is another machine */
	RIG_SMALL = 1 << 6,    /* a mail has 20 bytes at most */
	RIG_UNIX = 1 << 7,     /* the client comes by a Unix socket */
	RIG_HOLD = 1 << 8,     /* mails and passwords wait for rig_store and rig_authorise */
	RIG_DEAF = 1 << 9      /* the client reads nothing */
};

/* Queues are there but for these: "missing", "paused", "closed", "away"; from far away nobody may send to "closed",
 * and only the authenticated to others than "open". */
struct rig {
	unsigned flags;
	struct smtp_config config;
	struct smtp_counts counts;
	struct spool_room spools;
	struct smtp_world world;
	struct smtp_session *s;
	struct buf out;  /* the session's */
	struct buf in;   /* what it has not taken yet */
	struct buf told; /* all of its replies */
	struct buf mails;
	uint64_t now, wall;
	uint64_t next_id;
	enum store_verdict verdict; /* of mails */
	const char *verdict_text;
	struct letter *letter; /* RIG_HOLD: the mail that waits */
	uint64_t rcpts;        /* of it */
};

void rig_init(struct rig *r);
void rig_fini(struct rig *r);
/* A connection; it is greeted. */
void rig_begin(struct rig *r, unsigned flags);
void rig_end(struct rig *r);

/* Sends bytes, in pieces of so many, and answers what is asked for; delays pass at once. */
void rig_feed(struct rig *r, const void *p, size_t n, size_t piece);
#define FEED(r, text) rig_feed(r, text, sizeof text - 1, SIZE_MAX)
/* Goes on with what was sent. */
void rig_go_on(struct rig *r);
/* RIG_HOLD: the mail, or the password, that waits is answered. */
void rig_store(struct rig *r);
void rig_authorise(struct rig *r, bool right);
/* The client reads what there is. */
void rig_read(struct rig *r);

/* Time passes until the session has something to do; false: it waits for nothing. */
bool rig_wait(struct rig *r);

/* What was said since the last call, line by line without its end: whole, or codes only: "250 2.0.0|221 2.0.0|x"; of a
 * reply of several lines the last counts; x: closing. Valid until the next call. */
const char *rig_told(struct rig *r);
const char *rig_codes(struct rig *r);
/* Mails since the last call: "from>rcpt,rcpt:bytes|" */
const char *rig_mails(struct rig *r);

#endif
