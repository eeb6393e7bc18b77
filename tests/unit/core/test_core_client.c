/* Traces: clients wait for results, ask for them, cancel jobs, and join batches. */
#include "tests/unit/core/rig.h"

static struct rig rig;

static void setup(void)
{
	rig_init(&rig);
	rig_client(&rig, 1);
	rig_client(&rig, 2);
}

static void teardown(void)
{
	rig_fini(&rig);
}

/* One job of client 1, without a waiter, in the hands of worker 1. */
static void one_running(void)
{
	rig_submit_as(&rig, 1, 1, "q", 1, (struct msg_submit){ .attempts = 2 });
	rig_worker(&rig, 1, 1, "q", 1);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 1, .started = 1 });
	rig_forget(&rig);
}

START_TEST(whoever_wants_it_gets_the_result_once)
{
	rig_submit(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_ids(&rig, 1, 0, MSG_WAIT, 0, 1); /* awaited already */
	rig_ids(&rig, 2, 0, MSG_WAIT, 0, 1);
	rig_forget(&rig);
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	ck_assert(rig_has(&rig, "C1 result @0: 1 done attempt=1 'good'\n"));
	ck_assert(rig_has(&rig, "C2 result @0: 1 done attempt=1 'good'\n"));
	ck_assert(!rig_has(&rig, "@1"));
}
END_TEST

START_TEST(a_wait_for_what_has_ended_is_answered_from_the_log)
{
	one_running();
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	rig_expect(&rig, ""); /* nobody wanted it */
	rig_ids(&rig, 2, 0, MSG_WAIT, 0, 1);
	rig_ids(&rig, 2, 0, MSG_WAIT, WAIT_QUIET, 1);
	rig_expect(&rig, "C2 result @0: 1 done attempt=1 'good'\n"
	                 "C2 result @1: 1 done attempt=1 gone\n");
}
END_TEST

START_TEST(a_wait_for_what_is_unknown)
{
	rig_ids(&rig, 1, 0, MSG_WAIT, 0, 77);
	rig_expect(&rig, "C1 result @0: 77 unknown\n");
}
END_TEST

START_TEST(pings_tell_how_much_was_pushed)
{
	rig_ids(&rig, 1, 0, MSG_WAIT, 0, 77);
	rig_forget(&rig);
	rig_request(&rig, 1, 1, MSG_PING, (struct msg){ .u.ping.pushed = 0 });
	rig_expect(&rig, "C1 pong pushed=1\n");
}
END_TEST

START_TEST(a_silent_client_is_awaited_no_longer)
{
	rig_submit(&rig, 1, 1, "q", 1);
	rig_pass(&rig, DEFAULT_CLIENT_LIVENESS_MS + 100);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	rig_expect(&rig, "");
	rig_request(&rig, 1, 1, MSG_PING, (struct msg){ 0 });
	rig_expect(&rig, "C1 no-session\n");
	rig_client(&rig, 1);
	rig_submit_as(&rig, 1, 1, "q", 1, (struct msg_submit){ .flags = SUBMIT_AGAIN });
	rig_expect(&rig, "C1 accepted #1: 1..1\n"); /* its answers are kept for longer */
}
END_TEST

START_TEST(results_are_fetched)
{
	one_running();
	rig_one(&rig, 2, 1, MSG_RESULT_GET, 1);
	rig_one(&rig, 2, 2, MSG_RESULT_GET, 9);
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	rig_one(&rig, 2, 3, MSG_RESULT_GET, 1);
	rig_one(&rig, 2, 4, MSG_JOB_GET, 1);
	rig_expect(&rig, "C2 reply #1 not-finished 4\n"
	                 "C2 reply #2 unknown\n"
	                 "C2 result #3: 1 done attempt=1 'good'\n"
	                 "C2 job #4 1 done attempt=1/2 deliveries=0\n");
}
END_TEST

START_TEST(cancel_what_is_ready)
{
	rig_submit(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig_ids(&rig, 2, 1, MSG_CANCEL, CANCEL_UNSTARTED, 1);
	rig_ids(&rig, 2, 2, MSG_CANCEL, 0, 1);
	rig_expect(&rig, "C1 result @0: 1 cancelled 'cancelled'\n"
	                 "C2 reply #1 ok 1\n"
	                 "C2 reply #2 finished\n");
}
END_TEST

START_TEST(cancel_what_runs)
{
	one_running();
	rig_ids(&rig, 2, 1, MSG_CANCEL, CANCEL_UNSTARTED, 1);
	rig_expect(&rig, "C2 reply #1 finished\n");
	rig_ids(&rig, 2, 2, MSG_CANCEL, 0, 1);
	rig_expect(&rig, "W1 revoke 1/1\n"
	                 "C2 reply #2 ok 1\n");
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE); /* it crossed the revoke */
	rig_expect(&rig, "");
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_CANCELLED);
}
END_TEST

