/* NSQ's HTTP API: for each request what it asks for, or status and code of its refusal, in nsqd's order of checks. */
#include "broker/nsq/api.h"

#include "tests/unit/base/suite.h"

static const struct api_limits limits = { .message_bytes = 100, .body_bytes = 500, .defer_ms = 3600000 };
static struct query query;
static struct buf packed;

static struct api_plan read_request(const char *method, const char *url, struct span body, bool too_big)
{
	const char *mark = strchr(url, '?');
	struct http_request r = {
		.method = method,
		.path = mark == NULL ? span_str(url) : span_of(url, (size_t)(mark - url)),
		.query = mark == NULL ? span_str("") : span_str(mark + 1),
		.body = body,
		.too_big = too_big,
	};
	struct api_plan p;

	buf_clear(&packed);
	api_read(&limits, &r, &query, &packed, &p);
	return p;
}

static void refused(const char *method, const char *url, const char *body, unsigned status, const char *code)
{
	struct api_plan p = read_request(method, url, span_str(body), false);

	ck_assert_msg(p.act == API_ANSWER && p.status == status, "%s %s: %u", method, url, p.status);
	ck_assert_str_eq(p.code, code);
}

#define N65 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

START_TEST(test_refusals)
{
	static const struct {
		const char *method, *url, *body;
		unsigned status;
		const char *code;
	} t[] = {
		{ "GET", "/", "", 404, "NOT_FOUND" },
		{ "GET", "/pubs", "", 404, "NOT_FOUND" },
		{ "GET", "/config/", "", 404, "NOT_FOUND" },
		{ "GET", "/pub?topic=t", "", 405, "METHOD_NOT_ALLOWED" },
		{ "POST", "/stats", "", 405, "METHOD_NOT_ALLOWED" },
		{ "HEAD", "/ping", "", 405, "METHOD_NOT_ALLOWED" },
		{ "POST", "/pub", "", 400, "MSG_EMPTY" },
		{ "POST", "/pub?topic=%zz", "", 400, "MSG_EMPTY" },
		{ "POST", "/pub?topic=%zz", "x", 400, "INVALID_REQUEST" },
		{ "POST", "/pub", "x", 400, "MISSING_ARG_TOPIC" },
		{ "POST", "/pub?topic=", "x", 400, "INVALID_TOPIC" },
		{ "POST", "/pub?topic=a$", "x", 400, "INVALID_TOPIC" },
		{ "POST", "/pub?topic=" N65, "x", 400, "INVALID_TOPIC" },
		{ "POST", "/pub?topic=a$&defer=x", "x", 400, "INVALID_TOPIC" },
		{ "POST", "/pub?topic=t&defer=x", "x", 400, "INVALID_DEFER" },
		{ "POST", "/pub?topic=t&defer=", "x", 400, "INVALID_DEFER" },
		{ "POST", "/pub?topic=t&defer=-1", "x", 400, "INVALID_DEFER" },
		{ "POST", "/pub?topic=t&defer=3600001", "x", 400, "INVALID_DEFER" },
		{ "POST", "/pub?topic=t&defer=99999999999999999999999", "x", 400, "INVALID_DEFER" },
		{ "POST", "/mpub", "x", 400, "MISSING_ARG_TOPIC" },
		{ "POST", "/mpub?topic=a%20b", "x", 400, "INVALID_TOPIC" },
		{ "POST", "/mpub?topic=t&binary=true", "", 413, "BAD_BODY" },
		{ "POST", "/topic/create", "", 400, "MISSING_ARG_TOPIC" },
		{ "POST", "/topic/create?topic=a$", "", 400, "INVALID_TOPIC" },
		{ "POST", "/topic/delete", "", 400, "MISSING_ARG_TOPIC" },
		{ "POST", "/topic/delete?topic=a$", "", 404, "TOPIC_NOT_FOUND" },
		{ "POST", "/topic/empty?topic=a$", "", 400, "INVALID_TOPIC" },
		{ "POST", "/topic/pause?topic=a$", "", 404, "TOPIC_NOT_FOUND" },
		{ "POST", "/topic/pause?topic=%", "", 400, "INVALID_REQUEST" },
		{ "POST", "/channel/create", "", 400, "MISSING_ARG_TOPIC" },
		{ "POST", "/channel/create?topic=a$&channel=b$", "", 400, "INVALID_ARG_TOPIC" },
		{ "POST", "/channel/create?topic=t", "", 400, "MISSING_ARG_CHANNEL" },
		{ "POST", "/channel/pause?topic=t&channel=b$", "", 400, "INVALID_ARG_CHANNEL" },
		{ "POST", "/channel/pause?channel=c", "", 400, "MISSING_ARG_TOPIC" },
		{ "GET", "/lookup", "", 400, "MISSING_ARG_TOPIC" },
		{ "GET", "/lookup?topic=a$", "", 404, "TOPIC_NOT_FOUND" },
		{ "PUT", "/config/log_level", "", 413, "INVALID_VALUE" },
	};

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
		refused(t[i].method, t[i].url, t[i].body, t[i].status, t[i].code);
}
END_TEST

