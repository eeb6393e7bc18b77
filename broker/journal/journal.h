/* The journal: an append-only log in segments, written and synced by a thread of its own (group commit).
 * Positions and block placement are those of core/log.h. The loop thread appends blocks to memory and
 * never waits; the commit thread writes and syncs them; a housekeeping thread prepares, recycles and
 * removes segments and reads back what is no longer in memory. All functions belong to the loop thread.
 *
 * Files in the data directory: `lock` (held with flock while open), `NNNNNNNNNNNNNNNN.seg` (hex number of
 * the segment), `pool-N.seg` (zero-filled or to be reused), `quarantine/` (copies of damaged ranges),
 * `failed` (left by a failed write or sync; the next start rewrites the last segment's tail first). */
#ifndef SHEAF_JOURNAL_JOURNAL_H
#define SHEAF_JOURNAL_JOURNAL_H

#include "base/buf.h"
#include "base/must.h"
#include "base/span.h"
#include "broker/core/log.h"

struct journal;

#define FSYNC_ALWAYS 0
#define FSYNC_NEVER  UINT32_MAX

struct journal_config {
	const char *dir;        /* made (0700) if missing */
	uint64_t segment_bytes; /* a power of two from 64 KiB up; fixed when the directory is made, then read from it */
	uint64_t memory_bytes;  /* cache of log bytes, what is not yet written included */
	uint32_t fsync_ms;      /* FSYNC_ALWAYS, FSYNC_NEVER, or the most milliseconds between syncs */
	uint64_t buffer_bytes;  /* unwritten bytes at which journal_pressure says so */
	bool read_only;         /* for --check: change nothing, needs no lock unless a broker holds it */
};

/* What opening found. */
struct journal_found {
	uint64_t segment_bytes;
	uint64_t tail; /* base of the first segment */
	uint64_t head; /* where the next block goes; a fresh log: 0 */
	uint64_t segments;
	uint64_t blocks;
	uint64_t bytes;      /* of facts in intact blocks */
	uint64_t torn_bytes; /* cut behind the last block that a sync covered */
	uint64_t damaged;    /* damaged ranges below a synced position, put into quarantine/ */
	uint64_t damaged_bytes;
	uint64_t epoch;  /* the highest that any block has */
	bool was_failed; /* a `failed` marker was there */
};

/* Called for each intact block in order. Returning false stops the open with `why`. */
typedef bool journal_replay_fn(void *ctx, uint64_t position, struct span facts, const char **why);

/* Opens the directory, takes its lock, replays what is there, repairs the tail, and (unless read_only)
 * prepares the first segments, but starts no thread yet. On failure returns -1 with a sentence for people
 * in err (512 bytes): in use, not writable, a newer version, no space, … */
MUST_CHECK int journal_open(const struct journal_config *config, journal_replay_fn *replay, void *ctx,
                            struct journal_found *found, struct journal **out, char err[512]);

/* Starts the threads. `epoch` goes into every block header, or one above that of any block before, if that
 * is higher. */
MUST_CHECK int journal_start(struct journal *j, uint64_t epoch, char err[512]);

/* Commits what is left (unless failed), stops the threads, releases the lock. NULL is fine. */
void journal_close(struct journal *j);

/* Takes over a block: `at` must be log_place(head, …) for its facts; the first LOG_BLOCK_HEADER bytes of
 * `block` are overwritten with the header. The bytes are copied. */
void journal_append(struct journal *j, uint64_t at, struct buf *block, uint32_t facts);

/* Hands all that was appended to the commit thread; call once per turn. */
void journal_commit(struct journal *j);

/* Everything below this position is durable (or, with FSYNC_NEVER, written). */
uint64_t journal_synced(const struct journal *j);

/* A file descriptor that becomes readable when the synced position moved, a read or scan finished, or
 * the status changed. journal_woken clears it. */
int journal_fd(const struct journal *j);
void journal_woken(struct journal *j);

struct journal_status {
	bool pressure;       /* the buffer is at its bound */
	bool no_space;       /* no further segment can be prepared; the reserve still is there */
	bool failed;         /* a write or sync failed: nothing more becomes durable */
	char error[256];     /* why it failed */
	uint64_t segments;   /* live ones */
	uint64_t pool;       /* prepared or waiting to be reused */
	uint64_t disk_bytes; /* of all files */
	uint64_t syncs;
	uint64_t sync_ns;     /* spent in syncs */
	uint64_t written;     /* bytes */
	uint64_t cache_bytes; /* now in memory */
	uint64_t reads;       /* cache misses that went to disk */
};
void journal_status(struct journal *j, struct journal_status *s);

enum journal_read { READ_OK, READ_PENDING, READ_BAD };

/* Bytes of the log. READ_OK: *out is valid until the next journal call. READ_PENDING: they are being read
 * into the cache; try again when journal_fd fires. READ_BAD: they cannot be read, or the checksum `crc`
 * (CRC-32C over exactly these bytes) is not theirs. `crc` is checked only for what came from disk. */
enum journal_read journal_bytes(struct journal *j, uint64_t position, uint32_t length, uint32_t crc, struct span *out);

/* Reads a whole segment in the background, for the core's mover: after this, journal_scan_next gives its
 * blocks in order as they come. One scan at a time. */
void journal_scan(struct journal *j, uint64_t base);
/* 1: a block (valid until the next journal call); 0: nothing yet; -1: the end. Damaged blocks are skipped
 * (and counted in the log). */
int journal_scan_next(struct journal *j, uint64_t *position, struct span *facts);

/* The base of the segment that is, or was last, scanned. */
uint64_t journal_scan_base(const struct journal *j);

/* The segment size of the journal in `dir`; `otherwise` if there is none yet. */
uint64_t journal_segment_bytes(const char *dir, uint64_t otherwise);

/* Gives up all segments below `base`: they go to the pool, or away, in the background. */
void journal_trim(struct journal *j, uint64_t base);

#endif
