/* See spawn.h. vfork, since a fork of a process with many threads and much memory is slow: the child borrows our
 * memory until it execs, so it does nothing but system calls. */
#include "worker/spawn.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "worker/watch.h"

extern char **environ;

enum { ARGUMENT_MOST = 128 << 10, OWN_VARIABLES = 5, VARIABLE_BYTES = 128 };

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

static const char *make_argv(struct words *w, const struct exec_config *config, const struct job_run *run)
{
	struct span payload = run != NULL ? run->job.payload : (struct span){ 0 };
	bool replaced = run != NULL;

	w->argv = calloc((size_t)config->words + 1, sizeof *w->argv);
	w->owned = calloc((size_t)config->words + 1, sizeof *w->owned);
	must(w->argv != NULL && w->owned != NULL);
	for (int i = 0; i < config->words; i++) {
		w->argv[i] = config->argv[i];
		if (i == 0 || strstr(config->argv[i], "{}") == NULL || !replaced)
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

/* Whether the entry's name is one of these, which end with NULL; a name that ends with * is a beginning. */
static bool named(const char *entry, const char *const *names)
{
	size_t n = strcspn(entry, "=");

	for (; *names != NULL; names++) {
		size_t length = strlen(*names);
		bool open = (*names)[length - 1] == '*';

		if (open ? n >= length - 1 && strncmp(entry, *names, length - 1) == 0
		         : n == length && strncmp(entry, *names, length) == 0)
			return true;
	}
	return false;
}

/* What the process gets of our own environment. Not what every job has of its own, for a worker may itself run in a
 * job; and not what it was told to have another value. */
static bool inherits(const struct exec_config *config, const char *entry)
{
	static const char *const own[] = {
		"SHEAF_JOB_ID", "SHEAF_QUEUE", "SHEAF_ATTEMPT", "SHEAF_TOKEN", "SHEAF_PROGRESS_FD", "SHEAF_H_*", NULL
	};
	static const char *const kept[] = { "PATH", "HOME", "USER", "LANG", "LC_*", "TZ", "TMPDIR", NULL };

	if (named(entry, own) || (config->env_clean && !named(entry, kept)))
		return false;
	for (int i = 0; i < config->n_env; i++) {
		size_t n = strcspn(config->env[i], "=") + 1;

		if (strncmp(entry, config->env[i], n) == 0)
			return false;
	}
	return true;
}

/* What is about the job. */
static void add_own(struct words *w, size_t n, const struct job_run *run)
{
	const struct msg_job_rec *j = &run->job;
	char *to = w->text = malloc(OWN_VARIABLES * VARIABLE_BYTES + j->headers.n + 9 * (LIMIT_HEADERS + 1));

	must(w->text != NULL);
#define VARIABLE(...)                                                                                                  \
	w->env[n++] = to;                                                                                              \
	to += text_format(to, VARIABLE_BYTES, __VA_ARGS__) + 1
	VARIABLE("SHEAF_JOB_ID=%llu", (unsigned long long)j->id);
	VARIABLE("SHEAF_QUEUE=%.*s", (int)run->queue.n, (const char *)run->queue.p);
	VARIABLE("SHEAF_ATTEMPT=%u", j->attempt);
	VARIABLE("SHEAF_TOKEN=%llu", (unsigned long long)j->token);
	VARIABLE("SHEAF_PROGRESS_FD=%d", SPAWN_PROGRESS_FD);
#undef VARIABLE
	add_headers(w->env, &n, &to, j->headers);
}

static void make_env(struct words *w, const struct exec_config *config, const struct job_run *run)
{
	size_t inherited = 0, n = 0;

	while (environ[inherited] != NULL)
		inherited++;
	w->env = calloc(inherited + (size_t)config->n_env + OWN_VARIABLES + LIMIT_HEADERS + 1, sizeof *w->env);
	must(w->env != NULL);
	for (size_t i = 0; i < inherited; i++)
		if (inherits(config, environ[i]))
			w->env[n++] = environ[i];
	for (int i = 0; i < config->n_env; i++)
		w->env[n++] = config->env[i];
	if (run != NULL)
		add_own(w, n, run);
}

const char *words_make(struct words *w, const struct exec_config *config, const struct job_run *run)
{
	const char *why;

	*w = (struct words){ .config = config, .dir = config->dir, .lasts = run == NULL };
	why = make_argv(w, config, run);
	if (why == NULL)
		make_env(w, config, run);
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

/* How far a child came that could not become the program. It writes this in our memory, which no compiler expects: so
 * the object is volatile, and whoever writes to it is not inlined into the function that reads it, where their
 * variables could share a place. */
struct failure {
	int what; /* enum spawn_error; 0 = none */
	int error;
};

_Noreturn static void give_up(volatile struct failure *f, enum spawn_error what)
{
	f->error = errno;
	f->what = what;
	_exit(127);
}

static bool set_fds(const struct spawn_fds *fds)
{
	if (dup2(fds->in, STDIN_FILENO) < 0 || dup2(fds->out, STDOUT_FILENO) < 0 || dup2(fds->err, STDERR_FILENO) < 0)
		return false;
	if (fds->progress < 0)
		return true;
	if (fds->progress == SPAWN_PROGRESS_FD)
		return fcntl(SPAWN_PROGRESS_FD, F_SETFD, 0) == 0;
	return dup2(fds->progress, SPAWN_PROGRESS_FD) == SPAWN_PROGRESS_FD;
}

/* The child's part. It shares our memory, beside our other threads: nothing but system calls. Does not return. */
_Noreturn __attribute__((noinline)) static void become(const struct words *w, const struct spawn_fds *fds, pid_t parent,
                                                       volatile struct failure *f)
{
	const struct exec_config *config = w->config;
	struct rlimit limit;

	setpgid(0, 0);
	/* here and not in the worker, which may be killed as soon as the handler has begun */
	guardian_tell(config->guardian, getpid(), true);
	if (config->files > 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = config->files;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	watch_arm(&config->limits, w->lasts);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127); /* it went before we asked */
	reset_signals();
	if (!set_fds(fds))
		give_up(f, SPAWN_NO_PROCESS);
	if (w->dir != NULL && chdir(w->dir) != 0)
		give_up(f, SPAWN_NO_DIR);
	execvpe(w->argv[0], w->argv, w->env);
	give_up(f, SPAWN_NO_EXEC);
}

int spawn(const struct words *w, const struct spawn_fds *fds)
{
	volatile struct failure f = { 0 };
	pid_t parent = getpid(), pid;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	pid = vfork();
#pragma GCC diagnostic pop
	if (pid == 0)
		become(w, fds, parent, &f);
	if (pid > 0 && f.what != 0) {
		guardian_tell(w->config->guardian, pid, false);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		errno = f.error;
		return f.what;
	}
	return pid > 0 ? pid : SPAWN_NO_PROCESS;
}
