/* The mail server and those who cost it something: too many, too slow, too early, deaf, gone in the middle. */
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/base/suite.h"
#include "tests/unit/smtp/server_rig.h"

/* ---- too many ---- */

START_TEST(test_limit)
{
	struct client c[4], late;

	rig_fresh();
	rig_config.connections = 4;
	rig_start();
	for (int i = 0; i < 4; i++)
		client_greeted(&c[i], SMTP_PORT_PLAIN);
	for (int i = 0; i < 3; i++) {
		client_open(&late, SMTP_PORT_PLAIN);
		client_hears(&late, "421 4.3.2");
		client_at_good_end(&late);
		client_close(&late);
	}
	client_open(&late, SMTP_PORT_TLS); /* there is no saying it */
	client_at_end(&late);
	client_close(&late);
	ck_assert_uint_eq(rig_count(&rig_counts.refused_connection), 4);
	client_quits(&c[0]);
	rig_until_connections(3);
	client_greeted(&c[0], SMTP_PORT_PLAIN);
	for (int i = 0; i < 4; i++)
		client_quits(&c[i]);
	rig_stop();
}
END_TEST

/* Who is turned away and stays does not take anybody's place. */
START_TEST(test_turned_away)
{
	enum { N = CONN_TURNED + 50 };
	static struct client c[N];
	struct client one, two;

	rig_fresh();
	rig_config.per_address = 1;
	rig_config.per_address_given = true;
	rig_start();
	client_greeted(&one, SMTP_PORT_PLAIN);
	for (int i = 0; i < N; i++)
		client_open(&c[i], SMTP_PORT_PLAIN);
	client_open_from(&two, SMTP_PORT_PLAIN, "127.0.0.2");
	client_hears(&two, "220");
	client_hears(&c[0], "421 4.7.0");
	for (int i = 0; i < N; i++)
		client_close(&c[i]);
	client_quits(&one);
	client_quits(&two);
	rig_until_connections(0);
	client_greeted(&one, SMTP_PORT_PLAIN); /* it counts no more */
	client_quits(&one);
	rig_stop();
}
END_TEST

/* The client that a proxy names is the one that counts. */
START_TEST(test_address_by_proxy)
{
	static struct cidr trusted = { .address = { .family = 4, .bytes = { 127, 0, 0, 9 } }, .bits = 32 };
	struct client c[3];

	rig_fresh();
	rig_config.per_address = 2;
	rig_config.proxies = &trusted;
	rig_config.n_proxies = 1;
	rig_start();
	for (int i = 0; i < 3; i++) {
		char line[80];

		client_open_from(&c[i], SMTP_PORT_PLAIN, "127.0.0.9");
		snprintf(line, sizeof line, "PROXY TCP6 2001:db8::%d 2001:db8::99 4711 25\r\n", i + 1);
		client_say(&c[i], line);
		client_hears(&c[i], i < 2 ? "220" : "421 4.7.0"); /* 64 bits are one address */
	}
	client_at_good_end(&c[2]);
	client_close(&c[2]);
	client_quits(&c[0]);
	client_quits(&c[1]);
	rig_stop();
}
END_TEST

/* Of those that are idle when it becomes crowded the time is shorter, and of those that come then. */
START_TEST(test_pressure)
{
	struct client c[5];

	rig_fresh();
	rig_config.connections = 5;
	rig_start();
	for (int i = 0; i < 4; i++)
		client_greeted(&c[i], SMTP_PORT_PLAIN);
	ck_assert_int_gt(rig_next_ms(), SMTP_PRESSED_MS);
	client_greeted(&c[4], SMTP_PORT_PLAIN);
	ck_assert_int_le(rig_next_ms(), SMTP_PRESSED_MS);
	for (int i = 0; i < 4; i++)
		client_quits(&c[i]);
	rig_until_connections(1);
	client_talks(&c[4], "EHLO me", "250");
	client_quits(&c[4]);
	rig_until_connections(0);
	client_greeted(&c[0], SMTP_PORT_PLAIN);
	ck_assert_int_gt(rig_next_ms(), SMTP_PRESSED_MS);
	client_quits(&c[0]);
	rig_stop();
}
END_TEST

