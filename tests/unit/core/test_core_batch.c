/* Traces: batches that are joined, what is submitted when they are complete, and crashes in between. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/core/rig.h"

static struct rig rig;
static uint64_t number; /* of client 1's last request */

static void setup(void)
{
	rig_init(&rig);
	rig_client(&rig, 1);
	number = 0;
}

static void teardown(void)
{
	rig_fini(&rig);
}

static void open_batch(struct msg_batch_open o)
{
	rig_request(&rig, 1, ++number, MSG_BATCH_OPEN, (struct msg){ .u.batch_open = o });
}

static void open_then(enum then_when when)
{
	open_batch((struct msg_batch_open){ .then_queue = span_str("next"),
	                                    .then_when = when,
	                                    .then_payload = span_str("all"),
	                                    .then_priority = 4,
	                                    .then_headers = span_of("A=b\0", 4) });
}

static void add(uint64_t batch, uint32_t n)
{
	rig_submit_as(&rig, 1, ++number, "q", n, (struct msg_submit){ .batch = batch, .priority = 4 });
}

static void close_batch(uint64_t batch)
{
	rig_one(&rig, 1, ++number, MSG_BATCH_CLOSE, batch);
}

/* What BATCH_GET says of it. */
static void expect_batch(uint64_t batch, const char *text)
{
	char line[160];

	rig_client(&rig, 1);
	rig_forget(&rig);
	rig_one(&rig, 1, ++number, MSG_BATCH_GET, batch);
	snprintf(line, sizeof line, "C1 batch #%llu %llu%s\n", (unsigned long long)number, (unsigned long long)batch,
	         text);
	rig_expect(&rig, line);
}

static uint64_t submitted(void)
{
	struct core_totals t;

	core_totals(rig.core, &t);
	return t.submitted;
}

START_TEST(the_job_that_follows_is_submitted_once_all_have_ended)
{
	open_then(THEN_SUCCESS);
	add(1, 2);
	rig_worker(&rig, 1, 2, "q", 2);
	rig_outcome(&rig, 1, 2, 1, VERDICT_DONE);
	close_batch(1);
	ck_assert_uint_eq(submitted(), 2);
	expect_batch(1, " closed total=2 ended=1 failed=0 then=next");
	rig_outcome(&rig, 1, 3, 2, VERDICT_DONE);
	ck_assert_uint_eq(submitted(), 3);
	expect_batch(1, " closed total=2 ended=2 failed=0 kept=2 then=4");
	rig_worker(&rig, 2, 1, "next", 1);
	rig_expect(&rig, "W2 answer settled=0\n"
	                 "S2 jobs 1: 4/3 attempt=1 'all'\n");
}
END_TEST

START_TEST(its_headers_say_what_it_follows)
{
	struct span headers = { 0 };

	open_then(THEN_ANY);
	close_batch(1);
	rig_forget(&rig);
	rig_one(&rig, 1, ++number, MSG_JOB_GET, 2);
	for (uint32_t i = 0; i < rig.fx.n; i++)
		if (rig.fx.v[i].kind == FX_REPLY)
			headers = rig.fx.v[i].u.msg->u.job_info.headers;
	ck_assert_uint_eq(headers.n, sizeof "A=b" + sizeof "batch=1" + sizeof "batch-failed=0");
	ck_assert_mem_eq(headers.p, "A=b\0batch=1\0batch-failed=0", headers.n);
}
END_TEST

START_TEST(it_follows_the_end_that_was_asked_for)
{
	static const struct {
		enum then_when when;
		bool fails;
		bool follows;
	} cases[] = { { THEN_SUCCESS, false, true }, { THEN_SUCCESS, true, false },  { THEN_ANY, false, true },
		      { THEN_ANY, true, true },      { THEN_FAILURE, false, false }, { THEN_FAILURE, true, true } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		rig_fini(&rig);
		setup();
		open_then(cases[i].when);
		add(1, 1);
		close_batch(1);
		rig_worker(&rig, 1, 1, "q", 1);
		rig_outcome(&rig, 1, 2, 1, cases[i].fails ? VERDICT_FAILED : VERDICT_DONE);
		ck_assert_msg(submitted() == 1u + cases[i].follows, "case %zu", i);
		ck_assert_int_eq(core_job_state(rig.core, 3), cases[i].follows ? JOB_READY : JOB_NONE);
	}
}
END_TEST

