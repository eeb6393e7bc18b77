/* Addresses and networks: what is one, and who is in it. */
#include "broker/smtp/cidr.h"

#include "tests/unit/base/suite.h"

static struct cidr_address address(const char *text)
{
	struct cidr_address a;

	ck_assert_msg(cidr_read_address(span_str(text), &a), "%s", text);
	return a;
}

static struct cidr network(const char *text)
{
	struct cidr c;
	const char *why = NULL;

	ck_assert_msg(cidr_read(span_str(text), &c, &why), "%s: %s", text, why);
	ck_assert_ptr_null(why);
	return c;
}

static void shown(const char *text, uint8_t family, const char *as)
{
	struct cidr_address a = address(text);
	char to[CIDR_TEXT];

	ck_assert_uint_eq(a.family, family);
	ck_assert_str_eq(cidr_show(&a, to), as);
}

START_TEST(addresses)
{
	struct cidr_address a = { .family = 0 };
	char to[CIDR_TEXT];

	shown("192.0.2.1", 4, "192.0.2.1");
	shown("0.0.0.0", 4, "0.0.0.0");
	shown("2001:DB8:0:0:0:0:0:1", 6, "2001:db8::1");
	shown("::", 6, "::");
	shown("::ffff:192.0.2.1", 4, "192.0.2.1");
	shown("::FFFF:c000:201", 4, "192.0.2.1");
	shown("::192.0.2.1", 6, "::192.0.2.1"); /* not the mapped form: another address */
	ck_assert_str_eq(cidr_show(&a, to), "unix");
}
END_TEST

START_TEST(no_addresses)
{
	static const char *const bad[] = { "",         "1",          "1.2.3",     "1.2.3.4.5", "1.2.3.256", "01.2.3.4",
		                           "1.2.3.4 ", " 1.2.3.4",   "[::1]",     "::1%lo",    ":::",       "1::2::3",
		                           "g::",      "1.2.3.4/32", "localhost", "0x7f.1",    "-1.2.3.4",  "12345::" };
	struct cidr_address a = { .family = 4, .bytes = { 1 } };
	char text[200];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!cidr_read_address(span_str(bad[i]), &a), "%s", bad[i]);
	memset(text, '1', sizeof text);
	ck_assert(!cidr_read_address(span_of(text, sizeof text), &a));
	ck_assert(!cidr_read_address(span_of("1.2.3.4\0x", 9), &a));
	ck_assert(!cidr_read_address(span_of(NULL, 0), &a));
	ck_assert(a.family == 4 && a.bytes[0] == 1); /* untouched */
}
END_TEST

static bool in(const char *net, const char *a)
{
	struct cidr c = network(net);
	struct cidr_address who = address(a);

	return cidr_has(&c, &who);
}

START_TEST(networks)
{
	struct cidr c;
	struct cidr_address none = { .family = 0 };

	ck_assert(in("192.0.2.0/24", "192.0.2.0") && in("192.0.2.0/24", "192.0.2.255"));
	ck_assert(!in("192.0.2.0/24", "192.0.3.0") && !in("192.0.2.0/24", "192.0.1.255"));
	ck_assert(in("192.0.2.128/25", "192.0.2.128") && !in("192.0.2.128/25", "192.0.2.127"));
	ck_assert(in("10.1.2.3", "10.1.2.3") && !in("10.1.2.3", "10.1.2.2"));
	ck_assert(in("10.1.2.3/32", "10.1.2.3") && !in("10.1.2.3/32", "10.1.2.2"));
	ck_assert(in("0.0.0.0/0", "255.255.255.255") && !in("0.0.0.0/0", "::1"));
	ck_assert(in("::/0", "2001:db8::1") && !in("::/0", "192.0.2.1"));
	ck_assert(in("2001:db8::/33", "2001:db8:7fff::") && !in("2001:db8::/33", "2001:db8:8000::"));
	ck_assert(in("::1", "::1") && !in("::1", "::2") && !in("::1/128", "::"));
	ck_assert(in("192.0.2.0/24", "::ffff:192.0.2.7"));
	ck_assert(in("::ffff:192.0.2.0/120", "192.0.2.7") && !in("::ffff:192.0.2.0/120", "192.0.3.7"));
	c = network("::ffff:0.0.0.0/96");
	ck_assert(c.address.family == 4 && c.bits == 0);
	c = network("0.0.0.0/0");
	ck_assert(!cidr_has(&c, &none)); /* a Unix socket is in no network */
}
END_TEST

START_TEST(no_networks)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "", "no IPv4 or IPv6 address" },
		{ "/8", "no IPv4 or IPv6 address" },
		{ "localhost/8", "no IPv4 or IPv6 address" },
		{ "10.0.0.0/", "0 to 32" },
		{ "10.0.0.0/33", "0 to 32" },
		{ "10.0.0.0/08", "0 to 32" },
		{ "10.0.0.0/-1", "0 to 32" },
		{ "10.0.0.0/8/8", "0 to 32" },
		{ "10.0.0.0/255.0.0.0", "0 to 32" },
		{ "10.0.0.0/4294967304", "0 to 32" },
		{ "::/129", "0 to 128" },
		{ "::/999", "0 to 128" },
		{ "10.0.0.1/8", "set behind" },
		{ "192.0.2.129/25", "set behind" },
		{ "2001:db8::1/64", "set behind" },
		{ "::ffff:192.0.2.1/120", "set behind" },
		{ "::ffff:0.0.0.0/80", "written as" },
	};
	struct cidr c;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const char *why = NULL;

		ck_assert_msg(!cidr_read(span_str(bad[i].text), &c, &why), "%s", bad[i].text);
		ck_assert_msg(why != NULL && strstr(why, bad[i].says) != NULL, "%s: %s", bad[i].text, why);
	}
}
END_TEST

START_TEST(sets)
{
	struct cidr c[] = { network("10.0.0.0/8"), network("2001:db8::/32"), network("192.0.2.1") };
	struct cidr_address a = address("192.0.2.1"), b = address("2001:db8:1::"), other = address("192.0.2.2");

	ck_assert(cidr_any(c, 3, &a) && cidr_any(c, 3, &b) && !cidr_any(c, 3, &other));
	ck_assert(!cidr_any(c, 2, &a) && !cidr_any(c, 0, &a) && !cidr_any(NULL, 0, &a));
}
END_TEST

START_TEST(sameness_and_loopback)
{
	struct cidr_address a = address("127.0.0.1"), b = address("::ffff:127.0.0.1"), c = address("::1"),
			    d = address("::2"), e = address("128.0.0.1"), f = address("127.255.0.9"),
			    none = { .family = 0 }, other_none = { .family = 0, .bytes = { 9 } };

	ck_assert(cidr_same(&a, &b) && !cidr_same(&a, &c) && !cidr_same(&c, &d) && !cidr_same(&a, &f));
	ck_assert(cidr_same(&none, &other_none) && !cidr_same(&none, &a));
	ck_assert(cidr_loopback(&a) && cidr_loopback(&b) && cidr_loopback(&c) && cidr_loopback(&f));
	ck_assert(cidr_loopback(&none) && !cidr_loopback(&d) && !cidr_loopback(&e));
}
END_TEST

SUITE_MAIN("smtp_cidr", addresses, no_addresses, networks, no_networks, sets, sameness_and_loopback)
