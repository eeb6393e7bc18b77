/* The server over real sockets, with a toy protocol on top: layers, bounds, clients that misbehave, endings. */
#include "broker/nsq/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/base/suite.h"
#include "tests/unit/nsq/server_rig.h"

START_TEST(test_talk)
{
	static const char text[] = "say one\nsay two\nbody 3\nabcsay three\n";
	struct client c;

	rig_start(10);
	ck_assert(client_open(&c));
	for (int once = 1; once >= 0; once--) { /* in one piece, then byte by byte */
		for (size_t i = 0; i < sizeof text - 1; i += once ? sizeof text - 1 : 1)
			client_send(&c, span_of(text + i, once ? sizeof text - 1 : 1));
		client_hears(&c, "one");
		client_hears(&c, "two");
		client_hears(&c, "3");
		client_hears(&c, "three");
	}
	client_close(&c);
	rig_until(&fake_sessions, 0);
	rig_stop();
}
END_TEST

static void say_body(struct client *c, size_t n)
{
	char line[64];
	char *body = malloc(n);

	ck_assert_ptr_nonnull(body);
	for (size_t i = 0; i < n; i++)
		body[i] = (char)(i * i >> 7);
	snprintf(line, sizeof line, "body %zu\n", n);
	client_say(c, line);
	client_send(c, span_of(body, n));
	snprintf(line, sizeof line, "%zu", n);
	client_hears(c, line);
	free(body);
}

START_TEST(test_layers)
{
	static const char *const stacks[][2] = { { NULL, NULL },      { "tls", NULL },     { "snappy", NULL },
		                                 { "deflate", NULL }, { "tls", "snappy" }, { "tls", "deflate" } };
	struct client c;

	rig_start(10);
	for (int i = 0; i < 6; i++) {
		ck_assert(client_open(&c));
		for (int k = 0; k < 2 && stacks[i][k] != NULL; k++)
			client_upgrade(&c, stacks[i][k]);
		client_say(&c, "say hello\n");
		client_hears(&c, "hello");
		for (size_t n = 1; n <= 3 << 20; n *= 37) {
			char line[64];

			say_body(&c, n);
			snprintf(line, sizeof line, "much %zu\nsay after\n", n);
			client_say(&c, line);
			client_hears_much(&c, n);
			client_hears(&c, "after");
		}
		client_say(&c, "bye\n");
		client_hears(&c, "bye");
		ck_assert(client_at_end(&c));
		client_close(&c);
	}
	rig_until(&fake_sessions, 0);
	rig_stop();
}
END_TEST

/* What follows a command that waits for its answer waits too, and a flood of it fills no memory. */
START_TEST(test_waits)
{
	static uint8_t flood[1 << 20];
	struct client c, other;
	size_t sent = 0;
	ssize_t n;

	rig_start(10);
	ck_assert(client_open(&c) && client_open(&other));
	client_say(&c, "say first\nlater second\nsay third\n");
	client_hears(&c, "first");
	rig_until(&fake_waiting, 1);
	client_say(&other, "say hello\n");
	client_hears(&other, "hello");
	rig_call(RIG_ANSWER);
	client_hears(&c, "second");
	client_hears(&c, "third");

	client_say(&c, "later fourth\n");
	rig_until(&fake_waiting, 1);
	memset(flood, '\n', sizeof flood);
	fcntl(c.fd, F_SETFL, O_NONBLOCK);
	for (int pauses = 0; sent < 100 << 20 && pauses < 100;) {
		n = send(c.fd, flood, sizeof flood, MSG_NOSIGNAL);
		if (n > 0) {
			sent += (size_t)n;
			continue;
		}
		ck_assert_int_eq(errno, EAGAIN);
		pauses++;
		client_say(&other, "say hello\n"); /* nobody else waits */
		client_hears(&other, "hello");
	}
	ck_assert_uint_lt(sent, 30 << 20); /* in the kernel's buffers, not in ours */
	client_close(&c);
	client_close(&other);
	rig_stop(); /* with the session waiting */
}
END_TEST

/* While the broker is busy nothing is taken of who publishes; then it goes on where it was. */
START_TEST(test_busy)
{
	static const char *const stacks[] = { NULL, "tls", "deflate" };
	struct client c;
	char one;

	rig_start(10);
	for (int i = 0; i < 3; i++) {
		ck_assert(client_open(&c));
		if (stacks[i] != NULL)
			client_upgrade(&c, stacks[i]);
		rig_busy = true;
		client_say(&c, "say one\n");
		for (int k = 0; k < 20; k++) { /* turns of the loop */
			client_say(&c, "say more\n");
			rig_call(RIG_EASE);
		}
		ck_assert_int_eq(recv(c.fd, &one, 1, MSG_DONTWAIT), -1);
		rig_busy = false;
		rig_call(RIG_EASE);
		client_hears(&c, "one");
		for (int k = 0; k < 20; k++)
			client_hears(&c, "more");
		client_close(&c);
	}
	rig_stop();
}
END_TEST

