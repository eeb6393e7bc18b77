/* Moments as people type them: RFC 3339, such as 2026-11-24T12:00:00Z or 2026-11-24T13:00:00.5+01:00. */
#ifndef SHEAF_CLI_WHEN_H
#define SHEAF_CLI_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

/* Milliseconds since 1970. A blank may stand for the T, and the fraction may be missing; the zone may not. */
MUST_CHECK bool when_parse(const char *text, uint64_t *ms);

#endif
