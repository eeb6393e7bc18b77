/* The exec handler: what goes into a process, what comes of it, and how it is ended. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/base/suite.h"
#include "tests/unit/worker/exec_kit.h"

enum { WORDS = 8, PATIENCE_MS = 60000, MORE_THAN_PIPES = 10 << 20 };

static struct span big(size_t n)
{
	uint8_t *p = malloc(n);

	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 31 + (i >> 12));
	return span_of(p, n);
}

START_TEST(test_cat)
{
	struct span payload = big(MORE_THAN_PIPES);

	RUN(payload, "cat");
	verdict(VERDICT_DONE, 0);
	ck_assert(span_eq(buf_span(&out.result), payload));
	ck_assert_uint_eq(out.error.n, 0);
	RUN(span_str(""), "cat"); /* its stdin ends at once */
	verdict(VERDICT_DONE, 0);
	ck_assert_uint_eq(out.result.n, 0);
	free((void *)(uintptr_t)payload.p);
}
END_TEST

START_TEST(test_does_not_read)
{
	struct span payload = big(MORE_THAN_PIPES);

	RUN(payload, "echo", "hi");
	verdict(VERDICT_DONE, 0);
	is(&out.result, "hi\n");
	RUN(payload, "sh", "-c", "head -c 5 >/dev/null; exec 0<&-; sleep 0.05; echo some");
	verdict(VERDICT_DONE, 0);
	is(&out.result, "some\n");
	free((void *)(uintptr_t)payload.p);
}
END_TEST

START_TEST(test_output_limit)
{
	SH("", "head -c 16777216 /dev/zero");
	verdict(VERDICT_DONE, 0);
	ck_assert_uint_eq(out.result.n, LIMIT_PAYLOAD);
	SH("", "exec cat /dev/zero");
	verdict(VERDICT_KILLED, 128 + SIGKILL);
	ck_assert_uint_eq(out.result.n, 0);
	ck_assert(has(&out.error, "16 MiB"));
	SH("", "head -c 16777217 /dev/zero"); /* one byte, though it has ended by then */
	verdict(VERDICT_KILLED, 128 + SIGKILL);
	SH("", "trap '' TERM PIPE; cat /dev/zero & cat /dev/zero");
	verdict(VERDICT_KILLED, 128 + SIGKILL);
}
END_TEST

START_TEST(test_stderr)
{
	SH("", "echo out; echo bad >&2; exit 3");
	verdict(VERDICT_FAILED, 3);
	is(&out.error, "bad\n");
	is(&out.result, "out\n");
	SH("", "echo warning >&2"); /* it did well: nobody asks for its warnings */
	verdict(VERDICT_DONE, 0);
	ck_assert_uint_eq(out.error.n, 0);
	SH("", "head -c 3000000 /dev/zero >&2; echo the end >&2; exit 1");
	verdict(VERDICT_FAILED, 1);
	ck_assert_uint_eq(out.error.n, LIMIT_ERROR);
	ck_assert_int_eq(memcmp(out.error.p + out.error.n - 8, "the end\n", 8), 0);
}
END_TEST

START_TEST(test_status)
{
	SH("", "exit 255");
	verdict(VERDICT_FAILED, 255);
	is(&out.error, "exit status 255");
	SH("", "kill -SEGV $$");
	verdict(VERDICT_FAILED, 128 + SIGSEGV);
	ck_assert(has(&out.error, "killed by signal 11 (Segmentation fault)"));
	SH("", "echo last words >&2; kill -KILL $$");
	verdict(VERDICT_FAILED, 128 + SIGKILL);
	is(&out.error, "last words\n");
}
END_TEST

START_TEST(test_cannot_run)
{
	RUN(span_str("x"), "/nowhere/at-all");
	verdict(VERDICT_FAILED, 127);
#ifdef __SANITIZE_THREAD__
	return; /* it makes a fork of every vfork, so that exec's error does not come back */
#endif
	is(&out.error, "cannot run '/nowhere/at-all': No such file or directory");
	RUN(span_str("x"), "no-such-command-anywhere");
	verdict(VERDICT_FAILED, 127);
	RUN(span_str("x"), "/etc/passwd");
	verdict(VERDICT_FAILED, 126);
	is(&out.error, "cannot run '/etc/passwd': Permission denied");
}
END_TEST

