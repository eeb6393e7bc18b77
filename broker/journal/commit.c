/* The committer: writes what the loop has handed over, syncs it, says how far it is. One write per segment
 * and chunk, one sync for all that has gathered meanwhile. */
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "broker/journal/state.h"

enum { IOVS = 64 };

/* The segment that is being written. */
struct writer {
	struct journal *j;
	int fd;
	uint64_t segment;
	bool dirty; /* written and not synced */
};

static bool sync_file(struct writer *w)
{
	struct journal *j = w->j;
	uint64_t from = clock_mono_ns();

	if (!w->dirty || j->config.fsync_ms == FSYNC_NEVER)
		return true;
	if (fdatasync(w->fd) != 0)
		return false;
	w->dirty = false;
	pthread_mutex_lock(&j->lock);
	j->s.syncs++;
	j->s.sync_ns += clock_mono_ns() - from;
	pthread_mutex_unlock(&j->lock);
	return true;
}

/* Waits until the keeper has the segment's file ready. */
static bool await_segment(struct journal *j, uint64_t segment)
{
	struct timespec until;
	bool there;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += SPACE_WAIT_MS / 1000;
	pthread_mutex_lock(&j->lock);
	if (j->s.wanted < segment + 1 + PREPARED) {
		j->s.wanted = segment + 1 + PREPARED;
		pthread_cond_signal(&j->to_keep);
	}
	while (j->s.prepared <= segment && pthread_cond_timedwait(&j->has_segment, &j->lock, &until) != ETIMEDOUT)
		;
	there = j->s.prepared > segment;
	pthread_mutex_unlock(&j->lock);
	return there;
}

static bool open_segment(struct writer *w, uint64_t segment, char err[STORE_ERR])
{
	enum store_header header;
	uint64_t bytes;

	if (w->fd >= 0 && w->segment == segment)
		return true;
	if (!sync_file(w)) {
		text_format(err, STORE_ERR, "fdatasync: %s", strerror(errno));
		return false;
	}
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	if (!await_segment(w->j, segment)) {
		text_format(err, STORE_ERR, "no room on the disk for a further segment");
		return false;
	}
	if (store_open_segment(w->j->dir, segment, true, &w->fd, &header, &bytes, err) != 0)
		return false;
	w->segment = segment;
	return true;
}

/* Writes [from, to) of one segment out of the chunks. */
static bool write_range(struct writer *w, uint64_t from, uint64_t to)
{
	struct journal *j = w->j;

	while (from < to) {
		struct iovec v[IOVS];
		uint64_t at = from, n = 0;
		int k = 0;
		ssize_t put;

		pthread_mutex_lock(&j->lock);
		while (at < to && k < IOVS) {
			uint64_t number = at / j->chunk_bytes, stop = (number + 1) * j->chunk_bytes;

			stop = stop < to ? stop : to;
			v[k].iov_base = j->s.pending[number % PENDING_CHUNKS] + at % j->chunk_bytes;
			v[k++].iov_len = stop - at;
			n += stop - at;
			at = stop;
		}
		pthread_mutex_unlock(&j->lock);
		put = pwritev(w->fd, v, k, (off_t)(from % j->config.segment_bytes));
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		w->dirty = true;
		from += (uint64_t)put;
	}
	return true;
}

/* Where the blocks of the segment that holds `from` end, as far as is known: at its roll, or at `to`. */
static uint64_t end_of(struct journal *j, uint64_t from, uint64_t to, uint64_t *next)
{
	uint64_t segment = from / j->config.segment_bytes, end = (segment + 1) * j->config.segment_bytes;

	if (end > to)
		end = to;
	*next = end; /* a segment that blocks fill to the last byte has no roll */
	pthread_mutex_lock(&j->lock);
	/* a roll beyond `to` is the loop's next turn and not ours yet */
	if (j->s.rolls_out < j->s.rolls_in && j->s.rolls[j->s.rolls_out % ROLLS].segment == segment &&
	    j->s.rolls[j->s.rolls_out % ROLLS].end <= to) {
		end = j->s.rolls[j->s.rolls_out % ROLLS].end;
		*next = (segment + 1) * j->config.segment_bytes + LOG_SEGMENT_HEADER;
		j->s.rolls_out++;
	}
	pthread_mutex_unlock(&j->lock);
	return end;
}

