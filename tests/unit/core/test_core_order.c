/* Traces: who is next. Tenants take turns, groups run one at a time and in order, low priorities do not starve. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/core/rig.h"

enum { MOST = 4096 };

static struct rig rig;

/* A worker that does what it is sent, first come first served, and what it was sent in which order. */
static struct {
	uint64_t id[MOST], token[MOST];
	unsigned n;    /* sent so far */
	unsigned done; /* of these */
} got;

static void setup(void)
{
	rig_init(&rig);
	rig_client(&rig, 1);
	memset(&got, 0, sizeof got);
}

static void teardown(void)
{
	rig_fini(&rig);
}

/* Notes what was granted since the last call. */
static void take_grants(void)
{
	const char *p;

	buf_put_u8(&rig.trace, 0);
	for (p = strstr((const char *)rig.trace.p, "\nS"); p != NULL; p = strstr(p, "\nS")) {
		unsigned long long id;
		unsigned worker, token;

		p++;
		if (sscanf(p, "S%u jobs %*u: %llu/%u", &worker, &id, &token) == 3) {
			ck_assert_uint_lt(got.n, MOST);
			got.id[got.n] = id;
			got.token[got.n++] = token;
		}
	}
	rig_forget(&rig);
	buf_put_u8(&rig.trace, '\n'); /* so that each line begins behind one */
}

static void begin(void)
{
	rig_forget(&rig);
	buf_put_u8(&rig.trace, '\n');
}

/* The oldest n jobs in the worker's hands are done. */
static void run(unsigned n)
{
	while (n-- > 0 && got.done < got.n) {
		rig_outcome(&rig, 1, got.id[got.done], got.token[got.done], VERDICT_DONE);
		got.done++;
		take_grants();
	}
}

static void submit(uint64_t number, uint32_t n, struct msg_submit s)
{
	rig_submit_as(&rig, 1, number, "q", n, s);
	take_grants();
}

static struct msg_submit of_tenant(const char *name)
{
	return (struct msg_submit){ .priority = 4, .terms.tenant = span_str(name) };
}

static struct msg_submit of_group(const char *name)
{
	return (struct msg_submit){ .priority = 4, .terms.group = span_str(name) };
}

/* How many of the grants from..to went to jobs first..last. */
static unsigned share(unsigned from, unsigned to, uint64_t first, uint64_t last)
{
	unsigned n = 0;

	for (unsigned i = from; i < to; i++)
		n += got.id[i] >= first && got.id[i] <= last;
	return n;
}

/* In how many rounds of `slots` jobs the last of first..last is done. */
static unsigned rounds(unsigned slots, uint64_t first, uint64_t last)
{
	unsigned n = 0;

	for (unsigned i = 1; i < 100; i++) {
		run(slots);
		n = share(0, got.done, first, last);
		if (n == last - first + 1)
			return i;
	}
	return 100;
}

/* ---- tenants ---- */

/* The bar: 10 jobs beside another's very many end within twice the time that they take alone. The worker's window is
 * what it is for jobs of some length: twice its slots. */
static void ten_beside_many(unsigned slots)
{
	unsigned alone = (10 + slots - 1) / slots;

	begin();
	for (uint64_t i = 0; i < 20; i++)
		submit(1 + i, 1000, of_tenant("many"));
	rig_worker(&rig, 1, slots, "q", (uint64_t)2 * slots);
	take_grants();
	run(7 * slots);
	ck_assert_uint_eq(got.n - got.done, 2 * slots);
	submit(100, 10, of_tenant("few"));
	ck_assert_uint_le(rounds(slots, 20001, 20010), 2 * alone);
}

START_TEST(ten_jobs_beside_many_of_another_tenant_on_two_slots)
{
	ten_beside_many(2);
}
END_TEST

START_TEST(ten_jobs_beside_many_of_another_tenant_on_eight_slots)
{
	ten_beside_many(8);
}
END_TEST

