/* TLS without a socket: handshakes that succeed and fail, who may in, what is wrong with files. */
#include "broker/edge/tls.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/unit/base/suite.h"
#include "tests/unit/nsq/certs.h"
#include "tests/unit/nsq/tls_client.h"

static struct certs certs;
static struct tls_context *context;
static struct tls *tls;
static struct tls_client client;
static struct buf to_server, to_client, heard, said; /* raw, raw, by the server, by the client */
static enum tls_read state;

/* A server of this policy and a client with this certificate, which have not spoken yet. */
static void begin(enum tls_clients policy, bool with_ca, const char *cert, const char *key, int version, int most)
{
	struct tls_config c = { .cert = certs.server_cert,
		                .key = certs.server_key,
		                .ca = with_ca ? certs.ca : NULL,
		                .clients = policy,
		                .min_version = version };
	char err[TLS_ERR] = "";

	context = tls_context_new(&c, err);
	ck_assert_msg(context != NULL, "%s", err);
	tls = tls_new(context);
	tls_client_init(&client, certs.ca, cert, key, most);
}

static void end(void)
{
	tls_free(tls);
	tls_context_free(context);
	tls_client_fini(&client);
	buf_fini(&to_server);
	buf_fini(&to_client);
	buf_fini(&heard);
	buf_fini(&said);
	if (certs.dir[0] != '\0')
		certs_remove(&certs);
	certs = (struct certs){ 0 };
}

/* Carries bytes to and fro, `step` at a time, until both are silent. */
static void talk(size_t step)
{
	do {
		tls_client_take(&client, buf_span(&to_client), &heard, &to_server);
		buf_clear(&to_client);
		for (size_t at = 0; at < to_server.n; at += step) {
			size_t n = to_server.n - at < step ? to_server.n - at : step;

			state = tls_read(tls, span_of(to_server.p + at, n), 100000, &said, &to_client);
			if (state == TLS_BROKEN)
				break;
		}
		buf_clear(&to_server);
	} while (to_client.n > 0);
}

static void say_both(void)
{
	tls_client_say(&client, span_str("NOP\n"), &to_server);
	talk(1);
	ck_assert_uint_eq(said.n, 4);
	ck_assert_mem_eq(said.p, "NOP\n", 4);
	ck_assert(tls_write(tls, span_str("OK"), &to_client));
	talk(100000);
	ck_assert_uint_eq(heard.n, 2);
	ck_assert_mem_eq(heard.p, "OK", 2);
}

