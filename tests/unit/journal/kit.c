/* See kit.h. */
#include "tests/unit/journal/kit.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/le.h"
#include "base/rand.h"

enum { PATIENCE_MS = 20000 };

void kit_init(struct kit *k)
{
	*k = (struct kit){ .config = { .segment_bytes = KIT_SEGMENT,
		                       .memory_bytes = 64 << 20,
		                       .fsync_ms = FSYNC_ALWAYS,
		                       .buffer_bytes = 32 << 20 } };
	snprintf(k->dir, sizeof k->dir, "/tmp/sheaf-journal-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(k->dir));
	k->config.dir = k->dir;
	k->made = calloc(KIT_BLOCKS, sizeof *k->made);
	k->got = calloc(KIT_BLOCKS, sizeof *k->got);
	ck_assert(k->made != NULL && k->got != NULL);
	buf_init(&k->block);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void kit_fini(struct kit *k)
{
	kit_close(k);
	nftw(k->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(k->made);
	free(k->got);
	buf_fini(&k->block);
}

static bool take(void *ctx, uint64_t position, struct span facts, const char **why)
{
	struct kit *k = ctx;

	(void)why;
	ck_assert_uint_lt(k->n_got, KIT_BLOCKS);
	k->got[k->n_got++] = (struct kit_block){ position, (uint32_t)facts.n, crc32c(0, facts.p, facts.n) };
	return true;
}

int kit_try(struct kit *k)
{
	ck_assert_ptr_null(k->j);
	k->n_got = 0;
	k->err[0] = '\0';
	return journal_open(&k->config, take, k, &k->found, &k->j, k->err);
}

void kit_open(struct kit *k)
{
	int bad = kit_try(k);

	ck_assert_msg(bad == 0, "open: %s", k->err);
	ck_assert_msg(journal_start(k->j, ++k->epoch, k->err) == 0, "start: %s", k->err);
	k->head = k->found.head;
}

void kit_look(struct kit *k)
{
	bool before = k->config.read_only;
	int bad;

	k->config.read_only = true;
	bad = kit_try(k);
	ck_assert_msg(bad == 0, "look: %s", k->err);
	kit_close(k);
	k->config.read_only = before;
}

void kit_close(struct kit *k)
{
	journal_close(k->j);
	k->j = NULL;
}

static void facts_of(uint8_t *p, uint32_t n, uint64_t tag)
{
	struct rng r;
	uint8_t last[8];

	rng_seed(&r, tag);
	for (; n >= 8; n -= 8, p += 8)
		le_put64(p, rng_next(&r));
	le_put64(last, rng_next(&r));
	for (uint32_t i = 0; i < n; i++)
		p[i] = last[i];
}

uint64_t kit_append(struct kit *k, uint32_t n)
{
	uint64_t at = log_place(k->head, k->found.segment_bytes, n), bytes = log_block_bytes(n);

	buf_clear(&k->block);
	memset(buf_room(&k->block, bytes), 0, bytes);
	k->block.n = bytes;
	facts_of(k->block.p + LOG_BLOCK_HEADER, n, at ^ (k->epoch << 48));
	ck_assert_uint_lt(k->n_made, KIT_BLOCKS);
	k->made[k->n_made++] = (struct kit_block){ at, n, at ^ (k->epoch << 48) };
	journal_append(k->j, at, &k->block, n);
	k->head = at + bytes;
	return at;
}

void kit_wait(struct kit *k)
{
	struct pollfd p = { .fd = journal_fd(k->j), .events = POLLIN };

	poll(&p, 1, 20);
	journal_woken(k->j);
}

void kit_sync(struct kit *k)
{
	uint64_t end = clock_mono_ms() + PATIENCE_MS;

	journal_commit(k->j);
	while (journal_synced(k->j) < k->head) {
		struct journal_status s = kit_status(k);

		ck_assert_msg(!s.failed, "the journal failed: %s", s.error);
		ck_assert_uint_lt(clock_mono_ms(), end);
		kit_wait(k);
	}
}

void kit_fill(struct kit *k, uint32_t count, uint32_t n)
{
	for (uint32_t i = 0; i < count; i++) {
		kit_append(k, n);
		kit_sync(k);
	}
}

struct journal_status kit_status(struct kit *k)
{
	struct journal_status s;

	journal_status(k->j, &s);
	return s;
}

void kit_await(struct kit *k, bool (*holds)(const struct journal_status *s, uint64_t n), uint64_t n)
{
	uint64_t end = clock_mono_ms() + PATIENCE_MS;

	for (;;) {
		struct journal_status s = kit_status(k);

		if (holds(&s, n))
			return;
		ck_assert_uint_lt(clock_mono_ms(), end);
		kit_wait(k);
	}
}

static bool segments_are(const struct journal_status *s, uint64_t n)
{
	return s->segments == n;
}

void kit_settle(struct kit *k)
{
	/* the segment with the head and two ahead of it; some of the first ones may be trimmed */
	kit_await(k, segments_are, k->head / KIT_SEGMENT + 3 - k->found.tail / KIT_SEGMENT);
}

struct span kit_facts(const struct kit_block *b)
{
	static uint8_t *p;
	static uint32_t cap;

	if (b->n > cap) {
		cap = b->n;
		p = realloc(p, cap);
		ck_assert_ptr_nonnull(p);
	}
	facts_of(p, b->n, b->tag);
	return span_of(p, b->n);
}

void kit_same(const struct kit *k, const uint32_t *skip)
{
	uint32_t g = 0;

	for (uint32_t i = 0; i < k->n_made; i++) {
		struct span facts;

		if (skip != NULL && *skip == i) {
			skip++;
			continue;
		}
		ck_assert_msg(g < k->n_got, "block %" PRIu32 " at %" PRIu64 " was not replayed", i, k->made[i].at);
		ck_assert_uint_eq(k->got[g].at, k->made[i].at);
		ck_assert_uint_eq(k->got[g].n, k->made[i].n);
		facts = kit_facts(&k->made[i]);
		ck_assert_uint_eq(k->got[g].tag, crc32c(0, facts.p, facts.n));
		g++;
	}
	ck_assert_uint_eq(g, k->n_got);
	ck_assert_uint_eq(k->found.blocks, k->n_got);
}

void kit_forget(struct kit *k, uint32_t i)
{
	k->n_made = i;
}

enum journal_read kit_read(struct kit *k, const struct kit_block *b, struct span *out)
{
	uint64_t end = clock_mono_ms() + PATIENCE_MS;
	struct span facts = kit_facts(b);
	uint32_t crc = crc32c(0, facts.p, facts.n);
	enum journal_read r;

	while ((r = journal_bytes(k->j, b->at + LOG_BLOCK_HEADER, b->n, crc, out)) == READ_PENDING) {
		ck_assert_uint_lt(clock_mono_ms(), end);
		kit_wait(k);
	}
	return r;
}

void kit_path(const struct kit *k, char out[256], const char *name)
{
	snprintf(out, 256, "%s/%s", k->dir, name);
}

void kit_segment(const struct kit *k, char out[256], uint64_t number)
{
	snprintf(out, 256, "%s/%016" PRIx64 ".seg", k->dir, number);
}

static int open_at(struct kit *k, uint64_t position)
{
	char path[256];
	int fd;

	kit_segment(k, path, position / k->config.segment_bytes);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "no %s", path);
	return fd;
}

void kit_peek(struct kit *k, uint64_t position, void *p, uint64_t n)
{
	int fd = open_at(k, position);

	ck_assert_int_eq(pread(fd, p, n, (off_t)(position % k->config.segment_bytes)), (ssize_t)n);
	close(fd);
}

void kit_poke(struct kit *k, uint64_t position, const void *p, uint64_t n)
{
	int fd = open_at(k, position);

	ck_assert_int_eq(pwrite(fd, p, n, (off_t)(position % k->config.segment_bytes)), (ssize_t)n);
	close(fd);
}

void kit_zero(struct kit *k, uint64_t position, uint64_t n)
{
	void *zeros = calloc(1, n);

	kit_poke(k, position, zeros, n);
	free(zeros);
}

void kit_flip(struct kit *k, uint64_t position)
{
	uint8_t c;

	kit_peek(k, position, &c, 1);
	c ^= 0x10;
	kit_poke(k, position, &c, 1);
}

uint32_t kit_count(const struct kit *k, const char *below, const char *prefix)
{
	char path[256];
	struct dirent *e;
	uint32_t n = 0;
	DIR *d;

	kit_path(k, path, below);
	d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.' && strncmp(e->d_name, prefix, strlen(prefix)) == 0;
	if (d != NULL)
		closedir(d);
	return n;
}

static uint32_t print; /* of kit_print; nftw takes no context */

static int print_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	static uint8_t p[KIT_SEGMENT];
	ssize_t n;
	int fd;

	(void)at;
	/* the order of names is the file system's: so add */
	print += crc32c((uint32_t)st->st_mtim.tv_nsec ^ (uint32_t)st->st_size, path, strlen(path));
	if (type != FTW_F)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	while ((n = read(fd, p, sizeof p)) > 0)
		print += crc32c((uint32_t)n, p, (size_t)n);
	close(fd);
	return 0;
}

uint32_t kit_print(const struct kit *k)
{
	print = 0;
	nftw(k->dir, print_one, 16, FTW_PHYS);
	return print;
}
