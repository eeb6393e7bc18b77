/* Opening a log: every intact block is replayed in order; what is bad below a position that a later block knew
 * to be synced is damage, reported and set aside; what is bad above is the torn tail and is cut. */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "broker/journal/block.h"
#include "broker/journal/state.h"

/* One segment in memory. */
struct loaded {
	uint64_t number; /* UINT64_MAX: none */
	bool there;      /* its file could be opened */
	uint8_t *p;      /* owned; r->segment bytes, zeros where the file has none */
};

/* An epoch and where it began. */
struct beginning {
	uint64_t epoch, at;
};

struct recovery {
	struct journal *j;
	journal_replay_fn *replay;
	void *ctx;
	struct journal_found *found;
	char *err;
	uint64_t *numbers;
	uint32_t n;
	struct loaded at;
	uint64_t epoch;          /* of the last block */
	struct beginning *begun; /* owned; epochs behind the first bad place, see survey() */
	uint32_t n_begun, cap_begun;
	bool surveyed;
	uint64_t synced;  /* highest that any block knew */
	uint64_t segment; /* bytes */
	bool ends_clean;  /* no intact block stands behind the head */
};

static int fail(const struct recovery *r, const char *text)
{
	text_format(r->err, STORE_ERR, "%s", text);
	return -1;
}

/* Reads the segment, as far as it can be read: what cannot shows as zeros, which no block is made of. */
static void load(struct recovery *r, uint64_t number)
{
	enum store_header header;
	char err[STORE_ERR];
	uint64_t bytes;
	int fd;

	if (r->at.number == number)
		return;
	r->at.number = number;
	r->at.there = store_open_segment(r->j->dir, number, false, &fd, &header, &bytes, err) == 0;
	if (!r->at.there)
		return;
	store_read_what(fd, r->at.p, r->segment, 0);
	close(fd);
}

/* The base of the first segment behind `position` that has a file. */
static uint64_t next_base(const struct recovery *r, uint64_t position)
{
	uint32_t low = 0, high = r->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (r->numbers[mid] * r->segment > position)
			high = mid;
		else
			low = mid + 1;
	}
	return low < r->n ? r->numbers[low] * r->segment : UINT64_MAX;
}

/* Whether a block is what is left of a tail that was cut: an older epoch than what stands before it, or than one that
 * began before it. */
static bool left_over(const struct recovery *r, const struct block *b)
{
	for (uint32_t i = 0; i < r->n_begun; i++)
		if (r->begun[i].epoch > b->epoch && r->begun[i].at <= b->position)
			return true;
	return b->epoch < r->epoch;
}

/* The block at `position`, if it is intact and no left-over. */
static int block_at(struct recovery *r, uint64_t position, struct block *b)
{
	uint64_t offset = position % r->segment;

	load(r, position / r->segment);
	if (!r->at.there)
		return 0;
	switch (block_open(r->at.p + offset, r->segment - offset, position, b)) {
	case BLOCK_NEWER:
		return fail(r, "a block of the journal was written by a newer version of sheafd; nothing was changed");
	case BLOCK_BAD:
		return 0;
	case BLOCK_GOOD:
		break;
	}
	return !left_over(r, b);
}

/* The next position in this segment, from `position` on, where a block may begin; the next segment's base if none. */
static uint64_t candidate(const struct recovery *r, uint64_t position)
{
	uint64_t base = position / r->segment * r->segment, at = position - base;

	if (at < LOG_SEGMENT_HEADER)
		at = LOG_SEGMENT_HEADER;
	for (; r->at.there && at + LOG_BLOCK_HEADER <= r->segment; at += LOG_ALIGN)
		if (block_begins(r->at.p + at))
			return base + at;
	return next_base(r, position);
}

