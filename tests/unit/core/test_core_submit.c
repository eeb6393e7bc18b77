/* Traces: jobs come in, are answered once, refused for a reason, and leave in their order. */
#include "tests/unit/core/rig.h"

static struct rig rig;

static void setup(void)
{
	rig_init(&rig);
}

static void teardown(void)
{
	rig_fini(&rig);
}

START_TEST(a_submit_is_accepted)
{
	rig_client(&rig, 1);
	rig_submit(&rig, 1, 1, "q", 2);
	rig_submit(&rig, 1, 2, "q", 1);
	rig_expect(&rig, "C1 accepted #1: 1..2\n"
	                 "C1 accepted #2: 3..3\n");
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_READY);
}
END_TEST

START_TEST(a_stranger_is_told_to_say_hello)
{
	rig_submit(&rig, 1, 1, "q", 1);
	rig_expect(&rig, "C1 no-session\n");
}
END_TEST

START_TEST(a_retry_is_answered_and_not_redone)
{
	struct msg_submit again = { .flags = SUBMIT_AGAIN };

	rig_client(&rig, 1);
	rig_submit(&rig, 1, 1, "q", 2);
	rig_submit_as(&rig, 1, 1, "q", 2, again);
	rig_submit(&rig, 1, 2, "q", 1);
	rig_expect(&rig, "C1 accepted #1: 1..2\n"
	                 "C1 accepted #1: 1..2\n"
	                 "C1 accepted #2: 3..3\n");
}
END_TEST

START_TEST(a_retry_of_what_never_came_is_done)
{
	rig_client(&rig, 1);
	rig_submit_as(&rig, 1, 7, "q", 1, (struct msg_submit){ .flags = SUBMIT_AGAIN });
	rig_expect(&rig, "C1 accepted #7: 1..1\n");
}
END_TEST

START_TEST(the_same_numbers_of_another_session_are_other_requests)
{
	rig_client(&rig, 1);
	rig_client(&rig, 2);
	rig_submit(&rig, 1, 1, "q", 1);
	rig_submit(&rig, 2, 1, "q", 1);
	rig_expect(&rig, "C1 accepted #1: 1..1\n"
	                 "C2 accepted #1: 2..2\n");
}
END_TEST

START_TEST(beyond_what_was_answered_the_outcome_is_unknown)
{
	rig_client(&rig, 1);
	rig_submit(&rig, 1, 1, "q", 1);
	rig_submit_as(&rig, 1, 2, "q", 1, (struct msg_submit){ .answered = 1 });
	rig_submit_as(&rig, 1, 1, "q", 1, (struct msg_submit){ .flags = SUBMIT_AGAIN });
	rig_expect(&rig, "C1 accepted #1: 1..1\n"
	                 "C1 accepted #2: 2..2\n"
	                 "C1 reply #1 unknown-outcome\n");
}
END_TEST

START_TEST(beyond_the_window_the_outcome_is_unknown)
{
	rig_client(&rig, 1);
	for (uint64_t i = 1; i <= LIMIT_CLIENT_REQUESTS + 1; i++)
		rig_submit(&rig, 1, i, "q", 1);
	rig_forget(&rig);
	rig_submit_as(&rig, 1, 1, "q", 1, (struct msg_submit){ .flags = SUBMIT_AGAIN });
	rig_submit_as(&rig, 1, 2, "q", 1, (struct msg_submit){ .flags = SUBMIT_AGAIN });
	rig_expect(&rig, "C1 reply #1 unknown-outcome\n"
	                 "C1 accepted #2: 2..2\n");
}
END_TEST

START_TEST(priorities_first_then_first_in_first_out)
{
	static const uint32_t priorities[] = { 0, 9, 4, 9, 4, 0 };

	rig_client(&rig, 1);
	for (uint64_t i = 0; i < 6; i++)
		rig_submit_as(&rig, 1, i + 1, "q", 1, (struct msg_submit){ .priority = priorities[i] });
	rig_forget(&rig);
	rig_worker(&rig, 1, 6, "q", 6);
	rig_expect(&rig, "W1 answer settled=0\n"
	                 "S1 jobs 1: 2/1 attempt=1 'p'\n"
	                 "S1 jobs 1: 4/2 attempt=1 'p'\n"
	                 "S1 jobs 1: 3/3 attempt=1 'p'\n"
	                 "S1 jobs 1: 5/4 attempt=1 'p'\n"
	                 "S1 jobs 1: 1/5 attempt=1 'p'\n"
	                 "S1 jobs 1: 6/6 attempt=1 'p'\n");
}
END_TEST

