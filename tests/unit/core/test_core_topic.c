/* Traces: the walk of a message from PUBLISH to SETTLE. */
#include "tests/unit/core/topics.h"

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

START_TEST(a_message_is_delivered_and_finished)
{
	topics_sub(&rig, 2, "t", "c", 10);
	topics_pub(&rig, 1, 1, "t", "one");
	rig_expect(&rig, "C1 accepted #1: 64..64\n"
	                 "C2 @0 sub 1: 1/1 0'one'\n");
	topics_fin(&rig, 2, 1, 1, 1);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=1 bytes=3] [t/c consumers=1 messages=1]\n");
}
END_TEST

START_TEST(each_channel_gets_every_message)
{
	rig_client(&rig, 3);
	topics_sub(&rig, 2, "t", "c", 10);
	topics_sub(&rig, 3, "t", "d", 10);
	topics_pub(&rig, 1, 1, "t", "a b");
	rig_expect(&rig, "C1 accepted #1: 64..65\n"
	                 "C2 @0 sub 1: 1/1 0'a' 1'b'\n"
	                 "C3 @0 sub 1: 1/2 0'a' 1'b'\n");
	topics_fin(&rig, 2, 1, 1, 3);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=2 bytes=2 kept=10] [t/c consumers=1 messages=2] [t/d consumers=1 "
	                 "in-hand=2 messages=2]\n");
	topics_fin(&rig, 3, 1, 2, 3);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=2 bytes=2] [t/c consumers=1 messages=2] [t/d consumers=1 "
	                 "messages=2]\n");
}
END_TEST

START_TEST(consumers_of_a_channel_share_its_messages)
{
	rig_client(&rig, 3);
	topics_sub(&rig, 2, "t", "c", 10);
	topics_sub(&rig, 3, "t", "c", 10);
	topics_pub(&rig, 1, 1, "t", "a b c d");
	rig_expect(&rig, "C1 accepted #1: 64..67\n"
	                 "C2 @0 sub 1: 1/1 0'a' 1'b'\n"
	                 "C3 @0 sub 1: 1/2 2'c'\n"
	                 "C2 @1 sub 1: 1/3 3'd'\n");
}
END_TEST

START_TEST(no_more_than_ready)
{
	topics_sub(&rig, 2, "t", "c", 1);
	topics_pub(&rig, 1, 1, "t", "a b");
	rig_expect(&rig, "C1 accepted #1: 64..65\n"
	                 "C2 @0 sub 1: 1/1 0'a'\n");
	topics_fin(&rig, 2, 1, 1, 1);
	rig_expect(&rig, "C2 @1 sub 1: 1/2 1'b'\n");
	topics_credit(&rig, 2, 1, 0, GIB);
	topics_fin(&rig, 2, 1, 2, 2);
	topics_pub(&rig, 1, 2, "t", "c");
	rig_expect(&rig, "C1 accepted #2: 128..128\n");
	topics_credit(&rig, 2, 1, 5, GIB);
	rig_expect(&rig, "C2 @2 sub 1: 2/3 0'c'\n");
}
END_TEST

START_TEST(the_window_of_bytes_holds_back_and_one_passes_it)
{
	topics_sub(&rig, 2, "t", "c", 0);
	topics_credit(&rig, 2, 1, 100, 0);
	topics_pub_n(&rig, 1, 1, "t", 4, 96);
	rig_expect(&rig, "C1 accepted #1: 64..67\n");
	topics_credit(&rig, 2, 1, 100, 1);
	rig_expect(&rig, "C2 @0 sub 1: 1/1 0'big'\n");
	topics_credit(&rig, 2, 1, 100, 100);
	rig_expect(&rig, ""); /* it has had 100 */
	topics_credit(&rig, 2, 1, 100, 250);
	rig_expect(&rig, "C2 @1 sub 1: 1/2 1'big' 2'big'\n");
	topics_credit(&rig, 2, 1, 100, GIB);
	rig_expect(&rig, "C2 @2 sub 1: 1/3 3'big'\n");
}
END_TEST

START_TEST(what_is_requeued_goes_to_the_tail)
{
	topics_sub(&rig, 2, "t", "c", 1);
	topics_pub(&rig, 1, 1, "t", "a b");
	topics_pub(&rig, 1, 2, "t", "c");
	rig_forget(&rig);
	topics_req(&rig, 2, 1, 1, 1, 0);
	rig_expect(&rig, "C2 @1 sub 1: 1/2 1'b'\n");
	topics_fin(&rig, 2, 1, 2, 2);
	topics_fin(&rig, 2, 2, 3, 1);
	rig_expect(&rig, "C2 @2 sub 1: 2/3 0'c'\n"
	                 "C2 @3 sub 1: 1/4 attempt=2 0'a'\n");
}
END_TEST

