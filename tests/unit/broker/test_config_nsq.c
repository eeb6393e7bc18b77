/* The options of the NSQ edge: what they are without, good and bad ones, and who may listen off this machine. */
#include "broker/config.h"

#include <stdio.h>

#include "tests/unit/base/suite.h"

enum { WORDS = 32 };

static struct config c;
static char err[OPTIONS_ERR];

static int read_line(const char *line)
{
	static char text[2048];
	char *argv[WORDS] = { "sheafd", "--data", "/d" }, *next;
	int argc = 3;

	config_fini(&c);
	err[0] = '\0';
	ck_assert_uint_lt(strlen(line), sizeof text);
	memcpy(text, line, strlen(line) + 1);
	for (char *word = strtok_r(text, " ", &next); word != NULL; word = strtok_r(NULL, " ", &next)) {
		ck_assert_int_lt(argc, WORDS);
		argv[argc++] = word;
	}
	return config_read(&c, argc, argv, err);
}

static void good(const char *line)
{
	ck_assert_msg(read_line(line) == 0, "%s: %s", line, err);
}

static void bad(const char *line, const char *said)
{
	ck_assert_msg(read_line(line) != 0, "taken: %s", line);
	ck_assert_msg(strstr(err, said) != NULL, "%s: '%s' is not in: %s", line, said, err);
}

START_TEST(test_defaults)
{
	good("");
	ck_assert(!nsq_wanted(&c.nsq));
	good("--nsq 127.0.0.1:4150");
	ck_assert(nsq_wanted(&c.nsq));
	ck_assert_str_eq(c.nsq.tcp.host, "127.0.0.1");
	ck_assert_uint_eq(c.nsq.tcp.port, 4150);
	ck_assert_str_eq(c.nsq.http.host, "");
	ck_assert(!c.nsq.with_tls && !c.nsq.tls_required && c.nsq.n_auth == 0 && c.nsq.n_lookupd == 0);
	ck_assert_str_ne(c.nsq.broadcast, "");
	ck_assert_uint_eq(c.nsq.connections, 0);
	ck_assert_uint_eq(c.nsq.max_rdy, 2500);
	ck_assert_uint_eq(c.nsq.max_consumers, 0);
	ck_assert_uint_eq(c.nsq.max_deflate, 6);
	ck_assert_uint_eq(c.nsq.msg_ms, 60000);
	ck_assert_uint_eq(c.nsq.max_msg_ms, 900000);
	ck_assert_uint_eq(c.nsq.max_req_ms, 3600000);
	ck_assert_uint_eq(c.nsq.max_heartbeat_ms, 60000);
	ck_assert_uint_eq(c.nsq.max_msg_size, 1048576);
	ck_assert_uint_eq(c.nsq.max_body, 5242880);
}
END_TEST

START_TEST(test_addresses)
{
	static const char *const wrong[] = { "4150",        "127.0.0.1", "127.0.0.1:",           "127.0.0.1:65536",
		                             "127.0.0.1:x", "::1:4150",  "tcp://127.0.0.1:4150", "[:4150",
		                             "127.0.0.1:-1" };
	char line[128];

	good("--nsq [::1]:0 --nsq-http localhost:4151");
	ck_assert_str_eq(c.nsq.tcp.host, "::1");
	ck_assert_uint_eq(c.nsq.tcp.port, 0);
	ck_assert_str_eq(c.nsq.http.host, "localhost");
	good("--nsq :4150 --insecure");
	ck_assert_str_eq(c.nsq.tcp.host, "*");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		snprintf(line, sizeof line, "--nsq %s", wrong[i]);
		bad(line, "is no address such as 127.0.0.1:4150");
		bad(line, wrong[i]);
		snprintf(line, sizeof line, "--nsq-http %s", wrong[i]);
		bad(line, "--nsq-http:");
	}
}
END_TEST