START_TEST(refused_while_the_journal_is_behind)
{
	rig_client(&rig, 1);
	rig_step(&rig, &(struct event){ .kind = EV_PRESSURE, .flag = true });
	rig_submit(&rig, 1, 1, "q", 1);
	rig_step(&rig, &(struct event){ .kind = EV_PRESSURE });
	rig_submit_as(&rig, 1, 1, "q", 1, (struct msg_submit){ .flags = SUBMIT_AGAIN });
	rig_expect(&rig, "C1 reply #1 busy\n"
	                 "C1 accepted #1: 1..1\n");
}
END_TEST

START_TEST(refused_while_the_disk_is_full)
{
	rig_client(&rig, 1);
	rig_step(&rig, &(struct event){ .kind = EV_SPACE, .flag = true });
	rig_submit(&rig, 1, 1, "q", 1);
	rig_one(&rig, 1, 2, MSG_BATCH_OPEN, 0);
	rig_step(&rig, &(struct event){ .kind = EV_SPACE });
	rig_submit(&rig, 1, 3, "q", 1);
	rig_expect(&rig, "C1 reply #1 full\n"
	                 "C1 reply #2 full\n"
	                 "C1 accepted #3: 1..1\n");
}
END_TEST

START_TEST(refused_at_the_disk_cap_and_taken_again_below_it)
{
	static uint8_t kilobyte[1000];
	struct span payload = span_of(kilobyte, sizeof kilobyte);
	struct msg_submit s = { .payloads = &payload };
	uint64_t n = 0;

	rig_fini(&rig);
	rig_init(&rig);
	rig.config.disk_cap = 6 * 64 * KIB;
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	while (!rig_has(&rig, "full") && n < 400)
		rig_submit_as(&rig, 1, ++n, "q", 4, s);
	ck_assert_uint_gt(n, 10);
	ck_assert_uint_lt(n, 60);
	rig_forget(&rig);
	rig_queue(&rig, 1, ++n, "q", QUEUE_PURGE, 0);
	rig_pass(&rig, 100);
	for (int i = 0; i < 20 && rig.move != 0; i++) {
		rig_scan(&rig);
		rig_pass(&rig, 100);
	}
	ck_assert(rig_has(&rig, "trim"));
	rig_forget(&rig);
	rig_submit(&rig, 1, ++n, "q", 1);
	ck_assert(rig_has(&rig, "accepted"));
}
END_TEST

START_TEST(refused_for_what_it_asks)
{
	rig_client(&rig, 1);
	rig_submit_as(&rig, 1, 1, "q", 1, (struct msg_submit){ .terms.topic = span_str("jobs.t") });
	rig_submit_as(&rig, 1, 2, "q", 1, (struct msg_submit){ .batch = 77 });
	rig_expect(&rig, "C1 reply #1 bad-value\n"
	                 "C1 reply #2 unknown\n");
}
END_TEST

START_TEST(draining_takes_no_more_and_grants_no_more)
{
	rig_client(&rig, 1);
	rig_submit(&rig, 1, 1, "q", 2);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig_step(&rig, &(struct event){ .kind = EV_DRAIN });
	rig_submit(&rig, 1, 2, "q", 1);
	ck_assert(!core_drained(rig.core));
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	ck_assert(core_drained(rig.core));
	rig_expect(&rig, "C1 reply #2 draining\n"
	                 "C1 result @0: 1 done attempt=1 'good'\n");
	ck_assert_int_eq(core_job_state(rig.core, 2), JOB_READY);
}
END_TEST

RIG_MAIN("core_submit", a_submit_is_accepted, a_stranger_is_told_to_say_hello, a_retry_is_answered_and_not_redone,
         a_retry_of_what_never_came_is_done, the_same_numbers_of_another_session_are_other_requests,
         beyond_what_was_answered_the_outcome_is_unknown, beyond_the_window_the_outcome_is_unknown,
         priorities_first_then_first_in_first_out, refused_while_the_journal_is_behind, refused_while_the_disk_is_full,
         refused_at_the_disk_cap_and_taken_again_below_it, refused_for_what_it_asks,
         draining_takes_no_more_and_grants_no_more)