/* The same for those that have no tenant at all. */
START_TEST(jobs_without_a_tenant_are_one_tenant)
{
	begin();
	for (uint64_t i = 0; i < 3; i++)
		submit(1 + i, 1000, (struct msg_submit){ .priority = 4 });
	rig_worker(&rig, 1, 2, "q", 4);
	take_grants();
	run(50);
	submit(100, 10, of_tenant("few"));
	ck_assert_uint_le(rounds(2, 3001, 3010), 10);
	submit(101, 1000, of_tenant("many"));
	run(20); /* what it had saved up */
	{
		unsigned from = got.n;

		run(400);
		ck_assert_uint_eq(share(from, from + 400, 1, 3000), 200);
	}
}
END_TEST

START_TEST(tenants_that_have_much_share_evenly)
{
	unsigned from;

	begin();
	submit(1, 600, of_tenant("a"));
	submit(2, 600, of_tenant("b"));
	submit(3, 600, of_tenant("c"));
	rig_worker(&rig, 1, 2, "q", 4);
	take_grants();
	run(60);
	from = got.n;
	run(300);
	ck_assert_uint_eq(share(from, from + 300, 1, 600), 100);
	ck_assert_uint_eq(share(from, from + 300, 601, 1200), 100);
	ck_assert_uint_eq(share(from, from + 300, 1201, 1800), 100);
}
END_TEST

/* Who comes again and again with as much as it may take ahead does not get more than its share by that. */
START_TEST(what_was_taken_ahead_must_be_earned)
{
	unsigned from;

	begin();
	submit(1, 1000, of_tenant("many"));
	submit(2, 1000, of_tenant("many"));
	rig_worker(&rig, 1, 1, "q", 1);
	take_grants();
	run(40);
	from = got.n;
	for (uint64_t i = 0; i < 20; i++) {
		submit(10 + i, 16, of_tenant("often"));
		while (share(0, got.done, 2001 + 16 * i, 2016 + 16 * i) < 16)
			run(1);
	}
	/* half of the grants, and what it had saved up when it came */
	ck_assert_uint_ge(share(from, got.n, 1, 2000), 20 * 16 - 16 - 1);
}
END_TEST

/* However many new tenants come, those that have been there go on. */
START_TEST(new_tenants_do_not_starve_the_others)
{
	char name[16];
	unsigned from;

	begin();
	submit(1, 500, of_tenant("old"));
	rig_worker(&rig, 1, 1, "q", 1);
	take_grants();
	run(40);
	from = got.n;
	for (unsigned i = 0; i < 160; i++) {
		snprintf(name, sizeof name, "new%u", i);
		submit(10 + 2 * i, 2, of_tenant(name));
		run(1);
	}
	ck_assert_uint_ge(share(from, got.n, 1, 500), 160 / 8);
}
END_TEST

/* A tenant's own priorities are kept. */
START_TEST(priorities_are_of_a_tenant)
{
	struct msg_submit high = of_tenant("a");

	high.priority = 9;
	begin();
	submit(1, 20, of_tenant("a"));
	submit(2, 20, of_tenant("b"));
	submit(3, 2, high);
	rig_worker(&rig, 1, 1, "q", 1);
	take_grants();
	run(4);
	ck_assert_uint_eq(share(0, 4, 41, 42), 2); /* a's two of high priority are its first two */
	ck_assert_uint_eq(share(0, 4, 21, 40), 2);
}
END_TEST

/* ---- priorities ---- */

