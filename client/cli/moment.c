/* See moment.h. */
#include "client/cli/moment.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/units.h"

/* What the wall shows; false for a time that is none. */
static bool local(const struct msg_cron_time *t, struct tm *tm)
{
	time_t s = (time_t)(t->at_ms / 1000) + t->offset_s;

	return t->at_ms != 0 && gmtime_r(&s, tm);
}

static void offset(int32_t s, char out[16])
{
	uint32_t minutes = (s < 0 ? 0 - (uint32_t)s : (uint32_t)s) / 60;

	snprintf(out, 16, "%c%02u:%02u", s < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
}

const char *moment_show(const struct msg_cron_time *t, char out[MOMENT])
{
	unsigned int fraction = (unsigned int)(t->at_ms % 1000);
	char ahead[16];
	struct tm tm;
	size_t n;

	if (!local(t, &tm)) {
		snprintf(out, MOMENT, "-");
		return out;
	}
	offset(t->offset_s, ahead);
	n = strftime(out, MOMENT, "%a %F %T", &tm);
	if (fraction)
		n += (size_t)snprintf(out + n, MOMENT - n, ".%03u", fraction);
	snprintf(out + n, MOMENT - n, "%s", ahead);
	return out;
}

const char *moment_local(const struct msg_cron_time *t, char out[MOMENT])
{
	char ahead[16];
	struct tm tm;
	size_t n;

	out[0] = 0;
	if (!local(t, &tm))
		return out;
	offset(t->offset_s, ahead);
	n = strftime(out, MOMENT, "%FT%T", &tm);
	snprintf(out + n, MOMENT - n, ".%03u%s", (unsigned int)(t->at_ms % 1000), ahead);
	return out;
}

const char *moment_distance(const struct msg_cron_time *t, uint64_t now_ms, char out[MOMENT])
{
	bool past = t->at_ms <= now_ms;
	uint64_t ms = past ? now_ms - t->at_ms : t->at_ms - now_ms;
	const uint64_t day = UINT64_C(86400000);
	char span[24];

	if (t->at_ms == 0) {
		out[0] = 0;
		return out;
	}
	if (ms >= 2 * day)
		snprintf(span, sizeof span, "%" PRIu64 "d", ms / day);
	else
		units_show_duration(ms, span);
	snprintf(out, MOMENT, "%s%s%s", past ? "" : "in ", span, past ? " ago" : "");
	return out;
}