static bool write_all(struct writer *w, uint64_t from, uint64_t to, char err[STORE_ERR])
{
	struct journal *j = w->j;

	while (from < to) {
		uint64_t next, end;

		if (from % j->config.segment_bytes < LOG_SEGMENT_HEADER)
			from += LOG_SEGMENT_HEADER - from % j->config.segment_bytes;
		end = end_of(j, from, to, &next);
		if (!open_segment(w, from / j->config.segment_bytes, err))
			return false;
		if (!write_range(w, from, end)) {
			text_format(err, STORE_ERR, "write: %s", strerror(errno));
			return false;
		}
		from = next;
	}
	return true;
}

static void publish(struct journal *j, uint64_t written, uint64_t synced)
{
	pthread_mutex_lock(&j->lock);
	j->s.bytes_written += written - j->s.written;
	j->s.written = written;
	if (synced > j->s.synced) {
		j->s.synced = synced;
		atomic_store_explicit(&j->synced, synced, memory_order_release);
		if (j->s.scan.wanted || j->s.trimmed < j->s.trim)
			pthread_cond_signal(&j->to_keep); /* it may have waited for this */
	}
	pthread_mutex_unlock(&j->lock);
	journal_wake(j);
}

/* Waits for something to write. False when it is time to stop. */
static bool await_work(struct journal *j, uint64_t written, bool unsynced, uint64_t sync_at, uint64_t *target)
{
	bool go;

	pthread_mutex_lock(&j->lock);
	while (j->s.target == written && !j->s.stop) {
		struct timespec until;
		uint64_t now = clock_mono_ms();

		if (!unsynced) {
			pthread_cond_wait(&j->to_commit, &j->lock);
			continue;
		}
		if (now >= sync_at)
			break;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += (long)((sync_at - now) % 1000) * 1000000;
		until.tv_sec += (time_t)((sync_at - now) / 1000) + until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&j->to_commit, &j->lock, &until);
	}
	*target = j->s.target;
	go = !j->s.stop || j->s.target != written || unsynced;
	pthread_mutex_unlock(&j->lock);
	return go;
}

static bool stopping(struct journal *j)
{
	bool stop;

	pthread_mutex_lock(&j->lock);
	stop = j->s.stop;
	pthread_mutex_unlock(&j->lock);
	return stop;
}

void *commit_run(void *arg)
{
	struct journal *j = arg;
	struct writer w = { .j = j, .fd = -1 };
	uint64_t written, synced, target, sync_at = 0;
	char err[STORE_ERR];
	bool ok = true;

	pthread_mutex_lock(&j->lock);
	written = synced = j->s.written; /* not the loop's head, which may have moved on already */
	pthread_mutex_unlock(&j->lock);
	while (await_work(j, written, synced < written, sync_at, &target)) {
		uint64_t now = clock_mono_ms();

		ok = write_all(&w, written, target, err);
		if (!ok)
			break;
		if (synced == written)
			sync_at = now + (j->config.fsync_ms == FSYNC_NEVER ? 0 : j->config.fsync_ms);
		written = target;
		if (j->config.fsync_ms == FSYNC_NEVER || now >= sync_at || stopping(j)) {
			ok = sync_file(&w);
			if (!ok) {
				text_format(err, STORE_ERR, "fdatasync: %s", strerror(errno));
				break;
			}
			synced = written;
		}
		publish(j, written, synced);
	}
	if (!ok) {
		pthread_mutex_lock(&j->lock);
		journal_fail(j, err);
		pthread_mutex_unlock(&j->lock);
		journal_wake(j);
	}
	if (w.fd >= 0)
		close(w.fd);
	return NULL;
}
