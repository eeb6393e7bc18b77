/* Traces: what becomes of a job in a worker's hands: verdicts, losses, stale tokens, outcomes out of their order. */
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

START_TEST(a_failure_uses_up_an_attempt)
{
	rig_submit_as(&rig, 1, 1, "q", 1, (struct msg_submit){ .attempts = 3, .flags = SUBMIT_WANT });
	rig_worker(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig_outcome(&rig, 1, 1, 1, VERDICT_FAILED);
	rig_outcome(&rig, 1, 1, 2, VERDICT_KILLED);
	rig_outcome(&rig, 1, 1, 3, VERDICT_FAILED);
	rig_expect(&rig, "S1 jobs 2: 1/2 attempt=2 'p'\n"
	                 "S1 jobs 3: 1/3 attempt=3 'p'\n"
	                 "C1 result @0: 1 dead attempt=3 exit=3 'bad'\n");
}
END_TEST

START_TEST(progress_is_shown_while_the_lease_lasts)
{
	rig_submit_as(&rig, 1, 1, "q", 1, (struct msg_submit){ .attempts = 2 });
	rig_worker(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 2, 1, "other", 1);
	rig_forget(&rig);
	rig_progress(&rig, 1, 1, 1, 30, "half done");
	rig_progress(&rig, 1, 1, 1, PERCENT_UNKNOWN, ""); /* a touch leaves it */
	rig_progress(&rig, 1, 1, 2, 31, "of a token that is to come");
	rig_progress(&rig, 2, 1, 1, 32, "of somebody else");
	rig_progress(&rig, 1, 7, 1, 33, "of no job");
	rig_one(&rig, 1, 2, MSG_JOB_GET, 1);
	rig_progress(&rig, 1, 1, 1, 60, "");
	rig_one(&rig, 1, 3, MSG_JOB_GET, 1);
	rig_progress(&rig, 1, 1, 1, 200, "more");
	rig_one(&rig, 1, 4, MSG_JOB_GET, 1);
	rig_expect(&rig, "C1 job #2 1 running attempt=1/2 deliveries=0 by worker1 30% 'half done'\n"
	                 "C1 job #3 1 running attempt=1/2 deliveries=0 by worker1 60%\n"
	                 "C1 job #4 1 running attempt=1/2 deliveries=0 by worker1 60% 'more'\n");
	rig_outcome(&rig, 1, 1, 1, VERDICT_FAILED);
	rig_forget(&rig);
	rig_progress(&rig, 1, 1, 1, 99, "late");
	rig_one(&rig, 1, 5, MSG_JOB_GET, 1);
	rig_outcome(&rig, 1, 1, 2, VERDICT_DONE);
	rig_progress(&rig, 1, 1, 2, 99, "too late");
	rig_one(&rig, 1, 6, MSG_JOB_GET, 1);
	rig_expect(&rig, "C1 job #5 1 running attempt=2/2 deliveries=0 by worker1\n"
	                 "C1 job #6 1 done attempt=2/2 deliveries=0\n");
}
END_TEST

START_TEST(progress_goes_with_an_adopted_lease)
{
	uint64_t token, id = 1;

	rig_submit(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_progress(&rig, 1, 1, 1, 30, "half done");
	token = rig_token(&rig, 1);
	rig.held = &token;
	rig.held_ids = &id;
	rig.n_held = 1;
	rig.held_state = HELD_RUNNING;
	rig_hello(&rig, 2, 1001, 1, "q"); /* the same process says hello again */
	rig_forget(&rig);
	rig_one(&rig, 1, 2, MSG_JOB_GET, 1);
	rig_expect(&rig, "C1 job #2 1 running attempt=1/1 deliveries=0 by worker2 30% 'half done'\n");
}
END_TEST

START_TEST(a_later_attempt_may_do_it)
{
	rig_submit_as(&rig, 1, 1, "q", 1, (struct msg_submit){ .attempts = 2, .flags = SUBMIT_WANT });
	rig_worker(&rig, 1, 1, "q", 1);
	rig_outcome(&rig, 1, 1, 1, VERDICT_FAILED);
	rig_forget(&rig);
	rig_outcome(&rig, 1, 1, 2, VERDICT_DONE);
	rig_expect(&rig, "C1 result @0: 1 done attempt=2 'good'\n");
}
END_TEST

START_TEST(a_lost_worker_costs_a_delivery_and_no_attempt)
{
	rig_worker(&rig, 1, 1, "q", 3);
	rig_submit(&rig, 1, 1, "q", 3);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 3, .received = 2, .started = 1 });
	rig_forget(&rig);
	rig_pass(&rig, 2600);
	ck_assert(rig_has(&rig, "S1 close\n"));
	rig_forget(&rig);
	rig_one(&rig, 1, 2, MSG_JOB_GET, 1);
	rig_one(&rig, 1, 3, MSG_JOB_GET, 2);
	rig_expect(&rig, "C1 job #2 1 ready attempt=0/1 deliveries=1\n"   /* it ran */
	                 "C1 job #3 2 ready attempt=0/1 deliveries=0\n"); /* it cannot have */
	rig_worker(&rig, 2, 3, "q", 3);
	rig_expect(&rig, "W2 answer settled=0\n"
	                 "S2 jobs 1: 1/4 attempt=1 'p'\n"
	                 "S2 jobs 1: 2/5 attempt=1 'p'\n"
	                 "S2 jobs 1: 3/6 attempt=1 'p'\n");
}
END_TEST

