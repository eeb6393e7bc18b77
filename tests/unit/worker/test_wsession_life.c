/* The worker's session when the broker comes back, takes jobs back, or is silent, and at the drain. */
#include "base/rand.h"
#include "tests/unit/base/suite.h"
#include "tests/unit/worker/rig.h"

/* Jobs 1 (runs), 2 (waits) and 3 (finished, unsettled) in hand. */
static struct rig *holding(void)
{
	struct rig *r = rig_new(2);

	rig_open(r);
	rig_jobs(r, 1, 1, 3);
	rig_begin(r, 1);
	rig_begin(r, 3);
	rig_finish(r, 3, NULL, 10000);
	rig_flush(r);
	rig_expect(r, "run 1\nrun 2\nrun 3\noutcomes 9/1: 3\n");
	return r;
}

START_TEST(test_adopted)
{
	struct rig *r = holding();
	uint64_t second = 3;

	rig_no_session(r);
	rig_expect(r, "hello 1:r 2:w 3:f\n");
	ck_assert_uint_eq(wsession_id(r->s), 0);
	rig_jobs(r, 2, 9, 1); /* of the old session */
	rig_finish(r, 1, NULL, 10000);
	rig_flush(r);
	rig_expect(r, "");
	rig_welcome(r, 20, NULL, 0);
	rig_expect(r, "attach tcp://h:1 tcp://h:2\noutcomes 20/1: 3\noutcomes 20/2: 1\n");
	rig_nonce(r);
	rig_answer(r, 2, second);
	rig_expect(r, "ready 77\nbeat 2 window=4 received=0\nattached\n");
	rig_jobs(r, 1, 9, 1);
	rig_expect(r, "run 9\n");
	ck_assert_uint_eq(wsession_held(r->s), 2);
	rig_free(r);
}
END_TEST

START_TEST(test_dropped)
{
	struct rig *r = holding();
	uint64_t dropped[] = { rig_token(1), rig_token(2), rig_token(50) };

	rig_no_session(r);
	rig_expect(r, "hello 1:r 2:w 3:f\n");
	rig_welcome(r, 20, dropped, 3);
	rig_expect(r, "attach tcp://h:1 tcp://h:2\nkill 1\noutcomes 20/1: 3\n");
	ck_assert_uint_eq(wsession_held(r->s), 0);
	ck_assert_int_eq(r->jobs[2].state, RIG_NONE);
	ck_assert(!rig_finish(r, 1, NULL, 1)); /* nobody wants it any more */
	rig_flush(r);
	rig_expect(r, "");
	rig_free(r);
}
END_TEST

/* Silence: the connection is made anew, later and later, and the jobs stay. */
START_TEST(test_silent_broker)
{
	struct rig *r = holding();
	uint64_t waited = 0, at;

	r->quiet = true;
	for (int i = 0; i < 4; i++)
		rig_pass(r, 500);
	rig_answer(r, 3, 1);
	for (int i = 0; i < 4; i++)
		rig_pass(r, 500);
	ck_assert_uint_eq(wsession_id(r->s), RIG_SESSION); /* 2 s after it was heard */
	r->quiet = false;
	rig_pass(r, 500);
	rig_expect(r, "");
	for (int i = 0; i < 8; i++) {
		at = wsession_deadline(r->s);
		ck_assert_uint_gt(at, r->now);
		ck_assert_uint_le(at - r->now, 2000);
		if (i == 0)
			ck_assert_uint_le(at - r->now, 100);
		rig_pass(r, at - r->now);
		rig_expect(r, "reconnect\n");
		ck_assert_uint_eq(wsession_deadline(r->s), UINT64_MAX); /* until there is a connection */
		rig_pass(r, 100000);
		rig_expect(r, "");
		wsession_connected(r->s, r->now);
		rig_effects(r);
		rig_expect(r, "hello 1:r 2:w\n");
		waited = wsession_deadline(r->s) - r->now;
		ck_assert_uint_eq(waited, 2500);
		rig_pass(r, waited);
		rig_expect(r, "");
	}
	rig_free(r);
}
END_TEST

