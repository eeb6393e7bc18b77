/* A worker in a program: wrong options, and a start and stop without any broker. tests/e2e has one with a broker. */
#include <signal.h>

#include "tests/unit/base/suite.h"
#include "worker/sheaf_worker.h"

static int run(void *arg, struct sheaf_job *job)
{
	(void)arg;
	(void)job;
	return 0;
}

static void refused(struct sheaf_worker_options o, const char *why)
{
	char err[SHEAF_WORKER_ERR] = "";

	ck_assert_ptr_null(sheaf_worker_start(&o, run, NULL, err));
	ck_assert_msg(strstr(err, why) != NULL, "'%s' and not '%s'", err, why);
	ck_assert_int_eq(sheaf_worker_run(&o, run, NULL, err), 2);
}

START_TEST(test_refusals)
{
	refused((struct sheaf_worker_options){ .queues = "q" }, "abi: set it to SHEAF_WORKER_ABI, which is 1 here");
	refused((struct sheaf_worker_options){ .abi = SHEAF_WORKER_ABI }, "a queue is needed");
	refused((struct sheaf_worker_options){ .abi = SHEAF_WORKER_ABI, .queues = "q,Q" }, "'Q' is no queue's name");
	refused((struct sheaf_worker_options){ .abi = SHEAF_WORKER_ABI, .queues = "q,q" }, "'q' is named twice");
	refused((struct sheaf_worker_options){ .abi = SHEAF_WORKER_ABI, .queues = "q", .name = "a b" },
	        "name: 1 to 64 printable characters");
	refused((struct sheaf_worker_options){ .abi = SHEAF_WORKER_ABI, .queues = "q", .slots = 1025 }, "1024 at most");
	refused(
	    (struct sheaf_worker_options){ .abi = SHEAF_WORKER_ABI, .queues = "q", .broker = "tcp://example.org:7400" },
	    "is not a loopback address");
	refused(
	    (struct sheaf_worker_options){
		.abi = SHEAF_WORKER_ABI, .queues = "q", .broker = "nonsense", .insecure = 1 },
	    "nonsense");
	refused((struct sheaf_worker_options){ .abi = SHEAF_WORKER_ABI, .queues = "q", .keys = "/nowhere/at-all" },
	        "/nowhere/at-all");
}
END_TEST

START_TEST(test_start_and_stop)
{
	struct sheaf_worker_options o = {
		.abi = SHEAF_WORKER_ABI, .queues = "q,r", .broker = "tcp://127.0.0.1:1", .slots = 2, .grace_ms = 100
	};
	char err[SHEAF_WORKER_ERR] = "", queues[] = "q,r";
	sigset_t before, after;
	sheaf_worker *w;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	o.queues = queues;
	w = sheaf_worker_start(&o, run, NULL, err);
	ck_assert_msg(w != NULL, "%s", err);
	memset(queues, 'X', 3); /* it has its own copy */
	sheaf_worker_stop(&w);
	ck_assert_ptr_null(w);
	sheaf_worker_stop(&w);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int i = 1; i < 32; i++)
		ck_assert_int_eq(sigismember(&before, i), sigismember(&after, i));
}
END_TEST

SUITE_MAIN("embed", test_refusals, test_start_and_stop)