START_TEST(an_empty_batch_is_complete_when_it_is_closed)
{
	open_then(THEN_SUCCESS);
	ck_assert_uint_eq(submitted(), 0);
	close_batch(1);
	close_batch(1);
	ck_assert_uint_eq(submitted(), 1);
	expect_batch(1, " closed total=0 ended=0 failed=0 kept=0 then=2");
}
END_TEST

START_TEST(one_that_is_left_open_expires)
{
	open_batch((struct msg_batch_open){ .open_ms = 5000 });
	open_batch((struct msg_batch_open){ .then_queue = span_str("next"),
	                                    .then_when = THEN_FAILURE,
	                                    .then_payload = span_str("x"),
	                                    .open_ms = 5000 });
	add(2, 1);
	rig_ids(&rig, 1, 0, MSG_WAIT, 0, 1);
	rig_forget(&rig);
	rig_pass(&rig, 4000);
	ck_assert(!rig_has(&rig, "result"));
	rig_pass(&rig, 2000);
	rig_expect(&rig, "C1 result @0: 1 dead exit=1\n");
	add(1, 1);
	ck_assert(rig_has(&rig, "closed\n"));
	expect_batch(1, " closed total=0 ended=0 failed=0 expired kept=0");
	ck_assert_uint_eq(submitted(), 1); /* the other one's member goes on */
	rig_worker(&rig, 1, 1, "q", 1);
	rig_outcome(&rig, 1, 3, 1, VERDICT_DONE);
	ck_assert_uint_eq(submitted(), 2);
	expect_batch(2, " closed total=1 ended=1 failed=0 expired kept=1 then=4");
	rig_restart(&rig, true);
	expect_batch(2, " closed total=1 ended=1 failed=0 expired kept=1 then=4");
}
END_TEST

START_TEST(an_open_one_expires_after_a_crash_too)
{
	open_batch((struct msg_batch_open){ .open_ms = 5000 });
	rig_pass(&rig, 3000);
	rig_restart(&rig, true);
	expect_batch(1, " total=0 ended=0 failed=0");
	rig_pass(&rig, 3000);
	expect_batch(1, " closed total=0 ended=0 failed=0 expired kept=0");
}
END_TEST

START_TEST(refused_for_what_it_asks)
{
	static uint8_t big[30000];
	char many[130];

	for (int i = 0; i < 63; i++)
		memcpy(many + 2 * i, "A\0", 2);
	open_batch((struct msg_batch_open){ .then_payload = span_str("x") });
	open_batch((struct msg_batch_open){ .then_queue = span_str("next"), .then_payload = span_of(big, 30000) });
	open_batch((struct msg_batch_open){ .then_queue = span_str("next"), .then_headers = span_of(many, 126) });
	rig_expect(&rig, "C1 reply #1 bad-value\n"
	                 "C1 reply #2 too-large\n"
	                 "C1 reply #3 too-large\n");
	rig_step(&rig, &(struct event){ .kind = EV_DRAIN });
	open_batch((struct msg_batch_open){ .open_ms = 1 });
	rig_expect(&rig, "C1 reply #4 draining\n");
}
END_TEST

START_TEST(a_queue_that_a_batch_submits_to_is_not_deleted)
{
	open_then(THEN_SUCCESS);
	rig_forget(&rig);
	rig_queue(&rig, 1, ++number, "next", QUEUE_DELETE, 0);
	rig_expect(&rig, "C1 reply #2 bad-value\n");
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_forget(&rig);
	rig_queue(&rig, 1, ++number, "next", QUEUE_DELETE, 0);
	rig_expect(&rig, "C1 reply #3 bad-value\n");
	close_batch(1);
	ck_assert_int_eq(core_job_state(rig.core, 2), JOB_READY);
}
END_TEST

