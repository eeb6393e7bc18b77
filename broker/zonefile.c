/* See zonefile.h. */
#include "broker/zonefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/core/zone.h"
#include "proto/limits.h"

static const char STANDARD[] = "/usr/share/zoneinfo";

static const char *directory(void)
{
	const char *dir = getenv("TZDIR"); /* NOLINT(concurrency-mt-unsafe): nobody sets it */

	return dir != NULL && dir[0] == '/' ? dir : STANDARD;
}

static const char *open_failed(void)
{
	if (errno != ENOENT && errno != ENOTDIR)
		return "its file cannot be opened";
	return access(directory(), R_OK) == 0 ? "there is no such zone on the broker's machine"
	                                      : "the broker's machine has no time zones: install the package tzdata";
}

static bool read_all(int fd, struct buf *out)
{
	for (;;) {
		ssize_t n = read(fd, buf_room(out, LIMIT_ZONE_BYTES), LIMIT_ZONE_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		out->n += (size_t)n;
		if (out->n > LIMIT_ZONE_BYTES)
			return false;
	}
}

bool zonefile_read(const char *name, struct buf *out, const char **why)
{
	char path[512];
	struct stat st;
	bool good = false;
	int fd;

	must(zone_name_ok(span_str(name)));
	if (snprintf(path, sizeof path, "%s/%s", directory(), name) >= (int)sizeof path) {
		*why = "the path of its file is too long";
		return false;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		*why = open_failed();
		return false;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		*why = "there is no such zone on the broker's machine";
	else if (st.st_size > (off_t)LIMIT_ZONE_BYTES || !read_all(fd, out))
		*why = "its file cannot be read, or is larger than 64 KiB";
	else
		good = true;
	close(fd);
	return good;
}