START_TEST(test_refused)
{
	struct rig *r = rig_new(1);

	rig_refuse(r, "queue 'b' is not yours");
	rig_expect(r, "refused: queue 'b' is not yours\n");
	rig_refuse(r, "again");
	rig_pass(r, 999);
	rig_expect(r, "");
	ck_assert_uint_eq(wsession_deadline(r->s), r->now + 1);
	rig_pass(r, 1);
	rig_expect(r, "hello\n");
	rig_open(r);
	rig_refuse(r, "too late");
	rig_expect(r, "");
	rig_free(r);
}
END_TEST

/* Its key may no longer what it might: hello is told why. */
START_TEST(test_denied)
{
	struct rig *r = rig_new(1);
	struct msg m = { .h = { .kind = MSG_REPLY, .session = RIG_SESSION } };

	rig_open(r);
	m.u.reply.error = SHEAF_E_BUSY;
	rig_message(r, &m);
	rig_expect(r, "");
	m.u.reply.error = SHEAF_E_DENIED;
	rig_message(r, &m);
	rig_expect(r, "hello\n");
	rig_message(r, &m); /* of a beat that had left before */
	rig_expect(r, "");
	rig_refuse(r, "not known");
	rig_expect(r, "refused: not known\n");
	rig_message(r, &m);
	rig_expect(r, "");
	rig_pass(r, 1000);
	rig_expect(r, "hello\n");
	rig_free(r);
}
END_TEST

START_TEST(test_recall)
{
	struct rig *r = holding();

	rig_lease(r, MSG_RECALL, 1);
	rig_lease(r, MSG_RECALL, 77);
	rig_expect(r, ""); /* runs; never heard of */
	rig_lease(r, MSG_RECALL, 2);
	rig_expect(r, "return 2\n");
	rig_lease(r, MSG_RECALL, 2);
	rig_expect(r, "");
	ck_assert_uint_eq(wsession_held(r->s), 1);
	rig_free(r);
}
END_TEST

START_TEST(test_revoke)
{
	struct rig *r = holding();

	rig_lease(r, MSG_REVOKE, 2);
	rig_expect(r, "");
	ck_assert_int_eq(r->jobs[2].state, RIG_NONE);
	rig_lease(r, MSG_REVOKE, 1);
	rig_expect(r, "kill 1\n");
	rig_lease(r, MSG_REVOKE, 1);
	rig_expect(r, "");
	ck_assert_uint_eq(wsession_held(r->s), 0);
	rig_free(r);
}
END_TEST

START_TEST(test_drain)
{
	struct rig *r = holding();

	wsession_drain(r->s, r->now, 30000);
	rig_effects(r);
	rig_expect(r, "beat 2 window=0 received=1 runs=1\nreturn 2\n");
	rig_jobs(r, 2, 5, 2); /* they were on their way */
	rig_expect(r, "return 5 6\n");
	rig_settled(r, 1, false);
	rig_pass(r, 20);
	rig_expect(r, "");
	rig_finish(r, 1, NULL, 100000);
	rig_flush(r);
	rig_pass(r, 20);
	rig_expect(r, "outcomes 9/2: 1\n"); /* it waits until that is durable */
	rig_settled(r, 2, false);
	rig_pass(r, 20);
	rig_expect(r, "bye 2\nended\n");
	ck_assert_uint_eq(wsession_deadline(r->s), UINT64_MAX);
	rig_no_session(r);
	rig_pass(r, 10000);
	rig_expect(r, "");
	rig_free(r);
}
END_TEST

START_TEST(test_grace_is_over)
{
	struct rig *r = holding();

	wsession_drain(r->s, r->now, 300);
	rig_effects(r);
	rig_expect(r, "beat 2 window=0 received=1 runs=1\nreturn 2\n");
	ck_assert_uint_le(wsession_deadline(r->s), r->now + 300);
	rig_settled(r, 1, false);
	rig_pass(r, 299);
	rig_expect(r, "");
	rig_pass(r, 1);
	rig_expect(r, "kill 1\nreturn 1\n");
	rig_pass(r, 20);
	rig_expect(r, "bye 1\nended\n");
	rig_free(r);
}
END_TEST

