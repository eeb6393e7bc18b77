/* Schedules in the core: what is due is submitted, and what clients may do to schedules. See cron_rig.h for the times.
 */
#include "tests/unit/core/cron_rig.h"

/* ---- in time ---- */

START_TEST(it_submits_when_it_is_due)
{
	add("tidy", "*/5 * * * *");
	rig_expect(&rig, "C1 crons #1 added [tidy next=1 jobs=0 missed=0]\n");
	rig_pass(&rig, 59999);
	expect_list(" [tidy next=1 jobs=0 missed=0]");
	rig_pass(&rig, 1);
	expect_list(" [tidy next=6 last=1 job=1 jobs=1 missed=0]");
	minutes(15);
	expect_list(" [tidy next=21 last=16 job=4 jobs=4 missed=0]");
	rig_worker(&rig, 1, 1, "q", 1);
	ck_assert(rig_has(&rig, "S1 jobs 1: 1/1 attempt=1 'p'\n"));
	ck_assert_str_eq(header(1, "cron"), "tidy");
	ck_assert_str_eq(header(1, "due"), "2023-11-14T22:15:00Z");
	ck_assert_str_eq(header(4, "due"), "2023-11-14T22:30:00Z");
}
END_TEST

START_TEST(every_counts_from_when_it_was_added)
{
	rig_pass(&rig, 1500);
	add("often", "@every 10s");
	rig_pass(&rig, 25000);
	expect_list(" [often next=0:31.50 last=0:21.50 job=2 jobs=2 missed=0]");
	ck_assert_str_eq(header(2, "due"), "2023-11-14T22:14:21.500Z");
	add("often", "@every 10s"); /* again, just so */
	ck_assert(rig_has(&rig, "C1 crons #3 same [often"));
	down(1000);
	expect_list(" [often next=0:31.50 last=0:21.50 job=2 jobs=2 missed=0]");
}
END_TEST

START_TEST(a_queue_full_of_dead_letters_gets_no_more)
{
	uint64_t id = 1;

	rig.config.dead_max = 1;
	down(0);
	add("often", "@every 10s");
	rig_pass(&rig, 10000);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_outcome(&rig, 1, 1, 1, VERDICT_FAILED);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_DEAD);
	rig_bye(&rig, 1, 1);
	rig_pass(&rig, 10000);
	ck_assert_int_eq(core_job_state(rig.core, 2), JOB_NONE);
	rig_client(&rig, 1);
	rig_request(&rig, 1, 77, MSG_RETRY, (struct msg){ .u.ids = { 0, &id, 1 } });
	rig_pass(&rig, 10000);
	ck_assert_int_eq(core_job_state(rig.core, 2), JOB_READY);
}
END_TEST

START_TEST(in_a_zone)
{
	struct msg_cron k = cron("berlin", "0 0 * * *");

	k.zone = span_str("Europe/Berlin");
	add_as(k, 0);
	rig_expect(&rig, "C1 crons #1 added [berlin next=46+1h jobs=0 missed=0]\n");
	down(1000);
	expect_list(" [berlin next=46+1h jobs=0 missed=0]");
	minutes(46);
	expect_list(" [berlin next=1486+1h last=46+1h job=1 jobs=1 missed=0]");
	ck_assert_str_eq(header(1, "due"), "2023-11-14T23:00:00Z");
}
END_TEST

START_TEST(the_jobs_terms)
{
	struct msg_cron k = cron("terms", "@every 1m");
	static const struct span headers = { (const uint8_t *)"A=b", 4 };

	k.priority = 9;
	k.attempts = 7;
	k.lease_ms = 5000;
	k.within_ms = 30000;
	k.tenant = span_str("t");
	k.group = span_str("g");
	k.headers = headers;
	add_as(k, 0);
	minutes(1);
	rig_forget(&rig);
	ask(MSG_JOB_GET, ++number, (struct msg){ .u.one.id = 1 });
	rig_expect(&rig, "C1 job #2 1 ready attempt=0/7 deliveries=0\n");
	ck_assert_str_eq(header(1, "A"), "b");
	rig_pass(&rig, 30000);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_EXPIRED);
}
END_TEST

START_TEST(what_is_left_to_the_queue)
{
	struct msg_setting_rec s = { span_str("attempts"), 3 };

	ask(MSG_QUEUE_SET, ++number, (struct msg){ .u.queue_set = { span_str("q"), &s, 1 } });
	add("tidy", "* * * * *");
	minutes(1);
	rig_forget(&rig);
	ask(MSG_JOB_GET, ++number, (struct msg){ .u.one.id = 1 });
	rig_expect(&rig, "C1 job #3 1 ready attempt=0/3 deliveries=0\n");
}
END_TEST

