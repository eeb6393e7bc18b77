/* What the journal's tests share: a directory of their own, a journal in it, a list of the blocks that were
 * appended, and hands to spoil the files with. Block contents follow from their tag, so only that is kept. */
#ifndef SHEAF_TESTS_UNIT_JOURNAL_KIT_H
#define SHEAF_TESTS_UNIT_JOURNAL_KIT_H

#include "broker/journal/journal.h"
#include "tests/unit/base/suite.h"

enum { KIT_SEGMENT = 64 << 10, KIT_BLOCKS = 1 << 16 };

struct kit_block {
	uint64_t at;
	uint32_t n;   /* bytes of facts */
	uint64_t tag; /* seeds the bytes */
};

struct kit {
	char dir[64];
	struct journal_config config;
	struct journal *j; /* NULL while closed */
	struct journal_found found;
	char err[512];
	uint64_t epoch;
	uint64_t head;
	struct buf block;
	struct kit_block *made; /* what was appended and not cut, in order */
	uint32_t n_made;
	struct kit_block *got; /* what the last open replayed; tag is the checksum */
	uint32_t n_got;
};

void kit_init(struct kit *k);
/* Closes and removes everything. */
void kit_fini(struct kit *k);

/* journal_open with a replay that fills `got`. */
MUST_CHECK int kit_try(struct kit *k);
/* The same and journal_start, both of which must succeed. */
void kit_open(struct kit *k);
/* Opens to look only, and closes again; must succeed. */
void kit_look(struct kit *k);
void kit_close(struct kit *k);

/* Appends a block with `n` bytes of facts; returns its position. */
uint64_t kit_append(struct kit *k, uint32_t n);
/* Commits and waits until all is durable. */
void kit_sync(struct kit *k);
/* Appends and syncs `count` blocks of n bytes, a sync for each. */
void kit_fill(struct kit *k, uint32_t count, uint32_t n);
/* Waits until the condition on the status holds. */
void kit_await(struct kit *k, bool (*holds)(const struct journal_status *s, uint64_t n), uint64_t n);
struct journal_status kit_status(struct kit *k);
/* Waits until the next segments are prepared, if nothing was trimmed since the open. */
void kit_settle(struct kit *k);
/* Waits for the journal to say something, a short while at most. */
void kit_wait(struct kit *k);

/* The replay gave exactly the blocks that were made, less those whose index is in skip (ended by UINT32_MAX). */
void kit_same(const struct kit *k, const uint32_t *skip);
/* Takes block i and all behind it out of what was made. */
void kit_forget(struct kit *k, uint32_t i);
/* The facts of a block that was made. Valid until the next call. */
struct span kit_facts(const struct kit_block *b);
/* journal_bytes for the whole of the block's facts, waited for. */
enum journal_read kit_read(struct kit *k, const struct kit_block *b, struct span *out);

/* Files. A position names the byte of the log that is in its segment's file. */
void kit_path(const struct kit *k, char out[256], const char *name);
void kit_segment(const struct kit *k, char out[256], uint64_t number);
void kit_zero(struct kit *k, uint64_t position, uint64_t n);
void kit_flip(struct kit *k, uint64_t position);
void kit_peek(struct kit *k, uint64_t position, void *p, uint64_t n);
void kit_poke(struct kit *k, uint64_t position, const void *p, uint64_t n);
/* Files in the directory (or one below it) whose names begin so. */
uint32_t kit_count(const struct kit *k, const char *below, const char *prefix);
/* A checksum over all names and contents. */
uint32_t kit_print(const struct kit *k);

#endif
