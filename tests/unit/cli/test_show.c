/* Tables, times, numbers and JSON. */
#include "client/cli/show.h"

#include "tests/unit/base/suite.h"

static void expect(struct out *o, const char *text)
{
	ck_assert_msg(span_eq(buf_span(&o->buf), span_str(text)), "got\n%.*s", (int)o->buf.n, (const char *)o->buf.p);
	buf_clear(&o->buf);
}

START_TEST(test_table)
{
	static const char *const heads[] = { "NAME", ">N", "REST", NULL };
	struct table t;
	struct out o;

	out_init(&o, -1);
	table_init(&t, heads);
	table_text(&t, span_str("a\nb"), 10);
	table_cell(&t, "%d", 12345);
	table_text(&t, span_str("far too long"), 7);
	table_text(&t, span_str("longer"), 10);
	table_cell(&t, "%d", 1);
	table_cell(&t, "%s", "");
	table_write(&t, &o);
	expect(&o, "NAME        N  REST\n"
	           "a?b     12345  far too...\n"
	           "longer      1\n");
	table_fini(&t);
	out_fini(&o);
}
END_TEST

START_TEST(test_times_and_numbers)
{
	char out[32];

	ck_assert_str_eq(show_time(0, out), "");
	ck_assert_str_eq(show_time(1700000000042, out), "2023-11-14T22:13:20.042Z");
	ck_assert_str_eq(show_us(999, out), "999 us");
	ck_assert_str_eq(show_us(1250, out), "1.25 ms");
	ck_assert_str_eq(show_us(123456, out), "123 ms");
	ck_assert_str_eq(show_us(3400000, out), "3.40 s");
	ck_assert_str_eq(show_count(0, out), "0");
	ck_assert_str_eq(show_count(999, out), "999");
	ck_assert_str_eq(show_count(1000, out), "1,000");
	ck_assert_str_eq(show_count(UINT64_MAX, out), "18,446,744,073,709,551,615");
}
END_TEST

START_TEST(test_json)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *json;
	} cases[] = {
		{ "", 0, "{\"x\":\"\"}\n" },
		{ "a\"\n", 3, "{\"x\":\"a\\\"\\n\"}\n" },
		{ "a\0b", 3, "{\"x\":\"a\\u0000b\"}\n" },
		{ "\xc3\xa4", 2, "{\"x\":\"\xc3\xa4\"}\n" },
		{ "\xff", 1, "{\"x_base64\":\"/w==\"}\n" },
		{ "\xff\xfe", 2, "{\"x_base64\":\"//4=\"}\n" },
		{ "\xff\xfe\xfd", 3, "{\"x_base64\":\"//79\"}\n" },
		{ "\xff\xfe\xfd\xfc", 4, "{\"x_base64\":\"//79/A==\"}\n" },
	};
	struct out o;

	out_init(&o, -1);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *object = json_object();

		show_json_bytes(object, "x", span_of(cases[i].bytes, cases[i].n));
		show_json(&o, object);
		expect(&o, cases[i].json);
	}
	out_fini(&o);
}
END_TEST

START_TEST(test_json_result)
{
	struct msg_result_rec r = { .id = UINT64_MAX,
		                    .state = JOB_DEAD,
		                    .attempt = 2,
		                    .exit = 3,
		                    .submitted_ms = 1700000000042,
		                    .error = span_str("bad"),
		                    .result = span_str("out") };
	struct out o;

	out_init(&o, -1);
	show_json(&o, show_json_result(&r));
	expect(&o, "{\"id\":\"18446744073709551615\",\"state\":\"dead\",\"attempt\":2,\"exit\":3,\"result\":\"out\","
	           "\"error\":\"bad\",\"submitted\":\"2023-11-14T22:13:20.042Z\"}\n");
	r = (struct msg_result_rec){ .id = 1, .state = JOB_READY };
	show_json(&o, show_json_result(&r));
	expect(&o, "{\"id\":\"1\",\"state\":\"ready\",\"attempt\":0}\n");
	out_fini(&o);
}
END_TEST

SUITE_MAIN("show", test_table, test_times_and_numbers, test_json, test_json_result)
