/* The heap against a naive model: an array that is searched from end to end. */
#include "base/heap.h"

#include "base/rand.h"
#include "tests/unit/base/suite.h"

enum { ITEMS = 300, STEPS = 60000 };

struct thing {
	struct heap_item item;
	bool inside; /* what the model believes */
};

static struct thing *model_min(struct thing *things)
{
	struct thing *best = NULL;

	for (int i = 0; i < ITEMS; i++) {
		struct thing *t = &things[i];

		if (t->inside && (best == NULL || t->item.key < best->item.key ||
		                  (t->item.key == best->item.key && t->item.tie < best->item.tie)))
			best = t;
	}
	return best;
}

/* Every item knows its place, and no child comes before its parent. */
static void check_shape(const struct heap *h)
{
	for (uint32_t i = 0; i < h->n; i++) {
		ck_assert_uint_eq(h->v[i]->at, i + 1);
		if (i > 0)
			ck_assert_uint_le(h->v[(i - 1) / 2]->key, h->v[i]->key);
	}
}

static void one_step(struct heap *h, struct thing *t, uint64_t key)
{
	if (!t->inside) {
		t->item.key = key;
		heap_add(h, &t->item);
		t->inside = true;
	} else if (key % 2) {
		heap_move(h, &t->item, key);
	} else {
		heap_remove(h, &t->item);
		t->inside = false;
	}
}

START_TEST(test_random)
{
	static struct thing things[ITEMS];
	struct heap h;
	struct rng r;
	uint32_t inside = 0;

	rng_seed(&r, 7);
	heap_init(&h);
	for (int i = 0; i < ITEMS; i++)
		things[i].item.tie = (uint64_t)i;
	for (int step = 0; step < STEPS; step++) {
		struct thing *t = &things[rng_below(&r, ITEMS)];
		struct thing *best;

		inside -= t->inside;
		one_step(&h, t, rng_below(&r, 50)); /* few keys, so that ties are common */
		inside += t->inside;
		ck_assert_uint_eq(h.n, inside);
		ck_assert_int_eq(heap_has(&t->item), t->inside);
		best = model_min(things);
		ck_assert_ptr_eq(heap_min(&h), best ? &best->item : NULL);
		if (step % 100 == 0)
			check_shape(&h);
	}
	heap_fini(&h);
}
END_TEST

START_TEST(test_equal_keys_leave_by_tie)
{
	static struct heap_item items[100];
	struct heap h;

	heap_init(&h);
	for (uint64_t i = 0; i < 100; i++) {
		items[i].key = 5;
		items[i].tie = i * 37 % 100;
		heap_add(&h, &items[i]);
	}
	for (uint64_t i = 0; i < 100; i++) {
		struct heap_item *it = heap_min(&h);

		ck_assert_uint_eq(it->tie, i);
		heap_remove(&h, it);
		ck_assert(!heap_has(it));
	}
	ck_assert_ptr_null(heap_min(&h));
	heap_fini(&h);
}
END_TEST

START_TEST(test_empty)
{
	struct heap h;

	heap_init(&h);
	ck_assert_ptr_null(heap_min(&h));
	heap_fini(&h);
}
END_TEST

SUITE_MAIN("heap", test_random, test_equal_keys_leave_by_tie, test_empty)
