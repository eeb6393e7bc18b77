/* Traces: the broker crashes and starts again from its facts; segments are moved and trimmed meanwhile. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/core/rig.h"

static struct rig rig;

static void setup(void)
{
	rig_init(&rig);
	rig_client(&rig, 1);
}

static void teardown(void)
{
	rig_fini(&rig);
}

/* What rig_describe writes, as a copy; the caller frees it. */
static char *described(void)
{
	char *text;

	rig_forget(&rig);
	rig_describe(&rig);
	text = strndup((const char *)rig.trace.p, rig.trace.n);
	ck_assert_ptr_nonnull(text);
	rig_forget(&rig);
	return text;
}

/* A restart changes nothing that people see, but that workers are gone. */
static void restart_changes_nothing(bool trimmed)
{
	char *before = described(), *after;

	rig_restart(&rig, trimmed);
	after = described();
	/* the number of the request is the time, which has stood still */
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}

START_TEST(the_epoch_grows_and_tokens_with_it)
{
	uint64_t epoch = core_epoch(rig.core);

	rig_submit(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_restart(&rig, true);
	ck_assert_uint_eq(core_epoch(rig.core), epoch + 1);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_READY); /* its lease was too young to be a fact */
	rig_forget(&rig);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_expect(&rig, "W1 answer settled=0\n"
	                 "S1 jobs 1: 1/1 attempt=1 'p'\n"); /* 1 of the new epoch */
	ck_assert_uint_gt(rig_token(&rig, 1), epoch << 32 | UINT32_MAX);
}
END_TEST

START_TEST(epochs_are_never_used_twice)
{
	for (int i = 0; i < 5; i++)
		rig_restart(&rig, true);
	ck_assert_uint_eq(core_epoch(rig.core), 6);
}
END_TEST

START_TEST(jobs_of_every_kind_are_there_again)
{
	struct msg_submit in_batch = { .batch = 1, .headers = span_of("A=b\0", 4), .priority = 7 };

	rig_one(&rig, 1, 1, MSG_BATCH_OPEN, 0);
	rig_submit_as(&rig, 1, 2, "q", 2, in_batch);
	rig_submit_as(&rig, 1, 3, "r", 3, (struct msg_submit){ .attempts = 3 });
	rig_queue(&rig, 1, 4, "q", QUEUE_PAUSE, 0);
	rig_worker(&rig, 1, 3, "r", 3);
	rig_outcome(&rig, 1, 4, 1, VERDICT_DONE);
	rig_outcome(&rig, 1, 5, 2, VERDICT_FAILED);
	rig_ids(&rig, 1, 5, MSG_CANCEL, 0, 2);
	rig_bye(&rig, 1, 0);
	restart_changes_nothing(true);
	restart_changes_nothing(false);
	rig_client(&rig, 1);
	rig_one(&rig, 1, 6, MSG_JOB_GET, 5);
	rig_one(&rig, 1, 7, MSG_BATCH_GET, 1);
	rig_one(&rig, 1, 8, MSG_RESULT_GET, 4);
	rig_expect(&rig, "C1 job #6 5 ready attempt=1/3 deliveries=0\n"
	                 "C1 batch #7 1 total=2 ended=1 failed=1\n"
	                 "C1 result #8: 4 done attempt=1 'good'\n");
}
END_TEST

START_TEST(an_answer_is_remembered)
{
	rig_submit(&rig, 1, 1, "q", 2);
	rig_one(&rig, 1, 2, MSG_BATCH_OPEN, 0);
	rig_submit_as(&rig, 1, 3, "q", 1, (struct msg_submit){ .answered = 1 });
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_forget(&rig);
	rig_submit_as(&rig, 1, 3, "q", 1, (struct msg_submit){ .flags = SUBMIT_AGAIN, .answered = 1 });
	rig_one(&rig, 1, 2, MSG_BATCH_OPEN, 0);
	rig_submit_as(&rig, 1, 1, "q", 2, (struct msg_submit){ .flags = SUBMIT_AGAIN });
	rig_submit(&rig, 1, 4, "q", 1);
	rig_expect(&rig, "C1 accepted #3: 4..4\n"
	                 "C1 reply #2 ok 3\n"
	                 "C1 reply #1 unknown-outcome\n"
	                 "C1 accepted #4: 5..5\n");
}
END_TEST

