/* Races: replicas that are kept apart, the first good answer, all failed, the deadline, hedging, lost workers. A race
 * of two that is submitted first is job 1, its replicas are 2 and 3. */
#include "tests/unit/core/rig.h"

static struct rig rig;

static void setup(void)
{
	rig_init(&rig);
	rig_client(&rig, 1);
	rig_pass(&rig, 4000); /* the start is over: who is not here does not come back */
}

static void teardown(void)
{
	rig_fini(&rig);
}

/* Two workers of one slot with a race of two: job 2 is with the first, 3 with the second. */
static void two_on_two(void)
{
	rig_worker(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 2, 1, "q", 1);
	rig_submit_as(&rig, 1, 1, "q", 1, rig_race(2, 0));
	rig_expect(&rig, "W1 answer settled=0\n"
	                 "W2 answer settled=0\n"
	                 "C1 accepted #1: 1..1\n"
	                 "S1 jobs 1: 2/1 attempt=1 'p'\n"
	                 "S2 jobs 1: 3/2 attempt=1 'p'\n");
}

static void describe(const char *trace)
{
	rig_forget(&rig);
	rig_describe(&rig);
	rig_expect(&rig, trace);
}

START_TEST(first_good_answer_wins)
{
	two_on_two();
	rig_outcome(&rig, 2, 3, 2, VERDICT_DONE);
	rig_expect(&rig, "C1 result @0: 1 done attempt=1 'good'\n"
	                 "W1 revoke 2/1\n");
	describe("C9 queues #1005000 [q workers=2 submitted=3 done=2 cancelled=1 kept=3]\nbatches=0\n");
	rig_one(&rig, 1, 2, MSG_RESULT_GET, 1);
	rig_one(&rig, 1, 3, MSG_RESULT_GET, 2);
	rig_one(&rig, 1, 4, MSG_RESULT_GET, 3);
	rig_expect(&rig, "C1 result #2: 1 done attempt=1 'good'\n"
	                 "C1 result #3: 2 cancelled 'its race is over'\n"
	                 "C1 result #4: 3 done attempt=1\n");
	/* the loser's answer is late */
	rig_outcome(&rig, 1, 2, 1, VERDICT_DONE);
	describe("C9 queues #1005000 [q workers=2 submitted=3 done=2 cancelled=1 kept=3]\nbatches=0\n");
}
END_TEST

START_TEST(one_fails_one_answers)
{
	two_on_two();
	rig_outcome(&rig, 1, 2, 1, VERDICT_FAILED);
	rig_expect(&rig, "");
	rig_outcome(&rig, 2, 3, 2, VERDICT_DONE);
	rig_expect(&rig, "C1 result @0: 1 done attempt=1 'good'\n");
	describe("C9 queues #1005000 [q workers=2 submitted=3 done=2 cancelled=1 kept=3]\nbatches=0\n");
}
END_TEST

START_TEST(all_failed)
{
	two_on_two();
	rig_outcome(&rig, 1, 2, 1, VERDICT_FAILED);
	rig_outcome(&rig, 2, 3, 2, VERDICT_KILLED);
	rig_expect(&rig, "C1 result @0: 1 dead attempt=1 exit=1 'no replica of 2 was done\n"
	                 "replica 1 on worker1: exit 3: bad\n"
	                 "replica 2 on worker2: exit 137: bad'\n");
	/* the race is one dead letter, its replicas are none */
	describe("C9 queues #1005000 [q workers=2 submitted=3 dead=1 cancelled=2 kept=2]\nbatches=0\n");
	rig_restart(&rig, true);
	describe("C9 queues #1005000 [q workers=0 submitted=3 dead=1 cancelled=2 kept=2]\nbatches=0\n");
}
END_TEST

