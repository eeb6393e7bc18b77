/* What the broker says to mail: of a queue, and of a mail. */
#ifndef SHEAF_SMTP_STORE_VERDICT_H
#define SHEAF_SMTP_STORE_VERDICT_H

#include <stdint.h>

/* What a queue is now, as far as mail is concerned. */
enum store_queue {
	STORE_THERE,
	STORE_MISSING,
	STORE_PAUSED,
	STORE_CLOSED /* drained */,
	STORE_AWAY /* the broker is */
};

/* How a mail went. */
enum store_verdict {
	STORE_OK,
	STORE_REFUSED_FULL,  /* 452 4.3.1 */
	STORE_REFUSED_AWAY,  /* 451 4.3.0: no answer in time, draining, busy, journal failed, unreadable spool */
	STORE_REFUSED_LARGE, /* 552 5.3.4 */
	STORE_REFUSED_GONE,  /* 451 4.3.0: a queue was deleted or drained meanwhile; the next RCPT tells */
	STORE_REFUSED_BAD    /* 550 5.6.0: what the mail asks for cannot be done */
};
struct store_outcome {
	enum store_verdict verdict;
	const char *text;    /* of a refusal: a sentence */
	const uint64_t *ids; /* of each recipient's job, when it went well */
	uint32_t n;
};

#endif
