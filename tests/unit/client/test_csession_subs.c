/* Traces of the client session about topics: publishing, subscribing, credit, settling, and what is lost. */
#include <stdlib.h>

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

static uint32_t subscribe(const char *channel, uint64_t tag, uint64_t call)
{
	struct msg_subscribe want = { .topic = span_str("t"), .channel = span_str(channel) };
	uint32_t sub = 0;

	ck_assert_int_eq(csession_subscribe(rig.c, &want, tag, call, &sub), SHEAF_OK);
	return sub;
}

/* Deliveries of one message each, to `sub`: runs from `run` on. */
static void deliver(uint64_t before, uint32_t sub, uint64_t run, uint32_t n)
{
	struct msg_delivery_rec v[8];

	ck_assert_uint_le(n, 8);
	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct msg_delivery_rec){ .sub = sub,
			                          .run = run + i,
			                          .token = 7,
			                          .mask = 1,
			                          .attempts = 1,
			                          .packed = span_str("\0\0\0\1x") };
	for (uint32_t i = 0; i < n; i++)
		v[i].packed.n = 5;
	rig_in(&rig, MSG_MESSAGES, before, (struct msg){ .u.messages = { v, n } });
}

/* A subscription with credit: what it takes is not noted. */
static uint32_t subscribed(uint64_t request)
{
	uint32_t sub = subscribe("c", 5, 9);

	rig_run(&rig);
	rig_refused(&rig, request, SHEAF_OK);
	csession_credit(rig.c, sub, 10, 1000);
	rig_run(&rig);
	rig_forget(&rig);
	return sub;
}

START_TEST(what_was_charged_too_much_is_made_good)
{
	struct msg_delivery_rec r = { .sub = 0,
		                      .run = 100,
		                      .token = 7,
		                      .mask = 1,
		                      .attempts = 1,
		                      .packed = { (const uint8_t *)"\0\0\0\1x", 5 } };
	uint32_t sub;

	rig_open(&rig);
	sub = subscribed(1);
	r.charged = 105; /* a hundred beyond: too little to speak of now */
	rig_in(&rig, MSG_MESSAGES, 0, (struct msg){ .u.messages = { &r, 1 } });
	rig_run(&rig);
	rig_expect(&rig, "< messages tag=5 run=100 mask=1\n");
	rig_forget(&rig);
	csession_credit(rig.c, sub, 10, 1005);
	rig_run(&rig);
	rig_expect(&rig, "> credit sub=0 ready=10 bytes=1105\n");
	rig_forget(&rig);
	r.charged = 700; /* the broker thinks that little is left, the user does not */
	rig_in(&rig, MSG_MESSAGES, 1, (struct msg){ .u.messages = { &r, 1 } });
	rig_run(&rig);
	rig_expect(&rig, "< messages tag=5 run=100 mask=1\n"
	                 "> credit sub=0 ready=10 bytes=1800\n");
}
END_TEST

START_TEST(a_publish_is_answered_once)
{
	uint64_t number = 0;

	rig_open(&rig);
	ck_assert_int_eq(csession_publish(rig.c, span_str("t"), 0, 2, span_str("...."), 3, &number), SHEAF_OK);
	rig_run(&rig);
	rig_accepted(&rig, number, 6400, 2);
	rig_accepted(&rig, number, 6400, 2);
	rig_expect(&rig, "> publish 1 n=2 answered=0 t\n"
	                 "< published call=3 id=6400 n=2\n");
	ck_assert_int_eq(csession_publish(rig.c, span_str("t"), 0, 1, span_str("...."), 4, &number), SHEAF_OK);
	rig_run(&rig);
	rig_refused(&rig, number, SHEAF_E_FULL);
	rig_expect(&rig, "> publish 2 n=1 answered=1 t\n"
	                 "< answer call=4 full\n");
}
END_TEST

START_TEST(a_publish_goes_again_after_a_loss)
{
	uint64_t number = 0;

	rig_open(&rig);
	ck_assert_int_eq(csession_publish(rig.c, span_str("t"), 0, 1, span_str("...."), 3, &number), SHEAF_OK);
	rig_run(&rig);
	csession_lost(rig.c, rig.now_ms);
	rig_forget(&rig);
	rig_pass(&rig, 30);
	rig_welcome(&rig);
	rig_run(&rig);
	rig_accepted(&rig, number, 64, 1);
	rig_expect(&rig, "> connect\n"
	                 "> hello\n"
	                 "< welcomed\n"
	                 "> ping 2 pushed=0\n"
	                 "> publish 1 n=1 answered=0 t\n"
	                 "< published call=3 id=64 n=1\n");
}
END_TEST

START_TEST(what_cannot_be_published_is_refused_here)
{
	uint64_t number = 0;

	rig_open(&rig);
	ck_assert_int_eq(csession_publish(rig.c, span_str("a b"), 0, 1, span_str("x"), 3, &number), SHEAF_E_BAD_NAME);
	ck_assert_int_eq(csession_publish(rig.c, span_str("t"), 0, 0, span_str("x"), 3, &number), SHEAF_E_TOO_LARGE);
	ck_assert_int_eq(csession_publish(rig.c, span_str("t"), LIMIT_DEFER_MS + 1, 1, span_str("x"), 3, &number),
	                 SHEAF_E_TOO_LARGE);
	rig_run(&rig);
	rig_expect(&rig, "");
}
END_TEST

