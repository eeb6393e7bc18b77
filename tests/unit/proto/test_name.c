/* The rules for names and headers, and the words for states and errors. */
#include "proto/codec.h"
#include "tests/unit/base/suite.h"

#define LETTERS_56 "abcdefghijklmnopqrstuvwxyz0123456789.-_abcdefghijklmnopq"
#define LETTERS_64 LETTERS_56 "ABCDEFGH"

static bool headers(const char *text, size_t n)
{
	return headers_ok(span_of(text, n));
}
#define HEADERS(text) headers(text, sizeof(text) - 1)

START_TEST(test_queue_names)
{
	ck_assert_uint_eq(sizeof LETTERS_56 - 1, LIMIT_QUEUE_NAME);
	ck_assert(name_queue_ok(span_str("a")) && name_queue_ok(span_str("0")));
	ck_assert(name_queue_ok(span_str("mail.to_us-2")));
	ck_assert(name_queue_ok(span_str(LETTERS_56)));
	ck_assert(!name_queue_ok(span_str(LETTERS_56 "r")));
	ck_assert(!name_queue_ok(span_str("")) && !name_queue_ok((struct span){ 0 }));
	ck_assert(!name_queue_ok(span_str(".a")) && !name_queue_ok(span_str("-a")) && !name_queue_ok(span_str("_a")));
	ck_assert(!name_queue_ok(span_str("Mail")) && !name_queue_ok(span_str("maIl")));
	ck_assert(!name_queue_ok(span_str("a b")) && !name_queue_ok(span_str("a/b")) &&
	          !name_queue_ok(span_str("\xc3\xa4")));
	ck_assert(!name_queue_ok(span_of("a\0", 2)));
}
END_TEST

START_TEST(test_worker_names)
{
	ck_assert_uint_eq(sizeof LETTERS_64 - 1, LIMIT_NAME);
	ck_assert(name_worker_ok(span_str("!")) && name_worker_ok(span_str("host.example:42~")));
	ck_assert(name_worker_ok(span_str(LETTERS_64)));
	ck_assert(!name_worker_ok(span_str(LETTERS_64 "I")));
	ck_assert(!name_worker_ok(span_str("")) && !name_worker_ok(span_str("a b")) &&
	          !name_worker_ok(span_str("a,b")));
	ck_assert(!name_worker_ok(span_str("a\n")) && !name_worker_ok(span_str("\x7f")) &&
	          !name_worker_ok(span_str("\xc3\xa4")));
}
END_TEST

START_TEST(test_headers)
{
	ck_assert(HEADERS("") && headers_ok((struct span){ 0 }));
	ck_assert(HEADERS("A=b\0") && HEADERS("A=\0") && HEADERS("A=b=c\0Sub-ject_9=\xff\n\0"));
	ck_assert(HEADERS(LETTERS_56 "=x\0") == false); /* a dot in it */
	ck_assert(!HEADERS("A=b") && !HEADERS("A=b\0C=d") && !HEADERS("=b\0") && !HEADERS("A\0") && !HEADERS("\0"));
	ck_assert(!HEADERS("A b=c\0") && !HEADERS("A=b\0\0"));
}
END_TEST

START_TEST(test_header_limits)
{
	char text[LIMIT_HEADER_BYTES + 1];
	size_t n = 0;

	for (int i = 0; i < LIMIT_HEADERS; i++, n += 4)
		memcpy(text + n, "A=b", 4);
	ck_assert(headers(text, n));
	memcpy(text + n, "A=b", 4);
	ck_assert(!headers(text, n + 4));

	memset(text, 'x', sizeof text);
	text[1] = '=';
	text[LIMIT_HEADER_BYTES - 1] = '\0';
	ck_assert(headers(text, LIMIT_HEADER_BYTES));
	text[LIMIT_HEADER_BYTES - 1] = 'x';
	text[LIMIT_HEADER_BYTES] = '\0';
	ck_assert(!headers(text, LIMIT_HEADER_BYTES + 1));

	memset(text, 'N', sizeof text);
	text[LIMIT_NAME] = '=';
	text[LIMIT_NAME + 1] = '\0';
	ck_assert(headers(text, LIMIT_NAME + 2));
	text[LIMIT_NAME] = 'N';
	text[LIMIT_NAME + 1] = '=';
	text[LIMIT_NAME + 2] = '\0';
	ck_assert(!headers(text, LIMIT_NAME + 3));
}
END_TEST

START_TEST(test_words)
{
	ck_assert_str_eq(job_state_name(JOB_NONE), "unknown");
	ck_assert_str_eq(job_state_name(JOB_BLOCKED), "blocked");
	ck_assert_str_eq(job_state_name(JOB_CANCELLED), "cancelled");
	ck_assert_str_eq(job_state_name((enum job_state)99), "unknown");
	for (uint32_t s = 0; s < JOB_STATES; s++)
		ck_assert_str_ne(job_state_name((enum job_state)s), "");
	ck_assert_str_eq(sheaf_error_name(SHEAF_E_TOO_LARGE), "too-large");
	ck_assert_str_eq(sheaf_error_name((enum sheaf_error)60), "unknown-error");
}
END_TEST

SUITE_MAIN("name", test_queue_names, test_worker_names, test_headers, test_header_limits, test_words)