START_TEST(test_bodies_that_are_too_big)
{
	struct api_plan p = read_request("POST", "/pub?topic=%zz", span_str(""), true);

	ck_assert_uint_eq(p.status, 413);
	ck_assert_str_eq(p.code, "MSG_TOO_BIG");
	p = read_request("POST", "/mpub", span_str(""), true);
	ck_assert_uint_eq(p.status, 413);
	ck_assert_str_eq(p.code, "BODY_TOO_BIG");
	p = read_request("PUT", "/config/log_level", span_str(""), true);
	ck_assert_uint_eq(p.status, 413);
	ck_assert_str_eq(p.code, "INVALID_VALUE");
}
END_TEST

START_TEST(test_how_much_is_wanted)
{
	static const struct {
		const char *method, *path;
		uint64_t bytes;
	} t[] = { { "POST", "/pub", 100 },        { "POST", "/mpub", 500 },  { "PUT", "/config/x", 100 },
		  { "POST", "/topic/create", 0 }, { "GET", "/config/x", 0 }, { "POST", "/nowhere", 0 } };

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct http_request r = { .method = t[i].method, .path = span_str(t[i].path) };

		ck_assert_uint_eq(api_body_bound(&limits, &r), t[i].bytes);
	}
}
END_TEST

START_TEST(test_methods_of_a_path)
{
	ck_assert_str_eq(read_request("PUT", "/ping", span_str(""), false).allow, "GET, OPTIONS");
	ck_assert_str_eq(read_request("GET", "/pub", span_str(""), false).allow, "OPTIONS, POST");
	ck_assert_str_eq(read_request("POST", "/config/x", span_str(""), false).allow, "GET, OPTIONS, PUT");
	ck_assert_uint_eq(read_request("OPTIONS", "/pub", span_str(""), false).status, 200);
}
END_TEST

START_TEST(test_pub)
{
	struct api_plan p = read_request("POST", "/pub?topic=a.b-c_D%23ephemeral&defer=3600000", span_str("hi"), false);

	ck_assert_int_eq(p.act, API_PUBLISH);
	ck_assert(span_eq(p.topic, span_str("a.b-c_D#ephemeral")));
	ck_assert_uint_eq(p.defer_ms, 3600000);
	ck_assert_uint_eq(p.count, 1);
	ck_assert(span_eq(buf_span(&packed), span_of("\0\0\0\2hi", 6)));
}
END_TEST

START_TEST(test_mpub_of_lines)
{
	char line[102];
	struct api_plan p = read_request("POST", "/mpub?topic=t&binary=0", span_str("a\n\nbc\r\n\nd"), false);

	ck_assert_int_eq(p.act, API_PUBLISH);
	ck_assert_uint_eq(p.count, 3);
	ck_assert(span_eq(buf_span(&packed), span_of("\0\0\0\1a\0\0\0\3bc\r\0\0\0\1d", 17)));
	refused("POST", "/mpub?topic=t", "", 200, "OK");
	refused("POST", "/mpub?topic=t", "\n\n\n", 200, "OK");
	memset(line, 'x', sizeof line);
	line[101] = 0;
	refused("POST", "/mpub?topic=t", line, 413, "MSG_TOO_BIG");
	line[100] = 0;
	ck_assert_int_eq(read_request("POST", "/mpub?topic=t", span_str(line), false).act, API_PUBLISH);
}
END_TEST

#define BYTES(s) span_of(s, sizeof(s) - 1)

