/* A binary min-heap of items that know their place in it, so any item can be removed or moved in
 * O(log n). Keys are unsigned; ties go to the lower `tie`, which callers set to an id, so that equal
 * keys leave in the order of their ids. The heap owns its array, never the items. */
#ifndef SHEAF_BASE_HEAP_H
#define SHEAF_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_item {
	uint64_t key; /* order in the heap; changed only through heap_move while inside */
	uint64_t tie; /* breaks equal keys */
	uint32_t at;  /* 1 + index in the array; 0 = in no heap */
};

struct heap {
	struct heap_item **v; /* owned array of borrowed items */
	uint32_t n;           /* items */
	uint32_t cap;         /* slots allocated */
};

void heap_init(struct heap *h);
void heap_fini(struct heap *h);
void heap_add(struct heap *h, struct heap_item *it);
void heap_remove(struct heap *h, struct heap_item *it);
/* Gives an item that is inside a new key. */
void heap_move(struct heap *h, struct heap_item *it, uint64_t key);

/* The item with the lowest key, or NULL. It stays inside. */
static inline struct heap_item *heap_min(const struct heap *h)
{
	return h->n ? h->v[0] : NULL;
}

static inline bool heap_has(const struct heap_item *it)
{
	return it->at != 0;
}

#endif