/* An answer that comes when the server's part of the turn is over leaves all the same, and not with the next event. */
START_TEST(test_answer_behind_the_turn)
{
	struct client c;

	rig_start(10);
	ck_assert(client_open(&c));
	client_say(&c, "later now\n");
	rig_until(&fake_waiting, 1);
	rig_late = true;
	rig_call(RIG_EASE); /* a turn in which nothing else happens */
	client_hears(&c, "now");
	client_close(&c);
	rig_stop();
}
END_TEST

START_TEST(test_never_reads)
{
	struct client deaf, other;
	char line[] = "much 1000000\n";

	rig_start(10);
	ck_assert(client_open(&deaf) && client_open(&other));
	client_say(&deaf, "beat 500\n");
	for (int i = 0; i < 40; i++)
		client_say(&deaf, line);
	while (fake_sessions == 2) { /* it is closed, and meanwhile harms nobody */
		client_say(&other, "say hello\n");
		client_hears(&other, "hello");
	}
	client_say(&other, "say hello\n");
	client_hears(&other, "hello");
	client_close(&deaf);
	client_close(&other);
	rig_until(&fake_sessions, 0);
	rig_stop();
}
END_TEST

START_TEST(test_beats)
{
	struct client c;

	rig_start(10);
	ck_assert(client_open(&c));
	client_say(&c, "beat 20\n");
	for (int i = 0; i < 10; i++)
		client_hears(&c, ".");
	client_close(&c);
	rig_stop();
}
END_TEST

/* The last words arrive also when more was sent than was read: a close with unread bytes would destroy them. */
START_TEST(test_last_words)
{
	static uint8_t rest[300000];
	struct client c;

	rig_start(10);
	for (int i = 0; i < 20; i++) {
		ck_assert(client_open(&c));
		client_say(&c, "much 100000\nbye\n");
		client_send(&c, span_of(rest, sizeof rest));
		client_hears_much(&c, 100000);
		client_hears(&c, "bye");
		ck_assert(client_at_end(&c));
		client_close(&c);
	}
	rig_until(&fake_sessions, 0);
	rig_stop();
}
END_TEST

/* Who has closed their side still gets the answers. */
START_TEST(test_half_closed)
{
	struct client c;

	rig_start(10);
	ck_assert(client_open(&c));
	client_say(&c, "say one\nlater two\nsay three\n");
	ck_assert_int_eq(shutdown(c.fd, SHUT_WR), 0);
	client_hears(&c, "one");
	rig_until(&fake_waiting, 1);
	rig_call(RIG_ANSWER);
	client_hears(&c, "two");
	client_hears(&c, "three");
	ck_assert(client_at_end(&c));
	client_close(&c);
	rig_until(&fake_sessions, 0);
	rig_stop();
}
END_TEST

START_TEST(test_bound)
{
	struct client c[3], more;

	rig_start(3);
	for (int i = 0; i < 3; i++)
		ck_assert(client_open(&c[i]));
	rig_until(&fake_sessions, 3);
	for (int i = 0; i < 5; i++) {
		ck_assert(client_open(&more));
		client_at_end(&more);
		client_close(&more);
	}
	client_close(&c[0]);
	rig_until(&fake_sessions, 2);
	for (int tries = 0; tries < 1000; tries++) { /* the place is free soon */
		ck_assert(client_open(&c[0]));
		client_say(&c[0], "say in\n");
		if (client_receive(&c[0]))
			break;
		client_close(&c[0]);
	}
	client_hears(&c[0], "in");
	for (int i = 0; i < 3; i++)
		client_close(&c[i]);
	rig_stop();
}
END_TEST

/* No descriptor is left: who is there goes on, and when there is one again, so does the listener. */
START_TEST(test_no_descriptors)
{
	struct client c, more[2];
	struct rlimit old, tight;
	int spare;

	rig_start(100);
	ck_assert(client_open(&c));
	rig_until(&fake_sessions, 1);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	spare = dup(c.fd);
	ck_assert_int_ge(spare, 0);
	close(spare);
	tight =
	    (struct rlimit){ (rlim_t)spare + 1, old.rlim_max }; /* room for the client's socket, none for its peer */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
	ck_assert(client_open(&more[0]));
	client_say(&c, "say still here\n");
	client_hears(&c, "still here");
	client_at_end(&more[0]);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	ck_assert(client_open(&more[1]));
	client_say(&more[1], "say back\n");
	client_hears(&more[1], "back");
	client_close(&c);
	client_close(&more[0]);
	client_close(&more[1]);
	rig_stop();
}
END_TEST

START_TEST(test_many)
{
	enum { MANY = 400 };
	static struct client c[MANY];

	rig_start(MANY);
	for (int i = 0; i < MANY; i++)
		ck_assert(client_open(&c[i]));
	for (int i = 0; i < MANY; i++) {
		if (i % 7 == 0)
			client_upgrade(&c[i], "deflate");
		client_say(&c[i], "say hello\nmuch 5000\n");
	}
	for (int i = 0; i < MANY; i++) {
		client_hears(&c[i], "hello");
		client_hears_much(&c[i], 5000);
	}
	for (int i = 0; i < MANY; i++)
		client_close(&c[i]);
	rig_until(&fake_sessions, 0);
	rig_stop();
}
END_TEST

