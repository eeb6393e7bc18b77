/* The mail server over real sockets: mails, TLS, Unix sockets, passwords, drain, endings. */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/base/suite.h"
#include "tests/unit/smtp/server_rig.h"

START_TEST(test_mail)
{
	struct client c;

	rig_fresh();
	rig_start();
	for (int asks = 0; asks < 2; asks++) {
		store_asks = asks;
		client_greeted(&c, SMTP_PORT_PLAIN);
		client_envelope(&c, "EHLO me.test");
		client_talks(&c, "DATA", "354");
		client_talks(&c, "Subject: x\r\n\r\nhello\r\n.",
		             asks ? "250 2.0.0 queued as 2" : "250 2.0.0 queued as 1");
		ck_assert_str_eq(store_last, "Subject: x\r\n\r\nhello\r\n");
		ck_assert_int_eq(strncmp(store_peer, "127.0.0.1:", 10), 0);
		client_quits(&c);
	}
	rig_until_connections(0);
	ck_assert_uint_eq(rig_count(&rig_counts.sessions), 2);
	ck_assert_uint_eq(rig_count(&rig_counts.mails), 2);
	ck_assert_uint_gt(rig_count(&rig_counts.accept_us_max), 0);
	rig_stop();
}
END_TEST

/* All in one write, then half closed: each gets its answer. */
START_TEST(test_pipelined)
{
	struct client c;

	rig_fresh();
	rig_start();
	client_greeted(&c, SMTP_PORT_PLAIN);
	client_say(&c, "EHLO me\r\n");
	client_hears(&c, "250");
	client_say(&c, "MAIL FROM:<a@b>\r\nRCPT TO:<q1@localhost>\r\nRCPT TO:<q2@localhost>\r\nBDAT 5 LAST\r\nhello"
	               "MAIL FROM:<a@b>\r\nRCPT TO:<q1@localhost>\r\nBDAT 2 LAST\r\nhiQUIT\r\n");
	shutdown(c.fd, SHUT_WR);
	client_hears(&c, "250 2.1.0");
	client_hears(&c, "250 2.1.5");
	client_hears(&c, "250 2.1.5");
	client_hears(&c, "250 2.0.0 queued as 1 2");
	client_hears(&c, "250 2.1.0");
	client_hears(&c, "250 2.1.5");
	client_hears(&c, "250 2.0.0 queued as 3");
	client_hears(&c, "221");
	client_at_good_end(&c);
	client_close(&c);
	rig_stop();
}
END_TEST

START_TEST(test_tls)
{
	static char big[1 << 20];
	struct client c;

	rig_fresh();
	rig_start();
	memset(big, 'x', sizeof big);
	for (int implicit = 0; implicit < 2; implicit++) {
		client_open(&c, implicit ? SMTP_PORT_TLS : SMTP_PORT_PLAIN);
		if (!implicit) {
			client_hears(&c, "220");
			client_talks(&c, "EHLO me", "250");
			client_talks(&c, "STARTTLS", "220");
		}
		client_begin_tls(&c);
		if (implicit)
			client_hears(&c, "220");
		client_envelope(&c, "EHLO me");
		client_say(&c, "BDAT 1048576 LAST\r\n");
		client_send(&c, big, sizeof big);
		client_hears(&c, "250 2.0.0 queued");
		ck_assert_int_eq(store_bytes, sizeof big);
		client_quits(&c);
	}
	ck_assert_uint_eq(rig_count(&rig_counts.sessions_tls), 2);
	rig_stop();
}
END_TEST

/* What is said behind STARTTLS in the same packet is not obeyed. */
START_TEST(test_injection)
{
	struct client c;

	rig_fresh();
	rig_start();
	client_greeted(&c, SMTP_PORT_PLAIN);
	client_talks(&c, "EHLO me", "250");
	client_say(&c, "STARTTLS\r\nEHLO injected\r\n");
	client_hears(&c, "220");
	client_begin_tls(&c);
	client_talks(&c, "MAIL FROM:<a@b>", "503"); /* no EHLO was said */
	client_talks(&c, "EHLO me", "250");
	client_quits(&c);
	rig_stop();
}
END_TEST

