/* Traces of the client session about jobs for several queues that are accepted together. */
#include "tests/unit/client/rig.h"

static struct rig rig;
static uint64_t number;

static void setup(void)
{
	number = 0;
	rig_init(&rig);
	rig_open(&rig);
}

static void teardown(void)
{
	rig_fini(&rig);
}

static const struct msg_all_part a = { .queue = { (const uint8_t *)"a", 1 }, .payload = { (const uint8_t *)"xy", 2 } };
static const struct msg_all_part b = { .queue = { (const uint8_t *)"b", 1 }, .same = 1 };

static enum sheaf_error try(struct msg_all_part first, struct msg_all_part second, uint64_t call)
{
	struct msg_all_part v[] = { first, second };

	return csession_submit_all(rig.c, &(struct msg_submit_all){ .v = v, .n = 2 }, call, &number);
}

static void submit(uint64_t call)
{
	ck_assert_int_eq(try(a, b, call), SHEAF_OK);
	rig_run(&rig);
}

static void accepted(uint64_t first, uint64_t second)
{
	uint64_t ids[] = { first, second };

	rig_in(&rig, MSG_ALL_ACCEPTED, number, (struct msg){ .u.all_accepted = { ids, second != 0 ? 2 : 1 } });
}

START_TEST(it_is_answered_once)
{
	submit(3);
	accepted(100, 101);
	accepted(100, 101);
	rig_expect(&rig, "> all 1 n=2 answered=0 a b\n"
	                 "< answer call=3 ok 100 101\n");
	submit(4);
	rig_in(&rig, MSG_REPLY, number, (struct msg){ .u.reply = { .error = SHEAF_E_UNKNOWN, .value = 2 } });
	rig_expect(&rig, "> all 2 n=2 answered=1 a b\n"
	                 "< answer call=4 unknown\n");
}
END_TEST

START_TEST(jobs_that_were_posted_before_leave_before)
{
	struct csession_policy p = { .queue = span_str("q"), .attempts = 1, .priority = 4 };

	ck_assert_int_eq(csession_post(rig.c, &p, span_str("x"), 1), SHEAF_OK);
	submit(3);
	rig_expect(&rig, "> submit 1 n=1 answered=0\n"
	                 "> all 2 n=2 answered=0 a b\n");
}
END_TEST

START_TEST(it_goes_again_after_a_loss)
{
	submit(3);
	csession_lost(rig.c, rig.now_ms);
	rig_forget(&rig);
	rig_pass(&rig, 30);
	rig_welcome(&rig);
	rig_run(&rig);
	accepted(7, 100);
	rig_expect(&rig, "> connect\n"
	                 "> hello\n"
	                 "< welcomed\n"
	                 "> ping 2 pushed=0\n"
	                 "> all 1 n=2 answered=0 a b\n"
	                 "< answer call=3 ok 7 100\n");
}
END_TEST

START_TEST(busy_and_draining_hold_it_up)
{
	submit(3);
	rig_refused(&rig, number, SHEAF_E_BUSY);
	ck_assert_int_eq(csession_held_up(rig.c), SHEAF_E_BUSY);
	rig_pass(&rig, 20);
	rig_refused(&rig, number, SHEAF_E_DRAINING);
	rig_pass(&rig, 30);
	accepted(100, 101);
	ck_assert_int_eq(csession_held_up(rig.c), SHEAF_OK);
	rig_expect(&rig, "> all 1 n=2 answered=0 a b\n"
	                 "> all 1 n=2 answered=0 a b\n"
	                 "> all 1 n=2 answered=0 a b\n"
	                 "< answer call=3 ok 100 101\n");
}
END_TEST

START_TEST(what_makes_no_sense_is_told)
{
	submit(3);
	accepted(100, 0);
	submit(4);
	rig_refused(&rig, number, SHEAF_OK);
	rig_expect(&rig, "> all 1 n=2 answered=0 a b\n"
	                 "< answer call=3 malformed 100\n"
	                 "> all 2 n=2 answered=1 a b\n"
	                 "< answer call=4 malformed\n");
}
END_TEST

