/* Time zones: what a clock on the wall shows where people live, from the bytes of a TZif file (RFC 8536), as
 * /usr/share/zoneinfo holds them. Pure: somebody else reads the file. Any bytes may come in; what is no zone is
 * refused.
 *
 * A zone cuts time into parts in which the wall is a fixed offset ahead of UTC; at a part's end clocks are put forward
 * (local times are skipped) or back (local times come twice). Times are seconds since 1970-01-01 00:00 UTC; local times
 * are the same count of what the wall shows. */
#ifndef SHEAF_CORE_ZONE_H
#define SHEAF_CORE_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "base/span.h"

struct zone;

/* NULL with *why, a static text, if these bytes are no zone that we understand. The zone is the caller's. */
MUST_CHECK struct zone *zone_parse(struct span bytes, const char **why);
void zone_free(struct zone *z);

/* Whether a zone may be called so: names like Europe/Berlin, of letters, digits, _ + - and single slashes between them.
 * So no name leads out of the directory of zones. */
bool zone_name_ok(struct span name);
/* UTC is known without a file; in every call below it is the zone NULL. */
bool zone_name_is_utc(struct span name);

struct zone_part {
	int64_t from; /* the first second; INT64_MIN: since ever */
	int64_t to;   /* the first one behind it; INT64_MAX: for ever */
	int32_t offset;
};

/* The part that holds the time t. */
struct zone_part zone_part(const struct zone *z, int64_t t);

/* When the wall first shows this local time. One that is skipped: when it is skipped. */
int64_t zone_instant(const struct zone *z, int64_t local);

#endif
