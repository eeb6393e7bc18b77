/* Traces: topics and channels are made, paused, emptied, deleted and listed. */
#include <stdio.h>

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

START_TEST(what_is_not_there_is_unknown)
{
	topics_op(&rig, 1, 1, TOPIC_PAUSE, "t", "");
	topics_op(&rig, 1, 2, TOPIC_CREATE, "t", "");
	topics_op(&rig, 1, 3, TOPIC_CREATE, "t", "c");
	topics_op(&rig, 1, 4, TOPIC_CREATE, "t", "c");
	topics_op(&rig, 1, 5, TOPIC_DELETE, "t", "d");
	topics_op(&rig, 1, 6, TOPIC_DELETE, "t", "");
	topics_op(&rig, 1, 7, TOPIC_EMPTY, "t", "");
	rig_expect(&rig, "C1 reply #1 unknown\n"
	                 "C1 reply #2 ok\n"
	                 "C1 reply #3 ok\n"
	                 "C1 reply #4 ok\n"
	                 "C1 reply #5 unknown\n"
	                 "C1 reply #6 ok\n"
	                 "C1 reply #7 unknown\n");
}
END_TEST

START_TEST(a_paused_topic_holds_what_comes)
{
	topics_sub(&rig, 2, "t", "c", 1);
	topics_pub(&rig, 1, 1, "t", "a b");
	topics_op(&rig, 1, 2, TOPIC_PAUSE, "t", "");
	topics_pub(&rig, 1, 3, "t", "c");
	topics_list(&rig);
	rig_expect(&rig,
	           "C1 accepted #1: 64..65\n"
	           "C2 @0 sub 1: 1/1 0'a'\n"
	           "C1 reply #2 ok\n"
	           "C1 accepted #3: 128..128\n"
	           "C9 topics #1 [t paused depth=1 messages=3 bytes=3 kept=15] [t/c consumers=1 depth=1 in-hand=1 "
	           "messages=2]\n");
	topics_fin(&rig, 2, 1, 1, 1);
	topics_fin(&rig, 2, 1, 2, 2);
	rig_expect(&rig, "C2 @1 sub 1: 1/2 1'b'\n"); /* what the channel had goes on */
	topics_op(&rig, 1, 4, TOPIC_RESUME, "t", "");
	rig_expect(&rig, "C1 reply #4 ok\n"
	                 "C2 @2 sub 1: 2/3 0'c'\n");
}
END_TEST

START_TEST(a_paused_channel_delivers_nothing)
{
	topics_sub(&rig, 2, "t", "c", 5);
	topics_sub(&rig, 3, "t", "d", 5);
	topics_op(&rig, 1, 1, TOPIC_PAUSE, "t", "c");
	topics_pub(&rig, 1, 2, "t", "a");
	rig_expect(&rig, "C1 reply #1 ok\n"
	                 "C1 accepted #2: 64..64\n"
	                 "C3 @0 sub 1: 1/1 0'a'\n");
	topics_op(&rig, 1, 3, TOPIC_RESUME, "t", "c");
	rig_expect(&rig, "C1 reply #3 ok\n"
	                 "C2 @0 sub 1: 1/2 0'a'\n");
}
END_TEST

START_TEST(an_emptied_channel_has_nothing)
{
	topics_sub(&rig, 2, "t", "c", 3);
	topics_pub(&rig, 1, 1, "t", "a b c d");
	topics_req(&rig, 2, 1, 1, 1, 9000);
	topics_sub(&rig, 3, "t", "d", 0);
	topics_pub(&rig, 1, 2, "t", "e");
	rig_forget(&rig);
	topics_op(&rig, 1, 3, TOPIC_EMPTY, "t", "c");
	topics_list(&rig);
	rig_expect(&rig, "C1 reply #3 ok\n"
	                 "C2 gone [1 1/1:6 emptied] [1 1/2:8 emptied]\n"
	                 "C9 topics #1 [t messages=5 bytes=5 kept=5] [t/c consumers=1 messages=5 requeued=1] [t/d "
	                 "consumers=1 depth=1 messages=1]\n");
	topics_fin(&rig, 2, 1, 1, 2);
	topics_pub(&rig, 1, 4, "t", "f");
	rig_expect(&rig, "C2 gone [0 1/1:2 stale]\n"
	                 "C1 accepted #4: 192..192\n"
	                 "C2 @2 sub 1: 3/3 0'f'\n");
}
END_TEST

START_TEST(an_emptied_topic_loses_what_no_channel_has_seen)
{
	topics_sub(&rig, 2, "t", "c", 0);
	topics_pub(&rig, 1, 1, "t", "a");
	topics_op(&rig, 1, 2, TOPIC_PAUSE, "t", "");
	topics_pub(&rig, 1, 3, "t", "b c");
	topics_op(&rig, 1, 4, TOPIC_EMPTY, "t", "");
	topics_op(&rig, 1, 5, TOPIC_EMPTY, "t", "");
	topics_pub(&rig, 1, 6, "t", "d");
	rig_forget(&rig);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t paused depth=1 messages=4 bytes=4 kept=10] [t/c consumers=1 depth=1 "
	                 "messages=1]\n");
	topics_op(&rig, 1, 7, TOPIC_RESUME, "t", "");
	topics_credit(&rig, 2, 1, 9, GIB);
	rig_expect(&rig, "C1 reply #7 ok\n"
	                 "C2 @0 sub 1: 1/1 0'a'\n"
	                 "C2 @1 sub 1: 3/2 0'd'\n");
}
END_TEST

