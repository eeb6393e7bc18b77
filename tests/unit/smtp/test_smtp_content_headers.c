/* What is looked at in a mail's headers on their way. */
#include "base/text.h"
#include "broker/smtp/content.h"

#include "tests/unit/base/suite.h"

static struct letter_headers h;

static void ignore(void *arg, struct span bytes)
{
	(void)arg;
	(void)bytes;
}

static void read_in(enum content_mode mode, struct span in, size_t piece)
{
	struct content c;
	size_t taken;

	content_begin(&c, mode, &h);
	for (size_t at = 0; at < in.n; at += piece) {
		size_t n = in.n - at < piece ? in.n - at : piece;

		ck_assert_int_eq(content_take(&c, span_of(in.p + at, n), &taken, ignore, NULL), CONTENT_MORE);
	}
	ck_assert(content_end(&c));
	content_fini(&c);
}

/* Whole and in small pieces: the same is found. */
static void take_in(enum content_mode mode, const char *in)
{
	struct letter_headers whole;

	read_in(mode, span_str(in), strlen(in));
	whole = h;
	for (size_t piece = 1; piece < 8; piece++) {
		read_in(mode, span_str(in), piece);
		ck_assert_mem_eq(&h, &whole, sizeof h);
	}
}

static void take(const char *in)
{
	take_in(CONTENT_BDAT, in);
}

START_TEST(facts)
{
	take("Received: one\r\nreceived: two\r\n by three\r\nMessage-ID: <1@x>\r\nSubject: a\r\n b\r\n\tc\r\nTo: "
	     "x\r\n\r\n"
	     "Subject: of the body\r\nReceived: too\r\n");
	ck_assert_uint_eq(h.received, 2);
	ck_assert_str_eq(h.message_id, "<1@x>");
	ck_assert_str_eq(h.subject, "a b c"); /* a tab is a blank */
	ck_assert_uint_eq(h.bytes, 15 + 15 + 11 + 19 + 12 + 4 + 4 + 7);
	ck_assert_ptr_null(h.job_why);
}
END_TEST

START_TEST(the_first_counts)
{
	take("Subject: a\r\nSubject: b\r\nMessage-ID: <1>\r\nMessage-Id: <2>\r\n\r\n");
	ck_assert_str_eq(h.subject, "a");
	ck_assert_str_eq(h.message_id, "<1>");
}
END_TEST

START_TEST(values)
{
	take("sUBJECT :  \t a  b \t\r\nMESSAGE-ID:<x>\r\n\r\n");
	ck_assert_str_eq(h.subject, "a  b");
	ck_assert_str_eq(h.message_id, "<x>");
	take("Subject:\r\n folded at once\r\n\r\n");
	ck_assert_str_eq(h.subject, "folded at once");
	take("Subject:\r\nMessage-ID: \r\n \r\n\r\n");
	ck_assert_str_eq(h.subject, "");
	ck_assert_str_eq(h.message_id, "");
	take("Subject: a\x01\x7f"
	     "b\xc3\xa4\r\n\r\n");
	ck_assert_str_eq(h.subject, "a  b\xc3\xa4");
	take("Subject: the last, without an end");
	ck_assert_str_eq(h.subject, "the last, without an end");
	take("Subject: a\r\nX-Subject: b\r\nSubjects: c\r\nSubjec: d\r\n");
	ck_assert_str_eq(h.subject, "a");
}
END_TEST

START_TEST(dots_of_data_go_before)
{
	struct content c;
	size_t taken;

	content_begin(&c, CONTENT_DATA, &h);
	ck_assert_int_eq(content_take(&c, span_str("..x: y\r\n.Subject: a\r\n.\r\n"), &taken, ignore, NULL),
	                 CONTENT_END);
	ck_assert_str_eq(h.subject, "a");
	ck_assert_uint_eq(h.bytes, 7 + 12);
	content_fini(&c);
}
END_TEST

