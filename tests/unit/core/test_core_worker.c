/* Traces: workers attach, get jobs within their credit, beat, give back and leave. */
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

START_TEST(attaching)
{
	rig_submit(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig_hello(&rig, 1, 55, 2, "q");
	rig_expect(&rig, "S1 open\n");
	rig_socket(&rig, 1);
	rig_expect(&rig, "W1 welcome\n"
	                 "S1 nonce\n");
	rig_beat(&rig, 1, (struct rig_beat){ .window = 2 });
	rig_expect(&rig, "W1 answer settled=0\n"); /* no nonce, no jobs */
	rig_ready(&rig, 1);
	rig_expect(&rig, "S1 jobs 1: 1/1 attempt=1 'p'\n");
}
END_TEST

START_TEST(a_wrong_nonce_opens_nothing)
{
	rig_submit(&rig, 1, 1, "q", 1);
	rig_hello(&rig, 1, 55, 2, "q");
	rig_socket(&rig, 1);
	rig.nonce++;
	rig_ready(&rig, 1);
	rig_forget(&rig);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 2 });
	rig_expect(&rig, "W1 answer settled=0\n");
}
END_TEST

START_TEST(no_port_ends_the_session)
{
	rig_hello(&rig, 1, 55, 2, "q");
	rig_forget(&rig);
	rig_step(&rig, &(struct event){ .kind = EV_SOCKET, .session = rig_session(&rig, 1) });
	rig_expect(&rig, "S1 close\n");
	rig_beat(&rig, 1, (struct rig_beat){ .window = 2 });
	rig_expect(&rig, "W1 no-session\n");
}
END_TEST

START_TEST(jobs_that_come_later_are_granted_at_once)
{
	rig_worker(&rig, 1, 2, "q", 4);
	rig_submit(&rig, 1, 1, "q", 1);
	rig_expect(&rig, "W1 answer settled=0\n"
	                 "C1 accepted #1: 1..1\n"
	                 "S1 jobs 1: 1/1 attempt=1 'p'\n");
}
END_TEST

START_TEST(credit_bounds_what_is_granted)
{
	rig_worker(&rig, 1, 1, "q", 3);
	rig_submit(&rig, 1, 1, "q", 9);
	rig_expect(&rig, "W1 answer settled=0\n"
	                 "C1 accepted #1: 1..9\n"
	                 "S1 jobs 1: 1/1 attempt=1 'p'\n"
	                 "S1 jobs 2: 2/2 attempt=1 'p'\n"
	                 "S1 jobs 2: 3/3 attempt=1 'p'\n");
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	rig_expect(&rig, "C1 result @0: 1 done attempt=1 'good'\n"
	                 "S1 jobs 3: 4/4 attempt=1 'p'\n");
	rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = 3 });
	rig_outcome(&rig, 1, 2, 2, VERDICT_DONE);
	rig_outcome(&rig, 1, 3, 3, VERDICT_DONE);
	rig_expect(&rig, "W1 answer settled=1\n"
	                 "C1 result @1: 2 done attempt=1 'good'\n"
	                 "C1 result @2: 3 done attempt=1 'good'\n");
	rig_outcome(&rig, 1, 4, 4, VERDICT_DONE);
	rig_expect(&rig, "C1 result @3: 4 done attempt=1 'good'\n"
	                 "S1 jobs 4: 5/5 attempt=1 'p'\n");
}
END_TEST

START_TEST(credit_in_bytes)
{
	static uint8_t big[9000];
	struct span payload = span_of(big, sizeof big);
	struct msg_submit s = { .payloads = &payload };
	struct msg beat = { .h = { .version = 1, .kind = MSG_BEAT } };

	rig_worker(&rig, 1, 1, "q", 0);
	for (uint64_t i = 1; i <= 3; i++)
		rig_submit_as(&rig, 1, i, "q", 1, s);
	rig_forget(&rig);
	beat.h.session = rig_session(&rig, 1);
	beat.u.beat = (struct msg_beat){ .window_jobs = 9, .window_bytes = 20000 };
	rig_step(&rig, &(struct event){ .kind = EV_WORKER, .peer = 201, .msg = &beat });
	rig_expect(&rig, "W1 answer settled=0\n"
	                 "S1 jobs 1: 1/1 attempt=1 (9000 bytes)\n"
	                 "S1 jobs 2: 2/2 attempt=1 (9000 bytes)\n");
	/* what is larger than the window goes to a worker that has nothing */
	beat.u.beat.window_bytes = 10;
	rig_step(&rig, &(struct event){ .kind = EV_WORKER, .peer = 201, .msg = &beat });
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	rig_expect(&rig, "W1 answer settled=0\n");
	rig_outcome(&rig, 1, 2, 2, VERDICT_DONE);
	rig_expect(&rig, "S1 jobs 3: 3/3 attempt=1 (9000 bytes)\n");
}
END_TEST