START_TEST(a_deleted_channel_ends_its_subscriptions)
{
	topics_sub(&rig, 2, "t", "c", 3);
	topics_pub(&rig, 1, 1, "t", "a b c d");
	rig_forget(&rig);
	topics_op(&rig, 1, 2, TOPIC_DELETE, "t", "c");
	topics_list(&rig);
	rig_expect(&rig, "C1 reply #2 ok\n"
	                 "C2 gone [1 deleted]\n"
	                 "C9 topics #1 [t messages=4 bytes=4]\n");
	topics_fin(&rig, 2, 1, 1, 1);
	topics_unsub(&rig, 2, 3, 1);
	topics_pub(&rig, 1, 4, "t", "e");
	topics_sub(&rig, 2, "t", "c", 3);
	rig_expect(&rig, "C2 gone [0 1/1:1 stale]\n"
	                 "C2 reply #3 unknown\n"
	                 "C1 accepted #4: 128..128\n"
	                 "C2 @1 sub 1: 2/2 0'e'\n");
}
END_TEST

START_TEST(a_deleted_topic_may_come_again)
{
	topics_sub(&rig, 2, "t", "c", 3);
	topics_sub(&rig, 3, "t", "d", 0);
	topics_pub(&rig, 1, 1, "t", "a b c d");
	rig_forget(&rig);
	topics_op(&rig, 1, 2, TOPIC_DELETE, "t", "");
	topics_list(&rig);
	topics_pub(&rig, 1, 3, "t", "e");
	topics_list(&rig);
	rig_expect(&rig, "C1 reply #2 ok\n"
	                 "C2 gone [1 deleted]\n"
	                 "C3 gone [1 deleted]\n"
	                 "C9 topics #1\n"
	                 "C1 accepted #3: 128..128\n"
	                 "C9 topics #1 [t depth=1 messages=1 bytes=1 kept=5]\n");
}
END_TEST

START_TEST(what_is_large_goes_in_slices)
{
	topics_sub(&rig, 2, "t", "c", 0);
	rig.quiet = true;
	for (uint64_t i = 1; i <= 3000; i++)
		topics_defer(&rig, 1, i, "t", "x", 60000);
	for (uint64_t i = 3001; i <= 5000; i++)
		topics_pub(&rig, 1, i, "t", "x");
	rig.quiet = false;
	topics_op(&rig, 1, 6001, TOPIC_EMPTY, "t", "c");
	ck_assert(rig_has(&rig, "C1 reply #6001 ok\n"));
	rig_forget(&rig);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=5000 bytes=5000] [t/c consumers=1 messages=5000]\n");
	topics_op(&rig, 1, 6002, TOPIC_DELETE, "t", "");
	ck_assert(rig_has(&rig, "C1 reply #6002 ok\n"
	                        "C2 gone [1 deleted]\n"));
}
END_TEST

START_TEST(settings_are_of_topics_or_of_channels)
{
	topics_op(&rig, 1, 1, TOPIC_CREATE, "t", "c");
	topics_set(&rig, 1, 2, "t", "", (struct msg_topic_op){ .op = TOPIC_SET, .which = SET_ORDERED });
	topics_set(&rig, 1, 3, "t", "c", (struct msg_topic_op){ .op = TOPIC_SET, .which = SET_KEEP_MS });
	topics_set(&rig, 1, 4, "t", "c",
	           (struct msg_topic_op){ .op = TOPIC_SET, .which = SET_DEAD, .dead = span_str("t") });
	topics_set(&rig, 1, 5, "t", "c",
	           (struct msg_topic_op){ .op = TOPIC_SET, .which = SET_DEAD, .dead = span_str("jobs.q") });
	rig_expect(&rig, "C1 reply #1 ok\n"
	                 "C1 reply #2 bad-value\n"
	                 "C1 reply #3 bad-value\n"
	                 "C1 reply #4 bad-value\n"
	                 "C1 reply #5 bad-value\n");
}
END_TEST

START_TEST(a_long_list_comes_in_pages)
{
	struct msg m = { 0 };
	char name[16];

	rig.quiet = true;
	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof name, "t%d", i);
		topics_op(&rig, 1, 1, TOPIC_CREATE, name, "c");
	}
	rig.quiet = false;
	rig_request(&rig, 1, 2, MSG_TOPIC_LIST, m);
	ck_assert(rig_has(&rig, "[t511] [t511/c] more"));
	ck_assert(!rig_has(&rig, "[t512]"));
	rig_forget(&rig);
	m.u.topic_list.after = 512;
	rig_request(&rig, 1, 3, MSG_TOPIC_LIST, m);
	ck_assert(rig_has(&rig, "topics #3 [t512] [t512/c]"));
	ck_assert(rig_has(&rig, "[t599] [t599/c]\n"));
	rig_forget(&rig);
	m.u.topic_list = (struct msg_topic_list){ .topic = span_str("t7") };
	rig_request(&rig, 1, 4, MSG_TOPIC_LIST, m);
	rig_expect(&rig, "C1 topics #4 [t7] [t7/c]\n");
	m.u.topic_list.generation = 1201; /* it has changed with each of them */
	rig_request(&rig, 1, 5, MSG_TOPIC_LIST, m);
	rig_expect(&rig, "C1 topics #5\n");
}
END_TEST

RIG_MAIN("core_topic_op", what_is_not_there_is_unknown, a_paused_topic_holds_what_comes,
         a_paused_channel_delivers_nothing, an_emptied_channel_has_nothing,
         an_emptied_topic_loses_what_no_channel_has_seen, a_deleted_channel_ends_its_subscriptions,
         a_deleted_topic_may_come_again, what_is_large_goes_in_slices, settings_are_of_topics_or_of_channels,
         a_long_list_comes_in_pages)
