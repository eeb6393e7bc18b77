/* The slots: every task comes back exactly once, in order where one slot runs them, while tasks are dropped and
 * cancelled at any moment. Worth most under ThreadSanitizer. */
#include <poll.h>
#include <unistd.h>

#include "base/rand.h"
#include "tests/unit/base/suite.h"
#include "worker/slots.h"

enum { TASKS = 20000, RUN_QUICK, RUN_UNTIL_CANCELLED, RUN_GATE, RUN_TALK };

static _Atomic uint32_t runs[TASKS]; /* how often each was run */
static _Atomic uint32_t order;
static uint32_t place[TASKS];   /* in which order */
static _Atomic int gate, gated; /* RUN_GATE waits for the first and tells of it by the second */

static void run(void *arg, struct job_run *job, struct job_outcome *out)
{
	struct pollfd cancel = { .fd = job->cancel_fd, .events = POLLIN };

	(void)arg;
	(void)out;
	atomic_fetch_add(&runs[job->job.id], 1);
	place[job->job.id] = atomic_fetch_add(&order, 1);
	if (job->job.attempt == RUN_TALK) {
		job_touch(job, 10, span_str("ten"));
		job_touch(job, 20, span_str("twenty"));
		job_touch(job, PERCENT_UNKNOWN, (struct span){ 0 });
	}
	if (job->job.attempt == RUN_UNTIL_CANCELLED || job->job.attempt == RUN_TALK)
		while (!atomic_load(&job->cancelled))
			poll(&cancel, 1, 1000);
	if (job->job.attempt == RUN_GATE) {
		atomic_fetch_add(&gated, 1);
		while (!atomic_load(&gate))
			poll(NULL, 0, 1);
	}
}

static const struct handler handler = { .name = "test", .run = run };
static struct task *tasks;

static void put(struct slots *s, uint32_t id, uint32_t what)
{
	struct task *t = &tasks[id];

	t->run.job.id = id;
	t->run.job.token = id + 1;
	t->run.job.attempt = what;
	atomic_store(&t->state, TASK_WAITING);
	atomic_store(&t->run.cancelled, 0);
	slots_put(s, t);
}

/* Waits as the I/O thread does. */
static struct task *take(struct slots *s)
{
	for (;;) {
		struct task *t = slots_take(s);
		struct pollfd done = { .fd = slots_fd(s), .events = POLLIN };

		if (t != NULL)
			return t;
		poll(&done, 1, slots_sleep(s) ? 60000 : 0);
		slots_woken(s);
	}
}

static void setup(void)
{
	tasks = calloc(TASKS, sizeof *tasks);
	ck_assert_ptr_nonnull(tasks);
}

static void finish(struct slots *s)
{
	ck_assert_ptr_null(slots_take(s));
	slots_free(s);
	free(tasks);
}

START_TEST(test_each_once)
{
	struct slots *s = slots_new(4, &handler);
	uint32_t back = 0;

	setup();
	for (uint32_t id = 0; id < TASKS; id++) {
		put(s, id, RUN_QUICK);
		if (id % 100 == 99)
			slots_wake(s);
		for (struct task *t; id % 7 == 0 && (t = slots_take(s)) != NULL; back++)
			ck_assert_int_eq(atomic_load(&t->state), TASK_ENDED);
	}
	slots_wake(s);
	for (; back < TASKS; back++)
		ck_assert_int_eq(atomic_load(&take(s)->state), TASK_ENDED);
	for (uint32_t id = 0; id < TASKS; id++)
		ck_assert_uint_eq(atomic_load(&runs[id]), 1);
	finish(s);
}
END_TEST

START_TEST(test_in_order)
{
	struct slots *s = slots_new(1, &handler);

	setup();
	for (uint32_t id = 0; id < 5000; id++)
		put(s, id, RUN_QUICK);
	slots_wake(s);
	for (uint32_t id = 0; id < 5000; id++)
		ck_assert_uint_eq(take(s)->run.job.id, id);
	finish(s);
}
END_TEST

/* One long job must not keep the others from a slot that is idle. */
START_TEST(test_no_slot_idles)
{
	struct slots *s = slots_new(2, &handler);

	setup();
	put(s, 0, RUN_GATE);
	for (uint32_t id = 1; id < 1000; id++)
		put(s, id, RUN_QUICK);
	slots_wake(s);
	for (uint32_t n = 1; n < 1000; n++)
		ck_assert_uint_ne(take(s)->run.job.id, 0);
	atomic_store(&gate, 1);
	ck_assert_uint_eq(take(s)->run.job.id, 0);
	finish(s);
}
END_TEST

