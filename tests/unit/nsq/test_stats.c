/* /stats in both forms, byte for byte. */
#include "broker/nsq/stats.h"

#include "broker/nsq/json_out.h"
#include "tests/unit/base/suite.h"

#define S(x)                                                                                                           \
	{                                                                                                              \
		(const uint8_t *)(x), sizeof(x) - 1                                                                    \
	}

static const struct nsq_pub_count counts[] = { { S("st"), 5 }, { S("other"), 2 } };
static const struct nsq_client_stat consumer = {
	.topic = S("st"),
	.channel = S("c1"),
	.client_id = S("cid"),
	.hostname = S("ch"),
	.user_agent = S("probe/1.0"),
	.remote = S("127.0.0.1:36158"),
	.state = 3,
	.ready = 3,
	.in_flight = 3,
	.messages = 5,
	.finished = 1,
	.requeued = 1,
	.connected_s = 1000,
};
static const struct nsq_client_stat producer = {
	.client_id = S("pid"),
	.hostname = S("ph"),
	.user_agent = S("a<b>&\"c"),
	.remote = S("127.0.0.1:36150"),
	.connected_s = 1000,
	.tls = true,
	.tls_cipher = S("TLS_AES_128_GCM_SHA256"),
	.tls_version = S("TLS1.3"),
	.authed = true,
	.identity = S("bob"),
	.published = counts,
	.n_published = 2,
};
static const struct msg_topic_rec rows[] = {
	{ .topic = S("zz"), .flags = TOPIC_PAUSED, .depth = 2, .messages = 2, .bytes = 20 },
	{ .topic = S("st"), .channel = S("c2"), .flags = TOPIC_PAUSED },
	{ .topic = S("st"), .messages = 5, .bytes = 15 },
	{ .topic = S("st"),
	  .channel = S("c1"),
	  .consumers = 1,
	  .in_hand = 3,
	  .deferred = 1,
	  .depth = 4,
	  .messages = 5,
	  .requeued = 1 },
	{ .topic = S("e#ephemeral"), .flags = TOPIC_EPHEMERAL, .depth = 7 },
};

static struct stats all;
static struct stats_view view;

static void setup(void)
{
	all = (struct stats){ 0 };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		stats_add_row(&all, &rows[i]);
	stats_add_client(&all, &producer);
	stats_add_client(&all, &consumer);
	stats_sort(&all);
	view = (struct stats_view){ .version = "1.3.0",
		                    .health = "OK",
		                    .start_s = 990,
		                    .now_s = 1003,
		                    .uptime_ns = UINT64_C(74126696957),
		                    .clients = true };
}

static const char *told(void (*form)(const struct stats *s, const struct stats_view *v, struct buf *out))
{
	static struct buf b;

	buf_clear(&b);
	form(&all, &view, &b);
	buf_put(&b, "", 1);
	return (const char *)b.p;
}

#define LATENCY "\"e2e_processing_latency\":{\"count\":0,\"percentiles\":null}"
#define CONSUMER                                                                                                       \
	"{\"client_id\":\"cid\",\"hostname\":\"ch\",\"version\":\"V2\",\"remote_address\":\"127.0.0.1:36158\","        \
	"\"state\":3,\"ready_count\":3,\"in_flight_count\":3,\"message_count\":5,\"finish_count\":1,"                  \
	"\"requeue_count\":1,\"connect_ts\":1000,\"sample_rate\":0,\"deflate\":false,\"snappy\":false,"                \
	"\"user_agent\":\"probe/1.0\",\"topology_zone\":\"\",\"topology_region\":\"\",\"tls\":false,"                  \
	"\"tls_cipher_suite\":\"\",\"tls_version\":\"\",\"tls_negotiated_protocol\":\"\","                             \
	"\"tls_negotiated_protocol_is_mutual\":false}"
