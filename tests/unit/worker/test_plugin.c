/* C handlers: loading them, what they see, what they say. */
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/base/suite.h"
#include "worker/plugin.h"

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

static void run(struct native *n, const char *payload)
{
	static const char headers[] = "tenant=a=b\0empty=";

	buf_clear(&out.result);
	buf_clear(&out.error);
	out.verdict = VERDICT_DONE;
	out.exit = 0;
	job.job = (struct msg_job_rec){ .id = 42, .token = 142, .attempt = 3, .payload = span_str(payload) };
	job.job.headers = span_of(headers, sizeof headers);
	job.queue = span_of("mail and more", 4);
	job.tell = tell;
	native_run(n, &job, &out);
}

static void is(enum verdict verdict, int exit, const char *result, const char *error)
{
	ck_assert_int_eq(out.verdict, verdict);
	ck_assert_int_eq(out.exit, exit);
	ck_assert_msg(span_eq(buf_span(&out.result), span_str(result)), "%.*s", (int)out.result.n, out.result.p);
	ck_assert_msg(span_eq(buf_span(&out.error), span_str(error)), "%.*s", (int)out.error.n, out.error.p);
}

START_TEST(test_run)
{
	char err[512] = "";
	struct plugin *p = plugin_open(PLUGINS "/plugin_good.so", 0, NULL, err, sizeof err);
	struct native n;

	ck_assert_msg(p != NULL, "%s", err);
	n = plugin_native(p);
	run(&n, "show");
	is(VERDICT_DONE, 0, "42 142 3 mail tenant=a=b empty= 2", "");
	run(&n, "progress");
	is(VERDICT_DONE, 0, "", "");
	ck_assert_str_eq(told, "255'' 30'half' 255'' ");
	run(&n, "fail");
	is(VERDICT_FAILED, 7, "", "no luck");
	run(&n, "silent");
	is(VERDICT_FAILED, 8, "", "the handler returned 8");
	n.output = 25600;
	n.output_text = "25K";
	run(&n, "flood");
	ck_assert_uint_eq(out.result.n, 25600);
	n.output = 25599;
	run(&n, "flood");
	is(VERDICT_KILLED, 1, "", "it returned more than --limit-output 25K allows");
	ck_assert_int_eq(*(int *)n.arg, 6);
	plugin_close(p);
}
END_TEST

START_TEST(test_cancel)
{
	char err[512] = "";
	struct plugin *p = plugin_open(PLUGINS "/plugin_good.so", 0, NULL, err, sizeof err);
	struct native n = plugin_native(p);

	job.cancel_fd = eventfd(1, EFD_CLOEXEC);
	atomic_store(&job.cancelled, END_FORGOTTEN);
	run(&n, "wait");
	is(VERDICT_FAILED, 9, "", "the handler returned 9");
	close(job.cancel_fd);
	plugin_close(p);
}
END_TEST

static void refused(const char *path, const char *why)
{
	char err[512] = "";
	char *words[] = { (char[]){ "no" }, NULL };

	ck_assert_ptr_null(plugin_open(path, 1, words, err, sizeof err));
	ck_assert_msg(strstr(err, why) != NULL, "%s", err);
}

START_TEST(test_refusals)
{
	refused("/nowhere/at-all.so", "--plugin: /nowhere/at-all.so: cannot open shared object file");
	refused("no-such-plugin.so", "./FILE.so");
	refused(PLUGINS "/plugin_empty.so", "it has no symbol `sheaf_plugin`");
	refused(PLUGINS "/plugin_old.so", "it is made for version 2 of sheaf_worker.h, this worker has 1");
	refused(PLUGINS "/plugin_good.so", "plugin_good.so: it was told to say no");
}
END_TEST

SUITE_MAIN("plugin", test_run, test_cancel, test_refusals)