START_TEST(kept_apart)
{
	/* one worker with room for ten takes one of them */
	rig_worker(&rig, 1, 4, "q", 10);
	rig_submit_as(&rig, 1, 1, "q", 1, rig_race(3, 0));
	rig_submit(&rig, 1, 2, "q", 1);
	rig_expect(&rig, "W1 answer settled=0\n"
	                 "C1 accepted #1: 1..1\n"
	                 "S1 jobs 1: 2/1 attempt=1 'p'\n"
	                 "C1 accepted #2: 5..5\n"
	                 "S1 jobs 2: 5/2 attempt=1 'p'\n"); /* nobody stands in its way */
	/* another process gets another one; its second session is the same process */
	rig_worker(&rig, 2, 1, "q", 1);
	rig_expect(&rig, "W2 answer settled=0\nS2 jobs 1: 3/3 attempt=1 'p'\n");
	rig_unreachable(&rig, 2);
	rig_forget(&rig);
	rig_pass(&rig, 100);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 10, .received = 2 });
	rig_expect(&rig, "W1 answer settled=0\n");
	rig_worker(&rig, 3, 1, "q", 2); /* what had not begun is handed on */
	rig_expect(&rig, "W3 answer settled=0\nS3 jobs 1: 3/4 attempt=1 'p'\n");
	rig_worker_as(&rig, 4, 1002);
	rig_expect(&rig, "W4 answer settled=0\nS4 jobs 1: 4/5 attempt=1 'p'\n");
}
END_TEST

START_TEST(one_worker_only)
{
	/* with the one that there is failed, nobody is left */
	rig_worker(&rig, 1, 1, "q", 1);
	rig_submit_as(&rig, 1, 1, "q", 1, rig_race(3, 0));
	rig_forget(&rig);
	rig_outcome(&rig, 1, 2, 1, VERDICT_FAILED);
	rig_expect(&rig, "C1 result @0: 1 dead attempt=1 exit=1 'no replica of 3 was done\n"
	                 "replica 1 on worker1: exit 3: bad\n"
	                 "replica 2: no other worker could take it\n"
	                 "replica 3: no other worker could take it'\n");
	describe("C9 queues #1005000 [q workers=1 submitted=4 dead=1 cancelled=3 kept=3]\nbatches=0\n");
}
END_TEST

START_TEST(another_worker_goes_away)
{
	/* the second worker is busy when the first fails; once it is gone, nobody is left */
	rig_worker(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 2, 1, "q", 0);
	rig_submit_as(&rig, 1, 1, "q", 1, rig_race(2, 0));
	rig_forget(&rig);
	rig_outcome(&rig, 1, 2, 1, VERDICT_FAILED);
	rig_expect(&rig, "");
	rig_bye(&rig, 2, 0);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 1 });
	ck_assert(rig_has(&rig, "C1 result @0: 1 dead"));
}
END_TEST

START_TEST(deadline)
{
	rig_submit_as(&rig, 1, 1, "q", 1,
	              (struct msg_submit){ .flags = SUBMIT_WANT, .terms = { .replicas = 2, .race_ms = 500 } });
	rig_worker(&rig, 1, 1, "q", 1);
	rig_expect(&rig, "C1 accepted #1: 1..1\nW1 answer settled=0\nS1 jobs 1: 2/1 attempt=1 'p'\n");
	rig_pass(&rig, 499);
	rig_expect(&rig, "");
	rig_pass(&rig, 1);
	rig_expect(&rig, "C1 result @0: 1 expired 'no answer within 500 ms'\n"
	                 "W1 revoke 2/1\n");
	describe("C9 queues #1005500 [q workers=1 submitted=3 expired=1 cancelled=2 kept=3]\nbatches=0\n");
}
END_TEST

START_TEST(cancelling)
{
	two_on_two();
	rig_ids(&rig, 1, 2, MSG_CANCEL, CANCEL_UNSTARTED, 1);
	rig_expect(&rig, "C1 reply #2 finished\n"); /* it runs */
	rig_ids(&rig, 1, 2, MSG_CANCEL, 0, 1);
	rig_expect(&rig, "C1 result @0: 1 cancelled 'cancelled'\n"
	                 "C1 reply #2 ok 1\n"
	                 "W1 revoke 2/1\n"
	                 "W2 revoke 3/2\n");
	describe("C9 queues #1005000 [q workers=2 submitted=3 cancelled=3 kept=3]\nbatches=0\n");
}
END_TEST

START_TEST(cancelling_a_replica)
{
	two_on_two();
	rig_ids(&rig, 1, 2, MSG_CANCEL, 0, 2);
	rig_expect(&rig, "W1 revoke 2/1\nC1 reply #2 ok 1\n");
	rig_ids(&rig, 1, 3, MSG_CANCEL, 0, 3);
	rig_expect(&rig, "W2 revoke 3/2\n"
	                 "C1 result @0: 1 dead attempt=1 exit=1 'no replica of 2 was done\n"
	                 "replica 1: cancelled\n"
	                 "replica 2: cancelled'\n"
	                 "C1 reply #3 ok 1\n");
}
END_TEST