#define PRODUCER(counts)                                                                                               \
	"{\"client_id\":\"pid\",\"hostname\":\"ph\",\"version\":\"V2\",\"remote_address\":\"127.0.0.1:36150\","        \
	"\"state\":0,\"ready_count\":0,\"in_flight_count\":0,\"message_count\":0,\"finish_count\":0,"                  \
	"\"requeue_count\":0,\"connect_ts\":1000,\"sample_rate\":0,\"deflate\":false,\"snappy\":false,"                \
	"\"user_agent\":\"a\\u003cb\\u003e\\u0026\\\"c\",\"authed\":true,\"auth_identity\":\"bob\","                   \
	"\"topology_zone\":\"\",\"topology_region\":\"\",\"pub_counts\":[" counts "],\"tls\":true,"                    \
	"\"tls_cipher_suite\":\"TLS_AES_128_GCM_SHA256\",\"tls_version\":\"TLS1.3\","                                  \
	"\"tls_negotiated_protocol\":\"\",\"tls_negotiated_protocol_is_mutual\":false}"
#define C1(clients)                                                                                                    \
	"{\"channel_name\":\"c1\",\"depth\":4,\"backend_depth\":4,\"in_flight_count\":3,\"deferred_count\":1,"         \
	"\"message_count\":5,\"requeue_count\":1,\"timeout_count\":0,\"client_count\":1,\"clients\":" clients          \
	",\"paused\":false," LATENCY "}"
#define C2(clients)                                                                                                    \
	"{\"channel_name\":\"c2\",\"depth\":0,\"backend_depth\":0,\"in_flight_count\":0,\"deferred_count\":0,"         \
	"\"message_count\":0,\"requeue_count\":0,\"timeout_count\":0,\"client_count\":0,\"clients\":" clients          \
	",\"paused\":true," LATENCY "}"
#define ST(channels)                                                                                                   \
	"{\"topic_name\":\"st\",\"channels\":[" channels "],\"depth\":0,\"backend_depth\":0,\"message_count\":5,"      \
	"\"message_bytes\":15,\"paused\":false," LATENCY "}"
#define EPHEMERAL                                                                                                      \
	"{\"topic_name\":\"e#ephemeral\",\"channels\":[],\"depth\":7,\"backend_depth\":0,\"message_count\":0,"         \
	"\"message_bytes\":0,\"paused\":false," LATENCY "}"
#define ZZ                                                                                                             \
	"{\"topic_name\":\"zz\",\"channels\":[],\"depth\":2,\"backend_depth\":2,\"message_count\":2,"                  \
	"\"message_bytes\":20,\"paused\":true," LATENCY "}"
#define HEAD "{\"version\":\"1.3.0\",\"health\":\"OK\",\"start_time\":990,\"topics\":"
#define BOTH "{\"topic\":\"st\",\"count\":5},{\"topic\":\"other\",\"count\":2}"

START_TEST(test_json)
{
	setup();
	ck_assert_str_eq(told(stats_json),
	                 HEAD "[" EPHEMERAL
	                      "," ST(C1("[" CONSUMER "]") "," C2("[]")) "," ZZ "],\"producers\":[" PRODUCER(BOTH) "]}");
	view.clients = false;
	view.memory = true;
	view.heap_in_use = 11;
	view.heap_idle = 12;
	ck_assert_str_eq(
	    told(stats_json),
	    HEAD "[" EPHEMERAL "," ST(C1("null") "," C2(
		"null")) "," ZZ "],\"memory\":{\"heap_objects\":0,\"heap_idle_bytes\":12,\"heap_in_use_bytes\":11,"
			 "\"heap_released_bytes\":0,\"gc_pause_usec_100\":0,\"gc_pause_usec_99\":0,"
			 "\"gc_pause_usec_95\":0,\"next_gc_bytes\":0,\"gc_total_runs\":0},\"producers\":null}");
	stats_free(&all);
}
END_TEST

START_TEST(test_json_of_some)
{
	setup();
	view.topic = span_str("st");
	view.channel = span_str("c2");
	ck_assert_str_eq(told(stats_json),
	                 HEAD "[" ST(C2("[]")) "],\"producers\":[" PRODUCER("{\"topic\":\"st\",\"count\":5}") "]}");
	view.channel = span_str("unknown");
	view.clients = false;
	ck_assert_str_eq(told(stats_json), HEAD "[],\"producers\":null}");
	view.topic = span_str("unknown");
	view.channel = span_str("");
	view.clients = true;
	ck_assert_str_eq(told(stats_json), HEAD "null,\"producers\":null}");
	stats_free(&all);
	ck_assert_str_eq(told(stats_json), HEAD "null,\"producers\":null}");
	view.topic = span_str("");
	ck_assert_str_eq(told(stats_json), HEAD "[],\"producers\":[]}");
}
END_TEST

