/* Files of time zones: what is one is read, and nothing else is. */
#include "broker/zonefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/core/zone.h"
#include "proto/limits.h"
#include "tests/unit/base/suite.h"

static struct buf b;

static const char *refused(const char *name)
{
	const char *why = NULL;

	buf_clear(&b);
	ck_assert_msg(!zonefile_read(name, &b, &why), "%s", name);
	ck_assert_ptr_nonnull(why);
	return why;
}

START_TEST(test_of_the_machine)
{
	static const char *const names[] = { "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5" };
	const char *why = "";

	unsetenv("TZDIR");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct zone *z;

		buf_clear(&b);
		ck_assert_msg(zonefile_read(names[i], &b, &why), "%s: %s", names[i], why);
		z = zone_parse(buf_span(&b), &why);
		ck_assert_msg(z != NULL, "%s: %s", names[i], why);
		zone_free(z);
	}
	ck_assert_str_eq(refused("Middle/Earth"), "there is no such zone on the broker's machine");
	ck_assert_str_eq(refused("Europe"), "there is no such zone on the broker's machine"); /* a directory */
	ck_assert_str_eq(refused("Europe/Berlin/Mitte"), "there is no such zone on the broker's machine");
	buf_fini(&b);
}
END_TEST

static void write_file(const char *path, size_t n)
{
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(ftruncate(fileno(f), (off_t)n), 0);
	fclose(f);
}

START_TEST(test_of_another_directory)
{
	char dir[] = "/tmp/sheaf-zones-XXXXXX", path[64];
	const char *why = "";

	ck_assert_ptr_nonnull(mkdtemp(dir));
	setenv("TZDIR", dir, 1);
	ck_assert_str_eq(refused("Europe/Berlin"), "there is no such zone on the broker's machine");
	snprintf(path, sizeof path, "%s/Large", dir);
	write_file(path, LIMIT_ZONE_BYTES + 1);
	ck_assert_str_eq(refused("Large"), "its file cannot be read, or is larger than 64 KiB");
	write_file(path, LIMIT_ZONE_BYTES);
	buf_clear(&b);
	ck_assert(zonefile_read("Large", &b, &why));
	ck_assert_uint_eq(b.n, LIMIT_ZONE_BYTES);
	unlink(path);
	snprintf(path, sizeof path, "%s/Pipe", dir);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_str_eq(refused("Pipe"),
	                 "there is no such zone on the broker's machine"); /* and nobody waits for it */
	unlink(path);
	rmdir(dir);
	ck_assert_str_eq(refused("Europe/Berlin"),
	                 "the broker's machine has no time zones: install the package tzdata");
	buf_fini(&b);
}
END_TEST

SUITE_MAIN("zonefile", test_of_the_machine, test_of_another_directory)