/* A second drain may only hurry. */
START_TEST(test_shorter_grace)
{
	struct rig *r = holding();

	wsession_drain(r->s, r->now, 1000);
	wsession_drain(r->s, r->now, 60000);
	wsession_drain(r->s, r->now, 0);
	rig_effects(r);
	buf_clear(&r->text);
	rig_pass(r, 0);
	rig_expect(r, "kill 1\nreturn 1\n");
	rig_free(r);
}
END_TEST

/* A drain whose broker never settles, or is gone, ends all the same. */
START_TEST(test_drain_alone)
{
	struct rig *r = holding();
	uint64_t begun = r->now;

	r->quiet = true;
	rig_finish(r, 1, NULL, 10000);
	wsession_drain(r->s, r->now, 100);
	rig_flush(r);
	r->quiet = false;
	for (int i = 0; i < 1000 && r->text.n == 0; i++) {
		r->quiet = r->now - begun < 5000;
		rig_pass(r, 20);
	}
	ck_assert_uint_ge(r->now - begun, 5000);
	ck_assert_uint_le(r->now - begun, 6000);
	ck_assert(r->text.n >= 6 && memcmp(r->text.p + r->text.n - 6, "ended\n", 6) == 0);
	rig_free(r);
}
END_TEST

START_TEST(test_drain_without_a_broker)
{
	struct rig *r = rig_new(1);

	wsession_drain(r->s, r->now, 1000);
	rig_pass(r, 0);
	rig_expect(r, "ended\n");
	rig_free(r);
}
END_TEST

/* ---- nonsense ---- */

struct storm {
	struct rig *r;
	struct rng rng;
	uint64_t number, id; /* of the next message, of the next job */
};

static void say_nonsense(struct storm *m, uint64_t any)
{
	uint64_t tokens[3] = { rig_token(any), 0, UINT64_MAX };
	struct rig *r = m->r;

	switch (rng_below(&m->rng, 16)) {
	case 0:
		rig_welcome(r, rng_below(&m->rng, 4), tokens, 3);
		m->number = 1;
		break;
	case 1:
		rig_nonce(r);
		break;
	case 2:
		rig_answer(r, rng_below(&m->rng, 100), rng_next(&m->rng) >> rng_below(&m->rng, 64));
		break;
	case 3:
		rig_settled(r, rng_next(&m->rng) >> rng_below(&m->rng, 64), any & 1);
		break;
	case 4:
		rig_lease(r, MSG_RECALL, any);
		break;
	case 5:
		rig_lease(r, MSG_REVOKE, any);
		break;
	case 6:
		if (rng_below(&m->rng, 8) == 0)
			rig_refuse(r, "no");
		break;
	case 7:
		if (rng_below(&m->rng, 8) == 0)
			rig_no_session(r);
		break;
	default:
		if (m->id + 4 >= RIG_JOBS)
			break;
		m->number += rng_below(&m->rng, 4);
		rig_jobs(r, m->number, m->id, 3);
		m->id += 3;
	}
}

static void storm(uint64_t seed)
{
	struct storm m = { .r = rig_new(2), .number = 1, .id = 1 };

	rng_seed(&m.rng, seed);
	m.r->quiet = true;
	for (int i = 0; i < 3000; i++) {
		uint64_t any = rng_below(&m.rng, m.id);

		say_nonsense(&m, any);
		if (m.r->jobs[any].state == RIG_WAITING)
			rig_begin(m.r, any);
		else if (m.r->jobs[any].state == RIG_RUNNING)
			rig_finish(m.r, any, NULL, rng_below(&m.rng, 100000));
		rig_flush(m.r);
		rig_pass(m.r, rng_below(&m.rng, 50));
		ck_assert_uint_le(wsession_held(m.r->s), m.id);
	}
	rig_free(m.r);
}

/* Any message in any state, from a broker that has lost its mind: nothing breaks. */
START_TEST(test_nonsense)
{
	for (uint64_t seed = 1; seed <= 20; seed++)
		storm(seed);
}
END_TEST

SUITE_MAIN("wsession_life", test_adopted, test_dropped, test_silent_broker, test_refused, test_denied, test_recall,
           test_revoke, test_drain, test_grace_is_over, test_shorter_grace, test_drain_alone,
           test_drain_without_a_broker, test_nonsense)
