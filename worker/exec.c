/* The exec handler: a process per job. Its pipes are read and written as they become ready, so that no order of
 * reading and writing can lock it up; its end, a cancel, the end of its lease and a limit all end the whole process
 * group. What it says of its progress comes through a pipe of its own (report.h). */
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
#include "base/log.h"
#include "base/text.h"
#include "worker/lines.h"
#include "worker/report.h"
#include "worker/scratch.h"
#include "worker/spawn.h"
#include "worker/watch.h"

enum { READ_BYTES = 64 << 10, QUIET_MS = 100, NOISE_MS = 2000, LOOK_MS = 10 };

/* A process under way. */
struct child {
	int pid;
	int pidfd;
	const struct exec_config *config;
	int in, out, err, progress; /* our ends; -1 = closed */
	size_t written;             /* of the payload */
	uint64_t errors;            /* bytes of stderr, of which the last ones are kept */
	struct lines said;          /* through `progress` */
	uint32_t reports;
	bool complained; /* that one of them was none */
	bool ended;      /* the process itself; its group may go on */
	bool cancelled;
	struct watch watch;
	char dir[SCRATCH_PATH]; /* its own working directory, or "" */
	uint64_t kill_at;       /* of a cancel: KILL then; 0 = none */
	uint64_t quiet_at;      /* once it has ended: what it left behind has been silent for long enough */
	uint64_t noise_at;      /* and this is the end of all patience */
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

static void close_all(struct child *c)
{
	close_end(&c->in);
	close_end(&c->out);
	close_end(&c->err);
	close_end(&c->progress);
	close_end(&c->pidfd);
}

/* Makes the pipes: the process's ends in `fds`, ours in *c. False with errno. */
static bool make_pipes(struct child *c, struct spawn_fds *fds, bool payload)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 }, said[2] = { -1, -1 };
	bool ok;

	if (payload)
		ok = pipe2(in, O_CLOEXEC) == 0;
	else
		ok = (in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;
	ok = ok && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0 && pipe2(said, O_CLOEXEC) == 0;
	*fds = (struct spawn_fds){ in[0], out[1], err[1], said[1] };
	c->in = in[1];
	c->out = out[0];
	c->err = err[0];
	c->progress = said[0];
	return ok;
}

static void cannot_start(const struct child *c, int pid, int error, struct job_outcome *out)
{
	char text[256];

	if (pid == SPAWN_NO_DIR)
		text_format(text, sizeof text, "cannot enter --dir %.100s: %s",
		            c->dir[0] != '\0' ? c->dir : c->config->dir, strerror(error));
	else
		text_format(text, sizeof text, "cannot run '%.100s': %s", c->config->argv[0], strerror(error));
	say(out, VERDICT_FAILED, pid == SPAWN_NO_EXEC && error == ENOENT ? 127 : 126, text);
}

