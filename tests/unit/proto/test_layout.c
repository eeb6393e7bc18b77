/* Each message with a value of its own in every field, as msgpack-c prints what we wrote: the layout of
 * PROTOCOL.md, in a form that can be read beside it. What is read back is written the same again. */
#include <msgpack.h>
#include <stdio.h>

#include "proto/codec.h"
#include "tests/unit/base/suite.h"

#define S(text)                                                                                                        \
	{                                                                                                              \
		(const uint8_t *)(text), sizeof(text) - 1                                                              \
	}
#define HEAD(k) .h = { 1, k, 0, 301, 302, 303 }
#define RESULT                                                                                                         \
	{                                                                                                              \
		.id = 11, .state = 5, .attempt = 12, .exit = -13, .gone = 1, .submitted_ms = 14, .started_ms = 15,     \
		.finished_ms = 16, .error = S("bad"), .result = S("good")                                              \
	}
#define RESULT_P "[11, 5, 12, -13, 1, 14, 15, 16, \"bad\", \"good\"]"

static const struct span two_spans[] = { S("one"), S("two") };
static const uint64_t two_numbers[] = { 21, 22 };
static const struct lease_name two_leases[] = { { 21, 22 }, { 23, 24 } };
static const struct msg_accepted_rec accepted[] = { { 21, 22, 23 } };
static const struct msg_result_rec results[] = { RESULT };
static const struct msg_queue_rec queues[] = { { .name = S("mail"),
	                                         .paused = 1,
	                                         .workers = 21,
	                                         .submitted = 22,
	                                         .states = { 0, 1, 2, 3, 4, 5, 6, 7, 8 },
	                                         .kept = 23,
	                                         .kept_bytes = 24,
	                                         .oldest_ms = 25,
	                                         .dead = 26,
	                                         .redriven = 27,
	                                         .forgotten = 28 } };
static const struct msg_worker_rec workers[] = { { .session = 21,
	                                           .name = S("w"),
	                                           .queues = S("a,b"),
	                                           .slots = 22,
	                                           .running = 23,
	                                           .outstanding = 24,
	                                           .window_jobs = 25,
	                                           .done = 26,
	                                           .silent_ms = 27,
	                                           .draining = 1 } };
static const struct msg_running_rec running[] = { { 21, 22, 23, S("q"), S("w"), 24, 25, 26, S("half") } };
static const struct msg_stat_rec stats[] = { { S("jobs"), 21 } };
static const struct msg_setting_rec settings[] = { { S("rate"), 21 }, { S("keep"), 22 } };
static const struct msg_dead_rec dead[] = { { 21, 22, 23, -24, 25, S("w"), S("bad") } };
static const struct msg_peek_rec peeked[] = { { 21, 9, 22, S("begin") } };
static const struct msg_range lost[] = { { 21, 22 } };
static const struct msg_held_rec held[] = { { 21, 22, 3 } };
static const struct msg_job_rec jobs[] = {
	{ .id = 21, .token = 22, .attempt = 23, .queue = 24, .lease_ms = 25, .headers = S("A=b"), .payload = S("p") }
};
#define CRON                                                                                                           \
	{                                                                                                              \
		.name = S("tidy"), .spec = S("@daily"), .zone = S("Asia/Tokyo"), .missed = 2, .queue = S("mail"),      \
		.priority = 9, .attempts = 31, .lease_ms = 32, .backoff_ms = 33, .backoff_max_ms = 34,                 \
		.within_ms = 35, .tenant = S("t"), .group = S("g"), .headers = S("A=b\0C=d"), .payload = S("p")        \
	}
#define CRON_P                                                                                                         \
	"\"tidy\", \"@daily\", \"Asia/Tokyo\", 2, \"mail\", 9, 31, 32, 33, 34, 35, \"t\", \"g\", "                     \
	"\"A=b\\x00C=d\\x00\", \"p\""
static const struct msg_cron_rec crons[] = { { .cron = CRON,
	                                       .paused = 1,
	                                       .next = { 21, -22 },
	                                       .last = { 23, 24 },
	                                       .last_job = 25,
	                                       .submitted = 26,
	                                       .missed = 27,
	                                       .trouble = S("why") } };
static const struct msg_cron_time cron_times[] = { { 41, -42 }, { 43, 44 } };
static const struct msg_progress_rec progress[] = { { 21, 22, 23, S("half") } };
static const struct msg_outcome_rec outcomes[] = {
	{ .id = 21, .token = 22, .verdict = 3, .exit = -23, .run_ms = 24, .error = S("bad"), .result = S("good") }
};

static const struct msg_all_part parts[] = {
	{ S("mail"), ALL_CREATE, 9, 2, 3, 4, 5, S("k"), { (const uint8_t *)"A=b", sizeof "A=b" }, 0, S("one") },
};

