/* Traces: dead letters last as long as they should, and no longer: over crashes and moves, up to their bounds. */
#include <stdlib.h>

#include "tests/unit/core/letters.h"

START_TEST(what_was_purged_is_gone_for_good)
{
	for (int trimmed = 0; trimmed < 2; trimmed++) {
		rig_worker(&rig, 1, 1, "q", 0);
		die(1000, "bad");
		die(1000, "bad");
		no_more_jobs();
		rig_forget(&rig);
		op(50, DEAD_PURGE, (struct msg_dead_op){ .limit = 1999 });
		ck_assert(rig_has(&rig, "C1 reply #50 ok 1999\n"));
		restart(trimmed);
		ck_assert_int_eq(core_job_state(rig.core, ids), JOB_DEAD);
		ck_assert_int_eq(core_job_state(rig.core, ids - 1), JOB_NONE);
		rig_ids(&rig, 1, 51, MSG_RETRY, 0, ids - 1);
		rig_expect(&rig, "C1 reply #51 gone\n");
		op(52, DEAD_PURGE, (struct msg_dead_op){ 0 });
		number = 100000;
	}
	expect_queue("workers=0 submitted=4000 dead=4000 letters=0 forgotten=4000 kept=0");
}
END_TEST

/* A crash in the middle of a purge leaves the rest, and no more. */
START_TEST(a_crash_cuts_a_purge)
{
	uint64_t left;

	rig_worker(&rig, 1, 1, "q", 0);
	for (int i = 0; i < 3; i++)
		die(1000, "bad");
	no_more_jobs();
	op(50, DEAD_PURGE, (struct msg_dead_op){ 0 });
	rig.n_blocks--; /* the last slice never reached the disk */
	free(rig.blocks[rig.n_blocks].p);
	restart(false);
	left = 3000 % STEP_WORK;
	for (uint64_t id = 1; id <= 3000; id++)
		ck_assert_int_eq(core_job_state(rig.core, id), id > 3000 - left ? JOB_DEAD : JOB_NONE);
}
END_TEST

START_TEST(a_deleted_queue_takes_them_with_it)
{
	rig_worker(&rig, 1, 1, "q", 0);
	die(1000, "bad");
	die(1000, "bad");
	rig_bye(&rig, 1, rig.results[1]);
	rig_pass(&rig, 10);
	rig_forget(&rig);
	rig_queue(&rig, 1, 50, "q", QUEUE_DELETE, 0);
	rig_queue(&rig, 1, 51, "q", QUEUE_SHOW, 0);
	ck_assert(rig_has(&rig, "C1 reply #50 ok\n"));
	ck_assert(rig_has(&rig, "C1 reply #51 unknown\n"));
	restart(true);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_NONE);
}
END_TEST

START_TEST(too_many_of_them_stop_submits)
{
	rig.config.dead_max = 3;
	restart(true);
	rig_worker(&rig, 1, 1, "q", 0);
	die(4, "bad"); /* all are kept, they were accepted */
	no_more_jobs();
	rig_forget(&rig);
	rig_submit(&rig, 1, 50, "q", 1);
	rig_submit(&rig, 1, 51, "other", 1);
	op(52, DEAD_PURGE, (struct msg_dead_op){ .limit = 1 });
	rig_submit(&rig, 1, 53, "q", 1);
	op(54, DEAD_PURGE, (struct msg_dead_op){ .limit = 1 });
	rig_submit(&rig, 1, 55, "q", 1);
	rig_expect(&rig, "C1 reply #50 full\n"
	                 "C1 accepted #51: 5..5\n"
	                 "C1 reply #52 ok 1\n"
	                 "C1 reply #53 full\n"
	                 "C1 reply #54 ok 1\n"
	                 "C1 accepted #55: 6..6\n");
}
END_TEST

