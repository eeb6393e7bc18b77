/* Opening a log: every intact block is replayed in order; what is bad below a position that a later block knew
 * to be synced is damage, reported and set aside; what is bad above is the torn tail and is cut. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "broker/journal/block.h"
#include "broker/journal/state.h"

/* One segment in memory. */
struct mapped {
	uint64_t number;
	const uint8_t *p; /* NULL: missing, or not readable */
	uint64_t n;
};

struct recovery {
	struct journal *j;
	journal_replay_fn *replay;
	void *ctx;
	struct journal_found *found;
	char *err;
	uint64_t *numbers;
	uint32_t n;
	struct mapped at;
	uint64_t epoch;   /* of the last block */
	uint64_t synced;  /* highest that any block knew */
	uint64_t segment; /* bytes */
	bool ends_clean;  /* no intact block stands behind the head */
};

static int fail(const struct recovery *r, const char *text)
{
	text_format(r->err, STORE_ERR, "%s", text);
	return -1;
}

static void unmap(struct recovery *r)
{
	if (r->at.p != NULL)
		munmap((void *)r->at.p, r->at.n);
	r->at = (struct mapped){ .number = UINT64_MAX };
}

/* Maps the segment; a missing or unreadable one gives p = NULL. -1 for what must stop us. */
static int map(struct recovery *r, uint64_t number)
{
	enum store_header header;
	char err[STORE_ERR];
	uint64_t bytes;
	struct stat st;
	void *p;
	int fd;

	if (r->at.number == number)
		return 0;
	unmap(r);
	r->at.number = number;
	if (store_open(r->j->dir, number, false, &fd, &header, &bytes, err) != 0)
		return 0;
	if (header == STORE_NEWER) {
		close(fd);
		return fail(r, "the journal was written by a newer version of sheafd; nothing was changed");
	}
	if (header == STORE_GOOD && bytes != r->segment) {
		close(fd);
		return fail(r, "the journal's segments are of different sizes");
	}
	if (fstat(fd, &st) == 0 && st.st_size > LOG_SEGMENT_HEADER) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p != MAP_FAILED) {
			madvise(p, (size_t)st.st_size, MADV_SEQUENTIAL);
			r->at.p = p;
			r->at.n = (uint64_t)st.st_size < r->segment ? (uint64_t)st.st_size : r->segment;
		}
	}
	close(fd);
	return 0;
}

/* The block at `position`, if it is intact and not older than what came before it. */
static int block_at(struct recovery *r, uint64_t position, struct block *b)
{
	uint64_t offset = position % r->segment;

	if (map(r, position / r->segment) != 0)
		return -1;
	if (r->at.p == NULL || offset >= r->at.n)
		return 0;
	switch (block_open(r->at.p + offset, r->at.n - offset, position, b)) {
	case BLOCK_NEWER:
		return fail(r, "a block of the journal was written by a newer version of sheafd; nothing was changed");
	case BLOCK_BAD:
		return 0;
	case BLOCK_GOOD:
		break;
	}
	return b->epoch >= r->epoch;
}

static uint64_t last_position(const struct recovery *r)
{
	return (r->numbers[r->n - 1] + 1) * r->segment;
}

/* The next position in this segment, from `position` on, where a block may begin; the segment's end if none. */
static uint64_t candidate(const struct recovery *r, uint64_t position)
{
	uint64_t base = position / r->segment * r->segment, at = position - base;

	if (at < LOG_SEGMENT_HEADER)
		at = LOG_SEGMENT_HEADER;
	for (; r->at.p != NULL && at + LOG_BLOCK_HEADER <= r->at.n; at += LOG_ALIGN)
		if (block_begins(r->at.p + at))
			return base + at;
	return base + r->segment;
}

/* The first intact block at or behind `position`: 1; or none: 0. */
static int next_block(struct recovery *r, uint64_t position, struct block *b)
{
	while (position < last_position(r)) {
		int got;

		if (map(r, position / r->segment) != 0)
			return -1;
		position = candidate(r, position);
		if (position % r->segment == 0)
			continue;
		got = block_at(r, position, b);
		if (got != 0)
			return got;
		position += LOG_ALIGN;
	}
	return 0;
}

/* Where the block behind `b` begins. */
static uint64_t behind(const struct recovery *r, const struct block *b)
{
	uint64_t next = b->position + log_block_bytes(b->facts);

	if (b->type == BLOCK_END || next % r->segment == 0 || r->segment - next % r->segment < LOG_BLOCK_HEADER)
		return (b->position / r->segment + 1) * r->segment + LOG_SEGMENT_HEADER;
	return next;
}

/* Whether a block at or behind *b knew that `position` was synced: then what stands there is damage. */
static int was_synced(struct recovery *r, uint64_t position, struct block b)
{
	int got = 1;

	while (got == 1) {
		if (b.synced > position)
			return 1;
		got = next_block(r, b.position + log_block_bytes(b.facts), &b);
	}
	return got;
}

static int set_aside(struct recovery *r, uint64_t from, uint64_t to)
{
	char err[STORE_ERR];
	uint64_t end = (from / r->segment + 1) * r->segment;

	end = end < to ? end : to;
	r->found->damaged++;
	r->found->damaged_bytes += to - from;
	log_line(LOG_ERROR, "journal-damage", "position=%" PRIu64 " bytes=%" PRIu64 "%s", from, to - from,
	         r->j->config.read_only ? "" : " copied to quarantine/");
	if (r->j->config.read_only || map(r, from / r->segment) != 0 || r->at.p == NULL || from % r->segment >= r->at.n)
		return 0;
	if (end - from > r->at.n - from % r->segment)
		end = from + r->at.n - from % r->segment;
	if (store_quarantine(r->j->dir, from, r->at.p + from % r->segment, end - from, err) != 0)
		return fail(r, err);
	return 0;
}

