/* Paths of MAIL and RCPT (RFC 5321, 4.1.2; RFC 6531): <local@domain>, quoted or not, source routes thrown away. Pure.
 */
#ifndef SHEAF_SMTP_PATH_H
#define SHEAF_SMTP_PATH_H

#include "base/must.h"
#include "base/span.h"
#include "proto/limits.h"

struct path {
	char text[LIMIT_MAIL_PATH + 1];   /* as written, without <> and route; empty = <> */
	char local[LIMIT_MAIL_LOCAL + 1]; /* unquoted */
	uint32_t local_n;
	char domain[LIMIT_MAIL_DOMAIN + 1]; /* in lower case; empty = none; of a literal [] and what
	                                     * cidr_show says, "ipv6:" before it if it is: "[ipv6:::1]" */
	bool utf8;                          /* it has bytes that are not ASCII; they are good UTF-8 */
	bool quoted;                        /* the local part was quoted */
};

enum path_fault {
	PATH_FINE,
	PATH_SYNTAX,  /* 501 5.1.3 (recipient) or 5.1.7 (sender) */
	PATH_TOO_LONG /* the same code: *why names the bound */
};
/* Reads a path at the beginning of *rest and moves *rest behind it. Without a domain only <> (empty allowed) and
 * <postmaster> are paths. *why: a constant sentence. */
MUST_CHECK enum path_fault path_read(struct span *rest, struct path *p, const char **why);

/* A domain or an address literal as in EHLO: letters, digits, '-', '.', '_' or "[...]"; false = it is none. */
bool path_domain_ok(struct span text);

#endif
