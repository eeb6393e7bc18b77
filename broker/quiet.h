/* Log lines that a stranger can cause: one for each peer and minute, and no more than there are places. */
#ifndef SHEAF_BROKER_QUIET_H
#define SHEAF_BROKER_QUIET_H

#include <stdbool.h>
#include <stdint.h>

enum { QUIET_PLACES = 64, QUIET_MS = 60000, QUIET_WHO = 64 };

struct quiet {
	struct {
		char who[QUIET_WHO];
		uint64_t at;   /* mono_ms of its last line, and one; 0 = a free place */
		uint32_t more; /* times since then without a line */
	} v[QUIET_PLACES];
};

/* Whether a line about `who` may be written now; *more is how often it was kept from being since the last. */
bool quiet_may(struct quiet *q, const char *who, uint64_t mono_ms, uint32_t *more);

#endif
