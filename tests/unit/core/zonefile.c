/* See zonefile.h. */
#include "tests/unit/core/zonefile.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

bool zonefile_read(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	size_t n = 1;

	if (f == NULL)
		return false;
	while (n > 0) {
		n = fread(buf_room(out, 4096), 1, 4096, f);
		out->n += n;
	}
	fclose(f);
	return true;
}

struct zone *zonefile_load(const char *name)
{
	char path[256];
	struct buf b;
	struct zone *z;
	const char *why = "";

	if (strcmp(name, "UTC") == 0)
		return NULL;
	buf_init(&b);
	snprintf(path, sizeof path, "%s/%s", ZONES, name);
	ck_assert_msg(zonefile_read(path, &b), "%s cannot be read: install tzdata", path);
	z = zone_parse(buf_span(&b), &why);
	ck_assert_msg(z != NULL, "%s: %s", name, why);
	buf_fini(&b);
	return z;
}

void zonefile_use(const char *name)
{
	ck_assert_int_eq(setenv("TZ", name, 1), 0);
	tzset();
}

long zonefile_offset(int64_t t)
{
	time_t seconds = (time_t)t;
	struct tm tm;

	ck_assert_ptr_nonnull(localtime_r(&seconds, &tm));
	return tm.tm_gmtoff;
}