START_TEST(old_ones_go_where_that_is_set)
{
	rig_worker(&rig, 1, 1, "q", 0);
	die(1000, "bad");
	die(500, "bad");
	rig_bye(&rig, 1, rig.results[1]);
	rig.quiet = true;
	rig_pass(&rig, 1000 * 3600 * 24 * (uint64_t)100); /* nothing is set: they stay */
	rig.quiet = false;
	rig_client(&rig, 1);
	expect_queue("workers=0 submitted=1500 dead=1500 kept=0");
	rig_set(&rig, 1, ++number, "q", "keep-dead", 3600000);
	rig_pass(&rig, 10);
	ck_assert_int_eq(core_job_state(rig.core, ids), JOB_NONE);
	rig_worker(&rig, 2, 1, "other", 0);
	rig_worker(&rig, 1, 1, "q", 0);
	restart(true);
	rig_worker(&rig, 1, 1, "q", 0);
	die(2, "bad");
	rig_bye(&rig, 1, rig.results[1]);
	rig_pass(&rig, 3599999);
	ck_assert_int_eq(core_job_state(rig.core, ids), JOB_DEAD);
	restart(true);
	ck_assert_int_eq(core_job_state(rig.core, ids), JOB_DEAD);
	rig_pass(&rig, 2);
	ck_assert_int_eq(core_job_state(rig.core, ids), JOB_NONE);
	restart(true);
	ck_assert_int_eq(core_job_state(rig.core, ids), JOB_NONE);
	rig_queue(&rig, 1, 90, "q", QUEUE_SHOW, 0);
	rig_expect(&rig, "C1 queues #90 [q workers=0 submitted=1502 dead=1502 letters=0 forgotten=1502 kept=0] "
	                 "keep-dead=3600000\n");
}
END_TEST

/* Worker 1 comes back with an outcome that it believes not to be durable: of a life that is over. */
START_TEST(what_ran_before_may_not_come_back)
{
	uint64_t token, id = 1;

	rig_worker(&rig, 1, 1, "q", 0);
	die(1, "bad");
	token = rig_token(&rig, 1);
	no_more_jobs();
	rig_ids(&rig, 1, 50, MSG_RETRY, 0, 1);
	for (int crash = 0; crash < 2; crash++) {
		if (crash)
			restart(true);
		rig.held = &token;
		rig.held_ids = &id;
		rig.n_held = 1;
		rig.held_state = HELD_FINISHED;
		rig_hello(&rig, crash ? 1 : 2, 1001, 1, "q");
		rig_forget(&rig);
		rig_socket(&rig, crash ? 1 : 2);
		ck_assert(rig_has(&rig, "dropped=1"));
		ck_assert_int_eq(core_job_state(rig.core, 1), JOB_READY);
	}
}
END_TEST

/* In the log whole, and cut: what is there after a restart is what was there before. */
static void expect_lasting(const char *queue, const char *jobs)
{
	for (int trimmed = 0; trimmed < 3; trimmed++) {
		if (trimmed > 0)
			restart(trimmed == 2);
		rig_client(&rig, 1);
		rig_forget(&rig);
		rig_queue(&rig, 1, 9000, "q", QUEUE_SHOW, 0);
		rig_expect(&rig, queue);
		rig.attempts = true;
		for (uint64_t id = 1; id <= 5; id++)
			rig_one(&rig, 1, 9000 + id, MSG_JOB_GET, id);
		rig_expect(&rig, jobs);
	}
}

/* Job 1 stays dead, 2 is redriven, 3 purged; 4 had an expiry that its death has ended, and is redriven; 5 is redriven
 * and dies again. */
