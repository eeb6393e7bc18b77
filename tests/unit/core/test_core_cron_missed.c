/* Schedules in the core: whatever clocks and crashes do, each tick is settled once. See cron_rig.h for the times. */
#include <stdlib.h>

#include "tests/unit/core/cron_rig.h"

/* ---- missed ---- */

START_TEST(missed_while_it_was_down)
{
	add("once", "*/10 * * * *");
	add_skip("skip", "*/10 * * * *");
	minutes(7); /* both have run once */
	expect_list(" [once next=16 last=6 job=1 jobs=1 missed=0] [skip next=16 last=6 job=2 jobs=1 missed=0]");
	down((uint64_t)55 * 60000); /* 16, 26, 36, 46, 56 are passed over, it is 62 now */
	minutes(1);
	expect_list(" [once next=66 last=56 job=3 jobs=2 missed=4] [skip next=66 last=6 job=2 jobs=1 missed=5]");
	ck_assert_str_eq(header(3, "due"), "2023-11-14T23:10:00Z");
	minutes(4);
	expect_list(" [once next=76 last=66 job=4 jobs=3 missed=4] [skip next=76 last=66 job=5 jobs=2 missed=5]");
}
END_TEST

START_TEST(late_is_not_missed)
{
	add_skip("skip", "*/10 * * * *");
	rig_pass(&rig, 5 * 60000 + 59000);
	down(61000); /* due a minute ago */
	rig_pass(&rig, 0);
	expect_list(" [skip next=16 last=6 job=1 jobs=1 missed=0]");
	minutes(8);
	down((uint64_t)61 * 60000 + 59999); /* 16 to 76; the last is nearly a minute old */
	rig_pass(&rig, 0);
	expect_list(" [skip next=86 last=76 job=2 jobs=2 missed=6]");
}
END_TEST

START_TEST(half_of_every_is_late)
{
	add_skip("skip", "@every 10s");
	rig_pass(&rig, 11000);
	down(14001); /* 20 was due 5001 ms ago */
	rig_pass(&rig, 0);
	expect_list(" [skip next=0:30.00 last=0:10.00 job=1 jobs=1 missed=1]");
	down(9999); /* 30 was due 5000 ms ago */
	rig_pass(&rig, 0);
	expect_list(" [skip next=0:40.00 last=0:30.00 job=2 jobs=2 missed=1]");
}
END_TEST

/* A clock that is put forward passes over ticks; one that is put back repeats none. */
START_TEST(the_wall_is_set)
{
	add("once", "*/10 * * * *");
	add_skip("skip", "*/10 * * * *");
	rig.now.wall_ms += (uint64_t)34 * 60000; /* 6, 16, 26 */
	rig_pass(&rig, 1000);
	expect_list(" [once next=36 last=26 job=1 jobs=1 missed=2] [skip next=36 jobs=0 missed=3]");
	rig.now.wall_ms -= (uint64_t)30 * 60000;
	minutes(29);
	expect_list(" [once next=36 last=26 job=1 jobs=1 missed=2] [skip next=36 jobs=0 missed=3]");
	minutes(4);
	expect_list(" [once next=46 last=36 job=2 jobs=2 missed=2] [skip next=46 last=36 job=3 jobs=1 missed=3]");
}
END_TEST

START_TEST(very_many_are_missed)
{
	add("once", "* * * * *");
	down((uint64_t)400 * 24 * 3600 * 1000 + 30000);
	rig_pass(&rig, 0);
	expect_list(" [once next=576001 last=576000 job=1 jobs=1 missed=999]"); /* no more than 1000 are counted */
	minutes(1);
	expect_list(" [once next=576002 last=576001 job=2 jobs=2 missed=999]");
}
END_TEST

/* ---- held ---- */

START_TEST(a_full_disk_holds_it)
{
	add("once", "*/5 * * * *");
	add_skip("skip", "*/5 * * * *");
	rig_step(&rig, &(struct event){ .kind = EV_SPACE, .flag = true });
	rig_pass(&rig, 90000);
	expect_list(" [once next=1 jobs=0 missed=0 trouble='its job waits: the broker's disk is full']"
	            " [skip next=1 jobs=0 missed=0 trouble='its job waits: the broker's disk is full']");
	minutes(1); /* too late for the one that skips: it has no job to wait with */
	expect_list(" [once next=1 jobs=0 missed=0 trouble='its job waits: the broker's disk is full']"
	            " [skip next=6 jobs=0 missed=1]");
	minutes(10);
	rig_step(&rig, &(struct event){ .kind = EV_SPACE });
	rig_pass(&rig, 1000);
	expect_list(" [once next=16 last=11 job=1 jobs=1 missed=2] [skip next=16 jobs=0 missed=3]");
}
END_TEST

START_TEST(a_short_pressure_does_no_harm)
{
	add_skip("skip", "*/5 * * * *");
	rig_step(&rig, &(struct event){ .kind = EV_PRESSURE, .flag = true });
	rig_pass(&rig, 70000);
	rig_step(&rig, &(struct event){ .kind = EV_PRESSURE });
	rig_pass(&rig, 1000);
	expect_list(" [skip next=6 last=1 job=1 jobs=1 missed=0]");
}
END_TEST

