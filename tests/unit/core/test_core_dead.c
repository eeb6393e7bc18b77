/* Traces: dead letters: how they are listed, redriven and purged. */
#include "proto/setting.h"
#include "tests/unit/core/letters.h"

START_TEST(one_is_retried)
{
	rig_worker(&rig, 1, 1, "q", 0);
	die(1, "no such file");
	no_more_jobs();
	rig.attempts = true;
	rig_forget(&rig);
	rig_ids(&rig, 1, 50, MSG_RETRY, 0, 1);
	rig_one(&rig, 1, 51, MSG_JOB_GET, 1);
	rig_expect(&rig, "C1 reply #50 ok 1\n"
	                 "C1 job #51 1 ready attempt=0/1 deliveries=0 [2 by worker1 exit=3 'no such file']\n");
	expect_queue("workers=1 submitted=1 ready=1 dead=1 letters=0 redriven=1 kept=0");
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 1000000 });
	rig_outcome(&rig, 1, 1, 2, VERDICT_DONE);
	rig_forget(&rig);
	rig_one(&rig, 1, 52, MSG_JOB_GET, 1);
	rig_expect(&rig, "C1 job #52 1 done attempt=1/1 deliveries=0 [2 by worker1 exit=3 'no such file'] "
	                 "[1 by worker1 exit=0]\n");
	restart(true);
	expect_queue("workers=0 submitted=1 done=1 dead=1 letters=0 redriven=1 kept=1");
}
END_TEST

START_TEST(what_is_not_dead_is_not_retried)
{
	uint64_t twice[] = { 1, 1, 2, 7 };

	rig_worker(&rig, 1, 1, "q", 0);
	die(1, "bad");
	no_more_jobs();
	rig_submit(&rig, 1, ++number, "q", 1);
	rig_forget(&rig);
	rig_ids(&rig, 1, 50, MSG_RETRY, 0, 2);
	rig_ids(&rig, 1, 51, MSG_RETRY, 0, 7);
	rig_ids(&rig, 1, 52, MSG_RETRY, 1, 1);
	rig_request(&rig, 1, 53, MSG_RETRY, (struct msg){ .u.ids = { 0, twice, 4 } });
	rig_ids(&rig, 1, 54, MSG_RETRY, 0, 1);
	rig_expect(&rig, "C1 reply #50 bad-value\n"
	                 "C1 reply #51 unknown\n"
	                 "C1 reply #52 bad-value\n"
	                 "C1 reply #53 ok 1\n"
	                 "C1 reply #54 bad-value\n");
}
END_TEST

START_TEST(a_batch_counts_a_job_once)
{
	rig_one(&rig, 1, ++number, MSG_BATCH_OPEN, 0);
	ids = 1;
	rig_worker(&rig, 1, 1, "q", 0);
	lose(run(2, 1), 2, "bad");
	no_more_jobs();
	op(50, DEAD_REDRIVE, (struct msg_dead_op){ 0 });
	for (int trimmed = 0; trimmed < 2; trimmed++) {
		restart(trimmed);
		rig_one(&rig, 1, 51, MSG_BATCH_GET, 1);
		rig_expect(&rig, "C1 batch #51 1 total=2 ended=2 failed=2\n");
	}
	rig_worker(&rig, 1, 2, "q", 2);
	rig_outcome(&rig, 1, 2, 1, VERDICT_DONE);
	rig_outcome(&rig, 1, 3, 2, VERDICT_FAILED);
	rig_forget(&rig);
	rig_one(&rig, 1, 52, MSG_BATCH_GET, 1);
	rig_expect(&rig, "C1 batch #52 1 total=2 ended=2 failed=2\n");
	restart(false);
	rig_one(&rig, 1, 53, MSG_BATCH_GET, 1);
	rig_expect(&rig, "C1 batch #53 1 total=2 ended=2 failed=2\n");
}
END_TEST

START_TEST(all_are_redriven_in_slices)
{
	rig_worker(&rig, 1, 1, "q", 0);
	for (int i = 0; i < 5; i++)
		die(1000, "bad");
	no_more_jobs();
	rig_forget(&rig);
	op(50, DEAD_REDRIVE, (struct msg_dead_op){ 0 });
	ck_assert(rig_has(&rig, "C1 reply #50 ok 5000\n"));
	expect_queue("workers=1 submitted=5000 ready=5000 dead=5000 letters=0 redriven=5000 kept=0");
	restart(false);
	expect_queue("workers=0 submitted=5000 ready=5000 dead=5000 letters=0 redriven=5000 kept=0");
	rig_worker(&rig, 1, 1, "q", 1);
	rig_expect(&rig, "W1 answer settled=0\nS1 jobs 1: 1/1 attempt=1 'p'\n"); /* in the order of ids */
}
END_TEST

