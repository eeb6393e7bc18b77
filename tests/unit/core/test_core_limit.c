/* Traces: a queue's concurrency and rate. That a concurrency is never exceeded is checked after each step, by
 * core_check. */
#include <stdio.h>

#include "proto/setting.h"
#include "tests/unit/core/rig.h"

static struct rig rig;

static void setup(void)
{
	rig_init(&rig);
	rig_client(&rig, 1);
}

static void teardown(void)
{
	rig_fini(&rig);
}

/* How many grants the trace holds; forgets it. */
static unsigned grants(void)
{
	const char *p;
	unsigned n = 0, token;

	buf_put_u8(&rig.trace, 0);
	for (p = (const char *)rig.trace.p; (p = strstr(p, " jobs ")) != NULL; p++)
		n += sscanf(p, " jobs %*u: %*u/%u", &token) == 1; /* and no probe */
	rig_forget(&rig);
	return n;
}

/* Time goes by, in which worker 1 is alive. Returns what it was granted. */
static unsigned pass(uint64_t ms, uint64_t window)
{
	unsigned n = grants();

	for (; ms > 0; ms -= ms < 500 ? ms : 500) {
		rig_pass(&rig, ms < 500 ? ms : 500);
		rig_beat(&rig, 1, (struct rig_beat){ .window = window, .received = 1 });
	}
	return n + grants();
}

static void done(uint64_t id, uint64_t token)
{
	rig_outcome(&rig, 1, id, token, VERDICT_DONE);
}

/* ---- concurrency ---- */

START_TEST(so_many_at_a_time)
{
	rig_set(&rig, 1, 1, "q", "concurrency", 3);
	rig_submit_as(&rig, 1, 2, "q", 10, (struct msg_submit){ 0 });
	rig_worker(&rig, 1, 8, "q", 16);
	ck_assert_uint_eq(grants(), 3);
	done(1, 1);
	ck_assert_uint_eq(grants(), 1);
	rig_return(&rig, 1, 2, 2);
	ck_assert_uint_eq(grants(), 1); /* the same again */
	rig_ids(&rig, 1, 3, MSG_CANCEL, 0, 3);
	ck_assert_uint_eq(grants(), 1);
	rig_worker(&rig, 2, 8, "q", 16);
	ck_assert_uint_eq(grants(), 0);
}
END_TEST

START_TEST(another_queue_is_not_limited)
{
	rig_set(&rig, 1, 1, "q", "concurrency", 1);
	rig_submit_as(&rig, 1, 2, "q", 4, (struct msg_submit){ 0 });
	rig_submit_as(&rig, 1, 3, "free", 4, (struct msg_submit){ 0 });
	rig_worker(&rig, 1, 8, "q", 16);
	ck_assert_uint_eq(grants(), 1);
	rig_worker(&rig, 2, 8, "free", 16);
	ck_assert_uint_eq(grants(), 4);
}
END_TEST

START_TEST(a_concurrency_is_changed)
{
	rig_submit_as(&rig, 1, 2, "q", 10, (struct msg_submit){ 0 });
	rig_worker(&rig, 1, 4, "q", 4);
	ck_assert_uint_eq(grants(), 4);
	rig_set(&rig, 1, 3, "q", "concurrency", 2);
	done(1, 1);
	done(2, 2);
	ck_assert_uint_eq(grants(), 0); /* two run still */
	done(3, 3);
	ck_assert_uint_eq(grants(), 1);
	rig_set(&rig, 1, 4, "q", "concurrency", 3);
	rig_pass(&rig, 1);
	ck_assert_uint_eq(grants(), 1);
	rig_set(&rig, 1, 5, "q", "concurrency", 0);
	rig_pass(&rig, 1);
	ck_assert_uint_eq(grants(), 1); /* the window */
}
END_TEST