/* One job in the hands of worker 1, which has not said that it runs; it was asked back. */
static void one_asked_back(void)
{
	rig_submit(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig_ids(&rig, 2, 1, MSG_CANCEL, CANCEL_UNSTARTED, 1);
	rig_expect(&rig, "W1 recall 1/1\n"
	                 "C2 reply #1 ok 1\n");
}

START_TEST(cancel_what_was_sent_and_comes_back)
{
	one_asked_back();
	rig_return(&rig, 1, 1, 1);
	rig_expect(&rig, "C1 result @0: 1 cancelled 'cancelled'\n");
}
END_TEST

START_TEST(cancel_what_was_sent_and_had_begun)
{
	one_asked_back();
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	rig_expect(&rig, "C1 result @0: 1 done attempt=1 'good'\n");
}
END_TEST

START_TEST(cancel_what_was_sent_and_is_lost)
{
	one_asked_back();
	rig_unreachable(&rig, 1);
	rig_expect(&rig, "W1 no-session\n"
	                 "S1 close\n"
	                 "C1 result @0: 1 cancelled 'cancelled'\n");
}
END_TEST

START_TEST(cancel_what_is_not_there)
{
	rig_ids(&rig, 1, 1, MSG_CANCEL, 0, 5);
	rig_expect(&rig, "C1 reply #1 unknown\n");
}
END_TEST

START_TEST(cancel_frees_the_worker)
{
	rig_submit(&rig, 1, 1, "q", 2);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig_ids(&rig, 2, 1, MSG_CANCEL, 0, 1);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 1 });
	ck_assert_int_eq(core_job_state(rig.core, 2), JOB_RUNNING);
}
END_TEST

START_TEST(a_batch_joins_its_jobs)
{
	struct msg_submit in_batch = { .batch = 1 };

	rig_one(&rig, 1, 1, MSG_BATCH_OPEN, 0);
	rig_submit_as(&rig, 1, 2, "q", 2, in_batch);
	rig_ids(&rig, 1, 0, MSG_WAIT, 0, 1);
	rig_worker(&rig, 1, 2, "q", 2);
	rig_outcome(&rig, 1, 2, 1, VERDICT_DONE);
	rig_one(&rig, 1, 3, MSG_BATCH_CLOSE, 1);
	rig_one(&rig, 1, 4, MSG_BATCH_GET, 1);
	rig_submit_as(&rig, 1, 5, "q", 2, in_batch);
	rig_expect(&rig, "C1 reply #1 ok 1\n"
	                 "C1 accepted #2: 2..3\n"
	                 "W1 answer settled=0\n"
	                 "S1 jobs 1: 2/1 attempt=1 'p'\n"
	                 "S1 jobs 1: 3/2 attempt=1 'p'\n"
	                 "C1 reply #3 ok 1\n"
	                 "C1 batch #4 1 closed total=2 ended=1 failed=0\n"
	                 "C1 reply #5 closed\n");
	rig_outcome(&rig, 1, 3, 2, VERDICT_FAILED);
	rig_expect(&rig, "C1 result @0: 1 dead exit=1\n");
	rig_ids(&rig, 2, 0, MSG_WAIT, 0, 1); /* later, too */
	rig_expect(&rig, "C2 result @0: 1 dead exit=1\n");
}
END_TEST

START_TEST(a_batch_completes_by_its_close)
{
	rig_one(&rig, 1, 1, MSG_BATCH_OPEN, 0);
	rig_submit_as(&rig, 1, 2, "q", 1, (struct msg_submit){ .batch = 1 });
	rig_worker(&rig, 1, 1, "q", 1);
	rig_outcome(&rig, 1, 2, 1, VERDICT_DONE);
	rig_ids(&rig, 2, 0, MSG_WAIT, 0, 1);
	rig_forget(&rig);
	rig_one(&rig, 1, 3, MSG_BATCH_CLOSE, 1);
	rig_expect(&rig, "C1 reply #3 ok 1\n"
	                 "C2 result @0: 1 done\n");
	rig_one(&rig, 1, 4, MSG_BATCH_CLOSE, 9);
	rig_expect(&rig, "C1 reply #4 unknown\n");
}
END_TEST

START_TEST(opening_a_batch_again_gives_the_same_one)
{
	rig_one(&rig, 1, 1, MSG_BATCH_OPEN, 0);
	rig_one(&rig, 1, 1, MSG_BATCH_OPEN, 0);
	rig_one(&rig, 1, 2, MSG_BATCH_OPEN, 0);
	rig_expect(&rig, "C1 reply #1 ok 1\n"
	                 "C1 reply #1 ok 1\n"
	                 "C1 reply #2 ok 2\n");
}
END_TEST

