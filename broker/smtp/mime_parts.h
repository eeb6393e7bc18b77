/* How a mail is made of parts (RFC 2046). */
#ifndef SHEAF_SMTP_MIME_PARTS_H
#define SHEAF_SMTP_MIME_PARTS_H

#include <stdint.h>

#include "base/must.h"
#include "base/span.h"
#include "proto/limits.h"

/* One that has no parts of its own; a message in a message is one, too. Spans borrow from the mail. */
struct mime_part {
	struct _GMimeContentType *type;               /* owned */
	struct _GMimeContentDisposition *disposition; /* owned; NULL = it has none */
	int encoding;                                 /* GMimeContentEncoding */
	struct span id;                               /* Content-ID with its <>; may be empty */
	struct span body;                             /* still encoded */
};

struct mime_parts {
	struct mime_part v[LIMIT_MIME_PARTS];
	uint32_t n;     /* of v */
	uint32_t seen;  /* containers too */
	uint32_t lines; /* that were looked at, once for each container around them */
};

/* NULL, or a phrase: it is beyond the bounds, or cannot be read. */
MUST_CHECK const char *mime_parts_read(struct mime_parts *parts, struct span mail);
void mime_parts_fini(struct mime_parts *parts);

#endif