START_TEST(test_no_descriptors)
{
	struct rlimit was, few;
	struct client c[64], last;
	int held[1024], n = 0;

	rig_fresh();
	rig_start();
	for (int i = 0; i < 64; i++)
		c[i].fd = -1;
	getrlimit(RLIMIT_NOFILE, &was);
	client_greeted(&c[0], SMTP_PORT_PLAIN);
	few = was;
	few.rlim_cur = 256;
	setrlimit(RLIMIT_NOFILE, &few);
	while (n < 1024 && (held[n] = dup(0)) >= 0)
		n++;
	close(held[--n]); /* the client's end has one, the server's has none */
	client_open(&last, SMTP_PORT_PLAIN);
	client_at_end(&last); /* it is closed, and does not wait */
	client_talks(&c[0], "NOOP", "250");
	client_close(&last);
	while (n > 0)
		close(held[--n]);
	setrlimit(RLIMIT_NOFILE, &was);
	client_greeted(&last, SMTP_PORT_PLAIN);
	client_quits(&last);
	client_quits(&c[0]);
	rig_stop();
}
END_TEST

/* ---- too early, too slow ---- */

START_TEST(test_early)
{
	struct client c;

	rig_fresh();
	rig_config.connections = 1;
	rig_start();
	client_open(&c, SMTP_PORT_TLS); /* within TLS it cannot be too late for that */
	client_begin_tls_saying(&c, "EHLO me\r\n");
	client_hears(&c, "554 5.5.1");
	client_at_good_end(&c);
	client_close(&c);
	rig_stop();
}
END_TEST

START_TEST(test_idle)
{
	struct client c, data;

	rig_fresh();
	rig_config.idle_ms = 300;
	rig_start();
	client_greeted(&c, SMTP_PORT_PLAIN);
	client_talks(&c, "EHLO me", "250");
	client_hears(&c, "421 4.4.2");
	client_at_good_end(&c);
	client_close(&c);
	client_greeted(&data, SMTP_PORT_PLAIN);
	client_envelope(&data, "EHLO me");
	client_say(&data, "BDAT 10 LAST\r\nabc");
	client_hears(&data, "421 4.4.2");
	client_at_good_end(&data);
	client_close(&data);
	ck_assert_int_eq(store_mails, 0);
	ck_assert_uint_eq(rig_count(&rig_counts.timeouts), 2);
	rig_stop();
}
END_TEST

/* A byte each now and then does not keep it open: a mail has a deadline of its own. */
START_TEST(test_slow_loris)
{
	struct client c;

	rig_fresh();
	rig_config.idle_ms = 5000;
	rig_config.data_ms = 1000;
	rig_start();
	client_greeted(&c, SMTP_PORT_PLAIN);
	client_envelope(&c, "EHLO me");
	client_talks(&c, "DATA", "354");
	for (int i = 0; i < 600; i++) {
		if (poll(&(struct pollfd){ .fd = c.fd, .events = POLLIN }, 1, 50) > 0)
			break;
		ck_assert_int_eq(send(c.fd, "x", 1, MSG_NOSIGNAL), 1);
	}
	client_hears(&c, "421 4.4.2");
	client_at_end(&c);
	client_close(&c);
	ck_assert_int_eq(store_mails, 0);
	rig_stop();
}
END_TEST

/* ---- deaf, gone ---- */

/* Says NOOP as often as it can; what a client may send without reading anything, at last. */
static void says_noop(struct client *c)
{
	static char noops[6 * 10000];
	size_t at = 0;

	for (int i = 0; i < 10000; i++)
		memcpy(noops + 6 * (size_t)i, "NOOP\r\n", 6);
	for (int full = 0; full < 100;) {
		ssize_t n = send(c->fd, noops + at, sizeof noops - at, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0)
			poll(&(struct pollfd){ .fd = c->fd, .events = POLLOUT }, 1, 2);
		full = n < 0 ? full + 1 : 0;
		at = (at + (size_t)(n < 0 ? 0 : n)) % sizeof noops;
	}
}

/* It is taken from no more than fits, and is closed when its time to be idle has passed. */
START_TEST(test_deaf)
{
	struct client c, other;

	rig_fresh();
	rig_config.idle_ms = 2000;
	rig_start();
	client_open_deaf(&c);
	client_hears(&c, "220");
	says_noop(&c);
	ck_assert_int_gt(rig_kept(), 0);
	ck_assert_int_le(rig_kept(), 2 * CONN_READ + 2 * SESSION_OUT);
	client_greeted(&other, SMTP_PORT_PLAIN);
	client_quits(&other);
	rig_until_connections(0);
	client_close(&c);
	rig_stop();
}
END_TEST

