/* The log of map: the format of GNU parallel, resuming, a torn last line, files that are no log. */
#include "client/cli/joblog.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/base/suite.h"

#define HEAD "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"

static char path[64];

static void make_file(const char *text)
{
	FILE *f;
	int fd;

	snprintf(path, sizeof path, "/tmp/sheaf-joblog-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	f = fdopen(fd, "w");
	fputs(text, f);
	fclose(f);
}

static void expect_file(const char *text)
{
	char got[4096];
	FILE *f = fopen(path, "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(got, 1, sizeof got - 1, f);
	fclose(f);
	got[n] = 0;
	ck_assert_str_eq(got, text);
}

static void add(struct joblog *l, const struct joblog_line *line)
{
	struct buf b;

	buf_init(&b);
	joblog_format(&b, line);
	joblog_add(l, buf_span(&b));
	buf_fini(&b);
	ck_assert(joblog_flush(l));
}

START_TEST(test_format)
{
	struct joblog l;
	struct joblog_line done = { .seq = 1,
		                    .started_ms = 1700000000042,
		                    .run_ms = 1234,
		                    .sent = 3,
		                    .received = 5,
		                    .command = span_str("a\tb\\\n\x01") };
	struct joblog_line killed = { .seq = 2, .exit = 137, .command = span_str("x") };
	struct joblog_line failed = { .seq = 3, .exit = 1 };

	make_file("what was there before\n");
	ck_assert_ptr_null(joblog_open(&l, path, JOBLOG_NEW));
	add(&l, &done);
	add(&l, &killed);
	add(&l, &failed);
	joblog_close(&l);
	expect_file(HEAD "1\t:\t1700000000.042\t     1.234\t3\t5\t0\t0\ta\\tb\\\\\\n\\x01\n"
	                 "2\t:\t0.000\t     0.000\t0\t0\t137\t9\tx\n"
	                 "3\t:\t0.000\t     0.000\t0\t0\t1\t0\t\n");
	unlink(path);
}
END_TEST

START_TEST(test_resume)
{
	struct joblog l;
	struct joblog_line line = { .seq = 2, .command = span_str("two") };

	make_file(HEAD "1\t:\t0.000\t     0.000\t0\t0\t0\t0\tone\n"
	               "9000\t:\t0.000\t     0.000\t0\t0\t1\t0\tfar\n"
	               "3\t:\t0.000\t     0.000\t0\t0\t0\t0\tto"); /* torn */
	ck_assert_ptr_null(joblog_open(&l, path, JOBLOG_RESUME));
	ck_assert_uint_eq(l.n_seen, 2);
	ck_assert(seqset_has(&l.seen, 1));
	ck_assert(seqset_has(&l.seen, 9000));
	ck_assert(!seqset_has(&l.seen, 0));
	ck_assert(!seqset_has(&l.seen, 2));
	ck_assert(!seqset_has(&l.seen, 3));
	ck_assert(!seqset_has(&l.seen, 1u << 30));
	add(&l, &line);
	joblog_close(&l);
	expect_file(HEAD "1\t:\t0.000\t     0.000\t0\t0\t0\t0\tone\n"
	                 "9000\t:\t0.000\t     0.000\t0\t0\t1\t0\tfar\n"
	                 "2\t:\t0.000\t     0.000\t0\t0\t0\t0\ttwo\n");
	unlink(path);
}
END_TEST

START_TEST(test_resume_nothing)
{
	struct joblog l;

	make_file("");
	unlink(path);
	ck_assert_ptr_null(joblog_open(&l, path, JOBLOG_RESUME));
	joblog_close(&l);
	expect_file(HEAD);
	ck_assert_ptr_null(joblog_open(&l, path, JOBLOG_RESUME));
	ck_assert_uint_eq(l.n_seen, 0);
	joblog_close(&l);
	expect_file(HEAD);
	unlink(path);
	make_file("Seq\tHo"); /* torn within its head */
	ck_assert_ptr_null(joblog_open(&l, path, JOBLOG_RESUME));
	joblog_close(&l);
	expect_file(HEAD);
	unlink(path);
}
END_TEST

START_TEST(test_no_log)
{
	static const char *const bad[] = {
		HEAD "one\ttwo\n", HEAD "1 \t\n", HEAD "99999999999999999999\t\n", HEAD "\n", HEAD "0\t:\n",
	};
	struct joblog l;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		make_file(bad[i]);
		ck_assert_ptr_nonnull(strstr(joblog_open(&l, path, JOBLOG_RESUME), "line 2"));
		joblog_close(&l);
		expect_file(bad[i]); /* left alone */
		unlink(path);
	}
	ck_assert_ptr_nonnull(joblog_open(&l, "/nowhere/at/all", JOBLOG_NEW));
	joblog_close(&l);
}
END_TEST

START_TEST(test_failed)
{
	static const char text[] = HEAD "1\t:\t0.000\t     0.000\t3\t0\t0\t0\tone\n"
					"2\t:\t0.000\t     0.000\t3\t0\t1\t0\ttwo\n"
					"3\t:\t0.000\t     0.000\t5\t0\t0\t9\tthree\n"
					"4\t:\t0.000\t     0.000\t4\t0\t-2\t0\tfour\n"
					"2\t:\t0.000\t     0.000\t3\t0\t0\t0\ttwo\n";
	struct joblog l;

	make_file(text);
	ck_assert_ptr_null(joblog_open(&l, path, JOBLOG_RESUME_FAILED));
	ck_assert(seqset_has(&l.seen, 1) && seqset_has(&l.seen, 2)); /* the last line counts */
	ck_assert(!seqset_has(&l.seen, 3) && !seqset_has(&l.seen, 4));
	joblog_close(&l);
	ck_assert_ptr_null(joblog_open(&l, path, JOBLOG_RETRY));
	ck_assert(!seqset_has(&l.seen, 1) && !seqset_has(&l.seen, 2));
	ck_assert(seqset_has(&l.seen, 3) && seqset_has(&l.seen, 4));
	ck_assert_uint_eq(l.end, sizeof text - 1);
	ck_assert_int_ge(l.again_fd, 0);
	joblog_close(&l);
	expect_file(text);
	unlink(path);
	ck_assert_ptr_nonnull(joblog_open(&l, path, JOBLOG_RETRY)); /* makes no file */
	joblog_close(&l);
	ck_assert_int_ne(access(path, F_OK), 0);
	make_file(HEAD "1\t:\t0.000\tcut\n");
	ck_assert_ptr_nonnull(strstr(joblog_open(&l, path, JOBLOG_RETRY), "line 2 has no exit status"));
	joblog_close(&l);
	unlink(path);
}
END_TEST

START_TEST(test_records_come_back)
{
	static const char all[] = "a\tb\\\\n\n\r\x01\x7f\\xzz\xff";
	struct joblog_line line = {
		.seq = 7, .sent = sizeof all - 1, .exit = 139, .command = span_of(all, sizeof all - 1)
	};
	struct buf b, record;

	buf_init(&b);
	buf_init(&record);
	joblog_format(&b, &line);
	ck_assert(joblog_parse(span_of(b.p, b.n - 1), &line));
	ck_assert_uint_eq(line.seq, 7);
	ck_assert_int_eq(line.exit, 139);
	ck_assert(joblog_record(&record, &line));
	ck_assert_uint_eq(record.n, sizeof all - 1);
	ck_assert_mem_eq(record.p, all, record.n);
	line.sent++;
	ck_assert(!joblog_record(&record, &line)); /* not the whole record */
	ck_assert(!joblog_parse(span_of(b.p, 20), &line));
	buf_fini(&record);
	buf_fini(&b);
}
END_TEST

SUITE_MAIN("joblog", test_format, test_resume, test_resume_nothing, test_no_log, test_failed, test_records_come_back)