START_TEST(test_running)
{
	struct slots *s = slots_new(3, &handler);
	uint64_t tokens[8];

	setup();
	ck_assert_uint_eq(slots_running(s, tokens, 8), 0);
	put(s, 0, RUN_GATE);
	put(s, 1, RUN_GATE);
	slots_wake(s);
	while (atomic_load(&gated) < 2)
		poll(NULL, 0, 1);
	ck_assert_uint_eq(slots_running(s, tokens, 8), 2);
	ck_assert_uint_eq(tokens[0] + tokens[1], 3);
	ck_assert_uint_eq(slots_running(s, tokens, 1), 1);
	atomic_store(&gate, 1);
	take(s);
	take(s);
	finish(s);
}
END_TEST

/* What is dropped comes back without waiting for the slot, the others keep their order. */
START_TEST(test_sweep)
{
	struct slots *s = slots_new(1, &handler);
	uint32_t dropped = 0;

	setup();
	put(s, 0, RUN_GATE);
	slots_wake(s);
	while (atomic_load(&gated) == 0)
		poll(NULL, 0, 1);
	for (uint32_t id = 1; id <= 1000; id++)
		put(s, id, RUN_QUICK);
	for (uint32_t id = 1; id <= 1000; id++)
		dropped += id % 3 == 0 && slots_drop(&tasks[id]);
	ck_assert(!slots_drop(&tasks[0]) && !slots_drop(&tasks[3]));
	slots_sweep(s);
	ck_assert(!slots_sleep(s));
	for (uint32_t n = 0; n < dropped; n++)
		ck_assert_uint_eq(slots_take(s)->run.job.id % 3, 0);
	ck_assert_ptr_null(slots_take(s));
	atomic_store(&gate, 1);
	ck_assert_uint_eq(take(s)->run.job.id, 0);
	for (uint32_t id = 1; id <= 1000; id++)
		if (id % 3 != 0)
			ck_assert_uint_eq(take(s)->run.job.id, id);
	ck_assert_uint_eq(dropped, 333);
	finish(s);
}
END_TEST

/* Far more drops than the ring has places, behind one job that goes on and on. */
START_TEST(test_drops_do_not_pile_up)
{
	struct slots *s = slots_new(1, &handler);

	setup();
	put(s, 0, RUN_GATE);
	slots_wake(s);
	while (atomic_load(&gated) == 0)
		poll(NULL, 0, 1);
	for (int round = 0; round < 20; round++) {
		for (uint32_t id = 1; id < 10000; id++)
			put(s, id, RUN_QUICK);
		for (uint32_t id = 1; id < 10000; id++)
			ck_assert(slots_drop(&tasks[id]));
		slots_sweep(s);
		for (uint32_t id = 1; id < 10000; id++)
			ck_assert_ptr_nonnull(slots_take(s));
	}
	atomic_store(&gate, 1);
	take(s);
	finish(s);
}
END_TEST

START_TEST(test_cancel_running)
{
	struct slots *s = slots_new(2, &handler);
	uint64_t tokens[2];

	setup();
	for (uint32_t round = 0; round < 50; round++) {
		put(s, 0, RUN_UNTIL_CANCELLED);
		put(s, 1, RUN_UNTIL_CANCELLED);
		slots_wake(s);
		while (slots_running(s, tokens, 2) < 2)
			poll(NULL, 0, 1);
		slots_cancel(&tasks[round % 2], END_FORGOTTEN);
		ck_assert_ptr_eq(take(s), &tasks[round % 2]);
		slots_cancel(&tasks[round % 2],
		             END_FORGOTTEN); /* it has ended: that must not reach the slot's next task */
		slots_cancel(&tasks[1 - round % 2], END_FORGOTTEN);
		ck_assert_ptr_eq(take(s), &tasks[1 - round % 2]);
	}
	/* no cancel is left behind */
	put(s, 2, RUN_GATE);
	slots_wake(s);
	while (atomic_load(&gated) == 0)
		poll(NULL, 0, 1);
	ck_assert_int_eq(poll(&(struct pollfd){ .fd = tasks[2].run.cancel_fd, .events = POLLIN }, 1, 0), 0);
	atomic_store(&gate, 1);
	take(s);
	finish(s);
}
END_TEST

/* Waits for a word as the I/O thread does. */
static struct slot_word hear(struct slots *s)
{
	struct slot_word w;

	while (!slots_said(s, &w)) {
		struct pollfd said = { .fd = slots_fd(s), .events = POLLIN };

		poll(&said, 1, slots_sleep(s) ? 60000 : 0);
		slots_woken(s);
	}
	return w;
}

