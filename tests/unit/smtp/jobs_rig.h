/* A letter that is written by hand, and the jobs that it becomes. */
#ifndef SHEAF_TESTS_SMTP_JOBS_RIG_H
#define SHEAF_TESTS_SMTP_JOBS_RIG_H

#include <jansson.h>

#include "broker/smtp/jobs.h"

struct jobs_rig {
	struct smtp_config config;
	struct smtp_policy policies[4]; /* of "plain", "body", "json", "dedup" */
	struct cidr network;            /* that queue "dedup" trusts: 10.0.0.0/8 */
	struct letter_rcpt rcpts[LIMIT_MAIL_RCPTS];
	struct letter l;
	struct jobs *jobs; /* NULL: refused */
	enum jobs_fault fault;
	char why[JOBS_WHY];
};

/* From alice@example.org at 192.0.2.1, by ESMTP, to nobody yet. */
void rig_begin(struct jobs_rig *r);
void rig_end(struct jobs_rig *r); /* a second time does nothing */
/* One more recipient, QUEUE@example.net; for its options. */
struct rcpt_options *rig_to(struct jobs_rig *r, const char *queue);
/* Makes the jobs of a mail, which outlives the rig; those made before are gone. */
void rig_make(struct jobs_rig *r, struct span mail);
void rig_make_text(struct jobs_rig *r, const char *mail);
/* The same with a spool that cannot be read. */
void rig_make_broken(struct jobs_rig *r);

/* The payload of a job, shared or not. */
struct span rig_payload(const struct jobs_rig *r, uint32_t part);
/* A header of it; NULL = it has none. */
const char *rig_header(const struct jobs_rig *r, uint32_t part, const char *name);
/* Its payload as JSON; it has to be. */
json_t *rig_json(const struct jobs_rig *r, uint32_t part);

struct spool *rig_spool(struct span bytes, bool broken);

#endif