START_TEST(publishing_is_bounded)
{
	uint64_t number = 0;
	uint32_t n = 0;

	rig_open(&rig);
	while (csession_publish_room(rig.c)) {
		ck_assert_int_eq(csession_publish(rig.c, span_str("t"), 0, 1, span_str("x"), 3, &number), SHEAF_OK);
		n++;
	}
	ck_assert_uint_eq(n, LIMIT_CLIENT_REQUESTS - CSESSION_RESERVED_REQUESTS);
	ck_assert_int_eq(csession_publish(rig.c, span_str("t"), 0, 1, span_str("x"), 3, &number), SHEAF_E_FULL);
}
END_TEST

START_TEST(credit_follows_the_answer)
{
	uint32_t sub;

	rig_open(&rig);
	sub = subscribe("c", 5, 9);
	csession_credit(rig.c, sub, 10, 1000);
	rig_run(&rig);
	rig_expect(&rig, "> subscribe 1 sub=0 c\n");
	rig_refused(&rig, 1, SHEAF_OK);
	rig_run(&rig);
	csession_credit(rig.c, sub, 20, 1000);
	csession_credit(rig.c, sub, 30, 2000); /* only the newest matters */
	rig_run(&rig);
	rig_expect(&rig, "< answer call=9 ok\n"
	                 "> credit sub=0 ready=10 bytes=1000\n"
	                 "> credit sub=0 ready=30 bytes=2000\n");
	deliver(0, sub, 100, 2);
	rig_expect(&rig, "< messages tag=5 run=100 mask=1\n"
	                 "< messages tag=5 run=101 mask=1\n");
}
END_TEST

START_TEST(settles_leave_before_the_end_of_the_subscription)
{
	uint32_t sub;

	rig_open(&rig);
	sub = subscribed(1);
	for (uint64_t bit = 1; bit < 8; bit *= 2)
		csession_settle(rig.c, &(struct msg_settle_rec){ 100, 7, bit, SETTLE_FINISH, 0 });
	csession_settle(rig.c, &(struct msg_settle_rec){ 100, 7, 8, SETTLE_REQUEUE, 5 });
	csession_unsubscribe(rig.c, sub, 11);
	rig_run(&rig);
	deliver(0, sub, 102, 1); /* not for anybody any more */
	rig_refused(&rig, 2, SHEAF_OK);
	rig_expect(&rig, "> settle run=100 mask=7 1\n"
	                 "> settle run=100 mask=8 2\n"
	                 "> unsubscribe 2 sub=0\n"
	                 "< answer call=11 ok\n");
	ck_assert_uint_eq(subscribe("d", 6, 12), 1 << 16); /* the slot again, under another number */
	rig_run(&rig);
	rig_expect(&rig, "> subscribe 3 sub=10000 d\n");
	deliver(1, sub, 103, 1);
	rig_expect(&rig, "");
}
END_TEST

/* Who wants no more gets nothing in the place of what is finished in the same moment. */
START_TEST(less_credit_goes_ahead_of_what_is_settled)
{
	uint32_t sub;

	rig_open(&rig);
	sub = subscribed(1);
	csession_settle(rig.c, &(struct msg_settle_rec){ 100, 7, 1, SETTLE_FINISH, 0 });
	csession_credit(rig.c, sub, 0, 1000);
	rig_run(&rig);
	rig_expect(&rig, "> credit sub=0 ready=0 bytes=1000\n"
	                 "> settle run=100 mask=1 1\n");
}
END_TEST

START_TEST(a_gap_makes_all_subscribe_again)
{
	uint32_t sub;

	rig_open(&rig);
	sub = subscribed(1);
	deliver(0, sub, 100, 2);
	csession_settle(rig.c, &(struct msg_settle_rec){ 100, 7, 1, SETTLE_FINISH, 0 });
	rig_forget(&rig);
	deliver(3, sub, 103, 1);
	rig_expect(&rig, "< gap\n");
	rig_run(&rig); /* what was settled is stale now */
	rig_refused(&rig, 2, SHEAF_OK);
	rig_run(&rig);
	rig_expect(&rig, "> subscribe 2 sub=0 c\n"
	                 "> credit sub=0 ready=10 bytes=990\n");
	deliver(4, sub, 102, 1);
	rig_expect(&rig, "< messages tag=5 run=102 mask=1\n");
}
END_TEST

