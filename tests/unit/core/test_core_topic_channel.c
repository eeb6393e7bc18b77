/* Traces: subscriptions come and go; what channels are for some of them. */
#include "tests/unit/core/topics.h"

static struct rig rig;

static void setup(void)
{
	rig_init(&rig);
	for (unsigned i = 1; i <= 3; i++)
		rig_client(&rig, i);
}

static void teardown(void)
{
	rig_fini(&rig);
}

START_TEST(the_first_channel_gets_what_waited)
{
	topics_pub(&rig, 1, 1, "t", "a b");
	topics_pub(&rig, 1, 2, "t", "c");
	topics_list(&rig);
	rig_expect(&rig, "C1 accepted #1: 64..65\n"
	                 "C1 accepted #2: 128..128\n"
	                 "C9 topics #1 [t depth=3 messages=3 bytes=3 kept=15]\n");
	topics_sub(&rig, 2, "t", "c", 10);
	topics_sub(&rig, 3, "t", "d", 10); /* the second one begins with what comes */
	rig_expect(&rig, "C2 @0 sub 1: 1/1 0'a' 1'b'\n"
	                 "C2 @1 sub 1: 2/2 0'c'\n");
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=3 bytes=3 kept=15] [t/c consumers=1 in-hand=3 messages=3] "
	                 "[t/d consumers=1]\n");
}
END_TEST

START_TEST(a_channel_keeps_its_messages_without_a_consumer)
{
	topics_sub(&rig, 2, "t", "c", 0);
	topics_unsub(&rig, 2, 7, 1);
	topics_unsub(&rig, 2, 8, 1);
	topics_pub(&rig, 1, 1, "t", "a");
	topics_sub(&rig, 3, "t", "c", 1);
	rig_expect(&rig, "C2 reply #7 ok\n"
	                 "C2 reply #8 unknown\n"
	                 "C1 accepted #1: 64..64\n"
	                 "C3 @0 sub 1: 1/1 0'a'\n");
}
END_TEST

START_TEST(what_a_consumer_held_goes_to_the_next)
{
	topics_sub(&rig, 2, "t", "c", 5);
	topics_pub(&rig, 1, 1, "t", "a b c");
	topics_fin(&rig, 2, 1, 1, 2);
	topics_sub(&rig, 3, "t", "c", 5);
	rig_forget(&rig);
	topics_unsub(&rig, 2, 7, 1);
	rig_expect(&rig, "C2 reply #7 ok\n"
	                 "C3 @0 sub 1: 1/2 attempt=2 0'a' 2'c'\n");
	topics_fin(&rig, 2, 1, 1, 1);
	rig_expect(&rig, "C2 gone [0 1/1:1 stale]\n");
}
END_TEST

START_TEST(subscribing_again_begins_anew)
{
	topics_sub(&rig, 2, "t", "c", 5);
	topics_pub(&rig, 1, 1, "t", "a");
	rig_forget(&rig);
	topics_sub(&rig, 2, "t", "c", 5);
	rig_expect(&rig, "C2 @1 sub 1: 1/2 attempt=2 0'a'\n");
	topics_fin(&rig, 2, 1, 1, 1);
	topics_fin(&rig, 2, 1, 2, 1);
	topics_list(&rig);
	rig_expect(&rig, "C2 gone [0 1/1:1 stale]\n"
	                 "C9 topics #1 [t messages=1 bytes=1] [t/c consumers=1 messages=1 requeued=1]\n");
}
END_TEST

START_TEST(subscribing_again_keeps_an_ephemeral_channel)
{
	topics_sub(&rig, 2, "t", "c#ephemeral", 0);
	topics_pub(&rig, 1, 1, "t", "a");
	rig_forget(&rig);
	topics_sub(&rig, 2, "t", "c#ephemeral", 5);
	rig_expect(&rig, "C2 @0 sub 1: 1/1 0'a'\n");
}
END_TEST

START_TEST(an_ephemeral_channel_ends_with_its_last_consumer)
{
	topics_sub(&rig, 2, "t", "c#ephemeral", 1);
	topics_sub(&rig, 3, "t", "c#ephemeral", 0);
	topics_pub(&rig, 1, 1, "t", "a b");
	topics_unsub(&rig, 2, 7, 1);
	topics_list(&rig);
	rig_expect(&rig, "C1 accepted #1: 64..65\n"
	                 "C2 @0 sub 1: 1/1 0'a'\n"
	                 "C2 reply #7 ok\n"
	                 "C9 topics #1 [t messages=2 bytes=2 kept=10] [t/c#ephemeral consumers=1 depth=2 messages=2 "
	                 "requeued=1]\n");
	topics_unsub(&rig, 3, 7, 1);
	topics_list(&rig);
	rig_expect(&rig, "C3 reply #7 ok\n"
	                 "C9 topics #1 [t messages=2 bytes=2]\n");
}
END_TEST