/* A story with two batches, one of which fails, in which something follows both. */
static void story(void)
{
	open_then(THEN_SUCCESS);
	open_then(THEN_FAILURE);
	add(1, 3);
	add(2, 2);
	rig_worker(&rig, 1, 8, "q", 8);
	rig_outcome(&rig, 1, 3, 1, VERDICT_DONE);
	close_batch(1);
	rig_outcome(&rig, 1, 4, 2, VERDICT_DONE);
	rig_outcome(&rig, 1, 6, 4, VERDICT_FAILED);
	rig_outcome(&rig, 1, 5, 3, VERDICT_DONE);
	close_batch(2);
	rig_outcome(&rig, 1, 7, 5, VERDICT_DONE);
}

/* Whatever was lost in the crash is done: both batches are closed and each member has ended. */
static void rest_of_the_story(void)
{
	rig_client(&rig, 1);
	number += 100;
	for (uint64_t b = 1; b <= 2; b++)
		close_batch(b);
	rig_worker(&rig, 1, 8, "q", 8);
	for (int round = 0; round < 8; round++) {
		for (uint64_t id = 3; id <= 7; id++)
			rig_ids(&rig, 1, ++number, MSG_CANCEL, 0, id);
		rig_pass(&rig, 10);
	}
}

static uint64_t of_next(void)
{
	uint64_t n = 0;
	char *at;

	rig_forget(&rig);
	rig_describe(&rig);
	buf_put_u8(&rig.trace, 0);
	at = strstr((const char *)rig.trace.p, "[next workers=0 submitted=");
	if (at != NULL)
		n = strtoull(at + strlen("[next workers=0 submitted="), NULL, 10);
	rig_forget(&rig);
	return n;
}

START_TEST(each_crash_leaves_exactly_one_to_follow)
{
	uint32_t blocks, first;

	first = rig.n_blocks;
	story();
	blocks = rig.n_blocks;
	ck_assert_uint_eq(of_next(), 2);
	for (uint32_t keep = first; keep <= blocks; keep++) {
		uint64_t n = 0;

		rig_fini(&rig);
		setup();
		story();
		ck_assert_uint_eq(rig.n_blocks, blocks);
		rig_keep_blocks(&rig, keep);
		rig_restart(&rig, true);
		rest_of_the_story();
		/* batch 1 may have been cancelled into failure, then nothing follows it */
		for (uint64_t b = 1; b <= 2; b++) {
			rig_client(&rig, 1);
			rig_forget(&rig);
			rig_one(&rig, 1, ++number, MSG_BATCH_GET, b);
			n += rig_has(&rig, " then=");
			ck_assert_msg(rig_has(&rig, "unknown") ||
			                  rig_has(&rig, " then=") == (rig_has(&rig, "failed=0") == (b == 1)),
			              "after %u of %u blocks, batch %u", keep, blocks, (unsigned)b);
		}
		ck_assert_msg(of_next() == n, "after %u of %u blocks", keep, blocks);
		rig_restart(&rig, true);
		rig_pass(&rig, 10);
		ck_assert_msg(of_next() == n, "after %u of %u blocks and a second crash", keep, blocks);
	}
}
END_TEST

START_TEST(a_crash_between_the_last_end_and_what_follows_loses_nothing)
{
	uint32_t before;

	open_then(THEN_SUCCESS);
	add(1, 1);
	close_batch(1);
	rig_worker(&rig, 1, 1, "q", 1);
	before = rig.n_blocks;
	rig_outcome(&rig, 1, 2, 1, VERDICT_DONE);
	ck_assert_uint_eq(rig.n_blocks, before + 2); /* the end, and in a step of its own what follows */
	rig_keep_blocks(&rig, before + 1);
	rig_restart(&rig, true);
	rig_pass(&rig, 1);
	expect_batch(1, " closed total=1 ended=1 failed=0 kept=1 then=3");
	rig_restart(&rig, true);
	rig_pass(&rig, 1);
	ck_assert_uint_eq(submitted(), 2);
}
END_TEST