/* The first intact block at or behind `position`: 1; or none: 0. */
static int next_block(struct recovery *r, uint64_t position, struct block *b)
{
	while (position != UINT64_MAX) {
		int got;

		load(r, position / r->segment);
		position = candidate(r, position);
		if (position == UINT64_MAX || position % r->segment == 0)
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

/* At the first bad place: which epochs stand behind it, and where they began. */
static int survey(struct recovery *r, uint64_t position)
{
	struct block b;
	int got;

	if (r->surveyed)
		return 0;
	r->surveyed = true;
	while ((got = next_block(r, position, &b)) == 1) {
		position = b.position + log_block_bytes(b.facts);
		if (r->n_begun > 0 && r->begun[r->n_begun - 1].epoch == b.epoch)
			continue;
		if (r->n_begun == r->cap_begun) {
			r->cap_begun = r->cap_begun ? 2 * r->cap_begun : 16;
			r->begun = realloc(r->begun, r->cap_begun * sizeof *r->begun);
			must(r->begun != NULL);
		}
		r->begun[r->n_begun++] = (struct beginning){ b.epoch, b.began };
	}
	return got;
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

/* Reports a damaged range and keeps a copy of it, a file for each segment that it touches. */
static int set_aside(struct recovery *r, uint64_t from, uint64_t to)
{
	char err[STORE_ERR];

	r->found->damaged++;
	r->found->damaged_bytes += to - from;
	log_line(LOG_ERROR, "journal-damage", "position=%" PRIu64 " bytes=%" PRIu64 "%s", from, to - from,
	         r->j->config.read_only ? "" : " copied to quarantine/");
	while (!r->j->config.read_only && from < to) {
		uint64_t end = (from / r->segment + 1) * r->segment;

		end = end < to ? end : to;
		load(r, from / r->segment);
		if (r->at.there && store_quarantine(r->j->dir, from, r->at.p + from % r->segment, end - from, err) != 0)
			return fail(r, err);
		from = r->at.there || end == to ? end : next_base(r, from);
	}
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
			got = survey(r, position);
			if (got == 0)
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

/* Bytes of whole blocks behind the head that are cut, for the report. Whatever is written from now on has a higher
 * epoch than any of them, so that they cannot come back to life behind it. */
static uint64_t torn(struct recovery *r, uint64_t head, uint64_t *epoch)
{
	struct block b;
	uint64_t n = 0;

	*epoch = r->epoch;
	while (!r->ends_clean && next_block(r, head, &b) == 1) {
		n += log_block_bytes(b.facts);
		head = b.position + log_block_bytes(b.facts);
		*epoch = b.epoch > *epoch ? b.epoch : *epoch;
	}
	return n;
}

static bool listed(const struct recovery *r, uint64_t number)
{
	return (number == 0 && r->n > 0 && r->numbers[0] == 0) ||
	       (number > 0 && next_base(r, number * r->segment - 1) == number * r->segment);
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

		load(r, k);
		if (!r->at.there)
			continue;
		if (rewrite) {
			if (store_rewrite(r->j->dir, k, r->segment, r->at.p, used, r->err) != 0)
				return -1;
			continue;
		}
		if (store_open_segment(r->j->dir, k, true, &fd, &header, &bytes, r->err) != 0)
			return -1;
		bad = fsync(fd);
		close(fd);
		if (bad)
			return fail(r, "the journal's last segment cannot be synced");
	}
	if (rewrite)
		store_clear_failed(r->j->dir);
	return 0;
}

/* Looks at every header before anything is replayed or changed. */
static int headers(struct recovery *r)
{
	for (uint32_t i = 0; i < r->n; i++) {
		enum store_header header;
		uint64_t bytes;
		int fd;

		if (store_open_segment(r->j->dir, r->numbers[i], false, &fd, &header, &bytes, r->err) != 0)
			return -1;
		close(fd);
		if (header == STORE_NEWER)
			return fail(r, "the journal was written by a newer version of sheafd; nothing was changed");
		if (header == STORE_GOOD && bytes != r->segment)
			return fail(r, "the journal's segments are of different sizes");
	}
	return 0;
}

/* Reports and mends what is wrong with the files themselves: headers, lengths, a missing one. */
static int mend(struct recovery *r, uint64_t head)
{
	for (uint32_t i = 0; i < r->n; i++) {
		uint64_t base = r->numbers[i] * r->segment, bytes;
		enum store_header header;
		int fd;

		if (store_open_segment(r->j->dir, r->numbers[i], false, &fd, &header, &bytes, r->err) != 0)
			return -1;
		close(fd);
		if (header == STORE_DAMAGED && set_aside(r, base, base + LOG_SEGMENT_HEADER) != 0)
			return -1;
		if (!r->j->config.read_only && store_mend(r->j->dir, r->numbers[i], r->segment, r->err) != 0)
			return -1;
	}
	r->at.number = UINT64_MAX; /* read it anew */
	/* segments are prepared in order: one that is missing before an empty one was there once */
	if (!listed(r, head / r->segment) && next_base(r, head) != UINT64_MAX)
		return set_aside(r, head, (head / r->segment + 1) * r->segment);
	return 0;
}

/* The size of the segments, as the first readable header names it; 0: none. */
static int segment_size(struct recovery *r)
{
	for (uint32_t i = 0; i < r->n && r->segment == 0; i++) {
		enum store_header header;
		int fd;

		if (store_open_segment(r->j->dir, r->numbers[i], false, &fd, &header, &r->segment, r->err) != 0)
			return -1;
		close(fd);
		if (header == STORE_NEWER)
			return fail(r, "the journal was written by a newer version of sheafd; nothing was changed");
		if (r->segment < SEGMENT_LEAST || (r->segment & (r->segment - 1)) != 0)
			r->segment = 0;
	}
	return 0;
}

static int recover_log(struct recovery *r)
{
	struct journal *j = r->j;
	uint64_t head = 0;

	if (headers(r) != 0 || walk(r, &head) != 0)
		return -1;
	r->found->torn_bytes = torn(r, head, &j->epoch);
	if (mend(r, head) != 0)
		return -1;
	if (r->found->blocks == 0 && r->found->damaged == 0 && head % r->segment == LOG_SEGMENT_HEADER)
		head = r->numbers[0] * r->segment; /* prepared and never written */
	if (!j->config.read_only && settle(r, head) != 0)
		return -1;
	r->found->tail = r->numbers[0] * r->segment;
	r->found->head = head;
	r->found->segments = head / r->segment - r->numbers[0] + 1;
	r->found->epoch = j->epoch;
	for (j->s.prepared = head / r->segment; listed(r, j->s.prepared);)
		j->s.prepared++;
	return 0;
}

int recover(struct journal *j, journal_replay_fn *replay, void *ctx, struct journal_found *found, char *err)
{
	struct recovery r = {
		.j = j, .replay = replay, .ctx = ctx, .found = found, .err = err, .at = { .number = UINT64_MAX }
	};
	int bad;

	found->was_failed = store_is_failed(j->dir);
	if (store_list(j->dir, &r.numbers, &r.n, err) != 0)
		return -1;
	bad = segment_size(&r);
	if (bad == 0) {
		if (r.segment == 0)
			r.segment = j->config.segment_bytes;
		j->config.segment_bytes = found->segment_bytes = r.segment;
		while (r.n > 0 && r.numbers[r.n - 1] > (UINT64_MAX >> 1) / r.segment)
			r.n--; /* no log ever comes this far: not a file of ours */
	}
	if (bad == 0 && r.n > 0) {
		r.at.p = malloc(r.segment);
		must(r.at.p != NULL);
		bad = recover_log(&r);
	}
	free(r.at.p);
	free(r.begun);
	free(r.numbers);
	return bad;
}