/* Dead, most likely: what it ran counts as a lost delivery when its silence has lasted. */
START_TEST(a_silent_worker_that_cannot_be_reached_is_blamed)
{
	rig_worker(&rig, 1, 1, "q", 1);
	rig_submit(&rig, 1, 1, "q", 1);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 1, .started = 1 });
	rig_pass(&rig, 2000);
	rig_forget(&rig);
	rig_unreachable(&rig, 1);
	rig_expect(&rig, "");
	rig_pass(&rig, 600);
	rig_forget(&rig);
	rig_one(&rig, 1, 2, MSG_JOB_GET, 1);
	rig_expect(&rig, "C1 job #2 1 ready attempt=0/1 deliveries=1\n");
}
END_TEST

START_TEST(a_worker_that_cannot_be_reached_is_not_blamed)
{
	rig_worker(&rig, 1, 1, "q", 1);
	rig_submit(&rig, 1, 1, "q", 1);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 1, .started = 1 });
	rig_forget(&rig);
	rig_unreachable(&rig, 1);
	rig_expect(&rig, "W1 no-session\n"
	                 "S1 close\n");
	rig_one(&rig, 1, 2, MSG_JOB_GET, 1);
	rig_expect(&rig, "C1 job #2 1 ready attempt=0/1 deliveries=0\n");
}
END_TEST

START_TEST(silence_loses_a_worker_within_3_s)
{
	rig_worker(&rig, 1, 1, "q", 1);
	rig_submit(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig_pass(&rig, 2400);
	ck_assert(!rig_has(&rig, "close"));
	rig_pass(&rig, 600);
	ck_assert(rig_has(&rig, "S1 close\n"));
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_READY);
}
END_TEST

START_TEST(beats_keep_a_lease)
{
	rig_worker(&rig, 1, 1, "q", 1);
	rig_submit(&rig, 1, 1, "q", 1);
	for (int i = 0; i < 100; i++) {
		rig_pass(&rig, 500);
		rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 1, .started = 1 });
	}
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_RUNNING);
	ck_assert(!rig_has(&rig, "close"));
}
END_TEST

START_TEST(a_stall_of_the_broker_loses_nobody)
{
	rig_worker(&rig, 1, 1, "q", 1);
	rig_submit(&rig, 1, 1, "q", 1);
	rig.now.mono_ms += 20000;
	rig.now.wall_ms += 20000;
	rig_step(&rig, &(struct event){ .kind = EV_TICK });
	ck_assert(!rig_has(&rig, "close"));
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_RUNNING);
}
END_TEST

START_TEST(too_many_lost_deliveries_make_a_dead_letter)
{
	rig_submit(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	for (unsigned i = 1; i <= DEFAULT_DELIVERIES; i++) {
		ck_assert_int_eq(core_job_state(rig.core, 1), JOB_READY);
		rig_worker(&rig, i, 1, "q", 1);
		rig_beat(&rig, i, (struct rig_beat){ .window = 1, .received = 1, .started = i });
		rig_forget(&rig);
		rig_pass(&rig, 2600);
	}
	ck_assert(rig_has(&rig, "C1 result @0: 1 dead attempt=1 exit=137 (67 bytes)\n"));
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_DEAD);
}
END_TEST

START_TEST(a_stale_token_changes_nothing)
{
	rig_worker(&rig, 1, 1, "q", 1);
	rig_submit(&rig, 1, 1, "q", 1);
	rig_unreachable(&rig, 1);
	rig_pass(&rig, 1);
	rig_worker(&rig, 2, 1, "q", 1);
	rig_forget(&rig);
	rig_outcome(&rig, 2, 1, 1, VERDICT_DONE); /* the first one's token */
	rig_expect(&rig, "");
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_RUNNING);
	rig_pass(&rig, 60);
	rig_expect(&rig, "W2 settled=1\n"); /* and counts as settled */
	rig_outcome(&rig, 2, 1, 2, VERDICT_DONE);
	rig_expect(&rig, "C1 result @0: 1 done attempt=1 'good'\n");
	rig_outcome(&rig, 2, 1, 2, VERDICT_FAILED);
	rig_expect(&rig, "");
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_DONE);
}
END_TEST

