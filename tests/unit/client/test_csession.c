/* Traces of the client session when all is well, and when it is refused or held up. */
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

START_TEST(hello_then_ping_each_beat)
{
	rig_open(&rig);
	rig_pass(&rig, 500);
	rig_expect(&rig, "> ping 2 pushed=0\n");
	ck_assert(csession_connected(rig.c, rig.now_ms));
}
END_TEST

START_TEST(submit_accepted_result)
{
	rig_open(&rig);
	rig_post(&rig, 2, 10);
	ck_assert_uint_eq(csession_outstanding(rig.c), 2);
	rig_accepted(&rig, 1, 100, 2);
	rig_result(&rig, 0, 101);
	rig_result(&rig, 1, 100);
	rig_expect(&rig, "> submit 1 n=2 answered=0 want\n"
	                 "< accepted tag=10 id=100\n"
	                 "< accepted tag=11 id=101\n"
	                 "< result tag=11 id=101\n"
	                 "< result tag=10 id=100\n");
	ck_assert_uint_eq(csession_outstanding(rig.c), 0);
	rig_post(&rig, 1, 12);
	rig_expect(&rig, "> submit 2 n=1 answered=1 want\n");
}
END_TEST

START_TEST(jobs_gather_until_full)
{
	struct csession_policy p = { .queue = span_str("q"), .attempts = 1, .priority = 4 };

	rig_open(&rig);
	(void)csession_set_records(rig.c, 3);
	for (uint64_t i = 0; i < 7; i++)
		ck_assert_int_eq(csession_post(rig.c, &p, span_str("x"), i), SHEAF_OK);
	p.priority = 5; /* another policy: another message */
	ck_assert_int_eq(csession_post(rig.c, &p, span_str("x"), 7), SHEAF_OK);
	rig_run(&rig);
	rig_expect(&rig, "> submit 1 n=3 answered=0\n"
	                 "> submit 2 n=3 answered=0\n"
	                 "> submit 3 n=1 answered=0\n");
	csession_flush(rig.c);
	rig_run(&rig);
	rig_expect(&rig, "> submit 4 n=1 answered=0\n");
}
END_TEST

START_TEST(without_want_the_answer_ends_it)
{
	struct csession_policy p = { .queue = span_str("q"), .attempts = 1 };

	rig_open(&rig);
	ck_assert_int_eq(csession_post(rig.c, &p, span_str("x"), 5), SHEAF_OK);
	csession_flush(rig.c);
	rig_run(&rig);
	ck_assert_uint_eq(csession_outstanding(rig.c), 1);
	rig_accepted(&rig, 1, 9, 1);
	rig_expect(&rig, "> submit 1 n=1 answered=0\n"
	                 "< accepted tag=5 id=9\n");
	ck_assert_uint_eq(csession_outstanding(rig.c), 0);
}
END_TEST

START_TEST(busy_comes_again_later)
{
	rig_open(&rig);
	rig_post(&rig, 1, 10);
	rig_refused(&rig, 1, SHEAF_E_BUSY);
	rig_run(&rig);
	rig_expect(&rig, "> submit 1 n=1 answered=0 want\n");
	ck_assert_int_eq(csession_held_up(rig.c), SHEAF_E_BUSY);
	rig_pass(&rig, 20);
	rig_expect(&rig, "> submit 1 n=1 answered=0 want\n");
	rig_refused(&rig, 1, SHEAF_E_DRAINING);
	rig_pass(&rig, 30);
	rig_accepted(&rig, 1, 100, 1);
	rig_expect(&rig, "> submit 1 n=1 answered=0 want\n"
	                 "< accepted tag=10 id=100\n");
	ck_assert_int_eq(csession_held_up(rig.c), SHEAF_OK);
}
END_TEST

START_TEST(refusal_names_each_job)
{
	rig_open(&rig);
	rig_post(&rig, 2, 10);
	rig_refused(&rig, 1, SHEAF_E_FULL);
	rig_expect(&rig, "> submit 1 n=2 answered=0 want\n"
	                 "< refused tag=10 full\n"
	                 "< refused tag=11 full\n");
	ck_assert_uint_eq(csession_outstanding(rig.c), 0);
}
END_TEST

START_TEST(failed_hello_is_final)
{
	rig_run(&rig);
	rig_forget(&rig);
	rig_refused(&rig, 0, SHEAF_E_VERSION);
	rig_pass(&rig, 10000);
	rig_expect(&rig, "< failed version\n");
	ck_assert_uint_eq(csession_deadline(rig.c), UINT64_MAX);
}
END_TEST

