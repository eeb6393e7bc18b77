/* How many CPUs this process may use: its affinity, and its cgroup's quota. */
#ifndef SHEAF_WORKER_CPUS_H
#define SHEAF_WORKER_CPUS_H

#include <stdint.h>

/* At least 1. */
uint32_t cpus_usable(void);

/* CPUs that a cgroup's quota allows, rounded up; 0 = no limit. `v2`: the text of cpu.max; else of
 * cpu.cfs_quota_us with the period's beside it. */
uint32_t cpus_from_v2(const char *cpu_max);
uint32_t cpus_from_v1(const char *quota, const char *period);

#endif
