/* The journal's state, private to broker/journal. Three threads meet here: the loop (appends, asks), the
 * committer (writes, syncs) and the keeper (files, reads). What is shared stands in the part that `lock`
 * guards; everything else belongs to the loop.
 *
 * Memory: the log's address space in chunks. The loop fills chunks and never touches a byte again that it has
 * handed over; a chunk is evicted only when all of it is durable. So the committer writes straight out
 * of chunks without a lock. */
#ifndef SHEAF_JOURNAL_STATE_H
#define SHEAF_JOURNAL_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>

#include "base/list.h"
#include "broker/journal/journal.h"
#include "broker/journal/store.h"

enum {
	CHUNK_MAX = 1 << 20,      /* bytes of a chunk, or of a segment if that is smaller */
	SEGMENT_LEAST = 64 << 10, /* bytes */
	CHUNKS_LEAST = 8,         /* a cache smaller than this makes no sense */
	PENDING_CHUNKS = 8192,    /* chunks that may wait for the committer: far beyond what `buffer_bytes` admits */
	ROLLS = 8192,             /* ends of segments that may wait for it */
	FRESH_MORE = 128,         /* chunks beyond the budget that fresh ones may take */
	READS = 64,               /* reads that may wait for the keeper */
	PREPARED = 2,             /* segments kept ready ahead of the head */
	POOL_IDLE = 4,            /* spare segments kept for long */
	SPACE_WAIT_MS = 10000     /* how long the committer waits for a segment on a full disk */
};

struct chunk {
	uint64_t number;
	uint8_t *mem;      /* owned */
	uint64_t from, to; /* bytes that are there: [from, to) */
	bool reading;      /* the keeper fills [0, from) */
	bool bad;          /* the read failed */
	bool from_disk;    /* some of it was read back: checksums are looked at */
	bool fresh;        /* read and not used yet: kept a little longer, or large reads could starve each other */
	struct list lru;   /* most recently used last */
	UT_hash_handle hh;
};

/* A read for the keeper: bytes [0, n) of the chunk at position chunk*size, into mem. */
struct reading {
	uint64_t number;
	uint8_t *mem;
	uint64_t n;
	bool ok;
};

/* The segment that the mover reads. */
struct scan {
	bool wanted, done, active;
	uint64_t base;
	uint8_t *mem;   /* owned */
	uint64_t n;     /* bytes read */
	uint64_t at;    /* offset of what comes next */
	uint64_t epoch; /* of the last block: a lower one is what is left of an old torn tail */
};

struct shared {
	uint64_t target;                  /* the committer may write up to here */
	uint64_t written;                 /* it has written up to here */
	uint64_t synced;                  /* and synced up to here */
	uint8_t *pending[PENDING_CHUNKS]; /* memory of chunk n at n % PENDING_CHUNKS */
	struct {
		uint64_t segment, end; /* the blocks of this segment end at this position */
	} rolls[ROLLS];
	uint64_t rolls_in, rolls_out;
	uint64_t prepared; /* segments below this number have their files */
	uint64_t wanted;   /* the keeper is to prepare below this number */
	uint64_t trim;     /* segments below this number may go, */
	uint64_t trim_at;  /* once this position is synced: what was moved out of them is then safe */
	uint64_t trimmed;  /* and are gone */
	struct reading reads[READS];
	uint32_t reads_in, reads_done, reads_out; /* counters: asked, finished, taken */
	struct scan scan;
	bool stop;    /* the committer ends when it has written all */
	bool retired; /* the committer has ended, and so may the keeper */
	bool failed, no_space;
	char error[256];
	uint64_t syncs, sync_ns, bytes_written, pool;
};

struct journal {
	struct journal_config config;
	char dir[STORE_PATH];
	int lock_fd, wake_fd;
	uint64_t epoch;      /* until the start: the highest that any block has; then ours */
	uint64_t began;      /* where it began */
	uint64_t tail, head; /* of the loop */
	uint64_t chunk_bytes;
	uint64_t committed; /* target as last handed over */
	_Atomic uint64_t synced;
	struct chunk *chunks; /* uthash by number */
	struct chunk *last;   /* found last */
	struct list lru;
	uint64_t n_chunks;
	uint64_t n_reads;   /* ever */
	struct buf scratch; /* a range that crosses chunks */
	bool started;
	pthread_t committer, keeper;
	pthread_mutex_t lock;
	pthread_cond_t to_commit, to_keep, has_segment;
	struct shared s;
};

/* cache.c, the loop's */
void cache_init(struct journal *j);
void cache_fini(struct journal *j);
/* Copies bytes to their place in the log. */
void cache_write(struct journal *j, uint64_t position, const uint8_t *p, uint64_t n);
/* Takes what the keeper has read. */
void cache_take_reads(struct journal *j);
/* Drops chunks that end below the position. */
void cache_trim(struct journal *j, uint64_t position);

/* commit.c and keeper.c: the threads */
void *commit_run(void *journal);
void *keeper_run(void *journal);
/* Tells the loop that something has changed. */
void journal_wake(struct journal *j);
/* Marks the journal as failed, for good. The lock is held. */
void journal_fail(struct journal *j, const char *what);

/* recover.c: reads all segments, calls replay for each block, finds the head, repairs the tail. */
MUST_CHECK int recover(struct journal *j, journal_replay_fn *replay, void *ctx, struct journal_found *found, char *err);

#endif
