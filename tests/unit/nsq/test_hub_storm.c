/* Storms: owners that publish, subscribe, forget and leave at random, also from within callbacks, against a broker that
 * answers late, in any order, refuses, forgets the session and loses deliveries. Each owner hears of each of its calls
 * once, in their order; in the end nothing is owed. */
#include <stdlib.h>

#include "base/rand.h"
#include "tests/unit/nsq/hub_rig.h"

enum { OWNERS = 7, SUBS = 5, STEPS = 2000, STORMS = 6, EXPECTED = 1 << 14, MOST_PUBLISHES = HUB_RIG_PUBLISHES - 16 };

struct who {
	enum sheaf_error expected[EXPECTED]; /* of the calls without an answer, in their order */
	uint32_t first, next;
};

static struct hub_rig rig;
static struct rng rng;
static struct who owners[OWNERS];
static struct hub_sub *subs[SUBS];
static uint64_t in_hand[SUBS], credit[SUBS];
static uint32_t accepted; /* of rig.publishes */
static bool calm;

static bool chance(uint32_t in)
{
	return rng_below(&rng, in) == 0;
}

static void forget(struct who *w)
{
	hub_forget(rig.hub, w);
	w->first = w->next;
}

static void publish(struct who *w);

static void answered(void *arg, enum sheaf_error e, struct span text)
{
	struct who *w = arg;

	(void)text;
	ck_assert_uint_lt(w->first, w->next);
	ck_assert_int_eq(e, w->expected[w->first++ % EXPECTED]);
	if (calm)
		return;
	if (chance(4))
		publish(w);
	if (chance(50))
		forget(w);
	if (chance(20))
		publish(&owners[rng_below(&rng, OWNERS)]);
}

static void publish(struct who *w)
{
	static const char *const topics[] = { "a", "b", "c", "no good" };
	static const uint8_t packed[3 * 5] = { 0, 0, 0, 1, 'x', 0, 0, 0, 1, 'y', 0, 0, 0, 1, 'z' };
	uint64_t topic = rng_below(&rng, 4);
	uint32_t n = (uint32_t)rng_below(&rng, 3) + 1;

	if (w->next - w->first == EXPECTED || rig.n >= MOST_PUBLISHES)
		return;
	w->expected[w->next++ % EXPECTED] = topic == 3 ? SHEAF_E_BAD_NAME : SHEAF_OK;
	hub_publish(rig.hub, span_str(topics[topic]), chance(5) ? 100 : 0, n, span_of(packed, 5 * n), answered, w);
}

/* ---- subscriptions ---- */

static void messages(void *arg, const struct hub_delivery *d)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;

	ck_assert_ptr_nonnull(subs[i]);
	in_hand[i]++;
	if (chance(2)) {
		hub_settle(subs[i], d->run, d->token, d->mask, SETTLE_FINISH, 0);
		hub_credit(subs[i], 100, credit[i] += d->packed.n);
		in_hand[i]--;
	}
	if (chance(20))
		hub_unsubscribe(&subs[i]);
}

static void gone(void *arg, uint64_t run, uint64_t token, uint64_t mask, enum gone_why why)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;

	ck_assert_ptr_nonnull(subs[i]);
	ck_assert(run == 0 && token == 0 && mask == UINT64_MAX && why == GONE_TIMEOUT);
	in_hand[i] = 0;
	if (chance(5) && subs[(i + 1) % SUBS])
		hub_unsubscribe(&subs[(i + 1) % SUBS]);
	if (chance(5))
		hub_unsubscribe(&subs[i]);
}

static void over(void *arg)
{
	(void)arg;
	ck_abort();
}

static const struct hub_calls calls = { messages, gone, over };

static void subscribed(void *arg, enum sheaf_error e, struct span text)
{
	uint32_t i = (uint32_t)(uintptr_t)arg;

	(void)text;
	ck_assert_int_eq(e, SHEAF_OK);
	ck_assert_ptr_nonnull(subs[i]);
	hub_credit(subs[i], 100, credit[i]);
}

static void subscribe(uint32_t i)
{
	static const struct hub_terms terms;
	void *arg = (void *)(uintptr_t)i;

	if (subs[i]) {
		hub_unsubscribe(&subs[i]);
		return;
	}
	in_hand[i] = 0;
	credit[i] = 1000;
	subs[i] = hub_subscribe(rig.hub, span_str("t"), span_str("c"), &terms, &calls, subscribed, arg);
}

/* ---- the broker ---- */

/* Accepts one of those that wait: any of them, and it may have been before. */
static void accept_any(void)
{
	if (rig.n > 0)
		hub_rig_accept(&rig, chance(3) ? (uint32_t)rng_below(&rng, rig.n) : rig.n - 1);
}

static void accept_all(void)
{
	for (; accepted < rig.n; accepted++)
		hub_rig_accept(&rig, accepted);
	if (rig.n >= MOST_PUBLISHES)
		rig.n = accepted = 0;
}

static void step(void)
{
	switch (rng_below(&rng, 12)) {
	case 0:
		subscribe((uint32_t)rng_below(&rng, SUBS));
		break;
	case 1:
		if (chance(3))
			forget(&owners[rng_below(&rng, OWNERS)]);
		break;
	case 2:
	case 3:
		accept_any();
		break;
	case 4:
		accept_all();
		break;
	case 5:
	case 6:
		if (rig.route_n > 0)
			hub_rig_deliver(&rig, 1 + rng_below(&rng, 1000), chance(10));
		break;
	case 7:
		if (chance(20) && rig.route_n > 0) /* the broker knows nobody */
			hub_rig_send(&rig, MSG_NO_SESSION, 0, (struct msg){ 0 });
		break;
	default:
		publish(&owners[rng_below(&rng, OWNERS)]);
		break;
	}
	if (chance(2))
		hub_rig_turn(&rig);
	rig.trace.n = rig.packed.n = 0;
}

static bool nothing_owed(void)
{
	accept_all();
	uv_sleep(1); /* it may take seconds until the session is there again */
	for (uint32_t i = 0; i < OWNERS; i++)
		if (owners[i].first != owners[i].next)
			return false;
	return hub_idle(rig.hub);
}

START_TEST(a_storm)
{
	rng_seed(&rng, (uint64_t)_i + 1);
	hub_rig_init(&rig);
	rig.holds = "*";
	for (int i = 0; i < STEPS; i++)
		step();
	calm = true;
	rig.holds = NULL;
	accept_all();
	for (uint32_t i = 0; i < SUBS; i++)
		if (subs[i])
			hub_unsubscribe(&subs[i]);
	hub_rig_until(&rig, nothing_owed());
	hub_rig_fini(&rig);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hub storm");
	TCase *tc = tcase_create("storm");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_storm, 0, STORMS);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
