/* What the journal refuses, and how it says so; failing and full disks. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/le.h"
#include "tests/unit/journal/kit.h"

static struct kit k;

static void refused(const char *why)
{
	ck_assert_int_eq(kit_try(&k), -1);
	ck_assert_msg(strstr(k.err, why) != NULL, "\"%s\" does not say \"%s\"", k.err, why);
	ck_assert_ptr_null(k.j);
}

START_TEST(newer_segment)
{
	uint8_t h[64];
	uint32_t before;

	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 60, 3000);
	kit_close(&k);
	kit_peek(&k, KIT_SEGMENT, h, sizeof h);
	le_put32(h + 8, 2);
	le_put32(h + 60, crc32c(0, h, 60));
	kit_poke(&k, KIT_SEGMENT, h, sizeof h);
	kit_flip(&k, k.made[3].at); /* not set aside either */
	before = kit_print(&k);
	k.config.read_only = true;
	refused("newer version");
	ck_assert_uint_eq(kit_print(&k), before);
	k.config.read_only = false;
	refused("newer version");
	ck_assert_uint_eq(kit_count(&k, "quarantine", ""), 0);
	kit_fini(&k);
}
END_TEST

START_TEST(newer_block)
{
	static const uint8_t none[4];
	uint8_t h[LOG_BLOCK_HEADER + 3000];

	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 60, 3000);
	kit_close(&k);
	kit_peek(&k, k.made[40].at, h, sizeof h);
	h[4] = 2;
	le_put32(h + 12, crc32c(crc32c(crc32c(0, h, 12), none, 4), h + 16, sizeof h - 16));
	kit_poke(&k, k.made[40].at, h, sizeof h);
	refused("newer version");
	kit_fini(&k);
}
END_TEST

static bool refuse(void *ctx, uint64_t position, struct span facts, const char **why)
{
	(void)ctx;
	(void)facts;
	if (position < k.made[9].at)
		return true;
	*why = "it tastes bad";
	return false;
}

START_TEST(replay_refuses)
{
	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 20, 3000);
	kit_close(&k);
	ck_assert_int_eq(journal_open(&k.config, refuse, NULL, &k.found, &k.j, k.err), -1);
	ck_assert_ptr_nonnull(strstr(k.err, "it tastes bad"));
	kit_open(&k);
	kit_same(&k, NULL);
	kit_fini(&k);
}
END_TEST

START_TEST(in_use)
{
	struct kit other;
	char pid[32];

	kit_init(&k);
	kit_open(&k);
	other = k;
	k.j = NULL;
	refused("in use");
	snprintf(pid, sizeof pid, "%ld", (long)getpid());
	ck_assert_ptr_nonnull(strstr(k.err, pid));
	k.config.read_only = true;
	refused("in use");
	kit_close(&other);
	ck_assert_int_eq(kit_try(&k), 0);
	kit_fini(&k);
}
END_TEST

START_TEST(look_changes_nothing)
{
	uint32_t before;

	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 60, 3000);
	for (int i = 0; i < 5; i++)
		kit_append(&k, 500);
	kit_sync(&k);
	kit_close(&k);
	kit_flip(&k, k.made[5].at + 1);
	kit_flip(&k, k.made[62].at + 1);
	before = kit_print(&k);
	for (int i = 0; i < 3; i++) {
		kit_look(&k);
		ck_assert_uint_eq(k.found.damaged, 1);
		ck_assert_uint_eq(k.found.torn_bytes, 2 * log_block_bytes(500));
	}
	ck_assert_uint_eq(kit_print(&k), before);
	kit_fini(&k);
}
END_TEST

START_TEST(no_directory)
{
	kit_init(&k);
	k.config.dir = "/proc/no/such/place";
	refused("/proc/no/such/place");
	k.config.read_only = true;
	refused("/proc/no/such/place");
	k.config.read_only = false;
	k.config.dir = "/proc/self/status";
	refused("/proc/self/status");
	kit_fini(&k);
}
END_TEST

START_TEST(size_is_the_directorys)
{
	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 60, 3000);
	kit_close(&k);
	k.config.segment_bytes = 1 << 20;
	kit_open(&k);
	ck_assert_uint_eq(k.found.segment_bytes, KIT_SEGMENT);
	kit_same(&k, NULL);
	kit_close(&k);
	kit_fini(&k);
	kit_init(&k);
	k.config.segment_bytes = 100000;
	refused("segment");
	kit_fini(&k);
}
END_TEST

static bool has_failed(const struct journal_status *s, uint64_t n)
{
	(void)n;
	return s->failed;
}

