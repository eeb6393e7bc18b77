/* See spawn.h. vfork, since a fork of a process with many threads and much memory is slow: the child borrows our
 * memory until it execs, so it does nothing but system calls. */
#include "worker/spawn.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

extern char **environ;

enum { ARGUMENT_MOST = 128 << 10, OWN_VARIABLES = 4, VARIABLE_BYTES = 128 };

/* `word` with each {} replaced by the payload. */
static char *replace(const char *word, struct span payload)
{
	size_t n = strlen(word), holes = 0;
	char *out, *to;

	for (const char *p = word; (p = strstr(p, "{}")) != NULL; p += 2)
		holes++;
	out = to = malloc(n + holes * payload.n + 1);
	must(out != NULL);
	for (const char *p = word; *p != '\0';) {
		if (p[0] == '{' && p[1] == '}') {
			if (payload.n > 0)
				memcpy(to, payload.p, payload.n);
			to += payload.n;
			p += 2;
		} else {
			*to++ = *p++;
		}
	}
	*to = '\0';
	return out;
}

static const char *make_argv(struct words *w, const struct exec_config *config, struct span payload)
{
	w->argv = calloc((size_t)config->words + 1, sizeof *w->argv);
	w->owned = calloc((size_t)config->words + 1, sizeof *w->owned);
	must(w->argv != NULL && w->owned != NULL);
	for (int i = 0; i < config->words; i++) {
		w->argv[i] = config->argv[i];
		if (i == 0 || strstr(config->argv[i], "{}") == NULL)
			continue;
		if (payload.n > ARGUMENT_MOST)
			return "the payload is over 128 KiB and cannot replace {} in an argument";
		if (payload.n > 0 && memchr(payload.p, 0, payload.n) != NULL)
			return "the payload has a NUL byte and cannot replace {} in an argument";
		w->argv[i] = w->owned[w->n_owned++] = replace(config->argv[i], payload);
	}
	return NULL;
}

/* Adds NAME=VALUE of each header as SHEAF_H_NAME=VALUE. */
static void add_headers(char **env, size_t *n, char **to, struct span headers)
{
	for (size_t at = 0; at < headers.n;) {
		const char *entry = (const char *)headers.p + at;
		size_t length = strnlen(entry, headers.n - at), i = 0;

		env[(*n)++] = *to;
		memcpy(*to, "SHEAF_H_", 8);
		*to += 8;
		for (; i < length && entry[i] != '='; i++)
			*(*to)++ = isalnum((unsigned char)entry[i]) ? (char)toupper((unsigned char)entry[i]) : '_';
		memcpy(*to, entry + i, length - i);
		*to += length - i;
		*(*to)++ = '\0';
		at += length + 1;
	}
}

/* Whether it is one that every job has of its own: a worker may itself run in a job. */
static bool own_variable(const char *entry)
{
	static const char *const names[] = { "SHEAF_JOB_ID=", "SHEAF_QUEUE=", "SHEAF_ATTEMPT=", "SHEAF_TOKEN=",
		                             "SHEAF_H_" };

	if (strncmp(entry, "SHEAF_", 6) != 0)
		return false;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strncmp(entry, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static void make_env(struct words *w, const struct job_run *run)
{
	const struct msg_job_rec *j = &run->job;
	size_t inherited = 0, n = 0;
	char *to;

	while (environ[inherited] != NULL)
		inherited++;
	w->env = calloc(inherited + OWN_VARIABLES + LIMIT_HEADERS + 1, sizeof *w->env);
	w->text = malloc(OWN_VARIABLES * VARIABLE_BYTES + j->headers.n + 9 * (LIMIT_HEADERS + 1));
	must(w->env != NULL && w->text != NULL);
	for (size_t i = 0; i < inherited; i++)
		if (!own_variable(environ[i]))
			w->env[n++] = environ[i];
	to = w->text;
#define VARIABLE(...)                                                                                                  \
	w->env[n++] = to;                                                                                              \
	to += text_format(to, VARIABLE_BYTES, __VA_ARGS__) + 1
	VARIABLE("SHEAF_JOB_ID=%llu", (unsigned long long)j->id);
	VARIABLE("SHEAF_QUEUE=%.*s", (int)run->queue.n, (const char *)run->queue.p);
	VARIABLE("SHEAF_ATTEMPT=%u", j->attempt);
	VARIABLE("SHEAF_TOKEN=%llu", (unsigned long long)j->token);
#undef VARIABLE
	add_headers(w->env, &n, &to, j->headers);
}

const char *words_make(struct words *w, const struct exec_config *config, const struct job_run *run)
{
	const char *why;

	*w = (struct words){ .files = config->files };
	why = make_argv(w, config, run->job.payload);
	if (why == NULL)
		make_env(w, run);
	return why;
}

void words_free(struct words *w)
{
	for (int i = 0; i < w->n_owned; i++)
		free(w->owned[i]);
	free(w->owned);
	free(w->argv);
	free(w->env);
	free(w->text);
}

/* What the worker, or whoever started it in a background, ignores or blocks is none of the handler's business. */
static void reset_signals(void)
{
	static const int usual[] = { SIGPIPE, SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	sigset_t none;

	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		signal(usual[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The child's part. Does not return; *failed becomes exec's errno. */
_Noreturn static void become(const struct words *w, int guardian, const int *fds, pid_t parent, volatile int *failed)
{
	struct rlimit limit;

	setpgid(0, 0);
	/* here and not in the worker, which may be killed as soon as the handler has begun */
	guardian_tell(guardian, getpid(), true);
	if (w->files > 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = w->files;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127); /* it went before we asked */
	reset_signals();
	if (dup2(fds[0], STDIN_FILENO) >= 0 && dup2(fds[1], STDOUT_FILENO) >= 0 && dup2(fds[2], STDERR_FILENO) >= 0)
		execvpe(w->argv[0], w->argv, w->env);
	*failed = errno;
	_exit(127);
}

int spawn(const struct words *w, int guardian, int in, int out, int err)
{
	const int fds[3] = { in, out, err };
	volatile int failed = 0;
	pid_t parent = getpid(), pid;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	pid = vfork();
#pragma GCC diagnostic pop
	if (pid == 0)
		become(w, guardian, fds, parent, &failed);
	if (pid > 0 && failed != 0) {
		guardian_tell(guardian, pid, false);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		errno = failed;
		return -1;
	}
	return pid;
}