START_TEST(a_retry_of_the_opening_makes_no_second_one)
{
	open_then(THEN_SUCCESS);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_forget(&rig);
	number--;
	open_then(THEN_SUCCESS);
	rig_expect(&rig, "C1 reply #1 ok 1\n");
	close_batch(1);
	ck_assert_uint_eq(submitted(), 1);
}
END_TEST

START_TEST(it_goes_when_its_results_have_gone)
{
	struct core_totals t;

	add(0, 1);
	open_batch((struct msg_batch_open){ 0 });
	add(2, 2);
	close_batch(2);
	rig_worker(&rig, 1, 3, "q", 3);
	rig_outcome(&rig, 1, 3, 2, VERDICT_DONE);
	rig_pass(&rig, 2000);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 3, .received = 1, .started = 3 });
	rig_outcome(&rig, 1, 4, 3, VERDICT_FAILED);
	expect_batch(2, " closed total=2 ended=2 failed=1 kept=1");
	rig_pass(&rig, DEFAULT_KEEP_MS - 1000); /* one result's time is over */
	expect_batch(2, " closed total=2 ended=2 failed=1 kept=0");
	rig_pass(&rig, 2000);
	core_totals(rig.core, &t);
	ck_assert_uint_eq(t.batches, 0);
	rig_restart(&rig, true);
	rig_pass(&rig, 1);
	core_totals(rig.core, &t);
	ck_assert_uint_eq(t.batches, 0);
}
END_TEST

START_TEST(batches_outlive_the_segments_of_their_facts)
{
	static uint8_t bytes[300];
	struct msg_submit filler = { .payloads = &(struct span){ .p = bytes, .n = sizeof bytes } };
	uint64_t from;

	open_then(THEN_SUCCESS);
	add(1, 2);
	from = 4;
	for (int i = 0; i < 60; i++) {
		rig_submit_as(&rig, 1, ++number, "other", 40, filler);
		for (uint64_t k = 0; k < 40; k++)
			rig_ids(&rig, 1, ++number, MSG_CANCEL, 0, from++);
		rig_pass(&rig, 1);
		if (rig.move != 0)
			rig_scan(&rig);
		rig_pass(&rig, 1);
		rig_client(&rig, 1);
	}
	ck_assert_uint_gt(rig.tail, 3 * rig.config.segment_bytes);
	rig_restart(&rig, true);
	expect_batch(1, " total=2 ended=0 failed=0 then=next");
	close_batch(1);
	rig_ids(&rig, 1, ++number, MSG_CANCEL, 0, 2);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_outcome(&rig, 1, 3, 1, VERDICT_DONE);
	expect_batch(1, " closed total=2 ended=2 failed=1 kept=2");
	rig_restart(&rig, false);
	expect_batch(1, " closed total=2 ended=2 failed=1 kept=2");
}
END_TEST

RIG_MAIN("core_batch", the_job_that_follows_is_submitted_once_all_have_ended, its_headers_say_what_it_follows,
         it_follows_the_end_that_was_asked_for, an_empty_batch_is_complete_when_it_is_closed,
         one_that_is_left_open_expires, an_open_one_expires_after_a_crash_too, refused_for_what_it_asks,
         a_queue_that_a_batch_submits_to_is_not_deleted, each_crash_leaves_exactly_one_to_follow,
         a_crash_between_the_last_end_and_what_follows_loses_nothing, a_retry_of_the_opening_makes_no_second_one,
         it_goes_when_its_results_have_gone, batches_outlive_the_segments_of_their_facts)
