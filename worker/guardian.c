/* The guardian: a small process beside the worker that outlives it by a moment. Handlers of a worker that was killed
 * with -9 die through their parent-death signal; what they had started themselves does not, but it is in their
 * process group, and the guardian knows the groups. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/handler.h"
#include "worker/scratch.h"

enum { GROUPS_MOST = 2 * LIMIT_SLOTS };

/* One record on the pipe; small enough to be written at once. */
struct word {
	int group;
	int add;
};

static void note(int *groups, int *n, const struct word *w)
{
	for (int i = 0; i < *n; i++) {
		if (groups[i] != w->group)
			continue;
		if (!w->add)
			groups[i] = groups[--*n];
		return;
	}
	if (w->add && *n < GROUPS_MOST)
		groups[(*n)++] = w->group;
}

static void close_others(int keep)
{
	for (int fd = 0; fd < 256; fd++)
		if (fd != keep && fd != STDERR_FILENO)
			close(fd);
}

_Noreturn static void guard(int fd, const char *scratch)
{
	static int groups[GROUPS_MOST];
	struct word w;
	int n = 0;

	prctl(PR_SET_NAME, "sheaf-guard");
	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	close_others(fd);
	for (;;) {
		ssize_t got = read(fd, &w, sizeof w);

		if (got < 0 && errno == EINTR)
			continue;
		if (got != (ssize_t)sizeof w)
			break; /* the worker is gone */
		note(groups, &n, &w);
	}
	for (int i = 0; i < n; i++)
		kill(-groups[i], SIGKILL);
	if (scratch != NULL)
		scratch_remove(scratch);
	_exit(0);
}

static pid_t pid = -1; /* a process has one guardian */

int guardian_start(const char *scratch)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		guard(ends[0], scratch);
	}
	close(ends[0]);
	if (pid < 0) {
		close(ends[1]);
		return -1;
	}
	return ends[1];
}

void guardian_stop(int guardian)
{
	if (guardian < 0)
		return;
	close(guardian);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void guardian_tell(int guardian, int group, bool add)
{
	struct word w = { group, add };

	if (guardian >= 0 && write(guardian, &w, sizeof w) < 0)
		return; /* it is gone; the parent-death signal still stands */
}