/* ---- changing ---- */

START_TEST(pause_and_resume)
{
	add("tidy", "*/5 * * * *");
	op("tidy", CRON_PAUSE);
	ck_assert(rig_has(&rig, "C1 reply #2 ok\n"));
	minutes(12);
	expect_list(" [tidy paused jobs=0 missed=0]");
	down(1000);
	op("tidy", CRON_PAUSE); /* twice is once */
	minutes(12);
	expect_list(" [tidy paused jobs=0 missed=0]");
	op("tidy", CRON_RESUME);
	expect_list(" [tidy next=26 jobs=0 missed=0]"); /* what the pause passed over is not missed */
	down(1000);
	minutes(2);
	expect_list(" [tidy next=31 last=26 job=1 jobs=1 missed=0]");
}
END_TEST

START_TEST(gone)
{
	add("a", "* * * * *");
	add("b", "* * * * *");
	minutes(1);
	op("a", CRON_RM);
	ck_assert(rig_has(&rig, "C1 reply #3 ok\n"));
	minutes(1);
	expect_list(" [b next=3 last=2 job=3 jobs=2 missed=0]");
	down(0);
	expect_list(" [b next=3 last=2 job=3 jobs=2 missed=0]");
	op("a", CRON_RM);
	op("a", CRON_PAUSE);
	op("a", CRON_NEXT);
	ck_assert(rig_has(&rig, "C1 reply #4 unknown\nC1 reply #5 unknown\nC1 reply #6 unknown\n"));
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_READY); /* its job is there all the same */
}
END_TEST

START_TEST(replace)
{
	struct msg_cron k = cron("tidy", "*/5 * * * *");

	add_as(k, 0);
	minutes(1);
	k.priority = 5;
	add_as(k, 0);
	ck_assert(rig_has(&rig, "C1 reply #2 exists\n"));
	add_as(k, CRON_REPLACE);
	ck_assert(rig_has(&rig, "C1 crons #3 replaced [tidy next=6 last=1 job=1 jobs=1 missed=0]\n"));
	add_as(k, CRON_REPLACE);
	ck_assert(rig_has(&rig, "C1 crons #4 same [tidy"));
	op("tidy", CRON_PAUSE);
	k.spec = span_str("@every 7m");
	add_as(k, CRON_REPLACE);
	ck_assert(rig_has(&rig, "C1 crons #6 replaced [tidy paused last=1 job=1 jobs=1 missed=0]\n"));
	op("tidy", CRON_RESUME);
	expect_list(" [tidy next=8 last=1 job=1 jobs=1 missed=0]");
	down(0);
	expect_list(" [tidy next=8 last=1 job=1 jobs=1 missed=0]");
}
END_TEST

/* Whoever sets the same schedule up again and again, with another payload, does not put it off for ever. */
START_TEST(replacing_the_payload_keeps_the_ticks)
{
	char payload[16];

	for (int i = 0; i < 10; i++) {
		struct msg_cron k = cron("tidy", "@every 10m");

		snprintf(payload, sizeof payload, "%d", i);
		k.payload = span_str(payload);
		add_as(k, CRON_REPLACE);
		minutes(3);
	}
	expect_list(" [tidy next=40 last=30 job=3 jobs=3 missed=0]");
}
END_TEST

START_TEST(refused)
{
	static const struct span due = { (const uint8_t *)"A=b\0Due=now", 12 };
	struct msg_cron k = cron("bad", "61 * * * *");

	add_as(k, 0);
	k.spec = span_str("@daily");
	k.zone = span_str("../../etc/passwd");
	add_as(k, 0);
	k.zone = span_str("Middle/Earth");
	add_as(k, 0);
	k.zone = span_str("leapseconds"); /* a file, but none of a zone */
	add_as(k, 0);
	k.zone = span_str("");
	k.headers = due;
	add_as(k, 0);
	rig_expect(&rig, "C1 reply #1 bad-value\n"
	                 "C1 reply #2 bad-value\n"
	                 "C1 reply #3 bad-value\n"
	                 "C1 reply #4 bad-value\n"
	                 "C1 reply #5 bad-value\n");
	rig_step(&rig, &(struct event){ .kind = EV_SPACE, .flag = true });
	add("full", "@daily");
	rig_step(&rig, &(struct event){ .kind = EV_SPACE });
	rig_step(&rig, &(struct event){ .kind = EV_DRAIN });
	add("draining", "@daily");
	rig_expect(&rig, "C1 reply #6 full\n"
	                 "C1 reply #7 draining\n");
	expect_list("");
}
END_TEST