START_TEST(test_limits)
{
	good("--nsq 127.0.0.1:1 --nsq-connections 7 --nsq-max-rdy 1 --nsq-max-channel-consumers 3 "
	     "--nsq-max-deflate-level 9 --nsq-msg-timeout 1s --nsq-max-msg-timeout 24h --nsq-max-req-timeout 0 "
	     "--nsq-max-heartbeat 1s --nsq-max-msg-size 1 --nsq-max-body-size 64M");
	ck_assert_uint_eq(c.nsq.connections, 7);
	ck_assert_uint_eq(c.nsq.max_rdy, 1);
	ck_assert_uint_eq(c.nsq.max_consumers, 3);
	ck_assert_uint_eq(c.nsq.max_deflate, 9);
	ck_assert_uint_eq(c.nsq.msg_ms, 1000);
	ck_assert_uint_eq(c.nsq.max_msg_ms, 86400000);
	ck_assert_uint_eq(c.nsq.max_req_ms, 0);
	ck_assert_uint_eq(c.nsq.max_heartbeat_ms, 1000);
	ck_assert_uint_eq(c.nsq.max_msg_size, 1);
	ck_assert_uint_eq(c.nsq.max_body, 64 << 20);
	good("--nsq 127.0.0.1:1 --nsq-max-msg-timeout 30s"); /* the default follows */
	ck_assert_uint_eq(c.nsq.msg_ms, 30000);
	bad("--nsq 127.0.0.1:1 --nsq-msg-timeout 16m", "more than --nsq-max-msg-timeout");
	bad("--nsq 127.0.0.1:1 --nsq-msg-timeout 999ms", "no duration from 1s to 24h");
	bad("--nsq 127.0.0.1:1 --nsq-max-msg-timeout 25h", "'25h'");
	bad("--nsq 127.0.0.1:1 --nsq-max-heartbeat 0", "--nsq-max-heartbeat");
	bad("--nsq 127.0.0.1:1 --nsq-max-rdy 0", "no whole number from 1 to 65536");
	bad("--nsq 127.0.0.1:1 --nsq-max-rdy x", "'x'");
	bad("--nsq 127.0.0.1:1 --nsq-connections 0", "--nsq-connections");
	bad("--nsq 127.0.0.1:1 --nsq-max-deflate-level 10", "from 1 to 9");
	bad("--nsq 127.0.0.1:1 --nsq-max-msg-size 16M", "--nsq-max-msg-size");
	bad("--nsq 127.0.0.1:1 --nsq-max-msg-size 2M", "more than --max-message");
	good("--nsq 127.0.0.1:1 --nsq-max-msg-size 2M --max-message 3M");
	ck_assert_uint_eq(c.nsq.max_msg_size, 2 << 20);
	good("--nsq 127.0.0.1:1 --max-message 3M");
	ck_assert_uint_eq(c.nsq.max_msg_size, 3 << 20);
	bad("--nsq 127.0.0.1:1 --nsq-max-body-size 65M", "64.0 MiB");
}
END_TEST

START_TEST(test_lists)
{
	good(
	    "--nsq 127.0.0.1:1 --nsq-auth a:1,http://b/auth --nsq-auth c:2 --nsq-lookupd l:4160 --nsq-auth-method post "
	    "--nsq-broadcast here");
	ck_assert_uint_eq(c.nsq.n_auth, 3);
	ck_assert_str_eq(c.nsq.auth[0], "a:1");
	ck_assert_str_eq(c.nsq.auth[1], "http://b/auth");
	ck_assert_str_eq(c.nsq.auth[2], "c:2");
	ck_assert(c.nsq.auth_post);
	ck_assert_uint_eq(c.nsq.n_lookupd, 1);
	ck_assert_str_eq(c.nsq.lookupd[0], "l:4160");
	ck_assert_str_eq(c.nsq.broadcast, "here");
	bad("--nsq 127.0.0.1:1 --nsq-auth nonsense", "'nonsense'");
	bad("--nsq 127.0.0.1:1 --nsq-lookupd http://l:4160", "--nsq-lookupd");
	bad("--nsq 127.0.0.1:1 --nsq-lookupd a:1,b:2,c:3,d:4,e:5,f:6,g:7,h:8,i:9,j:1,k:1,l:1,m:1,n:1,o:1,p:1,q:1",
	    "more than 16");
	bad("--nsq 127.0.0.1:1 --nsq-auth-method post", "means nothing without --nsq-auth");
	bad("--nsq 127.0.0.1:1 --nsq-auth a:1 --nsq-auth-method put", "'put'");
	bad("--nsq 127.0.0.1:1 --nsq-broadcast a/b", "'a/b'");
}
END_TEST

