/* What the mail ingress takes and refuses, as sheafd's options and as sheaf-smtpd's; a mistake says where it stands. */
#include <crypt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/smtp/smtp_config.h"
#include "broker/smtp/smtp_options.h"
#include "broker/smtp/users.h"
#include "tests/unit/base/suite.h"

#define REST                                                                                                           \
	{                                                                                                              \
		"config", 0, "FILE", "more"                                                                            \
	}
static const struct option_spec long_specs[] = { SMTP_OPTIONS("smtp", "smtp-"), REST };
static const struct option_spec bare_specs[] = { SMTP_OPTIONS("listen", ""), REST };
static const struct option_section long_sections[] = { SMTP_SECTIONS("smtp", "smtp-") };
static const struct option_section bare_sections[] = { SMTP_SECTIONS("listen", "") };

enum { SPECS = sizeof bare_specs / sizeof bare_specs[0] };

static const struct option_table long_table = { long_specs, SPECS, long_sections, 2 };
static const struct option_table bare_table = { bare_specs, SPECS, bare_sections, 2 };

static char dir[] = "/tmp/sheaf-smtpconf-XXXXXX", ini[64], users[64];
static struct options o;
static struct mistakes m;
static struct smtp_config c;

/* Also outside of tests, where there are no ck_assert. */
static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	must(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0 && chmod(path, 0600) == 0);
}

static void begin(void)
{
	static struct crypt_data data;
	char text[512];
	const char *hash = crypt_rn("x", "$5$rounds=1000$saltsalt", &data, (int)sizeof data);
	const char *made = mkdtemp(dir);

	must(made != NULL && hash != NULL);
	snprintf(ini, sizeof ini, "%s/ini", dir);
	snprintf(users, sizeof users, "%s/users", dir);
	snprintf(text, sizeof text, "ada:%s\nbob:%s\n", hash, hash);
	write_file(users, text);
}

static void end(void)
{
	smtp_config_fini(&c);
	options_fini(&o);
	mistakes_fini(&m);
	unlink(ini);
	unlink(users);
	rmdir(dir);
}

/* @U in the text is the file of users. */
static void read_ini(const struct option_table *table, const char *prefix, const char *format)
{
	char *argv[] = { "prog", "--config", ini }, err[OPTIONS_ERR], text[4096] = "";
	size_t n = 0;
	int parsed;

	for (const char *p = format; *p != '\0'; p++) {
		bool at = strncmp(p, "@U", 2) == 0;

		n += (size_t)snprintf(text + n, sizeof text - n, "%.*s", at ? 64 : 1, at ? users : p);
		p += at;
	}
	write_file(ini, text);
	smtp_config_fini(&c);
	options_fini(&o);
	mistakes_fini(&m);
	parsed = options_parse_table(&o, table, 3, argv, &m, err);
	ck_assert(parsed == 0 || m.n > 0);
	smtp_config_read(&c, &o, prefix, "/d/spool", &m);
}

static void good(const char *text)
{
	read_ini(&long_table, "smtp-", text);
	ck_assert_msg(m.n == 0, "%s", m.n > 0 ? m.v[0] : "");
}

/* One mistake, in this line, with `said` in it. 0: it has no place. */
static void bad(const char *text, int line, const char *said)
{
	char want[256];

	read_ini(&long_table, "smtp-", text);
	ck_assert_msg(m.n == 1, "%u mistakes: %s / %s", m.n, text, m.n > 0 ? m.v[m.n - 1] : "");
	snprintf(want, sizeof want, "%s:%d: %s", ini, line, said);
	ck_assert_msg(strncmp(m.v[0], want, strlen(want)) == 0, "'%s' does not begin '%s'", m.v[0], want);
}

#define HEAD "[smtp]\nlisten = 127.0.0.1:2525\n"
#define TLS  "tls-cert = c.pem\ntls-key = k.pem\n"

