/* Who may send to which queue. */
#include "broker/smtp/smtp_config.h"
#include "tests/unit/base/suite.h"

static struct cidr nets[1];
static char *ada[] = { "ada" }, *each[] = { "*" };
static char *senders[] = { "me@example.org", "@firm.test" };
static struct smtp_policy policies[3] = { { .queue = "a" }, { .queue = "abc" }, { .queue = "b.c" } };
static struct smtp_config config = { .policies = policies, .n_policies = 3 };

static struct smtp_sender from(const char *peer, bool tls, const char *user, const char *address)
{
	struct smtp_sender s = { .tls = tls, .user = user, .from = span_str(address) };

	if (peer != NULL)
		ck_assert(cidr_read_address(span_str(peer), &s.peer));
	return s;
}

static enum smtp_may may(const struct smtp_policy *p, const char *peer, bool tls, const char *user, const char *address)
{
	struct smtp_sender s = from(peer, tls, user, address);

	return smtp_policy_may(p, &s);
}

START_TEST(test_of)
{
	const struct smtp_config none = { .n_policies = 0 };

	ck_assert_ptr_eq(smtp_policy_of(&config, span_str("a")), &policies[0]);
	ck_assert_ptr_eq(smtp_policy_of(&config, span_str("abc")), &policies[1]);
	ck_assert_ptr_eq(smtp_policy_of(&config, span_str("b.c")), &policies[2]);
	for (const char *const *q = (const char *const[]){ "", "ab", "abcd", "b", "b.cd", "c", NULL }; *q != NULL; q++)
		ck_assert_ptr_eq(smtp_policy_of(&config, span_str(*q)), &config.rest);
	ck_assert_ptr_eq(smtp_policy_of(&config, span_of("abcde", 3)), &policies[1]); /* no NUL behind it */
	ck_assert_ptr_eq(smtp_policy_of(&none, span_str("a")), &none.rest);
}
END_TEST

START_TEST(test_nobody)
{
	const struct smtp_policy p = { .n_users = 0 };

	ck_assert_int_eq(may(&p, NULL, false, NULL, ""), SMTP_MAY); /* a Unix socket */
	ck_assert_int_eq(may(&p, "127.0.0.1", false, NULL, ""), SMTP_MAY);
	ck_assert_int_eq(may(&p, "127.3.2.1", false, NULL, "x@y"), SMTP_MAY);
	ck_assert_int_eq(may(&p, "::1", false, NULL, ""), SMTP_MAY);
	ck_assert_int_eq(may(&p, "::ffff:127.0.0.1", false, NULL, ""), SMTP_MAY);
	ck_assert_int_eq(may(&p, "192.0.2.1", false, NULL, "x@y"), SMTP_MAY_NOT);
	ck_assert_int_eq(may(&p, "192.0.2.1", true, NULL, "x@y"), SMTP_MAY_NOT);
	ck_assert_int_eq(may(&p, "2001:db8::1", true, "ada", "x@y"), SMTP_MAY_NOT);
}
END_TEST

START_TEST(test_networks)
{
	struct smtp_policy p = { .networks = nets, .n_networks = 1 };
	const char *why;

	ck_assert(cidr_read(span_str("10.1.0.0/16"), &nets[0], &why));
	ck_assert_int_eq(may(&p, "10.1.255.255", false, NULL, ""), SMTP_MAY);
	ck_assert_int_eq(may(&p, "::ffff:10.1.2.3", false, NULL, ""), SMTP_MAY);
	ck_assert_int_eq(may(&p, "10.2.0.0", false, NULL, ""), SMTP_MAY_NOT);
	ck_assert_int_eq(may(&p, "10.2.0.0", true, "ada", ""), SMTP_MAY_NOT); /* a name is no network */
}
END_TEST

START_TEST(test_users)
{
	struct smtp_policy p = { .users = ada, .n_users = 1 };

	ck_assert_int_eq(may(&p, "192.0.2.1", true, "ada", ""), SMTP_MAY);
	ck_assert_int_eq(may(&p, "192.0.2.1", true, "Ada", ""), SMTP_MAY_NOT);
	ck_assert_int_eq(may(&p, "192.0.2.1", true, "bob", ""), SMTP_MAY_NOT);
	ck_assert_int_eq(may(&p, "192.0.2.1", true, NULL, ""), SMTP_MAY_IF_AUTH);
	ck_assert_int_eq(may(&p, "192.0.2.1", false, NULL, "ada@x"), SMTP_MAY_IF_AUTH);
	p.users = each;
	ck_assert_int_eq(may(&p, "192.0.2.1", true, "bob", ""), SMTP_MAY);
	ck_assert_int_eq(may(&p, "192.0.2.1", true, NULL, ""), SMTP_MAY_IF_AUTH);
}
END_TEST

/* Everybody can write any sender. */
START_TEST(test_senders)
{
	struct smtp_policy p = { .senders = senders, .n_senders = 2 };

	ck_assert_int_eq(may(&p, "192.0.2.1", true, NULL, "me@example.org"), SMTP_MAY);
	ck_assert_int_eq(may(&p, "192.0.2.1", true, NULL, "Me@EXAMPLE.org"), SMTP_MAY);
	ck_assert_int_eq(may(&p, "192.0.2.1", false, "bob", "me@example.org"), SMTP_MAY);
	ck_assert_int_eq(may(&p, "192.0.2.1", false, NULL, "me@example.org"), SMTP_MAY_IF_AUTH);
	ck_assert_int_eq(may(&p, "192.0.2.1", true, NULL, "any.body@firm.test"), SMTP_MAY);
	ck_assert_int_eq(may(&p, "192.0.2.1", true, NULL, "\"a@b\"@firm.test"), SMTP_MAY);
	for (const char *const *a =
	         (const char *const[]){ "", "you@example.org", "xme@example.org", "me@example.orgs", "me@sub.firm.test",
	                                "me@xfirm.test", "firm.test", "\"x@firm.test\"@evil.test", NULL };
	     *a != NULL; a++)
		ck_assert_msg(may(&p, "192.0.2.1", true, NULL, *a) == SMTP_MAY_NOT, "%s", *a);
}
END_TEST

SUITE_MAIN("policy", test_of, test_nobody, test_networks, test_users, test_senders)
