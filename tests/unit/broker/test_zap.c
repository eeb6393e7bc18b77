/* The handler's side of RFC 27, asked by hand: what is good, what is bad, and that it always answers. */
#include "broker/zap.h"

#include <string.h>
#include <zmq.h>

#include "tests/unit/base/suite.h"

static void *context, *handler, *asker;

static void begin(void)
{
	int none = 0, wait = 5000;

	context = zmq_ctx_new();
	handler = zap_open(context);
	ck_assert_ptr_nonnull(handler);
	asker = zmq_socket(context, ZMQ_REQ);
	zmq_setsockopt(asker, ZMQ_LINGER, &none, sizeof none);
	zmq_setsockopt(asker, ZMQ_RCVTIMEO, &wait, sizeof wait);
	ck_assert_int_eq(zmq_connect(asker, ZAP_ENDPOINT), 0);
}

static void end(void)
{
	zmq_close(asker);
	zmq_close(handler);
	zmq_ctx_term(context);
}

/* Sends so many of these frames. */
static void ask(const struct span *frames, int n)
{
	for (int i = 0; i < n; i++)
		ck_assert_int_ge(zmq_send(asker, frames[i].p, frames[i].n, i + 1 < n ? ZMQ_SNDMORE : 0), 0);
}

static void expect(const char *text)
{
	char got[256];
	int n = zmq_recv(asker, got, sizeof got, 0);

	ck_assert_int_ge(n, 0);
	ck_assert_msg((size_t)n == strlen(text) && memcmp(got, text, (size_t)n) == 0, "%.*s, not %s", n, got, text);
}

static const uint8_t key[KEY_BYTES] = { 1, 2, 3 };

enum { N = 7 };

static void good(struct span f[N])
{
	f[0] = span_str("1.0");
	f[1] = span_str("7");
	f[2] = span_str("clients");
	f[3] = span_str("10.0.0.9");
	f[4] = span_of("\0id", 3);
	f[5] = span_str("CURVE");
	f[6] = span_of(key, sizeof key);
}

START_TEST(test_good)
{
	struct zap_request r;
	struct span f[N];

	begin();
	ck_assert_int_eq(zap_take(handler, &r), ZAP_NOTHING);
	good(f);
	ask(f, N);
	ck_assert_int_eq(zap_take(handler, &r), ZAP_REQUEST);
	ck_assert_str_eq(r.domain, "clients");
	ck_assert_str_eq(r.address, "10.0.0.9");
	ck_assert_mem_eq(r.key, key, KEY_BYTES);
	zap_reply(handler, &r, "42");
	expect("1.0");
	expect("7");
	expect("200");
	expect("OK");
	expect("42");
	expect("");
	ask(f, N);
	ck_assert_int_eq(zap_take(handler, &r), ZAP_REQUEST);
	zap_reply(handler, &r, NULL);
	expect("1.0");
	expect("7");
	expect("400");
	end();
}
END_TEST

/* Each is refused with an answer, and the next one is served. */
START_TEST(test_bad)
{
	static const struct span wrong[N] = { { (const uint8_t *)"2.0", 3 },
		                              { NULL, 0 },
		                              { (const uint8_t *)"a\nb", 3 },
		                              { (const uint8_t *)"\x1b[31m", 5 },
		                              { NULL, 0 },
		                              { (const uint8_t *)"PLAIN", 5 },
		                              { key, 31 } };
	struct zap_request r;
	struct span f[N + 3];
	uint8_t large[70000] = { 0 };

	begin();
	for (int i = 0; i < N; i++) {
		good(f);
		f[i] = i == 1 || i == 4 ? span_of(large, sizeof large) : wrong[i];
		ask(f, N);
		ck_assert_int_eq(zap_take(handler, &r), i == 4 ? ZAP_REQUEST : ZAP_BAD);
		zap_reply(handler, &r, NULL);
		expect("1.0");
		for (int skip = 0; skip < 5; skip++)
			zmq_recv(asker, large, sizeof large, 0);
	}
	for (int n = 1; n < N + 3; n++) {
		good(f);
		f[N] = f[N + 1] = f[N + 2] = span_str("more");
		ask(f, n);
		ck_assert_int_eq(zap_take(handler, &r), n == N ? ZAP_REQUEST : ZAP_BAD);
		zap_reply(handler, &r, NULL);
		for (int skip = 0; skip < 6; skip++)
			ck_assert_int_ge(zmq_recv(asker, large, sizeof large, 0), 0);
	}
	ck_assert_int_eq(zap_take(handler, &r), ZAP_NOTHING);
	end();
}
END_TEST

START_TEST(test_who_asks_goes_away)
{
	struct zap_request r;
	struct span f[N];

	begin();
	good(f);
	ask(f, N);
	ck_assert_int_eq(zap_take(handler, &r), ZAP_REQUEST);
	zmq_close(asker);
	zap_reply(handler, &r, "1");
	asker = zmq_socket(context, ZMQ_REQ);
	ck_assert_int_eq(zmq_connect(asker, ZAP_ENDPOINT), 0);
	ask(f, N);
	ck_assert_int_eq(zap_take(handler, &r), ZAP_REQUEST);
	zap_reply(handler, &r, "1");
	expect("1.0");
	end();
}
END_TEST

SUITE_MAIN("zap", test_good, test_bad, test_who_asks_goes_away)
