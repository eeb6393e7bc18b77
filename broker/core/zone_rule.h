/* The rule that ends a file of a time zone: what holds for all the years to come, in the words of POSIX's TZ. */
#ifndef SHEAF_CORE_ZONE_RULE_H
#define SHEAF_CORE_ZONE_RULE_H

#include "broker/core/zone.h"

#define ZONE_OFFSET_MOST ((int64_t)26 * 3600) /* no wall is so far from UTC */
#define ZONE_TIME_MOST   ((int64_t)1 << 55)   /* no change is so far away */

enum zone_day_kind {
	DAY_JULIAN,  /* Jn: day 1..365 of a year, where February 29 is never counted */
	DAY_OF_YEAR, /* n: day 0..365 */
	DAY_OF_MONTH /* Mm.w.d: the w-th weekday d of month m; 5 = the last */
};

/* A change that comes every year. */
struct zone_day {
	enum zone_day_kind kind;
	int day, week, month;
	int32_t time; /* seconds of the local time before the change; may be negative, or more than a day */
};

struct zone_rule {
	int32_t standard; /* offset */
	int32_t summer;
	bool changes; /* false: `standard` for ever */
	struct zone_day begin, end;
};

/* "CET-1CEST,M3.5.0,M10.5.0/3". False if it is no such rule. */
MUST_CHECK bool zone_rule_parse(struct span text, struct zone_rule *out);

struct zone_part zone_rule_part(const struct zone_rule *r, int64_t t);

#endif
