/* The handlers that are built in. */
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/base/suite.h"
#include "worker/handler.h"

/* Runs one job; the outcome is the caller's to free. */
static struct job_outcome run(const char *name, struct span payload, bool cancelled)
{
	const struct handler *h = builtin_find(name);
	struct job_run r = { .job = { .id = 1, .token = 101, .attempt = 1, .payload = payload } };
	struct job_outcome out = { .verdict = VERDICT_DONE };

	ck_assert_ptr_nonnull(h);
	r.cancel_fd = eventfd(cancelled, EFD_NONBLOCK | EFD_CLOEXEC);
	atomic_store(&r.cancelled, cancelled);
	h->run(h->arg, &r, &out);
	close(r.cancel_fd);
	return out;
}

static void free_outcome(struct job_outcome *out)
{
	buf_fini(&out->result);
	buf_fini(&out->error);
}

START_TEST(test_find)
{
	ck_assert_ptr_null(builtin_find("ech"));
	ck_assert_ptr_null(builtin_find(""));
	ck_assert_str_eq(builtin_find("sleep")->name, "sleep");
}
END_TEST

START_TEST(test_echo_noop)
{
	struct job_outcome out = run("echo", span_str("abc"), false);

	ck_assert(out.verdict == VERDICT_DONE && out.exit == 0 && out.result_is_payload);
	free_outcome(&out);
	out = run("noop", span_str("abc"), false);
	ck_assert(out.verdict == VERDICT_DONE && out.exit == 0 && !out.result_is_payload && out.result.n == 0);
	free_outcome(&out);
}
END_TEST

START_TEST(test_fail)
{
	static const uint8_t big[LIMIT_ERROR + 1];
	struct job_outcome out = run("fail", span_str("no bread"), false);

	ck_assert(out.verdict == VERDICT_FAILED && out.exit == 1);
	ck_assert(span_eq(buf_span(&out.error), span_str("no bread")));
	free_outcome(&out);
	out = run("fail", span_of(big, sizeof big), false);
	ck_assert_uint_eq(out.error.n, LIMIT_ERROR);
	free_outcome(&out);
	out = run("fail", (struct span){ 0 }, false);
	ck_assert(out.verdict == VERDICT_FAILED && out.exit == 1);
	free_outcome(&out);
}
END_TEST

START_TEST(test_sleep)
{
	uint64_t from = clock_mono_ns();
	struct job_outcome out = run("sleep", span_str("20ms\n"), false);

	ck_assert(out.verdict == VERDICT_DONE && out.exit == 0);
	ck_assert_uint_ge(clock_mono_ns() - from, 19000000); /* no less than it was told; how much more is not ours */
	free_outcome(&out);
	out = run("sleep", (struct span){ 0 }, false);
	ck_assert(out.verdict == VERDICT_DONE);
	free_outcome(&out);
	out = run("sleep", span_str("1h"), true); /* ends, or this test does not */
	free_outcome(&out);
}
END_TEST

START_TEST(test_sleep_nonsense)
{
	static const char *const bad[] = { "soon", "5 apples", "-1s", "\n",
		                           "1h 99999999999999999999999999999999999999999" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct job_outcome out = run("sleep", span_str(bad[i]), true);

		ck_assert_msg(out.verdict == VERDICT_FAILED && out.exit == 2, "%s", bad[i]);
		ck_assert_ptr_nonnull(memmem(out.error.p, out.error.n, "duration", 8));
		free_outcome(&out);
	}
}
END_TEST

SUITE_MAIN("builtin", test_find, test_echo_noop, test_fail, test_sleep, test_sleep_nonsense)