START_TEST(some_are_redriven)
{
	rig_worker(&rig, 1, 1, "q", 0);
	die(1, "disk full");
	rig_pass(&rig, 1000);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 2000, .received = 1000000 });
	die(2, "no route to host");
	rig_pass(&rig, 1000);
	die(1, "disk full");
	no_more_jobs();
	rig_step(&rig, &(struct event){ .kind = EV_TICK });
	rig_forget(&rig);
	op(50, DEAD_REDRIVE, (struct msg_dead_op){ .filter.error = span_str("tape") });
	op(51, DEAD_REDRIVE, (struct msg_dead_op){ .filter = { .min_age_ms = 500, .error = span_str("disk") } });
	op(52, DEAD_REDRIVE, (struct msg_dead_op){ .filter = { .max_age_ms = 1500 }, .limit = 1 });
	op(53, DEAD_PURGE, (struct msg_dead_op){ .filter = { .max_age_ms = 500 } });
	op(54, DEAD_PURGE, (struct msg_dead_op){ .rate = 1 });
	rig_expect(&rig, "C1 reply #50 ok\n"
	                 "C1 reply #51 ok 1\n"
	                 "C1 reply #52 ok 1\n"
	                 "C1 reply #53 ok 1\n"
	                 "C1 reply #54 bad-value\n");
	expect_queue("workers=1 submitted=4 ready=2 dead=4 letters=1 redriven=2 forgotten=1 kept=0");
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_READY);
	ck_assert_int_eq(core_job_state(rig.core, 2), JOB_READY);
	ck_assert_int_eq(core_job_state(rig.core, 3), JOB_DEAD);
	ck_assert_int_eq(core_job_state(rig.core, 4), JOB_NONE);
}
END_TEST

/* A payload that cannot be read is no attempt: no text fits it. */
START_TEST(a_death_without_an_attempt_has_no_error)
{
	rig_worker(&rig, 1, 1, "q", 0);
	run(1, 0);
	rig_step(&rig, &(struct event){
			   .kind = EV_BAD_PAYLOAD, .lease = { 1, rig_token(&rig, 1) }, .text = span_str("damaged") });
	rig_forget(&rig);
	list((struct msg_dead_cursor){ 0 }, 10, (struct msg_dead_filter){ 0 });
	list((struct msg_dead_cursor){ 0 }, 10, (struct msg_dead_filter){ .error = span_str("damaged") });
	rig_expect(&rig, "C1 dead #2 [1 attempt=0 exit=1]\n"
	                 "C1 dead #3\n");
}
END_TEST

static uint64_t ready(void)
{
	struct core_totals t;

	core_totals(rig.core, &t);
	return t.jobs[JOB_READY];
}

START_TEST(a_redrive_keeps_to_its_rate)
{
	rig_worker(&rig, 1, 1, "q", 0);
	die(30, "bad");
	rig_bye(&rig, 1, rig.results[1]);
	rig_forget(&rig);
	op(50, DEAD_REDRIVE, (struct msg_dead_op){ .rate = 10 * RATE_PER_SECOND });
	ck_assert_uint_eq(ready(), 1);
	rig_pass(&rig, 99);
	ck_assert_uint_eq(ready(), 1);
	rig_pass(&rig, 1);
	ck_assert_uint_eq(ready(), 2);
	rig_pass(&rig, 1000);
	ck_assert_uint_eq(ready(), 12);
	ck_assert(!rig_has(&rig, "#50"));
	rig_queue(&rig, 1, 51, "q", QUEUE_PAUSE, 0); /* a pause does not hold it up */
	rig_queue(&rig, 1, 52, "q", QUEUE_PURGE, 0);
	rig_queue(&rig, 1, 53, "q", QUEUE_DELETE, 0);
	op(54, DEAD_PURGE, (struct msg_dead_op){ 0 });
	rig_expect(&rig, "C1 reply #51 ok\n"
	                 "C1 reply #52 not-finished\n"
	                 "C1 reply #53 not-finished\n"
	                 "C1 reply #54 not-finished\n");
	op(50, DEAD_REDRIVE, (struct msg_dead_op){ .rate = 10 * RATE_PER_SECOND }); /* said again: no second one */
	rig_pass(&rig, 1799);
	ck_assert_uint_eq(ready(), 29);
	ck_assert(!rig_has(&rig, "#50"));
	rig_pass(&rig, 1);
	rig_expect(&rig, "C1 reply #50 ok 30\n");
	ck_assert_uint_eq(ready(), 30);
	op(50, DEAD_REDRIVE, (struct msg_dead_op){ .rate = 10 * RATE_PER_SECOND });
	rig_expect(&rig, "C1 reply #50 ok 30\n"); /* whose answer was lost asks again */
}
END_TEST

