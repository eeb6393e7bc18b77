/* What the worker and a process of --pipe say to each other, as text. */
#include "base/rand.h"
#include "tests/unit/base/suite.h"
#include "worker/talk.h"

static struct buf result, error;
static struct talk_answer a;

START_TEST(test_request)
{
	static const char headers[] = "tenant=a=\"b\"\0odd=\xff";
	struct job_run run = { .job = { .id = 7, .token = UINT64_MAX, .attempt = 2 }, .queue = span_of("mail!", 4) };
	struct buf b;

	buf_init(&b);
	run.job.payload = span_of("a\"b\n\0\xc3\xbc", 7);
	talk_request(&b, &run);
	buf_put_u8(&b, 0);
	ck_assert_str_eq((const char *)b.p,
	                 "{\"id\":\"7\",\"token\":\"18446744073709551615\",\"queue\":\"mail\",\"attempt\":2,"
	                 "\"headers\":{},\"payload\":\"a\\\"b\\n\\u0000\xc3\xbc\"}\n");
	buf_clear(&b);
	run.job.headers = span_of(headers, sizeof headers);
	run.job.payload = span_of("\xff\0\xfe", 3);
	talk_request(&b, &run);
	buf_put_u8(&b, 0);
	ck_assert_str_eq(
	    (const char *)b.p,
	    "{\"id\":\"7\",\"token\":\"18446744073709551615\",\"queue\":\"mail\",\"attempt\":2,"
	    "\"headers\":{\"tenant\":\"a=\\\"b\\\"\",\"odd_base64\":\"/w==\"},\"payload_base64\":\"/wD+\"}\n");
	buf_fini(&b);
}
END_TEST

static void answer(const char *line, enum talk what, int exit, const char *r, const char *e)
{
	buf_clear(&result);
	buf_clear(&error);
	ck_assert_msg(talk_read(span_str(line), 7, &a, &result, &error) == what, "%s: %s", line, a.why);
	ck_assert_int_eq(a.exit, exit);
	ck_assert_msg(span_eq(buf_span(&result), span_str(r)), "%s gives %.*s", line, (int)result.n, result.p);
	ck_assert_msg(span_eq(buf_span(&error), span_str(e)), "%s gives %.*s", line, (int)error.n, error.p);
}

START_TEST(test_answers)
{
	answer("{\"id\":\"7\",\"ok\":true}", TALK_DONE, 0, "", "");
	answer(" {\"ok\":true, \"result\":\"gr\\u00fc\\u00df\", \"id\":7, \"more\":[]} ", TALK_DONE, 0,
	       "gr\xc3\xbc\xc3\x9f", "");
	answer("{\"id\":\"7\",\"ok\":true,\"result_base64\":\"Zm9v\"}", TALK_DONE, 0, "foo", "");
	answer("{\"id\":\"7\",\"ok\":true,\"result\":{\"a\":[1,null]}}", TALK_DONE, 0, "{\"a\":[1,null]}", "");
	answer("{\"id\":\"7\",\"ok\":true,\"result\":3}", TALK_DONE, 0, "3", "");
	answer("{\"id\":\"7\",\"error\":\"no luck\"}", TALK_FAILED, 1, "", "no luck");
	answer("{\"id\":\"7\",\"ok\":false,\"error\":\"no luck\",\"exit\":9,\"result\":\"partly\"}", TALK_FAILED, 9,
	       "partly", "no luck");
	answer("{\"id\":\"7\",\"ok\":false}", TALK_FAILED, 1, "", "it failed and did not say why");
	ck_assert(talk_read(span_of("{\"id\":\"7\",\"ok\":true,\"result\":\"\\u0000\"}", 38), 7, &a, &result, &error) ==
	          TALK_DONE);
	ck_assert(result.n == 1 && result.p[0] == 0);
}
END_TEST

static void report(const char *line, uint32_t percent, const char *text)
{
	answer(line, TALK_REPORT, 0, "", "");
	ck_assert_uint_eq(a.report.percent, percent);
	ck_assert(span_eq(span_of(a.report.text, a.report.n), span_str(text)));
}