START_TEST(a_drain_holds_it_for_the_next_broker)
{
	add("once", "*/5 * * * *");
	rig_step(&rig, &(struct event){ .kind = EV_DRAIN });
	minutes(2);
	expect_list(" [once next=1 jobs=0 missed=0 trouble='its job waits: the broker is going down']");
	down(1000);
	rig_pass(&rig, 0);
	expect_list(" [once next=6 last=1 job=1 jobs=1 missed=0]");
}
END_TEST

/* ---- never twice ---- */

/* After every step the broker may crash, and what it wrote is all that is left. */
START_TEST(a_crash_at_any_step)
{
	uint32_t blocks = 0;

	add("a", "* * * * *");
	add("b", "@every 40s");
	for (int i = 0; i < 200; i++) {
		rig_pass(&rig, 10000);
		if (rig.n_blocks == blocks)
			continue;
		blocks = rig.n_blocks;
		rig_restart(&rig, i % 2);
		rig_client(&rig, 1);
		rig_forget(&rig);
	}
	/* 2000 s: ticks of a at 60, 120, … 1980; of b at 40, 80, … 2000 */
	ask(MSG_CRON_LIST, 900, (struct msg){ 0 });
	ck_assert(rig_has(&rig, " jobs=33 missed=0]"));
	ck_assert(rig_has(&rig, " jobs=50 missed=0]"));
	rig_forget(&rig);
	ask(MSG_QUEUE_LIST, 901, (struct msg){ 0 });
	rig_expect(&rig, "C1 queues #901 [q workers=0 submitted=83 ready=83 kept=0]\n");
}
END_TEST

/* The block with a tick is lost before it was synced: nobody has seen it, and it comes again, once. */
START_TEST(an_unsynced_tick_is_as_if_it_had_never_been)
{
	add("a", "* * * * *");
	rig_pass(&rig, 60000);
	expect_list(" [a next=2 last=1 job=1 jobs=1 missed=0]");
	free(rig.blocks[--rig.n_blocks].p);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_pass(&rig, 0);
	expect_list(" [a next=2 last=1 job=1 jobs=1 missed=0]");
	rig_forget(&rig);
	ask(MSG_QUEUE_LIST, 901, (struct msg){ 0 });
	rig_expect(&rig, "C1 queues #901 [q workers=0 submitted=1 ready=1 kept=0]\n");
}
END_TEST

START_TEST(it_survives_a_trimmed_log)
{
	struct msg_cron k = cron("a", "@every 1s");
	static uint8_t big[LIMIT_CRON_PAYLOAD];

	k.payload = span_of(big, sizeof big);
	add_as(k, 0);
	add("b", "0 0 1 1 *");
	rig_worker(&rig, 1, 1, "q", 1);
	rig.quiet = true;
	for (uint64_t i = 1; rig.tail < 5 * 64 * KIB && i < 400; i++) {
		rig_pass(&rig, 1000);
		if (rig.move > 0)
			rig_scan(&rig);
		rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = i });
		rig_outcome(&rig, 1, i, i, VERDICT_DONE);
	}
	rig.quiet = false;
	ck_assert_uint_ge(rig.tail, 5 * 64 * KIB);
	for (int trimmed = 0; trimmed < 2; trimmed++) {
		rig_restart(&rig, trimmed == 0);
		rig_client(&rig, 1);
		rig_forget(&rig);
		ask(MSG_CRON_LIST, 900, (struct msg){ 0 });
		ck_assert(rig_has(&rig, " missed=0] [b next=67786 jobs=0 missed=0]"));
	}
}
END_TEST

/* What is on a disk may be anything: a schedule's fact is taken or refused, and what is taken does no harm. */
START_TEST(spoiled_facts)
{
	struct msg_cron k = cron("tidy", "*/5 * * * *");
	uint32_t from = rig.n_blocks, taken = 0, refused = 0;
	const char *why;

	k.zone = span_str("UTC");
	k.headers = span_of("A=b", 4);
	add_as(k, 0);
	op("tidy", CRON_PAUSE);
	op("tidy", CRON_RM);
	for (uint32_t b = from; b < rig.n_blocks; b++) {
		for (uint32_t i = 0; i < 8 * rig.blocks[b].facts; i++) {
			struct core *c = core_new(&rig.config);
			struct event tick = { .kind = EV_TICK };
			struct now later = rig.now;

			rig.blocks[b].p[i / 8] ^= (uint8_t)(1 << i % 8);
			if (core_replay(c, rig.blocks[0].at, span_of(rig.blocks[b].p, rig.blocks[b].facts), &why)) {
				core_start(c, later, 0, 64 * KIB, &rig.fx);
				later.wall_ms += 3600000;
				later.mono_ms += 3600000;
				core_step(c, later, &tick, &rig.fx);
				taken++;
			} else {
				refused++;
			}
			rig.blocks[b].p[i / 8] ^= (uint8_t)(1 << i % 8);
			core_free(c);
		}
	}
	ck_assert_uint_gt(taken, 0);
	ck_assert_uint_gt(refused, 0);
}
END_TEST

RIG_MAIN("cron-missed", missed_while_it_was_down, late_is_not_missed, half_of_every_is_late, the_wall_is_set,
         very_many_are_missed, a_full_disk_holds_it, a_short_pressure_does_no_harm,
         a_drain_holds_it_for_the_next_broker, a_crash_at_any_step, an_unsynced_tick_is_as_if_it_had_never_been,
         it_survives_a_trimmed_log, spoiled_facts)
