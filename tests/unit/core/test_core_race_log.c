/* Races and the journal: a crash at every step, claims, the mover. The race is job 1, its replicas are 2, 3, … */
#include <stdio.h>

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

static void describe(const char *trace)
{
	rig_forget(&rig);
	rig_describe(&rig);
	rig_expect(&rig, trace);
}

/* Runs a race of three to its end with a restart after each of its steps in turn: whatever dies when, one answer. */
static void step_of(int step, enum verdict verdict)
{
	switch (step) {
	case 0:
		rig_submit_as(&rig, 1, 1, "q", 1, rig_race(3, 0));
		break;
	case 1:
		for (unsigned w = 1; w <= 3; w++)
			rig_worker(&rig, w, 1, "q", 1);
		break;
	case 2:
		rig_outcome(&rig, 1, 2, 1, VERDICT_FAILED);
		break;
	case 3:
		rig_outcome(&rig, 2, 3, 2, VERDICT_FAILED);
		break;
	default:
		rig_outcome(&rig, 3, 4, 3, verdict);
	}
}

/* What is left of the race runs on workers that have never been seen, and ends with this verdict. */
static void finish(enum verdict verdict)
{
	char text[40];

	for (unsigned w = 1; w <= 3; w++)
		rig_worker_as(&rig, w, 1003 + w);
	for (int i = 0; i < 4; i++) { /* what nobody claims is granted again */
		rig_pass(&rig, 900);
		for (unsigned w = 1; w <= 3; w++)
			rig_beat(&rig, w, (struct rig_beat){ .window = 1, .received = 1 });
	}
	for (unsigned token = 1; token <= 6; token++)
		for (unsigned id = 2; id <= 4; id++)
			for (unsigned w = 1; w <= 3; w++) {
				snprintf(text, sizeof text, "S%u jobs 1: %u/%u ", w, id, token);
				if (rig_has(&rig, text))
					rig_outcome(&rig, w, id, token, verdict);
			}
}

START_TEST(restart_after_each_step)
{
	static const enum verdict verdicts[] = { VERDICT_DONE, VERDICT_FAILED };

	for (int v = 0; v < 2; v++) {
		for (int cut = 0; cut < 5; cut++) {
			rig_fini(&rig);
			setup();
			for (int step = 0; step <= cut; step++)
				step_of(step, verdicts[v]);
			rig_restart(&rig, true);
			rig_client(&rig, 1);
			rig_forget(&rig);
			rig_ids(&rig, 1, 0, MSG_WAIT, 0, 1);
			finish(verdicts[v]);
			ck_assert(rig_has(&rig, verdicts[v] == VERDICT_DONE ? ": 1 done attempt=1 'good'\n"
			                                                    : ": 1 dead attempt=1 exit=1 'no replica"));
			if (cut >= 2 && verdicts[v] == VERDICT_FAILED)
				ck_assert(rig_has(&rig, "\nreplica 1 on worker1: exit 3: bad\n"));
			describe(verdicts[v] == VERDICT_DONE
			             ? "C9 queues #1008600 [q workers=3 submitted=4 done=2 cancelled=2 kept=4]\n"
			               "batches=0\n"
			             : "C9 queues #1008600 [q workers=3 submitted=4 dead=1 cancelled=3 kept=3]\n"
			               "batches=0\n");
			rig_restart(&rig, true);
		}
	}
}
END_TEST

START_TEST(a_worker_claims_what_it_runs)
{
	uint64_t tokens[1], ids[1] = { 3 };

	/* the second replica began by hedging, and its lease is no fact yet */
	rig_worker(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 2, 1, "q", 1);
	rig_submit_as(&rig, 1, 1, "q", 1, rig_race(2, 100));
	rig_pass(&rig, 100);
	ck_assert(rig_has(&rig, "S2 jobs 1: 3/2"));
	tokens[0] = rig_token(&rig, 2);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_ids(&rig, 1, 0, MSG_WAIT, 0, 1);
	rig.held = tokens;
	rig.held_ids = ids;
	rig.n_held = 1;
	rig_hello(&rig, 1, 1002, 1, "q");
	rig_socket(&rig, 1);
	rig_forget(&rig);
	rig_ready(&rig, 1);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 5 });
	ck_assert(!rig_has(&rig, "jobs")); /* not the other one as well */
	rig_outcome(&rig, 1, 3, tokens[0], VERDICT_DONE);
	ck_assert(rig_has(&rig, "C1 result @0: 1 done attempt=1 'good'\n"));
}
END_TEST