/* 256 MiB of nothing in 256 KiB: the others hardly notice. */
START_TEST(test_bomb)
{
	static uint8_t zeroes[1 << 20];
	struct client bomb, other;

	rig_start(10);
	ck_assert(client_open(&bomb) && client_open(&other));
	client_upgrade(&bomb, "deflate");
	for (int i = 0; i < 64; i++) {
		client_say(&bomb, "body 4194304\n");
		for (int k = 0; k < 4; k++)
			client_send(&bomb, span_of(zeroes, sizeof zeroes));
		client_say(&other, "say hello\n");
		client_hears(&other, "hello");
	}
	for (int i = 0; i < 64; i++)
		client_hears(&bomb, "4194304");
	client_close(&bomb);
	client_close(&other);
	rig_stop();
}
END_TEST

START_TEST(test_garbage_in_layers)
{
	static const char *const kinds[] = { "tls", "snappy", "deflate" };
	struct client c, other;

	rig_start(10);
	ck_assert(client_open(&other));
	for (int i = 0; i < 3; i++) {
		ck_assert(client_open(&c));
		client_say(&c, kinds[i]);
		client_say(&c, "\n");
		client_hears(&c, "-");
		client_say(&c, "\xff\xff\xff\xff this is no such thing\n\n\n");
		while (client_receive(&c)) /* whatever: an alert, a "+" in the new layer */
			;
		client_close(&c);
		client_say(&other, "say hello\n");
		client_hears(&other, "hello");
	}
	client_close(&other);
	rig_stop();
}
END_TEST

/* A handshake that does not go on ends after its 5 s. */
START_TEST(test_slow_handshake)
{
	struct client c;

	rig_start(10);
	ck_assert(client_open(&c));
	client_say(&c, "tls\n");
	client_hears(&c, "-");
	client_say(&c, "\x16\x03\x01");
	client_at_end(&c);
	client_close(&c);
	rig_until(&fake_sessions, 0);
	rig_stop();
}
END_TEST

START_TEST(test_drain)
{
	struct client idle, busy, late;

	rig_start(10);
	ck_assert(client_open(&idle) && client_open(&busy));
	client_say(&busy, "later done\n");
	rig_until(&fake_waiting, 1);
	rig_until(&fake_sessions, 2);
	rig_call(RIG_DRAIN);
	ck_assert(client_at_end(&idle));
	ck_assert(!client_open(&late));
	rig_call(RIG_ANSWER);
	client_hears(&busy, "done");
	ck_assert(client_at_end(&busy));
	rig_until(&fake_sessions, 0);
	client_close(&idle);
	client_close(&busy);
	client_close(&late);
	rig_stop();
}
END_TEST

START_TEST(test_visit)
{
	uint64_t now = clock_wall_ms() / 1000;
	struct client c;

	rig_start(10);
	ck_assert(client_open(&c));
	client_say(&c, "say hello\n");
	client_hears(&c, "hello");
	rig_call(RIG_VISIT);
	ck_assert_int_eq(rig_seen, 1);
	ck_assert(rig_seen_since >= now && rig_seen_since <= clock_wall_ms() / 1000);
	ck_assert_int_eq(strncmp(rig_seen_remote, "127.0.0.1:", 10), 0);
	client_close(&c);
	rig_stop();
}
END_TEST

START_TEST(test_fail)
{
	struct client c;

	rig_start(10);
	ck_assert(client_open(&c));
	client_say(&c, "later done\n");
	rig_until(&fake_waiting, 1);
	rig_call(RIG_FAIL);
	client_hears(&c, "failed");
	ck_assert(client_at_end(&c));
	client_close(&c);
	rig_stop();
}
END_TEST

START_TEST(test_address)
{
	struct nsq_config config = { .tcp = { .host = "127.0.0.1" } };
	uv_loop_t loop;
	struct server_setup setup = { .loop = &loop, .config = &config, .connections = 1 };
	char err[SERVER_ERR] = "", said[64];

	rig_start(10);
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	config.tcp.port = rig_port;
	ck_assert_ptr_null(server_open(&setup, err));
	snprintf(said, sizeof said, "--nsq: cannot listen on 127.0.0.1:%u: address already in use", rig_port);
	ck_assert_str_eq(err, said);
	snprintf(config.tcp.host, sizeof config.tcp.host, "no.such.host.invalid");
	ck_assert_ptr_null(server_open(&setup, err));
	ck_assert_ptr_nonnull(strstr(err, "no.such.host.invalid"));
	ck_assert_int_eq(uv_loop_close(&loop), 0);
	rig_stop();
}
END_TEST

SUITE_MAIN("server", test_talk, test_layers, test_waits, test_busy, test_answer_behind_the_turn, test_never_reads,
           test_beats, test_last_words, test_half_closed, test_bound, test_no_descriptors, test_many, test_bomb,
           test_garbage_in_layers, test_slow_handshake, test_drain, test_visit, test_fail, test_address)
