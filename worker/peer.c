/* See peer.h. */
#include "worker/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum { QUICK_MS = 1000, PAUSE_MS = 100, PAUSE_MOST_MS = 5000, POLITE_MS = 1000, LOOK_MS = 10 };

void peer_init(struct peer *p, const struct exec_config *config, size_t line_most)
{
	*p = (struct peer){ .config = config, .pid = -1, .pidfd = -1, .in = -1, .out = -1 };
	lines_init(&p->lines, line_most);
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void peer_fini(struct peer *p)
{
	must(p->pid < 0);
	lines_fini(&p->lines);
}

/* It is gone: its group ends with it, then it is reaped. */
static int bury(struct peer *p)
{
	int status = 0;

	kill(-p->pid, SIGKILL);
	guardian_tell(p->config->guardian, p->pid, false);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	p->pid = -1;
	close_end(&p->pidfd);
	close_end(&p->in);
	close_end(&p->out);
	lines_clear(&p->lines);
	if (p->dir[0] != '\0')
		scratch_remove(p->dir);
	p->dir[0] = '\0';
	return status;
}

bool peer_start(struct peer *p)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	const char *why;
	struct words w;

	must(p->pid < 0);
	why = words_make(&w, p->config, NULL);
	must(why == NULL); /* there is no payload that could be wrong */
	p->dir[0] = '\0';
	if (p->config->scratch != NULL)
		w.dir = p->dir;
	if (p->config->scratch != NULL && !scratch_make(p->config->scratch, p->dir))
		p->pid = SPAWN_NO_DIR;
	else if (pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0)
		p->pid = spawn(&w, &(struct spawn_fds){ in[0], out[1], STDERR_FILENO, -1 });
	if (p->pid < 0) {
		p->failed = p->pid;
		p->error = errno;
		p->pid = -1;
	}
	words_free(&w);
	close_end(&in[0]);
	close_end(&out[1]);
	p->in = in[1];
	p->out = out[0];
	p->born_ms = clock_mono_ms();
	if (p->pid < 0) {
		close_end(&p->in);
		close_end(&p->out);
		if (p->dir[0] != '\0')
			scratch_remove(p->dir);
		p->dir[0] = '\0';
		return false;
	}
	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	fcntl(p->in, F_SETFL, O_NONBLOCK);
	fcntl(p->out, F_SETFL, O_NONBLOCK);
	return true;
}

static bool has_ended(const struct peer *p)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 && info.si_pid == p->pid;
}

static void tell_how(struct peer *p, int status)
{
	if (WIFEXITED(status))
		text_format(p->how, sizeof p->how, "exit status %d", WEXITSTATUS(status));
	else
		text_format(p->how, sizeof p->how, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
}

bool peer_look(struct peer *p)
{
	uint64_t now = clock_mono_ms(), pause = PAUSE_MS;

	if (p->pid < 0 || !has_ended(p))
		return false;
	tell_how(p, bury(p));
	p->start_ms = now;
	if (now - p->born_ms >= QUICK_MS) {
		p->deaths = 0;
		return true;
	}
	/* the first time it is only a pity */
	for (uint32_t i = 1; i < p->deaths && pause < PAUSE_MOST_MS; i++)
		pause *= 2;
	if (p->deaths++ > 0)
		p->start_ms = now + (pause < PAUSE_MOST_MS ? pause : (uint64_t)PAUSE_MOST_MS);
	return true;
}

bool peer_await(const struct peer *p, uint64_t ms)
{
	uint64_t until = clock_mono_ms() + ms;

	while (!has_ended(p)) {
		uint64_t now = clock_mono_ms();
		struct pollfd fd = { .fd = p->pidfd, .events = POLLIN };

		if (now >= until)
			return false;
		poll(&fd, 1, p->pidfd >= 0 ? (int)(until - now) : LOOK_MS);
	}
	return true;
}

void peer_stop(struct peer *p, bool politely)
{
	if (p->pid < 0)
		return;
	close_end(&p->in);
	if (!politely)
		close_end(&p->out);
	if (!politely || !peer_await(p, POLITE_MS)) {
		close_end(&p->out);
		kill(-p->pid, SIGTERM);
		if (!peer_await(p, p->config->kill_ms))
			kill(p->pid, SIGKILL); /* itself too: it may have gone to another group */
	}
	tell_how(p, bury(p));
	p->deaths = 0;
	p->start_ms = 0;
}
