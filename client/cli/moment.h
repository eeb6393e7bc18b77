/* Times of schedules as people read them: what the wall shows in the schedule's zone, and how far that is from now. */
#ifndef SHEAF_CLI_MOMENT_H
#define SHEAF_CLI_MOMENT_H

#include "proto/msg.h"

enum { MOMENT = 40 };

/* "Tue 2026-11-24 13:00:00+01:00", with milliseconds only where there are some; "-" for none. */
const char *moment_show(const struct msg_cron_time *t, char out[MOMENT]);
/* "in 3m12s", "12d ago"; "" for none. */
const char *moment_distance(const struct msg_cron_time *t, uint64_t now_ms, char out[MOMENT]);
/* RFC 3339: "2026-11-24T13:00:00.000+01:00". */
const char *moment_local(const struct msg_cron_time *t, char out[MOMENT]);

#endif