START_TEST(so_does_a_new_welcome)
{
	uint32_t sub, early;

	rig_open(&rig);
	sub = subscribed(1);
	deliver(0, sub, 100, 1);
	early = subscribe("e", 6, 10);
	rig_run(&rig);
	csession_lost(rig.c, rig.now_ms);
	rig_forget(&rig);
	rig_pass(&rig, 30);
	rig_welcome(&rig);
	rig_run(&rig);
	rig_refused(&rig, 2, SHEAF_OK); /* the user hears of its own */
	rig_refused(&rig, 3, SHEAF_OK); /* and not of ours */
	rig_run(&rig);
	rig_expect(&rig, "> connect\n"
	                 "> hello\n"
	                 "< gap\n"
	                 "< welcomed\n"
	                 "> ping 2 pushed=0\n"
	                 "> subscribe 2 sub=1 e\n"
	                 "> subscribe 3 sub=0 c\n"
	                 "< answer call=10 ok\n"
	                 "> credit sub=1 ready=0 bytes=0\n"
	                 "> credit sub=0 ready=10 bytes=995\n");
	deliver(0, early, 200, 1);
	deliver(1, sub, 100, 1);
	rig_expect(&rig, "< messages tag=6 run=200 mask=1\n"
	                 "< messages tag=5 run=100 mask=1\n");
}
END_TEST

START_TEST(refused_the_second_time_it_is_over)
{
	uint32_t sub;

	rig_open(&rig);
	sub = subscribed(1);
	deliver(0, sub, 100, 1);
	deliver(2, sub, 101, 1);
	rig_run(&rig);
	rig_forget(&rig);
	rig_refused(&rig, 2, SHEAF_E_FULL);
	rig_expect(&rig, "< over tag=5\n");
	csession_unsubscribe(rig.c, sub, 11);
	rig_run(&rig);
	rig_refused(&rig, 3, SHEAF_OK);
	rig_expect(&rig, "> unsubscribe 3 sub=0\n"
	                 "< answer call=11 ok\n");
}
END_TEST

START_TEST(gone_and_over)
{
	struct msg_gone_rec v[] = { { 0, 100, 7, 1, GONE_TIMEOUT },
		                    { 99, 1, 1, 1, GONE_STALE },
		                    { 0, 0, 0, 0, GONE_DELETED } };

	rig_open(&rig);
	(void)subscribed(1);
	rig_in(&rig, MSG_MESSAGES_GONE, 0, (struct msg){ .u.gone = { v, 3 } });
	rig_expect(&rig, "< gone tag=5\n"
	                 "< over tag=5\n");
}
END_TEST

/* The last deliveries before it is quiet: only the pongs tell. */
START_TEST(a_loss_at_the_end_is_noticed)
{
	rig_open(&rig);
	(void)subscribed(1);
	deliver(0, 0, 100, 1);
	rig_forget(&rig);
	for (uint64_t ping = 2; ping < 5; ping++) {
		rig_pass(&rig, DEFAULT_BEAT_MS);
		rig_in(&rig, MSG_PONG, ping, (struct msg){ .u.ping.delivered = 2 });
	}
	rig_forget(&rig);
	rig_pass(&rig, DEFAULT_BEAT_MS);
	rig_in(&rig, MSG_PONG, 5, (struct msg){ .u.ping.delivered = 2 });
	rig_run(&rig);
	rig_expect(&rig, "> ping 5 pushed=0\n"
	                 "< gap\n"
	                 "> subscribe 2 sub=0 c\n");
}
END_TEST

START_TEST(a_late_delivery_is_no_loss)
{
	struct csession_counts counts;

	rig_open(&rig);
	(void)subscribed(1);
	for (uint64_t ping = 2; ping < 20; ping++) {
		rig_pass(&rig, DEFAULT_BEAT_MS);
		rig_in(&rig, MSG_PONG, ping, (struct msg){ .u.ping.delivered = ping });
		deliver(ping - 2, 0, 100 + ping, 1);
	}
	csession_counts(rig.c, &counts);
	ck_assert_uint_eq(counts.gaps, 0);
}
END_TEST

/* Its answer would come after the end, and the broker would keep what nobody wants. */
START_TEST(the_end_waits_for_the_beginning)
{
	uint32_t sub;

	rig_open(&rig);
	sub = subscribe("c", 5, 9);
	rig_run(&rig);
	csession_unsubscribe(rig.c, sub, 11);
	rig_run(&rig);
	rig_expect(&rig, "> subscribe 1 sub=0 c\n");
	rig_refused(&rig, 1, SHEAF_OK);
	rig_run(&rig);
	rig_refused(&rig, 2, SHEAF_OK);
	rig_expect(&rig, "< answer call=9 ok\n"
	                 "> unsubscribe 2 sub=0\n"
	                 "< answer call=11 ok\n");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_publish_is_answered_once,
		a_publish_goes_again_after_a_loss,
		what_cannot_be_published_is_refused_here,
		publishing_is_bounded,
		credit_follows_the_answer,
		what_was_charged_too_much_is_made_good,
		settles_leave_before_the_end_of_the_subscription,
		less_credit_goes_ahead_of_what_is_settled,
		a_gap_makes_all_subscribe_again,
		so_does_a_new_welcome,
		refused_the_second_time_it_is_over,
		gone_and_over,
		a_loss_at_the_end_is_noticed,
		a_late_delivery_is_no_loss,
		the_end_waits_for_the_beginning,
	};

	return rig_suite("csession_subs", setup, teardown, tests, sizeof tests / sizeof tests[0]);
}
