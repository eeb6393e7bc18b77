/* See store.h. */
#include "broker/journal/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/le.h"
#include "base/text.h"
#include "broker/core/log.h"

enum { FILE_VERSION = 1, FILL = 1 << 20 };

static const uint64_t FILE_MAGIC = 0x31676c6661656853; /* "Sheaflg1" */

static int fail(char *err, const char *what, const char *dir, const char *name)
{
	text_format(err, STORE_ERR, "%s %s/%s: %s", what, dir, name, strerror(errno));
	return -1;
}

static void segment_name(char out[64], uint64_t number)
{
	text_format(out, 64, "%016" PRIx64 ".seg", number);
}

static int open_in(const char *dir, const char *name, int flags)
{
	char path[STORE_PATH];

	text_format(path, sizeof path, "%s/%s", dir, name);
	return open(path, flags | O_CLOEXEC, 0600);
}

static int rename_in(const char *dir, const char *from, const char *to)
{
	char a[STORE_PATH], b[STORE_PATH];

	text_format(a, sizeof a, "%s/%s", dir, from);
	text_format(b, sizeof b, "%s/%s", dir, to);
	return rename(a, b);
}

static int unlink_in(const char *dir, const char *name)
{
	char path[STORE_PATH];

	text_format(path, sizeof path, "%s/%s", dir, name);
	return unlink(path);
}

/* Makes names durable. */
static int sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return -1;
	r = fsync(fd);
	close(fd);
	return r;
}

static void read_pid(int fd, char *pid, size_t n)
{
	ssize_t got = pread(fd, pid, n - 1, 0);

	pid[got > 0 ? got : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
}

int store_lock(const char *dir, bool read_only, int *out, char *err)
{
	char pid[32];
	int fd, n;

	if (!read_only && mkdir(dir, 0700) != 0 && errno != EEXIST)
		return fail(err, "cannot make the data directory", dir, "");
	fd = open_in(dir, "lock", read_only ? O_RDWR : O_RDWR | O_CREAT);
	if (fd < 0 && read_only && (errno == ENOENT || errno == EROFS || errno == EACCES)) {
		*out = -1;
		return access(dir, R_OK | X_OK) == 0 ? 0 : fail(err, "cannot read the data directory", dir, "");
	}
	if (fd < 0)
		return fail(err, "cannot write to the data directory:", dir, "lock");
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		read_pid(fd, pid, sizeof pid);
		text_format(err, STORE_ERR, "the data directory %s is in use by another sheafd%s%s", dir,
		            pid[0] ? ", process " : "", pid);
		close(fd);
		return -1;
	}
	if (!read_only) {
		n = (int)text_format(pid, sizeof pid, "%ld\n", (long)getpid());
		if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
			fail(err, "cannot write to the data directory:", dir, "lock");
			close(fd);
			return -1;
		}
	}
	*out = fd;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int store_list(const char *dir, uint64_t **v, uint32_t *n, char *err)
{
	uint32_t cap = 0;
	struct dirent *e;
	DIR *d = opendir(dir);

	if (d == NULL)
		return fail(err, "cannot read the data directory", dir, "");
	*v = NULL;
	*n = 0;
	while ((e = readdir(d)) != NULL) {
		char *end;
		uint64_t number;

		if (strlen(e->d_name) != 20 || strcmp(e->d_name + 16, ".seg") != 0)
			continue;
		number = strtoull(e->d_name, &end, 16);
		if (end != e->d_name + 16)
			continue;
		if (*n == cap) {
			cap = cap ? 2 * cap : 16;
			*v = realloc(*v, cap * sizeof **v);
			must(*v != NULL);
		}
		(*v)[(*n)++] = number;
	}
	closedir(d);
	if (*n > 0)
		qsort(*v, *n, sizeof **v, by_number);
	return 0;
}

