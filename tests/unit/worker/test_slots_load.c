/* The slots under a long load, and cancels that come at the very moment in which their job ends: the next job in the
 * same slot must not feel them. Worth most under ThreadSanitizer. */
#include <poll.h>
#include <sched.h>

#include "tests/unit/base/suite.h"
#include "worker/slots.h"

enum { SLOTS = 4, POOL = 1024, MANY = 200000, PATIENCE_MS = 60000 };
enum { RUN_COUNT = 1, RUN_AIMED, RUN_UNAIMED };

static _Atomic uint32_t runs[MANY + 1]; /* of each job, by id */
static _Atomic uint32_t begun, aimed;   /* jobs that a cancel is meant for; those that it is about to be sent to */
static _Atomic uint32_t hits, strays;   /* cancels felt by the job they were for; by another */

static void spin(uint64_t n)
{
	for (; n > 0; n--)
		__asm__ volatile("" ::: "memory");
}

static void run(void *arg, struct job_run *r, struct job_outcome *out)
{
	(void)arg;
	(void)out;
	atomic_fetch_add(&runs[r->job.id], 1);
	if (r->job.attempt == RUN_AIMED) {
		uint32_t mine = atomic_fetch_add(&begun, 1) + 1;

		while (atomic_load(&aimed) < mine)
			sched_yield();
		while (mine % 8 == 0 && !atomic_load(&r->cancelled)) /* the others race with it */
			sched_yield();
		spin(r->job.id % 5000);
	}
	if (r->job.attempt != RUN_COUNT && poll(&(struct pollfd){ r->cancel_fd, POLLIN, 0 }, 1, 0) != 0)
		atomic_fetch_add(r->job.attempt == RUN_AIMED ? &hits : &strays, 1);
}

static const struct handler handler = { .name = "test", .run = run };

static void put(struct slots *s, struct task *t, uint64_t id, uint32_t what)
{
	t->run = (struct job_run){ .job = { .id = id, .token = id + 100, .attempt = what } };
	atomic_store(&t->state, TASK_WAITING);
	slots_put(s, t);
}

/* The next task, as the I/O thread waits for it. */
static struct task *await(struct slots *s)
{
	struct pollfd fd = { .fd = slots_fd(s), .events = POLLIN };
	struct task *t;

	while ((t = slots_take(s)) == NULL) {
		if (slots_sleep(s))
			ck_assert_int_eq(poll(&fd, 1, PATIENCE_MS), 1); /* else a wake was lost */
		slots_woken(s);
	}
	return t;
}

START_TEST(test_load)
{
	struct slots *s = slots_new(SLOTS, &handler);
	struct task *pool = calloc(POOL, sizeof *pool), *spare = NULL;
	uint64_t given = 0, done = 0;
	int wrong = 0;

	for (int i = 0; i < POOL; i++) {
		pool[i].next = spare;
		spare = &pool[i];
	}
	while (done < MANY) {
		for (; spare != NULL && given < MANY; given++) {
			struct task *t = spare;

			spare = t->next;
			put(s, t, given + 1, RUN_COUNT);
		}
		slots_wake(s);
		for (struct task *t = await(s); t != NULL; t = slots_take(s), done++) {
			wrong += atomic_load(&t->state) != TASK_ENDED || t->out.verdict != VERDICT_DONE;
			t->next = spare;
			spare = t;
		}
	}
	for (int id = 1; id <= MANY; id++)
		wrong += atomic_load(&runs[id]) != 1;
	ck_assert_int_eq(wrong, 0); /* once: an assertion of check's writes to a pipe */
	ck_assert_ptr_null(slots_take(s));
	slots_free(s);
	free(pool);
}
END_TEST

START_TEST(test_cancel_stays)
{
	enum { ROUNDS = 5000 };
	struct slots *s = slots_new(1, &handler);
	struct task *pool = calloc(2, sizeof *pool);

	for (uint64_t i = 0; i < ROUNDS; i++) {
		put(s, &pool[0], 2 * i + 1, RUN_AIMED);
		put(s, &pool[1], 2 * i + 2, RUN_UNAIMED);
		slots_wake(s);
		while (atomic_load(&begun) == i)
			sched_yield();
		atomic_store(&aimed, (uint32_t)i + 1);
		spin(i % 997 * 5);
		slots_cancel(&pool[0], END_FORGOTTEN);
		await(s);
		await(s);
		ck_assert_uint_eq(atomic_load(&runs[2 * i + 1]), 1);
		ck_assert_uint_eq(atomic_load(&runs[2 * i + 2]), 1);
	}
	ck_assert_uint_eq(atomic_load(&strays), 0);
	ck_assert_uint_ge(atomic_load(&hits), ROUNDS / 8 - 1);
	slots_free(s);
	free(pool);
}
END_TEST

SUITE_MAIN("slots_load", test_load, test_cancel_stays)
