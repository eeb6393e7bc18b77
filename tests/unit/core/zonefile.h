/* Time zones as the machine has them, for tests. */
#ifndef SHEAF_TESTS_UNIT_CORE_ZONEFILE_H
#define SHEAF_TESTS_UNIT_CORE_ZONEFILE_H

#include "base/buf.h"
#include "broker/core/zone.h"

#define ZONES "/usr/share/zoneinfo"

/* The bytes of a file; false if it cannot be read. */
bool zonefile_read(const char *path, struct buf *out);

/* The zone with this name; the test fails if there is none. NULL for "UTC". The caller frees it. */
struct zone *zonefile_load(const char *name);

/* Makes the C library's local time that of the zone. */
void zonefile_use(const char *name);

/* How far the wall is ahead of UTC, as the C library has it. */
long zonefile_offset(int64_t t);

#endif