START_TEST(test_defaults)
{
	good("");
	ck_assert(!smtp_wanted(&c));
	good(HEAD);
	ck_assert(smtp_wanted(&c));
	ck_assert_str_eq(c.smtp.host, "127.0.0.1");
	ck_assert_uint_eq(c.smtp.port, 2525);
	ck_assert(c.tls.host[0] == '\0' && c.lmtp.host[0] == '\0');
	ck_assert_str_ne(c.hostname, "");
	ck_assert_str_eq(c.postmaster, "postmaster");
	ck_assert(c.n_domains == 0 && c.n_proxies == 0 && c.n_policies == 0 && c.users == NULL);
	ck_assert(!c.with_tls && !c.tls_required);
	ck_assert(c.rest.payload == SMTP_RAW && c.rest.trace && !c.rest.dedup);
	ck_assert(c.rest.n_networks == 0 && c.rest.n_users == 0 && c.rest.n_senders == 0);
	ck_assert_uint_eq(c.size, LIMIT_MAIL);
	ck_assert_uint_eq(c.connections, 0);
	ck_assert_uint_eq(c.per_address, 256);
	ck_assert(!c.per_address_given);
	ck_assert_uint_eq(c.idle_ms, 300000);
	ck_assert_uint_eq(c.data_ms, 600000);
	ck_assert_uint_eq(c.data_rate, 100);
	ck_assert_uint_eq(c.answer_ms, 30000);
	ck_assert_str_eq(c.spool, "/d/spool");
	ck_assert_uint_eq(c.spool_bytes, GIB);
}
END_TEST

static void has_all(void)
{
	ck_assert_msg(m.n == 0, "%s", m.n > 0 ? m.v[0] : "");
	ck_assert_str_eq(c.tls.host, "::1");
	ck_assert_str_eq(c.lmtp.host, "/run/lmtp");
	ck_assert_str_eq(c.hostname, "mx.example.org");
	ck_assert_uint_eq(c.n_domains, 3);
	ck_assert_str_eq(c.domains[0], "jobs.example.org");
	ck_assert_str_eq(c.domains[2], "c.d");
	ck_assert(c.with_tls && c.tls_required && c.tls_files.min_version == 13);
	ck_assert_str_eq(c.tls_files.cert, "c.pem");
	ck_assert_str_eq(c.tls_files.key, "k.pem");
	ck_assert_ptr_nonnull(c.users);
	ck_assert_uint_eq(users_count(c.users), 2);
	ck_assert_uint_eq(c.n_proxies, 1);
	ck_assert_str_eq(c.postmaster, "admin");
	ck_assert(c.rest.payload == SMTP_JSON && !c.rest.trace && c.rest.dedup);
	ck_assert(c.rest.n_networks == 2 && c.rest.n_users == 1 && c.rest.n_senders == 2);
	ck_assert_uint_eq(c.rest.networks[1].bits, 32);
	ck_assert_str_eq(c.rest.users[0], "ada");
	ck_assert_str_eq(c.rest.senders[0], "me@x.y");
	ck_assert_uint_eq(c.size, 2 * MIB);
	ck_assert_uint_eq(c.connections, 10);
	ck_assert(c.per_address == 3 && c.per_address_given);
	ck_assert(c.idle_ms == 5000 && c.data_ms == 60000 && c.data_rate == KIB && c.answer_ms == 2000);
	ck_assert_str_eq(c.spool, "/s");
	ck_assert_uint_eq(c.spool_bytes, 3 * MIB);
}

START_TEST(test_all)
{
	static const char text[] = HEAD TLS "tls-listen = [::1]:465\nlmtp = /run/lmtp\nhostname = "
					    "mx.example.org\ndomain = Jobs.Example.ORG, a.b\ndomain = c.d\n"
					    "tls-required = yes\ntls-min-version = tls1.3\nusers = @U\nallow-users = "
					    "ada\nnetworks = 10.0.0.0/8,192.0.2.1\n"
					    "senders = Me@X.Y @z.test\nproxy = 127.0.0.1\npostmaster = admin\npayload "
					    "= json\ndedup = on\nno-trace = on\n"
					    "size = 2M\nconnections = 10\nper-address = 3\nidle = 5s\ndata-time = "
					    "1m\ndata-rate = 1K\nanswer = 2s\nspool = /s\n"
					    "spool-bytes = 3M\n";

	read_ini(&long_table, "smtp-", text);
	has_all();
	read_ini(&bare_table, "", text); /* sheaf-smtpd reads the same section */
	has_all();
	ck_assert_uint_eq(c.smtp.port, 2525);
}
END_TEST

static const struct smtp_policy *of(const char *queue)
{
	return smtp_policy_of(&c, span_str(queue));
}