static const struct {
	struct msg m;
	const char *text; /* behind the header */
} cases[] = {
	{ { HEAD(MSG_CLIENT_HELLO), .u.client_hello = { 1, 2, 3, S("me") } }, "1, 2, 3, \"me\"" },
	{ { HEAD(MSG_SUBMIT), .u.submit = { .queue = S("mail"),
	                                    .flags = 3,
	                                    .priority = 9,
	                                    .attempts = 1,
	                                    .lease_ms = 5,
	                                    .batch = 6,
	                                    .answered = 7,
	                                    .headers = S("A=b"),
	                                    .payloads = two_spans,
	                                    .n = 2 } },
	  "\"mail\", 3, 9, 1, 5, 6, 7, \"A=b\\x00\", [\"one\", \"two\"]" },
	{ { HEAD(MSG_SUBMIT), .u.submit = { .queue = S("mail"),
	                                    .flags = 4,
	                                    .headers = S("A=b"),
	                                    .payloads = two_spans,
	                                    .n = 1,
	                                    .terms = { 31, 32, 33, 34, 35, S("k"), S("t"), S("g"), two_numbers, 2, 3,
	                                               37, 38, S("topic"), 39 } } },
	  "\"mail\", 4, 0, 0, 0, 0, 0, \"A=b\\x00\", [\"one\"], 31, 32, 33, 34, 35, \"k\", \"t\", \"g\", [21, 22], 3, "
	  "37, 38, "
	  "\"topic\", 39" },
	{ { HEAD(MSG_SUBMIT), .u.submit = { .queue = S("mail"),
	                                    .headers = S("A=b"),
	                                    .payloads = two_spans,
	                                    .n = 1,
	                                    .terms = { .at_ms = 32 } } },
	  "\"mail\", 0, 0, 0, 0, 0, 0, \"A=b\\x00\", [\"one\"], 0, 32" },
	{ { HEAD(MSG_SUBMIT_ALL), .u.submit_all = { 7, parts, 1 } },
	  "7, [[\"mail\", 1, 9, 2, 3, 4, 5, \"k\", \"A=b\\x00\", 0, \"one\"]]" },
	{ { HEAD(MSG_ALL_ACCEPTED), .u.all_accepted = { two_numbers, 2 } }, "[21, 22]" },
	{ { HEAD(MSG_WAIT), .u.ids = { 1, two_numbers, 2 } }, "1, [21, 22]" },
	{ { HEAD(MSG_RESULT_GET), .u.one = { 1 } }, "1" },
	{ { HEAD(MSG_JOB_GET), .u.one = { 2 } }, "2" },
	{ { HEAD(MSG_CANCEL), .u.ids = { 0, two_numbers, 2 } }, "0, [21, 22]" },
	{ { HEAD(MSG_QUEUE_LIST), .u.queue_list = { S("mail") } }, "\"mail\"" },
	{ { HEAD(MSG_QUEUE_OP), .u.queue_op = { S("mail"), 5, 6 } }, "\"mail\", 5, 6" },
	{ { HEAD(MSG_JOB_LIST), .u.job_list = { S("mail"), 3, 4 } }, "\"mail\", 3, 4" },
	{ { HEAD(MSG_JOBS_INFO), .u.jobs_info = { 1, running, 1 } },
	  "1, [[21, 22, 23, \"q\", \"w\", 24, 25, 26, \"half\"]]" },
	{ { HEAD(MSG_WORKER_LIST), .u.worker_list = { 3 } }, "3" },
	{ { HEAD(MSG_STATS) }, "" },
	{ { HEAD(MSG_PING), .u.ping = { 4 } }, "4" },
	{ { HEAD(MSG_BATCH_OPEN) }, "" },
	{ { HEAD(MSG_BATCH_CLOSE), .u.one = { 5 } }, "5" },
	{ { HEAD(MSG_BATCH_GET), .u.one = { 6 } }, "6" },
	{ { HEAD(MSG_CLIENT_BYE) }, "" },
	{ { HEAD(MSG_WORKER_OP), .u.worker_op = { S("w"), 2 } }, "\"w\", 2" },
	{ { HEAD(MSG_QUEUE_SET), .u.queue_set = { S("mail"), settings, 2 } },
	  "\"mail\", [[\"rate\", 21], [\"keep\", 22]]" },
	{ { HEAD(MSG_CRON_SET), .u.cron_set = { 1, CRON } }, "1, " CRON_P },
	{ { HEAD(MSG_CRON_OP), .u.cron_op = { S("tidy"), 2 } }, "\"tidy\", 2" },
	{ { HEAD(MSG_CRON_OP), .u.cron_op = { S(""), 4, 5, S("@daily"), S("Asia/Tokyo") } },
	  "\"\", 4, 5, \"@daily\", \"Asia/Tokyo\"" },
	{ { HEAD(MSG_CRON_LIST), .u.cron_list = { S("tidy") } }, "\"tidy\"" },
	{ { HEAD(MSG_DEAD_LIST), .u.dead_list = { S("mail"), { 1, 2, 3 }, { 4, 5, S("bad") }, 6 } },
	  "\"mail\", 1, 2, 3, 4, 5, \"bad\", 6" },
	{ { HEAD(MSG_DEAD_OP), .u.dead_op = { S("mail"), 1, { 2, 3, S("bad") }, 4, 5 } },
	  "\"mail\", 1, 2, 3, \"bad\", 4, 5" },
	{ { HEAD(MSG_RETRY), .u.ids = { 0, two_numbers, 2 } }, "0, [21, 22]" },
	{ { HEAD(MSG_DEAD_INFO), .u.dead_info = { 1, { 2, 3, 4 }, dead, 1 } },
	  "1, 2, 3, 4, [[21, 22, 23, -24, 25, \"w\", \"bad\"]]" },
	{ { HEAD(MSG_CLIENT_WELCOME), .u.client_welcome = { 1, 2, S("r"), S("w"), 3, 4, 5, 6, S("sheafd") } },
	  "1, 2, \"r\", \"w\", 3, 4, 5, 6, \"sheafd\"" },
	{ { HEAD(MSG_ACCEPTED), .u.accepted = { accepted, 1 } }, "[[21, 22, 23]]" },
	{ { HEAD(MSG_RESULTS), .u.results = { 1, results, 1 } }, "1, [" RESULT_P "]" },
	{ { HEAD(MSG_REPLY), .u.reply = { 1, S("text"), 2 } }, "1, \"text\", 2" },
	{ { HEAD(MSG_PONG), .u.ping = { 7 } }, "7" },
	{ { HEAD(MSG_JOB_INFO),
	    .u.job_info = { RESULT, S("mail"), 1, 2, 3, 4, 5, S("worker"), S("A=b\0C=d"), 6, S("half") } },
	  RESULT_P ", \"mail\", 1, 2, 3, 4, 5, \"worker\", \"A=b\\x00C=d\\x00\", 6, \"half\"" },
	{ { HEAD(MSG_QUEUE_INFO), .u.queue_info = { 1, queues, 1, settings, 1 } },
	  "1, [[\"mail\", 1, 21, 22, [0, 1, 2, 3, 4, 5, 6, 7, 8], 23, 24, 25, 26, 27, 28]], [[\"rate\", 21]]" },
	{ { HEAD(MSG_WORKER_INFO), .u.worker_info = { 1, workers, 1 } },
	  "1, [[21, \"w\", \"a,b\", 22, 23, 24, 25, 26, 27, 1]]" },
	{ { HEAD(MSG_STATS_INFO), .u.stats_info = { stats, 1 } }, "[[\"jobs\", 21]]" },
	{ { HEAD(MSG_PEEKED), .u.peeked = { peeked, 1 } }, "[[21, 9, 22, \"begin\"]]" },
	{ { HEAD(MSG_BATCH_INFO), .u.batch_info = { 2, 1, 3, 4, 5 } }, "2, 1, 3, 4, 5" },
	{ { HEAD(MSG_CRON_INFO), .u.cron_info = { 1, 2, crons, 1, cron_times, 2 } },
	  "1, 2, [[" CRON_P ", 1, 21, -22, 23, 24, 25, 26, 27, \"why\"]], [[41, -42], [43, 44]]" },
	{ { HEAD(MSG_WORKER_HELLO), .u.worker_hello = { 1, 2, 3, 4, S("w"), 5, two_spans, 2, held, 1, 1 } },
	  "1, 2, 3, 4, \"w\", 5, [\"one\", \"two\"], [[21, 22, 3]], 1" },
	{ { HEAD(MSG_WORKER_READY), .u.nonce = { 8 } }, "8" },
	{ { HEAD(MSG_BEAT), .u.beat = { 1, 2, 3, lost, 1, two_numbers, 2 } }, "1, 2, 3, [[21, 22]], [21, 22]" },
	{ { HEAD(MSG_RETURN), .u.leases = { two_leases, 2 } }, "[[21, 22], [23, 24]]" },
	{ { HEAD(MSG_WORKER_BYE), .u.worker_bye = { 9 } }, "9" },
	{ { HEAD(MSG_PROGRESS), .u.progress = { progress, 1 } }, "[[21, 22, 23, \"half\"]]" },
	{ { HEAD(MSG_WORKER_WELCOME), .u.worker_welcome = { 1, 2, S("j"), S("r"), 3, 4, two_numbers, 2 } },
	  "1, 2, \"j\", \"r\", 3, 4, [21, 22]" },
	{ { HEAD(MSG_BEAT_ANSWER), .u.settled = { 1, 0, 1 } }, "1, 0, 1" },
	{ { HEAD(MSG_SETTLED), .u.settled = { 2, 1 } }, "2, 1" },
	{ { HEAD(MSG_RECALL), .u.leases = { two_leases, 1 } }, "[[21, 22]]" },
	{ { HEAD(MSG_REVOKE), .u.leases = { two_leases, 2 } }, "[[21, 22], [23, 24]]" },
	{ { HEAD(MSG_NO_SESSION) }, "" },
	{ { HEAD(MSG_JOBS_WELCOME), .u.nonce = { 10 } }, "10" },
	{ { HEAD(MSG_JOBS), .u.jobs = { jobs, 1 } }, "[[21, 22, 23, 24, 25, \"A=b\\x00\", \"p\"]]" },
	{ { HEAD(MSG_OUTCOMES), .u.outcomes = { outcomes, 1 } }, "[[21, 22, 3, -23, 24, \"bad\", \"good\"]]" },
};

