/* The header fields of a mail, one after the other, as they stand there. Pure. */
#ifndef SHEAF_SMTP_HEAD_H
#define SHEAF_SMTP_HEAD_H

#include "base/must.h"
#include "base/span.h"

/* Borrows from the mail. */
struct head_field {
	struct span name;  /* before the colon; empty: a line that is no field */
	struct span value; /* behind it, folds included; without the end of its last line */
	struct span whole; /* all its lines with their ends */
};

/* The field at the beginning of *rest, which moves behind it. False: the headers have ended, and *rest begins with the
 * empty line before the body, or is at its end. Lines end in LF; a CR before it belongs to the end. */
MUST_CHECK bool head_next(struct span *rest, struct head_field *f);
/* Whether that is its name, in any case. */
bool head_is(const struct head_field *f, const char *name);

#endif
