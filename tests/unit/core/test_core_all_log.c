/* Traces: what the journal knows of a SUBMIT_ALL. Its jobs are there together after any crash, and so is its answer; a
 * payload that they share stands there once, also when the mover has written it again. */
#include "tests/unit/core/all_rig.h"

enum { BIG = 5000 };

static uint8_t bytes[BIG];

/* Bytes of the log so far. */
static uint64_t written(void)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < rig.n_blocks; i++)
		n += rig.blocks[i].facts;
	return n;
}

static void restart(bool trimmed)
{
	rig_restart(&rig, trimmed);
	rig_client(&rig, 1);
	rig_forget(&rig);
}

START_TEST(all_of_it_or_nothing_reaches_the_disk)
{
	uint32_t before = rig.n_blocks;

	part("a", "one");
	part("b", "two");
	share("c", 1);
	again(1);
	ck_assert_uint_eq(rig.n_blocks, before + 1);
	restart(false);
	again(1);
	rig_expect(&rig, "C1 all #1: 1 2 3\n");
	rig_keep_blocks(&rig, before);
	restart(false);
	ck_assert_uint_eq(jobs(), 0);
	again(1);
	rig_expect(&rig, "C1 all #1: 1 2 3\n");
	ck_assert_uint_eq(jobs(), 3);
}
END_TEST

START_TEST(a_mixed_answer_outlives_a_crash)
{
	part("a", "one")->key = span_str("k");
	send(1);
	part("b", "two");
	part("a", "three")->key = span_str("k");
	part("c", "four")->key = span_str("new");
	again(2);
	for (int i = 0; i < 2; i++) {
		restart(false);
		again(2);
		rig_expect(&rig, "C1 all #2: 2 1 3\n");
	}
	ck_assert_uint_eq(jobs(), 3);
	send(3); /* the keys do, too */
	rig_expect(&rig, "C1 all #3: 4 1 3\n");
}
END_TEST

START_TEST(a_delay_and_an_end_outlive_a_crash)
{
	part("a", "one")->delay_ms = 60000;
	part("a", "two")->within_ms = 90000;
	send(1);
	restart(false);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_DELAYED);
	ck_assert_int_eq(core_job_state(rig.core, 2), JOB_READY);
	rig_pass(&rig, 59000);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_DELAYED);
	rig_pass(&rig, 1000);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_READY);
	rig_pass(&rig, 30000);
	ck_assert_int_eq(core_job_state(rig.core, 2), JOB_EXPIRED);
}
END_TEST

START_TEST(a_shared_payload_stands_there_once)
{
	uint64_t before = written();

	part("a", "")->payload = span_of(bytes, BIG);
	for (int i = 0; i < 9; i++)
		share("a", 1);
	send(1);
	ck_assert_uint_lt(written() - before, BIG + 10 * 200);
	restart(false);
	rig_queue(&rig, 1, 2, "a", QUEUE_PEEK, 10);
	ck_assert(rig_has(&rig, " 1:4 (5000 bytes) 2:4 (5000 bytes)"));
	ck_assert(rig_has(&rig, " 10:4 (5000 bytes)"));
}
END_TEST

/* Rounds of work that end at once; the mover and the trimmer do theirs. */
static void wear(uint64_t *number, int rounds)
{
	struct msg_submit s = { .payloads = &(struct span){ .p = bytes, .n = 300 } };

	for (int i = 0; i < rounds; i++) {
		struct core_totals t;

		rig_client(&rig, 1);
		core_totals(rig.core, &t);
		rig_submit_as(&rig, 1, ++*number, "wear", 40, s);
		for (uint64_t k = 1; k <= 40; k++)
			rig_ids(&rig, 1, ++*number, MSG_CANCEL, 0, t.submitted + k);
		rig_pass(&rig, 1);
		if (rig.move != 0)
			rig_scan(&rig);
		rig_pass(&rig, 1);
	}
}

/* Bytes that the log is said to need. */
static uint64_t live(void)
{
	struct core_totals t;

	core_totals(rig.core, &t);
	return t.live_bytes;
}

START_TEST(the_mover_keeps_it_shared)
{
	uint64_t number = 2, mine = live();

	memset(bytes, 'x', sizeof bytes);
	part("a", "")->payload = span_of(bytes, BIG);
	share("b", 1)->key = span_str("k");
	share("c", 2)->within_ms = 1000000;
	share("d", 1)->delay_ms = 1000000;
	send(1);
	mine = live() - mine;
	ck_assert_uint_lt(mine, BIG + 4 * 300); /* each is charged with a fourth */
	ck_assert_uint_ge(mine, BIG);
	rig_ids(&rig, 1, 2, MSG_CANCEL, 0, 1); /* the one behind whose fact it stands */
	wear(&number, 60);
	ck_assert_uint_gt(rig.tail, 3 * rig.config.segment_bytes);
	for (int i = 0; i < 2; i++) {
		restart(i == 0); /* the second time old segments are still there */
		ck_assert_int_eq(core_job_state(rig.core, 2), JOB_READY);
		rig_queue(&rig, 1, ++number, "b", QUEUE_PEEK, 1);
		rig_queue(&rig, 1, ++number, "c", QUEUE_PEEK, 1);
		ck_assert(rig_has(&rig, " 2:4 (5000 bytes)"));
		ck_assert(rig_has(&rig, " 3:4 (5000 bytes)"));
		ck_assert_int_eq(core_job_state(rig.core, 4), JOB_DELAYED);
	}
}
END_TEST