START_TEST(test_queues)
{
	good(HEAD TLS "users = @U\nnetworks = 10.0.0.0/8\npayload = body\n"
	              "[smtp.queue.z]\npayload = json\ntrace = no\n[smtp.queue.a.b]\nusers = ada\n[smtp.queue.m]\n"
	              "networks =\ndedup = yes\n[smtp.queue.z]\ndedup = 1\n[smtp.queue.s]\nsenders = @x.y, Me@z\n");
	ck_assert_uint_eq(c.n_policies, 4);
	ck_assert_str_eq(c.policies[0].queue, "a.b");
	ck_assert_str_eq(c.policies[3].queue, "z");
	/* what it does not say is as [smtp] says it */
	ck_assert(of("z")->payload == SMTP_JSON && !of("z")->trace && of("z")->dedup);
	ck_assert(of("z")->n_networks == 1 && of("z")->n_users == 1 && strcmp(of("z")->users[0], "*") == 0);
	ck_assert(of("a.b")->payload == SMTP_BODY && of("a.b")->trace && !of("a.b")->dedup);
	/* but who may send is one thing */
	ck_assert(of("a.b")->n_networks == 0 && of("a.b")->n_users == 1 && strcmp(of("a.b")->users[0], "ada") == 0);
	ck_assert(of("m")->n_networks == 0 && of("m")->n_users == 0 && of("m")->n_senders == 0 && of("m")->dedup);
	ck_assert(of("s")->n_senders == 2 && of("s")->n_users == 0);
	ck_assert_str_eq(of("s")->senders[1], "me@z");
	ck_assert_ptr_eq(of("other"), &c.rest);
	ck_assert(c.rest.n_networks == 1 && c.rest.n_users == 1);
}
END_TEST

START_TEST(test_refusals)
{
	bad("[smtp]\nlisten = 127.0.0.1\n", 2, "--smtp: '127.0.0.1' is no address such as");
	bad(HEAD "lmtp = nowhere\n", 3, "--smtp-lmtp: 'nowhere' is no address");
	bad(HEAD
	    "lmtp = /0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
	    "78901234567\n",
	    3, "--smtp-lmtp: '/0123");
	bad(HEAD "hostname = a b\n", 3, "--smtp-hostname: 'a b' is no name of a host");
	bad(HEAD "domain = a.b\ndomain = c.d, e..f\n", 4, "--smtp-domain: 'e..f' is no domain");
	bad(HEAD "networks = 10.0.0.1/8\n", 3,
	    "--smtp-networks: '10.0.0.1/8' is no network such as 10.0.0.0/8: it has bits");
	bad(HEAD "networks = 10.0.0.0/33\n", 3, "--smtp-networks: '10.0.0.0/33' is no network");
	bad(HEAD "proxy = lb.example\n", 3, "--smtp-proxy: 'lb.example' is no network");
	bad(HEAD "proxy = 127.0.0.1, ::/0\n", 3, "--smtp-proxy: '::/0' is everybody");
	bad(HEAD "postmaster = Admin\n", 3, "--smtp-postmaster: 'Admin' is no name of a queue");
	bad(HEAD "payload = jsno\n", 3, "--smtp-payload: 'jsno' is none of raw, body, json: did you mean json?");
	bad(HEAD "payload = everything\n", 3, "--smtp-payload: 'everything' is none of raw, body, json");
	bad(HEAD "size = 17M\n", 3, "--smtp-size: '17M' is no size from");
	bad(HEAD "size = 2M\nspool-bytes = 1M\n", 4, "--smtp-spool-bytes: '1M' is less than one mail");
	bad(HEAD "connections = 0\n", 3, "--smtp-connections: '0' is no whole number from 1 to");
	bad(HEAD "per-address = many\n", 3, "--smtp-per-address: 'many' is no whole number");
	bad(HEAD "idle = 10ms\n", 3, "--smtp-idle: '10ms' is no duration from 1s to 1h");
	bad(HEAD "data-rate = fast\n", 3, "--smtp-data-rate: 'fast' is no size");
	bad(HEAD "spool =\n", 3, "--smtp-spool is no directory");
}
END_TEST

