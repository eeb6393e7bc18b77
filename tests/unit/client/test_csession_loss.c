/* Traces of the client session when messages or the connection are lost. */
#include "tests/unit/client/rig.h"

static struct rig rig;

static void setup(void)
{
	rig_init(&rig);
}

static void teardown(void)
{
	rig_fini(&rig);
}

START_TEST(lost_push_is_found_by_the_gap)
{
	rig_open(&rig);
	rig_post(&rig, 3, 10);
	rig_accepted(&rig, 1, 100, 3);
	rig_forget(&rig);
	rig_result(&rig, 0, 100);
	rig_result(&rig, 2, 102); /* 101 was pushed and lost */
	rig_run(&rig);
	rig_expect(&rig, "< result tag=10 id=100\n"
	                 "< result tag=12 id=102\n"
	                 "> wait 101\n");
	rig_result(&rig, 3, 101);
	rig_expect(&rig, "< result tag=11 id=101\n");
}
END_TEST

START_TEST(lost_push_is_found_by_two_pongs)
{
	rig_open(&rig);
	rig_post(&rig, 2, 10);
	rig_accepted(&rig, 1, 100, 2);
	rig_result(&rig, 0, 100);
	rig_forget(&rig);
	rig_pass(&rig, 500);
	rig_pong(&rig, 2, 2);
	rig_run(&rig); /* it may be on its way: asked again at once */
	rig_pong(&rig, 3, 2);
	rig_run(&rig);
	rig_expect(&rig, "> ping 2 pushed=1\n"
	                 "> ping 3 pushed=1\n"
	                 "> wait 101\n");
}
END_TEST

START_TEST(pong_that_overtakes_a_result_is_no_loss)
{
	rig_open(&rig);
	rig_post(&rig, 1, 10);
	rig_accepted(&rig, 1, 100, 1);
	rig_forget(&rig);
	rig_pass(&rig, 500);
	rig_pong(&rig, 2, 1);
	rig_result(&rig, 0, 100);
	rig_run(&rig);
	rig_pong(&rig, 3, 1);
	rig_run(&rig);
	rig_expect(&rig, "> ping 2 pushed=0\n"
	                 "< result tag=10 id=100\n"
	                 "> ping 3 pushed=1\n");
}
END_TEST

START_TEST(result_that_comes_twice_is_handed_out_once)
{
	struct csession_counts counts;

	rig_open(&rig);
	rig_post(&rig, 1, 10);
	rig_accepted(&rig, 1, 100, 1);
	rig_accepted(&rig, 1, 100, 1);
	rig_result(&rig, 0, 100);
	rig_result(&rig, 1, 100);
	rig_accepted(&rig, 1, 100, 1);
	rig_expect(&rig, "> submit 1 n=1 answered=0 want\n"
	                 "< accepted tag=10 id=100\n"
	                 "< result tag=10 id=100\n");
	csession_counts(rig.c, &counts);
	ck_assert_uint_eq(counts.strays, 1);
}
END_TEST

START_TEST(reconnect_sends_again_and_waits)
{
	rig_open(&rig);
	rig_post(&rig, 2, 10);
	rig_accepted(&rig, 1, 100, 2);
	rig_post(&rig, 1, 20);
	rig_forget(&rig);
	csession_lost(rig.c, rig.now_ms);
	ck_assert(!csession_connected(rig.c, rig.now_ms));
	rig_post(&rig, 1, 30); /* kept until there is a connection */
	rig_pass(&rig, 1000);
	rig_expect(&rig, "> connect\n"
	                 "> hello\n");
	rig_welcome(&rig);
	rig_run(&rig);
	rig_expect(&rig, "< welcomed\n"
	                 "> ping 2 pushed=0\n"
	                 "> submit 2 n=1 answered=1 want again\n"
	                 "> submit 3 n=1 answered=1 want\n"
	                 "> wait 100 101\n");
}
END_TEST

START_TEST(ids_of_a_retry_are_waited_for)
{
	rig_open(&rig);
	rig_post(&rig, 2, 10);
	csession_lost(rig.c, rig.now_ms);
	rig_pass(&rig, 1000);
	rig_welcome(&rig);
	rig_run(&rig);
	rig_forget(&rig);
	rig_result(&rig, 0, 101); /* not known yet whose it is */
	rig_accepted(&rig, 1, 100, 2);
	rig_run(&rig);
	rig_expect(&rig, "< accepted tag=10 id=100\n"
	                 "< accepted tag=11 id=101\n"
	                 "> wait 100 101\n");
}
END_TEST

