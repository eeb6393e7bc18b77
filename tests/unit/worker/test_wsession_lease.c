/* The worker's session: leases with a time of their own, touches, progress, and slots that are slow to die. */
#include "tests/unit/base/suite.h"
#include "tests/unit/worker/rig.h"

static struct rig *r;

/* Jobs 1 to n are in the hands of the slots; nothing of it is left in the text. */
static void open_with(uint32_t slots, uint32_t n)
{
	r = rig_new(slots);
	rig_open(r);
	rig_jobs(r, 1, 1, n);
	r->quiet = true;
	rig_pass(r, 20);
	rig_flush(r);
	r->quiet = false;
	buf_clear(&r->text);
}

/* Time goes by in small steps, with the broker answering; only what is about leases is written down. */
static void pass(uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i++) {
		size_t at = r->text.n;
		unsigned long beat = 0;

		r->now++;
		wsession_tick(r->s, r->now);
		rig_effects(r);
		while (at < r->text.n) {
			uint8_t *line = r->text.p + at, *end = memchr(line, '\n', r->text.n - at);
			size_t n = (size_t)(end - line) + 1;

			if (memcmp(line, "beat ", 5) != 0) {
				at += n;
				continue;
			}
			beat = strtoul((const char *)line + 5, NULL, 10);
			memmove(line, line + n, r->text.n - at - n);
			r->text.n -= n;
		}
		if (beat > 0)
			rig_answer(r, beat, 0);
	}
}

START_TEST(a_lease_runs_out_once)
{
	open_with(1, 1);
	rig_begin_lease(r, 1, 1000);
	pass(999);
	rig_expect(r, "progress 1\n"); /* so the broker knows when it began */
	pass(1);
	rig_expect(r, "expired 1\n");
	rig_touch(r, 1, PERCENT_UNKNOWN, ""); /* too late */
	pass(3000);
	rig_expect(r, "progress 1\n");
	ck_assert(rig_finish(r, 1, "ran out of its lease of 1s", 50000));
	rig_flush(r);
	rig_expect(r, "outcomes 9/1: 1 failed ran out of its lease of 1s\n");
	rig_free(r);
}
END_TEST

START_TEST(a_touch_begins_it_anew)
{
	open_with(1, 1);
	rig_begin_lease(r, 1, 1000);
	for (int i = 0; i < 5; i++) {
		pass(900);
		rig_touch(r, 1, PERCENT_UNKNOWN, "");
	}
	rig_expect(r, "progress 1\nprogress 1\nprogress 1\nprogress 1\nprogress 1\nprogress 1\n");
	pass(999);
	rig_expect(r, "");
	pass(1);
	rig_expect(r, "expired 1\n");
	rig_free(r);
}
END_TEST

START_TEST(the_beats_keep_any_other_lease)
{
	open_with(1, 1);
	rig_begin(r, 1);
	rig_touch(r, 1, 10, "begun");
	pass(100000);
	rig_expect(r, "progress 1:10%'begun'\n");
	rig_free(r);
}
END_TEST

START_TEST(the_newest_word_wins_and_the_last_is_not_lost)
{
	open_with(2, 2);
	rig_begin(r, 1);
	rig_begin(r, 2);
	rig_touch(r, 1, 1, "one");
	rig_expect(r, "progress 1:1%'one'\n");
	for (uint32_t i = 2; i < 60; i++) {
		pass(1);
		rig_touch(r, 1, i, "more");
	}
	rig_touch(r, 2, 7, "");
	rig_expect(r, "progress 2:7%\n");
	rig_touch(r, 1, PERCENT_UNKNOWN, ""); /* leaves what was said */
	pass(41);
	rig_expect(r, "");
	pass(1);
	rig_expect(r, "progress 1:59%'more'\n");
	pass(1000);
	rig_expect(r, "");
	rig_touch(r, 1, PERCENT_UNKNOWN, "only text");
	rig_touch(r, 1, 60, "");
	pass(100);
	rig_expect(r, "progress 1:59%'only text'\nprogress 1:60%\n");
	rig_free(r);
}
END_TEST

