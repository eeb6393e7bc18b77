/* Traces: what a restart, and the mover, keep of topics. */
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

static void restart(void)
{
	rig_restart(&rig, true);
	for (unsigned i = 1; i <= 3; i++)
		rig_client(&rig, i);
	rig_forget(&rig);
}

START_TEST(what_was_finished_does_not_come_again)
{
	topics_sub(&rig, 2, "t", "c", 9);
	topics_sub(&rig, 3, "t", "d", 0);
	topics_pub(&rig, 1, 1, "t", "a b c");
	topics_pub(&rig, 1, 2, "t", "d");
	topics_fin(&rig, 2, 1, 1, 2);
	topics_fin(&rig, 2, 2, 2, 1);
	restart();
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=4 bytes=4 kept=20] [t/c depth=2 messages=4] [t/d depth=4 "
	                 "messages=4]\n");
	topics_sub(&rig, 2, "t", "c", 9);
	topics_sub(&rig, 3, "t", "d", 9);
	rig_expect(&rig, "C2 @0 sub 1: 1/1 0'a' 2'c'\n"
	                 "C3 @0 sub 1: 1/2 0'a' 1'b' 2'c'\n"
	                 "C3 @1 sub 1: 2/3 0'd'\n");
}
END_TEST

START_TEST(a_publish_is_answered_again)
{
	topics_pub(&rig, 1, 1, "t", "a b c");
	restart();
	topics_pub(&rig, 1, 1, "t", "a b c");
	topics_pub(&rig, 1, 2, "t", "d");
	rig_expect(&rig, "C1 accepted #1: 64..66\n"
	                 "C1 accepted #2: 128..128\n");
}
END_TEST

START_TEST(attempts_and_times_are_kept)
{
	topics_sub(&rig, 2, "t", "c", 9);
	topics_pub(&rig, 1, 1, "t", "a b");
	topics_defer(&rig, 1, 2, "t", "late", 5000);
	topics_req(&rig, 2, 1, 1, 1, 0);
	topics_req(&rig, 2, 1, 1, 2, 4000);
	restart();
	topics_list(&rig);
	rig_expect(&rig,
	           "C9 topics #1 [t messages=3 bytes=6 kept=18] [t/c depth=2 deferred=1 messages=3 requeued=2]\n");
	topics_sub(&rig, 2, "t", "c", 9);
	rig_expect(&rig, "C2 @0 sub 1: 1/1 attempt=2 0'a'\n");
	rig_pass(&rig, 4000);
	rig_expect(&rig, "C2 @1 sub 1: 1/2 attempt=2 1'b'\n");
	rig_pass(&rig, 1000);
	rig_expect(&rig, "C2 @2 sub 1: 2/3 0'late'\n");
}
END_TEST

START_TEST(what_is_set_and_paused_stays_so)
{
	topics_op(&rig, 1, 1, TOPIC_CREATE, "t", "c");
	topics_set(&rig, 1, 2, "t", "c",
	           (struct msg_topic_op){ .op = TOPIC_SET,
	                                  .which = SET_ATTEMPTS | SET_DEAD | SET_ORDERED,
	                                  .attempts = 1,
	                                  .ordered = 1,
	                                  .dead = span_str("dead") });
	topics_op(&rig, 1, 3, TOPIC_PAUSE, "t", "");
	topics_op(&rig, 1, 4, TOPIC_PAUSE, "t", "c");
	topics_pub(&rig, 1, 5, "t", "a");
	restart();
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t paused depth=1 messages=1 bytes=1 kept=5] [t/c paused ordered]\n");
	topics_op(&rig, 1, 6, TOPIC_RESUME, "t", "");
	topics_op(&rig, 1, 7, TOPIC_RESUME, "t", "c");
	topics_sub(&rig, 2, "t", "c", 9);
	topics_req(&rig, 2, 1, 1, 1, 0);
	rig_forget(&rig);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=1 bytes=1] [t/c ordered consumers=1 messages=1 requeued=1 dead=1] "
	                 "[dead depth=1 messages=1 bytes=1 kept=5]\n");
}
END_TEST

