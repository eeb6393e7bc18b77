/* See scratch.h. */
#include "worker/scratch.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"

enum { OPEN_MOST = 16 };

static bool make(char *path)
{
	return mkdtemp(path) != NULL;
}

bool scratch_open(char base[SCRATCH_PATH])
{
	const char *tmp = getenv("TMPDIR");

	text_format(base, SCRATCH_PATH, "%.400s/sheaf-worker-XXXXXX", tmp != NULL && *tmp == '/' ? tmp : "/tmp");
	return make(base);
}

bool scratch_make(const char *base, char path[SCRATCH_PATH])
{
	text_format(path, SCRATCH_PATH, "%.480s/job-XXXXXX", base);
	return make(path);
}

/* A directory that a job has closed up is opened first. */
static int open_up(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	if (type == FTW_D || type == FTW_DNR)
		chmod(path, 0700);
	return 0;
}

static int take_away(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path) == 0 || errno == ENOENT ? 0 : 1;
}

bool scratch_remove(const char *path)
{
	int flags = FTW_DEPTH | FTW_PHYS | FTW_MOUNT;

	if (nftw(path, take_away, OPEN_MOST, flags) == 0)
		return true;
	nftw(path, open_up, OPEN_MOST, FTW_PHYS | FTW_MOUNT);
	return nftw(path, take_away, OPEN_MOST, flags) == 0 || errno == ENOENT;
}