START_TEST(purging)
{
	rig_submit_as(&rig, 1, 1, "q", 1, rig_race(2, 0));
	rig_submit_as(&rig, 1, 2, "q", 1, rig_race(2, 100));
	rig_forget(&rig);
	rig_queue(&rig, 1, 3, "q", QUEUE_PURGE, 0);
	rig_expect(&rig, "C1 result @0: 1 cancelled 'purged'\n"
	                 "C1 result @1: 4 cancelled 'purged'\n"
	                 "C1 reply #3 ok 2\n");
	describe("C9 queues #1005000 [q workers=0 submitted=6 cancelled=6 kept=6]\nbatches=0\n");
}
END_TEST

START_TEST(purging_spares_what_runs)
{
	two_on_two();
	rig_submit_as(&rig, 1, 1, "q", 1, rig_race(2, 0));
	rig_queue(&rig, 1, 3, "q", QUEUE_PURGE, 0);
	rig_outcome(&rig, 1, 2, 1, VERDICT_DONE);
	ck_assert(rig_has(&rig, "C1 result @0: 1 done attempt=1 'good'\n"));
}
END_TEST

START_TEST(hedging)
{
	rig_worker(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 2, 1, "q", 1);
	rig_worker(&rig, 3, 1, "q", 1);
	rig_forget(&rig);
	rig_submit_as(&rig, 1, 1, "q", 1, rig_race(3, 100));
	rig_expect(&rig, "C1 accepted #1: 1..1\nS1 jobs 1: 2/1 attempt=1 'p'\n");
	rig_pass(&rig, 99);
	rig_expect(&rig, "");
	rig_pass(&rig, 1); /* silent for too long */
	rig_expect(&rig, "S2 jobs 1: 3/2 attempt=1 'p'\n");
	rig_pass(&rig, 50);
	rig_outcome(&rig, 2, 3, 2, VERDICT_FAILED); /* failed: the next one at once */
	rig_expect(&rig, "S3 jobs 1: 4/3 attempt=1 'p'\n");
	rig_pass(&rig, 200);
	rig_outcome(&rig, 1, 2, 1, VERDICT_DONE);
	ck_assert(rig_has(&rig, "C1 result @0: 1 done attempt=1 'good'\nW3 revoke 4/3\n"));
}
END_TEST

START_TEST(hedging_is_not_needed)
{
	rig_worker(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 2, 1, "q", 1);
	rig_submit_as(&rig, 1, 1, "q", 1, rig_race(2, 100));
	rig_forget(&rig);
	rig_outcome(&rig, 1, 2, 1, VERDICT_DONE);
	rig_pass(&rig, 300);
	ck_assert(rig_has(&rig, "C1 result @0: 1 done attempt=1 'good'\n"));
	ck_assert(!rig_has(&rig, "jobs"));
	describe("C9 queues #1005300 [q workers=2 submitted=3 done=2 cancelled=1 kept=3]\nbatches=0\n");
}
END_TEST

START_TEST(hedging_waits_for_the_grant)
{
	/* the time begins when a worker has it, and not while it stands in line */
	rig_submit_as(&rig, 1, 1, "q", 1, rig_race(2, 100));
	rig_pass(&rig, 1000);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 2, 1, "q", 1);
	rig_expect(&rig,
	           "C1 accepted #1: 1..1\nW1 answer settled=0\nS1 jobs 1: 2/1 attempt=1 'p'\nW2 answer settled=0\n");
	rig_pass(&rig, 100);
	rig_expect(&rig, "S2 jobs 1: 3/2 attempt=1 'p'\n");
}
END_TEST

START_TEST(hedging_past_what_has_failed)
{
	/* a replica that is cancelled before its turn is passed over */
	rig_worker(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 2, 1, "q", 1);
	rig_submit_as(&rig, 1, 1, "q", 1, rig_race(3, 100));
	rig_ids(&rig, 1, 2, MSG_CANCEL, 0, 3);
	rig_forget(&rig);
	rig_pass(&rig, 100);
	rig_expect(&rig, "S2 jobs 1: 4/2 attempt=1 'p'\n");
}
END_TEST