bool store_read(int fd, uint8_t *p, uint64_t n, uint64_t offset)
{
	while (n > 0) {
		ssize_t got = pread(fd, p, n, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		n -= (uint64_t)got;
		offset += (uint64_t)got;
	}
	return true;
}

void store_read_what(int fd, uint8_t *p, uint64_t n, uint64_t offset)
{
	uint64_t done = 0;

	while (done < n) {
		ssize_t got = pread(fd, p + done, n - done, (off_t)(offset + done));
		uint64_t skip = 4096 - (offset + done) % 4096; /* a bad sector costs no more than its page */

		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			skip = n - done;
		if (got <= 0) {
			skip = skip < n - done ? skip : n - done;
			memset(p + done, 0, skip);
			done += skip;
		} else {
			done += (uint64_t)got;
		}
	}
}

bool store_write(int fd, const uint8_t *p, uint64_t n, uint64_t offset)
{
	while (n > 0) {
		ssize_t put = pwrite(fd, p, n, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		p += put;
		n -= (uint64_t)put;
		offset += (uint64_t)put;
	}
	return true;
}

static void header_make(uint8_t h[64], uint64_t number, uint64_t bytes)
{
	memset(h, 0, 64);
	le_put64(h, FILE_MAGIC);
	le_put32(h + 8, FILE_VERSION);
	le_put64(h + 16, number);
	le_put64(h + 24, bytes);
	le_put32(h + 60, crc32c(0, h, 60));
}

int store_open_segment(const char *dir, uint64_t number, bool writable, int *out, enum store_header *header,
                       uint64_t *bytes, char *err)
{
	uint8_t h[64];
	char name[64];
	int fd;

	segment_name(name, number);
	fd = open_in(dir, name, writable ? O_RDWR : O_RDONLY);
	if (fd < 0)
		return fail(err, "cannot open", dir, name);
	*header = STORE_DAMAGED;
	*bytes = 0;
	if (store_read(fd, h, sizeof h, 0) && le_get64(h) == FILE_MAGIC && le_get32(h + 60) == crc32c(0, h, 60)) {
		*bytes = le_get64(h + 24);
		*header = le_get32(h + 8) > FILE_VERSION ? STORE_NEWER
		          : le_get64(h + 16) == number   ? STORE_GOOD
		                                         : STORE_DAMAGED;
	}
	*out = fd;
	return 0;
}

/* Fills a file with zeros up to `bytes`, really written, so that later syncs have no metadata to write. */
static bool fill(int fd, uint64_t from, uint64_t bytes)
{
	uint8_t *zeros = calloc(1, FILL);
	bool ok = true;

	must(zeros != NULL);
	for (uint64_t at = from; ok && at < bytes; at += FILL)
		ok = store_write(fd, zeros, bytes - at < FILL ? bytes - at : FILL, at);
	free(zeros);
	return ok;
}

/* The name of a spare segment. */
static bool pool_name(const char *dir, char name[64])
{
	struct dirent *e;
	DIR *d = opendir(dir);
	bool found = false;

	while (d != NULL && !found && (e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, "pool-", 5) == 0 && strlen(e->d_name) < 64) {
			text_format(name, 64, "%.63s", e->d_name);
			found = true;
		}
	}
	if (d != NULL)
		closedir(d);
	return found;
}

/* Whether a new segment fits, so that a full disk is not written to the brim in vain again and again. */
static bool has_room(const char *dir, uint64_t bytes)
{
	struct statvfs fs;

	if (statvfs(dir, &fs) != 0 || (uint64_t)fs.f_bavail * fs.f_frsize >= bytes)
		return true;
	errno = ENOSPC;
	return false;
}

int store_prepare(const char *dir, uint64_t number, uint64_t bytes, char *err)
{
	char name[64], spare[64];
	struct stat st;
	uint8_t h[64];
	bool reuse = pool_name(dir, spare);
	int fd;

	if (!reuse)
		text_format(spare, sizeof spare, "new-%" PRIx64, number);
	if (!reuse && !has_room(dir, bytes))
		return fail(err, "cannot prepare a segment", dir, spare);
	fd = open_in(dir, spare, O_RDWR | O_CREAT);
	if (fd < 0)
		return fail(err, "cannot make", dir, spare);
	header_make(h, number, bytes);
	if (fstat(fd, &st) != 0 || ((uint64_t)st.st_size != bytes && (ftruncate(fd, 0) != 0 || !fill(fd, 0, bytes))) ||
	    !store_write(fd, h, sizeof h, 0) || fsync(fd) != 0) {
		int e = errno;

		close(fd);
		if (!reuse)
			unlink_in(dir, spare);
		errno = e;
		return fail(err, "cannot prepare a segment", dir, spare);
	}
	close(fd);
	segment_name(name, number);
	if (rename_in(dir, spare, name) != 0 || sync_dir(dir) != 0)
		return fail(err, "cannot name a segment", dir, name);
	return 0;
}

int store_retire(const char *dir, uint64_t number, char *err)
{
	char name[64], pool[64];

	segment_name(name, number);
	text_format(pool, sizeof pool, "pool-%" PRIx64, number);
	if (rename_in(dir, name, pool) != 0 && errno != ENOENT)
		return fail(err, "cannot retire", dir, name);
	/* in order, so that a crash never leaves a gap; and before the file can be used again */
	return sync_dir(dir) == 0 ? 0 : fail(err, "cannot retire", dir, name);
}

uint32_t store_pool(const char *dir)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	uint32_t n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += strncmp(e->d_name, "pool-", 5) == 0;
	if (d != NULL)
		closedir(d);
	return n;
}