START_TEST(low_priorities_do_not_starve)
{
	begin();
	rig_set(&rig, 1, 1, "q", "starve", 10000);
	submit(2, 20, (struct msg_submit){ .priority = 0 });
	submit(3, 20, (struct msg_submit){ .priority = 5 });
	submit(4, 900, (struct msg_submit){ .priority = 9 });
	rig_worker(&rig, 1, 1, "q", 1);
	take_grants();
	run(100);
	ck_assert_uint_eq(share(0, got.n, 1, 40), 0); /* they have not waited long */
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 100 });
	for (int i = 0; i < 11; i++) { /* 11 s, in which the worker is alive */
		rig_pass(&rig, 1000);
		rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 100 });
	}
	take_grants();
	{
		unsigned from = got.n;

		run(160);
		ck_assert_uint_eq(share(from, got.n, 1, 20), 10); /* the one that has waited longest, 1 of 16 */
		ck_assert_uint_eq(share(from, got.n, 41, 940), 150);
	}
}
END_TEST

/* ---- groups ---- */

START_TEST(a_group_runs_one_at_a_time_and_in_order)
{
	struct msg_submit high = of_group("g");

	high.priority = 9;
	begin();
	submit(1, 3, of_group("g"));
	submit(2, 1, high);
	rig_worker(&rig, 1, 8, "q", 8);
	take_grants();
	for (uint64_t id = 1; id <= 4; id++) {
		ck_assert_uint_eq(got.n, id);
		ck_assert_uint_eq(got.id[id - 1], id);
		run(1);
	}
}
END_TEST

START_TEST(groups_run_beside_each_other)
{
	begin();
	submit(1, 2, of_group("a"));
	submit(2, 2, of_group("b"));
	submit(3, 2, (struct msg_submit){ .priority = 4 });
	rig_worker(&rig, 1, 8, "q", 8);
	take_grants();
	ck_assert_uint_eq(got.n, 4);
	ck_assert_uint_eq(share(0, 4, 1, 1) + share(0, 4, 3, 3) + share(0, 4, 5, 6), 4);
	run(4);
	ck_assert_uint_eq(share(4, 6, 2, 2) + share(4, 6, 4, 4), 2);
}
END_TEST

/* A group's name is its tenant's. */
START_TEST(groups_of_two_tenants_are_two)
{
	struct msg_submit a = of_group("g"), b = of_group("g");

	a.terms.tenant = span_str("a");
	b.terms.tenant = span_str("b");
	begin();
	submit(1, 2, a);
	submit(2, 2, b);
	submit(3, 2, of_group("g"));
	rig_worker(&rig, 1, 8, "q", 8);
	take_grants();
	ck_assert_uint_eq(got.n, 3);
}
END_TEST

/* An attempt that failed is followed by the next one of the same job, at once or after a pause. */
START_TEST(a_group_waits_for_the_next_attempt)
{
	struct msg_submit s = of_group("g");

	s.attempts = 3;
	s.terms.backoff_ms = 10000;
	begin();
	submit(1, 2, s);
	rig_worker(&rig, 1, 8, "q", 8);
	take_grants();
	rig_outcome(&rig, 1, 1, got.token[0], VERDICT_FAILED);
	take_grants();
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_DELAYED);
	ck_assert_uint_eq(got.n, 1);
	for (int i = 0; i < 11; i++) {
		rig_pass(&rig, 1000);
		rig_beat(&rig, 1, (struct rig_beat){ .window = 8, .received = 1 });
	}
	take_grants();
	ck_assert_uint_eq(got.n, 2);
	ck_assert_uint_eq(got.id[1], 1);
	got.done = 1;
	run(1);
	ck_assert_uint_eq(got.id[2], 2);
}
END_TEST

/* A dead letter lets the others go on; so do a cancel and a purge. */
START_TEST(a_group_goes_on_when_a_job_ends)
{
	begin();
	submit(1, 5, of_group("g"));
	rig_worker(&rig, 1, 8, "q", 8);
	take_grants();
	rig_outcome(&rig, 1, 1, got.token[0], VERDICT_FAILED);
	take_grants();
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_DEAD);
	ck_assert_uint_eq(got.id[1], 2);
	rig_ids(&rig, 1, 2, MSG_CANCEL, 0, 3); /* waits: nobody notices */
	rig_ids(&rig, 1, 3, MSG_CANCEL, 0, 2); /* runs */
	take_grants();
	ck_assert_uint_eq(got.n, 3);
	ck_assert_uint_eq(got.id[2], 4);
	rig_queue(&rig, 1, 4, "q", QUEUE_PURGE, 0);
	rig_pass(&rig, 1);
	ck_assert_int_eq(core_job_state(rig.core, 4), JOB_RUNNING);
	ck_assert_int_eq(core_job_state(rig.core, 5), JOB_CANCELLED);
}
END_TEST

