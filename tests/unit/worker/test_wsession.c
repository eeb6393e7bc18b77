/* The worker's session while all goes well, and when messages of jobs or of outcomes get lost. */
#include "tests/unit/base/suite.h"
#include "tests/unit/worker/rig.h"

START_TEST(test_hello_to_ready)
{
	struct rig *r = rig_new(2);

	ck_assert_uint_eq(wsession_id(r->s), 0);
	rig_nonce(r);
	rig_jobs(r, 1, 1, 1);
	rig_answer(r, 1, 0);
	rig_expect(r, ""); /* not before the welcome */
	rig_welcome(r, RIG_SESSION, NULL, 0);
	rig_expect(r, "attach tcp://h:1 tcp://h:2\n");
	rig_welcome(r, 12, NULL, 0);
	rig_expect(r, ""); /* one is enough */
	r->session = RIG_SESSION;
	rig_nonce(r);
	rig_expect(r, "ready 77\nbeat 1 window=4 received=0\n");
	rig_nonce(r);
	rig_expect(r, "");
	rig_answer(r, 1, 0);
	rig_expect(r, "attached\n");
	rig_answer(r, 1, 0);
	rig_expect(r, "");
	ck_assert_uint_eq(wsession_id(r->s), RIG_SESSION);
	rig_free(r);
}
END_TEST

START_TEST(test_job_to_settled)
{
	struct rig *r = rig_new(2);

	rig_open(r);
	rig_jobs(r, 1, 1, 3);
	rig_expect(r, "run 1\nrun 2\nrun 3\n");
	ck_assert_uint_eq(wsession_held(r->s), 3);
	ck_assert(span_eq(wsession_queue(r->s, 1), span_str("b")));
	ck_assert_uint_eq(wsession_queue(r->s, 2).n, 0);
	rig_begin(r, 1);
	rig_begin(r, 2);
	rig_pass(r, 500);
	rig_expect(r, "beat 2 window=4 received=1 runs=1 runs=2\n");
	ck_assert(rig_finish(r, 1, NULL, 10000));
	ck_assert(rig_finish(r, 2, "no", 10000));
	ck_assert(!rig_finish(r, 2, NULL, 1)); /* once only */
	rig_effects(r);
	rig_expect(r, ""); /* gathered until the turn is over */
	rig_flush(r);
	rig_expect(r, "outcomes 9/1: 1 2 failed no\n");
	ck_assert_uint_eq(wsession_held(r->s), 1);
	rig_settled(r, 1, false);
	rig_flush(r);
	rig_pass(r, 400);
	rig_expect(r, "");
	rig_free(r);
}
END_TEST

START_TEST(test_others_sessions)
{
	struct rig *r = rig_new(1);

	rig_open(r);
	r->session = RIG_SESSION + 1;
	rig_jobs(r, 1, 1, 1);
	rig_settled(r, 5, true);
	rig_lease(r, MSG_REVOKE, 1);
	rig_no_session(r);
	rig_expect(r, "");
	r->session = RIG_SESSION;
	rig_jobs(r, 1, 1, 1);
	rig_expect(r, "run 1\n");
	rig_jobs(r, 1, 1, 1); /* twice */
	rig_expect(r, "");
	rig_free(r);
}
END_TEST

START_TEST(test_same_token)
{
	struct rig *r = rig_new(1);
	struct msg_job_rec v[2] = { { .id = 1, .token = 101, .attempt = 1 }, { .id = 1, .token = 101, .attempt = 1 } };
	struct msg m = { .h = { .kind = MSG_JOBS, .session = RIG_SESSION, .number = 1 } };

	rig_open(r);
	m.u.jobs.v = v;
	m.u.jobs.n = 2;
	rig_message(r, &m);
	rig_expect(r, "run 1\n");
	m.h.number = 2;
	rig_message(r, &m);
	rig_expect(r, "");
	ck_assert_uint_eq(wsession_held(r->s), 1);
	rig_free(r);
}
END_TEST

START_TEST(test_gap)
{
	struct rig *r = rig_new(2);

	rig_open(r);
	rig_jobs(r, 1, 1, 1);
	rig_jobs(r, 4, 4, 1);
	rig_expect(r, "run 1\nrun 4\nbeat 2 window=4 received=4 lost=2-3\n");
	rig_jobs(r, 3, 3, 1); /* too late: it has been given up */
	rig_expect(r, "");
	rig_answer(r, 1, 0); /* of a beat that did not name it */
	rig_pass(r, 500);
	rig_expect(r, "beat 3 window=4 received=4 lost=2-3\n");
	rig_jobs(r, 6, 6, 1);
	rig_expect(r, "run 6\nbeat 4 window=4 received=6 lost=2-3 lost=5-5\n");
	rig_answer(r, 2, 0); /* the first range is known now, the second is not */
	rig_pass(r, 500);
	rig_expect(r, "beat 5 window=4 received=6 lost=5-5\n");
	rig_answer(r, 5, 0);
	rig_pass(r, 500);
	rig_expect(r, "beat 6 window=4 received=6\n");
	rig_free(r);
}
END_TEST

