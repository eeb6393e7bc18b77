/* `sheaf sub --exec`: a command for each message, several at a time; its exit status says what becomes of the message.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/cli/topic.h"

enum {
	PAUSE_FIRST_MS = 1000, /* before a message comes again, doubled with each attempt */
	PAUSE_MOST_MS = 60000,
	LOOK_MS = 1000 /* how often to look whether something is to be touched */
};

/* A command that runs. */
struct child {
	pid_t pid;
	struct sheaf_message message;
	uint64_t touched_ms;
};

struct children {
	struct sub *s;
	struct child *v; /* owned; in_flight of them */
	size_t n;
	uint64_t touch_ms; /* so often each message is touched */
	bool left;         /* left at once: nothing is settled any more */
};

static sheaf_t *_Atomic waiting_session;

/* Makes the call that waits for messages come back. */
static void on_child(int number)
{
	sheaf_t *s = atomic_load(&waiting_session);

	(void)number;
	if (s)
		sheaf_interrupt(s, true);
}

/* The body in a file without a name, so that nobody waits for a command that does not read. -1 after a sentence. */
static int body_file(struct span body)
{
	int fd = memfd_create("message", MFD_CLOEXEC);
	size_t at = 0;

	while (fd >= 0 && at < body.n) {
		ssize_t n = write(fd, body.p + at, body.n - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(fd);
			fd = -1;
		} else {
			at += (size_t)n;
		}
	}
	if (fd < 0)
		cli_say("cannot hand a message over: %s", strerrordesc_np(errno));
	else
		lseek(fd, 0, SEEK_SET);
	return fd;
}

static void set_number(const char *name, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, v);
	setenv(name, text, 1);
}

/* In the child. It has a process group of its own: Ctrl-C is for us, who let it finish. */
static void become(const struct sub *s, const struct sheaf_message *m, int body)
{
	setpgid(0, 0);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	dup2(body, STDIN_FILENO);
	setenv("SHEAF_TOPIC", s->topic, 1);
	setenv("SHEAF_CHANNEL", s->channel, 1);
	set_number("SHEAF_MESSAGE_ID", m->id);
	set_number("SHEAF_ATTEMPT", m->attempts);
	execl("/bin/sh", "sh", "-c", s->c->flags.exec, (char *)NULL);
	_exit(127);
}

static void start(struct children *k, const struct sheaf_message *m)
{
	struct child *child = &k->v[k->n];
	int body = body_file(m->body);

	*child = (struct child){ .pid = -1, .message = *m, .touched_ms = clock_mono_ms() };
	if (body >= 0) {
		child->pid = fork();
		if (child->pid == 0)
			become(k->s, m, body);
		if (child->pid < 0)
			cli_say("cannot start a command: %s", strerrordesc_np(errno));
		close(body);
	}
	if (child->pid < 0) {
		(void)!sheaf_settle(k->s->c->s, m, SETTLE_REQUEUE, PAUSE_FIRST_MS);
		sub_stop(k->s, EXIT_FAILED);
		return;
	}
	k->n++;
}

static void ended(struct children *k, struct child *child, int status)
{
	const struct sheaf_message *m = &child->message;
	uint64_t pause = m->attempts < 7 ? (uint64_t)PAUSE_FIRST_MS << (m->attempts - 1) : PAUSE_MOST_MS;
	bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (good)
		(void)!sheaf_settle(k->s->c->s, m, SETTLE_FINISH, 0);
	else
		(void)!sheaf_settle(k->s->c->s, m, SETTLE_REQUEUE, pause < PAUSE_MOST_MS ? pause : PAUSE_MOST_MS);
	if (!good && !k->s->c->flags.quiet)
		cli_say("message %" PRIu64 ", attempt %u: the command ended with %s %d", m->id, m->attempts,
		        WIFEXITED(status) ? "exit status" : "signal",
		        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	*child = k->v[--k->n];
}

static void reap(struct children *k)
{
	for (size_t i = 0; i < k->n;) {
		int status;

		if (waitpid(k->v[i].pid, &status, WNOHANG) == k->v[i].pid)
			ended(k, &k->v[i], status);
		else
			i++;
	}
}

/* What runs keeps its message. */
static void touch(struct children *k)
{
	uint64_t now = clock_mono_ms();

	for (size_t i = 0; i < k->n; i++) {
		if (now - k->v[i].touched_ms < k->touch_ms)
			continue;
		k->v[i].touched_ms = now;
		(void)!sheaf_settle(k->s->c->s, &k->v[i].message, SETTLE_TOUCH, 0);
	}
}

/* A signal: the first takes no more, the second leaves the commands to themselves. */
static void interrupted(struct children *k)
{
	cli_go_on(k->s->c);
	if (cli_signals() == 0)
		return; /* it was a command that ended */
	if (cli_signals() > 1) {
		k->left = true;
		for (size_t i = 0; i < k->n; i++)
			kill(-k->v[i].pid, SIGTERM);
	}
	sub_stop(k->s, EXIT_INTERRUPTED);
}

static void wait_for_something(struct children *k)
{
	uint64_t left = cli_left(k->s->c), ms = left < LOOK_MS || k->n == 0 ? left : LOOK_MS;
	struct sheaf_message m;
	enum sheaf_error e;

	if (k->touch_ms < ms && k->n > 0)
		ms = k->touch_ms;
	e = sheaf_message(k->s->c->s, ms, &m);
	if (e == SHEAF_E_INTERRUPTED) {
		interrupted(k);
	} else if (e == SHEAF_OK && !k->s->stopping && k->n < k->s->c->flags.in_flight) {
		start(k, &m);
		sub_took(k->s);
	} else if (e == SHEAF_OK) {
		(void)!sheaf_settle(k->s->c->s, &m, SETTLE_REQUEUE, 0);
	} else if (e != SHEAF_E_TIMEOUT) {
		sub_stop(k->s, cli_error(k->s->c, e));
		k->left = e != SHEAF_E_GONE;
	} else if (cli_left(k->s->c) == 0) {
		sub_stop(k->s, EXIT_TIMEOUT);
		k->left = true;
	}
}

void sub_exec(struct sub *s)
{
	struct sigaction act = { .sa_handler = on_child, .sa_flags = SA_NOCLDSTOP };
	uint64_t lease_ms = s->c->flags.lease_ms ? s->c->flags.lease_ms : DEFAULT_MESSAGE_MS;
	struct children k = { .s = s, .touch_ms = lease_ms / 3 + 1 };

	k.v = calloc(s->c->flags.in_flight, sizeof *k.v);
	must(k.v);
	atomic_store(&waiting_session, s->c->s);
	sigemptyset(&act.sa_mask);
	sigaction(SIGCHLD, &act, NULL);
	while (!k.left && (!s->stopping || k.n > 0)) {
		reap(&k);
		touch(&k);
		if (!s->stopping || k.n > 0)
			wait_for_something(&k);
	}
	atomic_store(&waiting_session, NULL);
	cli_go_on(s->c);
	free(k.v);
}