START_TEST(what_a_crash_undid_is_done_by_the_retry)
{
	rig_submit(&rig, 1, 1, "q", 1);
	rig.n_blocks--; /* it never reached the disk, and nobody was answered */
	free(rig.blocks[rig.n_blocks].p);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_forget(&rig);
	rig_submit_as(&rig, 1, 1, "q", 1, (struct msg_submit){ .flags = SUBMIT_AGAIN });
	rig_expect(&rig, "C1 accepted #1: 1..1\n");
}
END_TEST

/* One job in the hands of worker 1 for so long that its lease is a fact; then a crash. */
static uint64_t old_lease(void)
{
	uint64_t token = rig_token(&rig, 1);

	rig_submit(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 1, 1, "q", 1);
	for (int i = 0; i < 4; i++) {
		rig_pass(&rig, 500);
		rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 1, .started = 1 });
	}
	rig_restart(&rig, true);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_RUNNING);
	return token;
}

START_TEST(an_old_lease_is_held_for_its_worker)
{
	uint64_t token = old_lease(), id = 1;

	rig_worker(&rig, 1, 1, "q", 1); /* another one, for whom there is nothing */
	rig_forget(&rig);
	rig.held = &token;
	rig.held_ids = &id;
	rig.n_held = 1;
	rig_hello(&rig, 2, 77, 1, "q");
	rig_socket(&rig, 2);
	rig_expect(&rig, "S2 open\n"
	                 "W2 welcome\n"
	                 "S2 nonce\n");
	rig_client(&rig, 1);
	rig_ids(&rig, 1, 0, MSG_WAIT, 0, 1);
	rig_outcome(&rig, 2, 1, token, VERDICT_DONE); /* the token of the epoch before */
	rig_expect(&rig, "C1 result @0: 1 done attempt=1 'good'\n");
}
END_TEST

START_TEST(an_old_lease_goes_on_when_its_worker_does_not_come)
{
	old_lease();
	rig_worker(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig_pass(&rig, DEFAULT_LIVENESS_MS - 100);
	ck_assert(!rig_has(&rig, "jobs"));
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1 });
	rig_pass(&rig, 200);
	ck_assert(rig_has(&rig, "S1 jobs 1: 1/1 attempt=1 'p'\n"));
	rig_client(&rig, 1);
	rig_forget(&rig);
	rig_one(&rig, 1, 2, MSG_JOB_GET, 1);
	rig_expect(&rig, "C1 job #2 1 running attempt=1/1 deliveries=1 by worker1\n");
}
END_TEST

START_TEST(deliveries_add_up_over_crashes)
{
	rig_submit(&rig, 1, 1, "q", 1);
	for (int i = 1; i <= DEFAULT_DELIVERIES; i++) {
		ck_assert_int_eq(core_job_state(rig.core, 1), JOB_READY);
		rig_worker(&rig, 1, 1, "q", 1);
		rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 1, .started = 1 });
		rig_pass(&rig, 2600);
		rig_restart(&rig, true);
	}
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_DEAD);
}
END_TEST

/* Client 1 submits rounds of 40 jobs and cancels all but `stay` of each, and the mover does its work. */
static void wear(uint64_t *number, int rounds, uint32_t stay)
{
	static uint8_t bytes[300];
	struct msg_submit s = { .payloads = &(struct span){ .p = bytes, .n = sizeof bytes } };

	rig_client(&rig, 1);
	for (int i = 0; i < rounds; i++) {
		struct core_totals t;

		core_totals(rig.core, &t);
		rig_submit_as(&rig, 1, ++*number, "q", 40, s);
		for (uint64_t k = 1; k <= 40 - stay; k++)
			rig_ids(&rig, 1, ++*number, MSG_CANCEL, 0, t.submitted + k);
		rig_pass(&rig, 1);
		if (rig.move != 0)
			rig_scan(&rig);
		rig_pass(&rig, 1);
	}
	ck_assert_uint_gt(rig.tail, 0);
}