START_TEST(test_words)
{
	struct slots *s = slots_new(1, &handler);
	struct slot_word w;

	setup();
	tasks[0].run.job.lease_ms = 30000;
	put(s, 0, RUN_TALK);
	slots_wake(s);
	w = hear(s);
	ck_assert(w.token == 1 && w.lease_ms == 30000); /* it has begun; maybe it has spoken since */
	while (!w.touched || w.percent < 20) {
		struct slot_word next = hear(s);

		ck_assert(next.token == 1 && next.lease_ms == 0);
		w = next;
	}
	ck_assert_uint_eq(w.percent, 20);
	ck_assert(span_eq(span_of(w.text, w.n), span_str("twenty")));
	slots_cancel(&tasks[0], END_LEASE);
	ck_assert_ptr_eq(take(s), &tasks[0]);
	ck_assert_int_eq(tasks[0].out.verdict, VERDICT_KILLED);
	ck_assert_int_eq(tasks[0].out.exit, 143);
	ck_assert(span_eq(buf_span(&tasks[0].out.error), span_str("ran out of its lease of 30s")));
	buf_fini(&tasks[0].out.error);
	finish(s);
}
END_TEST

START_TEST(test_late)
{
	struct slots *s = slots_new(1, &handler);

	setup();
	put(s, 0, RUN_GATE);
	tasks[1].begin_by_ns = 1;
	put(s, 1, RUN_QUICK);
	tasks[2].begin_by_ns = UINT64_MAX;
	put(s, 2, RUN_QUICK);
	slots_wake(s);
	atomic_store(&gate, 1);
	for (uint32_t id = 0; id < 3; id++) {
		ck_assert_ptr_eq(take(s), &tasks[id]);
		ck_assert_int_eq(atomic_load(&tasks[id].state), id == 1 ? TASK_LATE : TASK_ENDED);
		ck_assert_uint_eq(atomic_load(&runs[id]), id == 1 ? 0 : 1);
	}
	finish(s);
}
END_TEST

static _Atomic int begun, ended;

static void begin_slot(void *arg, uint32_t slot)
{
	ck_assert_ptr_eq(arg, &begun);
	atomic_fetch_add(&begun, 1 << slot);
}

static void end_slot(void *arg, uint32_t slot)
{
	ck_assert_ptr_eq(arg, &begun);
	atomic_fetch_add(&ended, 1 << slot);
}

START_TEST(test_begin_and_end)
{
	struct handler h = { .name = "test", .run = run, .arg = &begun, .begin = begin_slot, .end = end_slot };
	struct slots *s = slots_new(3, &h);

	setup();
	put(s, 0, RUN_QUICK);
	slots_wake(s);
	take(s);
	finish(s);
	ck_assert_int_eq(atomic_load(&begun), 7);
	ck_assert_int_eq(atomic_load(&ended), 7);
}
END_TEST

/* Drops, cancels and sweeps at random against slots that run: each task ends up dropped or run, never both. */
START_TEST(test_storm)
{
	struct slots *s = slots_new(4, &handler);
	uint32_t back = 0, next = 0;
	struct rng rng;

	setup();
	rng_seed(&rng, 3);
	while (back < TASKS) {
		for (uint32_t n = (uint32_t)rng_below(&rng, 50); n > 0 && next < TASKS; n--, next++)
			put(s, next, rng_below(&rng, 50) == 0 ? RUN_UNTIL_CANCELLED : RUN_QUICK);
		slots_wake(s);
		for (uint32_t n = (uint32_t)rng_below(&rng, 20); n > 0 && next > 0; n--) {
			struct task *t = &tasks[next - 1 - rng_below(&rng, next < 100 ? next : 100)];

			if (rng_below(&rng, 2) == 0)
				slots_drop(t);
			else
				slots_cancel(t, END_FORGOTTEN);
		}
		if (rng_below(&rng, 3) == 0)
			slots_sweep(s);
		if (next == TASKS || rng_below(&rng, 8) == 0)
			for (uint32_t id = 0; id < next; id++) /* nobody waits for ever */
				if (tasks[id].run.job.attempt == RUN_UNTIL_CANCELLED)
					slots_cancel(&tasks[id], END_FORGOTTEN);
		for (struct task *t; (t = slots_take(s)) != NULL; back++)
			ck_assert_uint_eq(atomic_load(&runs[t->run.job.id]),
			                  atomic_load(&t->state) == TASK_ENDED ? 1 : 0);
	}
	finish(s);
}
END_TEST

SUITE_MAIN("slots", test_each_once, test_in_order, test_no_slot_idles, test_running, test_sweep,
           test_drops_do_not_pile_up, test_cancel_running, test_words, test_late, test_begin_and_end, test_storm)