START_TEST(no_session_says_hello_on_the_same_connection)
{
	rig_open(&rig);
	rig_post(&rig, 1, 10);
	rig_forget(&rig);
	rig_pass(&rig, 490);
	rig_in(&rig, MSG_NO_SESSION, 1, (struct msg){ 0 });
	rig_in(&rig, MSG_NO_SESSION, 1, (struct msg){ 0 });
	rig_pass(&rig, 500);
	rig_welcome(&rig);
	rig_run(&rig);
	rig_expect(&rig, "> hello\n"
	                 "< welcomed\n"
	                 "> ping 2 pushed=0\n"
	                 "> submit 1 n=1 answered=0 want again\n");
}
END_TEST

START_TEST(silent_broker_is_left)
{
	struct csession_counts counts;

	rig_open(&rig);
	rig_pass(&rig, 500 + 1500);
	rig_pass(&rig, 100);
	rig_expect(&rig, "> ping 2 pushed=0\n"
	                 "> ping 3 pushed=0\n"
	                 "> ping 4 pushed=0\n"
	                 "> connect\n"
	                 "> hello\n");
	csession_counts(rig.c, &counts);
	ck_assert_uint_eq(counts.reconnects, 1);
}
END_TEST

START_TEST(hello_without_answer_is_tried_anew)
{
	rig_run(&rig);
	rig_expect(&rig, "> connect\n"
	                 "> hello\n");
	rig_pass(&rig, 1500 + 100);
	rig_expect(&rig, "> connect\n"
	                 "> hello\n");
	rig_pass(&rig, 1500 + 100); /* patience has doubled */
	rig_expect(&rig, "");
	ck_assert_ptr_null(csession_welcome(rig.c));
}
END_TEST

START_TEST(our_own_sleep_is_not_the_brokers_silence)
{
	rig_open(&rig);
	rig_pass(&rig, 500);
	rig.now_ms += 60000;
	csession_tick(rig.c, rig.now_ms);
	rig_run(&rig);
	rig_expect(&rig, "> ping 2 pushed=0\n"
	                 "> ping 3 pushed=0\n");
}
END_TEST

START_TEST(lost_request_is_found_by_two_pongs)
{
	rig_open(&rig);
	rig_post(&rig, 1, 10);
	rig_pass(&rig, 500);
	rig_pong(&rig, 2, 0);
	rig_pass(&rig, 500);
	rig_forget(&rig);
	rig_pong(&rig, 3, 0);
	rig_run(&rig);
	rig_expect(&rig, "> submit 1 n=1 answered=0 want again\n");
}
END_TEST

START_TEST(lost_wait_is_sent_again)
{
	rig_open(&rig);
	ck_assert(!csession_await(rig.c, 55, 7));
	ck_assert(csession_await(rig.c, 55, 8));
	rig_run(&rig);
	rig_expect(&rig, "> wait 55\n");
	for (uint64_t beat = 0; beat < 21; beat++) {
		rig_pass(&rig, 500);
		rig_forget(&rig);
		rig_pong(&rig, 2 + beat, 0);
	}
	rig_pass(&rig, 500);
	ck_assert(csession_awaits(rig.c, 55));
	{
		struct csession_counts counts;

		csession_counts(rig.c, &counts);
		ck_assert_uint_eq(counts.waits, 2);
	}
	rig_forget(&rig);
	rig_in(&rig, MSG_RESULTS, 0,
	       (struct msg){ .u.results = { 0, &(struct msg_result_rec){ .id = 55, .state = JOB_NONE }, 1 } });
	rig_expect(&rig, "< result tag=7 id=55 unknown\n");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		lost_push_is_found_by_the_gap,
		lost_push_is_found_by_two_pongs,
		pong_that_overtakes_a_result_is_no_loss,
		result_that_comes_twice_is_handed_out_once,
		reconnect_sends_again_and_waits,
		ids_of_a_retry_are_waited_for,
		no_session_says_hello_on_the_same_connection,
		silent_broker_is_left,
		hello_without_answer_is_tried_anew,
		our_own_sleep_is_not_the_brokers_silence,
		lost_request_is_found_by_two_pongs,
		lost_wait_is_sent_again,
	};

	return rig_suite("csession loss", setup, teardown, tests, sizeof tests / sizeof tests[0]);
}
