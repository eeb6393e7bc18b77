/* See cpus.h. */
#include "worker/cpus.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t share(long quota, long period)
{
	if (quota <= 0 || period <= 0)
		return 0;
	quota = quota / period + (quota % period != 0);
	return quota < UINT32_MAX ? (uint32_t)quota : UINT32_MAX;
}

uint32_t cpus_from_v2(const char *text)
{
	char *end;
	long quota = strtol(text, &end, 10);

	return end == text ? 0 : share(quota, strtol(end, NULL, 10)); /* "max 100000": no limit */
}

uint32_t cpus_from_v1(const char *quota, const char *period)
{
	return share(strtol(quota, NULL, 10), strtol(period, NULL, 10));
}

static int read_text(const char *dir, const char *cgroup, const char *name, char out[128])
{
	char path[1024];
	size_t n;
	FILE *f;

	if (snprintf(path, sizeof path, "%s%s/%s", dir, cgroup, name) >= (int)sizeof path)
		return -1;
	f = fopen(path, "re");
	if (f == NULL)
		return -1;
	n = fread(out, 1, 127, f);
	fclose(f);
	out[n] = '\0';
	return 0;
}

/* The quota of one cgroup. */
static uint32_t quota_of(const char *cgroup)
{
	char text[128], period[128];

	if (read_text("/sys/fs/cgroup", cgroup, "cpu.max", text) == 0)
		return cpus_from_v2(text);
	if (read_text("/sys/fs/cgroup/cpu", cgroup, "cpu.cfs_quota_us", text) == 0 &&
	    read_text("/sys/fs/cgroup/cpu", cgroup, "cpu.cfs_period_us", period) == 0)
		return cpus_from_v1(text, period);
	return 0;
}

/* The tightest quota from our cgroup up to the root; inside a container the own one stands at the root. */
static uint32_t cgroup_cpus(void)
{
	char line[512], *path, *slash;
	uint32_t least = quota_of(""), n;
	FILE *f = fopen("/proc/self/cgroup", "re");

	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		path = strchr(line, ':');
		path = path != NULL ? strchr(path + 1, ':') : NULL;
		if (path == NULL || (strncmp(line, "0::", 3) != 0 && strstr(line, "cpu") == NULL))
			continue;
		for (path++; *path != '\0'; *slash = '\0') {
			n = quota_of(path);
			if (n > 0 && (least == 0 || n < least))
				least = n;
			slash = strrchr(path, '/');
			if (slash == NULL)
				break;
		}
	}
	if (f != NULL)
		fclose(f);
	return least;
}

uint32_t cpus_usable(void)
{
	uint32_t n = 1, quota = cgroup_cpus();
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) == 0)
		n = (uint32_t)CPU_COUNT(&set);
	if (quota > 0 && quota < n)
		n = quota;
	return n > 0 ? n : 1;
}