START_TEST(test_text)
{
	setup();
	ck_assert_str_eq(
	    told(stats_text),
	    "nsqd v1.3.0 (built w/sheaf " SHEAF_VERSION ")\n"
	    "start_time 1970-01-01T00:16:30Z\n"
	    "uptime 1m14.126696957s\n"
	    "\nHealth: OK\n"
	    "\nTopics:"
	    "\n   [e#ephemeral    ] depth: 7     be-depth: 0     msgs: 0        e2e%: \n"
	    "\n   [st             ] depth: 0     be-depth: 0     msgs: 5        e2e%: \n"
	    "      [c1                       ] depth: 4     be-depth: 4     inflt: 3    def: 1    re-q: 1     "
	    "timeout: 0     msgs: 5        e2e%: \n"
	    "        [V2 ch:36158 probe/1.0   ] state: 3 inflt: 3    rdy: 3    fin: 1        re-q: 1        msgs: 5    "
	    "    "
	    "connected: 3s\n"
	    "   *P [c2                       ] depth: 0     be-depth: 0     inflt: 0    def: 0    re-q: 0     "
	    "timeout: 0     msgs: 0        e2e%: \n"
	    "\n*P [zz             ] depth: 2     be-depth: 2     msgs: 2        e2e%: \n"
	    "\nProducers:\n"
	    "   [V2 ph:36150 a<b>&\"c     ] msgs: 7        topics: st=5,other=2 connected: 3s\n");
	stats_free(&all);
	view.memory = true;
	ck_assert_str_eq(told(stats_text), "nsqd v1.3.0 (built w/sheaf " SHEAF_VERSION ")\n"
	                                   "start_time 1970-01-01T00:16:30Z\n"
	                                   "uptime 1m14.126696957s\n"
	                                   "\nHealth: OK\n"
	                                   "\nMemory:\n"
	                                   "   heap_objects             \t0\n"
	                                   "   heap_idle_bytes          \t0\n"
	                                   "   heap_in_use_bytes        \t0\n"
	                                   "   heap_released_bytes      \t0\n"
	                                   "   gc_pause_usec_100        \t0\n"
	                                   "   gc_pause_usec_99         \t0\n"
	                                   "   gc_pause_usec_95         \t0\n"
	                                   "   next_gc_bytes            \t0\n"
	                                   "   gc_total_runs            \t0\n"
	                                   "\nTopics: None\n"
	                                   "\nProducers: None\n");
}
END_TEST

START_TEST(test_durations)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} t[] = { { 0, "0s" },
		  { 7, "7ns" },
		  { 1500, "1.5µs" },
		  { 2000000, "2ms" },
		  { 2000001, "2.000001ms" },
		  { 1000000000, "1s" },
		  { UINT64_C(61500000000), "1m1.5s" },
		  { UINT64_C(3600000000000), "1h0m0s" },
		  { UINT64_C(360003000000001), "100h0m3.000000001s" } };
	char out[48];

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
		ck_assert_str_eq(stats_duration(t[i].ns, out), t[i].text);
}
END_TEST

START_TEST(test_texts_in_json)
{
	static const struct {
		const char *raw, *json;
	} t[] = { { "plain", "\"plain\"" },
		  { "a\"\\\n\r\t\x01z", "\"a\\\"\\\\\\n\\r\\t\\u0001z\"" },
		  { "ä€😀", "\"ä€😀\"" },
		  { "\xff\xc3", "\"\\ufffd\\ufffd\"" },
		  { "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },
		  { "\xc0\xaf", "\"\\ufffd\\ufffd\"" },
		  { "\xe2\x80\xa8\xe2\x80\xa9", "\"\\u2028\\u2029\"" } };
	struct buf b;

	buf_init(&b);
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		buf_clear(&b);
		json_text(&b, span_str(t[i].raw));
		ck_assert_msg(span_eq(buf_span(&b), span_str(t[i].json)), "%.*s", (int)b.n, (const char *)b.p);
	}
	buf_fini(&b);
}
END_TEST

SUITE_MAIN("stats", test_json, test_json_of_some, test_text, test_durations, test_texts_in_json)