START_TEST(a_counted_run_does_not_come_back_with_a_hello)
{
	uint64_t token = rig_token(&rig, 1), id = 1;

	rig_submit_as(&rig, 1, 1, "q", 1, (struct msg_submit){ .attempts = 3 });
	rig_worker(&rig, 1, 1, "q", 1);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 0, .received = 1, .started = 1 });
	rig_outcome(&rig, 1, 1, 1, VERDICT_FAILED);
	rig.held = &token;
	rig.held_ids = &id;
	rig.n_held = 1;
	rig.held_state = HELD_FINISHED; /* it does not know yet that its outcome has come */
	rig_hello(&rig, 2, 1001, 1, "q");
	rig_forget(&rig);
	rig_socket(&rig, 2);
	rig_expect(&rig, "W2 welcome dropped=1\n"
	                 "S2 nonce\n");
}
END_TEST

START_TEST(a_lost_run_does_come_back_with_a_hello)
{
	uint64_t token = rig_token(&rig, 1), id = 1;

	rig_submit(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 1, .started = 1 });
	rig_unreachable(&rig, 1);
	rig_pass(&rig, 1);
	rig.held = &token;
	rig.held_ids = &id;
	rig.n_held = 1;
	rig_hello(&rig, 2, 1001, 1, "q");
	rig_socket(&rig, 2);
	rig_ready(&rig, 2);
	rig_forget(&rig);
	rig_outcome(&rig, 2, 1, 1, VERDICT_DONE);
	rig_expect(&rig, "C1 result @0: 1 done attempt=1 'good'\n");
}
END_TEST

START_TEST(outcomes_are_taken_in_their_order)
{
	rig_worker(&rig, 1, 3, "q", 3);
	rig_submit(&rig, 1, 1, "q", 3);
	rig_forget(&rig);
	rig_outcome_numbered(&rig, 1, 1, 1, 1);
	rig_outcome_numbered(&rig, 1, 3, 3, 3); /* 2 was lost */
	rig_outcome_numbered(&rig, 1, 4, 2, 2); /* asked for once */
	rig_expect(&rig, "C1 result @0: 1 done attempt=1\n"
	                 "W1 settled=1 resend\n");
	rig_outcome_numbered(&rig, 1, 2, 2, 2);
	rig_outcome_numbered(&rig, 1, 3, 3, 3);
	rig_expect(&rig, "C1 result @1: 2 done attempt=1\n"
	                 "C1 result @2: 3 done attempt=1\n");
	rig_outcome_numbered(&rig, 1, 1, 1, 1); /* sent again though it is settled */
	rig_expect(&rig, "W1 settled=3\n");
}
END_TEST

START_TEST(a_resend_is_asked_for_again_after_a_while)
{
	rig_worker(&rig, 1, 3, "q", 3);
	rig_submit(&rig, 1, 1, "q", 3);
	rig_forget(&rig);
	rig_outcome_numbered(&rig, 1, 2, 2, 2);
	rig_expect(&rig, "W1 settled=0 resend\n");
	rig_pass(&rig, 1100);
	rig_forget(&rig);
	rig_outcome_numbered(&rig, 1, 3, 3, 3);
	rig_expect(&rig, "W1 settled=0 resend\n");
}
END_TEST

START_TEST(outcomes_of_a_session_that_is_over_are_dropped)
{
	rig_worker(&rig, 1, 1, "q", 1);
	rig_submit(&rig, 1, 1, "q", 1);
	rig_unreachable(&rig, 1);
	rig_pass(&rig, 1);
	rig_forget(&rig);
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	rig_expect(&rig, "");
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_READY);
}
END_TEST

START_TEST(a_payload_that_cannot_be_read_makes_a_dead_letter)
{
	struct event ev = { .kind = EV_BAD_PAYLOAD, .text = span_str("damaged") };

	rig_worker(&rig, 1, 1, "q", 1);
	rig_submit(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	ev.lease = (struct lease_name){ 1, rig_token(&rig, 1) };
	rig_step(&rig, &ev);
	rig_step(&rig, &ev);
	rig_expect(&rig, "C1 result @0: 1 dead exit=1 'damaged'\n");
}
END_TEST

RIG_MAIN("core_lease", a_failure_uses_up_an_attempt, a_later_attempt_may_do_it,
         a_lost_worker_costs_a_delivery_and_no_attempt, a_worker_that_cannot_be_reached_is_not_blamed,
         a_silent_worker_that_cannot_be_reached_is_blamed, silence_loses_a_worker_within_3_s, beats_keep_a_lease,
         a_stall_of_the_broker_loses_nobody, too_many_lost_deliveries_make_a_dead_letter, a_stale_token_changes_nothing,
         a_counted_run_does_not_come_back_with_a_hello, a_lost_run_does_come_back_with_a_hello,
         outcomes_are_taken_in_their_order, a_resend_is_asked_for_again_after_a_while,
         outcomes_of_a_session_that_is_over_are_dropped, a_payload_that_cannot_be_read_makes_a_dead_letter,
         progress_is_shown_while_the_lease_lasts, progress_goes_with_an_adopted_lease)
