/* No orphans: a worker that is killed with -9 takes with it what its handlers started, and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/base/suite.h"
#include "worker/handler.h"

/* The test adopts whoever loses its parent, so that it can wait for each. */
static void adopt(void)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

/* A number that somebody writes as a line into the pipe. */
static int read_pid(int fd)
{
	char text[32] = "";

	for (size_t i = 0; i + 1 < sizeof text; i++) {
		ck_assert_int_eq(read(fd, text + i, 1), 1);
		if (text[i] == '\n')
			break;
	}
	return (int)strtol(text, NULL, 10);
}

/* Runs one job as a worker would; what the script says on descriptor 9 comes to the test. */
_Noreturn static void be_worker(int tell, const char *script, bool guarded)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, NULL, NULL };
	struct exec_config config = { .argv = argv, .words = 3, .guardian = -1 };
	struct job_run run = { .job = { .id = 1, .token = 1, .attempt = 1 }, .queue = span_str("q") };
	struct job_outcome out = { .verdict = VERDICT_DONE };
	char *copy = strdup(script);

	if (guarded)
		config.guardian = guardian_start(NULL);
	signal(SIGPIPE, SIG_IGN);
	argv[2] = copy;
	dup2(tell, 9);
	run.cancel_fd = eventfd(0, EFD_CLOEXEC);
	exec_run(&config, &run, &out);
	_exit(out.exit);
}

static pid_t start_worker(int *from, const char *script, bool guarded)
{
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		be_worker(ends[1], script, guarded);
	close(ends[1]);
	*from = ends[0];
	return pid;
}

/* Waits for its end, however long that takes: the test has a time limit. Until its parent is dead it is no child of
 * ours. */
static int end_of(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) != pid) {
		ck_assert_int_eq(errno, ECHILD);
		poll(NULL, 0, 1);
	}
	return status;
}

static const char family[] = "sh -c 'echo $$ >&9; exec sleep 1000' 9>&9 & echo $$ >&9; exec sleep 1000";

START_TEST(test_killed_worker)
{
	int from, one, other, status;
	pid_t worker;

	adopt();
	worker = start_worker(&from, family, true);
	one = read_pid(from);
	other = read_pid(from);
	ck_assert(one > 0 && other > 0 && one != other);
	ck_assert(kill(one, 0) == 0 && kill(other, 0) == 0);
	kill(worker, SIGKILL);
	ck_assert(WIFSIGNALED(end_of(worker)));
	status = end_of(one); /* one of them is the handler, the other what it started */
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	status = end_of(other);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(from);
}
END_TEST

/* Without a guardian the handler itself still dies. */
START_TEST(test_parent_death)
{
	int from, handler;
	pid_t worker;

	adopt();
	worker = start_worker(&from, "echo $$ >&9; exec sleep 1000", false);
	handler = read_pid(from);
	kill(worker, SIGKILL);
	end_of(worker);
	ck_assert(WIFSIGNALED(end_of(handler)));
	close(from);
}
END_TEST

/* The guardian goes with its worker. */
START_TEST(test_end)
{
	int from, status;
	pid_t worker;

	adopt();
	worker = start_worker(&from, "echo $$ >&9; exit 3", true);
	ck_assert_int_gt(read_pid(from), 0);
	status = end_of(worker);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	while (waitpid(-1, &status, 0) > 0)
		; /* nobody is left */
	close(from);
}
END_TEST

SUITE_MAIN("guardian", test_killed_worker, test_parent_death, test_end)