static void five_fates(void)
{
	struct msg_submit brief = { .attempts = 1, .terms = { .expires_ms = rig.now.wall_ms + 60000 } };

	rig_worker(&rig, 1, 1, "q", 0);
	die(1, "bad");
	die(1, "bad");
	die(1, "void");
	rig_submit_as(&rig, 1, ++number, "q", 1, brief);
	lose(4, 1, "late");
	ids = 4;
	die(1, "poor");
	rig_ids(&rig, 1, ++number, MSG_RETRY, 0, 5); /* granted at once */
	lose(5, 1, "worse");
	no_more_jobs();
	op(++number, DEAD_PURGE, (struct msg_dead_op){ .filter.error = span_str("void") });
	rig_ids(&rig, 1, ++number, MSG_RETRY, 0, 2);
	rig_ids(&rig, 1, ++number, MSG_RETRY, 0, 4);
	rig_bye(&rig, 1, rig.results[1]);
	rig_pass(&rig, 10);
}

static const char five_jobs[] =
    "C1 job #9001 1 dead attempt=1/1 deliveries=0 [2 by worker1 exit=3 'bad']\n"
    "C1 job #9002 2 ready attempt=0/1 deliveries=0 [2 by worker1 exit=3 'bad']\n"
    "C1 reply #9003 gone\n"
    "C1 job #9004 4 ready attempt=0/1 deliveries=0 [2 by worker1 exit=3 'late']\n"
    "C1 job #9005 5 dead attempt=1/1 deliveries=0 [2 by worker1 exit=3 'poor'] [2 by worker1 exit=3 'worse']\n";
static const char five_counts[] =
    "C1 queues #9000 [q workers=0 submitted=5 ready=2 dead=6 letters=2 redriven=3 forgotten=1 kept=0]\n";

START_TEST(letters_outlive_a_restart)
{
	five_fates();
	expect_lasting(five_counts, five_jobs);
	rig_pass(&rig, 120000); /* beyond that expiry */
	expect_lasting(five_counts, five_jobs);
}
END_TEST

START_TEST(letters_outlive_their_segments)
{
	five_fates();
	wear(60);
	ck_assert_uint_gt(rig.tail, 0);
	expect_lasting(five_counts, five_jobs);
	rig_pass(&rig, 120000);
	expect_lasting(five_counts, five_jobs);
	wear(60); /* and what was written again is written again */
	expect_lasting(five_counts, five_jobs);
	/* they are listed in the order in which they died, though their facts no longer stand in it */
	list((struct msg_dead_cursor){ 0 }, 10, (struct msg_dead_filter){ 0 });
	ck_assert(rig_has(&rig, " [1 attempt=1 exit=3 by worker1 'bad'] [5 attempt=1 exit=3 by worker1 'worse']\n"));
	rig_worker(&rig, 1, 3, "q", 3);
	rig_forget(&rig);
	op(++number, DEAD_REDRIVE, (struct msg_dead_op){ .limit = 1 });
	ck_assert(rig_has(&rig, ": 1/3 attempt=1 'p'\n")); /* with its payload */
}
END_TEST

/* A payload that is written again stands behind the death that came before, so its segment lasts longer: in between the
 * log knows of no death any more. */
START_TEST(a_purge_outlives_the_death)
{
	for (int wait = 1; wait < 24; wait += 2) {
		uint64_t id;

		rig_worker(&rig, 1, 1, "q", 0);
		id = run(1, 0);
		wear(6);
		lose(id, 1, "bad");
		wear(wait);
		op(++number, DEAD_PURGE, (struct msg_dead_op){ 0 });
		rig_pass(&rig, 1);
		for (int i = 0; i < 16; i++) {
			wear(2);
			restart(true);
			ck_assert_int_eq(core_job_state(rig.core, id), JOB_NONE);
		}
		teardown();
		setup();
	}
}
END_TEST

RIG_MAIN("core_letters", what_was_purged_is_gone_for_good, a_crash_cuts_a_purge, a_deleted_queue_takes_them_with_it,
         too_many_of_them_stop_submits, old_ones_go_where_that_is_set, what_ran_before_may_not_come_back,
         letters_outlive_a_restart, letters_outlive_their_segments, a_purge_outlives_the_death)
