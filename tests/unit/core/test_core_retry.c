/* Traces: attempts: the pauses between them, and what is kept of each. */
#include "proto/setting.h"
#include "tests/unit/core/letters.h"

/* Job 1, with its times; granted to worker 1, which fails it. */
static void submit(uint32_t attempts, uint64_t backoff_ms, uint64_t backoff_max_ms)
{
	struct msg_submit s = { .attempts = attempts,
		                .terms = { .backoff_ms = backoff_ms, .backoff_max_ms = backoff_max_ms } };

	rig.quiet = true;
	rig_worker(&rig, 1, 1, "q", 1);
	rig_submit_as(&rig, 1, ++number, "q", 1, s);
	rig.quiet = false;
	ids = 1;
}

/* How long the job waits from now on; 0: it does not. */
static uint64_t pause_of(void)
{
	rig_forget(&rig);
	rig_one(&rig, 1, ++number, MSG_JOB_GET, 1);
	return rig.due_ms == 0 ? 0 : rig.due_ms - rig.now.wall_ms;
}

/* Time goes by while the worker and the client are there. */
static void wait_for(uint64_t ms)
{
	rig.quiet = true;
	for (; ms > 0; ms -= ms < 500 ? ms : 500) {
		rig_pass(&rig, ms < 500 ? ms : 500);
		rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 1000000 });
		rig_request(&rig, 1, 0, MSG_PING, (struct msg){ 0 });
	}
	rig.quiet = false;
}

START_TEST(a_pause_doubles_up_to_its_bound)
{
	uint64_t want = 1000;
	bool odd = false;

	submit(10, 1000, 10000);
	for (uint64_t attempt = 1; attempt < 10; attempt++) {
		uint64_t ms;

		lose(1, 1, "bad");
		ms = pause_of();
		ck_assert_msg(ms >= want / 2 && ms <= want, "attempt %llu: %llu ms of %llu",
		              (unsigned long long)attempt, (unsigned long long)ms, (unsigned long long)want);
		odd = odd || (ms != want && ms != want / 2);
		ck_assert_int_eq(core_job_state(rig.core, 1), JOB_DELAYED);
		wait_for(ms - 1); /* not before its time */
		ck_assert_int_eq(core_job_state(rig.core, 1), JOB_DELAYED);
		wait_for(1);
		ck_assert_int_eq(core_job_state(rig.core, 1), JOB_RUNNING);
		want = want < 5000 ? 2 * want : 10000;
	}
	ck_assert(odd); /* there is chance in it */
	lose(1, 1, "bad");
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_DEAD);
}
END_TEST

/* What failed together does not come back together. */
START_TEST(pauses_differ)
{
	struct msg_submit s = { .attempts = 2, .terms = { .backoff_ms = 100000 } };
	uint64_t low = UINT64_MAX, high = 0;

	rig_worker(&rig, 1, 1, "q", 0);
	rig_submit_as(&rig, 1, ++number, "q", 100, s);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 100 });
	lose(1, 100, "bad");
	for (uint64_t id = 1; id <= 100; id++) {
		rig_forget(&rig);
		rig_one(&rig, 1, ++number, MSG_JOB_GET, id);
		low = rig.due_ms < low ? rig.due_ms : low;
		high = rig.due_ms > high ? rig.due_ms : high;
	}
	ck_assert_uint_ge(low, rig.now.wall_ms + 50000);
	ck_assert_uint_le(high, rig.now.wall_ms + 100000);
	ck_assert_uint_gt(high - low, 30000);
}
END_TEST

START_TEST(without_a_backoff_it_goes_on_at_once)
{
	submit(3, 0, 0);
	lose(1, 1, "bad");
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_RUNNING);
}
END_TEST

START_TEST(a_pause_lasts_over_a_restart)
{
	uint64_t ms;

	submit(3, 60000, 0);
	lose(1, 1, "bad");
	ms = pause_of();
	for (int trimmed = 0; trimmed < 2; trimmed++) {
		restart(trimmed);
		ck_assert_uint_eq(pause_of(), ms);
	}
	rig_worker(&rig, 1, 1, "q", 1);
	wait_for(ms - 1);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_DELAYED);
	wait_for(1);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_RUNNING);
}
END_TEST