/* Fills the log and drains it, so that what lives is moved and the beginning is trimmed. */
static void churn(unsigned first)
{
	static const char big[15000];
	uint64_t tail = rig.tail + UINT64_C(2) * 64 * KIB;

	rig.quiet = true;
	for (unsigned i = first; i < first + 60 && rig.tail < tail; i++) {
		rig_submit_as(&rig, 1, i, "churn", 1,
		              (struct msg_submit){ .payloads = &(struct span){ (const uint8_t *)big, sizeof big } });
		rig_queue(&rig, 1, 1000 + i, "churn", QUEUE_PURGE, 0);
		rig_pass(&rig, 1);
		while (rig.move != 0)
			rig_scan(&rig);
	}
	rig.quiet = false;
	ck_assert_uint_ge(rig.tail, tail);
}

START_TEST(moved)
{
	/* one has failed, one runs, one waits for its hedge: all of that goes along */
	rig_worker(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 2, 1, "q", 1);
	rig_submit_as(&rig, 1, 1, "q", 1, rig_race(4, 5000));
	rig_outcome(&rig, 1, 2, 1, VERDICT_FAILED);
	ck_assert(rig_has(&rig, "S2 jobs 1: 3/2"));
	churn(100);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_forget(&rig);
	rig_describe(&rig);
	ck_assert(rig_has(&rig, "blocked=3 ready=1") || rig_has(&rig, "blocked=3 running=1"));
	rig_forget(&rig);
	rig_ids(&rig, 1, 0, MSG_WAIT, 0, 1);
	rig_worker(&rig, 1, 1, "q", 1); /* had the first one: it gets none of the others */
	rig_pass(&rig, 900);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1 });
	rig_expect(&rig, "W1 answer settled=0\nW1 answer settled=0\n");
	rig_worker(&rig, 2, 1, "q", 1);
	ck_assert(rig_has(&rig, "S2 jobs 1: 3/1 attempt=1 'p'\n"));
	rig_pass(&rig, 2000);
	rig_outcome(&rig, 2, 3, 1, VERDICT_FAILED);
	ck_assert(rig_has(&rig, ": 1 dead attempt=1 exit=1 'no replica of 4 was done\n"
	                        "replica 1 on worker1: exit 3: bad\n"
	                        "replica 2 on worker2: exit 3: bad\n"
	                        "replica 3: no other worker could take it\n"
	                        "replica 4: no other worker could take it'\n"));
	/* and as a dead letter, which is no race any more */
	churn(200);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_forget(&rig);
	rig_one(&rig, 1, 0, MSG_RESULT_GET, 1);
	ck_assert(
	    rig_has(&rig, "C1 result #0: 1 dead attempt=1 exit=1 'no replica of 4 was done\nreplica 1 on worker1"));
	rig_one(&rig, 1, 0, MSG_RESULT_GET, 2);
	ck_assert(rig_has(&rig, "C1 result #0: 2 cancelled attempt=1 exit=3 'bad'\n"));
}
END_TEST

