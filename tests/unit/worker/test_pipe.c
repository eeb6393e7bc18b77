/* The pipe handler: a shell that answers, dies, talks nonsense, ignores signals. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/base/suite.h"
#include "worker/pipe.h"

/* Does what the payload says. $id is the job's. */
static char script[] =
    "say() { printf '{\"id\":\"%s\",%s}\\n' \"$id\" \"$1\"; }\n"
    "n=0\n"
    "while read -r line; do\n"
    "	n=$((n + 1)); all=${#line}; line=$(printf %.200s \"$line\"); id=${line#*\\\"id\\\":\\\"}; id=${id%%\\\"*}; "
    "what=${line##*\\\"payload\\\":\\\"}; "
    "what=${what%%\\\"*}\n"
    "	case $what in\n"
    "	count) say '\"ok\":true,\"result\":\"'$n'\"' ;;\n"
    "	pid) say '\"ok\":true,\"result\":'$$ ;;\n"
    "	fail) say '\"error\":\"no luck\",\"exit\":4' ;;\n"
    "	progress) say '\"touch\":true'; say '\"progress\":30,\"text\":\"half\"'; echo; say '\"ok\":true' ;;\n"
    "	die) exit 3 ;;\n"
    "	murder) kill -KILL $$ ;;\n"
    "	last) say '\"ok\":true,\"result\":\"last\"'; exit 5 ;;\n"
    "	bye) say '\"bye\":true,\"ok\":true'; sleep 0.05; exit 5 ;;\n"
    "	nonsense) echo nonsense; say '\"ok\":true' ;;\n"
    "	closed) exec >&-; sleep 1000 ;;\n"
    "	deaf) trap '' TERM; echo begun >&2; while :; do sleep 1; done ;;\n"
    "	wait) sleep 1000 & wait ;;\n"
    "	orphan) sleep 1000 & say '\"ok\":true,\"result\":'$! ;;\n"
    "	early) say '\"ok\":true,\"result\":\"early\"'; echo more ;;\n"
    "	busy) while :; do :; done ;;\n"
    "	long) head -c 40000000 /dev/zero | tr '\\0' x; echo ;;\n"
    "	*) say '\"ok\":true,\"result\":\"'$all'\"' ;;\n"
    "	esac\n"
    "done\n";

static char *words[] = { (char[]){ "sh" }, (char[]){ "-c" }, script, NULL };
static struct exec_config config = { .argv = words, .words = 3, .guardian = -1, .kill_ms = 300 };
static struct pipes *pipes;
static struct job_outcome out;
static struct job_run job;
static char told[256];

static void tell(void *teller, uint64_t token, uint32_t percent, struct span text)
{
	(void)teller;
	(void)token;
	snprintf(told + strlen(told), sizeof told - strlen(told), "%u'%.*s' ", percent, (int)text.n,
	         (const char *)text.p);
}

static void begin(void)
{
	signal(SIGPIPE, SIG_IGN);
	job.cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	job.tell = tell;
	pipes = pipes_new(&config, 1);
	pipe_begin(pipes, 0);
}

