/* Acts against the files of a journal that is closed; see model.h. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/journal/model.h"

void spoil_path(const struct model *m, char out[256], uint64_t number)
{
	snprintf(out, 256, "%s/%016" PRIx64 ".seg", m->dir, number);
}

/* A segment that holds some block of the model. */
static uint64_t some_segment(struct model *m)
{
	return m->n == 0 ? 0 : m->v[rng_below(&m->rng, m->n)].at / SEGMENT;
}

static int open_some(struct model *m)
{
	char path[256];

	spoil_path(m, path, some_segment(m));
	return open(path, O_RDWR | O_CLOEXEC);
}

/* Near a block's header, or anywhere. */
static uint64_t some_offset(struct model *m)
{
	if (m->n > 0 && rng_below(&m->rng, 2))
		return (m->v[rng_below(&m->rng, m->n)].at + rng_below(&m->rng, LOG_BLOCK_HEADER)) % SEGMENT;
	return rng_below(&m->rng, SEGMENT);
}

static void write_some(int fd, const uint8_t *p, uint64_t n, uint64_t at)
{
	ssize_t put;

	if (fd < 0)
		return;
	put = pwrite(fd, p, at + n > SEGMENT ? SEGMENT - at : n, (off_t)at);
	(void)put;
}

static void flip(struct model *m, int fd)
{
	uint64_t at = some_offset(m);
	uint8_t c;

	if (fd < 0 || pread(fd, &c, 1, (off_t)at) != 1)
		return;
	c ^= (uint8_t)(1u << rng_below(&m->rng, 8));
	write_some(fd, &c, 1, at);
}

static void zero(struct model *m, int fd)
{
	static const uint8_t zeros[SEGMENT];

	write_some(fd, zeros, 1 + rng_below(&m->rng, rng_below(&m->rng, 3) ? 300 : SEGMENT), some_offset(m));
}

static void garbage(struct model *m, int fd)
{
	uint8_t p[512];

	for (size_t i = 0; i < sizeof p; i++)
		p[i] = (uint8_t)rng_next(&m->rng);
	write_some(fd, p, 1 + rng_below(&m->rng, sizeof p), some_offset(m));
}

static void shorten(struct model *m, int fd)
{
	if (fd >= 0 && ftruncate(fd, (off_t)rng_below(&m->rng, SEGMENT)) != 0)
		return;
}

/* One block's bytes over another's place, of the same file or of another. */
static void misplace(struct model *m, int fd)
{
	static uint8_t p[SEGMENT];
	int from = open_some(m);
	uint64_t at = some_offset(m) / LOG_ALIGN * LOG_ALIGN, to = some_offset(m) / LOG_ALIGN * LOG_ALIGN;
	ssize_t n = from < 0 ? -1 : pread(from, p, 1 + rng_below(&m->rng, 6000), (off_t)at);

	if (n > 0)
		write_some(fd, p, (uint64_t)n, to);
	if (from >= 0)
		close(from);
}

static void lose(struct model *m, int fd)
{
	char path[256];

	(void)fd;
	spoil_path(m, path, some_segment(m));
	if (rng_below(&m->rng, 4) == 0)
		unlink(path);
}

/* A segment's file under another's name. */
static void rename_one(struct model *m, int fd)
{
	char a[256], b[256];

	(void)fd;
	spoil_path(m, a, some_segment(m));
	spoil_path(m, b, some_segment(m) + rng_below(&m->rng, 5));
	if (rng_below(&m->rng, 4) == 0 && rename(a, b) != 0)
		return;
}

/* A left-over of some crash or failure. */
static void litter(struct model *m, int fd)
{
	static const char *const names[] = { "failed", "new-7", "rewrite", "0000000000000040.seg", "pool-77" };
	char path[256];
	int made;

	(void)fd;
	snprintf(path, sizeof path, "%s/%s", m->dir, names[rng_below(&m->rng, 5)]);
	made = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (made >= 0)
		close(made);
}

void spoil(struct model *m)
{
	static void (*const acts[])(struct model * m, int fd) = { flip,    flip,     flip, zero,       zero,  garbage,
		                                                  shorten, misplace, lose, rename_one, litter };
	int fd = open_some(m);

	acts[rng_below(&m->rng, sizeof acts / sizeof acts[0])](m, fd);
	if (fd >= 0)
		close(fd);
}