/* A WAIT has no number: what refuses it says that nothing awaited will come. */
START_TEST(a_denied_wait_is_final)
{
	rig_open(&rig);
	(void)csession_await(rig.c, 9, 1);
	rig_forget(&rig);
	rig_refused(&rig, 0, SHEAF_E_BUSY); /* for the moment */
	rig_expect(&rig, "");
	rig_refused(&rig, 0, SHEAF_E_DENIED);
	rig_refused(&rig, 0, SHEAF_E_DENIED);
	rig_pass(&rig, 10000);
	rig_expect(&rig, "< failed denied\n");
}
END_TEST

START_TEST(refused_by_the_shell)
{
	struct csession_event ev;

	csession_refused(rig.c, SHEAF_E_DENIED, span_str("wrong key"));
	csession_refused(rig.c, SHEAF_E_VERSION, span_str("once only"));
	ck_assert(csession_event(rig.c, &ev));
	ck_assert_int_eq(ev.kind, CSESSION_FAILED);
	ck_assert_int_eq(ev.error, SHEAF_E_DENIED);
	ck_assert(span_eq(ev.text, span_str("wrong key")));
	ck_assert(!csession_event(rig.c, &ev));
	ck_assert_uint_eq(csession_deadline(rig.c), UINT64_MAX);
}
END_TEST

START_TEST(full_house_is_asked_again)
{
	rig_run(&rig);
	rig_forget(&rig);
	rig_refused(&rig, 0, SHEAF_E_FULL);
	rig_pass(&rig, 100);
	rig_expect(&rig, "> hello\n");
	ck_assert_int_eq(csession_held_up(rig.c), SHEAF_E_FULL);
}
END_TEST

START_TEST(requests_are_answered_by_number)
{
	struct msg m = { .h.kind = MSG_JOB_GET, .u.one.id = 3 };
	uint64_t first, second;

	rig_open(&rig);
	ck_assert_int_eq(csession_request(rig.c, &m, 21, &first), SHEAF_OK);
	ck_assert_int_eq(csession_request(rig.c, &m, 22, &second), SHEAF_OK);
	rig_run(&rig);
	rig_refused(&rig, second, SHEAF_E_UNKNOWN);
	rig_in(&rig, MSG_JOB_INFO, first, (struct msg){ .u.job_info.rec.id = 3 });
	rig_in(&rig, MSG_JOB_INFO, first, (struct msg){ .u.job_info.rec.id = 3 });
	rig_expect(&rig, "> kind 5 number 1\n"
	                 "> kind 5 number 2\n"
	                 "< answer call=22 unknown\n"
	                 "< answer call=21 ok\n");
}
END_TEST

START_TEST(forgotten_calls_stay_silent)
{
	struct msg m = { .h.kind = MSG_JOB_GET, .u.one.id = 3 };
	uint64_t number;

	ck_assert_int_eq(csession_request(rig.c, &m, 21, &number), SHEAF_OK);
	csession_forget(rig.c, 21);
	rig_open(&rig);
	rig_in(&rig, MSG_JOB_INFO, number, (struct msg){ .u.job_info.rec.id = 3 });
	rig_expect(&rig, "");
}
END_TEST

START_TEST(bad_posts_are_refused_here)
{
	struct csession_policy p = { .queue = span_str("Q"), .attempts = 1 };
	struct span huge = { .p = (const uint8_t *)"", .n = LIMIT_PAYLOAD + 1 };

	ck_assert_int_eq(csession_post(rig.c, &p, span_str(""), 0), SHEAF_E_BAD_NAME);
	p.queue = span_str("q");
	ck_assert_int_eq(csession_post(rig.c, &p, huge, 0), SHEAF_E_TOO_LARGE);
	p.priority = 10;
	ck_assert_int_eq(csession_post(rig.c, &p, span_str(""), 0), SHEAF_E_BAD_VALUE);
	p.priority = 0;
	p.attempts = LIMIT_ATTEMPTS + 1;
	ck_assert_int_eq(csession_post(rig.c, &p, span_str(""), 0), SHEAF_E_BAD_VALUE);
	p.attempts = 1;
	p.headers = span_str("no header");
	ck_assert_int_eq(csession_post(rig.c, &p, span_str(""), 0), SHEAF_E_BAD_VALUE);
	ck_assert_uint_eq(csession_outstanding(rig.c), 0);
}
END_TEST

