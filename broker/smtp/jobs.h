/* From a whole mail to the jobs that it becomes: one for each distinct queue. No sockets, no clock; slow where a policy
 * wants MIME read, so it runs on a thread of the pool (jobs_slow).
 *
 * Options: what a recipient's address says, then X-Job-* headers of an authenticated sender, then the defaults. Of
 * several recipients that name the same queue, the first that says an option says it. A key in the address is for those
 * who are known by more than the sender that they name: authenticated, from this machine, from a network that the
 * queue's policy has; for others it is JOBS_HEADER. Without a key, a policy with dedup gets one of the mail itself
 * (dedup.h).
 *
 * A mail whose MIME cannot be read, is beyond its bounds (mime.h) or would be too large a payload is handed on raw, and
 * the job's header mime=raw says so, mime_why why. */
#ifndef SHEAF_SMTP_JOBS_H
#define SHEAF_SMTP_JOBS_H

#include "broker/smtp/letter.h"
#include "broker/smtp/smtp_config.h"
#include "proto/msg_all.h"

/* Owns what its parts point to, but the mail's bytes, which are the letter's. */
struct jobs {
	struct msg_submit_all all; /* .v and .n; .answered is 0 */
	struct msg_all_part parts[LIMIT_ALL_PARTS];
	uint32_t part_of[LIMIT_MAIL_RCPTS]; /* of each recipient */
	struct buf bytes;                   /* headers, keys, payloads that were made */
	uint64_t payload_bytes;             /* of all distinct payloads */
};

enum jobs_fault {
	JOBS_FINE,
	JOBS_TOO_LARGE, /* 552 5.3.4: a payload, or all together; the text names the limit */
	JOBS_HEADER,    /* 550 5.6.0: an X-Job-* header is wrong; the text says which */
	JOBS_UNREADABLE /* 451 4.3.0: the spool could not be read back */
};
enum { JOBS_WHY = 200 };

/* Whether jobs_make takes its time: it has to read MIME, or a mail that is in a file. */
bool jobs_slow(const struct letter *l, const struct smtp_config *c);
/* NULL with *fault and a sentence. jobs_free it before the letter. */
MUST_CHECK struct jobs *jobs_make(struct letter *l, const struct smtp_config *c, enum jobs_fault *fault,
                                  char why[JOBS_WHY]);
void jobs_free(struct jobs *j);

#endif
