/* The journal as the loop sees it: open, append, hand over, ask, close. See journal.h. */
#include "broker/journal/journal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "broker/journal/block.h"
#include "broker/journal/state.h"

static uint64_t segment_of(const struct journal *j, uint64_t position)
{
	return position / j->config.segment_bytes;
}

void journal_wake(struct journal *j)
{
	uint64_t one = 1;
	ssize_t n = write(j->wake_fd, &one, sizeof one);

	(void)n; /* full means that it is readable already */
}

void journal_fail(struct journal *j, const char *what)
{
	if (j->s.failed)
		return;
	j->s.failed = true;
	text_format(j->s.error, sizeof j->s.error, "%s", what);
	store_mark_failed(j->dir);
	pthread_cond_broadcast(&j->has_segment);
}

static struct journal *journal_new(const struct journal_config *config)
{
	struct journal *j = calloc(1, sizeof *j);
	pthread_condattr_t mono;

	must(j != NULL);
	j->config = *config;
	if (j->config.segment_bytes == 0)
		j->config.segment_bytes = (uint64_t)64 << 20;
	text_format(j->dir, sizeof j->dir, "%s", config->dir);
	j->lock_fd = -1;
	j->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(j->wake_fd >= 0);
	pthread_mutex_init(&j->lock, NULL);
	must(pthread_condattr_init(&mono) == 0 && pthread_condattr_setclock(&mono, CLOCK_MONOTONIC) == 0);
	pthread_cond_init(&j->to_commit, &mono);
	pthread_cond_init(&j->to_keep, &mono);
	pthread_cond_init(&j->has_segment, &mono);
	pthread_condattr_destroy(&mono);
	return j;
}

static void journal_free(struct journal *j)
{
	cache_fini(j);
	free(j->s.scan.mem);
	if (j->lock_fd >= 0)
		close(j->lock_fd);
	close(j->wake_fd);
	pthread_cond_destroy(&j->to_commit);
	pthread_cond_destroy(&j->to_keep);
	pthread_cond_destroy(&j->has_segment);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

/* The first segment to be written has to be there before anybody is promised anything. */
static int prepare_first(struct journal *j, char *err)
{
	uint64_t number = segment_of(j, j->head);

	store_tidy(j->dir);
	while (j->s.prepared <= number) {
		if (store_prepare(j->dir, j->s.prepared, j->config.segment_bytes, err) != 0)
			return -1;
		j->s.prepared++;
	}
	j->s.trimmed = segment_of(j, j->tail);
	j->s.trim = j->s.trimmed;
	j->s.wanted = number + 1 + PREPARED;
	j->s.pool = store_pool(j->dir);
	return 0;
}

int journal_open(const struct journal_config *config, journal_replay_fn *replay, void *ctx, struct journal_found *found,
                 struct journal **out, char err[512])
{
	struct journal *j = journal_new(config);

	uint64_t bytes = j->config.segment_bytes;

	*found = (struct journal_found){ 0 };
	list_init(&j->lru);
	if (bytes < SEGMENT_LEAST || (bytes & (bytes - 1)) != 0) {
		text_format(err, STORE_ERR, "the size of segments must be a power of two from 64 KiB up");
		journal_free(j);
		return -1;
	}
	if (store_lock(j->dir, config->read_only, &j->lock_fd, err) != 0 || recover(j, replay, ctx, found, err) != 0) {
		journal_free(j);
		return -1;
	}
	j->tail = found->tail;
	j->head = j->committed = found->head;
	j->s.target = j->s.written = j->s.synced = found->head;
	atomic_store(&j->synced, found->head);
	cache_init(j);
	if (!config->read_only && prepare_first(j, err) != 0) {
		journal_free(j);
		return -1;
	}
	*out = j;
	return 0;
}

int journal_start(struct journal *j, uint64_t epoch, char err[512])
{
	must(!j->started && !j->config.read_only);
	j->began = j->head;
	j->epoch = epoch > j->epoch ? epoch : j->epoch + 1; /* the fact with the last epoch may be damaged */
	if (pthread_create(&j->committer, NULL, commit_run, j) != 0) {
		text_format(err, STORE_ERR, "cannot start the journal's threads");
		return -1;
	}
	if (pthread_create(&j->keeper, NULL, keeper_run, j) != 0) {
		pthread_mutex_lock(&j->lock);
		j->s.stop = true;
		pthread_cond_signal(&j->to_commit);
		pthread_mutex_unlock(&j->lock);
		pthread_join(j->committer, NULL);
		text_format(err, STORE_ERR, "cannot start the journal's threads");
		return -1;
	}
	j->started = true;
	return 0;
}

void journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	if (j->started) {
		journal_commit(j);
		pthread_mutex_lock(&j->lock);
		j->s.stop = true;
		pthread_cond_broadcast(&j->to_commit);
		pthread_mutex_unlock(&j->lock);
		pthread_join(j->committer, NULL); /* the keeper still serves it with segments */
		pthread_mutex_lock(&j->lock);
		j->s.retired = true;
		pthread_cond_broadcast(&j->to_keep);
		pthread_mutex_unlock(&j->lock);
		pthread_join(j->keeper, NULL);
	}
	journal_free(j);
}