START_TEST(room_is_bounded_by_jobs)
{
	rig_open(&rig);
	while (csession_room(rig.c) > 0)
		rig_post(&rig, csession_room(rig.c) < 256 ? (uint32_t)csession_room(rig.c) : 256, 0);
	ck_assert_uint_le(csession_outstanding(rig.c), LIMIT_CLIENT_WAITS);
	ck_assert_uint_ge(csession_outstanding(rig.c), LIMIT_CLIENT_WAITS / 2);
	rig_accepted(&rig, 1, 1000, 256);
	ck_assert_uint_eq(csession_room(rig.c), 0); /* they are awaited now */
	rig_result(&rig, 0, 1000);
	ck_assert_uint_ge(csession_room(rig.c), 1);
}
END_TEST

START_TEST(room_is_bounded_by_requests)
{
	rig_open(&rig);
	(void)csession_set_records(rig.c, 1);
	while (csession_room(rig.c) > 0)
		rig_post(&rig, 1, 0);
	ck_assert_uint_eq(csession_outstanding(rig.c), LIMIT_CLIENT_REQUESTS - CSESSION_RESERVED_REQUESTS);
	for (uint64_t i = 2; i < 10; i++) /* the oldest keeps the window shut */
		rig_accepted(&rig, i, 100 + i, 1);
	ck_assert_uint_eq(csession_room(rig.c), 0);
	rig_accepted(&rig, 1, 100, 1);
	ck_assert_uint_eq(csession_room(rig.c), 9);
}
END_TEST

START_TEST(room_is_bounded_by_bytes)
{
	struct csession_policy p = { .queue = span_str("q"), .attempts = 1 };
	struct span big = { .p = calloc(1, LIMIT_PAYLOAD), .n = LIMIT_PAYLOAD };
	uint32_t n = 0;

	rig_open(&rig);
	for (; csession_room(rig.c) > 0; n++)
		ck_assert_int_eq(csession_post(rig.c, &p, big, n), SHEAF_OK);
	ck_assert_uint_eq(n, CSESSION_QUEUED_BYTES / LIMIT_PAYLOAD);
	rig_run(&rig);
	rig_expect(&rig, "> submit 1 n=1 answered=0\n"
	                 "> submit 2 n=1 answered=0\n"
	                 "> submit 3 n=1 answered=0\n"
	                 "> submit 4 n=1 answered=0\n");
	free((void *)(uintptr_t)big.p);
}
END_TEST

START_TEST(waits_name_a_thousand_ids_each)
{
	rig_open(&rig);
	for (uint64_t id = 1; id <= 2000; id++)
		(void)csession_await(rig.c, id, id);
	rig_run(&rig);
	rig_expect(&rig, "> wait 1 2 3 4 5 6 7 8 … 1024\n"
	                 "> wait 1025 1026 1027 1028 1029 1030 1031 1032 … 976\n");
}
END_TEST

START_TEST(nonsense_is_survived)
{
	struct msg_accepted_rec recs[] = { { 1, 100, 5 }, { 9, 1, 1 }, { 1, 0, 2 }, { 1, UINT64_MAX, 2 } };

	rig_open(&rig);
	rig_post(&rig, 2, 10);
	rig_forget(&rig);
	rig_in(&rig, MSG_ACCEPTED, 0, (struct msg){ .u.accepted = { recs, 4 } });
	rig_pong(&rig, 99, 5);
	rig_result(&rig, 0, 0);
	rig_in(&rig, MSG_CLIENT_WELCOME, 0, (struct msg){ 0 });
	rig_in(&rig, (enum msg_kind)250, 1, (struct msg){ 0 });
	rig_in(&rig, MSG_BEAT, 1, (struct msg){ 0 });
	rig_expect(&rig, "");
	ck_assert_uint_eq(csession_outstanding(rig.c), 2);
}
END_TEST

START_TEST(bye_ends_it)
{
	rig_open(&rig);
	rig_post(&rig, 1, 10);
	rig_forget(&rig);
	csession_bye(rig.c);
	rig_run(&rig);
	rig_pass(&rig, 5000);
	rig_expect(&rig, "> kind 15 number 0\n");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		hello_then_ping_each_beat,
		submit_accepted_result,
		jobs_gather_until_full,
		without_want_the_answer_ends_it,
		busy_comes_again_later,
		refusal_names_each_job,
		failed_hello_is_final,
		a_denied_wait_is_final,
		refused_by_the_shell,
		full_house_is_asked_again,
		requests_are_answered_by_number,
		forgotten_calls_stay_silent,
		bad_posts_are_refused_here,
		room_is_bounded_by_jobs,
		room_is_bounded_by_requests,
		room_is_bounded_by_bytes,
		waits_name_a_thousand_ids_each,
		nonsense_is_survived,
		bye_ends_it,
	};

	return rig_suite("csession", setup, teardown, tests, sizeof tests / sizeof tests[0]);
}
