/* Traces: a session belongs to the key that said its hello, and ends when that key is dismissed. */
#include "tests/unit/core/rig.h"

enum { ALICE = 1, BOB = 2 };

static struct rig rig;

static void setup(void)
{
	rig_init(&rig);
	rig.principal = ALICE;
	rig_client(&rig, 1);
}

static void teardown(void)
{
	rig_fini(&rig);
}

static void dismiss(uint32_t principal)
{
	rig_step(&rig, &(struct event){ .kind = EV_DISMISSED, .principal = principal });
}

static void hello(unsigned client)
{
	rig_request(&rig, client, 0, MSG_CLIENT_HELLO,
	            (struct msg){ .u.client_hello = { .version_min = 1, .version_max = 1, .name = span_str("rig") } });
}

START_TEST(a_clients_session_is_its_keys)
{
	rig_submit(&rig, 1, 1, "q", 1);
	rig_expect(&rig, "C1 accepted #1: 1..1\n");
	rig.principal = BOB;
	rig_submit(&rig, 1, 2, "q", 1);
	rig_one(&rig, 1, 3, MSG_JOB_GET, 1);
	hello(1);
	rig_expect(&rig, "C1 reply #2 denied\n"
	                 "C1 reply #3 denied\n"
	                 "C1 reply #0 denied\n");
	rig.principal = ALICE;
	hello(1);
	rig_submit(&rig, 1, 2, "q", 1);
	rig_expect(&rig, "C1 welcome\n"
	                 "C1 accepted #2: 2..2\n");
}
END_TEST

START_TEST(a_workers_session_is_its_keys)
{
	rig_worker(&rig, 1, 1, "q", 1);
	rig_submit(&rig, 1, 1, "q", 1);
	rig_expect(&rig, "W1 answer settled=0\n"
	                 "C1 accepted #1: 1..1\n"
	                 "S1 jobs 1: 1/1 attempt=1 'p'\n");
	rig.principal = BOB;
	rig_beat(&rig, 1, (struct rig_beat){ .window = 9 });
	rig_return(&rig, 1, 1, 1);
	rig_bye(&rig, 1, 0);
	rig_expect(&rig, "W1 reply denied\n"
	                 "W1 reply denied\n"
	                 "W1 reply denied\n");
	rig.principal = ALICE;
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 1 });
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	rig_expect(&rig, "W1 answer settled=0\n"
	                 "C1 result @0: 1 done attempt=1 'good'\n");
}
END_TEST

START_TEST(outcomes_of_another_key_count_for_nothing)
{
	rig_worker(&rig, 1, 1, "q", 1);
	rig_submit(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig.principal = BOB;
	rig_outcome_numbered(&rig, 1, 1, 1, 1);
	rig_outcome_numbered(&rig, 1, 1, 1, 1);
	rig_expect(&rig, ""); /* the log alone hears of it */
	rig.principal = ALICE;
	rig_outcome_numbered(&rig, 1, 1, 1, 1);
	rig_expect(&rig, "C1 result @0: 1 done attempt=1\n");
}
END_TEST

START_TEST(an_instance_is_its_keys)
{
	rig_worker(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig.principal = BOB;
	rig_hello(&rig, 2, 1001, 1, "q"); /* that of worker 1 */
	rig_expect(&rig, "W2 reply denied\n");
	rig_hello(&rig, 2, 55, 1, "q");
	rig_expect(&rig, "S2 open\n");
}
END_TEST

START_TEST(dismissed_worker_loses_its_jobs)
{
	rig_worker(&rig, 1, 1, "q", 1);
	rig_submit(&rig, 1, 1, "q", 1);
	rig.principal = BOB;
	rig_worker(&rig, 2, 1, "q", 1);
	rig_forget(&rig);
	dismiss(ALICE);
	rig_pass(&rig, 1);
	rig_expect(&rig, "S1 close\n"
	                 "S2 jobs 1: 1/2 attempt=1 'p'\n");
	rig.principal = ALICE;
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1 });
	rig_outcome_numbered(&rig, 1, 1, 1, 1);
	rig_expect(&rig, "W1 no-session\n");
	core_check(rig.core);
}
END_TEST

START_TEST(dismissed_client_hears_nothing_more)
{
	rig_submit(&rig, 1, 1, "q", 1);
	rig.principal = BOB;
	rig_worker(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	dismiss(ALICE);
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	rig_expect(&rig, "");
	rig.principal = ALICE;
	rig_one(&rig, 1, 2, MSG_JOB_GET, 1);
	rig_expect(
	    &rig,
	    "C1 no-session\n"); /* whose key is gone is refused before the core; a changed role says hello again */
	core_check(rig.core);
}
END_TEST

RIG_MAIN("core keys", a_clients_session_is_its_keys, a_workers_session_is_its_keys,
         outcomes_of_another_key_count_for_nothing, an_instance_is_its_keys, dismissed_worker_loses_its_jobs,
         dismissed_client_hears_nothing_more)