/* Headers end with a NUL that S() leaves out. */
static struct msg with_headers(struct msg m, struct msg_job_rec *job, struct msg_cron_rec *cron)
{
	if (m.h.kind == MSG_CRON_SET)
		m.u.cron_set.cron.headers.n++;
	if (m.h.kind == MSG_CRON_INFO) {
		*cron = *m.u.cron_info.v;
		cron->cron.headers.n++;
		m.u.cron_info.v = cron;
	}
	if (m.h.kind == MSG_SUBMIT)
		m.u.submit.headers.n++;
	if (m.h.kind == MSG_JOB_INFO)
		m.u.job_info.headers.n++;
	if (m.h.kind == MSG_JOBS) {
		*job = *m.u.jobs.v;
		job->headers.n++;
		m.u.jobs.v = job;
	}
	return m;
}

START_TEST(test_layout)
{
	struct msg m = cases[_i].m, back;
	struct msg_room *room = msg_room_new();
	char expected[512], printed[512] = "";
	struct msg_job_rec job;
	struct msg_cron_rec cron;
	struct buf out, again;
	msgpack_unpacked tree;
	const char *why;
	size_t at = 0;

	buf_init(&out);
	buf_init(&again);
	msgpack_unpacked_init(&tree);
	m = with_headers(m, &job, &cron);
	msg_encode(&out, &m);
	ck_assert_int_eq(msgpack_unpack_next(&tree, (const char *)out.p, out.n, &at), MSGPACK_UNPACK_SUCCESS);
	ck_assert_uint_eq(at, out.n);
	msgpack_object_print_buffer(printed, sizeof printed, tree.data);
	snprintf(expected, sizeof expected, "[1, %u, 0, 301, 302, 303%s%s]", m.h.kind, *cases[_i].text ? ", " : "",
	         cases[_i].text);
	ck_assert_str_eq(printed, expected);

	ck_assert_int_eq(msg_decode(buf_span(&out), room, &back, &why), SHEAF_OK);
	msg_encode(&again, &back);
	ck_assert(span_eq(buf_span(&out), buf_span(&again)));
	msgpack_unpacked_destroy(&tree);
	buf_fini(&out);
	buf_fini(&again);
	msg_room_free(room);
}
END_TEST