START_TEST(the_least_outstanding_first)
{
	rig_worker(&rig, 1, 1, "q", 3);
	rig_submit(&rig, 1, 1, "q", 2);
	rig_worker(&rig, 2, 1, "q", 3);
	rig_forget(&rig);
	rig_submit(&rig, 1, 2, "q", 3);
	rig_expect(&rig, "C1 accepted #2: 3..5\n"
	                 "S2 jobs 1: 3/3 attempt=1 'p'\n"
	                 "S2 jobs 2: 4/4 attempt=1 'p'\n"
	                 "S2 jobs 2: 5/5 attempt=1 'p'\n");
}
END_TEST

START_TEST(idle_slots_are_filled_before_work_is_sent_ahead)
{
	rig_worker(&rig, 1, 2, "q", 64);
	rig_worker(&rig, 2, 2, "q", 64);
	rig_forget(&rig);
	rig_submit(&rig, 1, 1, "q", 5);
	rig_expect(&rig, "C1 accepted #1: 1..5\n"
	                 "S1 jobs 1: 1/1 attempt=1 'p'\n"
	                 "S1 jobs 1: 2/2 attempt=1 'p'\n"
	                 "S2 jobs 1: 3/3 attempt=1 'p'\n"
	                 "S2 jobs 1: 4/4 attempt=1 'p'\n"
	                 "S1 jobs 2: 5/5 attempt=1 'p'\n");
}
END_TEST

START_TEST(work_ahead_is_recalled_for_the_idle)
{
	rig_worker(&rig, 1, 1, "q", 8);
	rig_submit(&rig, 1, 1, "q", 4);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 8, .received = 2, .started = 1 });
	rig_pass(&rig, 400);
	rig_worker(&rig, 2, 1, "q", 8);
	rig_forget(&rig);
	rig_pass(&rig, 150);
	rig_expect(&rig, "W1 recall 4/4\n");
	rig_return(&rig, 1, 4, 4);
	rig_expect(&rig, "S2 jobs 1: 4/5 attempt=1 'p'\n");
}
END_TEST

START_TEST(a_returned_job_keeps_its_place)
{
	rig_worker(&rig, 1, 2, "q", 2);
	rig_submit(&rig, 1, 1, "q", 4);
	rig_forget(&rig);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 0, .received = 1 });
	rig_return(&rig, 1, 1, 1);
	rig_return(&rig, 1, 1, 1); /* again: it is not ours any more */
	rig_forget(&rig);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 3, .received = 1 });
	rig_expect(&rig, "W1 answer settled=0\n"
	                 "S1 jobs 2: 1/3 attempt=1 'p'\n"
	                 "S1 jobs 3: 3/4 attempt=1 'p'\n");
}
END_TEST

START_TEST(jobs_lost_on_the_way_are_granted_again)
{
	rig_worker(&rig, 1, 2, "q", 2);
	rig_submit(&rig, 1, 1, "q", 1);
	rig_submit(&rig, 1, 2, "q", 1);
	rig_forget(&rig);
	/* the first message never came, the second did */
	rig_beat(&rig, 1, (struct rig_beat){ .window = 2, .received = 2, .lost = { 1, 1 }, .started = 2 });
	rig_expect(&rig, "W1 answer settled=0\n"
	                 "S1 jobs 3: 1/3 attempt=1 'p'\n");
	rig_beat(&rig, 1, (struct rig_beat){ .window = 2, .received = 3, .lost = { 1, 1 }, .started = 2 });
	rig_expect(&rig, "W1 answer settled=0\n"); /* said again until it was answered: done once */
	rig_one(&rig, 1, 3, MSG_JOB_GET, 1);
	rig_expect(&rig, "C1 job #3 1 running attempt=1/1 deliveries=0 by worker1\n");
}
END_TEST

START_TEST(a_worker_that_loses_everything_attaches_anew)
{
	rig_worker(&rig, 1, 1, "q", 1);
	rig_submit(&rig, 1, 1, "q", 1);
	for (uint64_t i = 1; i <= 3; i++) {
		rig_forget(&rig);
		rig_beat(&rig, 1, (struct rig_beat){ .window = 1, .received = i, .lost = { i, i } });
	}
	rig_expect(&rig, "W1 no-session\n"
	                 "S1 close\n");
	rig_one(&rig, 1, 2, MSG_JOB_GET, 1);
	rig_expect(&rig, "C1 job #2 1 ready attempt=0/1 deliveries=0\n");
}
END_TEST

START_TEST(silence_about_a_message_is_probed)
{
	rig_worker(&rig, 1, 2, "q", 2);
	rig_submit(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 2 });
	rig_expect(&rig, "W1 answer settled=0\n"); /* it may be on its way */
	rig_pass(&rig, 1100);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 2 });
	ck_assert(rig_has(&rig, "S1 jobs 2: probe\n"));
	rig_forget(&rig);
	rig_beat(&rig, 1, (struct rig_beat){ .window = 2, .received = 2, .lost = { 1, 1 } });
	rig_expect(&rig, "W1 answer settled=0\n"
	                 "S1 jobs 3: 1/2 attempt=1 'p'\n");
}
END_TEST

