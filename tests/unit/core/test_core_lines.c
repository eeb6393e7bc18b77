/* Traces: what people do to queues with many tenants and groups: a purge and a peek see them all; and what nobody uses
 * any more is freed. */
#include <stdio.h>

#include "broker/core/policy.h"
#include "broker/core/state.h"
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

/* One job each of `n` tenants, and one each of n groups of the first of them. */
static void submit_many(unsigned n, uint64_t number)
{
	char name[16];

	for (unsigned i = 0; i < n; i++) {
		struct msg_submit s = { .priority = i % 3 };

		snprintf(name, sizeof name, "n%u", i);
		s.terms.tenant = span_str(name);
		rig_submit_as(&rig, 1, number++, "q", 1, s);
		s.terms.group = s.terms.tenant;
		s.terms.tenant = span_str("n0");
		rig_submit_as(&rig, 1, number++, "q", 1, s);
	}
	rig_forget(&rig);
}

START_TEST(a_peek_sees_tenants_and_groups)
{
	struct msg_submit s = { .priority = 4, .terms = { .tenant = span_str("a") } };

	rig_submit_as(&rig, 1, 1, "q", 2, (struct msg_submit){ .priority = 4 });
	rig_submit_as(&rig, 1, 2, "q", 1, s);
	s.terms.group = span_str("g");
	rig_submit_as(&rig, 1, 3, "q", 2, s);
	s.priority = 9;
	rig_submit_as(&rig, 1, 4, "q", 1, s); /* behind the others of its group, whatever its priority */
	s.terms.group = span_str("h");
	rig_submit_as(&rig, 1, 5, "q", 1, s);
	rig_forget(&rig);
	rig_queue(&rig, 1, 6, "q", QUEUE_PEEK, 9);
	rig_queue(&rig, 1, 7, "q", QUEUE_PEEK, 2);
	rig_expect(&rig, "C1 peeked #6 7:9 'p' 1:4 'p' 2:4 'p' 3:4 'p' 4:4 'p' 5:4 'p' 6:9 'p'\n"
	                 "C1 peeked #7 7:9 'p' 1:4 'p'\n");
}
END_TEST

START_TEST(a_purge_goes_through_all_of_them)
{
	char reply[32];

	submit_many(700, 1);
	rig_queue(&rig, 1, 2000, "q", QUEUE_PURGE, 0);
	rig_pass(&rig, 1);
	snprintf(reply, sizeof reply, "C1 reply #2000 ok %u\n", 1400);
	ck_assert(rig_has(&rig, reply));
	rig_forget(&rig);
	rig_queue(&rig, 1, 2001, "q", QUEUE_SHOW, 0);
	ck_assert(rig_has(&rig, "cancelled=1400"));
	/* and again, with what has come since; what runs is left alone */
	submit_many(3, 3000);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig_queue(&rig, 1, 4000, "q", QUEUE_PURGE, 0);
	rig_pass(&rig, 1);
	ck_assert(rig_has(&rig, "C1 reply #4000 ok 5\n"));
}
END_TEST

/* While a purge goes on in slices, jobs come that it leaves alone, from tenants old and new. */
START_TEST(a_purge_leaves_alone_what_comes_later)
{
	struct msg m = { .h = { .version = 1, .kind = MSG_QUEUE_OP, .session = 1, .number = 5000 },
		         .u.queue_op = { span_str("q"), QUEUE_PURGE, 0 } };
	struct span payload = span_str("p");
	unsigned ticks = 0;

	submit_many(1500, 1);
	core_step(rig.core, rig.now, &(struct event){ .kind = EV_CLIENT, .peer = 101, .msg = &m }, &rig.fx);
	for (; core_deadline(rig.core) == 0 && ticks < 1000; ticks++) {
		struct msg s = { .h = { .version = 1, .kind = MSG_SUBMIT, .session = 1, .number = 6000 + ticks } };
		char name[16];

		snprintf(name, sizeof name, "n%u", 1490 + 3 * ticks);
		s.u.submit = (struct msg_submit){ .queue = span_str("q"),
			                          .attempts = 1,
			                          .payloads = &payload,
			                          .n = 1,
			                          .terms.tenant = span_str(name) };
		core_step(rig.core, rig.now, &(struct event){ .kind = EV_CLIENT, .peer = 101, .msg = &s }, &rig.fx);
		core_step(rig.core, rig.now, &(struct event){ .kind = EV_TICK }, &rig.fx);
		core_check(rig.core);
	}
	ck_assert_uint_ge(ticks, 3);
	ck_assert_uint_lt(ticks, 100);
	ck_assert_uint_eq(rig.core->queues[0]->now[JOB_CANCELLED], 3000);
	ck_assert_uint_eq(rig.core->queues[0]->now[JOB_READY], ticks);
}
END_TEST