START_TEST(results_go_after_their_time)
{
	one_running();
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	rig_pass(&rig, DEFAULT_KEEP_MS - 1000);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_DONE);
	rig_pass(&rig, 2000);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_NONE);
	rig_client(&rig, 2);
	rig_forget(&rig);
	rig_ids(&rig, 2, 0, MSG_WAIT, 0, 1);
	rig_one(&rig, 2, 1, MSG_RESULT_GET, 1);
	rig_expect(&rig, "C2 result @0: 1 unknown gone\n"
	                 "C2 reply #1 gone\n");
}
END_TEST

START_TEST(results_go_when_there_are_too_many)
{
	rig_fini(&rig);
	rig_init(&rig);
	rig.config.keep_bytes = 3 * (RESULT_OVERHEAD + 32);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_submit(&rig, 1, 1, "q", 5);
	rig_worker(&rig, 1, 5, "q", 5);
	for (uint64_t i = 1; i <= 5; i++)
		rig_outcome(&rig, 1, i, i, VERDICT_DONE);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_NONE);
	ck_assert_int_eq(core_job_state(rig.core, 2), JOB_NONE);
	ck_assert_int_eq(core_job_state(rig.core, 3), JOB_DONE);
	ck_assert_int_eq(core_job_state(rig.core, 5), JOB_DONE);
}
END_TEST

/* Over the budget of all, the queue with much gives way, not the one that has just begun. */
START_TEST(results_of_the_rich_go_first)
{
	rig_fini(&rig);
	rig_init(&rig);
	rig.config.keep_all_bytes = 3 * (RESULT_OVERHEAD + 32);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_submit(&rig, 1, 1, "rich", 3);
	rig_worker(&rig, 1, 3, "rich", 3);
	for (uint64_t i = 1; i <= 3; i++)
		rig_outcome(&rig, 1, i, i, VERDICT_DONE);
	rig_submit(&rig, 1, 2, "poor", 2);
	rig_worker(&rig, 2, 2, "poor", 2);
	rig_outcome(&rig, 2, 4, 4, VERDICT_DONE);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_NONE);
	ck_assert_int_eq(core_job_state(rig.core, 2), JOB_DONE);
	ck_assert_int_eq(core_job_state(rig.core, 4), JOB_DONE);
}
END_TEST

START_TEST(garbage_is_answered)
{
	struct msg m = { .h = { .version = 1, .kind = 77, .session = 1, .number = 5 } };
	struct event ev = {
		.kind = EV_MALFORMED, .peer = 101, .msg = &m, .error = SHEAF_E_MALFORMED, .text = span_str("x")
	};

	rig_step(&rig, &ev);
	rig_request(&rig, 1, 6, (enum msg_kind)77, (struct msg){ 0 });
	ev.peer = 201;
	ev.from_worker = true;
	rig_step(&rig, &ev);
	rig_expect(&rig, "C1 reply #5 malformed\n"
	                 "C1 reply #6 unsupported\n"
	                 "W1 reply malformed\n");
}
END_TEST

/* A session that said bye has no place any more, not after a restart either: what comes next is a new one. */
START_TEST(a_bye_ends_the_session)
{
	for (int i = 0; i < 2; i++) {
		rig_submit(&rig, 1, 1, "q", 1);
		rig_request(&rig, 1, 2, MSG_CLIENT_BYE, (struct msg){ 0 });
		rig_submit(&rig, 1, 3, "q", 1);
		if (i > 0)
			rig_restart(&rig, true);
		rig_client(&rig, 1);
	}
	rig_forget(&rig);
	rig_submit(&rig, 1, 1, "q", 1);
	rig_expect(&rig, "C1 accepted #1: 3..3\n");
}
END_TEST

RIG_MAIN("core_client", whoever_wants_it_gets_the_result_once, a_wait_for_what_has_ended_is_answered_from_the_log,
         a_wait_for_what_is_unknown, pings_tell_how_much_was_pushed, a_silent_client_is_awaited_no_longer,
         results_are_fetched, cancel_what_is_ready, cancel_what_runs, cancel_what_was_sent_and_comes_back,
         cancel_what_was_sent_and_had_begun, cancel_what_was_sent_and_is_lost, cancel_what_is_not_there,
         cancel_frees_the_worker, a_batch_joins_its_jobs, a_batch_completes_by_its_close,
         opening_a_batch_again_gives_the_same_one, results_go_after_their_time, results_go_when_there_are_too_many,
         results_of_the_rich_go_first, garbage_is_answered, a_bye_ends_the_session)