START_TEST(a_thousand)
{
	char name[16], line[100];

	for (int i = 0; i < LIMIT_CRONS; i++) {
		snprintf(name, sizeof name, "n%03d", i);
		add(name, "* * * * *");
	}
	rig_forget(&rig);
	add("more", "@daily");
	snprintf(line, sizeof line, "C1 reply #%d full\n", LIMIT_CRONS + 1);
	rig_expect(&rig, line);
	minutes(2);
	rig_forget(&rig);
	ask(MSG_QUEUE_LIST, 5000, (struct msg){ 0 });
	rig_expect(&rig, "C1 queues #5000 [q workers=0 submitted=2000 ready=2000 kept=0]\n");
	/* the list comes in parts */
	ask(MSG_CRON_LIST, 5001, (struct msg){ .u.cron_list.after = span_str("n700") });
	ck_assert_uint_eq(rig.fx.v[0].u.msg->u.cron_info.n, LIMIT_LISTED);
	ck_assert_uint_eq(rig.fx.v[0].u.msg->u.cron_info.more, 1);
	ck_assert(span_eq(rig.fx.v[0].u.msg->u.cron_info.v[0].cron.name, span_str("n701")));
	ask(MSG_CRON_LIST, 5002, (struct msg){ .u.cron_list.after = span_str("n956") });
	ck_assert_uint_eq(rig.fx.v[0].u.msg->u.cron_info.n, 43);
	ck_assert_uint_eq(rig.fx.v[0].u.msg->u.cron_info.more, 0);
}
END_TEST

/* ---- zones and times ---- */

START_TEST(a_zone_that_cannot_be_read)
{
	struct msg_cron k = cron("berlin", "*/5 * * * *");

	k.zone = span_str("Europe/Berlin");
	add_as(k, 0);
	rig.no_zones = true;
	down(10000);
	expect_list(" [berlin jobs=0 missed=0 trouble='time zone 'Europe/Berlin': there is none']");
	op("berlin", CRON_NEXT);
	ck_assert(rig_has(&rig, "reply #2 bad-value"));
	minutes(2); /* asked for again every minute, in vain */
	expect_list(" [berlin jobs=0 missed=0 trouble='time zone 'Europe/Berlin': there is none']");
	rig.no_zones = false;
	minutes(1);
	expect_list(" [berlin next=6+1h last=1+1h job=1 jobs=1 missed=0]");
	op("berlin", CRON_RM);
}
END_TEST

START_TEST(next_times)
{
	struct msg m = { .u.cron_op = { .op = CRON_NEXT, .times = 3, .spec = span_str("0 12 * * *") } };

	ask(MSG_CRON_OP, 1, m);
	m.u.cron_op.zone = span_str("Asia/Tokyo");
	ask(MSG_CRON_OP, 2, m);
	m.u.cron_op.zone = span_str("No/Where");
	ask(MSG_CRON_OP, 3, m);
	m.u.cron_op.zone = span_str("");
	m.u.cron_op.spec = span_str("12");
	ask(MSG_CRON_OP, 4, m);
	rig_expect(&rig, "C1 crons #1 826 2266 3706\n"
	                 "C1 crons #2 286+9h 1726+9h 3166+9h\n"
	                 "C1 reply #3 bad-value\n"
	                 "C1 reply #4 bad-value\n");
	number = 4;
	add("tidy", "@every 2m");
	minutes(3);
	rig_forget(&rig);
	m.u.cron_op = (struct msg_cron_op){ .op = CRON_NEXT, .times = 2, .name = span_str("tidy") };
	ask(MSG_CRON_OP, 6, m);
	rig_expect(&rig, "C1 crons #6 4 6\n");
}
END_TEST

/* A queue that goes away is made again. */
START_TEST(its_queue_is_deleted)
{
	add("tidy", "*/5 * * * *");
	minutes(1);
	rig_client(&rig, 1);
	rig_ids(&rig, 1, ++number, MSG_CANCEL, 0, 1);
	rig_queue(&rig, 1, ++number, "q", QUEUE_DELETE, 0);
	ck_assert(rig_has(&rig, "reply #3 ok"));
	minutes(5);
	rig_forget(&rig);
	ask(MSG_QUEUE_LIST, 900, (struct msg){ 0 });
	rig_expect(&rig, "C1 queues #900 [q workers=0 submitted=1 ready=1 kept=0]\n");
}
END_TEST

RIG_MAIN("cron", it_submits_when_it_is_due, every_counts_from_when_it_was_added,
         a_queue_full_of_dead_letters_gets_no_more, in_a_zone, the_jobs_terms, what_is_left_to_the_queue,
         pause_and_resume, gone, replace, replacing_the_payload_keeps_the_ticks, refused, a_thousand,
         a_zone_that_cannot_be_read, next_times, its_queue_is_deleted)
