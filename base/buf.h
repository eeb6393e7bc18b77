/* A growable byte buffer with a cap. The owner calls buf_init and buf_fini; buf_clear keeps the memory.
 * Growth doubles; out of memory aborts (the caps in proto/limits.h keep sizes sane, so it means the
 * machine is out of memory, which nothing here could handle better). */
#ifndef SHEAF_BASE_BUF_H
#define SHEAF_BASE_BUF_H

#include "base/must.h"
#include "base/span.h"

struct buf {
	uint8_t *p; /* owned */
	size_t n;   /* bytes in use */
	size_t cap; /* bytes allocated */
};

void buf_init(struct buf *b);
void buf_fini(struct buf *b);

/* Makes room for `more` bytes behind the used ones. */
void buf_grow(struct buf *b, size_t more);

static inline void buf_clear(struct buf *b)
{
	b->n = 0;
}

static inline struct span buf_span(const struct buf *b)
{
	return span_of(b->p, b->n);
}

/* Returns where `more` bytes may be written; the caller then adds what it wrote to b->n. */
static inline uint8_t *buf_room(struct buf *b, size_t more)
{
	if (unlikely(b->cap - b->n < more))
		buf_grow(b, more);
	return b->p + b->n;
}

static inline void buf_put(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_room(b, n), p, n);
	b->n += n;
}

static inline void buf_put_span(struct buf *b, struct span s)
{
	buf_put(b, s.p, s.n);
}

/* Fixed-width little-endian integers, for the journal and for headers that are patched later. */
static inline void buf_put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void buf_put_u16(struct buf *b, uint16_t v);
void buf_put_u32(struct buf *b, uint32_t v);
void buf_put_u64(struct buf *b, uint64_t v);

#endif