START_TEST(follows_another_job)
{
	/* job 1, then a race of 3 and 4 that follows it; with and without a restart between */
	uint64_t after[] = { 1 };
	struct msg_submit s = rig_race(2, 0);

	s.terms.after = after;
	s.terms.n_after = 1;
	for (int restart = 0; restart < 2; restart++) {
		for (int well = 0; well < 2; well++) {
			rig_fini(&rig);
			setup();
			rig_submit(&rig, 1, 1, "q", 1);
			rig_submit_as(&rig, 1, 2, "q", 1, s);
			if (restart)
				rig_restart(&rig, true);
			rig_client(&rig, 1);
			rig_ids(&rig, 1, 0, MSG_WAIT, 0, 2);
			rig_worker(&rig, 1, 1, "q", 1);
			rig_worker(&rig, 2, 1, "q", 1);
			ck_assert(rig_has(&rig, "S1 jobs 1: 1/1 ") && !rig_has(&rig, "S2 jobs"));
			rig_outcome(&rig, 1, 1, 1, well ? VERDICT_DONE : VERDICT_FAILED);
			if (!well) {
				ck_assert(rig_has(&rig, " 2 cancelled ") && !rig_has(&rig, "S2 jobs"));
				continue;
			}
			ck_assert(rig_has(&rig, ": 3/2 ") && rig_has(&rig, ": 4/3 "));
			rig_restart(&rig, true); /* its leases are no facts yet: it begins again */
			rig_client(&rig, 1);
			rig_ids(&rig, 1, 0, MSG_WAIT, 0, 2);
			rig_worker(&rig, 1, 1, "q", 1);
			rig_forget(&rig);
			rig_worker(&rig, 2, 1, "q", 1);
			rig_outcome(&rig, 2, 4, 2, VERDICT_DONE);
			ck_assert(rig_has(&rig, ": 2 done attempt=1 'good'\n"));
		}
	}
}
END_TEST

START_TEST(runs_on_after_what_it_followed)
{
	/* old leases are facts: what runs is not held again */
	uint64_t after[] = { 1 };
	struct msg_submit s = rig_race(2, 0);

	s.terms.after = after;
	s.terms.n_after = 1;
	rig_submit(&rig, 1, 1, "q", 1);
	rig_submit_as(&rig, 1, 2, "q", 1, s);
	rig_worker(&rig, 1, 1, "q", 1);
	rig_worker(&rig, 2, 1, "q", 1);
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	rig_pass(&rig, 1500);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	rig_forget(&rig);
	rig_describe(&rig);
	ck_assert(rig_has(&rig, " blocked=1 running=2 "));
}
END_TEST

static uint32_t count(const char *text)
{
	uint32_t n = 0;
	const char *p = (const char *)rig.trace.p, *end = p + rig.trace.n;

	while ((p = memmem(p, (size_t)(end - p), text, strlen(text))) != NULL) {
		n++;
		p++;
	}
	return n;
}

START_TEST(many_on_few)
{
	/* a hundred races of four on two workers that take turns being busy; each ends once */
	uint32_t ended = 0;
	char text[40];

	rig_worker(&rig, 1, 2, "q", 4);
	rig_worker(&rig, 2, 2, "q", 4);
	for (uint32_t i = 0; i < 100; i++)
		rig_submit_as(&rig, 1, 1 + i, "q", 1, rig_race(4, i % 3 * 10));
	rig_forget(&rig);
	rig_restart(&rig, true);
	rig_client(&rig, 1);
	for (uint64_t id = 1; id <= 496; id += 5)
		rig_ids(&rig, 1, 0, MSG_WAIT, 0, id);
	rig_worker(&rig, 1, 2, "q", 4);
	rig_worker(&rig, 2, 2, "q", 4);
	for (unsigned token = 1; ended < 100 && token < 1000; token++) {
		bool found = false;

		for (unsigned id = 1; id <= 500 && !found; id++)
			for (unsigned w = 1; w <= 2 && !found; w++) {
				snprintf(text, sizeof text, ": %u/%u attempt", id, token);
				if (!rig_has(&rig, text))
					continue;
				snprintf(text, sizeof text, "W%u revoke %u/%u\n", w, id, token);
				if (!rig_has(&rig, text))
					rig_outcome(&rig, w, id, token, token % 7 == 0 ? VERDICT_FAILED : VERDICT_DONE);
				found = w == 2;
			}
		for (unsigned w = 1; w <= 2; w++)
			rig_beat(&rig, w, (struct rig_beat){ .window = 4, .received = 1000 });
		ended = count(" result @");
	}
	ck_assert_uint_eq(ended, 100);
	rig_forget(&rig);
	rig_describe(&rig);
	ck_assert(!rig_has(&rig, "ready=") && !rig_has(&rig, "blocked=") && !rig_has(&rig, "running="));
}
END_TEST

RIG_MAIN("core_race_log", restart_after_each_step, a_worker_claims_what_it_runs, moved, follows_another_job,
         runs_on_after_what_it_followed, many_on_few)
