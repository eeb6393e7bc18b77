/* The shape of the log: pure arithmetic on positions, shared by the core, which places its facts, and
 * the journal, which writes them there.
 *
 * A position is a byte address in one endless log. Segment k of a log with segments of S bytes holds
 * addresses [k*S, (k+1)*S); it begins with LOG_SEGMENT_HEADER bytes of the journal's own. Then come
 * blocks, one per group of facts, each LOG_BLOCK_HEADER bytes of header (also the journal's own) and the
 * facts, padded with zeros to LOG_ALIGN. A block never crosses a segment's end: if it does not fit, the
 * rest of the segment stays unused and the block opens the next. The unused rest begins with an end mark
 * if at least a block header fits. */
#ifndef SHEAF_CORE_LOG_H
#define SHEAF_CORE_LOG_H

#include <stdint.h>

#define LOG_SEGMENT_HEADER 4096
#define LOG_BLOCK_HEADER   48
#define LOG_ALIGN          16

static inline uint64_t log_align(uint64_t n)
{
	return (n + LOG_ALIGN - 1) / LOG_ALIGN * LOG_ALIGN;
}

/* Bytes that a block with `n` bytes of facts takes. */
static inline uint64_t log_block_bytes(uint64_t n)
{
	return log_align(LOG_BLOCK_HEADER + n);
}

/* Where a block with `n` bytes of facts goes when the log's head is at `head`: the position of its
 * header. The new head is that plus log_block_bytes(n). */
static inline uint64_t log_place(uint64_t head, uint64_t segment_bytes, uint64_t n)
{
	uint64_t need = log_block_bytes(n);

	if (head % segment_bytes == 0)
		return head + LOG_SEGMENT_HEADER;
	if (head % segment_bytes + need > segment_bytes)
		return (head / segment_bytes + 1) * segment_bytes + LOG_SEGMENT_HEADER;
	return head;
}

/* The largest group of facts that fits into a segment. */
static inline uint64_t log_group_max(uint64_t segment_bytes)
{
	return segment_bytes - LOG_SEGMENT_HEADER - LOG_BLOCK_HEADER - LOG_ALIGN;
}

#endif