/* Nobody is remembered for long without a job, neither in use nor after. */
START_TEST(tenants_and_groups_without_jobs_are_freed)
{
	submit_many(300, 1);
	ck_assert_uint_eq(HASH_COUNT(rig.core->by_tenant), 300);
	ck_assert_uint_eq(HASH_CNT(hh, rig.core->by_group), 300);
	rig_queue(&rig, 1, 1000, "q", QUEUE_PURGE, 0);
	rig_pass(&rig, 1);
	ck_assert_uint_eq(HASH_COUNT(rig.core->by_tenant), 0);
	ck_assert_uint_eq(HASH_CNT(hh, rig.core->by_group), 0);
	ck_assert_uint_eq(policy_count(rig.core), 0);
	rig_queue(&rig, 1, 1001, "q", QUEUE_DELETE, 0);
	rig_pass(&rig, 1);
	ck_assert(rig_has(&rig, "C1 reply #1001 ok"));
}
END_TEST

/* Jobs with headers of their own: the places of those that have ended are used again, whichever they were. */
START_TEST(policies_of_ended_jobs_make_room)
{
	char header[16];

	for (uint64_t i = 1; i <= 300; i++) {
		snprintf(header, sizeof header, "A=%03u", (unsigned)i);
		rig_submit_as(&rig, 1, i, "h", 1, (struct msg_submit){ .headers = span_of(header, 6) });
		if (i > 100) /* all over the table */
			rig_ids(&rig, 1, 1000 + i, MSG_CANCEL, 0, i % 2 ? i - 100 : i - 99 - (i % 100));
	}
	ck_assert_uint_eq(policy_count(rig.core), rig.core->queues[0]->now[JOB_READY]);
	ck_assert_uint_lt(rig.core->n_policies, 240);
}
END_TEST

/* Those that had more than their share are, but not more than LIMIT_TENANTS_AWAY of them; a queue takes its own along.
 */
START_TEST(those_who_took_much_are_remembered_within_a_bound)
{
	char name[16];
	uint64_t token = 0;

	rig.quiet = true;
	rig_worker(&rig, 1, 1, "q", 1);
	for (unsigned i = 0; i < 100; i++) {
		struct msg_submit s = { .priority = 4 };

		snprintf(name, sizeof name, "n%u", i);
		s.terms.tenant = span_str(name);
		rig_submit_as(&rig, 1, 1 + i, "q", 1, s);
		++token;
		rig_outcome(&rig, 1, token, token, VERDICT_DONE);
	}
	ck_assert_uint_eq(HASH_COUNT(rig.core->by_tenant), 100);
	ck_assert_uint_eq(rig.core->n_away, 100);
	ck_assert_uint_le(rig.core->n_away, LIMIT_TENANTS_AWAY);
	rig_bye(&rig, 1, 100);
	rig_pass(&rig, 1);
	rig_queue(&rig, 1, 1000, "q", QUEUE_DELETE, 0);
	rig_pass(&rig, 1);
	ck_assert_uint_eq(rig.core->n_away, 0);
	ck_assert_uint_eq(HASH_COUNT(rig.core->by_tenant), 0);
}
END_TEST

/* The journal has their names. */
START_TEST(a_restart_keeps_tenants_and_groups_apart)
{
	submit_many(5, 1);
	rig_restart(&rig, true);
	ck_assert_uint_eq(HASH_COUNT(rig.core->by_tenant), 5);
	ck_assert_uint_eq(HASH_CNT(hh, rig.core->by_group), 5);
	ck_assert_uint_eq(rig.core->queues[0]->now[JOB_READY], 10);
}
END_TEST

RIG_MAIN("core_lines", a_peek_sees_tenants_and_groups, a_purge_goes_through_all_of_them,
         a_purge_leaves_alone_what_comes_later, tenants_and_groups_without_jobs_are_freed,
         policies_of_ended_jobs_make_room, those_who_took_much_are_remembered_within_a_bound,
         a_restart_keeps_tenants_and_groups_apart)
