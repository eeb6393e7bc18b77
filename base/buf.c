/* The growing part of a byte buffer; see buf.h. */
#include "base/buf.h"

#include <stdlib.h>

#include "base/le.h"

enum { FIRST_CAP = 256 };

void buf_init(struct buf *b)
{
	*b = (struct buf){ 0 };
}

void buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}

void buf_grow(struct buf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : FIRST_CAP;

	must(more < SIZE_MAX / 4 && b->n < SIZE_MAX / 4);
	while (cap - b->n < more)
		cap *= 2;
	b->p = realloc(b->p, cap);
	must(b->p != NULL);
	b->cap = cap;
}

void buf_put_u16(struct buf *b, uint16_t v)
{
	le_put16(buf_room(b, 2), v);
	b->n += 2;
}

void buf_put_u32(struct buf *b, uint32_t v)
{
	le_put32(buf_room(b, 4), v);
	b->n += 4;
}

void buf_put_u64(struct buf *b, uint64_t v)
{
	le_put64(buf_room(b, 8), v);
	b->n += 8;
}
