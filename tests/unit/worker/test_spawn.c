/* Many processes: of several slots at once, of commands that do not exist, of a worker that is killed at any moment.
 * None may be left. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/base/suite.h"
#include "worker/handler.h"

enum { SLOTS = 4, JOBS = 40, ROUNDS = 40 };

/* One slot: its jobs one after the other. */
struct work {
	struct exec_config *config;
	const char *payload;
	int jobs;
	int exit;
	int wrong; /* outcomes that are not as they should be */
};

static void *slot(void *arg)
{
	struct work *w = arg;
	struct job_run run = { .job = { .id = 1, .token = 1, .attempt = 1 }, .queue = span_str("q") };
	struct job_outcome out = { .verdict = VERDICT_DONE };

	run.cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	run.job.payload = span_str(w->payload);
	for (int i = 0; i < w->jobs; i++) {
		buf_clear(&out.result);
		buf_clear(&out.error);
		exec_run(w->config, &run, &out);
		w->wrong += out.exit != w->exit;
		w->wrong += w->exit == 0 && !span_eq(buf_span(&out.result), run.job.payload);
	}
	buf_fini(&out.result);
	buf_fini(&out.error);
	close(run.cancel_fd);
	return NULL;
}

/* Returns how many outcomes were wrong. */
static int run_slots(struct work like)
{
	static const char *const payloads[SLOTS] = { "", "one", "another", "a third\n" };
	struct work work[SLOTS];
	pthread_t threads[SLOTS];
	int wrong = 0;

	for (int i = 0; i < SLOTS; i++) {
		work[i] = like;
		work[i].payload = payloads[i];
		ck_assert_int_eq(pthread_create(&threads[i], NULL, slot, &work[i]), 0);
	}
	for (int i = 0; i < SLOTS; i++) {
		pthread_join(threads[i], NULL);
		wrong += work[i].wrong;
	}
	return wrong;
}

static void no_child_is_left(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

START_TEST(test_slots)
{
	char *argv[] = { (char[]){ "cat" }, NULL };
	struct exec_config config = { .argv = argv, .words = 1, .guardian = -1 };

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(run_slots((struct work){ .config = &config, .jobs = JOBS }), 0);
	no_child_is_left();
}
END_TEST

START_TEST(test_missing_command)
{
	char *argv[] = { (char[]){ "/nowhere/at-all" }, NULL };
	struct exec_config config = { .argv = argv, .words = 1, .guardian = guardian_start() };

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_ge(config.guardian, 0);
	ck_assert_int_eq(run_slots((struct work){ .config = &config, .jobs = JOBS, .exit = 127 }), 0);
	guardian_stop(config.guardian);
	no_child_is_left();
}
END_TEST

/* Its handlers begin and end all the time, and each leaves a process behind that would live on. */
_Noreturn static void be_worker(void)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "sleep 1000 & sleep 0.002" }, NULL };
	struct exec_config config = { .argv = argv, .words = 3, .guardian = guardian_start() };

	signal(SIGPIPE, SIG_IGN);
	run_slots((struct work){ .config = &config, .jobs = 1 << 20 });
	_exit(1);
}

/* Whoever loses its parent becomes a child of the test: when it has none left, nobody is left at all. */
START_TEST(test_killed_at_any_moment)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (useconds_t i = 0; i < ROUNDS; i++) {
		pid_t worker = fork();

		ck_assert_int_ge(worker, 0);
		if (worker == 0)
			be_worker();
		usleep(1000 * i);
		kill(worker, SIGKILL);
		while (waitpid(-1, NULL, 0) > 0)
			;
		ck_assert_int_eq(errno, ECHILD);
	}
}
END_TEST

SUITE_MAIN("spawn", test_slots, test_missing_command, test_killed_at_any_moment)