/* Writes until a limit on the size of files makes one fail, as a broken disk would. */
START_TEST(failed_write)
{
	struct rlimit limit = { KIT_SEGMENT / 2, RLIM_INFINITY }, none = { RLIM_INFINITY, RLIM_INFINITY };
	struct span out;
	uint32_t good;

	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 4, 5000);
	kit_settle(&k);
	good = k.n_made;
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	while (k.head < KIT_SEGMENT - 6000)
		kit_append(&k, 5000);
	journal_commit(k.j);
	kit_await(&k, has_failed, 0);
	ck_assert(kit_status(&k).error[0] != '\0');
	ck_assert_uint_eq(journal_synced(k.j), k.made[good].at);
	kit_append(&k, 5000); /* harmless, and never durable */
	journal_commit(k.j);
	ck_assert_int_eq(kit_read(&k, &k.made[0], &out), READ_OK);
	ck_assert_uint_eq(journal_synced(k.j), k.made[good].at);
	kit_close(&k);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	ck_assert_uint_eq(kit_count(&k, "", "failed"), 1);

	kit_open(&k);
	ck_assert(k.found.was_failed);
	ck_assert_uint_eq(kit_count(&k, "", "failed"), 0);
	ck_assert_uint_ge(k.n_got, good);
	kit_forget(&k, k.n_got); /* what had reached the file before it failed may be there */
	kit_same(&k, NULL);
	kit_fill(&k, 40, 5000);
	kit_close(&k);
	kit_open(&k);
	ck_assert(!k.found.was_failed);
	kit_same(&k, NULL);
	kit_fini(&k);
}
END_TEST

/* The rewritten tail holds what was replayed, and nothing behind it. */
START_TEST(rewritten_tail)
{
	uint8_t h[LOG_BLOCK_HEADER];
	char path[256];
	struct stat was, is;
	int fd;

	kit_init(&k);
	kit_open(&k);
	kit_fill(&k, 5, 3000);
	for (int i = 0; i < 6; i++)
		kit_append(&k, 3000);
	kit_sync(&k);
	kit_close(&k);
	kit_flip(&k, k.made[8].at);
	kit_path(&k, path, "failed");
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	kit_segment(&k, path, 0);
	ck_assert_int_eq(stat(path, &was), 0);
	kit_look(&k);
	ck_assert(k.found.was_failed);
	kit_open(&k);
	ck_assert(k.found.was_failed);
	ck_assert_int_eq(stat(path, &is), 0);
	ck_assert_uint_ne(was.st_ino, is.st_ino);
	ck_assert_int_eq(is.st_size, KIT_SEGMENT);
	kit_peek(&k, k.made[9].at, h, sizeof h);
	for (size_t i = 0; i < sizeof h; i++)
		ck_assert_uint_eq(h[i], 0);
	kit_forget(&k, 8);
	kit_same(&k, NULL);
	kit_fini(&k);
}
END_TEST

static bool lacks_space(const struct journal_status *s, uint64_t n)
{
	return s->no_space == (n != 0);
}

/* A small file system of our own, where we may mount one. */
static bool small_disk(const char *size)
{
	kit_init(&k);
	return mount("none", k.dir, "tmpfs", 0, size) == 0;
}

/* Fills what is left. */
static void hog(bool on)
{
	static char zeros[4096];
	char path[256];
	int fd;

	kit_path(&k, path, "hog");
	if (!on) {
		ck_assert_int_eq(unlink(path), 0);
		return;
	}
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	while (write(fd, zeros, sizeof zeros) > 0)
		;
	close(fd);
}

START_TEST(no_space)
{
	if (!small_disk("size=1m")) {
		kit_fini(&k);
		return;
	}
	kit_open(&k);
	kit_fill(&k, 4, 3000);
	kit_settle(&k);
	hog(true);
	ck_assert(!kit_status(&k).no_space);
	while (k.head < KIT_SEGMENT)
		kit_append(&k, 3000); /* into the reserve */
	kit_sync(&k);
	kit_await(&k, lacks_space, 1);
	ck_assert(!kit_status(&k).failed);
	while (k.head < 2 * KIT_SEGMENT)
		kit_append(&k, 3000);
	kit_sync(&k);
	hog(false);
	kit_await(&k, lacks_space, 0);
	kit_fill(&k, 40, 3000);
	/* trimming makes room too: the disk has for sixteen segments, the log wants many more */
	for (int i = 0; i < 30; i++) {
		kit_fill(&k, 20, 3000);
		journal_trim(k.j, k.head / KIT_SEGMENT * KIT_SEGMENT);
	}
	kit_close(&k);
	kit_open(&k);
	ck_assert_uint_eq(k.found.damaged + k.found.torn_bytes, 0);
	kit_close(&k);
	umount(k.dir);
	kit_fini(&k);
}
END_TEST

/* The reserve is used up and no space comes back: final, and the disk's fault is named. */
START_TEST(no_space_at_all)
{
	if (!small_disk("size=1m")) {
		kit_fini(&k);
		return;
	}
	kit_open(&k);
	kit_fill(&k, 4, 3000);
	kit_settle(&k);
	hog(true);
	while (k.head < 3 * KIT_SEGMENT)
		kit_append(&k, 3000);
	journal_commit(k.j);
	kit_await(&k, has_failed, 0);
	ck_assert_ptr_nonnull(strstr(kit_status(&k).error, "disk"));
	kit_close(&k);
	hog(false);
	kit_open(&k);
	kit_forget(&k, k.n_got);
	kit_same(&k, NULL);
	kit_fill(&k, 60, 3000);
	kit_close(&k);
	umount(k.dir);
	kit_fini(&k);
}
END_TEST

START_TEST(no_space_to_begin)
{
	if (!small_disk("size=40k")) {
		kit_fini(&k);
		return;
	}
	refused("No space");
	umount(k.dir);
	kit_fini(&k);
}
END_TEST

SUITE_MAIN("journal-refuse", newer_segment, newer_block, replay_refuses, in_use, look_changes_nothing, no_directory,
           size_is_the_directorys, failed_write, rewritten_tail, no_space, no_space_at_all, no_space_to_begin)