START_TEST(test_reset_before_250)
{
	struct client c;

	rig_fresh();
	rig_start();
	store_holds = true;
	for (int i = 0; i < 2; i++) {
		client_greeted(&c, SMTP_PORT_PLAIN);
		client_envelope(&c, "EHLO me");
		client_talks(&c, "DATA", "354");
		client_say(&c, "hi\r\n.\r\n");
		rig_until(&store_held, 1 + i);
		if (i == 0)
			client_reset(&c);
		else
			client_close(&c);
		rig_until_connections(i);
	}
	ck_assert_int_eq(store_forgotten, 1);
	rig_order(RIG_LET_GO);
	rig_until_connections(0);
	ck_assert_int_eq(store_mails, 2);
	rig_stop();
}
END_TEST

/* Half a mail, then the end, in order or not. */
START_TEST(test_half_a_mail)
{
	struct client c;

	rig_fresh();
	rig_start();
	for (int i = 0; i < 2; i++) {
		client_greeted(&c, SMTP_PORT_PLAIN);
		client_envelope(&c, "EHLO me");
		client_talks(&c, "DATA", "354");
		client_say(&c, "hi\r\nho");
		if (i == 0)
			client_reset(&c);
		else
			client_close(&c);
		rig_until_connections(0);
	}
	ck_assert_int_eq(store_mails, 0);
	ck_assert_uint_eq(rig_count(&rig_counts.aborted), 2);
	rig_stop();
}
END_TEST

/* What is said behind the last word does not destroy it. */
START_TEST(test_last_word)
{
	static char more[200000];
	struct client c;

	rig_fresh();
	rig_start();
	memset(more, 'x', sizeof more);
	client_greeted(&c, SMTP_PORT_PLAIN);
	client_say(&c, "EHLO me\r\nQUIT\r\n");
	for (size_t i = 0; i < 10; i++)
		if (send(c.fd, more, sizeof more, MSG_NOSIGNAL) < 0)
			break;
	client_hears(&c, "250");
	client_hears(&c, "221");
	client_close(&c);
	client_greeted(&c, SMTP_PORT_PLAIN);
	client_say(&c, "EHLO me\nMAIL FROM:<a@b>\r\n"); /* a bare LF */
	for (size_t i = 0; i < 10; i++)
		if (send(c.fd, more, sizeof more, MSG_NOSIGNAL) < 0)
			break;
	client_hears(&c, "550 5.5.2");
	client_close(&c);
	rig_until_connections(0);
	rig_stop();
}
END_TEST

/* ---- addresses ---- */

START_TEST(test_peers)
{
	enum { N = 3000, STEPS = 60000 };
	static uint32_t count[N];
	struct peers p;
	uint64_t x = 1;

	peers_init(&p, 7);
	for (int i = 0; i < STEPS; i++) {
		struct cidr_address a = { .family = 4 };
		uint32_t who;

		x = x * 6364136223846793005u + 1442695040888963407u;
		who = (uint32_t)(x >> 33) % (i < STEPS / 2 ? N : N / 50);
		memcpy(a.bytes, &who, sizeof who);
		if (x >> 63 && count[who] > 0) {
			peers_remove(&p, &a);
			count[who]--;
		} else {
			bool fits = count[who] < 5;

			ck_assert(peers_add(&p, &a, 5) == fits);
			count[who] += fits;
		}
		ck_assert_uint_eq(peers_count(&p, &a), count[who]);
	}
	for (uint32_t who = 0; who < N; who++) {
		struct cidr_address a = { .family = 4 };

		memcpy(a.bytes, &who, sizeof who);
		ck_assert_uint_eq(peers_count(&p, &a), count[who]);
		for (; count[who] > 0; count[who]--)
			peers_remove(&p, &a);
	}
	ck_assert_uint_eq(p.used, 0);
	peers_fini(&p);
}
END_TEST

SUITE_MAIN("smtp crowd", test_limit, test_turned_away, test_address_by_proxy, test_pressure, test_no_descriptors,
           test_early, test_idle, test_slow_loris, test_deaf, test_reset_before_250, test_half_a_mail, test_last_word,
           test_peers)