START_TEST(test_tls)
{
	good("--nsq 127.0.0.1:1 --nsq-tls-cert /c --nsq-tls-key /k");
	ck_assert(c.nsq.with_tls && !c.nsq.tls_required && c.nsq.tls.clients == TLS_CLIENTS_ANY);
	ck_assert_int_eq(c.nsq.tls.min_version, 12);
	good("--nsq 127.0.0.1:1 --nsq-tls-cert /c --nsq-tls-key /k --nsq-tls-client-auth require --nsq-tls-min-version "
	     "tls1.3");
	ck_assert(c.nsq.tls_required && c.nsq.tls.clients == TLS_CLIENTS_REQUIRE && c.nsq.tls.min_version == 13);
	good("--nsq-https 127.0.0.1:1 --nsq-tls-cert /c --nsq-tls-key /k --nsq-tls-client-auth require-verify "
	     "--nsq-tls-ca /a");
	ck_assert(c.nsq.tls.clients == TLS_CLIENTS_VERIFY);
	ck_assert_str_eq(c.nsq.tls.ca, "/a");
	bad("--nsq 127.0.0.1:1 --nsq-tls-cert /c", "without --nsq-tls-key");
	bad("--nsq 127.0.0.1:1 --nsq-tls-key /k", "without --nsq-tls-cert");
	bad("--nsq 127.0.0.1:1 --nsq-tls-required", "--nsq-tls-required means nothing without");
	bad("--nsq-https 127.0.0.1:1", "--nsq-https means nothing without");
	bad("--nsq 127.0.0.1:1 --nsq-tls-cert /c --nsq-tls-key /k --nsq-tls-ca /a", "without --nsq-tls-client-auth");
	bad("--nsq 127.0.0.1:1 --nsq-tls-cert /c --nsq-tls-key /k --nsq-tls-client-auth maybe", "'maybe'");
	bad("--nsq 127.0.0.1:1 --nsq-tls-cert /c --nsq-tls-key /k --nsq-tls-min-version tls1.0", "'tls1.0'");
}
END_TEST

START_TEST(test_nothing_is_ignored)
{
	bad("--nsq-max-rdy 5", "--nsq-max-rdy means nothing without --nsq HOST:PORT");
	bad("--nsq-lookupd a:1", "--nsq-lookupd means nothing without");
}
END_TEST

/* Off this machine it needs TLS that nobody can leave out, and to know who is there. */
START_TEST(test_open_to_all)
{
#define TLS " --nsq-tls-cert /c --nsq-tls-key /k"
	bad("--nsq 0.0.0.0:4150", "0.0.0.0:4150 is not a loopback address and there is no TLS");
	bad("--nsq :4150 --keys /k", "--insecure");
	bad("--nsq 10.0.0.1:4150" TLS, "add --nsq-tls-required");
	bad("--nsq 10.0.0.1:4150" TLS " --nsq-tls-required", "neither certificate nor secret");
	bad("--nsq 10.0.0.1:4150" TLS " --nsq-tls-client-auth require", "neither certificate nor secret");
	bad("--nsq 10.0.0.1:4150" TLS " --nsq-auth a:1", "add --nsq-tls-required");
	bad("--nsq 10.0.0.1:4150 --nsq-auth a:1", "there is no TLS");
	bad("--nsq-http 10.0.0.1:4151", "nothing is encrypted there");
	bad("--nsq-https [::]:4152" TLS, "[::]:4152");
	good("--nsq 10.0.0.1:4150" TLS " --nsq-tls-client-auth require-verify");
	good("--nsq 10.0.0.1:4150" TLS " --nsq-tls-required --nsq-auth a:1 --nsq-http 10.0.0.1:4151");
	good("--nsq-https 10.0.0.1:4152" TLS " --nsq-auth a:1");
	good("--nsq :4150 --nsq-http :4151 --insecure");
	good("--nsq :4150 --check");
}
END_TEST

SUITE_MAIN("config_nsq", test_defaults, test_addresses, test_limits, test_lists, test_tls, test_nothing_is_ignored,
           test_open_to_all)
