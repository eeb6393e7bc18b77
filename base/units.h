/* Durations (500ms 30s 5m 2h 7d) and sizes (512 64K 16M 2G) as people type them. */
#ifndef SHEAF_BASE_UNITS_H
#define SHEAF_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

/* Parses a duration into milliseconds: a whole or decimal number followed by ms, s, m, h or d; a bare 0
 * is 0. False for anything else or for more than 10 years; *ms is then untouched. */
MUST_CHECK bool units_duration(const char *text, uint64_t *ms);

/* Parses a size into bytes: a whole number, then nothing, K, M, G or T (powers of 1024, an optional B
 * or iB behind). False for anything else or an overflow; *bytes is then untouched. */
MUST_CHECK bool units_size(const char *text, uint64_t *bytes);

/* Parses a whole number within [min, max]; false otherwise. */
MUST_CHECK bool units_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Writes a duration for people, such as 850ms, 12.3s or 4m05s, into `out` of at least 24 bytes. */
const char *units_show_duration(uint64_t ms, char out[24]);

/* Writes a duration exactly, as one would type it, such as 1500ms, 30s or 2h, into `out` of at least 24 bytes. */
const char *units_type_duration(uint64_t ms, char out[24]);

/* Writes a size for people, such as 512 B or 1.5 GiB, into `out` of at least 24 bytes. */
const char *units_show_size(uint64_t bytes, char out[24]);

#endif
