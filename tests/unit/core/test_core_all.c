/* Traces: jobs for several queues that are submitted together, or not at all. */
#include <stdio.h>

#include "broker/core/state.h"
#include "tests/unit/core/all_rig.h"

START_TEST(all_of_it_is_accepted)
{
	part("a", "one")->delay_ms = 1000;
	part("b", "two")->priority = 9;
	share("b", 1)->attempts = 3;
	share("c", 3)->headers = span_of("A=b", 4);
	send(1);
	rig_expect(&rig, "C1 all #1: 1 2 3 4\n");
	rig_queue(&rig, 1, 2, "b", QUEUE_PEEK, 9);
	rig_queue(&rig, 1, 3, "c", QUEUE_PEEK, 9);
	rig_one(&rig, 1, 4, MSG_JOB_GET, 1);
	rig_one(&rig, 1, 5, MSG_JOB_GET, 3);
	rig_expect(&rig, "C1 peeked #2 2:9 'two' 3:4 'one'\n"
	                 "C1 peeked #3 4:4 'one'\n"
	                 "C1 job #4 1 delayed attempt=0/1 deliveries=0\n"
	                 "C1 job #5 3 ready attempt=0/3 deliveries=0\n");
}
END_TEST

START_TEST(a_shared_payload_goes_to_each_worker)
{
	rig_worker(&rig, 1, 1, "a", 9);
	rig_worker(&rig, 2, 1, "b", 9);
	rig_forget(&rig);
	part("a", "for both of them");
	share("b", 1);
	send(1);
	rig_expect(&rig, "C1 all #1: 1 2\n"
	                 "S1 jobs 1: 1/1 attempt=1 'for both of them'\n"
	                 "S2 jobs 1: 2/2 attempt=1 'for both of them'\n");
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	rig_outcome(&rig, 2, 2, 2, VERDICT_FAILED);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_DONE);
	ck_assert_int_eq(core_job_state(rig.core, 2), JOB_DEAD);
}
END_TEST

START_TEST(a_missing_queue_refuses_all_of_it)
{
	part("a", "one");
	part("missing", "two")->flags = 0;
	part("c", "three");
	send(1);
	rig_expect(&rig, "C1 reply #1 unknown 2\n");
	rig_queue(&rig, 1, 2, "a", QUEUE_SHOW, 0);
	rig_expect(&rig, "C1 reply #2 unknown\n");
	ck_assert_uint_eq(jobs(), 0);
	rig_submit(&rig, 1, 3, "missing", 1);
	part("a", "one");
	part("missing", "two")->flags = 0;
	send(4);
	rig_expect(&rig, "C1 accepted #3: 1..1\n"
	                 "C1 all #4: 2 3\n");
}
END_TEST

START_TEST(a_paused_queue_takes_jobs_a_drained_one_does_not)
{
	rig_submit(&rig, 1, 1, "a", 1);
	rig_submit(&rig, 1, 2, "b", 1);
	rig_queue(&rig, 1, 3, "a", QUEUE_PAUSE, 0);
	rig_queue(&rig, 1, 4, "b", QUEUE_DRAIN, 0);
	rig_forget(&rig);
	part("a", "one");
	send(5);
	part("a", "one");
	part("b", "two");
	send(6);
	rig_expect(&rig, "C1 all #5: 3\n"
	                 "C1 reply #6 closed 2\n");
	ck_assert_uint_eq(jobs(), 3);
}
END_TEST

START_TEST(a_broker_that_is_behind_or_goes_down_says_so)
{
	rig_step(&rig, &(struct event){ .kind = EV_PRESSURE, .flag = true });
	part("a", "one");
	again(1);
	rig_step(&rig, &(struct event){ .kind = EV_PRESSURE });
	rig_step(&rig, &(struct event){ .kind = EV_DRAIN });
	rig_forget(&rig);
	again(1);
	rig_expect(&rig, "C1 reply #1 draining\n");
}
END_TEST

/* An edge within the broker's process lets nobody in any more; what it has begun to take is still accepted. */
START_TEST(an_edge_brings_what_it_has_when_the_broker_goes_down)
{
	rig_step(&rig, &(struct event){ .kind = EV_DRAIN });
	part("a", "one");
	rig.edge = true;
	again(1);
	rig.edge = false;
	again(2);
	rig_expect(&rig, "C1 all #1: 1\n"
	                 "C1 reply #2 draining\n");
}
END_TEST

START_TEST(it_is_done_once)
{
	part("a", "one");
	part("b", "two");
	again(1);
	again(1);
	n_parts--;
	again(1); /* something else under the same number */
	again(2);
	again(2);
	rig_expect(&rig, "C1 all #1: 1 2\n"
	                 "C1 all #1: 1 2\n"
	                 "C1 reply #1 unknown-outcome\n"
	                 "C1 all #2: 3\n"
	                 "C1 all #2: 3\n");
	rig_request(&rig, 1, 3, MSG_SUBMIT_ALL,
	            (struct msg){ .u.submit_all = { .answered = 2, .v = parts, .n = n_parts } });
	again(2);
	rig_expect(&rig, "C1 all #3: 4\n"
	                 "C1 reply #2 unknown-outcome\n");
}
END_TEST

START_TEST(a_key_that_is_remembered_makes_no_job)
{
	part("a", "one")->key = span_str("k");
	send(1);
	part("b", "two")->key = span_str("k"); /* of another queue */
	part("a", "three")->key = span_str("k");
	part("c", "four");
	share("d", 2);
	again(2);
	again(2);
	send(3); /* under a number of its own: what has no key is there again */
	rig_expect(&rig, "C1 all #1: 1\n"
	                 "C1 all #2: 2 1 3 4\n"
	                 "C1 all #2: 2 1 3 4\n"
	                 "C1 all #3: 2 1 5 6\n");
	rig_queue(&rig, 1, 4, "d", QUEUE_PEEK, 1); /* the payload of a part that made none */
	rig_expect(&rig, "C1 peeked #4 4:4 'three'\n");
}
END_TEST

