/* Traces: what people do to queues. */
#include <stdio.h>

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

START_TEST(unknown_queues)
{
	for (enum queue_op op = QUEUE_SHOW; op <= QUEUE_DRAIN; op++)
		rig_queue(&rig, 1, op, "nope", op, 0);
	rig_expect(&rig, "C1 reply #1 unknown\n"
	                 "C1 reply #2 unknown\n"
	                 "C1 reply #3 unknown\n"
	                 "C1 reply #4 unknown\n"
	                 "C1 reply #5 unknown\n"
	                 "C1 reply #6 unknown\n"
	                 "C1 reply #7 unknown\n");
}
END_TEST

START_TEST(a_queue_is_shown)
{
	rig_submit(&rig, 1, 1, "q", 3);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	rig_forget(&rig);
	rig_queue(&rig, 1, 2, "q", QUEUE_SHOW, 0);
	rig_expect(&rig, "C1 queues #2 [q workers=1 submitted=3 ready=1 running=1 done=1 kept=1]\n");
}
END_TEST

START_TEST(queues_are_listed_by_name)
{
	rig_submit(&rig, 1, 1, "b", 1);
	rig_submit(&rig, 1, 2, "c", 1);
	rig_submit(&rig, 1, 3, "a", 1);
	rig_forget(&rig);
	rig_request(&rig, 1, 4, MSG_QUEUE_LIST, (struct msg){ 0 });
	rig_request(&rig, 1, 5, MSG_QUEUE_LIST, (struct msg){ .u.queue_list.after = span_str("a") });
	rig_expect(&rig,
	           "C1 queues #4 [a workers=0 submitted=1 ready=1 kept=0] [b workers=0 submitted=1 ready=1 kept=0] "
	           "[c workers=0 submitted=1 ready=1 kept=0]\n"
	           "C1 queues #5 [b workers=0 submitted=1 ready=1 kept=0] [c workers=0 submitted=1 ready=1 kept=0]\n");
}
END_TEST

START_TEST(a_paused_queue_grants_nothing)
{
	rig_submit(&rig, 1, 1, "q", 1);
	rig_queue(&rig, 1, 2, "q", QUEUE_PAUSE, 0);
	rig_forget(&rig);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_submit(&rig, 1, 3, "q", 1);
	rig_expect(&rig, "W1 answer settled=0\n"
	                 "C1 accepted #3: 2..2\n");
	rig_queue(&rig, 1, 4, "q", QUEUE_RESUME, 0);
	rig_queue(&rig, 1, 5, "q", QUEUE_RESUME, 0); /* nothing to do, and said so */
	rig_expect(&rig, "C1 reply #4 ok\n"
	                 "S1 jobs 1: 1/1 attempt=1 'p'\n"
	                 "C1 reply #5 ok\n");
}
END_TEST

START_TEST(a_purge_cancels_what_has_not_started)
{
	rig_submit(&rig, 1, 1, "q", 3);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig_queue(&rig, 1, 2, "q", QUEUE_PURGE, 0);
	rig_pass(&rig, 1);
	rig_expect(&rig, "C1 result @0: 2 cancelled 'purged'\n"
	                 "C1 result @1: 3 cancelled 'purged'\n"
	                 "C1 reply #2 ok 2\n");
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_RUNNING);
}
END_TEST

START_TEST(a_purge_takes_what_was_handed_back_too)
{
	rig_submit(&rig, 1, 1, "q", 2);
	rig_worker(&rig, 1, 2, "q", 2);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 0, .received = 1 });
	rig_return(&rig, 1, 1, 1);
	rig_return(&rig, 1, 2, 2);
	rig_forget(&rig);
	rig_queue(&rig, 1, 2, "q", QUEUE_PURGE, 0);
	rig_pass(&rig, 1);
	ck_assert(rig_has(&rig, "C1 reply #2 ok 2\n"));
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_CANCELLED);
}
END_TEST

START_TEST(a_large_purge_takes_several_steps)
{
	struct msg_submit s = { 0 };

	for (uint64_t i = 1; i <= 5; i++)
		rig_submit_as(&rig, 1, i, "q", 600, s);
	rig_forget(&rig);
	rig_queue(&rig, 1, 6, "q", QUEUE_PURGE, 0);
	rig_pass(&rig, 1);
	ck_assert(rig_has(&rig, "C1 reply #6 ok 3000\n"));
}
END_TEST

START_TEST(a_drained_queue_takes_no_jobs_until_it_is_resumed)
{
	rig_submit(&rig, 1, 1, "q", 1);
	rig_queue(&rig, 1, 2, "q", QUEUE_DRAIN, 0);
	rig_submit(&rig, 1, 3, "q", 1);
	rig_expect(&rig, "C1 accepted #1: 1..1\n"
	                 "C1 reply #2 ok\n"
	                 "C1 reply #3 closed\n");
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE); /* what is there goes on */
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_DONE);
	rig_forget(&rig);
	rig_submit(&rig, 1, 4, "q", 1);
	rig_queue(&rig, 1, 5, "q", QUEUE_RESUME, 0);
	rig_submit(&rig, 1, 6, "q", 1);
	ck_assert(rig_has(&rig, "C1 reply #4 closed\n"));
	ck_assert(rig_has(&rig, "C1 accepted #6: 2..2\n"));
}
END_TEST