void store_shrink(const char *dir)
{
	char name[64];

	if (pool_name(dir, name))
		unlink_in(dir, name);
}

int store_rewrite(const char *dir, uint64_t number, uint64_t bytes, const uint8_t *p, uint64_t used, char *err)
{
	char name[64];
	int fd = open_in(dir, "rewrite", O_RDWR | O_CREAT | O_TRUNC);

	segment_name(name, number);
	if (fd < 0)
		return fail(err, "cannot make", dir, "rewrite");
	if (!fill(fd, 0, bytes) || !store_write(fd, p, used, 0) || fsync(fd) != 0) {
		fail(err, "cannot rewrite", dir, name);
		close(fd);
		unlink_in(dir, "rewrite");
		return -1;
	}
	close(fd);
	if (rename_in(dir, "rewrite", name) != 0 || sync_dir(dir) != 0)
		return fail(err, "cannot rewrite", dir, name);
	return 0;
}

int store_mend(const char *dir, uint64_t number, uint64_t bytes, char *err)
{
	enum store_header header;
	uint64_t named, size;
	struct stat st;
	uint8_t h[64];
	char name[64];
	bool ok, good;
	int fd;

	if (store_open_segment(dir, number, true, &fd, &header, &named, err) != 0)
		return -1;
	ok = fstat(fd, &st) == 0;
	size = ok ? (uint64_t)st.st_size : 0;
	good = header == STORE_GOOD && size >= bytes;
	header_make(h, number, bytes);
	if (ok && !good)
		ok = (size >= bytes || fill(fd, size, bytes)) && store_write(fd, h, sizeof h, 0) && fsync(fd) == 0;
	close(fd);
	segment_name(name, number);
	return ok ? 0 : fail(err, "cannot mend", dir, name);
}

void store_tidy(const char *dir)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d != NULL && (e = readdir(d)) != NULL)
		if (strncmp(e->d_name, "new-", 4) == 0 || strcmp(e->d_name, "rewrite") == 0)
			unlink_in(dir, e->d_name);
	if (d != NULL)
		closedir(d);
}

void store_mark_failed(const char *dir)
{
	int fd = open_in(dir, "failed", O_WRONLY | O_CREAT);

	if (fd >= 0)
		close(fd);
}

bool store_is_failed(const char *dir)
{
	int fd = open_in(dir, "failed", O_RDONLY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void store_clear_failed(const char *dir)
{
	unlink_in(dir, "failed");
}

int store_quarantine(const char *dir, uint64_t position, const uint8_t *p, uint64_t n, char *err)
{
	char path[STORE_PATH], name[64];
	int fd;

	text_format(path, sizeof path, "%s/quarantine", dir);
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return fail(err, "cannot make", dir, "quarantine");
	text_format(name, sizeof name, "%016" PRIx64, position);
	fd = open_in(path, name, O_WRONLY | O_CREAT | O_TRUNC);
	if (fd < 0 || !store_write(fd, p, n, 0) || fsync(fd) != 0) {
		fail(err, "cannot write", path, name);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	close(fd);
	return 0;
}