static void end(void)
{
	pipe_end(pipes, 0);
	pipes_free(pipes);
	buf_fini(&out.result);
	buf_fini(&out.error);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static void run(const char *payload)
{
	buf_clear(&out.result);
	buf_clear(&out.error);
	out.verdict = VERDICT_DONE;
	out.exit = 0;
	job.job.id++;
	job.job.token = 100 + job.job.id;
	job.job.attempt = 1;
	job.job.payload = span_str(payload);
	job.queue = span_str("q");
	pipe_run(pipes, &job, &out);
}

static void is(enum verdict verdict, int exit, const char *result, const char *error)
{
	ck_assert_msg((enum verdict)out.verdict == verdict && out.exit == exit, "verdict %d, exit %d: %.*s",
	              (int)out.verdict, out.exit, (int)out.error.n, (const char *)out.error.p);
	ck_assert_msg(span_eq(buf_span(&out.result), span_str(result)), "%.*s", (int)out.result.n, out.result.p);
	ck_assert_msg(span_eq(buf_span(&out.error), span_str(error)), "%.*s", (int)out.error.n, out.error.p);
}

START_TEST(test_one_process)
{
	begin();
	run("count");
	is(VERDICT_DONE, 0, "1", "");
	run("fail");
	is(VERDICT_FAILED, 4, "", "no luck");
	run("progress");
	is(VERDICT_DONE, 0, "", "");
	ck_assert_str_eq(told, "255'' 30'half' ");
	run("count");
	is(VERDICT_DONE, 0, "4", "");
	end();
}
END_TEST

/* More than the pipes hold, in both directions. */
START_TEST(test_large)
{
	char *payload = malloc(2000001);

	ck_assert_ptr_nonnull(payload);
	memset(payload, 'a', 2000000);
	payload[2000000] = '\0';
	begin();
	run(payload);
	ck_assert_int_eq(out.verdict, VERDICT_DONE);
	ck_assert(out.result.n == 7 && memcmp(out.result.p, "20000", 5) == 0);
	run("count");
	is(VERDICT_DONE, 0, "2", "");
	end();
	free(payload);
}
END_TEST

START_TEST(test_deaths)
{
	begin();
	run("die");
	is(VERDICT_FAILED, 1, "", "the process ended with exit status 3 before it answered");
	run("count");
	is(VERDICT_DONE, 0, "1", "");
	run("murder");
	is(VERDICT_FAILED, 1, "", "the process ended with signal 9 (Killed) before it answered");
	run("closed");
	is(VERDICT_FAILED, 1, "", "the process closed its stdout before it answered");
	run("last"); /* what it said before it died counts */
	is(VERDICT_DONE, 0, "last", "");
	run("count"); /* sent to what is about to end, unless that has been seen */
	run("count");
	ck_assert_int_eq(out.verdict, VERDICT_DONE);
	run("bye"); /* which says so is sent nothing any more */
	is(VERDICT_DONE, 0, "", "");
	run("count");
	is(VERDICT_DONE, 0, "1", "");
	end();
}
END_TEST

START_TEST(test_nonsense)
{
	begin();
	run("nonsense");
	is(VERDICT_FAILED, 1, "",
	   "a line that the process wrote to its stdout is no answer: it is no JSON (at byte 8)");
	run("count"); /* of a process that said nothing yet */
	is(VERDICT_DONE, 0, "1", "");
	run("early");
	is(VERDICT_DONE, 0, "early", "");
	run("count"); /* what it said between two jobs is reported, or taken for this one's, whichever it meets */
	ck_assert(out.verdict == VERDICT_DONE || out.exit == 1);
	run("long");
	is(VERDICT_FAILED, 1, "", "a line that the process wrote to its stdout is no answer: it is longer than 32 MiB");
	run("count");
	is(VERDICT_DONE, 0, "1", "");
	end();
}
END_TEST

/* ---- cancel and limits ---- */

static void *cancel_soon(void *arg)
{
	uint64_t one = 1;

	poll(NULL, 0, 100);
	atomic_store(&job.cancelled, END_LEASE);
	return write(job.cancel_fd, &one, sizeof one) == sizeof one ? arg : NULL;
}

static void cancelled(const char *payload)
{
	pthread_t thread;
	uint64_t n;

	ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
	run(payload);
	pthread_join(thread, NULL);
	ck_assert_int_eq(read(job.cancel_fd, &n, sizeof n), sizeof n);
	atomic_store(&job.cancelled, 0);
	ck_assert_int_eq(out.verdict, VERDICT_FAILED); /* whatever it is: the slot knows why */
}

START_TEST(test_cancel)
{
	begin();
	cancelled("wait");
	cancelled("deaf");
	run("count");
	is(VERDICT_DONE, 0, "1", "");
	end();
}
END_TEST

START_TEST(test_limits)
{
	config.limits = (struct job_limits){ .cpu_ms = 200, .cpu_text = "200ms", .output = 4, .output_text = "4" };
	begin();
	run("count");
	is(VERDICT_DONE, 0, "1", "");
	run("last ");
	run("busy");
	is(VERDICT_KILLED, 137, "", "it used more processor time than --limit-cpu 200ms allows");
	run("early");
	is(VERDICT_KILLED, 137, "", "it wrote more than --limit-output 4 allows");
	end();
}
END_TEST

/* ---- starting ---- */

START_TEST(test_cannot_run)
{
	char *nowhere[] = { (char[]){ "/nowhere/at-all" }, NULL };

	config.argv = nowhere;
	config.words = 1;
	begin();
	run("count");
#ifdef __SANITIZE_THREAD__
	ck_assert_int_eq(out.verdict, VERDICT_FAILED); /* it makes a fork of every vfork, so exec's error is lost */
#else
	is(VERDICT_FAILED, 127, "", "cannot run '/nowhere/at-all': No such file or directory");
#endif
	end();
}
END_TEST

/* A process that dies at once again and again is started less and less often; no job waits for ever. */
START_TEST(test_pauses)
{
	char *dies[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "exit 6" }, NULL };
	uint64_t began = clock_mono_ms();

	config.argv = dies;
	begin();
	for (int i = 0; i < 5; i++) {
		run("count");
		is(VERDICT_FAILED, 1, "", "the process ended with exit status 6 before it answered");
	}
	ck_assert_uint_ge(clock_mono_ms() - began, 100);
	end();
}
END_TEST

START_TEST(test_pause_can_be_cancelled)
{
	char *dies[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "exit 6" }, NULL };

	config.argv = dies;
	begin();
	for (int i = 0; i < 4; i++)
		run("count");
	cancelled("count");
	end();
}
END_TEST

/* What it started itself goes with it. */
START_TEST(test_orphans)
{
	char text[32] = { 0 };
	pid_t pid;

	begin();
	run("orphan");
	ck_assert(out.result.n < sizeof text);
	memcpy(text, out.result.p, out.result.n);
	pid = (pid_t)strtol(text, NULL, 10);
	ck_assert_int_eq(kill(pid, 0), 0);
	end();
	for (int i = 0; i < 6000 && kill(pid, 0) == 0; i++) {
		char path[64], stat[64] = { 0 };
		FILE *f;

		snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
		f = fopen(path, "re");
		if (f != NULL && fread(stat, 1, sizeof stat - 1, f) > 0 && strstr(stat, ") Z ") != NULL)
			i = 6000; /* nobody here is to reap it */
		if (f != NULL)
			fclose(f);
		poll(NULL, 0, 10);
		ck_assert_int_ne(i, 5999);
	}
}
END_TEST

SUITE_MAIN("pipe", test_one_process, test_large, test_deaths, test_nonsense, test_cancel, test_limits, test_cannot_run,
           test_pauses, test_pause_can_be_cancelled, test_orphans)
