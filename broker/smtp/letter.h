/* A mail on its way to become jobs: what the session learns of it (envelope, headers, counts), and its bytes, which are
 * the spool's (spool.h). One owner at a time: the session until the mail is whole, then the store, then nobody. */
#ifndef SHEAF_SMTP_LETTER_H
#define SHEAF_SMTP_LETTER_H

#include "base/buf.h"
#include "broker/smtp/cidr.h"
#include "broker/smtp/rcpt.h"
#include "broker/smtp/spool.h"
#include "proto/limits.h"

enum letter_body { LETTER_7BIT, LETTER_8BITMIME, LETTER_BINARYMIME };

struct letter_rcpt {
	char *address; /* owned: as the client wrote it, without <> */
	struct rcpt rcpt;
	bool create; /* postmaster's: the queue is made if it is missing */
};

/* What stands in the mail's own headers, as far as it is looked at; unfolded, cut to the bounds. */
struct letter_headers {
	char message_id[LIMIT_MAIL_HEADER + 1]; /* with its <>; empty = none; likewise the next */
	char subject[LIMIT_MAIL_HEADER + 1];    /* as it is there: RFC 2047 words are not decoded yet */
	uint32_t received;                      /* Received lines */
	uint64_t bytes;                         /* of all headers */
	struct rcpt_options job;                /* X-Job-*; of the authenticated only (job_why is then looked at) */
	const char *job_why;                    /* what is wrong with them, a constant sentence; NULL = nothing */
};

struct letter {
	char peer[CIDR_TEXT + 8]; /* "192.0.2.1:4711", "[::1]:25", "unix" */
	struct cidr_address peer_address;
	char helo[LIMIT_MAIL_DOMAIN + 1];
	bool esmtp, lmtp, utf8;
	char tls[64];                   /* "TLS1.3 TLS_AES_256_GCM_SHA384"; empty = none */
	char user[LIMIT_MAIL_USER + 1]; /* authenticated; empty = not */
	char from[LIMIT_MAIL_PATH + 1]; /* the sender without <>; empty for <> */
	enum letter_body body;
	struct letter_rcpt *rcpts; /* owned array */
	uint32_t n, cap;
	uint64_t received_ms; /* wall clock: when its data began */
	uint64_t size;        /* bytes of the mail, after unstuffing */
	struct letter_headers headers;
	struct spool *spool; /* owned; its bytes, once data began */
};

struct letter *letter_new(void);
void letter_free(struct letter *l);
/* Adds a recipient; the address is copied. l->n < LIMIT_MAIL_RCPTS. */
struct letter_rcpt *letter_add(struct letter *l, struct span address);

#endif
