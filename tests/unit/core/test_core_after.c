/* Traces: jobs that follow others, and crashes in between. */
#include <stdio.h>

#include "tests/unit/core/rig.h"

static struct rig rig;
static uint64_t number; /* of client 1's last request */

static void setup(void)
{
	rig_init(&rig);
	rig_client(&rig, 1);
	number = 0;
}

static void teardown(void)
{
	rig_fini(&rig);
}

static void submit_to(const char *queue, const uint64_t *after, uint32_t n, uint32_t flags)
{
	rig_submit_as(&rig, 1, ++number, queue, 1,
	              (struct msg_submit){ .flags = flags, .terms = { .after = after, .n_after = n } });
}

/* One job in "q" behind up to two others. */
static void submit(uint64_t a, uint64_t b, uint32_t flags)
{
	uint64_t after[] = { a, b };

	submit_to("q", after, (a != 0 ? 1u : 0u) + (b != 0 ? 1u : 0u), flags);
}

static enum job_state state(uint64_t id)
{
	return core_job_state(rig.core, id);
}

static void end(uint64_t id, uint64_t token, enum verdict verdict)
{
	rig_outcome(&rig, 1, id, token, verdict);
}

static void cancel(uint64_t id)
{
	rig_ids(&rig, 1, ++number, MSG_CANCEL, 0, id);
}

START_TEST(a_diamond_runs_in_order)
{
	submit(0, 0, 0);
	submit(1, 0, 0);
	submit(1, 0, 0);
	submit(2, 3, 0);
	ck_assert_int_eq(state(2), JOB_BLOCKED);
	ck_assert_int_eq(state(4), JOB_BLOCKED);
	rig_forget(&rig);
	rig_worker(&rig, 1, 8, "q", 8);
	rig_expect(&rig, "W1 answer settled=0\n"
	                 "S1 jobs 1: 1/1 attempt=1 'p'\n");
	end(1, 1, VERDICT_DONE);
	rig_expect(&rig, "S1 jobs 2: 2/2 attempt=1 'p'\n"
	                 "S1 jobs 2: 3/3 attempt=1 'p'\n");
	end(3, 3, VERDICT_DONE);
	ck_assert_int_eq(state(4), JOB_BLOCKED);
	end(2, 2, VERDICT_DONE);
	ck_assert(rig_has(&rig, "S1 jobs 3: 4/4 attempt=1 'p'\n"));
}
END_TEST

START_TEST(a_failure_cancels_all_that_follows)
{
	submit(0, 0, 0);
	submit(1, 0, SUBMIT_WANT);
	submit(2, 0, SUBMIT_WANT);
	submit(1, 0, SUBMIT_WANT | SUBMIT_AFTER_ANY);
	submit(3, 4, SUBMIT_WANT);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	end(1, 1, VERDICT_FAILED);
	ck_assert(rig_has(&rig, "C1 result @0: 2 cancelled (44 bytes)\n"));
	ck_assert(rig_has(&rig, "C1 result @1: 3 cancelled (49 bytes)\n"));
	ck_assert(rig_has(&rig, "C1 result @2: 5 cancelled (49 bytes)\n"));
	ck_assert(rig_has(&rig, "4/2 attempt=1 'p'\n"));
}
END_TEST

START_TEST(whatever_ends_in_whichever_way_releases_what_asked_for_it)
{
	submit(0, 0, 0);
	submit(1, 0, SUBMIT_AFTER_ANY);
	cancel(1);
	ck_assert_int_eq(state(2), JOB_READY);
	submit(1, 0, SUBMIT_AFTER_ANY); /* also when it has ended before */
	ck_assert_int_eq(state(3), JOB_READY);
}
END_TEST

START_TEST(what_has_ended_well_holds_nobody_up)
{
	submit(0, 0, 0);
	rig_worker(&rig, 1, 1, "q", 1);
	end(1, 1, VERDICT_DONE);
	submit(1, 1, 0);
	ck_assert_int_eq(state(2), JOB_RUNNING);
}
END_TEST

START_TEST(refused_for_what_it_names)
{
	submit(9, 0, 0); /* nothing can follow what comes later: so nothing waits for itself */
	submit(1, 0, 0);
	rig_request(&rig, 1, ++number, MSG_BATCH_OPEN, (struct msg){ 0 });
	submit(1, 0, 0);
	submit(0, 0, 0);
	cancel(2);
	submit(2, 0, 0);
	rig_expect(&rig, "C1 reply #1 unknown\n"
	                 "C1 reply #2 unknown\n"
	                 "C1 reply #3 ok 1\n"
	                 "C1 reply #4 bad-value\n"
	                 "C1 accepted #5: 2..2\n"
	                 "C1 reply #6 ok 1\n"
	                 "C1 reply #7 finished\n");
	rig_pass(&rig, DEFAULT_KEEP_MS + 1000);
	rig_client(&rig, 1);
	rig_forget(&rig);
	submit(2, 0, 0);
	rig_expect(&rig, "C1 reply #8 gone\n");
}
END_TEST