START_TEST(attempts_and_delay)
{
	struct msg_submit s = rig_race(2, 0);

	s.attempts = 2;
	s.terms.delay_ms = 200;
	rig_worker(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 2, 1, "q", 1);
	rig_forget(&rig);
	rig_submit_as(&rig, 1, 1, "q", 1, s);
	rig_expect(&rig, "C1 accepted #1: 1..1\n");
	rig_pass(&rig, 200);
	rig_expect(&rig, "S1 jobs 1: 2/1 attempt=1 'p'\nS2 jobs 1: 3/2 attempt=1 'p'\n");
	/* it may try again where it was, its sibling may not */
	rig_outcome(&rig, 1, 2, 1, VERDICT_FAILED);
	rig_expect(&rig, "S1 jobs 2: 2/3 attempt=2 'p'\n");
}
END_TEST

START_TEST(worker_is_lost)
{
	two_on_two();
	rig_worker(&rig, 3, 1, "q", 1);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 1, .started = 1 });
	for (int i = 0; i < 4; i++) {
		rig_pass(&rig, 900);
		rig_beat(&rig, 2, (struct rig_beat){ .window = 1, .received = 1, .started = 2 });
		rig_beat(&rig, 3, (struct rig_beat){ .window = 1 });
	}
	ck_assert(rig_has(&rig, "S3 jobs 1: 2/3 attempt=1 'p'\n"));
	rig_forget(&rig);
	rig_outcome(&rig, 3, 2, 3, VERDICT_DONE);
	ck_assert(rig_has(&rig, "C1 result @0: 1 done attempt=1 'good'\nW2 revoke 3/2\n"));
}
END_TEST

START_TEST(unstarted_replica_comes_back)
{
	two_on_two();
	rig_worker(&rig, 3, 1, "q", 1);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 0, .received = 1 });
	rig_forget(&rig);
	rig_return(&rig, 1, 2, 1);
	rig_expect(&rig, "S3 jobs 1: 2/3 attempt=1 'p'\n");
}
END_TEST

START_TEST(in_a_batch_it_is_one)
{
	struct msg_submit s = rig_race(2, 0);

	rig_worker(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 2, 1, "q", 1);
	rig_request(&rig, 1, 1, MSG_BATCH_OPEN, (struct msg){ 0 });
	s.batch = 1;
	rig_submit_as(&rig, 1, 2, "q", 1, s);
	rig_one(&rig, 1, 3, MSG_BATCH_CLOSE, 1);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 2, 1, "q", 1);
	rig_forget(&rig);
	rig_one(&rig, 1, 0, MSG_BATCH_GET, 1);
	rig_outcome(&rig, 1, 3, 1, VERDICT_DONE);
	rig_one(&rig, 1, 0, MSG_BATCH_GET, 1);
	rig_expect(&rig, "C1 batch #0 1 closed total=1 ended=0 failed=0\n"
	                 "W2 revoke 4/2\n"
	                 "C1 batch #0 1 closed total=1 ended=1 failed=0 kept=1\n");
}
END_TEST

START_TEST(refused)
{
	struct msg_submit s = rig_race(2, 0);

	rig_submit_as(&rig, 1, 1, "q", 2, s); /* two payloads */
	s.terms.race_ms = 0;
	rig_submit_as(&rig, 1, 2, "q", 1, s); /* no deadline */
	s.terms.replicas = 0;
	s.terms.hedge_ms = 100;
	rig_submit_as(&rig, 1, 3, "q", 1, s); /* a hedge of nothing */
	rig_expect(&rig, "C1 reply #1 bad-value\nC1 reply #2 bad-value\nC1 reply #3 bad-value\n");
	rig_submit_as(&rig, 1, 1, "q", 1, rig_race(1, 0)); /* a race of one is one */
	rig_expect(&rig, "C1 accepted #1: 1..1\n");
	rig_request(&rig, 1, 1, MSG_SUBMIT, (struct msg){ .u.submit = { .queue = span_str("q") } });
	rig_expect(&rig, "C1 accepted #1: 1..1\n"); /* sent again, as after a lost connection */
}
END_TEST

RIG_MAIN("core_race", first_good_answer_wins, one_fails_one_answers, all_failed, kept_apart, one_worker_only,
         another_worker_goes_away, deadline, cancelling, cancelling_a_replica, purging, purging_spares_what_runs,
         hedging, hedging_is_not_needed, hedging_waits_for_the_grant, hedging_past_what_has_failed, attempts_and_delay,
         worker_is_lost, unstarted_replica_comes_back, in_a_batch_it_is_one, refused)