/* A job that is left alone with a payload is charged with all of it once it has been moved. */
START_TEST(the_last_one_is_charged_with_all_of_it)
{
	uint64_t number = 11;

	part("a", "")->payload = span_of(bytes, BIG);
	for (int i = 1; i < 10; i++)
		share("a", 1);
	send(1);
	for (uint64_t id = 1; id < 10; id++)
		rig_ids(&rig, 1, id + 1, MSG_CANCEL, 0, id);
	wear(&number, 60);
	rig_queue(&rig, 1, ++number, "wear", QUEUE_PURGE, 0);
	rig_pass(&rig, 2 * DEFAULT_KEEP_MS); /* nothing else is kept */
	ck_assert_uint_ge(live(), BIG);
	ck_assert_uint_lt(live(), BIG + 1000);
	restart(true);
	ck_assert_uint_ge(live(), BIG);
	rig_queue(&rig, 1, ++number, "a", QUEUE_PEEK, 1);
	ck_assert(rig_has(&rig, " 10:4 (5000 bytes)"));
}
END_TEST

START_TEST(a_dead_letter_keeps_a_shared_payload)
{
	uint64_t number = 2;

	part("a", "")->payload = span_of(bytes, BIG);
	share("b", 1);
	send(1);
	rig_worker(&rig, 1, 1, "b", 1);
	rig_outcome(&rig, 1, 2, 1, VERDICT_FAILED);
	rig_ids(&rig, 1, 2, MSG_CANCEL, 0, 1);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 0, .received = 1 });
	ck_assert_int_eq(core_job_state(rig.core, 2), JOB_DEAD);
	wear(&number, 60);
	restart(true);
	rig_ids(&rig, 1, ++number, MSG_RETRY, 0, 2);
	rig_queue(&rig, 1, ++number, "b", QUEUE_PEEK, 1);
	ck_assert(rig_has(&rig, " 2:4 (5000 bytes)"));
}
END_TEST

START_TEST(answers_outlive_the_segment_they_were_given_in)
{
	uint64_t number = 0;

	rig_client(&rig, 2);
	part("a", "one")->key = span_str("k");
	part("b", "two");
	rig_request(&rig, 2, 1, MSG_SUBMIT_ALL, (struct msg){ .u.submit_all = { .v = parts, .n = 2 } });
	n_parts = 0;
	part("c", "three");
	part("a", "four")->key = span_str("k");
	rig_request(&rig, 2, 2, MSG_SUBMIT_ALL, (struct msg){ .u.submit_all = { .v = parts, .n = 2 } });
	wear(&number, 60);
	ck_assert_uint_gt(rig.tail, 3 * rig.config.segment_bytes);
	restart(true);
	rig_client(&rig, 2);
	rig_forget(&rig);
	for (uint64_t i = 1; i <= 2; i++)
		rig_request(&rig, 2, i, MSG_SUBMIT_ALL, (struct msg){ .u.submit_all = { .v = parts, .n = 2 } });
	rig_expect(&rig, "C2 all #1: 1 2\n"
	                 "C2 all #2: 3 1\n");
}
END_TEST

/* Each bit of the block, one at a time: the log is refused, or taken without a byte that is not its own. */
START_TEST(a_bit_that_is_wrong_does_no_harm)
{
	struct rig_block *b = &rig.blocks[rig.n_blocks];
	const char *why;

	part("a", "a payload for two queues")->key = span_str("k");
	share("b", 1)->delay_ms = 5;
	share("a", 2);
	part("a", "one")->key = span_str("k");
	send(1);
	for (uint32_t bit = 0; bit < 8 * b->facts; bit++) {
		struct core *c = core_new(&rig.config);
		bool taken = true;

		b->p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		for (uint32_t i = 0; i < rig.n_blocks && taken; i++)
			taken = core_replay(c, rig.blocks[i].at, span_of(rig.blocks[i].p, rig.blocks[i].facts), &why);
		b->p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		core_free(c);
	}
}
END_TEST

RIG_MAIN("core_all_log", a_bit_that_is_wrong_does_no_harm, all_of_it_or_nothing_reaches_the_disk,
         a_mixed_answer_outlives_a_crash, a_delay_and_an_end_outlive_a_crash, a_shared_payload_stands_there_once,
         the_mover_keeps_it_shared, the_last_one_is_charged_with_all_of_it, a_dead_letter_keeps_a_shared_payload,
         answers_outlive_the_segment_they_were_given_in)