START_TEST(a_job_follows_a_batch)
{
	rig_request(&rig, 1, ++number, MSG_BATCH_OPEN, (struct msg){ 0 });
	rig_submit_as(&rig, 1, ++number, "q", 2, (struct msg_submit){ .batch = 1 });
	rig_one(&rig, 1, ++number, MSG_BATCH_CLOSE, 1);
	submit(1, 0, 0);
	ck_assert_int_eq(state(4), JOB_BLOCKED);
	rig_worker(&rig, 1, 2, "q", 2);
	end(2, 1, VERDICT_DONE);
	ck_assert_int_eq(state(4), JOB_BLOCKED);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	ck_assert_int_eq(state(4), JOB_BLOCKED);
	rig_worker(&rig, 1, 2, "q", 2);
	end(3, 1, VERDICT_DONE);
	ck_assert_int_eq(state(4), JOB_RUNNING);
}
END_TEST

START_TEST(a_failed_batch_cancels_what_follows_it)
{
	rig_request(&rig, 1, ++number, MSG_BATCH_OPEN, (struct msg){ 0 });
	rig_submit_as(&rig, 1, ++number, "q", 1, (struct msg_submit){ .batch = 1 });
	rig_one(&rig, 1, ++number, MSG_BATCH_CLOSE, 1);
	submit(1, 0, 0);
	cancel(2);
	ck_assert_int_eq(state(3), JOB_CANCELLED);
}
END_TEST

START_TEST(a_blocked_job_can_be_cancelled_and_purged_and_expires)
{
	uint64_t one = 1;

	submit(0, 0, 0);
	submit(1, 0, 0);
	submit(2, 0, 0);
	cancel(2);
	ck_assert_int_eq(state(2), JOB_CANCELLED);
	ck_assert_int_eq(state(3), JOB_CANCELLED);
	submit(1, 0, 0);
	submit_to("other", &one, 1, 0);
	rig_queue(&rig, 1, ++number, "other", QUEUE_PURGE, 0);
	ck_assert_int_eq(state(5), JOB_CANCELLED);
	rig_submit_as(&rig, 1, ++number, "other", 1,
	              (struct msg_submit){ .terms = { .after = &one, .n_after = 1, .within_ms = 1000 } });
	rig_pass(&rig, 2000);
	ck_assert_int_eq(state(6), JOB_EXPIRED);
	ck_assert_int_eq(state(4), JOB_BLOCKED);
}
END_TEST

START_TEST(a_delay_counts_from_the_submit)
{
	uint64_t one = 1;

	submit(0, 0, 0);
	for (int i = 0; i < 2; i++)
		rig_submit_as(
		    &rig, 1, ++number, "q", 1,
		    (struct msg_submit){ .terms = { .after = &one, .n_after = 1, .delay_ms = i == 0 ? 1000 : 5000 } });
	rig_pass(&rig, 2000);
	cancel(1);
	ck_assert_int_eq(state(2), JOB_CANCELLED);
	rig_fini(&rig);
	setup();
	submit(0, 0, 0);
	for (int i = 0; i < 2; i++)
		rig_submit_as(
		    &rig, 1, ++number, "q", 1,
		    (struct msg_submit){ .flags = SUBMIT_AFTER_ANY,
		                         .terms = { .after = &one, .n_after = 1, .delay_ms = i == 0 ? 1000 : 5000 } });
	rig_pass(&rig, 2000);
	rig_client(&rig, 1);
	cancel(1);
	ck_assert_int_eq(state(2), JOB_READY);
	ck_assert_int_eq(state(3), JOB_DELAYED);
	rig_restart(&rig, true);
	ck_assert_int_eq(state(3), JOB_DELAYED);
	rig_pass(&rig, 4000);
	ck_assert_int_eq(state(3), JOB_READY);
}
END_TEST

START_TEST(job_info_says_what_it_waits_for)
{
	submit(0, 0, 0);
	submit(0, 0, 0);
	submit(1, 2, SUBMIT_AFTER_ANY);
	cancel(1);
	rig_forget(&rig);
	rig_one(&rig, 1, ++number, MSG_JOB_GET, 3);
	rig_expect(&rig, "C1 job #5 3 blocked attempt=0/1 deliveries=0 after=2\n");
}
END_TEST

/* Some that end well and some that do not, and those that follow. */
static void story(void)
{
	submit(0, 0, 0);                /* 1: done */
	submit(0, 0, 0);                /* 2: fails */
	submit(1, 0, 0);                /* 3: runs */
	submit(2, 0, 0);                /* 4: cancelled */
	submit(2, 0, SUBMIT_AFTER_ANY); /* 5: runs */
	submit(1, 2, 0);                /* 6: cancelled */
	submit(4, 0, 0);                /* 7: cancelled */
	submit(3, 5, 0);                /* 8: runs last */
	rig_worker(&rig, 1, 1, "q", 1);
	end(1, 1, VERDICT_DONE);
	end(2, 2, VERDICT_FAILED);
	end(3, 3, VERDICT_DONE);
}

/* Runs whatever is there; 2 fails, the others do well. `token`: low half of the last that was used; 0: no worker has
 * come since the crash. */