START_TEST(test_argument)
{
	struct span payload;
	uint8_t *p = calloc(1, (128 << 10) + 1);

	RUN(span_str("a b"), "printf", "<%s>", "{}", "x{}y{}", "{ }", "{");
	verdict(VERDICT_DONE, 0);
	is(&out.result, "<a b><xa bya b><{ }><{>");
	RUN(span_str("{}"), "printf", "<%s>", "{}{}"); /* what was put in is not looked at again */
	is(&out.result, "<{}{}>");
	RUN(span_str(""), "printf", "<%s>", "a{}");
	is(&out.result, "<a>");
	RUN(span_str("in"), "cat", "-"); /* without {} it comes through stdin only */
	is(&out.result, "in");
	RUN(span_of("a\0b", 3), "echo", "{}");
	verdict(VERDICT_FAILED, 2);
	ck_assert(has(&out.error, "NUL"));
	ck_assert_ptr_nonnull(p);
	memset(p, 'a', (128 << 10) + 1);
	payload = span_of(p, (128 << 10) + 1);
	RUN(payload, "echo", "{}");
	verdict(VERDICT_FAILED, 2);
	ck_assert(has(&out.error, "128 KiB"));
	free(p);
}
END_TEST

START_TEST(test_environment)
{
	static const char headers[] = "tenant=a=b c\0Trace-Id=9\0empty=";

	setenv("SHEAF_H_OUTER", "of a job around this one", 1);
	setenv("SHEAF_TOKEN", "1", 1);
	setenv("SHEAF_BROKER", "tcp://x", 1);
	job.job.headers = span_of(headers, sizeof headers);
	SH("", "echo $SHEAF_JOB_ID $SHEAF_QUEUE $SHEAF_ATTEMPT $SHEAF_TOKEN $SHEAF_BROKER; "
	       "echo \"<$SHEAF_H_TENANT><$SHEAF_H_TRACE_ID><${SHEAF_H_EMPTY-unset}><${SHEAF_H_OUTER-unset}>\"");
	verdict(VERDICT_DONE, 0);
	is(&out.result, "42 mail 3 142 tcp://x\n<a=b c><9><><unset>\n");
	job.job.headers = (struct span){ 0 };
}
END_TEST

/* How many descriptors a process inherits that this one starts, beside its first four. */
static int inherited(void)
{
	int n = 0;

	for (int fd = 4; fd < 256; fd++) {
		int flags = fcntl(fd, F_GETFD);

		n += flags >= 0 && !(flags & FD_CLOEXEC);
	}
	return n;
}

/* Of the worker's descriptors only stdin, stdout and stderr, and no signal that the worker blocks or ignores. */
START_TEST(test_clean_start)
{
	sigset_t all;
	char count[16];

	snprintf(count, sizeof count, "%d\n", 5 + inherited()); /* the one for its progress; ls has one of its own */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	RUN(span_str(""), "sh", "-c", "ls /proc/self/fd | wc -l; grep -E 'SigBlk|SigIgn' /proc/self/status");
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	verdict(VERDICT_DONE, 0);
	ck_assert_msg(has(&out.result, "SigBlk:\t0000000000000000"), "%.*s", (int)out.result.n, (char *)out.result.p);
	ck_assert_msg(has(&out.result, "SigIgn:\t0000000000000000"), "%.*s", (int)out.result.n, (char *)out.result.p);
	ck_assert_msg(strncmp((char *)out.result.p, count, strlen(count)) == 0, "%.*s", (int)out.result.n,
	              (char *)out.result.p);
}
END_TEST

/* ---- processes in the group ---- */

/* The number in the result's first line. */
static pid_t first_pid(void)
{
	char text[32] = { 0 };

	memcpy(text, out.result.p, out.result.n < 31 ? out.result.n : 31);
	return (pid_t)strtol(text, NULL, 10);
}

/* Waits until that process is no more, or is only waited for by its parent. */
static void await_gone(pid_t pid)
{
	uint64_t until = clock_mono_ms() + PATIENCE_MS;

	ck_assert_int_gt(pid, 1);
	while (clock_mono_ms() < until) {
		char path[64], stat[256] = { 0 };
		FILE *f;

		snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
		f = fopen(path, "re");
		if (f == NULL)
			return;
		if (fread(stat, 1, sizeof stat - 1, f) == 0 || strstr(stat, ") Z ") != NULL) {
			fclose(f);
			return;
		}
		fclose(f);
		poll(NULL, 0, 5);
	}
	ck_abort_msg("process %d is still there", (int)pid);
}

