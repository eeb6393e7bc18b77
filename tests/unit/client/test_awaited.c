/* The table of awaited jobs against a naive model: ids in runs, with strays, taken in any order. */
#include "client/awaited.h"

#include <stdlib.h>

#include "base/rand.h"
#include "tests/unit/base/suite.h"

/* ck_assert writes to a pipe each time: too slow for so many. */
#define EXPECT(cond)                                                                                                   \
	do {                                                                                                           \
		if (!(cond))                                                                                           \
			ck_abort_msg(#cond);                                                                           \
	} while (0)

enum { SPAN = 4096, STEPS = 400000 };

/* One step on the id at `i` of the model: base ids far apart, so that runs meet in the table. */
static void one_step(struct awaited *a, bool *inside, uint32_t i, uint64_t stride)
{
	uint64_t id = 1 + (i / 64) * stride + i % 64, tag = UINT64_MAX;

	EXPECT(awaited_has(a, id) == inside[i]);
	if (inside[i]) {
		EXPECT(!awaited_put(a, id, 1));
		EXPECT(awaited_take(a, id, &tag));
		EXPECT(tag == id * 3);
	} else {
		EXPECT(!awaited_take(a, id, &tag));
		EXPECT(tag == UINT64_MAX);
		EXPECT(awaited_put(a, id, id * 3));
	}
	inside[i] = !inside[i];
}

static void against_model(uint64_t stride, uint64_t seed)
{
	bool *inside = calloc(SPAN, sizeof *inside);
	struct awaited a;
	struct rng rng;
	uint32_t n = 0;

	rng_seed(&rng, seed);
	awaited_init(&a);
	for (uint32_t step = 0; step < STEPS; step++)
		one_step(&a, inside, (uint32_t)rng_below(&rng, SPAN), stride);
	for (uint32_t i = 0; i < SPAN; i++)
		n += inside[i];
	ck_assert_uint_eq(a.n, n);
	awaited_fini(&a);
	free(inside);
}

START_TEST(runs_side_by_side)
{
	against_model(64, 1);
}
END_TEST

START_TEST(runs_far_apart)
{
	against_model(1 << 20, 2);
	against_model(0x9e3779b97f4a7c15u >> 20, 3);
}
END_TEST

START_TEST(oldest_first_and_one_stray)
{
	struct awaited a;
	uint64_t tag;

	awaited_init(&a);
	ck_assert(awaited_put(&a, 5, 5));
	for (uint64_t id = 10; id < 500000; id++) {
		EXPECT(awaited_put(&a, id, id));
		if (id >= 10 + 60000)
			EXPECT(awaited_take(&a, id - 60000, &tag) && tag == id - 60000);
	}
	ck_assert_uint_eq(a.n, 60001);
	ck_assert(awaited_take(&a, 5, &tag));
	ck_assert(!awaited_take(&a, 5, &tag));
	ck_assert(!awaited_take(&a, 0, &tag));
	awaited_fini(&a);
}
END_TEST

SUITE_MAIN("awaited", runs_side_by_side, runs_far_apart, oldest_first_and_one_stray)