/* Jobs that a crash let go of may be running somewhere: their workers may say so before others get any. */
START_TEST(a_restart_exceeds_no_concurrency)
{
	uint64_t ids[] = { 1, 2 }, tokens[2];

	rig_set(&rig, 1, 1, "q", "concurrency", 2);
	rig_submit_as(&rig, 1, 2, "q", 10, (struct msg_submit){ 0 });
	rig_submit_as(&rig, 1, 3, "free", 1, (struct msg_submit){ 0 });
	rig_worker(&rig, 1, 2, "q", 4);
	ck_assert_uint_eq(grants(), 2);
	tokens[0] = rig_token(&rig, 1);
	tokens[1] = rig_token(&rig, 2);
	rig_restart(&rig, true); /* the leases were no facts */
	rig_client(&rig, 1);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_READY);
	rig_worker(&rig, 1, 8, "free", 16);
	ck_assert_uint_eq(grants(), 1);
	rig_worker(&rig, 2, 8, "q", 16);
	ck_assert_uint_eq(grants(), 0);
	rig.held = tokens;
	rig.held_ids = ids;
	rig.n_held = 2;
	rig_worker(&rig, 3, 2, "q", 4);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_RUNNING);
	ck_assert_int_eq(core_job_state(rig.core, 2), JOB_RUNNING);
	ck_assert_int_eq(core_job_state(rig.core, 3), JOB_READY);
	for (int i = 0; i < 6; i++) {
		rig_pass(&rig, 500);
		rig_beat(&rig, 1, (struct rig_beat){ .window = 16, .received = 1 });
		rig_beat(&rig, 2, (struct rig_beat){ .window = 16 });
		rig_beat(&rig, 3, (struct rig_beat){ .window = 4 });
	}
	ck_assert_uint_eq(grants(), 0);
	rig_outcome(&rig, 3, 1, tokens[0], VERDICT_DONE);
	ck_assert_uint_eq(grants(), 1);
}
END_TEST

/* If nobody comes, the queue goes on when its workers have had time. */
START_TEST(after_a_restart_a_limited_queue_goes_on)
{
	rig_set(&rig, 1, 1, "q", "concurrency", 2);
	rig_submit_as(&rig, 1, 2, "q", 10, (struct msg_submit){ 0 });
	rig_restart(&rig, true);
	rig_worker(&rig, 1, 8, "q", 16);
	ck_assert_uint_eq(grants(), 0);
	ck_assert_uint_eq(pass(DEFAULT_LIVENESS_MS + 500, 16), 2);
}
END_TEST

/* ---- rate ---- */

START_TEST(so_many_in_a_time)
{
	unsigned n;

	rig_set(&rig, 1, 1, "q", "rate", 10 * RATE_PER_SECOND);
	rig_submit_as(&rig, 1, 2, "q", 1000, (struct msg_submit){ 0 });
	rig_worker(&rig, 1, 8, "q", 16000);
	ck_assert_uint_eq(grants(), 10);                             /* a second's worth was saved up */
	ck_assert_uint_gt(core_deadline(rig.core), rig.now.mono_ms); /* it sleeps meanwhile */
	n = pass(99, 16000);
	ck_assert_uint_eq(n, 0);
	n = pass(1, 16000);
	ck_assert_uint_eq(n, 1);
	n = pass(10000, 16000);
	ck_assert_uint_eq(n, 100);
}
END_TEST

START_TEST(slow_rates_and_fast_ones)
{
	rig_set(&rig, 1, 1, "q", "rate", 6 * RATE_PER_MINUTE);
	rig_submit_as(&rig, 1, 2, "q", 1000, (struct msg_submit){ 0 });
	rig_worker(&rig, 1, 8, "q", 16000);
	ck_assert_uint_eq(grants(), 1);
	ck_assert_uint_eq(pass(60000, 16000), 6);
	rig_client(&rig, 1); /* it was silent for long */
	rig_set(&rig, 1, 3, "q", "rate", 1);
	ck_assert_uint_eq(pass(60000, 16000), 0);
	rig_client(&rig, 1);
	rig_set(&rig, 1, 4, "q", "rate", 100000 * RATE_PER_SECOND);
	ck_assert_uint_eq(pass(5, 16000), 500);
	rig_set(&rig, 1, 5, "q", "rate", LIMIT_RATE);
	ck_assert_uint_eq(pass(10, 16000), 493); /* the rest */
}
END_TEST

START_TEST(a_burst_is_what_is_saved_up)
{
	rig_set(&rig, 1, 1, "q", "burst", 3);
	rig_set(&rig, 1, 2, "q", "rate", 10 * RATE_PER_SECOND);
	rig_worker(&rig, 1, 8, "q", 16000);
	pass(10000, 16000);
	rig_submit_as(&rig, 1, 3, "q", 100, (struct msg_submit){ 0 });
	ck_assert_uint_eq(grants(), 3);
	ck_assert_uint_eq(pass(1000, 16000), 10);
}
END_TEST