START_TEST(test_needs)
{
	bad(HEAD "tls-cert = c.pem\n", 3, "--smtp-tls-cert means nothing without --smtp-tls-key FILE");
	bad(HEAD "tls-key = c.pem\n", 3, "--smtp-tls-key means nothing without --smtp-tls-cert FILE");
	bad(HEAD "tls-cert = c.pem\nusers = @U\ntls-required = yes\nsenders = a@b.c\n", 3,
	    "--smtp-tls-cert means nothing");
	bad(HEAD "tls-required = yes\n", 3, "--smtp-tls-required means nothing without --smtp-tls-cert FILE and");
	bad(HEAD "tls-listen = :465\n", 3, "--smtp-tls-listen means nothing without");
	bad(HEAD "tls-min-version = tls1.3\n", 3, "--smtp-tls-min-version means nothing without");
	bad(HEAD TLS "tls-min-version = ssl3\n", 5, "--smtp-tls-min-version: 'ssl3' is neither tls1.2 nor tls1.3");
	bad(HEAD "users = @U\n", 3,
	    "--smtp-users means nothing without --smtp-tls-cert FILE and --smtp-tls-key FILE: pass");
	bad(HEAD "senders = a@b.c\n", 3, "--smtp-senders means nothing without --smtp-tls-cert FILE");
	bad(HEAD TLS "senders = a.b\n", 5, "--smtp-senders: 'a.b' is no sender such as");
	bad(HEAD "allow-users = ada\n", 3, "--smtp-allow-users means nothing without --smtp-users FILE");
	bad(HEAD TLS "users = @U\nallow-users = bob\nallow-users = eve\n", 7,
	    "--smtp-allow-users: 'eve' is nobody in the");
	bad("[smtp]\ndomain = a.b\n", 2, "--smtp-domain means nothing without an address: --smtp HOST:PORT");
	bad("[smtp.queue.q]\npayload = raw\n", 2,
	    "[smtp.queue.q] payload means nothing without `listen = HOST:PORT` in [smtp]");
	read_ini(&long_table, "smtp-", HEAD TLS "users = /nowhere/u\n");
	ck_assert_uint_eq(m.n, 1);
	ck_assert_ptr_nonnull(strstr(m.v[0], "/nowhere/u: No such file"));
	read_ini(&long_table, "smtp-", HEAD TLS "users = /nowhere/u\nallow-users = ada\n[smtp.queue.q]\nusers = ada\n");
	ck_assert_uint_eq(m.n, 1); /* and nothing that follows from it */
	read_ini(&bare_table, "", "[smtp]\ndomain = a.b\n");
	ck_assert_uint_eq(m.n, 1);
	ck_assert_ptr_nonnull(strstr(m.v[0], ":2: --domain means nothing without an address: --listen HOST:PORT"));
}
END_TEST

START_TEST(test_sections_refused)
{
	bad(HEAD "[smtp.queue.Q]\npayload = raw\n", 4, "[smtp.queue.Q]: no queue can be called that");
	bad(HEAD "[smtp.queue.q]\npayload = text\n", 4, "[smtp.queue.q] payload: 'text' is none of raw, body, json");
	bad(HEAD "[smtp.queue.q]\ntrace = perhaps\n", 4, "[smtp.queue.q] trace: 'perhaps' is neither yes nor no");
	bad(HEAD "[smtp.queue.q]\nnetworks = 10.0.0.0/8\nnetworks = x\n", 5,
	    "[smtp.queue.q] networks: 'x' is no network");
	bad(HEAD "[smtp.queue.q]\nusers = ada\n", 4, "[smtp.queue.q] users means nothing without --smtp-users FILE");
	bad(HEAD "[smtp.queue.q]\nsenders = @a.b\n", 4, "[smtp.queue.q] senders means nothing without --smtp-tls-cert");
	bad(HEAD TLS "users = @U\n[smtp.queue.q]\nusers = ada, eve\n", 7, "[smtp.queue.q] users: 'eve' is nobody in");
	bad(HEAD "[smtp.queue.q]\npaylod = raw\n", 4,
	    "unknown key 'paylod' in [smtp.queue.q]: did you mean 'payload'?");
	/* all of them, each once */
	read_ini(&long_table, "smtp-",
	         HEAD "size = 1\nidle = x\n[smtp.queue.a]\ntrace = 7\n[smtp.queue.B]\ntrace = 7\ndedup = 7\n");
	ck_assert_uint_eq(m.n, 4);
}
END_TEST

