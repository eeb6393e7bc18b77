/* The keeper: files, off the commit path. Prepares segments ahead of the head, moves trimmed ones into the
 * pool and lets the pool shrink when idle, reads chunks back, reads segments for the mover. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "broker/journal/state.h"

/* Reads [at, at + n) of the log; all in one segment. */
static bool read_log(struct journal *j, uint64_t at, uint8_t *p, uint64_t n)
{
	enum store_header header;
	char err[STORE_ERR];
	uint64_t bytes;
	int fd;

	if (store_open_segment(j->dir, at / j->config.segment_bytes, false, &fd, &header, &bytes, err) != 0)
		return false;
	store_read_what(fd, p, n, at % j->config.segment_bytes); /* checksums tell what could not be read */
	close(fd);
	return true;
}

/* Each duty returns true if it did something; the lock is held at entry and at return, not in between. */

static bool do_read(struct journal *j)
{
	struct reading *r = &j->s.reads[j->s.reads_done % READS];
	struct reading mine = *r;

	if (j->s.reads_done == j->s.reads_in)
		return false;
	pthread_mutex_unlock(&j->lock);
	mine.ok = read_log(j, mine.number * j->chunk_bytes, mine.mem, mine.n);
	pthread_mutex_lock(&j->lock);
	r->ok = mine.ok;
	j->s.reads_done++;
	journal_wake(j);
	return true;
}

static bool do_prepare(struct journal *j)
{
	uint64_t number = j->s.prepared;
	char err[STORE_ERR];
	bool ok, was = j->s.no_space;
	uint32_t pool;

	if (number >= j->s.wanted)
		return false;
	pthread_mutex_unlock(&j->lock);
	ok = store_prepare(j->dir, number, j->config.segment_bytes, err) == 0;
	pool = store_pool(j->dir);
	pthread_mutex_lock(&j->lock);
	j->s.pool = pool;
	if (ok) {
		j->s.prepared = number + 1;
		pthread_cond_broadcast(&j->has_segment);
	} else if (!was) {
		log_line(LOG_ERROR, "journal-no-space", "%s", err);
	}
	j->s.no_space = !ok;
	if (was != !ok)
		journal_wake(j);
	return ok;
}

static bool do_trim(struct journal *j)
{
	uint64_t number = j->s.trimmed;
	char err[STORE_ERR];

	if (number >= j->s.trim || j->s.synced < j->s.trim_at)
		return false;
	pthread_mutex_unlock(&j->lock);
	if (store_retire(j->dir, number, err) != 0)
		log_line(LOG_ERROR, "journal-retire", "%s", err);
	pthread_mutex_lock(&j->lock);
	j->s.trimmed = number + 1;
	j->s.pool++;
	return true;
}

static bool do_scan(struct journal *j)
{
	uint64_t base = j->s.scan.base, n = j->config.segment_bytes;
	bool ok;

	/* what is to be read has to be on its way out of memory: the next segment is written already */
	if (!j->s.scan.wanted || j->s.scan.done || j->s.written < base + n)
		return false;
	pthread_mutex_unlock(&j->lock);
	ok = read_log(j, base, j->s.scan.mem, n);
	pthread_mutex_lock(&j->lock);
	j->s.scan.n = ok ? n : 0;
	j->s.scan.done = true;
	journal_wake(j);
	return true;
}

static void do_shrink(struct journal *j)
{
	uint32_t pool;

	pthread_mutex_unlock(&j->lock);
	pool = store_pool(j->dir);
	if (pool > POOL_IDLE) {
		store_shrink(j->dir);
		pool--;
	}
	pthread_mutex_lock(&j->lock);
	j->s.pool = pool;
}

void *keeper_run(void *arg)
{
	struct journal *j = arg;

	pthread_mutex_lock(&j->lock);
	while (!j->s.retired) {
		struct timespec until;

		if (do_read(j) || do_trim(j) || do_prepare(j) || do_scan(j))
			continue;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += 1;
		if (pthread_cond_timedwait(&j->to_keep, &j->lock, &until) != 0 && !j->s.retired)
			do_shrink(j);
	}
	pthread_mutex_unlock(&j->lock);
	return NULL;
}