/* What comes back without having begun does not count; what failed does. */
START_TEST(what_comes_back_is_granted_again)
{
	rig_set(&rig, 1, 1, "q", "rate", 1 * RATE_PER_MINUTE);
	rig_submit_as(&rig, 1, 2, "q", 2, (struct msg_submit){ .attempts = 3 });
	rig_worker(&rig, 1, 8, "q", 16);
	ck_assert_uint_eq(grants(), 1);
	rig_return(&rig, 1, 1, 1);
	ck_assert_uint_eq(grants(), 1);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 16, .received = 1, .started = 2 });
	rig_outcome(&rig, 1, 1, 2, VERDICT_FAILED);
	ck_assert_uint_eq(grants(), 0);
	ck_assert_uint_eq(pass(60000, 16), 1);
}
END_TEST

START_TEST(a_restart_saves_nothing_up)
{
	rig_set(&rig, 1, 1, "q", "rate", 10 * RATE_PER_SECOND);
	rig_submit_as(&rig, 1, 2, "q", 100, (struct msg_submit){ 0 });
	rig_restart(&rig, true);
	rig_worker(&rig, 1, 8, "q", 16000);
	ck_assert_uint_eq(grants(), 0);
	ck_assert_uint_eq(pass(1000, 16000), 10);
}
END_TEST

START_TEST(both_limits_hold)
{
	rig_set(&rig, 1, 1, "q", "rate", 10 * RATE_PER_SECOND);
	rig_set(&rig, 1, 2, "q", "concurrency", 4);
	rig_submit_as(&rig, 1, 3, "q", 100, (struct msg_submit){ 0 });
	rig_worker(&rig, 1, 8, "q", 16);
	ck_assert_uint_eq(grants(), 4);
	for (uint64_t i = 1; i <= 6; i++)
		done(i, i);
	ck_assert_uint_eq(grants(), 6);
	for (uint64_t i = 7; i <= 10; i++)
		done(i, i);
	ck_assert_uint_eq(grants(), 0);
	ck_assert_uint_eq(pass(2000, 16), 4);
}
END_TEST

/* Settings that are taken back, a queue that is paused or deleted while its rate holds it back. */
START_TEST(a_throttled_queue_is_changed)
{
	rig_set(&rig, 1, 1, "q", "rate", 1);
	rig_submit_as(&rig, 1, 2, "q", 5, (struct msg_submit){ 0 });
	rig_worker(&rig, 1, 8, "q", 16);
	ck_assert_uint_eq(grants(), 1);
	rig_queue(&rig, 1, 3, "q", QUEUE_PAUSE, 0);
	rig_set(&rig, 1, 4, "q", "rate", 0);
	ck_assert_uint_eq(pass(1000, 16), 0);
	rig_queue(&rig, 1, 5, "q", QUEUE_RESUME, 0);
	ck_assert_uint_eq(grants(), 4);
	rig_set(&rig, 1, 6, "gone", "rate", 1);
	rig_submit_as(&rig, 1, 7, "gone", 2, (struct msg_submit){ 0 });
	rig_worker(&rig, 2, 8, "gone", 16);
	rig_outcome(&rig, 2, 6, 6, VERDICT_DONE);
	rig_ids(&rig, 1, 8, MSG_CANCEL, 0, 7);
	rig_bye(&rig, 2, 1);
	rig_pass(&rig, 1);
	rig_forget(&rig);
	rig_queue(&rig, 1, 9, "gone", QUEUE_DELETE, 0);
	rig_pass(&rig, 1);
	ck_assert(rig_has(&rig, "C1 reply #9 ok"));
	pass(100000, 16);
}
END_TEST

RIG_MAIN("core_limit", so_many_at_a_time, another_queue_is_not_limited, a_concurrency_is_changed,
         a_restart_exceeds_no_concurrency, after_a_restart_a_limited_queue_goes_on, so_many_in_a_time,
         slow_rates_and_fast_ones, a_burst_is_what_is_saved_up, what_comes_back_is_granted_again,
         a_restart_saves_nothing_up, both_limits_hold, a_throttled_queue_is_changed)