static int replay_one(struct recovery *r, const struct block *b)
{
	const char *why = "";
	struct span facts = span_of(r->at.p + b->position % r->segment + LOG_BLOCK_HEADER, b->facts);

	r->epoch = b->epoch;
	if (b->synced > r->synced)
		r->synced = b->synced;
	if (b->type == BLOCK_END)
		return 0;
	r->found->blocks++;
	r->found->bytes += b->facts;
	if (r->replay != NULL && !r->replay(r->ctx, b->position, facts, &why)) {
		text_format(r->err, STORE_ERR, "the journal cannot be replayed at position %" PRIu64 ": %s",
		            b->position, why);
		return -1;
	}
	return 0;
}

/* Walks the log from its first segment; *head becomes where the next block goes. */
static int walk(struct recovery *r, uint64_t *head)
{
	uint64_t position = r->numbers[0] * r->segment + LOG_SEGMENT_HEADER;
	struct block b, later;
	int got;

	for (;;) {
		got = block_at(r, position, &b);
		if (got < 0)
			return -1;
		if (got == 0) {
			got = next_block(r, position, &later);
			r->ends_clean = got == 0;
			if (got == 1)
				got = was_synced(r, position, later);
			if (got < 0)
				return -1;
			if (got == 0)
				break; /* the torn tail, or the end */
			if (next_block(r, position, &later) != 1 || set_aside(r, position, later.position) != 0)
				return -1;
			position = later.position;
			continue;
		}
		if (replay_one(r, &b) != 0)
			return -1;
		position = behind(r, &b);
	}
	*head = position;
	return 0;
}

/* Bytes of whole blocks behind the head that are cut; for the report only. */
static uint64_t torn(struct recovery *r, uint64_t head)
{
	struct block b;
	uint64_t n = 0;

	while (!r->ends_clean && next_block(r, head, &b) == 1) {
		n += log_block_bytes(b.facts);
		head = b.position + log_block_bytes(b.facts);
	}
	return n;
}

/* Makes sure that what was replayed is on the disk, not only in the kernel's memory. */
static int settle(struct recovery *r, uint64_t head)
{
	bool rewrite = r->found->was_failed;
	uint64_t from = r->synced / r->segment, to = head / r->segment;

	from = from < r->numbers[0] ? r->numbers[0] : from;
	for (uint64_t k = from; k <= to && k <= r->numbers[r->n - 1]; k++) {
		uint64_t used = k == to ? head % r->segment : r->segment;
		enum store_header header;
		uint64_t bytes;
		int fd, bad;

		if (map(r, k) != 0)
			return -1;
		if (r->at.p == NULL)
			continue;
		if (rewrite) {
			if (store_rewrite(r->j->dir, k, r->segment, r->at.p, used < r->at.n ? used : r->at.n, r->err) !=
			    0)
				return -1;
			continue;
		}
		if (store_open(r->j->dir, k, true, &fd, &header, &bytes, r->err) != 0)
			return -1;
		bad = fsync(fd);
		close(fd);
		if (bad)
			return fail(r, "the journal's last segment cannot be synced");
	}
	unmap(r);
	if (rewrite)
		store_clear_failed(r->j->dir);
	return 0;
}

/* The size of the segments, as the first readable header names it; 0: none. */
static int segment_size(struct recovery *r)
{
	for (uint32_t i = 0; i < r->n && r->segment == 0; i++) {
		enum store_header header;
		int fd;

		if (store_open(r->j->dir, r->numbers[i], false, &fd, &header, &r->segment, r->err) != 0)
			return -1;
		close(fd);
		if (header == STORE_NEWER)
			return fail(r, "the journal was written by a newer version of sheafd; nothing was changed");
		if (r->segment < 65536 || (r->segment & (r->segment - 1)) != 0)
			r->segment = 0;
	}
	return 0;
}

int recover(struct journal *j, journal_replay_fn *replay, void *ctx, struct journal_found *found, char *err)
{
	struct recovery r = {
		.j = j, .replay = replay, .ctx = ctx, .found = found, .err = err, .at = { .number = UINT64_MAX }
	};
	uint64_t head = 0;
	int bad = -1;

	found->was_failed = store_is_failed(j->dir);
	if (store_list(j->dir, &r.numbers, &r.n, err) != 0)
		return -1;
	if (segment_size(&r) != 0)
		goto done;
	if (r.segment == 0)
		r.segment = j->config.segment_bytes;
	j->config.segment_bytes = found->segment_bytes = r.segment;
	if (r.n > 0) {
		if (walk(&r, &head) != 0)
			goto done;
		found->torn_bytes = torn(&r, head);
		if (found->blocks == 0 && found->damaged == 0 && head % r.segment == LOG_SEGMENT_HEADER)
			head = r.numbers[0] * r.segment; /* prepared and never written */
		if (!j->config.read_only && settle(&r, head) != 0)
			goto done;
		found->tail = r.numbers[0] * r.segment;
		found->segments = head / r.segment - r.numbers[0] + 1;
		j->s.prepared = r.numbers[r.n - 1] + 1;
	}
	found->head = head;
	j->epoch = r.epoch;
	bad = 0;
done:
	unmap(&r);
	free(r.numbers);
	return bad;
}
