/* A spool on a disk that is full, broken, slow, or of another kind. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "broker/smtp/spool.h"
#include "tests/unit/base/suite.h"

enum { MANY = 1 << 20 };

/* What the next calls do. */
static struct {
	int open_errno;     /* of O_TMPFILE */
	int allocate_errno; /* of fallocate */
	int write_errno;
	bool write_some; /* half of what was asked for, and every other call is interrupted */
	uint32_t opens, writes;
} disk;

static char dir[64];
static struct spool_room room;
static uint8_t *bytes;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_fallocate(int fd, int mode, off_t from, off_t n);
int __wrap_fallocate(int fd, int mode, off_t from, off_t n);
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);

static int fails(int with)
{
	errno = with;
	return -1;
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = va_arg(args, mode_t);
	va_end(args);
	disk.opens++;
	if (disk.open_errno != 0 && (flags & O_TMPFILE) == O_TMPFILE)
		return fails(disk.open_errno);
	return __real_open(path, flags, mode);
}

int __wrap_fallocate(int fd, int mode, off_t from, off_t n)
{
	return disk.allocate_errno != 0 ? fails(disk.allocate_errno) : __real_fallocate(fd, mode, from, n);
}

ssize_t __wrap_write(int fd, const void *p, size_t n)
{
	disk.writes++;
	if (disk.write_errno != 0)
		return fails(disk.write_errno);
	if (disk.write_some && disk.writes % 2 == 1)
		return fails(EINTR);
	return __real_write(fd, p, disk.write_some ? (n + 1) / 2 : n);
}

static void setup(void)
{
	memset(&disk, 0, sizeof disk);
	memcpy(dir, "/tmp/sheaf-spool-XXXXXX", 24);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	room = (struct spool_room){ .dir = dir, .limit = UINT64_C(1) << 30 };
	bytes = malloc(MANY);
	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; i < MANY; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
}

static void teardown(void)
{
	free(bytes);
	ck_assert_uint_eq(room.used, 0);
	ck_assert_int_eq(rmdir(dir), 0); /* nothing has a name there */
}

static void works(void)
{
	struct spool *s = spool_new(&room);
	struct span whole;

	for (size_t at = 0; at < MANY; at += 4096)
		ck_assert_int_eq(spool_put(s, span_of(bytes + at, 4096)), SPOOL_OK);
	ck_assert(spool_whole(s, &whole));
	ck_assert(span_eq(whole, span_of(bytes, MANY)));
	spool_free(s);
}

START_TEST(without_tmpfile)
{
	disk.open_errno = EOPNOTSUPP;
	works();
	disk.open_errno = EISDIR; /* what a kernel before 3.11 says */
	works();
	ck_assert_uint_ge(disk.opens, 2);
}
END_TEST

START_TEST(without_allocation)
{
	disk.allocate_errno = EOPNOTSUPP;
	works();
}
END_TEST

START_TEST(short_and_interrupted_writes)
{
	disk.write_some = true;
	works();
}
END_TEST

START_TEST(small_runs_cost_few_calls)
{
	struct spool *s = spool_new(&room);

	for (size_t at = 0; at < MANY; at += 4)
		ck_assert_int_eq(spool_put(s, span_of(bytes + at, 4)), SPOOL_OK);
	ck_assert_uint_le(disk.writes, MANY / SPOOL_MEMORY + 1);
	spool_free(s);
}
END_TEST

static void refused(enum spool_put as)
{
	struct spool *s = spool_new(&room);
	enum spool_put r = SPOOL_OK;
	struct span whole;

	for (size_t at = 0; at < MANY && r == SPOOL_OK; at += 4096)
		r = spool_put(s, span_of(bytes + at, 4096));
	ck_assert_int_eq(r, as);
	ck_assert_int_eq(spool_put(s, span_of(bytes, 1)), as); /* and so it stays */
	ck_assert(!spool_whole(s, &whole));
	spool_free(s);
	ck_assert_uint_eq(room.used, 0);
}

START_TEST(full)
{
	disk.allocate_errno = ENOSPC;
	refused(SPOOL_FULL);
	disk.allocate_errno = EDQUOT;
	refused(SPOOL_FULL);
	disk.allocate_errno = EOPNOTSUPP;
	disk.write_errno = ENOSPC;
	refused(SPOOL_FULL);
}
END_TEST

START_TEST(broken)
{
	disk.write_errno = EIO;
	refused(SPOOL_BROKEN);
	disk.write_errno = 0;
	disk.allocate_errno = EIO;
	refused(SPOOL_BROKEN);
	disk.allocate_errno = 0;
	disk.open_errno = EACCES;
	refused(SPOOL_BROKEN);
	disk.open_errno = EMFILE;
	refused(SPOOL_BROKEN);
}
END_TEST

/* What was not written yet is written when it is read back: that may fail too. */
START_TEST(broken_at_the_end)
{
	struct spool *s = spool_new(&room);
	struct span whole;

	ck_assert_int_eq(spool_put(s, span_of(bytes, SPOOL_MEMORY)), SPOOL_OK);
	ck_assert_int_eq(spool_put(s, span_of(bytes, 100)), SPOOL_OK);
	disk.write_errno = EIO;
	ck_assert(!spool_whole(s, &whole));
	ck_assert(!spool_whole(s, &whole));
	spool_free(s);
}
END_TEST

/* A real one that is full, where the tests may mount one. */
START_TEST(a_small_disk)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("spool", dir, "tmpfs", 0, "size=512k") != 0)
		return;
	refused(SPOOL_FULL);
	disk.allocate_errno = EOPNOTSUPP;
	refused(SPOOL_FULL);
	disk.open_errno = EOPNOTSUPP;
	refused(SPOOL_FULL);
	ck_assert_int_eq(umount(dir), 0);
}
END_TEST

int main(void)
{
	const TTest *const all[] = { without_tmpfile,
		                     without_allocation,
		                     short_and_interrupted_writes,
		                     small_runs_cost_few_calls,
		                     full,
		                     broken,
		                     broken_at_the_end,
		                     a_small_disk };
	Suite *s = suite_create("spool_faults");
	TCase *tc = tcase_create("spool_faults");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		tcase_add_test(tc, all[i]);
	suite_add_tcase(s, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