START_TEST(a_lost_worker_lets_the_group_go_on_with_the_same_job)
{
	begin();
	submit(1, 3, of_group("g"));
	rig_worker(&rig, 1, 8, "q", 8);
	take_grants();
	rig_worker(&rig, 2, 8, "q", 8);
	for (int i = 0; i < 4; i++) {
		rig_pass(&rig, 1000);
		rig_beat(&rig, 2, (struct rig_beat){ .window = 8 });
	}
	take_grants();
	ck_assert_uint_eq(got.n, 2);
	ck_assert_uint_eq(got.id[1], 1);
	ck_assert_int_eq(core_job_state(rig.core, 2), JOB_READY);
}
END_TEST

START_TEST(a_restart_keeps_groups_in_order)
{
	struct msg_submit s = of_group("g"), t = of_tenant("a");

	s.attempts = 3;
	s.terms.backoff_ms = 60000;
	begin();
	submit(1, 3, s);
	submit(2, 2, t);
	for (int again = 0; again < 2; again++) {
		rig_worker(&rig, 1, 8, "q", 8);
		for (int i = 0; i < 5 * again; i++) { /* workers might hold something of a group */
			take_grants();
			ck_assert_uint_eq(got.n, 0);
			rig_pass(&rig, 500);
			rig_beat(&rig, 1, (struct rig_beat){ .window = 8 });
		}
		take_grants();
		ck_assert_uint_eq(got.n, 3);
		ck_assert_uint_eq(share(0, 3, 1, 1) + share(0, 3, 4, 5), 3);
		got.n = got.done = 0;
		rig_restart(&rig, true);
		begin();
	}
	/* now with a lease that is a fact, held for its worker */
	rig_worker(&rig, 1, 8, "q", 8);
	for (int i = 0; i < 8; i++) {
		rig_pass(&rig, 500);
		rig_beat(&rig, 1, (struct rig_beat){ .window = 8 });
	}
	rig_restart(&rig, true);
	ck_assert_int_eq(core_job_state(rig.core, 1), JOB_RUNNING);
	begin();
	got.n = got.done = 0;
	rig_worker(&rig, 1, 8, "q", 8);
	take_grants();
	ck_assert_uint_eq(got.n, 0);
	for (int i = 0; i < 4; i++) { /* nobody comes for it */
		rig_pass(&rig, 1000);
		rig_beat(&rig, 1, (struct rig_beat){ .window = 8 });
	}
	take_grants();
	ck_assert_uint_eq(share(0, got.n, 1, 1), 1);
	ck_assert_uint_eq(share(0, got.n, 2, 3), 0);
}
END_TEST

RIG_MAIN("core_order", ten_jobs_beside_many_of_another_tenant_on_two_slots,
         ten_jobs_beside_many_of_another_tenant_on_eight_slots, jobs_without_a_tenant_are_one_tenant,
         tenants_that_have_much_share_evenly, what_was_taken_ahead_must_be_earned, new_tenants_do_not_starve_the_others,
         priorities_are_of_a_tenant, low_priorities_do_not_starve, a_group_runs_one_at_a_time_and_in_order,
         groups_run_beside_each_other, groups_of_two_tenants_are_two, a_group_waits_for_the_next_attempt,
         a_group_goes_on_when_a_job_ends, a_lost_worker_lets_the_group_go_on_with_the_same_job,
         a_restart_keeps_groups_in_order)