START_TEST(a_peek_shows_the_first_in_their_order)
{
	static const uint32_t priorities[] = { 1, 9, 1 };
	struct span payload = span_str("look");

	for (uint64_t i = 0; i < 3; i++)
		rig_submit_as(&rig, 1, i + 1, "q", 1,
		              (struct msg_submit){ .priority = priorities[i], .payloads = &payload });
	rig_forget(&rig);
	rig_queue(&rig, 1, 4, "q", QUEUE_PEEK, 2);
	rig_queue(&rig, 1, 5, "q", QUEUE_PEEK, 9);
	rig_expect(&rig, "C1 peeked #4 2:9 'look' 1:1 'look'\n"
	                 "C1 peeked #5 2:9 'look' 1:1 'look' 3:1 'look'\n");
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_READY);
}
END_TEST

START_TEST(a_queue_in_use_is_not_deleted)
{
	rig_submit(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	rig_forget(&rig);
	rig_queue(&rig, 1, 2, "q", QUEUE_DELETE, 0);
	rig_pass(&rig, 1);
	rig_one(&rig, 1, 3, MSG_RESULT_GET, 1);
	ck_assert(rig_has(&rig, "C1 reply #2 bad-value\n"));
	ck_assert(rig_has(&rig, "C1 result #3: 1 done attempt=1 'good'\n")); /* it has lost nothing by that */
}
END_TEST

START_TEST(a_queue_is_deleted_with_its_results)
{
	rig_submit(&rig, 1, 1, "q", 1);
	rig_ids(&rig, 1, 2, MSG_CANCEL, 0, 1);
	rig_forget(&rig);
	rig_queue(&rig, 1, 3, "q", QUEUE_DELETE, 0);
	rig_pass(&rig, 1);
	rig_queue(&rig, 1, 4, "q", QUEUE_SHOW, 0);
	rig_one(&rig, 1, 5, MSG_RESULT_GET, 1);
	rig_expect(&rig, "C1 reply #3 ok\n"
	                 "C1 reply #4 unknown\n"
	                 "C1 reply #5 gone\n");
	rig_submit(&rig, 1, 6, "q", 1); /* it may come again, with counts from nothing */
	rig_queue(&rig, 1, 7, "q", QUEUE_SHOW, 0);
	rig_expect(&rig, "C1 accepted #6: 2..2\n"
	                 "C1 queues #7 [q workers=0 submitted=1 ready=1 kept=0]\n");
}
END_TEST

START_TEST(at_the_limit_there_is_no_new_queue)
{
	char name[16];

	rig.quiet = true;
	for (uint64_t i = 1; i <= LIMIT_QUEUES; i += 500) { /* core_check is linear: a few checks are enough */
		for (uint64_t k = i; k < i + 500; k++) {
			struct msg_submit s = { .attempts = 1, .n = 1 };
			struct span payload = span_str("p");
			struct msg m = { .h = { .version = 1, .kind = MSG_SUBMIT, .session = 1, .number = k } };

			snprintf(name, sizeof name, "q%llu", (unsigned long long)k);
			s.queue = span_str(name);
			s.payloads = &payload;
			m.u.submit = s;
			core_step(rig.core, rig.now, &(struct event){ .kind = EV_CLIENT, .peer = 101, .msg = &m },
			          &rig.fx);
		}
		core_check(rig.core);
	}
	rig.quiet = false;
	rig_submit(&rig, 1, LIMIT_QUEUES + 1, "one-more", 1);
	rig_submit(&rig, 1, LIMIT_QUEUES + 2, "q7", 1);
	ck_assert(rig_has(&rig, "C1 reply #10001 full\n"));
	ck_assert(rig_has(&rig, "C1 accepted #10002: 10001..10001\n"));
}
END_TEST

/* Its last job ends in the very step that finds the queue in use: refused, and nothing goes with it. */
START_TEST(a_queue_is_deleted_while_its_last_job_ends)
{
	rig.config.deliveries = 1;
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_submit(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 1, .started = 1 });
	rig_pass(&rig, 2400);
	rig_forget(&rig);
	rig.now.mono_ms += 300;
	rig_queue(&rig, 1, 2, "q", QUEUE_DELETE, 0);
	ck_assert(rig_has(&rig, "1 dead attempt=1 exit=137"));
	ck_assert(rig_has(&rig, "C1 reply #2 bad-value"));
}
END_TEST

/* Its results go in two slices; the first lets a segment go, so a preamble is written along with the second. */
START_TEST(a_queue_deleted_behind_a_preamble_stays_away)
{
	rig.quiet = true;
	for (uint64_t i = 0; i < 10; i++)
		rig_submit(&rig, 1, 1 + i, "q", 200);
	for (uint64_t id = 1; id <= 2000; id++)
		rig_ids(&rig, 1, 100 + id, MSG_CANCEL, 0, id);
	rig_queue(&rig, 1, 5000, "q", QUEUE_DELETE, 0);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig.quiet = false;
	rig_forget(&rig);
	rig_queue(&rig, 1, 5001, "q", QUEUE_SHOW, 0);
	rig_expect(&rig, "C1 reply #5001 unknown\n");
}
END_TEST

RIG_MAIN("core_queue", unknown_queues, a_queue_is_shown, queues_are_listed_by_name, a_paused_queue_grants_nothing,
         a_drained_queue_takes_no_jobs_until_it_is_resumed, a_purge_cancels_what_has_not_started,
         a_purge_takes_what_was_handed_back_too, a_large_purge_takes_several_steps,
         a_peek_shows_the_first_in_their_order, a_queue_in_use_is_not_deleted, a_queue_is_deleted_with_its_results,
         at_the_limit_there_is_no_new_queue, a_queue_is_deleted_while_its_last_job_ends,
         a_queue_deleted_behind_a_preamble_stays_away)
