/* Traces: retention, and that consumers and channels take turns. */
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

static void keep(uint64_t ms, uint64_t bytes)
{
	rig.quiet = true;
	topics_set(&rig, 1, 90, "t", "",
	           (struct msg_topic_op){
		       .op = TOPIC_SET, .which = SET_KEEP_MS | SET_KEEP_BYTES, .keep_ms = ms, .keep_bytes = bytes });
	rig.quiet = false;
}

START_TEST(messages_are_kept_for_a_time)
{
	topics_sub(&rig, 2, "t", "c", 5);
	keep(2000, 0);
	topics_pub(&rig, 1, 1, "t", "a");
	topics_fin(&rig, 2, 1, 1, 1);
	rig_pass(&rig, 1999);
	rig_forget(&rig);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=1 bytes=1 kept=5] [t/c consumers=1 messages=1]\n");
	rig_pass(&rig, 1);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=1 bytes=1] [t/c consumers=1 messages=1]\n");
}
END_TEST

START_TEST(messages_are_kept_up_to_so_many_bytes)
{
	topics_sub(&rig, 2, "t", "c", 5);
	keep(0, 12);
	for (uint64_t i = 1; i <= 4; i++) {
		topics_pub(&rig, 1, i, "t", "a");
		topics_fin(&rig, 2, i, i, 1);
	}
	rig_forget(&rig);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=4 bytes=4 kept=10] [t/c consumers=1 messages=4]\n");
	keep(0, 0);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=4 bytes=4] [t/c consumers=1 messages=4]\n");
}
END_TEST

START_TEST(retention_takes_nothing_that_a_channel_needs)
{
	topics_sub(&rig, 2, "t", "c", 0);
	keep(1000, 7);
	topics_pub(&rig, 1, 1, "t", "a");
	topics_pub(&rig, 1, 2, "t", "b");
	rig_pass(&rig, 5000);
	topics_credit(&rig, 2, 1, 9, GIB);
	rig_expect(&rig, "C1 accepted #1: 64..64\n"
	                 "C1 accepted #2: 128..128\n"
	                 "C2 @0 sub 1: 1/1 0'a'\n"
	                 "C2 @1 sub 1: 2/2 0'b'\n");
}
END_TEST

START_TEST(channels_and_consumers_take_turns)
{
	topics_op(&rig, 1, 1, TOPIC_CREATE, "big", "c");
	topics_op(&rig, 1, 2, TOPIC_CREATE, "small", "c");
	for (uint64_t i = 3; i <= 6; i++)
		topics_pub_n(&rig, 1, i, "big", 1, 1);
	topics_pub(&rig, 1, 7, "small", "s");
	rig_forget(&rig);
	/* both channels of the session become hot in one step */
	rig.quiet = true;
	topics_subscribe(&rig, 2, 8, "big", "c", (struct msg_subscribe){ .sub = 1 });
	topics_subscribe(&rig, 2, 9, "big", "c", (struct msg_subscribe){ .sub = 2 });
	topics_subscribe(&rig, 2, 10, "small", "c", (struct msg_subscribe){ .sub = 3 });
	rig.quiet = false;
	rig_request(
	    &rig, 2, 0, MSG_CREDIT,
	    (struct msg){
		.u.credit = { (const struct msg_credit_rec[]){ { 1, 9, GIB }, { 2, 9, GIB }, { 3, 9, GIB } }, 3 } });
	rig_expect(&rig, "C2 @0 sub 1: 1/1 0'b'\n"
	                 "C2 @1 sub 3: 5/2 0's'\n"
	                 "C2 @2 sub 2: 2/3 0'b'\n"
	                 "C2 @3 sub 1: 3/4 0'b'\n"
	                 "C2 @4 sub 2: 4/5 0'b'\n");
}
END_TEST

START_TEST(stats_count_messages)
{
	topics_sub(&rig, 2, "t", "c", 5);
	topics_pub(&rig, 1, 1, "t", "a b");
	topics_fin(&rig, 2, 1, 1, 1);
	topics_req(&rig, 2, 1, 1, 2, 0);
	rig_forget(&rig);
	rig_one(&rig, 2, 3, MSG_PING, 0);
	rig_expect(&rig, "C2 pong pushed=0 delivered=2\n");
}
END_TEST

RIG_MAIN("core_topic_time", messages_are_kept_for_a_time, messages_are_kept_up_to_so_many_bytes,
         retention_takes_nothing_that_a_channel_needs, channels_and_consumers_take_turns, stats_count_messages)