static void run_all(uint64_t token)
{
	if (token == 0)
		rig_worker(&rig, 1, 1, "q", 1);
	for (int i = 0; i < 12; i++) {
		for (uint64_t id = 1; id <= 8; id++)
			if (state(id) == JOB_RUNNING)
				end(id, ++token, id == 2 ? VERDICT_FAILED : VERDICT_DONE);
		rig_pass(&rig, 1);
	}
}

static void expect_the_end(const char *when, uint32_t blocks)
{
	static const enum job_state ends[] = { JOB_DONE, JOB_DEAD,      JOB_DONE,      JOB_CANCELLED,
		                               JOB_DONE, JOB_CANCELLED, JOB_CANCELLED, JOB_DONE };

	for (uint64_t id = 1; id <= 8; id++)
		if (state(id) != JOB_NONE)
			ck_assert_msg(state(id) == ends[id - 1], "%s %u blocks: job %u is %s", when, blocks,
			              (unsigned)id, job_state_name(state(id)));
}

START_TEST(each_crash_comes_to_the_same_end)
{
	uint32_t blocks, first = rig.n_blocks;

	story();
	run_all(3);
	expect_the_end("without a crash,", 0);
	rig_fini(&rig);
	setup();
	story();
	blocks = rig.n_blocks;
	for (uint32_t keep = first; keep <= blocks; keep++) {
		rig_fini(&rig);
		setup();
		story();
		rig_keep_blocks(&rig, keep);
		rig_restart(&rig, true);
		rig_client(&rig, 1);
		run_all(0);
		expect_the_end("after", keep);
		rig_restart(&rig, true);
		rig_pass(&rig, 1);
		expect_the_end("twice after", keep);
	}
}
END_TEST

START_TEST(many_followers_are_handled_in_slices)
{
	uint64_t one = 1;

	submit(0, 0, 0);
	for (int i = 0; i < 4; i++)
		rig_submit_as(&rig, 1, ++number, "q", 200,
		              (struct msg_submit){ .terms = { .after = &one, .n_after = 1 } });
	for (int i = 0; i < 4; i++)
		rig_submit_as(
		    &rig, 1, ++number, "q", 200,
		    (struct msg_submit){ .flags = SUBMIT_AFTER_ANY, .terms = { .after = &one, .n_after = 1 } });
	cancel(1);
	for (uint64_t id = 2; id <= 801; id++)
		ck_assert_int_eq(state(id), JOB_CANCELLED);
	for (uint64_t id = 802; id <= 1601; id++)
		ck_assert_int_eq(state(id), JOB_READY);
	rig_restart(&rig, true);
	ck_assert_int_eq(state(801), JOB_CANCELLED);
	ck_assert_int_eq(state(1601), JOB_READY);
}
END_TEST

START_TEST(followers_outlive_the_segments_of_their_facts)
{
	static uint8_t bytes[300];
	struct msg_submit filler = { .payloads = &(struct span){ .p = bytes, .n = sizeof bytes } };
	uint64_t from = 6;

	submit(0, 0, 0);
	submit(0, 0, 0);
	submit(1, 2, 0);
	submit(2, 0, 0);
	submit(4, 0, SUBMIT_AFTER_ANY);
	rig_worker(&rig, 1, 1, "q", 1);
	end(1, 1, VERDICT_DONE);
	rig_bye(&rig, 1, 1);
	for (int i = 0; i < 60; i++) {
		rig_submit_as(&rig, 1, ++number, "other", 40, filler);
		for (uint64_t k = 0; k < 40; k++)
			cancel(from++);
		rig_pass(&rig, 1);
		if (rig.move != 0)
			rig_scan(&rig);
		rig_pass(&rig, 1);
		rig_client(&rig, 1);
	}
	ck_assert_uint_gt(rig.tail, 3 * rig.config.segment_bytes);
	rig_pass(&rig, DEFAULT_KEEP_MS); /* nothing is left of job 1 */
	for (int i = 0; i < 2; i++) {
		rig_restart(&rig, i == 0);
		ck_assert_int_eq(state(1), JOB_NONE);
		ck_assert_int_eq(state(3), JOB_BLOCKED);
		ck_assert_int_eq(state(4), JOB_BLOCKED);
		ck_assert_int_eq(state(5), JOB_BLOCKED);
	}
	rig_client(&rig, 1);
	cancel(2);
	ck_assert_int_eq(state(3), JOB_CANCELLED);
	ck_assert_int_eq(state(4), JOB_CANCELLED);
	ck_assert_int_eq(state(5), JOB_READY);
}
END_TEST

RIG_MAIN("core_after", a_diamond_runs_in_order, a_failure_cancels_all_that_follows,
         whatever_ends_in_whichever_way_releases_what_asked_for_it, what_has_ended_well_holds_nobody_up,
         refused_for_what_it_names, a_job_follows_a_batch, a_failed_batch_cancels_what_follows_it,
         a_blocked_job_can_be_cancelled_and_purged_and_expires, a_delay_counts_from_the_submit,
         job_info_says_what_it_waits_for, each_crash_comes_to_the_same_end, many_followers_are_handled_in_slices,
         followers_outlive_the_segments_of_their_facts)