START_TEST(the_same_key_twice_in_one_request)
{
	part("a", "one")->key = span_str("k");
	part("a", "two")->key = span_str("other");
	part("a", "three")->key = span_str("k");
	part("b", "four")->key = span_str("k");
	share("c", 3);
	again(1);
	send(2);
	rig_expect(&rig, "C1 all #1: 1 2 1 3 4\n"
	                 "C1 all #2: 1 2 1 3 5\n");
	ck_assert_uint_eq(jobs(), 5);
}
END_TEST

START_TEST(a_repeat_is_answered_whatever_has_become_of_the_queue)
{
	part("a", "one")->key = span_str("k");
	part("b", "two")->key = span_str("k");
	again(1);
	rig_queue(&rig, 1, 2, "a", QUEUE_DRAIN, 0);
	rig_step(&rig, &(struct event){ .kind = EV_DRAIN });
	rig_forget(&rig);
	again(3);
	again(3);
	rig_expect(&rig, "C1 all #3: 1 2\n"
	                 "C1 all #3: 1 2\n");
}
END_TEST

START_TEST(keys_are_bounded_in_all_parts_together)
{
	char names[4][16];

	rig.config.keys_max = 3;
	rig_restart(&rig, false);
	rig_client(&rig, 1);
	rig_forget(&rig);
	for (int i = 0; i < 4; i++) {
		snprintf(names[i], sizeof names[i], "k%d", i);
		part("a", "p")->key = span_str(names[i]);
	}
	again(1);
	parts[3].queue = span_str("b"); /* which has room */
	again(2);
	rig_expect(&rig, "C1 reply #1 full 4\n"
	                 "C1 all #2: 1 2 3 4\n");
}
END_TEST

START_TEST(headers_are_bounded_in_memory)
{
	char headers[3][16];

	rig.config.policy_bytes = 2 * (sizeof(struct policy) + 100); /* two of them, not three */
	rig_restart(&rig, false);
	rig_client(&rig, 1);
	rig_forget(&rig);
	for (int i = 0; i < 3; i++) {
		snprintf(headers[i], sizeof headers[i], "A=%03d", i);
		part("a", "p")->headers = span_of(headers[i], 6);
	}
	parts[2].headers.n = 0;
	again(1);
	parts[2].headers.n = 6;
	again(2);
	n_parts = 0;
	part("a", "p");
	send(3);
	rig_submit_as(&rig, 1, 4, "a", 1, (struct msg_submit){ .headers = span_of(headers[2], 6) });
	rig_ids(&rig, 1, 5, MSG_CANCEL, 0, 1);
	rig_ids(&rig, 1, 6, MSG_CANCEL, 0, 2);
	rig_submit_as(&rig, 1, 7, "a", 1, (struct msg_submit){ .headers = span_of(headers[2], 6) });
	rig_expect(&rig, "C1 all #1: 1 2 3\n"
	                 "C1 reply #2 full 1\n"
	                 "C1 all #3: 4\n"
	                 "C1 reply #4 full\n"
	                 "C1 reply #5 ok 1\n"
	                 "C1 reply #6 ok 1\n"
	                 "C1 accepted #7: 5..5\n");
}
END_TEST

START_TEST(it_fits_a_segment_or_is_refused)
{
	static uint8_t bytes[64 * KIB];

	part("a", "")->payload = span_of(bytes, 15 * KIB);
	for (int i = 1; i < 4; i++)
		share("a", 1); /* which are no more bytes */
	again(1);
	for (int i = 1; i < 4; i++)
		parts[i].same = 0;
	parts[3].payload = parts[0].payload;
	send(2);
	rig_expect(&rig, "C1 all #1: 1 2 3 4\n"
	                 "C1 reply #2 too-large\n");
}
END_TEST

/* As many parts as can be, each with a queue of its own that is made. */
START_TEST(a_hundred_parts)
{
	char names[LIMIT_ALL_PARTS][16];

	rig_keep_blocks(&rig, 0);
	rig.config.segment_bytes = MIB;
	rig_restart(&rig, false);
	rig_client(&rig, 1);
	for (int i = 0; i < LIMIT_ALL_PARTS; i++) {
		snprintf(names[i], sizeof names[i], "q%d", i);
		if (i == 0)
			part(names[i], "one payload for all of them");
		else
			share(names[i], (uint32_t)i);
	}
	send(1);
	ck_assert_uint_eq(jobs(), LIMIT_ALL_PARTS);
	rig_forget(&rig);
	rig_queue(&rig, 1, 2, "q99", QUEUE_PEEK, 1);
	rig_expect(&rig, "C1 peeked #2 100:4 (27 bytes)\n");
}
END_TEST

RIG_MAIN("core_all", all_of_it_is_accepted, a_shared_payload_goes_to_each_worker, a_missing_queue_refuses_all_of_it,
         a_paused_queue_takes_jobs_a_drained_one_does_not, a_broker_that_is_behind_or_goes_down_says_so,
         an_edge_brings_what_it_has_when_the_broker_goes_down, it_is_done_once, a_key_that_is_remembered_makes_no_job,
         the_same_key_twice_in_one_request, a_repeat_is_answered_whatever_has_become_of_the_queue,
         keys_are_bounded_in_all_parts_together, headers_are_bounded_in_memory, it_fits_a_segment_or_is_refused,
         a_hundred_parts)
