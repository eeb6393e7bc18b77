/* Traces: attempts are spent, and a message goes to the dead-letter topic. And: what is published to jobs.QUEUE. */
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

static void set(uint32_t attempts, const char *dead)
{
	topics_set(
	    &rig, 1, 90, "t", "c",
	    (struct msg_topic_op){
		.op = TOPIC_SET, .which = SET_ATTEMPTS | SET_DEAD, .attempts = attempts, .dead = span_str(dead) });
}

START_TEST(spent_attempts_end_in_the_dead_letter_topic)
{
	topics_sub(&rig, 2, "t", "c", 5);
	set(2, "t.dead");
	topics_pub(&rig, 1, 1, "t", "a bb ccc");
	rig_forget(&rig);
	topics_req(&rig, 2, 1, 1, 6, 0);
	rig_expect(&rig, "C2 @1 sub 1: 1/2 attempt=2 1'bb' 2'ccc'\n");
	topics_req(&rig, 2, 1, 2, 6, 0);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=3 bytes=6 kept=18] [t/c consumers=1 in-hand=1 messages=3 requeued=4 "
	                 "dead=2] [t.dead depth=2 messages=2 bytes=5 kept=13]\n");
	topics_sub(&rig, 3, "t.dead", "d", 5);
	rig_expect(&rig, "C3 @0 sub 1: 2/5 0'bb'\n"
	                 "C3 @1 sub 1: 3/6 0'ccc'\n");
}
END_TEST

START_TEST(without_a_dead_letter_topic_they_are_dropped)
{
	topics_sub(&rig, 2, "t", "c", 5);
	set(1, "");
	topics_pub(&rig, 1, 1, "t", "a bb");
	topics_req(&rig, 2, 1, 1, 3, 1000);
	rig_forget(&rig);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=2 bytes=3] [t/c consumers=1 messages=2 requeued=2 dead=2]\n");
}
END_TEST

START_TEST(a_damaged_one_is_dropped)
{
	rig.bad_reads = true;
	topics_sub(&rig, 2, "t", "c", 5);
	set(1, "t.dead");
	topics_pub(&rig, 1, 1, "t", "a");
	topics_req(&rig, 2, 1, 1, 1, 0);
	rig_forget(&rig);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=1 bytes=1] [t/c consumers=1 messages=1 requeued=1 dead=1]\n");
}
END_TEST

START_TEST(a_dead_letter_waits_for_room)
{
	topics_sub(&rig, 2, "t", "c", 5);
	set(1, "t.dead");
	topics_pub(&rig, 1, 1, "t", "a");
	rig_step(&rig, &(struct event){ .kind = EV_SPACE, .flag = true });
	topics_req(&rig, 2, 1, 1, 1, 0);
	rig_forget(&rig);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=1 bytes=1 kept=5] [t/c consumers=1 deferred=1 messages=1 "
	                 "requeued=1]\n");
	rig_step(&rig, &(struct event){ .kind = EV_SPACE });
	rig_pass(&rig, 10000);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=1 bytes=1] [t/c consumers=1 messages=1 requeued=1 dead=1] [t.dead "
	                 "depth=1 messages=1 bytes=1 kept=5]\n");
}
END_TEST

START_TEST(very_many_die_a_few_at_a_time)
{
	topics_sub(&rig, 2, "t", "c", 500);
	set(1, "t.dead");
	rig.quiet = true;
	topics_pub_n(&rig, 1, 1, "t", 200, 1);
	for (uint64_t i = 1; i <= 4; i++)
		topics_req(&rig, 2, i, i, i < 4 ? UINT64_MAX : 255, 0);
	rig.quiet = false;
	rig_forget(&rig);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=200 bytes=200] [t/c consumers=1 messages=200 requeued=200 dead=200] "
	                 "[t.dead depth=200 messages=200 bytes=200 kept=1000]\n");
}
END_TEST

START_TEST(bytes_that_cannot_be_read_are_not_delivered_again)
{
	topics_sub(&rig, 2, "t", "c", 5);
	topics_pub(&rig, 1, 1, "t", "a");
	rig_step(&rig, &(struct event){ .kind = EV_BAD_MESSAGES, .session = rig_token(&rig, 1) });
	rig_step(&rig, &(struct event){ .kind = EV_BAD_MESSAGES, .session = rig_token(&rig, 1) });
	rig_forget(&rig);
	topics_list(&rig);
	rig_expect(&rig, "C9 topics #1 [t messages=1 bytes=1] [t/c consumers=1 messages=1]\n");
}
END_TEST

START_TEST(a_message_to_jobs_is_a_job)
{
	rig_worker(&rig, 1, 2, "mail", 2);
	rig_forget(&rig);
	topics_pub(&rig, 1, 1, "jobs.mail", "a bb");
	topics_pub(&rig, 1, 1, "jobs.mail", "a bb");
	rig_expect(&rig, "C1 accepted #1: 1..2\n"
	                 "S1 jobs 1: 1/1 attempt=1 'a'\n"
	                 "S1 jobs 1: 2/2 attempt=1 'bb'\n"
	                 "C1 accepted #1: 1..2\n");
	topics_defer(&rig, 1, 2, "jobs.mail", "c", 1000);
	rig_one(&rig, 1, 3, MSG_JOB_GET, 3);
	topics_pub(&rig, 1, 4, "jobs.Mail", "a");
	topics_pub(&rig, 1, 5, "jobs.", "a");
	topics_pub(&rig, 1, 6, "jobs.mail#ephemeral", "a");
	topics_pub_raw(&rig, 1, 7, "jobs.mail", 2, span_of("\0\0\0\1a", 5));
	topics_op(&rig, 1, 8, TOPIC_CREATE, "jobs.mail", "");
	rig_expect(&rig, "C1 accepted #2: 3..3\n"
	                 "C1 job #3 3 delayed attempt=0/1 deliveries=0\n"
	                 "C1 reply #4 bad-name\n"
	                 "C1 reply #5 bad-name\n"
	                 "C1 reply #6 bad-name\n"
	                 "C1 reply #7 bad-value\n"
	                 "C1 reply #8 bad-name\n");
}
END_TEST

RIG_MAIN("core_topic_letter", spent_attempts_end_in_the_dead_letter_topic, without_a_dead_letter_topic_they_are_dropped,
         a_damaged_one_is_dropped, a_dead_letter_waits_for_room, very_many_die_a_few_at_a_time,
         bytes_that_cannot_be_read_are_not_delivered_again, a_message_to_jobs_is_a_job)