static int guard(const char *text, bool insecure, char err[OPTIONS_ERR])
{
	good(text);
	return smtp_config_guard(&c, "smtp-", insecure, err);
}

START_TEST(test_guard)
{
	static const char away[] = "[smtp]\nlisten = 0.0.0.0:25\n";
	char err[OPTIONS_ERR], text[512];
	struct smtp_sender stranger = { .from = span_str("x@y") };

	ck_assert(cidr_read_address(span_str("198.51.100.7"), &stranger.peer));
	ck_assert_int_eq(guard(HEAD "lmtp = /run/lmtp\n", false, err), 0);
	ck_assert_int_ne(guard(away, false, err), 0);
	ck_assert_ptr_nonnull(strstr(err, "--smtp: 0.0.0.0:25 is not a loopback address"));
	ck_assert_ptr_nonnull(strstr(err, "--smtp-networks CIDR"));
	ck_assert_ptr_nonnull(strstr(err, "--insecure"));
	ck_assert_int_ne(guard("[smtp]\nlmtp = :24\n", false, err), 0);
	ck_assert_ptr_nonnull(strstr(err, "--smtp-lmtp: *:24"));
	snprintf(text, sizeof text, "%snetworks = 10.0.0.0/8\n", away);
	ck_assert_int_eq(guard(text, false, err), 0);
	snprintf(text, sizeof text, "%s[smtp.queue.q]\nnetworks = 10.0.0.0/8\n", away);
	ck_assert_int_eq(guard(text, false, err), 0);
	ck_assert_int_eq(smtp_policy_may(of("q"), &stranger), SMTP_MAY_NOT);
	ck_assert_int_eq(guard(text, true, err), 0); /* somebody is named: that stays so */
	ck_assert_int_eq(smtp_policy_may(of("q"), &stranger), SMTP_MAY_NOT);
	snprintf(text, sizeof text, "%s[smtp.queue.q]\npayload = json\n", away);
	ck_assert_int_ne(guard(text, false, err), 0);
	ck_assert_int_eq(guard(text, true, err), 0);
	ck_assert_int_eq(smtp_policy_may(of("q"), &stranger), SMTP_MAY);
	ck_assert_int_eq(smtp_policy_may(of("other"), &stranger), SMTP_MAY);
	ck_assert(cidr_read_address(span_str("2001:db8::1"), &stranger.peer));
	ck_assert_int_eq(smtp_policy_may(of("q"), &stranger), SMTP_MAY);
	ck_assert_int_eq(guard(HEAD, true, err), 0); /* nobody from elsewhere comes here but through a proxy */
	ck_assert_int_eq(smtp_policy_may(of("q"), &stranger), SMTP_MAY_NOT);
}
END_TEST

START_TEST(test_check)
{
	char text[512];

	snprintf(text, sizeof text, HEAD "tls-cert = %s\ntls-key = %s\nspool = %s\n", users, users, dir);
	good(text);
	smtp_config_check(&c, &o, "smtp-", &m);
	ck_assert_uint_eq(m.n, 1);
	ck_assert_ptr_nonnull(strstr(m.v[0], "ini:3: --smtp-tls-cert: "));
	ck_assert_ptr_nonnull(strstr(m.v[0], "holds no certificate in PEM"));
	snprintf(text, sizeof text, HEAD "spool = %s\n", users);
	good(text);
	smtp_config_check(&c, &o, "smtp-", &m);
	ck_assert_uint_eq(m.n, 1);
	ck_assert_ptr_nonnull(strstr(m.v[0], "ini:3: --smtp-spool: '"));
	ck_assert_ptr_nonnull(strstr(m.v[0], "is no directory"));
	snprintf(text, sizeof text, HEAD "spool = %s/new\n", dir);
	good(text);
	smtp_config_check(&c, &o, "smtp-", &m);
	ck_assert_uint_eq(m.n, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { test_defaults,         test_all,   test_queues, test_refusals, test_needs,
		                       test_sections_refused, test_guard, test_check };
	int status;

	begin();
	status = suite_run("smtp_config", tests, sizeof tests / sizeof tests[0]);
	end();
	return status;
}