START_TEST(an_ephemeral_topic_ends_with_its_last_channel)
{
	topics_pub(&rig, 1, 1, "t#ephemeral", "a");
	topics_sub(&rig, 2, "t#ephemeral", "c", 1);
	topics_list(&rig);
	rig_expect(&rig, "C1 accepted #1: 64..64\n"
	                 "C2 @0 sub 1: 1/1 0'a'\n"
	                 "C9 topics #1 [t#ephemeral messages=1 bytes=1 kept=5] [t#ephemeral/c consumers=1 in-hand=1 "
	                 "messages=1]\n");
	topics_op(&rig, 1, 2, TOPIC_DELETE, "t#ephemeral", "c");
	topics_list(&rig);
	rig_expect(&rig, "C1 reply #2 ok\n"
	                 "C2 gone [1 deleted]\n"
	                 "C9 topics #1\n");
}
END_TEST

START_TEST(an_ephemeral_channel_holds_the_newest)
{
	topics_sub(&rig, 2, "t", "c#ephemeral", 0);
	rig.quiet = true;
	for (uint64_t i = 0; i < 11; i++)
		topics_pub_n(&rig, 1, 1 + i, "t", 1000, 1);
	topics_pub_n(&rig, 1, 20, "t", 40, 1);
	rig.quiet = false;
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=11040 bytes=11040 kept=50200] [t/c#ephemeral consumers=1 "
	                 "depth=10000 messages=11040]\n");
	topics_credit(&rig, 2, 1, 1, GIB);
	rig_expect(&rig, "C2 @0 sub 1: 17/1 40'b'\n"); /* the first 16 runs and 40 messages were dropped */
}
END_TEST

START_TEST(an_ordered_channel_has_one_in_hand)
{
	topics_sub(&rig, 2, "t", "c", 5);
	topics_sub(&rig, 3, "t", "c", 5);
	topics_set(&rig, 1, 1, "t", "c", (struct msg_topic_op){ .op = TOPIC_SET, .which = SET_ORDERED, .ordered = 1 });
	topics_pub(&rig, 1, 2, "t", "a b c");
	rig_expect(&rig, "C1 reply #1 ok\n"
	                 "C1 accepted #2: 64..66\n"
	                 "C2 @0 sub 1: 1/1 0'a'\n");
	topics_req(&rig, 2, 1, 1, 1, 0);
	rig_expect(&rig, "C3 @0 sub 1: 1/2 attempt=2 0'a'\n"); /* before b */
	topics_req(&rig, 3, 1, 2, 1, 500);
	rig_expect(&rig, "");
	rig_pass(&rig, 500);
	rig_expect(&rig, "C2 @1 sub 1: 1/3 attempt=3 0'a'\n");
	topics_fin(&rig, 2, 1, 3, 1);
	rig_expect(&rig, "C3 @1 sub 1: 1/4 1'b'\n");
}
END_TEST

START_TEST(becoming_ordered_waits_for_what_is_in_hand)
{
	topics_sub(&rig, 2, "t", "c", 2);
	topics_pub(&rig, 1, 2, "t", "a b c");
	topics_set(&rig, 1, 3, "t", "c", (struct msg_topic_op){ .op = TOPIC_SET, .which = SET_ORDERED, .ordered = 1 });
	rig_forget(&rig);
	topics_fin(&rig, 2, 1, 1, 1);
	rig_expect(&rig, "");
	topics_fin(&rig, 2, 1, 1, 2);
	rig_expect(&rig, "C2 @1 sub 1: 1/2 2'c'\n");
}
END_TEST

START_TEST(a_sample_is_some_of_them)
{
	rig.quiet = true;
	topics_subscribe(&rig, 2, 1, "t", "c", (struct msg_subscribe){ .sub = 1, .sample = 10 });
	topics_credit(&rig, 2, 1, 1000, GIB);
	topics_pub_n(&rig, 1, 1, "t", 1000, 1);
	rig.quiet = false;
	topics_list(&rig);
	ck_assert(!rig_has(&rig, "depth="));
	ck_assert(rig_has(&rig, "in-hand=1") || rig_has(&rig, "in-hand=8") || rig_has(&rig, "in-hand=9"));
}
END_TEST

