/* The files of time zones, as the machine has them (package tzdata). */
#ifndef SHEAF_BROKER_ZONEFILE_H
#define SHEAF_BROKER_ZONEFILE_H

#include "base/buf.h"

/* Appends the bytes of the zone's file to `out`. False with *why, a static text, if there is none or it is none that
 * could be one. The directory is $TZDIR, or /usr/share/zoneinfo; no name leads out of it. */
MUST_CHECK bool zonefile_read(const char *name, struct buf *out, const char **why);

#endif
