/* Traces: idempotency keys. A key's first submit makes a job; every repeat within the window gets its id. */
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

static void submit_key(unsigned client, uint64_t number, const char *queue, const char *key, uint32_t flags)
{
	rig_submit_as(&rig, client, number, queue, 1,
	              (struct msg_submit){ .flags = flags, .terms = { .key = span_str(key) } });
}

static uint64_t keys(void)
{
	struct core_totals t;

	core_totals(rig.core, &t);
	return t.keys;
}

static uint64_t jobs(void)
{
	struct core_totals t;

	core_totals(rig.core, &t);
	return t.submitted;
}

START_TEST(a_repeat_gets_the_first_id)
{
	rig_client(&rig, 2);
	submit_key(1, 1, "q", "k", 0);
	submit_key(1, 2, "q", "k", 0);
	submit_key(2, 1, "q", "k", 0);
	submit_key(2, 2, "q", "other", 0);
	submit_key(2, 3, "q", "k", 0);
	rig_expect(&rig, "C1 accepted #1: 1..1\n"
	                 "C1 accepted #2: 1..1\n"
	                 "C2 accepted #1: 1..1\n"
	                 "C2 accepted #2: 2..2\n"
	                 "C2 accepted #3: 1..1\n");
	ck_assert_uint_eq(jobs(), 2);
	ck_assert_uint_eq(keys(), 2);
}
END_TEST