START_TEST(a_second_hello_replaces_the_first)
{
	rig_worker(&rig, 1, 1, "q", 2);
	rig_submit(&rig, 1, 1, "q", 2);
	rig_forget(&rig);
	rig_hello(&rig, 2, 1001, 1, "q"); /* the instance of worker 1: it holds nothing any more */
	rig_expect(&rig, "S1 close\n"
	                 "S2 open\n");
	rig_socket(&rig, 2);
	rig_ready(&rig, 2);
	rig_forget(&rig);
	rig_beat(&rig, 2, (struct rig_beat){ .window = 2 });
	rig_pass(&rig, 10);
	rig_expect(&rig, "W2 answer settled=0\n"
	                 "S2 jobs 1: 1/3 attempt=1 'p'\n"
	                 "S2 jobs 2: 2/4 attempt=1 'p'\n");
}
END_TEST

START_TEST(what_a_hello_names_is_adopted)
{
	uint64_t tokens[] = { rig_token(&rig, 1), rig_token(&rig, 99) }, ids[] = { 1, 1 };

	rig_worker(&rig, 1, 1, "q", 1);
	rig_submit(&rig, 1, 1, "q", 1);
	rig.held = tokens;
	rig.held_ids = ids;
	rig.n_held = 2;
	rig_hello(&rig, 2, 1001, 1, "q");
	rig_forget(&rig);
	rig_socket(&rig, 2);
	rig_expect(&rig, "W2 welcome dropped=99\n"
	                 "S2 nonce\n");
	rig_ready(&rig, 2);
	rig_outcome(&rig, 2, 1, 1, VERDICT_DONE);
	rig_expect(&rig, "C1 result @0: 1 done attempt=1 'good'\n");
}
END_TEST

START_TEST(a_bye_waits_for_its_outcomes)
{
	rig_worker(&rig, 1, 2, "q", 2);
	rig_submit(&rig, 1, 1, "q", 3);
	rig_forget(&rig);
	rig_bye(&rig, 1, 1);
	rig_expect(&rig, "");
	rig_outcome(&rig, 1, 1, 1, VERDICT_DONE);
	ck_assert(rig_has(&rig, "C1 result @0: 1 done attempt=1 'good'\n"));
	ck_assert(rig_has(&rig, "S1 close\n"));
	rig_forget(&rig);
	rig_pass(&rig, 10);
	rig_one(&rig, 1, 2, MSG_JOB_GET, 2);
	rig_expect(&rig, "C1 job #2 2 ready attempt=0/1 deliveries=0\n"); /* it never was its fault */
}
END_TEST

START_TEST(workers_are_listed)
{
	rig_worker(&rig, 1, 2, "q", 2);
	rig_worker(&rig, 2, 3, "r", 2);
	rig_submit(&rig, 1, 1, "q", 1);
	rig_forget(&rig);
	rig_request(&rig, 1, 2, MSG_WORKER_LIST, (struct msg){ 0 });
	rig_expect(&rig, "C1 workers #2 [q slots=2 outstanding=1] [r slots=3 outstanding=0]\n");
}
END_TEST

/* A beat of worker 1 that names 60 messages as lost; the number of its answer. */
static uint64_t answer_to_losses(uint64_t number)
{
	struct msg_range lost = { 1, 60 };
	struct msg m = { .h = { .version = 1, .kind = MSG_BEAT, .session = rig_session(&rig, 1), .number = number },
		         .u.beat = { .received = 60, .lost = &lost, .n_lost = 1 } };
	const struct msg *out;

	core_step(rig.core, rig.now, &(struct event){ .kind = EV_WORKER, .peer = 201, .msg = &m }, &rig.fx);
	out = rig.fx.v[rig.fx.n - 1].u.msg;
	ck_assert_uint_eq(out->h.kind, MSG_BEAT_ANSWER);
	return out->h.number;
}

/* A beat that names more than one step takes back is unanswered until all of it was taken. */
START_TEST(more_is_lost_than_a_step_takes_back)
{
	rig.quiet = true;
	rig_worker(&rig, 1, 64, "q", 4096);
	for (uint64_t i = 1; i <= 3; i++)
		rig_submit(&rig, 1, i, "q", 1000);
	ck_assert_uint_eq(answer_to_losses(100), 0);
	ck_assert_uint_eq(answer_to_losses(101), 101);
	rig.quiet = false;
	rig_forget(&rig);
	rig_queue(&rig, 1, 4, "q", QUEUE_SHOW, 0);
	rig_expect(&rig, "C1 queues #4 [q workers=1 submitted=3000 ready=3000 kept=0]\n");
}
END_TEST

RIG_MAIN("core_worker", attaching, a_wrong_nonce_opens_nothing, no_port_ends_the_session,
         jobs_that_come_later_are_granted_at_once, credit_bounds_what_is_granted, credit_in_bytes,
         the_least_outstanding_first, idle_slots_are_filled_before_work_is_sent_ahead,
         work_ahead_is_recalled_for_the_idle, a_returned_job_keeps_its_place, jobs_lost_on_the_way_are_granted_again,
         a_worker_that_loses_everything_attaches_anew, silence_about_a_message_is_probed,
         a_second_hello_replaces_the_first, what_a_hello_names_is_adopted, a_bye_waits_for_its_outcomes,
         workers_are_listed, more_is_lost_than_a_step_takes_back)
