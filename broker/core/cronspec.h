/* When a schedule is due: five fields as cron has them, "0,30 9-17 * * MON-FRI", a word such as @daily, or "@every
 *90s".
 *
 *	minute        0-59
 *	hour          0-23
 *	day of month  1-31
 *	month         1-12 or JAN-DEC
 *	day of week   0-7 or SUN-SAT; 0 and 7 are Sunday
 *
 * A field is *, or a list of numbers and ranges; behind * or a range /N takes each N-th of it. If both days are said
 *(no field begins with *), one of them is enough; else both must fit. So it is in Vixie's cron.
 *
 * Where clocks are changed: a schedule whose hours are said runs once for each local time; one that is skipped counts
 * when it is skipped, one that comes twice counts the first time. A schedule with * or a step in its hours goes by what
 * the wall shows, minute after minute: it does nothing in an hour that is skipped, and runs through one that comes
 * twice. */
#ifndef SHEAF_CORE_CRONSPEC_H
#define SHEAF_CORE_CRONSPEC_H

#include "broker/core/zone.h"

struct cronspec {
	uint64_t every_ms; /* so often, from an anchor on; 0 = the fields say it */
	uint64_t minutes;  /* bit n: minute n */
	uint32_t hours;
	uint32_t days; /* bits 1..31 */
	uint16_t months;
	uint8_t weekdays; /* bits 0..6 */
	bool both_days;   /* day of month and day of week must fit; else one of them */
	bool by_wall;     /* see above: hours with * or a step */
};

/* False with a sentence in `why`: which field is wrong, and what is allowed there. */
MUST_CHECK bool cronspec_parse(struct span text, struct cronspec *out, char *why, size_t size);

#define CRON_NEVER UINT64_MAX

/* The first time after `after_ms` that it is due, by the zone's wall; @every counts from `anchor_ms`. Milliseconds
 * since 1970, CRON_NEVER: not within a hundred years. */
uint64_t cronspec_next(const struct cronspec *s, const struct zone *z, uint64_t anchor_ms, uint64_t after_ms);

/* The last time that it is due in (after_ms, now_ms], or CRON_NEVER. */
uint64_t cronspec_last(const struct cronspec *s, const struct zone *z, uint64_t anchor_ms, uint64_t after_ms,
                       uint64_t now_ms);

#endif