START_TEST(test_background)
{
	SH("", "sleep 1000 & echo $!"); /* it holds stdout and stderr */
	verdict(VERDICT_DONE, 0);
	await_gone(first_pid());
	SH("", "sh -c 'echo $$; while :; do echo noise; done' & read x < /dev/null; exit 4");
	ck_assert(out.verdict == VERDICT_KILLED || out.exit == 4);
}
END_TEST

/* What is written right before the end is all there, though this thread gets to see the end and the last bytes late,
 * and another process keeps the pipe open. */
START_TEST(test_last_bytes)
{
	for (int i = 0; i < 30; i++) {
		SH("", "sleep 1000 & head -c 200000 /dev/zero; head -c 4000 /dev/zero >&2; echo tail; exit 1");
		verdict(VERDICT_FAILED, 1);
		ck_assert_uint_eq(out.result.n, 200005);
		ck_assert_uint_eq(out.error.n, 4000);
	}
}
END_TEST

/* ---- cancel ---- */

/* Cancels as the I/O thread does, once the script has made its file. */
static void *cancel_soon(void *arg)
{
	const char *path = arg;
	uint64_t one = 1, until = clock_mono_ms() + PATIENCE_MS;

	while (access(path, F_OK) != 0 && clock_mono_ms() < until)
		poll(NULL, 0, 2);
	atomic_store(&job.cancelled, 1);
	return write(job.cancel_fd, &one, sizeof one) == sizeof one ? arg : NULL;
}

static void cancelled(const char *script)
{
	char dir[] = "/tmp/sheaf-exec-XXXXXX", path[64], text[512];
	pthread_t thread;
	uint64_t n;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/begun", dir);
	snprintf(text, sizeof text, script, path);
	job.cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, path), 0);
	SH("", text);
	pthread_join(thread, NULL);
	ck_assert_int_eq(read(job.cancel_fd, &n, sizeof n), sizeof n);
	atomic_store(&job.cancelled, 0);
	unlink(path);
	rmdir(dir);
}

START_TEST(test_cancel)
{
	cancelled("sleep 1000 & echo $!; : > %s; sleep 1000");
	verdict(VERDICT_FAILED, 128 + SIGTERM);
	await_gone(first_pid());
	SH("", "echo next"); /* nothing is left of the cancel */
	verdict(VERDICT_DONE, 0);
}
END_TEST

START_TEST(test_cancel_deaf)
{
	cancelled("trap '' TERM; sleep 1000 & echo $!; : > %s; while :; do sleep 1; done");
	verdict(VERDICT_FAILED, 128 + SIGKILL);
	await_gone(first_pid());
}
END_TEST

/* A handler may tidy up. */
START_TEST(test_cancel_polite)
{
	cancelled("trap 'echo tidy; exit 5' TERM; : > %s; while :; do sleep 0.01; done");
	verdict(VERDICT_FAILED, 5);
	is(&out.result, "tidy\n");
}
END_TEST

/* ---- progress ---- */

static char told[4096];

static void tell(void *teller, uint64_t token, uint32_t percent, struct span text)
{
	ck_assert_ptr_eq(teller, told);
	ck_assert_uint_eq(token, 142);
	snprintf(told + strlen(told), sizeof told - strlen(told), "%u'%.*s' ", percent, (int)text.n,
	         (const char *)text.p);
}

START_TEST(test_progress)
{
	job.tell = tell;
	job.teller = told;
	SH("",
	   "echo $SHEAF_PROGRESS_FD; echo touch >&3; echo 30 half done >&$SHEAF_PROGRESS_FD; echo '- a text' >&3; "
	   "echo 60% >&3; echo nonsense >&3; echo 101 >&3; printf 70 >&3; cat <&- ; exec 3>&-; sleep 0.05; echo on");
	verdict(VERDICT_DONE, 0);
	is(&out.result, "3\non\n");
	ck_assert_str_eq(told, "255'' 30'half done' 255'a text' 60'' "); /* 70 is no line */
	told[0] = '\0';
	SH("", "head -c 3000000 /dev/zero >&3; echo >&3; echo 5 >&3; exit 0"); /* noise does not hold it up */
	verdict(VERDICT_DONE, 0);
	ck_assert_str_eq(told, "5'' ");
	job.tell = NULL;
	SH("", "echo 5 >&3"); /* nobody listens */
	verdict(VERDICT_DONE, 0);
}
END_TEST

SUITE_MAIN("exec", test_cat, test_does_not_read, test_output_limit, test_stderr, test_status, test_cannot_run,
           test_argument, test_environment, test_clean_start, test_background, test_last_bytes, test_cancel,
           test_cancel_deaf, test_cancel_polite, test_progress)