START_TEST(a_short_lease_is_told_four_times_in_its_time)
{
	open_with(1, 1);
	rig_begin_lease(r, 1, 40);
	for (int i = 0; i < 40; i++) {
		pass(1);
		rig_touch(r, 1, PERCENT_UNKNOWN, "");
	}
	rig_expect(r, "progress 1\nprogress 1\nprogress 1\nprogress 1\n");
	rig_free(r);
}
END_TEST

START_TEST(a_short_job_costs_no_word)
{
	open_with(1, 1);
	rig_begin_lease(r, 1, 1000);
	rig_touch(r, 1, 50, "");
	pass(90);
	ck_assert(rig_finish(r, 1, NULL, 90000));
	pass(2000);
	rig_expect(r, ""); /* its outcome waits for the flush */
	ck_assert(!wsession_finished(r->s, &(struct msg_outcome_rec){ .id = 1, .token = rig_token(1) }, 1));
	rig_free(r);
}
END_TEST

START_TEST(words_of_what_is_not_ours_are_dropped)
{
	open_with(1, 1);
	rig_begin_lease(r, 1, 500);
	rig_touch(r, 3, 50, "of a job that never was");
	rig_lease(r, MSG_REVOKE, 1);
	rig_expect(r, "kill 1\n");
	rig_touch(r, 1, 50, "of a job that was");
	pass(2000);
	rig_expect(r, "");
	rig_free(r);
}
END_TEST

/* The whole worker was stopped: what its handlers said meanwhile has not been taken. */
START_TEST(standing_still_costs_nobody_a_lease)
{
	open_with(1, 1);
	rig_begin_lease(r, 1, 2000);
	pass(500);
	buf_clear(&r->text);
	rig_pass(r, 2400);
	rig_expect(r, "beat 3 window=2 received=1 runs=1\n");
	rig_answer(r, 3, 0);
	pass(1499);
	rig_expect(r, "");
	pass(1);
	rig_expect(r, "expired 1\n");
	rig_free(r);
}
END_TEST

START_TEST(another_session_hears_it_again)
{
	open_with(1, 1);
	rig_begin(r, 1);
	rig_touch(r, 1, 30, "half");
	rig_expect(r, "progress 1:30%'half'\n");
	rig_no_session(r);
	rig_touch(r, 1, 40, "more");
	rig_expect(r, "hello 1:r\n");
	rig_welcome(r, 10, NULL, 0);
	rig_nonce(r);
	buf_clear(&r->text);
	pass(1);
	rig_expect(r, "progress 1:40%'more'\n");
	rig_free(r);
}
END_TEST

START_TEST(what_is_too_late_goes_back)
{
	open_with(1, 2);
	wsession_late(r->s, rig_token(2));
	wsession_late(r->s, rig_token(3)); /* nobody's */
	rig_pass(r, 1);
	rig_expect(r, "return 2\n");
	ck_assert_uint_eq(wsession_held(r->s), 1);
	rig_free(r);
}
END_TEST

/* A handler that does not care for TERM keeps its slot, so there is less room, but its job is gone at once. */
START_TEST(a_slot_that_dies_slowly_takes_no_jobs)
{
	open_with(2, 2);
	rig_begin(r, 1);
	rig_begin(r, 2);
	rig_lease(r, MSG_REVOKE, 1);
	rig_expect(r, "kill 1\n");
	ck_assert_uint_eq(wsession_held(r->s), 1);
	r->jobs[1].state = RIG_RUNNING; /* still */
	rig_pass(r, 500);
	rig_expect(r, "beat 2 window=2 received=1 runs=2\n");
	rig_answer(r, 2, 0);
	r->jobs[1].state = RIG_NONE; /* at last */
	r->now += 30;
	rig_pass(r, 0);
	rig_flush(r);
	rig_expect(r, "beat 3 window=4 received=1 runs=2\n");
	rig_free(r);
}
END_TEST

SUITE_MAIN("wsession_lease", a_lease_runs_out_once, a_touch_begins_it_anew, the_beats_keep_any_other_lease,
           the_newest_word_wins_and_the_last_is_not_lost, a_short_lease_is_told_four_times_in_its_time,
           a_short_job_costs_no_word, words_of_what_is_not_ours_are_dropped, standing_still_costs_nobody_a_lease,
           another_session_hears_it_again, what_is_too_late_goes_back, a_slot_that_dies_slowly_takes_no_jobs)
