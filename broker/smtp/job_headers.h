/* The headers of a job that a mail became. Pure. */
#ifndef SHEAF_SMTP_JOB_HEADERS_H
#define SHEAF_SMTP_JOB_HEADERS_H

#include "base/buf.h"
#include "broker/smtp/letter.h"

enum {
	JOB_RCPTS = 2 * 1024,  /* bytes of the recipients that are named */
	JOB_SUBJECT = 2 * 1024 /* bytes of a subject, decoded */
};

/* What is the same for all jobs of a mail. */
struct job_facts {
	struct buf subject; /* owned: decoded */
	char hash[65];      /* of the mail: its SHA-256 in hex */
};
void job_facts_make(struct job_facts *f, struct letter *l);
void job_facts_free(struct job_facts *f);

/* Appends the headers of part number `part`, whose recipients are those with part_of[i] == part: NAME=VALUE, each ended
 * by a NUL, within LIMIT_HEADER_BYTES whatever the mail. Control characters become spaces, what is no UTF-8 '?'; a
 * value that is too long is cut. mime: what the payload is, NULL where the mail's MIME is of no concern; mime_why: why
 * it is "raw" although another was wanted, else NULL. */
void job_headers_put(struct buf *to, const struct letter *l, const struct job_facts *f, const uint32_t *part_of,
                     uint32_t part, const char *mime, const char *mime_why);

#endif