START_TEST(test_probe)
{
	struct rig *r = rig_new(1);

	rig_open(r);
	rig_jobs(r, 1, 0, 0);
	rig_expect(r, "beat 2 window=2 received=1\n");
	rig_jobs(r, 3, 0, 0); /* what came before it was lost */
	rig_expect(r, "beat 3 window=2 received=3 lost=2-2\n");
	rig_free(r);
}
END_TEST

/* More gaps than a beat names: the last range grows, and is told again although a beat with it was answered. */
START_TEST(test_more_gaps_than_fit)
{
	struct rig *r = rig_new(1);
	uint64_t number = 1;

	rig_open(r);
	r->quiet = true;
	for (int i = 0; i < LIMIT_LOST_RANGES; i++)
		rig_jobs(r, number += 2, 0, 0);
	rig_answer(r, 2, 0);            /* frees the one range that beat 2 named */
	rig_jobs(r, number += 2, 0, 0); /* beat 66 names as many as fit */
	rig_jobs(r, number += 2, 0, 0);
	buf_clear(&r->text);
	rig_answer(r, 66, 0);
	r->quiet = false;
	rig_pass(r, 500);
	rig_expect(r, "beat 68 window=2 received=133 lost=130-132\n");
	rig_free(r);
}
END_TEST

START_TEST(test_outcomes_resent)
{
	struct rig *r = rig_new(4);

	rig_open(r);
	rig_jobs(r, 1, 1, 3);
	for (uint64_t id = 1; id <= 3; id++) {
		rig_begin(r, id);
		rig_finish(r, id, NULL, 20000);
		rig_flush(r);
	}
	rig_expect(r, "run 1\nrun 2\nrun 3\noutcomes 9/1: 1\noutcomes 9/2: 2\noutcomes 9/3: 3\n");
	rig_settled(r, 1, true); /* the broker missed 2 */
	rig_expect(r, "outcomes 9/2: 2\noutcomes 9/3: 3\n");
	rig_settled(r, 0, false); /* older than what is known */
	rig_settled(r, 2, false);
	rig_expect(r, "");
	rig_pass(r, 999);
	rig_expect(r, "beat 2 window=8 received=1\n");
	rig_pass(r, 1); /* a second of silence about 3 */
	rig_expect(r, "outcomes 9/3: 3\n");
	rig_answer(r, 2, 3);
	rig_pass(r, 500);
	rig_pass(r, 500);
	rig_answer(r, 4, 3);
	rig_pass(r, 500);
	rig_expect(r, "beat 3 window=8 received=1\nbeat 4 window=8 received=1\nbeat 5 window=8 received=1\n");
	rig_free(r);
}
END_TEST

/* Short jobs widen the window, long ones narrow it, and a change is told soon but not too often. */
START_TEST(test_window)
{
	struct rig *r = rig_new(2);
	uint64_t id = 1;

	rig_open(r);
	for (uint64_t n = 1; n <= 40; n++, id++) {
		rig_jobs(r, n, id, 1);
		rig_begin(r, id);
		rig_finish(r, id, NULL, 1);
	}
	r->now += 10;
	buf_clear(&r->text);
	r->quiet = true;
	rig_jobs(r, 41, id, 1);
	rig_flush(r);
	ck_assert_uint_eq(wsession_window(r->s), 4); /* too soon after the last beat */
	ck_assert_uint_le(wsession_deadline(r->s), r->now + 10);
	rig_pass(r, 10);
	rig_flush(r);
	ck_assert_uint_ge(wsession_window(r->s), 2 * 4000);
	ck_assert_uint_le(wsession_window(r->s), LIMIT_WINDOW_JOBS);
	rig_begin(r, id);
	rig_finish(r, id++, NULL, 60000000); /* a minute */
	rig_pass(r, 20);
	rig_flush(r);
	ck_assert_uint_eq(wsession_window(r->s), 4);
	rig_free(r);
}
END_TEST

/* Results that nobody settles close the window; what was settled opens it again, without waiting for a beat. */
START_TEST(test_window_of_unsettled)
{
	struct rig *r = rig_new(1);
	struct msg_outcome_rec rec = { .verdict = VERDICT_DONE };
	uint8_t *big = calloc(1, LIMIT_PAYLOAD);
	uint64_t id = 1, each = LIMIT_PAYLOAD;

	rig_open(r);
	r->quiet = true;
	rec.result = span_of(big, each);
	for (; (id - 1) * each < LIMIT_UNSETTLED_BYTES; id++) {
		rig_jobs(r, id, id, 1);
		r->jobs[id].state = RIG_NONE;
		rec.id = id;
		rec.token = rig_token(id);
		ck_assert(wsession_finished(r->s, &rec, 1000));
		rig_flush(r);
	}
	rig_pass(r, 20);
	rig_flush(r);
	ck_assert_uint_eq(wsession_window(r->s), 0);
	r->now += 20;
	rig_settled(r, 2, false);
	ck_assert_uint_le(wsession_deadline(r->s), r->now);
	rig_flush(r);
	ck_assert_uint_gt(wsession_window(r->s), 0);
	rig_free(r);
	free(big);
}
END_TEST

SUITE_MAIN("wsession", test_hello_to_ready, test_job_to_settled, test_others_sessions, test_same_token, test_gap,
           test_probe, test_more_gaps_than_fit, test_outcomes_resent, test_window, test_window_of_unsettled)