START_TEST(the_ephemeral_is_gone)
{
	topics_sub(&rig, 2, "t", "c#ephemeral", 1);
	topics_sub(&rig, 3, "t", "d", 1);
	topics_pub(&rig, 1, 1, "t", "a");
	topics_pub(&rig, 1, 2, "x#ephemeral", "a");
	restart();
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=1 bytes=1 kept=5] [t/d depth=1 messages=1]\n");
	topics_pub(&rig, 1, 3, "t", "b");
	rig_expect(&rig, "C1 accepted #3: 192..192\n");
}
END_TEST

START_TEST(what_was_emptied_or_deleted_stays_so)
{
	topics_sub(&rig, 2, "t", "c", 1);
	topics_sub(&rig, 3, "t", "d", 1);
	topics_pub(&rig, 1, 1, "t", "a b c");
	topics_op(&rig, 1, 2, TOPIC_EMPTY, "t", "c");
	topics_op(&rig, 1, 3, TOPIC_DELETE, "t", "d");
	topics_pub(&rig, 1, 4, "t", "d");
	topics_op(&rig, 1, 5, TOPIC_PAUSE, "t", "");
	topics_pub(&rig, 1, 6, "t", "e f");
	topics_op(&rig, 1, 7, TOPIC_EMPTY, "t", "");
	topics_pub(&rig, 1, 8, "u", "gone");
	topics_op(&rig, 1, 9, TOPIC_DELETE, "u", "");
	topics_pub(&rig, 1, 10, "u", "new");
	restart();
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t paused messages=6 bytes=6 kept=5] [t/c depth=1 messages=4] [u depth=1 "
	                 "messages=1 bytes=3 kept=7]\n");
}
END_TEST

START_TEST(the_mover_keeps_what_channels_know)
{
	bool moved = false;
	uint64_t n = 1;

	topics_op(&rig, 1, 900001, TOPIC_CREATE, "t", "d");
	topics_sub(&rig, 2, "t", "c", 9);
	topics_pub(&rig, 1, n++, "t", "a b c d");
	topics_fin(&rig, 2, 1, 1, 1);
	topics_req(&rig, 2, 1, 1, 2, 100000);
	rig.quiet = true;
	topics_sub(&rig, 3, "u", "e", 100);
	for (int i = 0; i < 400 && !moved; i++) {
		topics_pub_n(&rig, 1, n, "u", 10, 400);
		topics_fin(&rig, 3, n, n, UINT64_MAX);
		n++;
		rig_pass(&rig, 20);
		rig_one(&rig, 2, 1, MSG_PING, 0);
		if (rig.move != 0) {
			rig_scan(&rig);
			moved = true;
		}
	}
	ck_assert(moved);
	rig_pass(&rig, 100);
	rig.quiet = false;
	ck_assert_uint_gt(rig.tail, 0);
	restart();
	topics_list(&rig);
	ck_assert(rig_has(&rig, "[t messages=4 bytes=4 kept=20]"));
	ck_assert(rig_has(&rig, "[t/c depth=2 deferred=1 messages=4 requeued=1]"));
	ck_assert(rig_has(&rig, "[t/d depth=4 messages=4]"));
	rig_forget(&rig);
	topics_sub(&rig, 2, "t", "c", 9);
	rig_expect(&rig, "C2 @0 sub 1: 1/1 2'c' 3'd'\n");
}
END_TEST

RIG_MAIN("core_topic_restart", what_was_finished_does_not_come_again, a_publish_is_answered_again,
         attempts_and_times_are_kept, what_is_set_and_paused_stays_so, the_ephemeral_is_gone,
         what_was_emptied_or_deleted_stays_so, the_mover_keeps_what_channels_know)
