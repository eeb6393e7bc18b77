/* The HTTP API over real sockets, with a hub in memory: the server's loop has a thread, the test is the client. */
#include "broker/nsq/web.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "broker/nsq/fetch.h"
#include "broker/nsq/lookupd.h"
#include "tests/unit/base/suite.h"
#include "tests/unit/nsq/fake_hub.h"

static struct nsq_config config;
static uv_loop_t loop;
static uv_async_t stop, failure;
static struct web *web;
static struct hub *hub;
static struct fetch *fetch;
static struct lookupd *lookupd;
static pthread_t thread;

static void last_closed(void *arg)
{
	(void)arg;
	uv_close((uv_handle_t *)&stop, NULL);
	uv_close((uv_handle_t *)&failure, NULL);
	fake_hub_free(hub);
}

static void lookupd_closed(void *arg)
{
	(void)arg;
	fetch_close(fetch, last_closed, NULL);
}

static void web_closed(void *arg)
{
	(void)arg;
	lookupd_close(lookupd, lookupd_closed, NULL);
}

static void on_stop(uv_async_t *a)
{
	(void)a;
	web_close(web, web_closed, NULL);
}

static void on_failure(uv_async_t *a)
{
	(void)a;
	web_fail(web);
}

static void *turn(void *arg)
{
	(void)arg;
	uv_run(&loop, UV_RUN_DEFAULT);
	return NULL;
}

static void begin(uint32_t connections)
{
	struct lookupd_setup l = { .loop = &loop };
	struct web_world w = { .tcp_port = 4150 };
	char err[HTTP_ERR];

	config = (struct nsq_config){
		.max_msg_size = 100, .max_body = 500, .max_req_ms = 3600000, .max_heartbeat_ms = 60000, .max_deflate = 6
	};
	snprintf(config.http.host, sizeof config.http.host, "127.0.0.1");
	snprintf(config.broadcast, sizeof config.broadcast, "here");
	uv_loop_init(&loop);
	uv_async_init(&loop, &stop, on_stop);
	uv_async_init(&loop, &failure, on_failure);
	hub = fake_hub_new(&loop);
	fetch = fetch_open(&loop);
	l.hub = w.hub = hub;
	l.fetch = fetch;
	lookupd = w.lookupd = lookupd_open(&l);
	web = web_open(&loop, &config, connections, err);
	ck_assert_msg(web != NULL, "%s", err);
	web_run(web, &w);
	pthread_create(&thread, NULL, turn, NULL);
}

static void finish(void)
{
	uv_async_send(&stop);
	pthread_join(thread, NULL);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
}

static int dial(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(web_port(web)) };
	struct timeval patience = { .tv_sec = 30 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void put(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t k = send(fd, text, n, MSG_NOSIGNAL);

		if (k < 0)
			return; /* it has closed already: what it said counts */
		text += k;
		n -= (size_t)k;
	}
}

static void say(int fd, const char *text)
{
	put(fd, text, strlen(text));
}

static char got[65536];

/* Reads one answer, head and body, or what comes until the other side closes. */
static const char *answer(int fd)
{
	size_t n = 0;

	got[0] = 0;
	for (;;) {
		const char *end = strstr(got, "\r\n\r\n"), *length = strstr(got, "Content-Length: ");
		ssize_t k;

		if (end != NULL && strncmp(got, "HTTP/1.1 100", 12) != 0 && length != NULL && length < end &&
		    n >= (size_t)(end + 4 - got) + strtoul(length + 16, NULL, 10))
			return got;
		k = recv(fd, got + n, sizeof got - 1 - n, 0);
		if (k <= 0)
			return got;
		n += (size_t)k;
		got[n] = 0;
	}
}

static bool closed(int fd)
{
	char c;

	return recv(fd, &c, 1, 0) == 0;
}

static const char *ask(int fd, const char *head, const char *body)
{
	char text[4096];
	int n = snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s", head,
	                 strlen(body), body);

	put(fd, text, (size_t)n);
	return answer(fd);
}

static void expect(int fd, const char *head, const char *body, const char *status, const char *text)
{
	const char *a = ask(fd, head, body), *end = strstr(a, "\r\n\r\n");

	ck_assert_msg(strncmp(a, status, strlen(status)) == 0, "%s: %s", head, a);
	ck_assert_ptr_nonnull(end);
	ck_assert_str_eq(end + 4, text);
}

