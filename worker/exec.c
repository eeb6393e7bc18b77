/* The exec handler: a process per job. Its pipes are read and written as they become ready, so that no order of
 * reading and writing can lock it up; its end, a cancel and a limit all end the whole process group. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "worker/spawn.h"

enum { READ_BYTES = 64 << 10, QUIET_MS = 100, NOISE_MS = 2000, TERM_MS = 2000, LOOK_MS = 10 };

/* A process under way. */
struct child {
	int pid;
	int pidfd;
	int in, out, err; /* our ends; -1 = closed */
	size_t written;   /* of the payload */
	bool ended;       /* the process itself; its group may go on */
	bool cancelled, over;
	uint64_t kill_at;  /* of a cancel: KILL then; 0 = none */
	uint64_t quiet_at; /* once it has ended: what it left behind has been silent for long enough */
	uint64_t noise_at; /* and this is the end of all patience */
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void say(struct job_outcome *out, enum verdict verdict, int exit, const char *text)
{
	out->verdict = verdict;
	out->exit = exit;
	buf_clear(&out->error);
	buf_put(&out->error, text, strlen(text));
}

/* Starts the process. False with the outcome filled in. */
static bool start(struct child *c, const struct exec_config *config, const struct job_run *run, struct job_outcome *out)
{
	int in[2] = { -1, -1 }, o[2] = { -1, -1 }, e[2] = { -1, -1 }, failed;
	const char *why;
	char text[256];
	struct words w;

	*c = (struct child){ .pid = -1, .pidfd = -1, .in = -1, .out = -1, .err = -1 };
	why = words_make(&w, config, run);
	if (why != NULL) {
		words_free(&w);
		say(out, VERDICT_FAILED, 2, why);
		return false;
	}
	if (run->job.payload.n > 0)
		failed = pipe2(in, O_CLOEXEC);
	else
		failed = (in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0;
	if (!failed && pipe2(o, O_CLOEXEC) == 0 && pipe2(e, O_CLOEXEC) == 0)
		c->pid = spawn(&w, config->guardian, in[0], o[1], e[1]);
	failed = errno;
	words_free(&w);
	close_end(&in[0]);
	close_end(&o[1]);
	close_end(&e[1]);
	c->in = in[1];
	c->out = o[0];
	c->err = e[0];
	if (c->pid > 0) {
		c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
		if (c->in >= 0)
			fcntl(c->in, F_SETFL, O_NONBLOCK);
		fcntl(c->out, F_SETFL, O_NONBLOCK);
		fcntl(c->err, F_SETFL, O_NONBLOCK);
		return true;
	}
	text_format(text, sizeof text, "cannot run '%.100s': %s", config->argv[0], strerror(failed));
	say(out, VERDICT_FAILED, failed == ENOENT ? 127 : 126, text);
	return false;
}

/* Sends what the pipe takes. */
static void feed(struct child *c, struct span payload)
{
	while (c->in >= 0 && c->written < payload.n) {
		ssize_t n = write(c->in, payload.p + c->written, payload.n - c->written);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0)
			break; /* it does not read, which is its right */
		c->written += (size_t)n;
	}
	close_end(&c->in);
}

/* Takes what is there into b; false when the other end is closed. */
static bool drain(int fd, struct buf *b)
{
	ssize_t n = read(fd, buf_room(b, READ_BYTES), READ_BYTES);

	if (n > 0)
		b->n += (size_t)n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* What is in the pipe once its process has ended is part of the output, however late this thread gets to run. */
static void drain_rest(int fd, struct buf *b)
{
	int n = 0;

	if (fd < 0 || ioctl(fd, FIONREAD, &n) != 0)
		return;
	while (n > 0) {
		size_t before = b->n;

		if (!drain(fd, b) || b->n == before)
			return;
		n -= (int)(b->n - before);
	}
}

/* Keeps the last LIMIT_ERROR bytes. */
static void cut_front(struct buf *b)
{
	if (b->n <= LIMIT_ERROR)
		return;
	memmove(b->p, b->p + b->n - LIMIT_ERROR, LIMIT_ERROR);
	b->n = LIMIT_ERROR;
}

/* The process itself, too: it may have gone to another group. It is not reaped yet, so its number is its own. */
static void kill_all(const struct child *c)
{
	kill(-c->pid, SIGKILL);
	kill(c->pid, SIGKILL);
}

static void cancel(struct child *c, uint64_t now)
{
	c->cancelled = true;
	c->kill_at = now + TERM_MS;
	kill(-c->pid, SIGTERM);
}

static int wait_ms(const struct child *c, uint64_t now)
{
	uint64_t at = UINT64_MAX;

	if (c->kill_at > 0)
		at = c->kill_at;
	if (c->ended && c->quiet_at < at)
		at = c->quiet_at;
	if (c->pidfd < 0 && !c->ended && now + LOOK_MS < at)
		at = now + LOOK_MS;
	if (at == UINT64_MAX)
		return -1;
	return at > now ? (int)(at - now) : 0;
}

/* Whether the process itself has ended; it is not reaped yet. */
static bool look_ended(const struct child *c, short revents)
{
	siginfo_t info = { .si_pid = 0 };

	if (c->pidfd >= 0)
		return revents != 0;
	/* there was no descriptor left for it */
	return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 && info.si_pid == c->pid;
}

/* One round: waits for something and deals with it. */
static void round_once(struct child *c, struct job_run *run, struct job_outcome *out)
{
	struct pollfd fds[5] = {
		{ c->out, POLLIN, 0 },
		{ c->err, POLLIN, 0 },
		{ c->in, POLLOUT, 0 },
		{ c->ended ? -1 : c->pidfd, POLLIN, 0 },
		{ c->cancelled ? -1 : run->cancel_fd, POLLIN, 0 },
	};
	uint64_t now;

	poll(fds, 5, wait_ms(c, clock_mono_ms()));
	now = clock_mono_ms();
	if (c->ended && (fds[0].revents || fds[1].revents))
		c->quiet_at = now + QUIET_MS < c->noise_at ? now + QUIET_MS : c->noise_at;
	if (fds[0].revents && !drain(c->out, &out->result))
		close_end(&c->out);
	if (fds[1].revents && !drain(c->err, &out->error))
		close_end(&c->err);
	cut_front(&out->error);
	if (fds[2].revents)
		feed(c, run->job.payload);
	if (!c->ended && look_ended(c, fds[3].revents)) {
		c->ended = true;
		c->quiet_at = now + QUIET_MS;
		c->noise_at = now + NOISE_MS;
		close_end(&c->in);
	}
	if (fds[4].revents && atomic_load(&run->cancelled))
		cancel(c, now);
	if (out->result.n > LIMIT_PAYLOAD && !c->over) {
		c->over = true;
		close_end(&c->out); /* whoever still writes is not read any more */
		kill_all(c);
	}
	if (c->kill_at > 0 && now >= c->kill_at) {
		c->kill_at = 0;
		kill_all(c);
	}
}

/* The verdict, from the exit status. */
static void judge(const struct child *c, int status, struct job_outcome *out)
{
	char text[96];

	if (c->over) {
		buf_clear(&out->result);
		say(out, VERDICT_KILLED, 128 + SIGKILL, "its output is over the limit of 16 MiB");
		return;
	}
	out->exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	out->verdict = out->exit == 0 ? VERDICT_DONE : VERDICT_FAILED;
	if (out->exit == 0) {
		buf_clear(&out->error);
	} else if (out->error.n == 0) {
		if (WIFEXITED(status))
			text_format(text, sizeof text, "exit status %d", out->exit);
		else
			text_format(text, sizeof text, "killed by signal %d (%s)", WTERMSIG(status),
			            strsignal(WTERMSIG(status)));
		buf_put(&out->error, text, strlen(text));
	}
}

void exec_run(void *arg, struct job_run *run, struct job_outcome *out)
{
	const struct exec_config *config = arg;
	struct child c;
	int status = 0;

	if (!start(&c, config, run, out)) {
		close_end(&c.in);
		close_end(&c.out);
		close_end(&c.err);
		return;
	}
	feed(&c, run->job.payload);
	/* until it has ended, and its pipes are closed or what it left behind has been quiet for a while */
	while (!c.ended || ((c.out >= 0 || c.err >= 0) && clock_mono_ms() < c.quiet_at))
		round_once(&c, run, out);
	drain_rest(c.out, &out->result);
	drain_rest(c.err, &out->error);
	cut_front(&out->error);
	c.over = c.over || out->result.n > LIMIT_PAYLOAD;
	/* before it is reaped: until then nobody else can have its number */
	kill(-c.pid, SIGKILL);
	guardian_tell(config->guardian, c.pid, false);
	while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR)
		;
	close_end(&c.pidfd);
	close_end(&c.in);
	close_end(&c.out);
	close_end(&c.err);
	judge(&c, status, out);
}
