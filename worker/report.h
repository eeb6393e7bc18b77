/* What a handler says of its progress, on a line:
 *
 *	touch                   it is alive
 *	30 half done            30 percent, with a text; `30` and `30%` are fine, too
 *	- looking for hay       a text alone
 */
#ifndef SHEAF_WORKER_REPORT_H
#define SHEAF_WORKER_REPORT_H

#include "base/must.h"
#include "base/span.h"
#include "proto/limits.h"

enum { REPORT_LINE = 1024 }; /* bytes of a line */

struct report {
	uint32_t percent; /* or PERCENT_UNKNOWN */
	uint32_t n;
	char text[LIMIT_PROGRESS_TEXT];
};

/* False for a line that is none of these. */
MUST_CHECK bool report_parse(struct span line, struct report *r);

/* Makes a text of any bytes: UTF-8 without control characters, cut to LIMIT_PROGRESS_TEXT between characters. Returns
 * its bytes. */
uint32_t report_text(struct span bytes, char out[LIMIT_PROGRESS_TEXT]);

#endif
