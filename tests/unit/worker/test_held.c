/* The table of jobs in a worker's hands, against a plain array, under random operations. */
#include "worker/held.h"

#include "base/rand.h"
#include "tests/unit/base/suite.h"

enum { TOKENS = 3000, STEPS = 400000 };

/* An assertion of check's writes to a pipe, which is too slow for each of so many steps. */
static int wrong;
#define EXPECT(cond) (wrong += !(cond))

/* What the table should say. */
struct model {
	uint64_t tokens[TOKENS];
	uint64_t ids[TOKENS]; /* 0 = not there */
	uint32_t n;
};

static void check_one(const struct held_table *t, const struct model *m, uint64_t i)
{
	const struct held *h = held_find(t, m->tokens[i]);

	EXPECT((h != NULL) == (m->ids[i] != 0));
	if (h != NULL) {
		EXPECT(h->token == m->tokens[i]);
		EXPECT(h->id == m->ids[i]);
	}
}

static void step(struct held_table *t, struct model *m, struct rng *rng, uint64_t id, uint64_t adds)
{
	uint64_t i = rng_below(rng, TOKENS);
	struct held *h;

	if (rng_below(rng, 10) < adds) {
		h = held_add(t, m->tokens[i]);
		EXPECT((h == NULL) == (m->ids[i] != 0));
		if (h != NULL) {
			EXPECT(h->user == NULL);
			h->id = m->ids[i] = id;
			m->n++;
		}
	} else {
		h = held_find(t, m->tokens[i]);
		if (h != NULL) {
			held_remove(t, h);
			m->ids[i] = 0;
			m->n--;
		}
	}
	EXPECT(t->n == m->n);
	check_one(t, m, i);
	check_one(t, m, rng_below(rng, TOKENS));
}

/* Where a token begins to look for its place: tokens are drawn until many share one stretch of the table, its end
 * and beginning included, so that runs are long and wrap around. */
static void draw_tokens(struct model *m, struct rng *rng)
{
	for (uint32_t i = 0; i < TOKENS;) {
		uint64_t token = rng_next(rng);
		uint32_t home = (uint32_t)((token * 0x9e3779b97f4a7c15u) >> 48);

		if (home < 1000 || home > HELD_PLACES - 1000)
			m->tokens[i++] = token;
	}
}

START_TEST(test_against_model)
{
	static struct model m;
	struct held_table t;
	struct rng rng;

	rng_seed(&rng, 1);
	draw_tokens(&m, &rng);
	held_init(&t);
	for (uint64_t i = 1; i <= STEPS; i++)
		step(&t, &m, &rng, i, (i / 20000) % 2 == 0 ? 7 : 3);
	for (uint64_t i = 0; i < TOKENS; i++)
		check_one(&t, &m, i);
	ck_assert_int_eq(wrong, 0);
	held_fini(&t);
}
END_TEST

START_TEST(test_full)
{
	struct held_table t;

	held_init(&t);
	ck_assert_ptr_null(held_add(&t, 0)); /* 0 marks an empty place */
	for (uint64_t token = 1; token <= LIMIT_HELD; token++)
		EXPECT(held_add(&t, token) != NULL);
	ck_assert_ptr_null(held_add(&t, LIMIT_HELD + 1));
	ck_assert_ptr_null(held_find(&t, LIMIT_HELD + 1));
	held_remove(&t, held_find(&t, 5));
	ck_assert_ptr_nonnull(held_add(&t, LIMIT_HELD + 1));
	ck_assert_ptr_null(held_find(&t, 5));
	for (uint64_t token = 6; token <= LIMIT_HELD + 1; token++)
		EXPECT(held_find(&t, token) != NULL);
	ck_assert_int_eq(wrong, 0);
	held_fini(&t);
}
END_TEST

SUITE_MAIN("held", test_against_model, test_full)