/* Closes the segment that the head is in: an end mark, and word to the committer. */
static void roll(struct journal *j, uint64_t at)
{
	uint64_t segment = segment_of(j, j->head), end = j->head;
	uint8_t mark[LOG_BLOCK_HEADER];

	if (j->head % j->config.segment_bytes != 0 &&
	    (segment + 1) * j->config.segment_bytes - j->head >= LOG_BLOCK_HEADER) {
		block_seal(mark, &(struct block){ BLOCK_END, 0, j->epoch, j->head, journal_synced(j), j->began });
		cache_write(j, j->head, mark, sizeof mark);
		end += sizeof mark;
	}
	pthread_mutex_lock(&j->lock);
	if (j->head % j->config.segment_bytes != 0) {
		must(j->s.rolls_in - j->s.rolls_out < ROLLS);
		j->s.rolls[j->s.rolls_in % ROLLS].segment = segment;
		j->s.rolls[j->s.rolls_in++ % ROLLS].end = end;
	}
	j->s.wanted = segment_of(j, at) + 1 + PREPARED;
	pthread_cond_signal(&j->to_keep);
	pthread_mutex_unlock(&j->lock);
}

void journal_append(struct journal *j, uint64_t at, struct buf *block, uint32_t facts)
{
	must(at == log_place(j->head, j->config.segment_bytes, facts));
	must(block->n == log_block_bytes(facts));
	if (segment_of(j, at) != segment_of(j, j->head) || j->head % j->config.segment_bytes == 0)
		roll(j, at);
	block_seal(block->p, &(struct block){ BLOCK_FACTS, facts, j->epoch, at, journal_synced(j), j->began });
	cache_write(j, at, block->p, block->n);
	j->head = at + block->n;
}

void journal_commit(struct journal *j)
{
	if (j->head == j->committed)
		return;
	pthread_mutex_lock(&j->lock);
	for (uint64_t n = j->committed / j->chunk_bytes; n <= (j->head - 1) / j->chunk_bytes; n++) {
		struct chunk *k;

		HASH_FIND(hh, j->chunks, &n, sizeof n, k);
		if (k != NULL) /* the unused end of a segment may have none */
			j->s.pending[n % PENDING_CHUNKS] = k->mem;
	}
	if (j->s.target == j->s.written || j->config.fsync_ms != FSYNC_ALWAYS)
		pthread_cond_signal(&j->to_commit);
	j->s.target = j->committed = j->head;
	pthread_mutex_unlock(&j->lock);
}

uint64_t journal_synced(const struct journal *j)
{
	return atomic_load_explicit(&j->synced, memory_order_acquire);
}

int journal_fd(const struct journal *j)
{
	return j->wake_fd;
}

void journal_woken(struct journal *j)
{
	uint64_t n;
	ssize_t got = read(j->wake_fd, &n, sizeof n);

	(void)got; /* nothing to read is fine */
	cache_take_reads(j);
}

void journal_status(struct journal *j, struct journal_status *s)
{
	pthread_mutex_lock(&j->lock);
	*s = (struct journal_status){
		.pressure = j->head - j->s.synced > j->config.buffer_bytes,
		.no_space = j->s.no_space,
		.failed = j->s.failed,
		.segments = j->s.prepared - j->s.trimmed,
		.pool = j->s.pool,
		.syncs = j->s.syncs,
		.sync_ns = j->s.sync_ns,
		.written = j->s.bytes_written,
		.cache_bytes = j->n_chunks * j->chunk_bytes,
		.reads = j->n_reads,
	};
	s->disk_bytes = (s->segments + s->pool) * j->config.segment_bytes;
	text_format(s->error, sizeof s->error, "%s", j->s.error);
	pthread_mutex_unlock(&j->lock);
}

void journal_scan(struct journal *j, uint64_t base)
{
	struct scan *s = &j->s.scan;

	must(!s->active && base % j->config.segment_bytes == 0);
	pthread_mutex_lock(&j->lock);
	if (s->mem == NULL)
		s->mem = malloc(j->config.segment_bytes);
	must(s->mem != NULL);
	s->base = base;
	s->at = LOG_SEGMENT_HEADER;
	s->epoch = 0;
	s->done = false;
	s->wanted = s->active = true;
	pthread_cond_signal(&j->to_keep);
	pthread_mutex_unlock(&j->lock);
}

/* The block at s->at, or the next intact one behind it. False at the end of the segment. */
static bool scan_block(struct journal *j, struct block *b)
{
	struct scan *s = &j->s.scan;
	bool skipped = false;

	for (; s->at + LOG_BLOCK_HEADER <= s->n; s->at += LOG_ALIGN) {
		if (block_begins(s->mem + s->at) &&
		    block_open(s->mem + s->at, s->n - s->at, s->base + s->at, b) == BLOCK_GOOD &&
		    b->epoch >= s->epoch) {
			s->epoch = b->epoch;
			return b->type == BLOCK_FACTS;
		}
		if (!skipped)
			log_line(LOG_ERROR, "journal-damage", "position=%" PRIu64 " found while moving",
			         s->base + s->at);
		skipped = true;
	}
	return false;
}

int journal_scan_next(struct journal *j, uint64_t *position, struct span *facts)
{
	struct scan *s = &j->s.scan;
	struct block b;
	bool done;

	if (!s->active)
		return -1;
	pthread_mutex_lock(&j->lock);
	done = s->done;
	pthread_mutex_unlock(&j->lock);
	if (!done)
		return 0;
	if (scan_block(j, &b)) {
		*position = b.position;
		*facts = span_of(s->mem + s->at + LOG_BLOCK_HEADER, b.facts);
		s->at += log_block_bytes(b.facts);
		return 1;
	}
	pthread_mutex_lock(&j->lock);
	s->wanted = s->done = s->active = false;
	free(s->mem);
	s->mem = NULL;
	pthread_mutex_unlock(&j->lock);
	return -1;
}

void journal_trim(struct journal *j, uint64_t base)
{
	must(base % j->config.segment_bytes == 0 && base <= j->head);
	cache_trim(j, base);
	j->tail = base;
	pthread_mutex_lock(&j->lock);
	j->s.trim = segment_of(j, base);
	j->s.trim_at = j->head;
	pthread_cond_signal(&j->to_keep);
	pthread_mutex_unlock(&j->lock);
}
