/* Many processes: of several slots at once, of commands that do not exist, of a worker that is killed at any moment.
 * None may be left. */
#include <errno.h>
#include <fcntl.h>
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
	struct exec_config config = { .argv = argv, .words = 1, .guardian = guardian_start(NULL) };

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_ge(config.guardian, 0);
	ck_assert_int_eq(run_slots((struct work){ .config = &config, .jobs = JOBS, .exit = 127 }), 0);
	guardian_stop(config.guardian);
	no_child_is_left();
}
END_TEST

/* Its handlers begin and end all the time, each says so, and leaves a process behind that would live on. */
_Noreturn static void be_worker(int tell)
{
	char script[] = "echo >&9; sleep 1000 >/dev/null 2>&1 & sleep 0.002";
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, script, NULL };
	struct exec_config config = { .argv = argv, .words = 3, .guardian = guardian_start(NULL) };

	signal(SIGPIPE, SIG_IGN);
	dup2(tell, 9);
	run_slots((struct work){ .config = &config, .jobs = 1 << 20 });
	_exit(1);
}

/* Whoever loses its parent becomes a child of the test: when it has none left, nobody is left at all. */
START_TEST(test_killed_at_any_moment)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (int i = 0; i < ROUNDS; i++) {
		int ends[2];
		pid_t worker;
		char c;

		ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
		worker = fork();
		ck_assert_int_ge(worker, 0);
		if (worker == 0)
			be_worker(ends[1]);
		for (int begun = 0; begun < i; begun++)
			ck_assert_int_eq(read(ends[0], &c, 1), 1);
		kill(worker, SIGKILL);
		close(ends[0]);
		close(ends[1]);
		while (waitpid(-1, NULL, 0) > 0)
			;
		ck_assert_int_eq(errno, ECHILD);
	}
}
END_TEST

SUITE_MAIN("spawn", test_slots, test_missing_command, test_killed_at_any_moment)
