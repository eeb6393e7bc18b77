/* Traces: workers that are told to drain, and to resume. */
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

static void op(uint64_t number, const char *name, enum worker_op op)
{
	rig_request(&rig, 1, number, MSG_WORKER_OP, (struct msg){ .u.worker_op = { span_str(name), (uint32_t)op } });
}

START_TEST(nothing_is_granted_and_what_has_not_started_is_recalled)
{
	rig_worker(&rig, 1, 1, "q", 3);
	rig_submit(&rig, 1, 1, "q", 4);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 3, .received = 2, .started = 1 });
	rig_forget(&rig);
	op(2, "worker1", WORKER_DRAIN);
	rig_expect(&rig, "W1 answer settled=0 draining\n"
	                 "W1 recall 3/3 2/2\n"
	                 "C1 reply #2 ok 1\n");
	rig_return(&rig, 1, 3, 3);
	rig_return(&rig, 1, 2, 2); /* the beat has not said yet that nothing else waits */
	rig_expect(&rig, "W1 recall 2/2\n");
	rig_beat(&rig, 1, (struct rig_beat){ .window = 3, .received = 2, .started = 1 });
	rig_expect(&rig, "W1 answer settled=0 draining\n");
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE); /* what runs counts */
	rig_submit(&rig, 1, 3, "q", 1);
	rig_expect(&rig, "C1 result @0: 1 done attempt=1 'good'\n"
	                 "C1 accepted #3: 5..5\n");
	rig_request(&rig, 1, 4, MSG_WORKER_LIST, (struct msg){ 0 });
	rig_expect(&rig, "C1 workers #4 [q slots=1 outstanding=0 draining]\n");
	op(5, "worker1", WORKER_RESUME);
	rig_expect(&rig, "W1 answer settled=0\n"
	                 "C1 reply #5 ok 1\n"
	                 "S1 jobs 3: 2/4 attempt=1 'p'\n"
	                 "S1 jobs 4: 3/5 attempt=1 'p'\n"
	                 "S1 jobs 4: 4/6 attempt=1 'p'\n");
}
END_TEST

START_TEST(what_was_on_its_way_is_asked_for_again)
{
	rig_worker(&rig, 1, 1, "q", 2);
	rig_submit(&rig, 1, 1, "q", 2);
	op(2, "worker1", WORKER_DRAIN);
	rig_forget(&rig);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 2, .received = 1, .started = 1 });
	rig_expect(&rig, "W1 answer settled=0 draining\n"
	                 "W1 recall 2/2\n");
	rig_beat(&rig, 1, (struct rig_beat){ .window = 2, .received = 1, .started = 1 });
	rig_expect(&rig, "W1 answer settled=0 draining\n"
	                 "W1 recall 2/2\n");
	rig_return(&rig, 1, 2, 2);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 2, .received = 1, .started = 1 });
	rig_expect(&rig, "W1 answer settled=0 draining\n");
}
END_TEST

START_TEST(others_get_its_jobs)
{
	rig_worker(&rig, 1, 1, "q", 2);
	rig_submit(&rig, 1, 1, "q", 2);
	rig_worker(&rig, 2, 1, "q", 2);
	op(2, "worker1", WORKER_DRAIN);
	rig_forget(&rig);
	rig_return(&rig, 1, 2, 2);
	ck_assert(rig_has(&rig, "S2 jobs 1: 2/3 attempt=1 'p'\n"));
	rig_forget(&rig);
	rig_pass(&rig, 1000); /* and none is taken from others for its idle slot */
	ck_assert(!rig_has(&rig, "W2 recall"));
}
END_TEST

START_TEST(a_name_nobody_has)
{
	rig_worker(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	op(1, "worker", WORKER_DRAIN);
	ck_assert(rig_has(&rig, "C1 reply #1 unknown"));
}
END_TEST

/* The same process says hello again: to this broker, and to one that was restarted. */
START_TEST(it_survives_a_new_hello)
{
	rig_worker(&rig, 1, 1, "q", 1);
	op(1, "worker1", WORKER_DRAIN);
	op(2, "worker1", WORKER_DRAIN); /* twice is once */
	rig_hello(&rig, 2, 1001, 1, "q");
	rig_socket(&rig, 2);
	rig_ready(&rig, 2);
	rig_beat(&rig, 2, (struct rig_beat){ .window = 1 });
	rig_submit(&rig, 1, 3, "q", 1);
	rig_forget(&rig);
	rig_request(&rig, 1, 4, MSG_WORKER_LIST, (struct msg){ 0 });
	rig_expect(&rig, "C1 workers #4 [q slots=1 outstanding=0 draining]\n");
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig.hello_draining = true;
	rig_worker(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig_request(&rig, 1, 5, MSG_WORKER_LIST, (struct msg){ 0 });
	rig_expect(&rig, "C1 workers #5 [q slots=1 outstanding=0 draining]\n");
	op(6, "worker1", WORKER_RESUME);
	rig_expect(&rig, "W1 answer settled=0\n"
	                 "C1 reply #6 ok 1\n"
	                 "S1 jobs 1: 1/1 attempt=1 'p'\n");
}
END_TEST

RIG_MAIN("drain", nothing_is_granted_and_what_has_not_started_is_recalled, what_was_on_its_way_is_asked_for_again,
         others_get_its_jobs, a_name_nobody_has, it_survives_a_new_hello)
