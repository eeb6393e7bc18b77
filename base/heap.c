/* Sift up, sift down; see heap.h. */
#include "base/heap.h"

#include <stdlib.h>

#include "base/must.h"

static bool before(const struct heap_item *a, const struct heap_item *b)
{
	return a->key < b->key || (a->key == b->key && a->tie < b->tie);
}

static void place(struct heap *h, uint32_t i, struct heap_item *it)
{
	h->v[i] = it;
	it->at = i + 1;
}

static void sift_up(struct heap *h, uint32_t i, struct heap_item *it)
{
	while (i > 0 && before(it, h->v[(i - 1) / 2])) {
		place(h, i, h->v[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(h, i, it);
}

static void sift_down(struct heap *h, uint32_t i, struct heap_item *it)
{
	for (;;) {
		uint32_t c = 2 * i + 1;

		if (c >= h->n)
			break;
		if (c + 1 < h->n && before(h->v[c + 1], h->v[c]))
			c++;
		if (!before(h->v[c], it))
			break;
		place(h, i, h->v[c]);
		i = c;
	}
	place(h, i, it);
}

void heap_init(struct heap *h)
{
	*h = (struct heap){ 0 };
}

void heap_fini(struct heap *h)
{
	free(h->v);
	*h = (struct heap){ 0 };
}

void heap_add(struct heap *h, struct heap_item *it)
{
	must(it->at == 0);
	if (h->n == h->cap) {
		h->cap = h->cap ? h->cap * 2 : 64;
		h->v = realloc(h->v, h->cap * sizeof h->v[0]);
		must(h->v != NULL);
	}
	h->n++;
	sift_up(h, h->n - 1, it);
}

void heap_remove(struct heap *h, struct heap_item *it)
{
	uint32_t i = it->at - 1;
	struct heap_item *last;

	must(it->at != 0 && i < h->n && h->v[i] == it);
	it->at = 0;
	last = h->v[--h->n];
	if (last == it)
		return;
	last->at = i + 1;
	h->v[i] = last;
	heap_move(h, last, last->key);
}

void heap_move(struct heap *h, struct heap_item *it, uint64_t key)
{
	uint32_t i = it->at - 1;

	must(it->at != 0 && i < h->n && h->v[i] == it);
	it->key = key;
	if (i > 0 && before(it, h->v[(i - 1) / 2]))
		sift_up(h, i, it);
	else
		sift_down(h, i, it);
}