START_TEST(it_can_be_forgotten)
{
	submit(3);
	csession_forget(rig.c, 3);
	accepted(100, 101);
	csession_lost(rig.c, rig.now_ms);
	rig_pass(&rig, 30);
	rig_welcome(&rig);
	rig_run(&rig);
	rig_expect(&rig, "> all 1 n=2 answered=0 a b\n"
	                 "> connect\n"
	                 "> hello\n"
	                 "< welcomed\n"
	                 "> ping 2 pushed=0\n");
}
END_TEST

START_TEST(what_the_broker_would_refuse_is_refused_here)
{
	static const uint8_t bytes[LIMIT_PAYLOAD + 1];
	struct msg_all_part bad = b;

	ck_assert_int_eq(csession_submit_all(rig.c, &(struct msg_submit_all){ .v = &a }, 3, &number),
	                 SHEAF_E_TOO_LARGE);
	bad.queue = span_str("no such name");
	ck_assert_int_eq(try(a, bad, 3), SHEAF_E_BAD_NAME);
	bad = b;
	bad.same = 2; /* itself */
	ck_assert_int_eq(try(a, bad, 3), SHEAF_E_BAD_VALUE);
	bad.same = 1;
	bad.payload = span_str("and its own");
	ck_assert_int_eq(try(a, bad, 3), SHEAF_E_BAD_VALUE);
	bad = b;
	bad.flags = 2;
	ck_assert_int_eq(try(a, bad, 3), SHEAF_E_BAD_VALUE);
	bad = b;
	bad.headers = span_str("no header");
	ck_assert_int_eq(try(a, bad, 3), SHEAF_E_BAD_VALUE);
	bad = b;
	bad.key = span_of(bytes, LIMIT_KEY + 1);
	ck_assert_int_eq(try(a, bad, 3), SHEAF_E_TOO_LARGE);
	bad = a;
	bad.payload = span_of(bytes, LIMIT_PAYLOAD); /* two bytes too many with the other's */
	ck_assert_int_eq(try(a, bad, 3), SHEAF_E_TOO_LARGE);
	bad.payload = span_of(bytes, LIMIT_PAYLOAD + 1);
	ck_assert_int_eq(try(bad, b, 3), SHEAF_E_TOO_LARGE);
	rig_run(&rig);
	rig_expect(&rig, "");
}
END_TEST

START_TEST(requests_without_an_answer_are_bounded)
{
	uint32_t n = 0;

	for (; csession_all_room(rig.c); n++)
		ck_assert_int_eq(try(a, b, 3), SHEAF_OK);
	ck_assert_uint_eq(n, LIMIT_CLIENT_REQUESTS - CSESSION_RESERVED_REQUESTS);
	ck_assert_int_eq(try(a, b, 3), SHEAF_E_FULL);
}
END_TEST

START_TEST(so_are_their_bytes)
{
	static const uint8_t bytes[LIMIT_ALL_BYTES];
	struct msg_all_part large = a;
	uint32_t n = 0;

	large.payload = span_of(bytes, LIMIT_ALL_BYTES);
	for (; csession_all_room(rig.c); n++)
		ck_assert_int_eq(try(large, b, n), SHEAF_OK);
	ck_assert_uint_eq(n, CSESSION_QUEUED_BYTES / LIMIT_ALL_BYTES);
	rig_run(&rig);
	csession_forget(rig.c, 0);
	ck_assert(csession_all_room(rig.c));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		it_is_answered_once,
		jobs_that_were_posted_before_leave_before,
		it_goes_again_after_a_loss,
		busy_and_draining_hold_it_up,
		what_makes_no_sense_is_told,
		it_can_be_forgotten,
		what_the_broker_would_refuse_is_refused_here,
		requests_without_an_answer_are_bounded,
		so_are_their_bytes,
	};

	return rig_suite("csession_all", setup, teardown, tests, sizeof tests / sizeof tests[0]);
}