START_TEST(where_headers_end)
{
	take("\r\nSubject: no\r\n");
	ck_assert_str_eq(h.subject, "");
	ck_assert_uint_eq(h.bytes, 0);
	take("Hello, this is a body.\r\nSubject: no\r\n");
	ck_assert_str_eq(h.subject, "");
	ck_assert_uint_eq(h.bytes, 0);
	take("A: b\r\nno header\r\nSubject: no\r\n");
	ck_assert_str_eq(h.subject, "");
	ck_assert_uint_eq(h.bytes, 6);
	take(" A: b\r\nSubject: no\r\n");
	ck_assert_str_eq(h.subject, "");
	take(": b\r\nSubject: no\r\n");
	ck_assert_str_eq(h.subject, "");
	take("Subject: yes\r\nwithout a colon");
	ck_assert_str_eq(h.subject, "yes");
	take("Subject: yes\r\n\r\n");
	ck_assert_str_eq(h.subject, "yes");
	take_in(CONTENT_BINARY, "Subject: a\n b\nMessage-ID: c\r\n\nSubject: no\n");
	ck_assert_str_eq(h.subject, "a b");
	ck_assert_str_eq(h.message_id, "c");
}
END_TEST

START_TEST(many)
{
	struct buf b;

	buf_init(&b);
	for (int i = 0; i < 60; i++)
		buf_put(&b, "Received: x\r\n", 13);
	for (int i = 0; i < 50000; i++)
		buf_put(&b, "A: b\r\n", 6);
	read_in(CONTENT_BDAT, buf_span(&b), 1000);
	ck_assert_uint_eq(h.received, 60);
	ck_assert_uint_eq(h.bytes, b.n);
	buf_fini(&b);
}
END_TEST

START_TEST(cut)
{
	struct buf b;

	buf_init(&b);
	buf_put(&b, "Subject: ", 9);
	for (int i = 0; i < 996; i++)
		buf_put(&b, "x", 1);
	buf_put(&b, "\xe2\x82\xac\xe2\x82\xac\r\n y\r\nMessage-ID: <1>\r\n", 29);
	for (size_t piece = 1; piece <= b.n; piece += 97) {
		read_in(CONTENT_BDAT, buf_span(&b), piece);
		ck_assert_uint_eq(strlen(h.subject), 996); /* not within a character */
		ck_assert_str_eq(h.message_id, "<1>");
	}
	buf_clear(&b);
	buf_put(&b, "Subject: a\r\n", 12);
	for (int i = 0; i < 3000; i++) /* more than is gathered */
		buf_put(&b, " bcdefgh\r\n", 10);
	buf_put(&b, "Message-ID: <2>\r\n", 17);
	read_in(CONTENT_BDAT, buf_span(&b), 1000);
	ck_assert_uint_eq(strlen(h.subject), LIMIT_MAIL_HEADER);
	ck_assert_str_eq(h.message_id, "<2>");
	ck_assert_uint_eq(h.bytes, b.n);
	buf_fini(&b);
}
END_TEST

START_TEST(jobs)
{
	take("X-Job-Priority: 7\r\nx-job-delay: 5m\r\nX-JOB-EXPIRES:\r\n 2h\r\nX-Job-Key: a b\r\nX-Job: no\r\n\r\n");
	ck_assert_ptr_null(h.job_why);
	ck_assert(h.job.has_priority && h.job.priority == 7);
	ck_assert(h.job.has_delay && h.job.delay_ms == 300000);
	ck_assert(h.job.has_expires && h.job.expires_ms == 7200000);
	ck_assert_str_eq(h.job.key, "a b");
	take("X-Job-Priority: 1\r\nX-Job-Priority: 2\r\nX-Job-Delay: x\r\n\r\n");
	ck_assert_str_eq(h.job_why, "priority is given twice"); /* the first fault */
	ck_assert_uint_eq(h.job.priority, 1);
	take("X-Job-Delay: 5\r\n\r\n");
	ck_assert(strstr(h.job_why, "delay is") != NULL);
	take("X-Job-Colour: red\r\n\r\n");
	ck_assert(strstr(h.job_why, "the options are") != NULL);
	take("A: b\r\n\r\nX-Job-Colour: red\r\n");
	ck_assert_ptr_null(h.job_why);
}
END_TEST

SUITE_MAIN("smtp_content_headers", facts, the_first_counts, values, dots_of_data_go_before, where_headers_end, many,
           cut, jobs)