#define OK      "HTTP/1.1 200 OK"
#define BAD     "HTTP/1.1 400 Bad Request"
#define MISSING "HTTP/1.1 404 Not Found"
#define TOO_BIG "HTTP/1.1 413 "
#define SAYS(x) "{\"message\":\"" x "\"}"

START_TEST(test_a_connection_is_kept)
{
	int fd;

	begin(100);
	fd = dial();
	expect(fd, "GET /ping", "", OK, "OK");
	ck_assert_ptr_null(strstr(got, "X-NSQ"));
	expect(fd, "POST /pub?topic=t", "hello", OK, "OK");
	ck_assert_ptr_nonnull(strstr(got, "X-NSQ-Content-Type: nsq; version=1.0\r\n"));
	ck_assert_ptr_nonnull(strstr(got, "Content-Type: text/plain; charset=utf-8\r\n"));
	expect(fd, "POST /pub?topic=t&defer=5", "hello", OK, "OK");
	expect(fd, "POST /mpub?topic=t", "a\nb\n", OK, "OK");
	expect(fd, "POST /pub?topic=t", "", BAD, SAYS("MSG_EMPTY"));
	ck_assert_ptr_nonnull(strstr(got, "Content-Type: application/json; charset=utf-8\r\n"));
	expect(fd, "GET /pub", "", "HTTP/1.1 405 ", SAYS("METHOD_NOT_ALLOWED"));
	ck_assert_ptr_nonnull(strstr(got, "Allow: OPTIONS, POST\r\n"));
	expect(fd, "GET /nothing", "", MISSING, SAYS("NOT_FOUND"));
	ask(fd, "GET /stats?format=json&include_mem=false", "");
	ck_assert_ptr_nonnull(strstr(got, "\"topics\":[{\"topic_name\":\"t\",\"channels\":[],\"depth\":3,"
	                                  "\"backend_depth\":3,\"message_count\":4,"));
	ask(fd, "GET /stats", "");
	ck_assert_ptr_nonnull(
	    strstr(got, "\n   [t              ] depth: 3     be-depth: 3     msgs: 4        e2e%: \n"));
	close(fd);
	finish();
}
END_TEST

START_TEST(test_topics_and_channels)
{
	int fd;

	begin(100);
	fd = dial();
	expect(fd, "POST /channel/create?topic=t&channel=c", "", MISSING, SAYS("TOPIC_NOT_FOUND"));
	expect(fd, "POST /topic/create?topic=t", "", OK, "");
	expect(fd, "POST /topic/create?topic=t", "", OK, "");
	expect(fd, "POST /channel/create?topic=t&channel=c", "", OK, "");
	expect(fd, "POST /channel/create?topic=t&channel=c", "", OK, "");
	expect(fd, "POST /channel/pause?topic=t&channel=c", "", OK, "");
	ask(fd, "GET /stats?format=json&topic=t&channel=c", "");
	ck_assert_ptr_nonnull(strstr(got, "\"clients\":[],\"paused\":true"));
	expect(fd, "POST /channel/unpause?topic=t&channel=c", "", OK, "");
	expect(fd, "POST /channel/empty?topic=t&channel=c", "", OK, "");
	expect(fd, "POST /channel/empty?topic=t&channel=d", "", MISSING, SAYS("CHANNEL_NOT_FOUND"));
	expect(fd, "POST /channel/empty?topic=u&channel=c", "", MISSING, SAYS("TOPIC_NOT_FOUND"));
	expect(fd, "POST /topic/pause?topic=u", "", MISSING, SAYS("TOPIC_NOT_FOUND"));
	expect(fd, "POST /topic/empty?topic=t", "", OK, "");
	ask(fd, "GET /lookup?topic=t", "");
	ck_assert_ptr_nonnull(
	    strstr(got, "\r\n\r\n{\"channels\":[\"c\"],\"producers\":[{\"remote_address\":\"here:4150\","));
	ck_assert_ptr_nonnull(strstr(got, "\"broadcast_address\":\"here\",\"tcp_port\":4150,\"http_port\":"));
	expect(fd, "GET /lookup?topic=u", "", MISSING, SAYS("TOPIC_NOT_FOUND"));
	expect(fd, "POST /channel/delete?topic=t&channel=c", "", OK, "");
	expect(fd, "POST /topic/delete?topic=t", "", OK, "");
	expect(fd, "POST /topic/delete?topic=t", "", MISSING, SAYS("TOPIC_NOT_FOUND"));
	ask(fd, "GET /stats?format=json&include_mem=0", "");
	ck_assert_ptr_nonnull(strstr(got, "\"topics\":[],\"producers\":[]}"));
	close(fd);
	finish();
}
END_TEST