START_TEST(a_redrive_is_stopped)
{
	rig_worker(&rig, 1, 1, "q", 0);
	die(10, "bad");
	no_more_jobs();
	rig_forget(&rig);
	op(50, DEAD_REDRIVE, (struct msg_dead_op){ .rate = RATE_PER_SECOND });
	rig_pass(&rig, 2000);
	op(51, DEAD_STOP, (struct msg_dead_op){ 0 });
	op(52, DEAD_STOP, (struct msg_dead_op){ 0 });
	rig_pass(&rig, 5000);
	rig_request(&rig, 1, 53, MSG_DEAD_OP,
	            (struct msg){ .u.dead_op = { .queue = span_str("other"), .op = DEAD_STOP } });
	ck_assert(rig_has(&rig, "C1 reply #50 ok 3\nC1 reply #51 ok 3\nC1 reply #52 ok\n"));
	ck_assert(rig_has(&rig, "C1 reply #53 unknown\n"));
	ck_assert_uint_eq(ready(), 3);
}
END_TEST

/* It goes on when the client is gone, and does not concern itself with those who die meanwhile. */
START_TEST(a_redrive_takes_those_that_were_dead_when_it_began)
{
	rig_worker(&rig, 1, 1, "q", 0);
	die(4, "bad");
	rig_one(&rig, 1, 49, MSG_PING, 0);
	op(50, DEAD_REDRIVE, (struct msg_dead_op){ .rate = RATE_PER_SECOND }); /* granted at once, for there is room */
	lose(1, 1, "bad");                                                     /* and dead again, in the same moment */
	rig_request(&rig, 1, 0, MSG_CLIENT_BYE, (struct msg){ 0 });
	for (int i = 0; i < 3; i++) {
		rig.quiet = true;
		rig_pass(&rig, 1000);
		rig_beat(&rig, 1, (struct rig_beat){ .window = 2000, .received = 1000000 });
		rig.quiet = false;
		lose((uint64_t)i + 2, 1, "worse");
	}
	rig_pass(&rig, 20000);
	rig_client(&rig, 1);
	rig_forget(&rig);
	list((struct msg_dead_cursor){ 0 }, 10, (struct msg_dead_filter){ 0 });
	rig_expect(&rig, "C1 dead #2 [1 attempt=1 exit=3 by worker1 'bad'] [2 attempt=1 exit=3 by worker1 'worse'] "
	                 "[3 attempt=1 exit=3 by worker1 'worse'] [4 attempt=1 exit=3 by worker1 'worse']\n");
	expect_queue("workers=0 submitted=4 dead=8 letters=4 redriven=4 kept=0");
}
END_TEST

/* Dead letters in what was written. */
static uint64_t shown(void)
{
	uint64_t n = 0;

	for (size_t i = 0; i < rig.trace.n; i++)
		n += rig.trace.p[i] == '[';
	return n;
}

START_TEST(pages_hold_all_that_stay)
{
	struct msg_dead_cursor at = { 0 };
	struct msg_dead_filter f = { 0 };
	uint64_t seen = 0, pages = 0;

	rig_worker(&rig, 1, 1, "q", 0);
	for (int i = 0; i < 3; i++) {
		die(1000, "bad"); /* all in one moment */
		die(1, "rare");
	}
	no_more_jobs();
	rig.quiet = false;
	do {
		struct msg_dead_cursor before = at;

		rig_forget(&rig);
		list(at, 256, f);
		at = rig.dead_next;
		/* their ids have no gap; where it had to look at many again it shows fewer */
		ck_assert_uint_eq(shown(), at.id - before.id);
		ck_assert(!rig.dead_more || at.id == before.id + 256 || pages > 5);
		seen += shown();
		pages++;
		if (pages % 2 == 1) /* what was seen goes away: where the page ended, and much before it */
			op(5000 + pages, DEAD_PURGE, (struct msg_dead_op){ .limit = 200 });
		if (pages % 3 == 1)
			rig_ids(&rig, 1, 6000 + pages, MSG_RETRY, 0, at.id);
	} while (rig.dead_more);
	ck_assert_uint_eq(seen, 3003);
	/* a page looks at so many only, whether they fit or not */
	f.error = span_str("rare");
	at = (struct msg_dead_cursor){ 0 };
	rig_forget(&rig);
	list(at, 256, f);
	ck_assert(rig.dead_more);
	for (pages = 1; rig.dead_more; pages++)
		list(rig.dead_next, 256, f);
	ck_assert_uint_eq(pages, 2);
	ck_assert(rig_has(&rig, " [3003 attempt=1 exit=3 by worker1 'rare']\n"));
}
END_TEST

RIG_MAIN("core_dead", one_is_retried, what_is_not_dead_is_not_retried, a_batch_counts_a_job_once,
         all_are_redriven_in_slices, some_are_redriven, a_death_without_an_attempt_has_no_error,
         a_redrive_keeps_to_its_rate, a_redrive_is_stopped, a_redrive_takes_those_that_were_dead_when_it_began,
         pages_hold_all_that_stay)