START_TEST(a_requeue_with_a_delay_waits)
{
	topics_sub(&rig, 2, "t", "c", 5);
	topics_pub(&rig, 1, 1, "t", "a b");
	rig_forget(&rig);
	topics_req(&rig, 2, 1, 1, 1, 2000);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=2 bytes=2 kept=10] [t/c consumers=1 in-hand=1 deferred=1 messages=2 "
	                 "requeued=1]\n");
	rig_pass(&rig, 1999);
	rig_expect(&rig, "");
	rig_pass(&rig, 1);
	rig_expect(&rig, "C2 @1 sub 1: 1/2 attempt=2 0'a'\n");
}
END_TEST

START_TEST(a_deferred_publish_comes_at_its_time)
{
	topics_sub(&rig, 2, "t", "c", 5);
	topics_defer(&rig, 1, 1, "t", "late", 3000);
	topics_pub(&rig, 1, 2, "t", "soon");
	rig_expect(&rig, "C1 accepted #1: 64..64\n"
	                 "C1 accepted #2: 128..128\n"
	                 "C2 @0 sub 1: 2/1 0'soon'\n");
	rig_pass(&rig, 2999);
	rig_expect(&rig, "");
	rig_pass(&rig, 1);
	rig_expect(&rig, "C2 @1 sub 1: 1/2 0'late'\n");
}
END_TEST

START_TEST(who_does_not_answer_loses_it_after_the_timeout)
{
	topics_sub(&rig, 2, "t", "c", 1);
	topics_pub(&rig, 1, 1, "t", "a");
	rig_forget(&rig);
	for (int i = 0; i < 6; i++) {
		rig_pass(&rig, 9999);
		rig_one(&rig, 2, 1, MSG_PING, 0);
	}
	rig_forget(&rig);
	rig_pass(&rig, 6);
	rig_expect(&rig, "C2 gone [1 1/1:1 timeout]\n"
	                 "C2 @1 sub 1: 1/2 attempt=2 0'a'\n");
	topics_fin(&rig, 2, 1, 1, 1);
	rig_expect(&rig, "C2 gone [0 1/1:1 stale]\n");
	topics_fin(&rig, 2, 1, 2, 1);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=1 bytes=1] [t/c consumers=1 messages=1 timed-out=1]\n");
}
END_TEST

START_TEST(a_touch_is_for_one_message)
{
	rig.quiet = true;
	topics_subscribe(&rig, 2, 1, "t", "c", (struct msg_subscribe){ .sub = 1, .timeout_ms = 1000, .most_ms = 2500 });
	rig.quiet = false;
	topics_credit(&rig, 2, 1, 3, GIB);
	topics_pub(&rig, 1, 1, "t", "a b c");
	topics_credit(&rig, 2, 1, 0, GIB);
	rig_forget(&rig);
	rig_pass(&rig, 900);
	topics_settle(&rig, 2, 1, 1, 2, SETTLE_TOUCH, 0);
	rig_pass(&rig, 100);
	rig_expect(&rig, "C2 gone [1 1/1:5 timeout]\n");
	rig_pass(&rig, 800);
	topics_settle(&rig, 2, 1, 1, 2, SETTLE_TOUCH, 0); /* until 2500, not 2800 */
	rig_pass(&rig, 699);
	rig_expect(&rig, "");
	rig_pass(&rig, 1);
	rig_expect(&rig, "C2 gone [1 1/1:2 timeout]\n");
}
END_TEST

START_TEST(a_touch_of_all_moves_all)
{
	rig.quiet = true;
	topics_subscribe(&rig, 2, 1, "t", "c", (struct msg_subscribe){ .sub = 1, .timeout_ms = 1000 });
	rig.quiet = false;
	topics_credit(&rig, 2, 1, 2, GIB);
	topics_pub(&rig, 1, 1, "t", "a b");
	topics_credit(&rig, 2, 1, 0, GIB);
	rig_forget(&rig);
	rig_pass(&rig, 900);
	topics_settle(&rig, 2, 1, 1, 3, SETTLE_TOUCH, 0);
	rig_pass(&rig, 999);
	rig_expect(&rig, "");
	rig_pass(&rig, 1);
	rig_expect(&rig, "C2 gone [1 1/1:3 timeout]\n");
}
END_TEST

START_TEST(only_who_holds_it_settles_it)
{
	rig_client(&rig, 3);
	topics_sub(&rig, 2, "t", "c", 5);
	topics_pub(&rig, 1, 1, "t", "a b");
	rig_forget(&rig);
	topics_fin(&rig, 3, 1, 1, 1);
	topics_fin(&rig, 2, 1, 9, 1);
	topics_fin(&rig, 2, 7, 1, 1);
	topics_fin(&rig, 2, 1, 1, 7);
	rig_expect(&rig, "C3 gone [0 1/1:1 stale]\n"
	                 "C2 gone [0 1/9:1 stale]\n"
	                 "C2 gone [0 7/1:1 stale]\n"
	                 "C2 gone [0 1/1:4 stale]\n");
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=2 bytes=2] [t/c consumers=1 messages=2]\n");
}
END_TEST