START_TEST(test_what_the_broker_refuses)
{
	int fd;

	begin(100);
	fd = dial();
	fake_hub_refuse(hub, SHEAF_E_DRAINING); /* the loop sleeps: nothing is asked at this moment */
	expect(fd, "POST /pub?topic=t", "x", "HTTP/1.1 503 ", SAYS("EXITING"));
	fake_hub_refuse(hub, SHEAF_E_FULL);
	expect(fd, "POST /pub?topic=t", "x", "HTTP/1.1 503 ", SAYS("FULL"));
	fake_hub_connect(hub, false);
	expect(fd, "GET /ping", "", "HTTP/1.1 500 ", "NOK - the broker does not answer");
	close(fd);
	finish();
}
END_TEST

START_TEST(test_bodies)
{
	char big[2000];
	int fd;

	begin(100);
	memset(big, 'x', sizeof big);
	big[101] = 0;
	fd = dial();
	expect(fd, "POST /pub?topic=t", big, TOO_BIG, SAYS("MSG_TOO_BIG"));
	ck_assert(closed(fd));
	close(fd);
	fd = dial();
	big[100] = 0;
	expect(fd, "POST /pub?topic=t", big, OK, "OK");
	/* in chunks, and too big in chunks */
	say(fd, "POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
	say(fd, "2\r\nde\r\n0\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(answer(fd), "\r\n\r\nOK"));
	say(fd, "POST /mpub HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1f6\r\n");
	memset(big, 'x', sizeof big);
	put(fd, big, 0x1f6);
	say(fd, "\r\n0\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(answer(fd), SAYS("BODY_TOO_BIG")));
	close(fd);
	/* Expect: 100-continue: nothing of a body that is too big is asked for */
	fd = dial();
	say(fd, "POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	ck_assert_int_eq(recv(fd, got, 25, MSG_WAITALL), 25); /* with its empty line */
	ck_assert_int_eq(strncmp(got, "HTTP/1.1 100", 12), 0);
	say(fd, "hi");
	ck_assert_ptr_nonnull(strstr(answer(fd), "OK"));
	close(fd);
	fd = dial();
	say(fd, "POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n");
	ck_assert_int_eq(strncmp(answer(fd), TOO_BIG, strlen(TOO_BIG)), 0);
	close(fd);
	finish();
}
END_TEST

START_TEST(test_a_body_far_too_big_is_answered)
{
	static char much[1024 * 1024];
	int fd;

	begin(100);
	fd = dial();
	say(fd, "POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 40000000\r\n\r\n");
	for (int i = 0; i < 3; i++)
		put(fd, much, sizeof much);
	ck_assert_ptr_nonnull(strstr(answer(fd), SAYS("MSG_TOO_BIG")));
	close(fd);
	finish();
}
END_TEST

START_TEST(test_the_broker_fails_meanwhile)
{
	int fd;

	begin(100);
	fd = dial();
	fake_hub_hold(hub);
	say(fd, "POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
	while (!fake_hub_waits(hub))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	uv_async_send(&failure);
	ck_assert_int_eq(strncmp(answer(fd), "HTTP/1.1 503 ", 13), 0);
	ck_assert_ptr_nonnull(strstr(got, SAYS("EXITING")));
	close(fd);
	finish();
}
END_TEST

START_TEST(test_garbage)
{
	static const struct span junk[] = {
		{ (const uint8_t *)"  V2IDENTIFY\n\0\0\0\2{}", 19 },
		{ (const uint8_t *)"\x16\x03\x01\x02\0\1\0\1\xfc\3\3", 11 },
		{ (const uint8_t *)"garbage\r\n\r\n", 11 },
		{ (const uint8_t *)"\0", 1 },
		{ (const uint8_t *)"GET\r\n\r\n", 7 },
	};
	int fd;

	begin(100);
	for (size_t i = 0; i < sizeof junk / sizeof junk[0]; i++) {
		fd = dial();
		put(fd, (const char *)junk[i].p, junk[i].n);
		ck_assert_int_eq(strncmp(answer(fd), BAD, strlen(BAD)), 0);
		say(fd, "more"); /* no reset: it lingers */
		ck_assert(closed(fd));
		close(fd);
	}
	fd = dial();
	say(fd, "GET /ping FOO/9\r\n\r\n");
	ck_assert_int_eq(strncmp(answer(fd), BAD, strlen(BAD)), 0);
	close(fd);
	finish();
}
END_TEST

START_TEST(test_config)
{
	int fd;

	begin(100);
	fd = dial();
	expect(fd, "GET /config/max_req_timeout", "", OK, "3600000000000");
	expect(fd, "GET /config/nsqlookupd_tcp_addresses", "", OK, "[]");
	expect(fd, "GET /config/broadcast_address", "", OK, "\"here\"");
	expect(fd, "GET /config/nothing", "", BAD, SAYS("INVALID_OPTION"));
	expect(fd, "PUT /config/max_msg_size", "5", BAD, SAYS("INVALID_OPTION"));
	expect(fd, "PUT /config/log_level", "loud", BAD, SAYS("INVALID_VALUE"));
	expect(fd, "PUT /config/log_level", "", TOO_BIG, SAYS("INVALID_VALUE"));
	expect(fd, "PUT /config/log_level", "error", OK, "4");
	expect(fd, "GET /config/log_level", "", OK, "4");
	expect(fd, "PUT /config/nsqlookupd_tcp_addresses", "[\"127.0.0.1:1\",\"[::1]:2\"]", OK,
	       "[\"127.0.0.1:1\",\"[::1]:2\"]");
	expect(fd, "PUT /config/nsqlookupd_tcp_addresses", "[\"nowhere\"]", BAD, SAYS("INVALID_VALUE"));
	expect(fd, "PUT /config/nsqlookupd_tcp_addresses", "[\"127.0.0.1:3\",\"a:b\"]", BAD, SAYS("INVALID_VALUE"));
	expect(fd, "PUT /config/nsqlookupd_tcp_addresses", "{}", BAD, SAYS("INVALID_VALUE"));
	expect(fd, "GET /config/nsqlookupd_tcp_addresses", "", OK, "[\"127.0.0.1:1\",\"[::1]:2\"]");
	/* nobody is there, so nobody can be asked: a new topic does not wait */
	expect(fd, "POST /pub?topic=new", "x", OK, "OK");
	expect(fd, "PUT /config/nsqlookupd_tcp_addresses", "[]", OK, "[]");
	close(fd);
	finish();
}
END_TEST

START_TEST(test_too_many_connections)
{
	int fds[3], extra;

	begin(3);
	for (int i = 0; i < 3; i++) {
		fds[i] = dial();
		expect(fds[i], "GET /ping", "", OK, "OK");
	}
	extra = dial();
	ck_assert(closed(extra));
	close(extra);
	expect(fds[1], "GET /ping", "", OK, "OK");
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	finish();
}
END_TEST

START_TEST(test_it_ends_with_all_kinds_of_connections)
{
	int silent, half, kept;

	begin(100);
	kept = dial();
	expect(kept, "GET /ping", "", OK, "OK");
	silent = dial();
	half = dial();
	say(half, "POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Le");
	say(kept, "GET /stats HTTP/1.1\r\nHost: x\r\n\r\n");
	finish();
	close(silent);
	close(half);
	close(kept);
}
END_TEST

SUITE_MAIN("web", test_a_connection_is_kept, test_topics_and_channels, test_what_the_broker_refuses, test_bodies,
           test_a_body_far_too_big_is_answered, test_the_broker_fails_meanwhile, test_garbage, test_config,
           test_too_many_connections, test_it_ends_with_all_kinds_of_connections)