START_TEST(moved_and_trimmed_and_all_there)
{
	uint64_t number = 0;

	wear(&number, 60, 1);
	ck_assert(rig_has(&rig, "move\n"));
	ck_assert(rig_has(&rig, "trim\n"));
	restart_changes_nothing(true);
	rig_client(&rig, 1);
	for (uint64_t i = 1; i <= 60; i++)
		ck_assert_int_eq(core_job_state(rig.core, i * 40), JOB_READY);
	rig_queue(&rig, 1, ++number, "q", QUEUE_PEEK, 2); /* their payloads, too, and in their order */
	rig_expect(&rig, "C1 peeked #2401 40:0 (300 bytes) 80:0 (300 bytes)\n");
}
END_TEST

START_TEST(segments_that_were_given_up_may_still_be_there)
{
	uint64_t number = 0;

	wear(&number, 40, 1);
	/* a job stands there twice now, once moved; counts and states are those of before all the same */
	restart_changes_nothing(false);
	restart_changes_nothing(false);
}
END_TEST

START_TEST(a_moved_job_keeps_its_history)
{
	uint64_t number = 1, token = rig_token(&rig, 1), id = 1;

	rig_submit_as(&rig, 1, 1, "old", 1, (struct msg_submit){ .attempts = 9 });
	rig_worker(&rig, 1, 1, "old", 1);
	rig_outcome(&rig, 1, 1, 1, VERDICT_FAILED);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 2, .started = 2 });
	rig_pass(&rig, 2600); /* and a lost delivery */
	wear(&number, 40, 0);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_forget(&rig);
	rig_one(&rig, 1, ++number, MSG_JOB_GET, 1);
	ck_assert(rig_has(&rig, " 1 ready attempt=1/9 deliveries=1\n"));
	/* what ran before and was counted may not come back */
	rig.held = &token;
	rig.held_ids = &id;
	rig.n_held = 1;
	rig_hello(&rig, 1, 1001, 1, "old");
	rig_forget(&rig);
	rig_socket(&rig, 1);
	rig_expect(&rig, "W1 welcome dropped=1\n"
	                 "S1 nonce\n");
}
END_TEST

START_TEST(answers_outlive_the_segment_they_were_given_in)
{
	uint64_t number = 0;

	rig_client(&rig, 2);
	rig_submit(&rig, 2, 1, "other", 1);
	rig_ids(&rig, 2, 2, MSG_CANCEL, 0, 1);
	wear(&number, 40, 0);
	rig_restart(&rig, true);
	rig_client(&rig, 2);
	rig_forget(&rig);
	rig_submit_as(&rig, 2, 1, "other", 1, (struct msg_submit){ .flags = SUBMIT_AGAIN });
	rig_expect(&rig, "C2 accepted #1: 1..1\n");
}
END_TEST

START_TEST(a_fact_of_a_newer_version_is_refused)
{
	uint8_t newer[8] = { 99, 1, 0, 0, 0, 0, 0, 0 };
	struct core *c = core_new(&rig.config);
	const char *why = "";

	ck_assert(!core_replay(c, LOG_SEGMENT_HEADER, span_of(newer, sizeof newer), &why));
	ck_assert_str_ne(why, "");
	core_free(c);
	c = core_new(&rig.config);
	newer[0] = 1;
	newer[1] = 9;
	ck_assert(!core_replay(c, LOG_SEGMENT_HEADER, span_of(newer, sizeof newer), &why));
	core_free(c);
}
END_TEST

RIG_MAIN("core_restart", the_epoch_grows_and_tokens_with_it, epochs_are_never_used_twice,
         jobs_of_every_kind_are_there_again, an_answer_is_remembered, what_a_crash_undid_is_done_by_the_retry,
         an_old_lease_is_held_for_its_worker, an_old_lease_goes_on_when_its_worker_does_not_come,
         deliveries_add_up_over_crashes, moved_and_trimmed_and_all_there,
         segments_that_were_given_up_may_still_be_there, a_moved_job_keeps_its_history,
         answers_outlive_the_segment_they_were_given_in, a_fact_of_a_newer_version_is_refused)
