/* What the mail ingress was told, checked (broker/smtp/config.c). Texts that it does not own are borrowed from the
 * options, which outlive it. */
#ifndef SHEAF_SMTP_CONFIG_H
#define SHEAF_SMTP_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/options.h"
#include "base/span.h"
#include "broker/edge/address.h"
#include "broker/edge/tls.h"
#include "broker/smtp/cidr.h"
#include "proto/limits.h"

/* What a job of a queue gets of a mail. */
enum smtp_payload {
	SMTP_RAW,  /* the mail's bytes as they came, behind Return-Path and Received */
	SMTP_BODY, /* the first text/plain part, decoded */
	SMTP_JSON  /* envelope, headers, text, html, attachments */
};

/* Who may send, and what becomes of it: of one queue, [smtp.queue.NAME], or of those without a section, [smtp]. Who
 * comes from this machine may send to every queue that exists. Anybody else needs one of the three. What a queue's
 * section does not say is as [smtp] says it; who may send is one thing: a section that names networks, users or senders
 * names all of them. */
struct smtp_policy {
	char queue[LIMIT_QUEUE_NAME + 1]; /* empty: of all without one of their own */
	enum smtp_payload payload;
	bool trace;            /* Return-Path and Received stand before a raw payload */
	bool dedup;            /* a mail that comes again is answered with the first one's job */
	struct cidr *networks; /* owned: peers that may */
	uint32_t n_networks;
	char **users; /* owned, texts too: authenticated users that may; "*" = each */
	uint32_t n_users;
	char *
	    *senders; /* owned, likewise: "someone@host" or "@host", in lower case; they count only with TLS or AUTH */
	uint32_t n_senders;
};

struct smtp_users; /* broker/smtp/users.h */

struct smtp_config {
	struct edge_address smtp, tls, lmtp; /* where it listens; lmtp may be a path: a Unix socket */
	char hostname[256];                  /* in the greeting, in Received */
	char **domains;                      /* owned, texts too, in lower case: ours beside "localhost", the hostname
	                                        and address literals */
	uint32_t n_domains;
	bool with_tls; /* there is a certificate: STARTTLS is offered */
	struct tls_config tls_files;
	bool tls_required;        /* without TLS nothing but STARTTLS */
	struct smtp_users *users; /* owned; NULL = no AUTH */
	struct cidr *proxies;     /* owned: peers that must begin with the PROXY protocol; nobody else may */
	uint32_t n_proxies;
	char postmaster[LIMIT_QUEUE_NAME + 1]; /* the admin queue */
	struct smtp_policy rest;               /* of queues without a section */
	struct smtp_policy *policies;          /* owned, sorted by queue */
	uint32_t n_policies;
	uint64_t size;          /* bytes of one mail */
	uint32_t connections;   /* in all; 0 = by the number of files that may be open */
	uint32_t per_address;   /* of one address */
	bool per_address_given; /* else it is no bound for this machine */
	uint64_t idle_ms;       /* between commands, and between bytes */
	uint64_t data_ms;       /* absolute deadline of DATA, or of all chunks of a mail */
	uint64_t data_rate;     /* bytes per second that a mail comes with at least, after DATA_GRACE */
	uint64_t answer_ms;     /* how long the broker may take before the answer is 451 */
	char *spool;            /* owned: directory for mails that are too large for memory */
	uint64_t spool_bytes;   /* in all of it at most */
};

/* Reads and checks the options that broker/smtp/smtp_options.h lists, and the file's sections of queues. prefix: what
 * the options' names begin with, "smtp-" or "". spool: the directory unless another is given; copied. All that is wrong
 * goes to m. smtp_config_fini in any case. */
void smtp_config_read(struct smtp_config *c, const struct options *o, const char *prefix, const char *spool,
                      struct mistakes *m);
void smtp_config_fini(struct smtp_config *c);

/* Whether it may listen where it is told to: off this machine only if somebody may send from there. -1 with a sentence.
 * insecure: it may, and if nobody is named, everybody may send to every queue. */
MUST_CHECK int smtp_config_guard(struct smtp_config *c, const char *prefix, bool insecure, char err[OPTIONS_ERR]);

/* Reads what start-up would read beside the options: certificate and key, the spool's directory. What is wrong goes to
 * m. */
void smtp_config_check(const struct smtp_config *c, const struct options *o, const char *prefix, struct mistakes *m);

/* Whether any of its addresses is given. */
static inline bool smtp_wanted(const struct smtp_config *c)
{
	return c->smtp.host[0] != '\0' || c->tls.host[0] != '\0' || c->lmtp.host[0] != '\0';
}

/* The policy of a queue. */
const struct smtp_policy *smtp_policy_of(const struct smtp_config *c, struct span queue);

/* Who sends a mail, as far as it decides whether it may. */
struct smtp_sender {
	struct cidr_address peer; /* of the client, or what a trusted proxy says of it; family 0: a Unix socket */
	bool tls;
	const char *user; /* authenticated; NULL = not */
	struct span from; /* the envelope's sender without <>, in lower case; empty for <> */
};

enum smtp_may {
	SMTP_MAY,
	SMTP_MAY_NOT,    /* 550 5.7.1 */
	SMTP_MAY_IF_AUTH /* 530 5.7.0: it could, were it authenticated */
};
/* Whether a queue takes this sender's mail. */
enum smtp_may smtp_policy_may(const struct smtp_policy *p, const struct smtp_sender *s);

#endif