START_TEST(test_handshake)
{
	static const int newest[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct tls_facts f;

	for (int i = 0; i < 2; i++)
		for (size_t step = 1; step < 100000; step *= 300) {
			certs_make(&certs);
			begin(TLS_CLIENTS_ANY, true, NULL, NULL, 12, newest[i]);
			ck_assert(!tls_done(tls));
			talk(step);
			ck_assert(tls_done(tls));
			ck_assert_int_eq(state, TLS_SHORT);
			tls_facts(tls, &f);
			ck_assert_str_eq(f.version, i == 0 ? "TLS1.2" : "TLS1.3");
			ck_assert_int_eq(strncmp(f.cipher, "TLS_", 4), 0);
			ck_assert_str_eq(f.common_name, "");
			say_both();
			tls_end(tls, &to_client);
			talk(step);
			ck_assert(client.ended);
			SSL_shutdown(client.ssl);
			tls_client_take(&client, span_of(NULL, 0), &heard, &to_server);
			talk(step);
			ck_assert_int_eq(state, TLS_END);
			end();
		}
}
END_TEST

START_TEST(test_versions)
{
	certs_make(&certs);
	begin(TLS_CLIENTS_ANY, true, NULL, NULL, 13, TLS1_2_VERSION);
	talk(100000);
	ck_assert_int_eq(state, TLS_BROKEN);
	ck_assert_str_ne(tls_why(tls), "");
	ck_assert(client.broken); /* an alert has told it */
	end();
	certs_make(&certs);
	begin(TLS_CLIENTS_ANY, true, NULL, NULL, 12, TLS1_1_VERSION);
	talk(100000);
	ck_assert_int_eq(state, TLS_BROKEN);
	end();
}
END_TEST

/* Policy, certificate, and whether it may in. */
START_TEST(test_clients)
{
	static const struct {
		enum tls_clients policy;
		int cert; /* 0 = none, 1 = of our authority, 2 = of itself */
		bool good;
	} all[] = { { TLS_CLIENTS_ANY, 0, true },      { TLS_CLIENTS_ANY, 1, true },
		    { TLS_CLIENTS_REQUIRE, 0, false }, { TLS_CLIENTS_REQUIRE, 1, true },
		    { TLS_CLIENTS_REQUIRE, 2, true },  { TLS_CLIENTS_VERIFY, 0, false },
		    { TLS_CLIENTS_VERIFY, 1, true },   { TLS_CLIENTS_VERIFY, 2, false } };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		for (int most = TLS1_2_VERSION; most <= TLS1_3_VERSION; most++) {
			const char *names[] = { "", "bob", "mallory" };
			struct tls_facts f;

			certs_make(&certs);
			begin(all[i].policy, true,
			      all[i].cert == 1   ? certs.client_cert
			      : all[i].cert == 2 ? certs.other_cert
			                         : NULL,
			      all[i].cert == 1   ? certs.client_key
			      : all[i].cert == 2 ? certs.other_key
			                         : NULL,
			      12, most);
			talk(100000);
			ck_assert_int_eq(state == TLS_SHORT && tls_done(tls), all[i].good);
			if (all[i].good) {
				tls_facts(tls, &f);
				/* who is not asked for a certificate sends none */
				ck_assert_str_eq(f.common_name,
				                 all[i].policy == TLS_CLIENTS_ANY ? "" : names[all[i].cert]);
				say_both();
			} else {
				ck_assert(client.broken);
			}
			end();
		}
}
END_TEST

START_TEST(test_no_ca_verifies_by_the_system)
{
	certs_make(&certs);
	begin(TLS_CLIENTS_VERIFY, false, certs.client_cert, certs.client_key, 12, 0);
	talk(100000);
	ck_assert_int_eq(state, TLS_BROKEN);
	end();
}
END_TEST

START_TEST(test_garbage)
{
	certs_make(&certs);
	begin(TLS_CLIENTS_ANY, true, NULL, NULL, 12, 0);
	buf_put(&to_server, "PUB t\n\0\0\0\1x", 11);
	state = tls_read(tls, buf_span(&to_server), 1000, &said, &to_client);
	ck_assert_int_eq(state, TLS_BROKEN);
	ck_assert_uint_eq(said.n, 0);
	tls_end(tls, &to_client);
	end();
}
END_TEST

START_TEST(test_no_more_than_asked)
{
	static char much[100000];
	size_t had = 0;

	certs_make(&certs);
	begin(TLS_CLIENTS_ANY, true, NULL, NULL, 12, 0);
	talk(100000);
	memset(much, 'x', sizeof much);
	tls_client_say(&client, span_of(much, sizeof much), &to_server);
	state = tls_read(tls, buf_span(&to_server), 0, &said, &to_client);
	ck_assert_int_eq(state, TLS_MORE);
	ck_assert_uint_eq(said.n, 0);
	while (state == TLS_MORE) {
		state = tls_read(tls, span_of(NULL, 0), 1000, &said, &to_client);
		ck_assert_uint_le(said.n - had, 1000);
		had = said.n;
	}
	ck_assert_int_eq(state, TLS_SHORT);
	ck_assert_uint_eq(said.n, sizeof much);
	end();
}
END_TEST

static void refused(struct tls_config c, const char *option, const char *file)
{
	char err[TLS_ERR] = "";

	ck_assert_ptr_null(tls_context_new(&c, err));
	ck_assert_msg(strstr(err, option) != NULL && strstr(err, file) != NULL, "%s", err);
}

START_TEST(test_files)
{
	struct tls_config good, c;
	char empty[96];
	FILE *f;

	certs_make(&certs);
	good =
	    (struct tls_config){ .cert = certs.server_cert, .key = certs.server_key, .ca = certs.ca, .prefix = "nsq-" };
	snprintf(empty, sizeof empty, "%s/empty", certs.dir);
	f = fopen(empty, "we");
	ck_assert_ptr_nonnull(f);
	fclose(f);
	c = good, c.cert = "/nowhere/c.pem";
	refused(c, "--nsq-tls-cert", "/nowhere/c.pem: No such file");
	c = good, c.key = "/nowhere/k.pem";
	refused(c, "--nsq-tls-key", "/nowhere/k.pem: No such file");
	c = good, c.ca = "/nowhere/ca.pem";
	refused(c, "--nsq-tls-ca", "/nowhere/ca.pem: No such file");
	c = good, c.cert = empty;
	refused(c, "--nsq-tls-cert", empty);
	c = good, c.key = empty;
	refused(c, "--nsq-tls-key", empty);
	c = good, c.key = certs.client_key; /* another's */
	refused(c, "--nsq-tls-key", "mismatch");
	c = good, c.ca = empty;
	refused(c, "--nsq-tls-ca", empty);
	unlink(empty);
	certs_remove(&certs);
}
END_TEST

SUITE_MAIN("tls", test_handshake, test_versions, test_clients, test_no_ca_verifies_by_the_system, test_garbage,
           test_no_more_than_asked, test_files)