static uint64_t shown(void)
{
	uint64_t n = 0;

	for (size_t i = 0; i < rig.trace.n; i++)
		n += rig.trace.p[i] == '[';
	return n;
}

START_TEST(the_last_attempts_are_kept)
{
	char error[LIMIT_HISTORY_ERROR + 100];

	submit(40, 0, 0);
	rig.attempts = true;
	for (int i = 0; i < 20; i++)
		lose(1, 1, i == 19 ? "the last" : "bad");
	for (int trimmed = 0; trimmed < 2; trimmed++) {
		restart(trimmed);
		(void)pause_of();
		ck_assert_uint_eq(shown(), LIMIT_HISTORY);
		ck_assert(rig_has(&rig, "attempt=20/40"));
		ck_assert(rig_has(&rig, "[2 by worker1 exit=3 'the last']\n"));
	}
	/* long errors are cut, and fewer attempts fit */
	rig_worker(&rig, 1, 1, "q", 1);
	memset(error, 'e', sizeof error - 1);
	error[sizeof error - 1] = '\0';
	for (int i = 0; i < 10; i++)
		lose(1, 1, error);
	(void)pause_of();
	ck_assert_uint_ge(shown(), 6);
	ck_assert_uint_le(shown() * LIMIT_HISTORY_ERROR, LIMIT_HISTORY_BYTES);
	ck_assert(rig_has(&rig, "(256 bytes)]\n"));
}
END_TEST

START_TEST(a_lost_worker_is_in_the_history)
{
	submit(2, 0, 0);
	rig.attempts = true;
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 1, .started = 1 });
	rig_pass(&rig, 2600);
	rig_forget(&rig);
	rig_one(&rig, 1, 50, MSG_JOB_GET, 1);
	restart(true);
	rig_one(&rig, 1, 50, MSG_JOB_GET, 1);
	rig_expect(&rig, "C1 job #50 1 ready attempt=0/2 deliveries=1 [4 by worker1 exit=137 'its worker was lost']\n");
}
END_TEST

/* Those of a job that lives, of one that is done, and of a dead one are written again with what they are of. */
START_TEST(moved_jobs_keep_their_attempts)
{
	static const char jobs[] =
	    "C1 job #51 1 dead attempt=1/1 deliveries=0 [2 by worker1 exit=3 'one']\n"
	    "C1 job #52 2 ready attempt=1/3 deliveries=0 [2 by worker1 exit=3 'two']\n"
	    "C1 job #53 3 done attempt=2/3 deliveries=0 [2 by worker1 exit=3 'two'] [1 by worker1 exit=0]\n";
	struct msg_submit s = { .attempts = 3 };

	rig_worker(&rig, 1, 1, "q", 0);
	die(1, "one");
	no_more_jobs();
	rig_submit_as(&rig, 1, ++number, "q", 2, s);
	ids += 2;
	rig_beat(&rig, 1, (struct rig_beat){ .window = 2, .received = 100 });
	lose(2, 2, "two"); /* tokens 2 and 3; then 4 and 5 */
	no_more_jobs();
	rig_return(&rig, 1, 2, 4);
	rig_outcome(&rig, 1, 3, 5, VERDICT_DONE);
	rig_bye(&rig, 1, rig.results[1]);
	rig.attempts = true;
	for (int round = 0; round < 3; round++) {
		rig_client(&rig, 1);
		rig_forget(&rig);
		for (uint64_t id = 1; id <= 3; id++)
			rig_one(&rig, 1, 50 + id, MSG_JOB_GET, id);
		rig_expect(&rig, jobs);
		if (round == 0)
			wear(60);
		restart(round == 0);
	}
	ck_assert_uint_gt(rig.tail, 0);
}
END_TEST

RIG_MAIN("core_retry", a_pause_doubles_up_to_its_bound, pauses_differ, without_a_backoff_it_goes_on_at_once,
         a_pause_lasts_over_a_restart, the_last_attempts_are_kept, a_lost_worker_is_in_the_history,
         moved_jobs_keep_their_attempts)
