/* The header before each group of facts in a segment, and the end mark behind the last one.
 *
 *   0  u32 magic   4 u8 version   5 u8 type   6 u16 0   8 u32 bytes of facts   12 u32 CRC-32C
 *  16  u64 epoch  24 u64 position of this header  32 u64 position that was synced when it was written
 *  40 u64 position at which this epoch began
 *
 * All little endian; the checksum covers the header (with 0 in its place) and the facts. The position tells
 * a recycled segment's old blocks from new ones; the epoch never goes down along the log, which tells a block
 * that was cut off as torn from those that were written over it later: behind where an epoch began, a block of a
 * lower one is a left-over, even if the first block of the new one is damaged. */
#ifndef SHEAF_JOURNAL_BLOCK_H
#define SHEAF_JOURNAL_BLOCK_H

#include "base/must.h"
#include "base/span.h"
#include "broker/core/log.h"

enum block_type { BLOCK_FACTS = 1, BLOCK_END = 2 };

enum { BLOCK_VERSION = 1 };

struct block {
	enum block_type type;
	uint32_t facts; /* bytes */
	uint64_t epoch;
	uint64_t position;
	uint64_t synced;
	uint64_t began;
};

/* Writes the header to p[0..LOG_BLOCK_HEADER); the facts stand behind it already. */
void block_seal(uint8_t *p, const struct block *b);

/* Whether a block may begin at p: a quick look before block_open, for whoever searches. */
static inline bool block_begins(const uint8_t *p)
{
	return p[0] == 'S' && p[1] == 'h' && p[2] == 'e' && p[3] == 'f';
}

enum block_verdict { BLOCK_GOOD, BLOCK_BAD, BLOCK_NEWER };

/* Reads and checks the block at p, of which `n` bytes are there; it must be at `position`. BLOCK_NEWER: intact,
 * of a later version of the format. */
enum block_verdict block_open(const uint8_t *p, size_t n, uint64_t position, struct block *b);

#endif
