/* What counts as this machine, and the host in an endpoint. */
#include "proto/endpoint.h"
#include "tests/unit/base/suite.h"

static const char *const here[] = { "tcp://127.0.0.1:7400", "tcp://127.8.9.1:1", "tcp://localhost:7400",
	                            "tcp://[::1]:7400",     "ipc:///tmp/x",      "inproc://x" };
static const char *const there[] = { "tcp://10.0.0.1:7400",
	                             "tcp://127.0.0.1.example.org:7400",
	                             "tcp://127.example:1",
	                             "tcp://localhost.example.org:7400",
	                             "tcp://[fe80::1]:7400",
	                             "udp://x",
	                             "tcp://0.0.0.0:7400",
	                             "tcp://*:7400",
	                             "tcp://128.0.0.1:1",
	                             "tcp://127.0.0.1",
	                             "tcp://127.000000000000000.1:1",
	                             "tcp://:7400",
	                             "" };

START_TEST(test_loopback)
{
	for (size_t i = 0; i < sizeof here / sizeof here[0]; i++)
		ck_assert_msg(endpoint_is_loopback(here[i]), "%s", here[i]);
	for (size_t i = 0; i < sizeof there / sizeof there[0]; i++)
		ck_assert_msg(!endpoint_is_loopback(there[i]), "%s", there[i]);
}
END_TEST

START_TEST(test_host)
{
	ck_assert(span_eq(endpoint_host(span_str("tcp://a.b:1")), span_str("a.b")));
	ck_assert(span_eq(endpoint_host(span_str("tcp://[fe80::1]:7400-7410")), span_str("[fe80::1]")));
	ck_assert_uint_eq(endpoint_host(span_str("tcp://:1")).n, 0);
	ck_assert_uint_eq(endpoint_host(span_str("tcp://a")).n, 0);
	ck_assert_uint_eq(endpoint_host(span_str("ipc://a:1")).n, 0);
	ck_assert_uint_eq(endpoint_host(span_str("")).n, 0);
}
END_TEST

SUITE_MAIN("endpoint", test_loopback, test_host)
