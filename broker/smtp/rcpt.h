/* What a recipient's local part means: QUEUE[+OPTION=VALUE]*, and the X-Job-* headers, which say the same. Pure. */
#ifndef SHEAF_SMTP_RCPT_H
#define SHEAF_SMTP_RCPT_H

#include "base/must.h"
#include "base/span.h"
#include "proto/limits.h"

struct rcpt_options {
	bool has_priority, has_delay, has_expires;
	uint32_t priority;
	uint64_t delay_ms;
	uint64_t expires_ms; /* from now */
	char key[LIMIT_KEY + 1];
	uint32_t key_n; /* 0 = none */
};

struct rcpt {
	char queue[LIMIT_QUEUE_NAME + 1]; /* in lower case */
	struct rcpt_options options;
};

enum rcpt_fault {
	RCPT_FINE,
	RCPT_NO_QUEUE,   /* 550 5.1.1: no queue can have that name */
	RCPT_BAD_OPTION, /* 550 5.1.3 */
};
/* local: unquoted. why: a sentence that names option and bounds; empty if it is fine. */
enum { RCPT_WHY = 160 };
MUST_CHECK enum rcpt_fault rcpt_read(struct span local, struct rcpt *r, char why[RCPT_WHY]);

/* One option by its name ("priority", "delay", "expires", "key", in any case); NULL, or what is wrong, a constant
 * sentence. An unknown name is a fault too, and so is what is set already: it stays. */
MUST_CHECK const char *rcpt_option(struct rcpt_options *o, struct span name, struct span value);

/* Fills in what `over` does not say: address over header. */
void rcpt_merge(struct rcpt_options *over, const struct rcpt_options *under);

#endif