/* TLS ends in the middle of a chunk; what comes after it in plain is not the chunk's rest. */
START_TEST(test_truncated)
{
	struct client c;
	struct buf raw = { 0 };

	rig_fresh();
	rig_start();
	client_open(&c, SMTP_PORT_TLS);
	client_begin_tls(&c);
	client_hears(&c, "220");
	client_envelope(&c, "EHLO me");
	client_say(&c, "BDAT 10 LAST\r\nabc");
	SSL_shutdown(c.secure.ssl);
	tls_client_take(&c.secure, span_of(NULL, 0), &c.in, &raw);
	ck_assert_int_eq(send(c.fd, raw.p, raw.n, MSG_NOSIGNAL), (ssize_t)raw.n);
	ck_assert_int_eq(send(c.fd, "defghij", 7, MSG_NOSIGNAL), 7);
	client_at_end(&c);
	rig_until_connections(0);
	ck_assert_int_eq(store_mails, 0);
	client_close(&c);
	buf_fini(&raw);
	rig_stop();
}
END_TEST

START_TEST(test_no_handshake)
{
	struct client c;

	rig_fresh();
	rig_start();
	client_open(&c, SMTP_PORT_TLS);
	client_say(&c, "EHLO me\r\n");
	while (recv(c.fd, &(char){ 0 }, 1, 0) > 0) /* an alert */
		;
	client_close(&c);
	rig_until_connections(0);
	ck_assert_uint_eq(rig_count(&rig_counts.sessions), 0);
	rig_stop();
}
END_TEST

START_TEST(test_lmtp)
{
	struct client c;
	struct stat st;

	rig_fresh();
	rig_start();
	ck_assert_int_eq(stat(rig_path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, LISTEN_MODE);
	client_greeted(&c, SMTP_PORT_LMTP);
	client_envelope(&c, "LHLO me");
	client_talks(&c, "RCPT TO:<other@localhost>", "250");
	client_talks(&c, "RCPT TO:<missing@localhost>", "550");
	client_talks(&c, "DATA", "354");
	client_talks(&c, "hi\r\n.", "250 2.0.0 queued as 1");
	client_hears(&c, "250 2.0.0 queued as 2");
	ck_assert_str_eq(store_peer, "unix");
	client_quits(&c);
	rig_stop();
}
END_TEST

static void leave_socket(bool heard, int *fd)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof a.sun_path, "%s", rig_path);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(*fd, (struct sockaddr *)&a, sizeof a), 0);
	if (heard)
		ck_assert_int_eq(listen(*fd, 1), 0);
	else
		close(*fd);
}

static void refuses(const char *why)
{
	static struct smtp_config config;
	char err[SMTP_SERVER_ERR] = "";
	uv_loop_t loop;
	struct smtp_server_setup setup = { .loop = &loop, .config = &config, .counts = &rig_counts };

	config = rig_config;
	config.with_tls = false;
	config.tls.host[0] = '\0';
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	ck_assert_ptr_null(smtp_server_open(&setup, err));
	ck_assert_msg(strstr(err, why) != NULL, "'%s'", err);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
}

START_TEST(test_stale_socket)
{
	struct client c;
	FILE *f;
	int fd;

	rig_fresh();
	leave_socket(true, &fd);
	refuses("--lmtp: cannot listen on");
	refuses("somebody listens there");
	close(fd);
	unlink(rig_path);
	f = fopen(rig_path, "we");
	ck_assert_ptr_nonnull(f);
	fclose(f);
	refuses("a file of another kind");
	unlink(rig_path);
	snprintf(rig_config.lmtp.host, sizeof rig_config.lmtp.host, "%s/none/lmtp", rig_certs.dir);
	refuses("/none/lmtp: No such file or directory");
	snprintf(rig_config.lmtp.host, sizeof rig_config.lmtp.host, "/%0120d", 0);
	refuses("longer than 107 bytes");
	snprintf(rig_config.lmtp.host, sizeof rig_config.lmtp.host, "%s", rig_path);
	leave_socket(false, &fd);
	rig_start();
	client_greeted(&c, SMTP_PORT_LMTP);
	client_quits(&c);
	rig_stop();
}
END_TEST

START_TEST(test_taken_port)
{
	rig_fresh();
	rig_start();
	rig_config.smtp.port = rig_port(SMTP_PORT_PLAIN);
	refuses("--listen: cannot listen on 127.0.0.1:");
	rig_config.lmtp.host[0] = '\0';
	snprintf(rig_config.smtp.host, sizeof rig_config.smtp.host, "no.such.host.invalid");
	refuses("--listen: cannot find no.such.host.invalid");
	rig_stop();
}
END_TEST

