/* What the tests of the exec handler share: running one job, and what came of it. */
#ifndef SHEAF_TESTS_UNIT_WORKER_EXEC_KIT_H
#define SHEAF_TESTS_UNIT_WORKER_EXEC_KIT_H

#include <check.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "worker/handler.h"

static struct job_outcome out;
static struct job_run job;

static inline void clean(void)
{
	signal(SIGPIPE, SIG_IGN); /* as the worker does */
	buf_clear(&out.result);
	buf_clear(&out.error);
	out = (struct job_outcome){ .result = out.result, .error = out.error };
}

static struct exec_config config;

/* Runs one job whose words end with NULL; its outcome is in `out`. */
static inline void run(char **words, struct span payload)
{
	config.argv = words;
	config.words = 0;
	config.guardian = -1;
	config.kill_ms = 300;
	while (words[config.words] != NULL)
		config.words++;
	clean();
	job.job.id = 42;
	job.job.token = 142;
	job.job.attempt = 3;
	job.job.payload = payload;
	job.queue = span_str("mail");
	if (job.cancel_fd == 0)
		job.cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	exec_run(&config, &job, &out);
}

#define RUN(payload, ...)   run((char *[]){ __VA_ARGS__, NULL }, payload)
#define SH(payload, script) RUN(span_str(payload), "sh", "-c", script)

static inline void verdict(enum verdict v, int exit)
{
	ck_assert_msg((enum verdict)out.verdict == v && out.exit == exit, "verdict %d, exit %d: %.*s", (int)out.verdict,
	              out.exit, (int)out.error.n, (const char *)out.error.p);
}

static inline void is(const struct buf *b, const char *text)
{
	ck_assert_msg(span_eq(buf_span(b), span_str(text)), "not '%s' but '%.*s'", text, (int)(b->n < 500 ? b->n : 500),
	              (const char *)b->p);
}

static inline bool has(const struct buf *b, const char *text)
{
	return b->n > 0 && memmem(b->p, b->n, text, strlen(text)) != NULL;
}

#endif