/* Starts the process. False with the outcome filled in. */
static bool start(struct child *c, const struct job_run *run, struct job_outcome *out)
{
	int *ours[] = { &c->in, &c->out, &c->err, &c->progress };
	struct spawn_fds fds;
	const char *why;
	struct words w;
	int failed;

	why = words_make(&w, c->config, run);
	if (why != NULL) {
		words_free(&w);
		say(out, VERDICT_FAILED, 2, why);
		return false;
	}
	if (c->config->scratch != NULL) {
		if (!scratch_make(c->config->scratch, c->dir)) {
			say(out, VERDICT_FAILED, 126, "cannot make a temporary directory for it");
			words_free(&w);
			return false;
		}
		w.dir = c->dir;
	}
	if (make_pipes(c, &fds, run->job.payload.n > 0))
		c->pid = spawn(&w, &fds);
	failed = errno;
	words_free(&w);
	close_end(&fds.in);
	close_end(&fds.out);
	close_end(&fds.err);
	close_end(&fds.progress);
	if (c->pid <= 0) {
		cannot_start(c, c->pid, failed, out);
		return false;
	}
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (*ours[i] >= 0)
			fcntl(*ours[i], F_SETFL, O_NONBLOCK);
	return true;
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

/* What it says of its progress. Noise is reported once a job, and not what it was. */
static bool hear(struct child *c, const struct job_run *run)
{
	bool open = lines_read(&c->said, c->progress);
	struct report r;
	struct span line;
	enum line got;

	while ((got = lines_next(&c->said, &line)) != LINE_NONE) {
		c->reports++;
		if (got == LINE_WHOLE && report_parse(line, &r)) {
			job_touch(run, r.percent, span_of(r.text, r.n));
			continue;
		}
		if (!c->complained)
			log_line(LOG_WARN, "progress-bad",
			         "job=%llu line %u on its progress descriptor is neither `touch` nor PERCENT [TEXT]",
			         (unsigned long long)run->job.id, c->reports);
		c->complained = true;
	}
	return open;
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
	c->kill_at = now + c->config->kill_ms + 1;
	kill(-c->pid, SIGTERM);
}

static int wait_ms(const struct child *c, uint64_t now)
{
	uint64_t at = UINT64_MAX;

	if (c->kill_at > 0)
		at = c->kill_at;
	if (c->ended && c->quiet_at < at)
		at = c->quiet_at;
	if (!c->ended && c->watch.look_at < at)
		at = c->watch.look_at;
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

/* Reads what is there. */
static void read_output(struct child *c, const struct pollfd *fds, struct job_outcome *out)
{
	size_t before = out->error.n;

	if (fds[0].revents && !drain(c->out, &out->result))
		close_end(&c->out);
	if (fds[1].revents && !drain(c->err, &out->error))
		close_end(&c->err);
	c->errors += out->error.n - before;
	cut_front(&out->error);
}

/* Ends it at once when it is over a limit: whoever still writes is not read any more. */
static void check_limits(struct child *c, uint64_t now, const struct job_outcome *out)
{
	if (c->watch.over != OVER_NOT)
		return;
	if (!c->ended)
		watch_look(&c->watch, now);
	watch_output(&c->watch, out->result.n, c->errors);
	if (c->watch.over == OVER_NOT)
		return;
	close_end(&c->out);
	close_end(&c->err);
	kill_all(c);
}

/* One round: waits for something and deals with it. */
static void round_once(struct child *c, struct job_run *run, struct job_outcome *out)
{
	struct pollfd fds[6] = {
		{ c->out, POLLIN, 0 },
		{ c->err, POLLIN, 0 },
		{ c->in, POLLOUT, 0 },
		{ c->ended ? -1 : c->pidfd, POLLIN, 0 },
		{ c->cancelled ? -1 : run->cancel_fd, POLLIN, 0 },
		{ c->progress, POLLIN, 0 },
	};
	uint64_t now;

	poll(fds, 6, wait_ms(c, clock_mono_ms()));
	now = clock_mono_ms();
	if (c->ended && (fds[0].revents || fds[1].revents))
		c->quiet_at = now + QUIET_MS < c->noise_at ? now + QUIET_MS : c->noise_at;
	read_output(c, fds, out);
	if (fds[2].revents)
		feed(c, run->job.payload);
	if (fds[5].revents && !hear(c, run))
		close_end(&c->progress);
	if (!c->ended && look_ended(c, fds[3].revents)) {
		c->ended = true;
		c->quiet_at = now + QUIET_MS;
		c->noise_at = now + NOISE_MS;
		close_end(&c->in);
	}
	if (fds[4].revents && atomic_load(&run->cancelled))
		cancel(c, now);
	check_limits(c, now, out);
	if (c->kill_at > 0 && now >= c->kill_at) {
		c->kill_at = 0;
		kill_all(c);
	}
}

/* The verdict, from the exit status. */
static void judge(const struct child *c, int status, struct job_outcome *out)
{
	char text[128];

	if (c->watch.over != OVER_NOT) {
		buf_clear(&out->result);
		watch_why(&c->watch, text, sizeof text);
		say(out, VERDICT_KILLED, 128 + SIGKILL, text);
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

/* Takes what is left to be read, ends what is left to be ended. */
static int finish(struct child *c, struct job_outcome *out)
{
	size_t before = out->error.n;
	struct rusage used;
	int status = 0;

	drain_rest(c->out, &out->result);
	drain_rest(c->err, &out->error);
	c->errors += out->error.n - before;
	cut_front(&out->error);
	if (c->watch.over == OVER_NOT)
		watch_output(&c->watch, out->result.n, c->errors);
	/* before it is reaped: until then nobody else can have its number */
	kill(-c->pid, SIGKILL);
	guardian_tell(c->config->guardian, c->pid, false);
	memset(&used, 0, sizeof used);
	while (wait4(c->pid, &status, 0, &used) < 0 && errno == EINTR)
		;
	watch_ended(&c->watch, status, &used);
	return status;
}

void exec_run(void *arg, struct job_run *run, struct job_outcome *out)
{
	struct child c = { .config = arg, .pid = -1, .pidfd = -1, .in = -1, .out = -1, .err = -1, .progress = -1 };

	if (start(&c, run, out)) {
		lines_init(&c.said, REPORT_LINE);
		watch_begin(&c.watch, &c.config->limits, c.pid, clock_mono_ms());
		feed(&c, run->job.payload);
		/* until it has ended, and its pipes are closed or what it left behind has been quiet for a while */
		while (!c.ended || ((c.out >= 0 || c.err >= 0) && clock_mono_ms() < c.quiet_at))
			round_once(&c, run, out);
		judge(&c, finish(&c, out), out);
		lines_fini(&c.said);
	}
	close_all(&c);
	if (c.dir[0] != '\0' && !scratch_remove(c.dir))
		log_line(LOG_WARN, "scratch-left", "job=%llu dir=%s could not be removed: %s",
		         (unsigned long long)run->job.id, c.dir, strerror(errno));
}