/* ---- passwords ---- */

START_TEST(test_passwords)
{
	enum { N = 5 };
	struct client c[N];

	rig_fresh();
	rig_start();
	users_wait = true;
	for (int i = 0; i < N; i++) {
		client_open(&c[i], SMTP_PORT_TLS);
		client_begin_tls(&c[i]);
		client_hears(&c[i], "220");
		client_talks(&c[i], "EHLO me", "250");
		client_say(&c[i], i == 0 ? "AUTH PLAIN AGFubgB3cm9uZw==\r\n" : "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
	}
	rig_until_asking(N);
	rig_until(&users_looking, PASSWORDS_AT_ONCE);
	client_reset(&c[1]); /* one that is looked at, and one that waits */
	client_reset(&c[4]);
	rig_until_connections(N - 2);
	users_wait = false;
	client_hears(&c[0], "535");
	client_hears(&c[2], "235");
	client_hears(&c[3], "235");
	ck_assert_int_eq(users_most, PASSWORDS_AT_ONCE);
	client_close(&c[0]);
	client_quits(&c[2]);
	client_quits(&c[3]);
	rig_stop();
}
END_TEST

/* The server ends while a thread looks at a password. */
START_TEST(test_password_at_end)
{
	struct client c;

	rig_fresh();
	rig_start();
	users_wait = true;
	client_open(&c, SMTP_PORT_TLS);
	client_begin_tls(&c);
	client_hears(&c, "220");
	client_talks(&c, "EHLO me", "250");
	client_say(&c, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
	rig_until(&users_looking, 1);
	rig_order(RIG_DEADLINE);
	rig_until_connections(0);
	users_wait = false;
	rig_stop();
	client_close(&c);
}
END_TEST

/* ---- drain ---- */

START_TEST(test_drain)
{
	struct client idle, busy, fresh;

	rig_fresh();
	rig_start();
	client_greeted(&idle, SMTP_PORT_PLAIN);
	client_greeted(&busy, SMTP_PORT_PLAIN);
	client_envelope(&busy, "EHLO me");
	client_talks(&busy, "DATA", "354");
	rig_order(RIG_DRAIN);
	client_hears(&idle, "421 4.3.2 mail.test is going down");
	client_at_good_end(&idle);
	for (int i = 0; i < 3; i++) {
		client_open(&fresh, (enum smtp_port)i);
		if (i == SMTP_PORT_TLS)
			client_begin_tls(&fresh);
		client_hears(&fresh, "421 4.3.2 mail.test is going down");
		client_at_good_end(&fresh);
		client_close(&fresh);
	}
	rig_until_connections(1);
	ck_assert(!rig_done);
	client_talks(&busy, "hi\r\n.", "250 2.0.0 queued as 1");
	client_hears(&busy, "421 4.3.2");
	client_at_good_end(&busy);
	rig_until_connections(0);
	ck_assert(rig_done);
	client_close(&idle);
	client_close(&busy);
	rig_stop();
}
END_TEST

START_TEST(test_deadline)
{
	struct client data, stored, shakes;

	rig_fresh();
	rig_start();
	client_open(&shakes, SMTP_PORT_TLS);
	client_greeted(&data, SMTP_PORT_PLAIN);
	client_envelope(&data, "EHLO me");
	client_talks(&data, "DATA", "354");
	client_greeted(&stored, SMTP_PORT_PLAIN);
	client_envelope(&stored, "EHLO me");
	client_talks(&stored, "DATA", "354");
	store_holds = true;
	client_say(&stored, "hi\r\n.\r\n");
	rig_until(&store_held, 1);
	rig_order(RIG_DRAIN);
	rig_order(RIG_DEADLINE);
	client_hears(&data, "421 4.3.2");
	client_hears(&stored, "421 4.3.2"); /* no 250 */
	client_at_good_end(&data);
	client_at_good_end(&stored);
	client_at_end(&shakes);
	rig_order(RIG_LET_GO);
	client_close(&data);
	client_close(&stored);
	client_close(&shakes);
	rig_until_connections(0);
	rig_stop();
}
END_TEST

SUITE_MAIN("smtp server", test_mail, test_pipelined, test_tls, test_injection, test_truncated, test_no_handshake,
           test_lmtp, test_stale_socket, test_taken_port, test_passwords, test_password_at_end, test_drain,
           test_deadline)