START_TEST(a_hundred_at_once_are_one_job)
{
	for (unsigned i = 1; i <= 100; i++) {
		rig_client(&rig, i);
		rig_forget(&rig);
		submit_key(i, 1, "q", "k", SUBMIT_WANT);
		ck_assert(rig_has(&rig, "accepted #1: 1..1\n"));
	}
	ck_assert_uint_eq(jobs(), 1);
	/* all of them hear of its end */
	rig_worker(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	for (unsigned i = 1; i <= 100; i++) {
		char line[80];

		snprintf(line, sizeof line, "C%u result @0: 1 done attempt=1 'good'\n", i);
		ck_assert_msg(rig_has(&rig, line), "%s", line);
	}
}
END_TEST

START_TEST(a_key_is_of_one_queue)
{
	submit_key(1, 1, "q", "k", 0);
	submit_key(1, 2, "r", "k", 0);
	rig_expect(&rig, "C1 accepted #1: 1..1\n"
	                 "C1 accepted #2: 2..2\n");
}
END_TEST

START_TEST(keys_are_bytes)
{
	char with_nul[] = { 'k', 0, 'x' };
	struct msg_submit s = { .terms = { .key = span_of(with_nul, 3) } };

	submit_key(1, 1, "q", "k", 0);
	rig_submit_as(&rig, 1, 2, "q", 1, s);
	rig_submit_as(&rig, 1, 3, "q", 1, s);
	rig_expect(&rig, "C1 accepted #1: 1..1\n"
	                 "C1 accepted #2: 2..2\n"
	                 "C1 accepted #3: 2..2\n");
}
END_TEST

START_TEST(a_repeat_that_wants_hears_what_came_of_it)
{
	rig_client(&rig, 2);
	rig_client(&rig, 3);
	submit_key(1, 1, "q", "k", 0);
	submit_key(2, 1, "q", "k", SUBMIT_WANT); /* before it has ended */
	rig_worker(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	submit_key(3, 1, "q", "k", SUBMIT_WANT); /* after */
	rig_expect(&rig, "C2 result @0: 1 done attempt=1 'good'\n"
	                 "C3 accepted #1: 1..1\n"
	                 "C3 result @0: 1 done attempt=1 'good'\n");
	rig_pass(&rig, DEFAULT_KEEP_MS + 1000);
	rig_client(&rig, 3);
	rig_forget(&rig);
	submit_key(3, 2, "q", "k", SUBMIT_WANT); /* and when its result is no longer kept */
	rig_expect(&rig, "C3 accepted #2: 1..1\n"
	                 "C3 result @0: 1 unknown gone\n");
}
END_TEST

START_TEST(a_repeat_is_answered_when_nothing_new_is_taken)
{
	submit_key(1, 1, "q", "k", 0);
	rig_step(&rig, &(struct event){ .kind = EV_PRESSURE, .flag = true });
	submit_key(1, 2, "q", "k", 0);
	submit_key(1, 3, "q", "new", 0);
	rig_step(&rig, &(struct event){ .kind = EV_DRAIN });
	submit_key(1, 4, "q", "k", 0);
	rig_expect(&rig, "C1 accepted #1: 1..1\n"
	                 "C1 accepted #2: 1..1\n"
	                 "C1 reply #3 busy\n"
	                 "C1 accepted #4: 1..1\n");
}
END_TEST

START_TEST(a_key_is_for_one_payload)
{
	rig_submit_as(&rig, 1, 1, "q", 2, (struct msg_submit){ .terms = { .key = span_str("k") } });
	submit_key(1, 2, "q", "k", 0);
	rig_submit_as(&rig, 1, 3, "q", 2, (struct msg_submit){ .terms = { .key = span_str("k") } });
	rig_expect(&rig, "C1 reply #1 bad-value\n"
	                 "C1 accepted #2: 1..1\n"
	                 "C1 reply #3 bad-value\n");
}
END_TEST

START_TEST(the_window_ends)
{
	submit_key(1, 1, "q", "k", 0);
	rig_pass(&rig, DEFAULT_KEY_WINDOW_MS - 1000);
	rig_client(&rig, 1);
	rig_forget(&rig);
	submit_key(1, 2, "q", "k", 0);
	rig_expect(&rig, "C1 accepted #2: 1..1\n");
	rig_pass(&rig, 2000); /* a repeat does not prolong it */
	ck_assert_uint_eq(keys(), 0);
	rig_client(&rig, 1);
	rig_forget(&rig);
	submit_key(1, 3, "q", "k", 0);
	rig_expect(&rig, "C1 accepted #3: 2..2\n");
	rig_restart(&rig, true);
	ck_assert_uint_eq(keys(), 1);
	rig_client(&rig, 1);
	rig_forget(&rig);
	submit_key(1, 4, "q", "k", 0);
	rig_expect(&rig, "C1 accepted #4: 2..2\n");
}
END_TEST

START_TEST(a_queue_has_its_own_window)
{
	rig_set(&rig, 1, 1, "q", "key-window", 5000);
	submit_key(1, 2, "q", "k", 0);
	submit_key(1, 3, "r", "k", 0);
	rig_pass(&rig, 4000);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_forget(&rig);
	submit_key(1, 4, "q", "k", 0);
	rig_pass(&rig, 2000);
	submit_key(1, 5, "q", "k", 0);
	submit_key(1, 6, "r", "k", 0);
	rig_expect(&rig, "C1 accepted #4: 1..1\n"
	                 "C1 accepted #5: 3..3\n"
	                 "C1 accepted #6: 2..2\n");
}
END_TEST

START_TEST(a_clock_that_leaps_makes_no_wrong_repeat)
{
	submit_key(1, 1, "q", "k", 0);
	rig.now.wall_ms += DEFAULT_KEY_WINDOW_MS; /* no tick in between */
	submit_key(1, 2, "q", "k", 0);
	rig.now.wall_ms -= DEFAULT_KEY_WINDOW_MS;
	submit_key(1, 3, "q", "k", 0);
	rig_expect(&rig, "C1 accepted #1: 1..1\n"
	                 "C1 accepted #2: 2..2\n"
	                 "C1 accepted #3: 2..2\n");
}
END_TEST

START_TEST(at_the_cap_a_new_key_is_refused_and_none_forgotten)
{
	rig_fini(&rig);
	rig_init(&rig);
	rig.config.keys_max = 2;
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	submit_key(1, 1, "q", "a", 0);
	submit_key(1, 2, "q", "b", 0);
	submit_key(1, 3, "q", "c", 0);
	submit_key(1, 4, "r", "c", 0); /* each queue has its own */
	submit_key(1, 5, "q", "a", 0);
	rig_expect(&rig, "C1 accepted #1: 1..1\n"
	                 "C1 accepted #2: 2..2\n"
	                 "C1 reply #3 full\n"
	                 "C1 accepted #4: 3..3\n"
	                 "C1 accepted #5: 1..1\n");
	rig_pass(&rig, DEFAULT_KEY_WINDOW_MS);
	rig_client(&rig, 1);
	rig_forget(&rig);
	submit_key(1, 6, "q", "c", 0);
	rig_expect(&rig, "C1 accepted #6: 4..4\n");
}
END_TEST

START_TEST(a_crash_forgets_no_key)
{
	submit_key(1, 1, "q", "k", 0);
	rig_ids(&rig, 1, 2, MSG_CANCEL, 0, 1); /* nor does the end of its job */
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_forget(&rig);
	submit_key(1, 3, "q", "k", SUBMIT_WANT);
	rig_expect(&rig, "C1 accepted #3: 1..1\n"
	                 "C1 result @0: 1 cancelled 'cancelled'\n");
}
END_TEST

START_TEST(job_and_key_are_there_together_or_not_at_all)
{
	submit_key(1, 1, "q", "k", 0);
	rig_keep_blocks(&rig, rig.n_blocks - 1); /* it never reached the disk, and nobody was answered */
	rig_restart(&rig, true);
	ck_assert_uint_eq(jobs(), 0);
	ck_assert_uint_eq(keys(), 0);
	rig_client(&rig, 1);
	rig_forget(&rig);
	submit_key(1, 1, "q", "k", SUBMIT_AGAIN);
	submit_key(1, 2, "q", "k", 0);
	rig_expect(&rig, "C1 accepted #1: 1..1\n"
	                 "C1 accepted #2: 1..1\n");
}
END_TEST

START_TEST(keys_outlive_the_segment_they_were_written_in)
{
	static uint8_t bytes[300];
	struct msg_submit filler = { .payloads = &(struct span){ .p = bytes, .n = sizeof bytes } };
	uint64_t number = 2, left = 0;

	submit_key(1, 1, "q", "k", 0);
	submit_key(1, 2, "gone", "k", 0);
	rig_ids(&rig, 1, ++number, MSG_CANCEL, 0, 1);
	for (int i = 0; i < 60; i++) {
		rig_submit_as(&rig, 1, ++number, "q", 40, filler);
		for (uint64_t k = 0; k < 40; k++)
			rig_ids(&rig, 1, ++number, MSG_CANCEL, 0, 3 + 40 * (uint64_t)i + k);
		rig_pass(&rig, 1);
		if (rig.move != 0)
			rig_scan(&rig);
		rig_pass(&rig, 1);
		if (rig.tail > 3 * rig.config.segment_bytes && left++ == 0)
			rig_restart(&rig, true); /* the moved fact is all that is left of it */
		rig_client(&rig, 1);
	}
	ck_assert_uint_gt(rig.tail, 5 * rig.config.segment_bytes);
	for (int i = 0; i < 2; i++) {
		rig_restart(&rig, i == 0); /* the second time old segments are still there */
		ck_assert_uint_eq(keys(), 2);
		rig_client(&rig, 1);
		rig_forget(&rig);
		submit_key(1, ++number, "q", "k", 0);
		ck_assert(rig_has(&rig, ": 1..1\n"));
	}
}
END_TEST

START_TEST(a_deleted_queue_takes_its_keys_with_it)
{
	submit_key(1, 1, "q", "k", 0);
	rig_ids(&rig, 1, 2, MSG_CANCEL, 0, 1);
	rig_queue(&rig, 1, 3, "q", QUEUE_DELETE, 0);
	ck_assert_uint_eq(keys(), 0);
	rig_submit(&rig, 1, 4, "new", 1); /* it gets the same index */
	submit_key(1, 5, "new", "k", 0);
	ck_assert(rig_has(&rig, "C1 accepted #5: 3..3\n"));
	rig_restart(&rig, true);
	ck_assert_uint_eq(keys(), 1);
	rig_client(&rig, 1);
	rig_forget(&rig);
	submit_key(1, 6, "new", "k", 0);
	rig_expect(&rig, "C1 accepted #6: 3..3\n");
}
END_TEST

START_TEST(a_retry_of_a_repeat_is_answered_as_the_repeat_was)
{
	submit_key(1, 1, "q", "k", 0);
	submit_key(1, 2, "q", "k", 0);
	rig.now.wall_ms += DEFAULT_KEY_WINDOW_MS;
	submit_key(1, 2, "q", "k", SUBMIT_AGAIN);
	submit_key(1, 3, "q", "k", 0);
	rig_expect(&rig, "C1 accepted #1: 1..1\n"
	                 "C1 accepted #2: 1..1\n"
	                 "C1 accepted #2: 1..1\n"
	                 "C1 accepted #3: 2..2\n");
}
END_TEST

RIG_MAIN("core_repeat", a_repeat_gets_the_first_id, a_hundred_at_once_are_one_job, a_key_is_of_one_queue,
         keys_are_bytes, a_repeat_that_wants_hears_what_came_of_it, a_repeat_is_answered_when_nothing_new_is_taken,
         a_key_is_for_one_payload, the_window_ends, a_queue_has_its_own_window,
         a_clock_that_leaps_makes_no_wrong_repeat, at_the_cap_a_new_key_is_refused_and_none_forgotten,
         a_crash_forgets_no_key, job_and_key_are_there_together_or_not_at_all,
         keys_outlive_the_segment_they_were_written_in, a_deleted_queue_takes_its_keys_with_it,
         a_retry_of_a_repeat_is_answered_as_the_repeat_was)
