/* Endpoints: a wildcard host becomes the one that was dialled. */
#include "tests/unit/base/suite.h"
#include "worker/discover.h"

static void resolve(const char *endpoint, const char *dialled, const char *expected)
{
	char out[LIMIT_ENDPOINT];

	discover_resolve(span_str(endpoint), dialled, out);
	ck_assert_str_eq(out, expected);
}

START_TEST(test_resolve)
{
	resolve("tcp://*:7402", "tcp://10.0.0.5:7400", "tcp://10.0.0.5:7402");
	resolve("tcp://0.0.0.0:7402", "tcp://broker.lan:7400", "tcp://broker.lan:7402");
	resolve("tcp://[::]:7402", "tcp://[fe80::1]:7400", "tcp://[fe80::1]:7402");
	resolve("tcp://127.0.0.1:7402", "tcp://10.0.0.5:7400", "tcp://127.0.0.1:7402");
	resolve("tcp://*:7402", "ipc:///run/sheaf", "tcp://*:7402");
	resolve("ipc:///run/x", "tcp://10.0.0.5:7400", "ipc:///run/x");
	resolve("tcp://", "tcp://10.0.0.5:7400", "tcp://");
	resolve("", "tcp://10.0.0.5:7400", "");
}
END_TEST

SUITE_MAIN("discover", test_resolve)
