/* See folder.h. */
#include "tests/unit/keys/folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char folder[FOLDER_PATH];

void folder_make(void)
{
	snprintf(folder, sizeof folder, "/tmp/sheaf-keys-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void folder_remove(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *folder_path(const char *name)
{
	static char paths[4][2 * FOLDER_PATH];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

void folder_write(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(folder_path(name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	fclose(f);
	ck_assert_int_eq(chmod(folder_path(name), mode), 0);
}

void folder_read(const char *name, char *to, size_t n)
{
	FILE *f = fopen(folder_path(name), "r");
	size_t got;

	ck_assert_ptr_nonnull(f);
	got = fread(to, 1, n - 1, f);
	fclose(f);
	to[got] = 0;
}