START_TEST(a_publish_is_cut_into_runs)
{
	topics_pub_n(&rig, 1, 1, "t", 130, 1);
	rig_expect(&rig, "C1 accepted #1: 64..193\n");
	topics_sub(&rig, 2, "t", "c", 1000);
	topics_fin(&rig, 2, 1, 1, UINT64_MAX);
	topics_fin(&rig, 2, 2, 2, UINT64_MAX);
	rig_forget(&rig);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=130 bytes=130 kept=10] [t/c consumers=1 in-hand=2 messages=130]\n");
	topics_pub(&rig, 1, 2, "t", "x");
	rig_expect(&rig, "C1 accepted #2: 256..256\n"
	                 "C2 @3 sub 1: 4/4 0'x'\n");
}
END_TEST

START_TEST(a_retry_is_answered_and_not_redone)
{
	topics_pub(&rig, 1, 5, "t", "a b");
	topics_pub(&rig, 1, 5, "t", "a b");
	topics_list(&rig);
	rig_expect(&rig, "C1 accepted #5: 64..65\n"
	                 "C1 accepted #5: 64..65\n"
	                 "C9 topics #1 [t depth=2 messages=2 bytes=2 kept=10]\n");
}
END_TEST

START_TEST(packed_messages_are_looked_at)
{
	static const uint8_t good[] = { 0, 0, 0, 1, 'a' }, none[] = { 0, 0, 0, 0 }, cut[] = { 0, 0, 0, 2, 'a' },
			     huge[] = { 255, 255, 255, 255, 'a' };

	topics_pub_raw(&rig, 1, 1, "t", 2, span_of(good, sizeof good));
	topics_pub_raw(&rig, 1, 2, "t", 1, span_of(none, sizeof none));
	topics_pub_raw(&rig, 1, 3, "t", 1, span_of(cut, sizeof cut));
	topics_pub_raw(&rig, 1, 4, "t", 1, span_of(huge, sizeof huge));
	topics_pub_raw(&rig, 1, 5, "t", 1, span_of(good, 3));
	topics_pub_raw(&rig, 1, 6, "t", 1, span_of((const uint8_t[]){ 0, 0, 0, 1, 'a', 0 }, 6));
	topics_pub_n(&rig, 1, 7, "t", 1, 40000);
	rig_expect(&rig, "C1 reply #1 bad-value\n"
	                 "C1 reply #2 bad-value\n"
	                 "C1 reply #3 bad-value\n"
	                 "C1 reply #4 bad-value\n"
	                 "C1 reply #5 bad-value\n"
	                 "C1 reply #6 bad-value\n"
	                 "C1 reply #7 too-large\n"); /* a third of the rig's segment */
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1\n"); /* none of them made the topic */
}
END_TEST

START_TEST(a_publish_is_refused_as_a_submit_is)
{
	rig_step(&rig, &(struct event){ .kind = EV_PRESSURE, .flag = true });
	topics_pub(&rig, 1, 1, "t", "a");
	rig_step(&rig, &(struct event){ .kind = EV_PRESSURE });
	rig_step(&rig, &(struct event){ .kind = EV_SPACE, .flag = true });
	topics_pub(&rig, 1, 2, "t", "a");
	rig_step(&rig, &(struct event){ .kind = EV_SPACE });
	topics_sub(&rig, 2, "t", "c", 1);
	topics_pub(&rig, 1, 3, "t", "a b");
	rig_step(&rig, &(struct event){ .kind = EV_DRAIN });
	topics_pub(&rig, 1, 4, "t", "c");
	rig_expect(&rig, "C1 reply #1 busy\n"
	                 "C1 reply #2 full\n"
	                 "C1 accepted #3: 64..65\n"
	                 "C2 @0 sub 1: 1/1 0'a'\n"
	                 "C1 reply #4 draining\n");
	ck_assert(core_drained(rig.core)); /* who holds messages does not hold it up */
	topics_fin(&rig, 2, 1, 1, 1);
	rig_expect(&rig, ""); /* and gets no more */
}
END_TEST

RIG_MAIN("core_topic", a_message_is_delivered_and_finished, each_channel_gets_every_message,
         consumers_of_a_channel_share_its_messages, no_more_than_ready,
         the_window_of_bytes_holds_back_and_one_passes_it, what_is_requeued_goes_to_the_tail,
         a_requeue_with_a_delay_waits, a_deferred_publish_comes_at_its_time,
         who_does_not_answer_loses_it_after_the_timeout, a_touch_is_for_one_message, a_touch_of_all_moves_all,
         only_who_holds_it_settles_it, a_publish_is_cut_into_runs, a_retry_is_answered_and_not_redone,
         packed_messages_are_looked_at, a_publish_is_refused_as_a_submit_is)
