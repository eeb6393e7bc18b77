/* The two clocks, for shells: a monotonic one for leases, the wall's for what people read. */
#ifndef SHEAF_BASE_CLOCK_H
#define SHEAF_BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_mono_ms(void); /* CLOCK_MONOTONIC in milliseconds */
uint64_t clock_mono_ns(void); /* CLOCK_MONOTONIC in nanoseconds */
uint64_t clock_wall_ms(void); /* CLOCK_REALTIME in milliseconds since 1970 */

#endif