START_TEST(test_example_of_the_document)
{
	static const uint8_t expected[] = { 0x9f, 1, 2, 0,    0xcf, 0,    0,    0,   0,   0,    0, 0, 5,
		                            0xcf, 0, 0, 0,    0,    0,    0,    0,   7,   0xcf, 0, 0, 0,
		                            0,    0, 0, 0,    1,    0xa4, 'm',  'a', 'i', 'l',  1, 4, 1,
		                            0,    0, 0, 0xc4, 0,    0x91, 0xc4, 2,   'h', 'i' };
	struct span hi = S("hi");
	struct msg m = { .h = { 1, MSG_SUBMIT, 0, 5, 7, 1 },
		         .u.submit = { .queue = S("mail"),
		                       .flags = SUBMIT_WANT,
		                       .priority = 4,
		                       .attempts = 1,
		                       .payloads = &hi,
		                       .n = 1 } };
	struct buf out;

	buf_init(&out);
	msg_encode(&out, &m);
	ck_assert(span_eq(buf_span(&out), span_of(expected, sizeof expected)));
	buf_fini(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("layout");
	TCase *tc = tcase_create("layout");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, test_layout, 0, (int)(sizeof cases / sizeof cases[0]));
	tcase_add_test(tc, test_example_of_the_document);
	suite_add_tcase(s, tc);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