START_TEST(test_mpub_binary)
{
	static const struct {
		struct span body;
		const char *code;
	} bad[] = {
		{ { (const uint8_t *)"\0\0\0", 3 }, "BAD_BODY" },
		{ { (const uint8_t *)"\0\0\0\0", 4 }, "BAD_BODY" },
		{ { (const uint8_t *)"\xff\xff\xff\xff", 4 }, "BAD_BODY" },
		{ { (const uint8_t *)"\0\0\0\x64", 4 }, "BAD_BODY" }, /* 100 > (500 - 4) / 5 */
		{ { (const uint8_t *)"\0\0\0\1", 4 }, "BAD_MESSAGE" },
		{ { (const uint8_t *)"\0\0\0\1\0\0\0\0", 8 }, "BAD_MESSAGE" },
		{ { (const uint8_t *)"\0\0\0\1\0\0\0\2a", 9 }, "BAD_MESSAGE" },
		{ { (const uint8_t *)"\0\0\0\1\0\0\0\x65", 8 }, "BAD_MESSAGE" },
		{ { (const uint8_t *)"\0\0\0\1\x80\0\0\1a", 9 }, "BAD_MESSAGE" },
		{ { (const uint8_t *)"\0\0\0\1\0\0\0\1ab", 10 }, "BAD_BODY" },
	};
	static const char *const yes[] = { "true", "1", "yes", "" };
	char url[64];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct api_plan p = read_request("POST", "/mpub?topic=t&binary=true", bad[i].body, false);

		ck_assert_uint_eq(p.status, 413);
		ck_assert_str_eq(p.code, bad[i].code);
	}
	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
		struct api_plan p;

		snprintf(url, sizeof url, "/mpub?topic=t&binary=%s", yes[i]);
		p = read_request("POST", url, BYTES("\0\0\0\2\0\0\0\1a\0\0\0\2bc"), false);
		ck_assert_int_eq(p.act, API_PUBLISH);
		ck_assert_uint_eq(p.count, 2);
		ck_assert(span_eq(buf_span(&packed), BYTES("\0\0\0\1a\0\0\0\2bc")));
	}
}
END_TEST

START_TEST(test_administration)
{
	static const struct {
		const char *word;
		enum topic_op op;
	} t[] = { { "create", TOPIC_CREATE },
		  { "delete", TOPIC_DELETE },
		  { "empty", TOPIC_EMPTY },
		  { "pause", TOPIC_PAUSE },
		  { "unpause", TOPIC_RESUME } };
	char url[64];

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct api_plan p;

		snprintf(url, sizeof url, "/topic/%s?topic=t", t[i].word);
		p = read_request("POST", url, span_str("ignored"), false);
		ck_assert_int_eq(p.act, API_TOPIC_OP);
		ck_assert_int_eq(p.op, t[i].op);
		ck_assert_uint_eq(p.channel.n, 0);
		snprintf(url, sizeof url, "/channel/%s?topic=t&channel=c", t[i].word);
		p = read_request("POST", url, span_str(""), false);
		ck_assert_int_eq(p.act, API_TOPIC_OP);
		ck_assert_int_eq(p.op, t[i].op);
		ck_assert(span_eq(p.channel, span_str("c")));
	}
}
END_TEST

START_TEST(test_what_is_looked_at)
{
	struct api_plan p = read_request("GET", "/stats", span_str(""), false);

	ck_assert(p.act == API_STATS && !p.json && p.clients && p.memory);
	p = read_request("GET", "/stats?format=json&topic=t&channel=c&include_clients=false&include_mem=0",
	                 span_str(""), false);
	ck_assert(p.act == API_STATS && p.json && !p.clients && !p.memory);
	ck_assert(span_eq(p.topic, span_str("t")) && span_eq(p.channel, span_str("c")));
	ck_assert_int_eq(read_request("GET", "/ping?%", span_str(""), false).act, API_PING);
	ck_assert_int_eq(read_request("GET", "/info", span_str(""), false).act, API_INFO);
	ck_assert_int_eq(read_request("GET", "/lookup?topic=t", span_str(""), false).act, API_LOOKUP);
	p = read_request("GET", "/config/log_level", span_str(""), false);
	ck_assert(p.act == API_CONFIG_GET && span_eq(p.option, span_str("log_level")));
	p = read_request("PUT", "/config/log_level", span_str("debug"), false);
	ck_assert(p.act == API_CONFIG_PUT && span_eq(p.option, span_str("log_level")));
}
END_TEST

SUITE_MAIN("api", test_refusals, test_bodies_that_are_too_big, test_how_much_is_wanted, test_methods_of_a_path,
           test_pub, test_mpub_of_lines, test_mpub_binary, test_administration, test_what_is_looked_at)
