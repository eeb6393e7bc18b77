/* The table of messages in flight against a plain list of them, at random. */
#include "broker/nsq/inflight.h"

#include "base/rand.h"
#include "tests/unit/base/suite.h"

enum { RUNS = 40, STEPS = 200000 };

/* What each message of each run is: token of its parcel, 0 = not in flight. */
static uint64_t model[RUNS][RUN_MESSAGES];
static uint64_t finished, settled;

static uint64_t id_of(uint64_t run, uint64_t bit)
{
	return run * RUN_MESSAGES + bit;
}

static void add(struct inflight *f, struct rng *r, uint64_t run, uint64_t token)
{
	uint64_t mask = rng_next(r) & rng_next(r);

	for (int i = 0; i < RUN_MESSAGES; i++)
		if (model[run][i] != 0)
			mask &= ~(UINT64_C(1) << i);
	if (mask == 0)
		return;
	ck_assert(inflight_add(f, run, token, mask));
	for (int i = 0; i < RUN_MESSAGES; i++)
		if ((mask >> i & 1) != 0)
			model[run][i] = token;
}

static void settle(struct inflight *f)
{
	struct inflight_settled one;

	while (inflight_finished(f, &one))
		settled += (uint64_t)__builtin_popcountll(one.mask);
	ck_assert_uint_eq(settled, finished);
}

static void gone(struct inflight *f, struct rng *r, uint64_t run, uint64_t token)
{
	uint64_t mask = rng_next(r);
	uint32_t n = 0;

	for (int i = 0; i < RUN_MESSAGES; i++)
		if ((mask >> i & 1) != 0 && token != 0 && model[run][i] == token) {
			model[run][i] = 0;
			n++;
		}
	ck_assert_uint_eq(inflight_gone(f, run, token, mask), n);
}

START_TEST(test_against_a_list)
{
	struct inflight f = { 0 };
	struct inflight_settled one;
	uint64_t token = 0, n = 0;
	struct rng r;

	rng_seed(&r, 7);
	for (int step = 0; step < STEPS; step++) {
		uint64_t run = rng_below(&r, RUNS), bit = rng_below(&r, RUN_MESSAGES), *m = &model[run][bit];

		ck_assert(inflight_has(&f, id_of(run, bit)) == (*m != 0));
		switch (rng_below(&r, 12)) {
		case 0:
			add(&f, &r, run, ++token);
			break;
		case 1:
			settle(&f); /* as when what was read is worked through: before anything is gone */
			gone(&f, &r, run, *m);
			break;
		case 2:
			ck_assert(inflight_find(&f, id_of(run, bit), true, &one) == (*m != 0));
			ck_assert(*m == 0 || (one.token == *m && one.run == run && one.mask == UINT64_C(1) << bit));
			*m = 0;
			break;
		case 3:
			ck_assert(inflight_find(&f, id_of(run, bit), false, &one) == (*m != 0));
			break;
		default:
			ck_assert(inflight_finish(&f, id_of(run, bit)) == (*m != 0));
			finished += *m != 0;
			*m = 0;
		}
	}
	settle(&f);
	for (int i = 0; i < RUNS; i++)
		for (int k = 0; k < RUN_MESSAGES; k++)
			n += model[i][k] != 0;
	ck_assert_uint_eq(f.n, n);
	ck_assert_uint_gt(finished, 1000);
	inflight_clear(&f);
	for (uint64_t id = 0; id < RUNS * RUN_MESSAGES; id++)
		ck_assert(!inflight_has(&f, id));
	inflight_fini(&f);
}
END_TEST

START_TEST(test_bound)
{
	struct inflight f = { 0 };

	for (uint64_t i = 1; i <= INFLIGHT_PARCELS; i++)
		ck_assert(inflight_add(&f, i, i, 1));
	ck_assert(!inflight_add(&f, 1, 1, 2));
	ck_assert(inflight_finish(&f, id_of(77, 0)));
	inflight_fini(&f);
}
END_TEST

SUITE_MAIN("inflight", test_against_a_list, test_bound)