START_TEST(test_reports)
{
	report("{\"id\":\"7\",\"touch\":true}", PERCENT_UNKNOWN, "");
	report("{\"id\":\"7\",\"progress\":30}", 30, "");
	report("{\"id\":\"7\",\"progress\":99.9,\"text\":\"nearly\"}", 99, "nearly");
	report("{\"id\":\"7\",\"text\":\"looking\"}", PERCENT_UNKNOWN, "looking");
}
END_TEST

static void bad(const char *line, const char *why)
{
	ck_assert_msg(talk_read(span_str(line), 7, &a, &result, &error) == TALK_BAD, "%s is taken", line);
	ck_assert_msg(strncmp(a.why, why, strlen(why)) == 0, "%s: %s", line, a.why);
}

START_TEST(test_refusals)
{
	bad("hello", "it is no JSON (at byte ");
	bad("", "it is no JSON (at byte ");
	bad("{\"id\":\"7\",\"ok\":true", "it is no JSON (at byte ");
	bad("7", "it is no JSON object");
	bad("[]", "it is no JSON object");
	bad("{\"ok\":true}", "it has no id");
	bad("{\"id\":\"8\",\"ok\":true}", "its id is not the job's");
	bad("{\"id\":-7,\"ok\":true}", "its id is not the job's");
	bad("{\"id\":\"7\"}", "it has none of ok, error, progress and touch");
	bad("{\"id\":\"7\",\"ok\":\"yes\"}", "its ok is not true or false");
	bad("{\"id\":\"7\",\"ok\":true,\"error\":\"x\"}", "it has an error and is ok");
	bad("{\"id\":\"7\",\"error\":7}", "its error is no text");
	bad("{\"id\":\"7\",\"error\":\"x\",\"exit\":0}", "its exit is not 1 to 255");
	bad("{\"id\":\"7\",\"progress\":101}", "its progress is not 0 to 100");
	bad("{\"id\":\"7\",\"progress\":\"30\"}", "its progress is not 0 to 100");
	bad("{\"id\":\"7\",\"touch\":true,\"text\":1}", "its text is no text");
	bad("{\"id\":\"7\",\"ok\":true,\"result_base64\":\"?\"}",
	    "its result_base64 is no base64, or there are two results");
	bad("{\"id\":\"7\",\"ok\":true,\"result_base64\":\"\",\"result\":\"\"}",
	    "its result_base64 is no base64, or there are two results");
}
END_TEST

/* Whatever stands on the line, it is an answer, or there is a reason why not. */
START_TEST(test_noise)
{
	static const char *const lines[] = { "{\"id\":\"7\",\"ok\":true,\"result_base64\":\"Zm9v\",\"bye\":false}",
		                             "{\"id\":7,\"error\":\"x\\u00fcy\",\"exit\":9,\"ok\":false}",
		                             "{\"id\":\"7\",\"progress\":30.5,\"text\":\"h\\u0000lf\"}" };
	struct rng rng;

	rng_seed(&rng, 1);
	for (int i = 0; i < 100000; i++) {
		const char *line = lines[i % 3];
		size_t n = strlen(line), more = rng_below(&rng, 4);
		char *noisy = malloc(n); /* exactly as long: a read behind it would be seen */

		ck_assert_ptr_nonnull(noisy);
		memcpy(noisy, line, n);
		for (size_t k = 0; k < more; k++)
			noisy[rng_below(&rng, n)] =
			    rng_below(&rng, 2) ? (char)rng_next(&rng) : "\"{}[]:,\\0"[rng_below(&rng, 9)];
		if (talk_read(span_of(noisy, rng_below(&rng, 8) ? n : rng_below(&rng, n)), 7, &a, &result, &error) ==
		    TALK_BAD)
			ck_assert(a.why[0] != '\0');
		ck_assert(error.n <= LIMIT_ERROR && a.report.n <= LIMIT_PROGRESS_TEXT);
		free(noisy);
	}
	buf_fini(&result);
	buf_fini(&error);
}
END_TEST

SUITE_MAIN("talk", test_request, test_answers, test_reports, test_refusals, test_noise)