START_TEST(a_channel_may_begin_with_what_is_kept)
{
	topics_set(&rig, 1, 1, "t", "", (struct msg_topic_op){ .op = TOPIC_CREATE });
	topics_set(&rig, 1, 2, "t", "",
	           (struct msg_topic_op){ .op = TOPIC_SET, .which = SET_KEEP_MS, .keep_ms = 60000 });
	topics_sub(&rig, 2, "t", "c", 9);
	topics_pub(&rig, 1, 3, "t", "a");
	topics_fin(&rig, 2, 1, 1, 1);
	rig_pass(&rig, 1000);
	topics_pub(&rig, 1, 4, "t", "b");
	topics_fin(&rig, 2, 2, 2, 1);
	rig_forget(&rig);
	rig.quiet = true;
	topics_subscribe(&rig, 3, 1, "t", "all", (struct msg_subscribe){ .sub = 1, .since_ms = 1 });
	topics_subscribe(&rig, 3, 2, "t", "some",
	                 (struct msg_subscribe){ .sub = 2, .since_ms = rig.now.wall_ms - 500 });
	topics_subscribe(&rig, 3, 3, "t", "none",
	                 (struct msg_subscribe){ .sub = 3, .since_ms = rig.now.wall_ms + 500 });
	rig.quiet = false;
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=2 bytes=2 kept=10] [t/c consumers=1 messages=2] [t/all consumers=1 "
	                 "depth=2 messages=2] [t/some consumers=1 depth=1 messages=1] [t/none consumers=1]\n");
	topics_credit(&rig, 3, 1, 9, GIB);
	rig_expect(&rig, "C3 @0 sub 1: 1/3 0'a'\n"
	                 "C3 @1 sub 1: 2/4 0'b'\n");
}
END_TEST

START_TEST(a_silent_client_loses_what_it_held)
{
	topics_sub(&rig, 2, "t", "c", 5);
	topics_pub(&rig, 1, 1, "t", "a b");
	rig_pass(&rig, 8000);
	topics_sub(&rig, 3, "t", "c", 5);
	rig_forget(&rig);
	rig_pass(&rig, 7100);
	rig_expect(&rig, "C3 @0 sub 1: 1/2 attempt=2 0'a' 1'b'\n");
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=2 bytes=2 kept=10] [t/c consumers=1 in-hand=2 messages=2 "
	                 "requeued=2]\n");
}
END_TEST

START_TEST(a_client_that_says_bye_loses_it_at_once)
{
	topics_sub(&rig, 2, "t", "c#ephemeral", 5);
	topics_sub(&rig, 3, "t", "c#ephemeral", 5);
	topics_pub(&rig, 1, 1, "t", "a");
	rig_forget(&rig);
	rig_request(&rig, 2, 3, MSG_CLIENT_BYE, (struct msg){ 0 });
	rig_expect(&rig, "C3 @0 sub 1: 1/2 attempt=2 0'a'\n");
	rig_request(&rig, 3, 3, MSG_CLIENT_BYE, (struct msg){ 0 });
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=1 bytes=1]\n");
}
END_TEST

START_TEST(a_dismissed_key_holds_nothing)
{
	rig.principal = 7;
	rig_client(&rig, 4);
	topics_sub(&rig, 4, "t", "c", 5);
	rig.principal = 0;
	topics_pub(&rig, 1, 1, "t", "a");
	topics_sub(&rig, 2, "t", "c", 5);
	rig_forget(&rig);
	rig_step(&rig, &(struct event){ .kind = EV_DISMISSED, .principal = 7 });
	rig_expect(&rig, "C2 @0 sub 1: 1/2 attempt=2 0'a'\n");
}
END_TEST

START_TEST(a_full_channel_refuses)
{
	topics_sub(&rig, 2, "t", "c", 5);
	topics_subscribe(&rig, 3, 1, "t", "c", (struct msg_subscribe){ .sub = 1, .consumers = 1 });
	topics_subscribe(&rig, 2, 2, "t", "c", (struct msg_subscribe){ .sub = 1, .consumers = 1 });
	topics_subscribe(&rig, 2, 3, "jobs.q", "c", (struct msg_subscribe){ .sub = 2 });
	rig_expect(&rig, "C3 reply #1 full\n"
	                 "C2 reply #2 ok\n"
	                 "C2 reply #3 bad-name\n");
}
END_TEST

RIG_MAIN("core_topic_channel", the_first_channel_gets_what_waited, a_channel_keeps_its_messages_without_a_consumer,
         what_a_consumer_held_goes_to_the_next, subscribing_again_begins_anew,
         subscribing_again_keeps_an_ephemeral_channel, an_ephemeral_channel_ends_with_its_last_consumer,
         an_ephemeral_topic_ends_with_its_last_channel, an_ephemeral_channel_holds_the_newest,
         an_ordered_channel_has_one_in_hand, becoming_ordered_waits_for_what_is_in_hand, a_sample_is_some_of_them,
         a_channel_may_begin_with_what_is_kept, a_silent_client_loses_what_it_held,
         a_client_that_says_bye_loses_it_at_once, a_dismissed_key_holds_nothing, a_full_channel_refuses)
