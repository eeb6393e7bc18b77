/* Paths of MAIL and RCPT: what is one, what it means, and the bounds. */
#include "broker/smtp/path.h"

#include "base/text.h"
#include "tests/unit/base/suite.h"

static struct path p;
static const char *why;

static enum path_fault take(const char *text)
{
	struct span rest = span_str(text);
	enum path_fault f;

	why = NULL;
	f = path_read(&rest, &p, &why);
	ck_assert((f == PATH_FINE) == (why == NULL));
	if (f != PATH_FINE) /* nothing is taken */
		ck_assert(span_eq(rest, span_str(text)));
	return f;
}

/* Read as one, with nothing left over. */
static void good(const char *text, const char *local, const char *domain)
{
	struct span rest = span_str(text);

	ck_assert_msg(path_read(&rest, &p, &why) == PATH_FINE, "%s: %s", text, why);
	ck_assert_uint_eq(rest.n, 0);
	ck_assert_str_eq(p.local, local);
	ck_assert_uint_eq(p.local_n, strlen(local));
	ck_assert_str_eq(p.domain, domain);
}

START_TEST(plain)
{
	good("<a@b>", "a", "b");
	ck_assert_str_eq(p.text, "a@b");
	ck_assert(!p.quoted && !p.utf8);
	good("<Orders.EU+priority=7@Mail.Example.COM>", "Orders.EU+priority=7", "mail.example.com");
	ck_assert_str_eq(p.text, "Orders.EU+priority=7@Mail.Example.COM");
	good("<!#$%&'*+-/=?^_`{|}~@h_1-2>", "!#$%&'*+-/=?^_`{|}~", "h_1-2");
	good("<>", "", "");
	ck_assert_str_eq(p.text, "");
	good("<postmaster>", "postmaster", "");
	good("<PostMaster>", "PostMaster", "");
	good("<.a..b.@h>", ".a..b.", "h"); /* not RFC 5321's, but there are mailboxes like that */
}
END_TEST

START_TEST(what_follows_is_left)
{
	struct span rest = span_str("<a@b> SIZE=5");

	ck_assert_int_eq(path_read(&rest, &p, &why), PATH_FINE);
	ck_assert(span_eq(rest, span_str(" SIZE=5")));
	rest = span_str("<>>");
	ck_assert_int_eq(path_read(&rest, &p, &why), PATH_FINE);
	ck_assert(span_eq(rest, span_str(">")));
}
END_TEST

START_TEST(none)
{
	static const char *const bad[] = { "",        "a@b",       "<",         "<a",        "<a@",      "<a@b",
		                           "<@@>",    "<@>",       "<@b>",      "<a@>",      "<a>",      "<a b@c>",
		                           "<a@b c>", "<a@b@c>",   "<a@.b>",    "<a@b..c>",  "<a@b.>",   "<a@b/c>",
		                           "<a@[b>",  "<a,b@c>",   "<a@b,c@d>", "<a@b:25>",  "<<a@b>>",  " <a@b>",
		                           "<a\t@b>", "<a\x7f@b>", "<a@b\x01>", "<(x)a@b>",  "<a@b(x)>", "< a@b>",
		                           "<a@b >",  "<\r\n>",    "<a:b@c>",   "<a\\@b@c>", "<a;b@c>",  "<a[b]@c>" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(take(bad[i]) == PATH_SYNTAX, "%s", bad[i]);
}
END_TEST

START_TEST(names_that_are_no_queue_are_paths)
{
	good("<../../etc/x@h>", "../../etc/x", "h");
	good("<a|sh@h>", "a|sh", "h");
}
END_TEST

START_TEST(quoted)
{
	good("<\"a b\"@h>", "a b", "h");
	ck_assert(p.quoted);
	ck_assert_str_eq(p.text, "\"a b\"@h");
	good("<\"a\\\"b\\\\c\\x\"@h>", "a\"b\\cx", "h");
	good("<\"<@>,:;()\"@h>", "<@>,:;()", "h");
	good("<\"\"@h>", "", "h");
	good("<\"\xc3\xa4 x\"@h>", "\xc3\xa4 x", "h");
	ck_assert(p.utf8);
	ck_assert_int_eq(take("<\"a\\"), PATH_SYNTAX);
	ck_assert_int_eq(take("<\"a"), PATH_SYNTAX);
	ck_assert_int_eq(take("<\"a\"@"), PATH_SYNTAX);
	ck_assert_int_eq(take("<\"a\"b@h>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<a\"b\"@h>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<\"a\tb\"@h>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<\"a\\\tb\"@h>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<\"a\x7f\"@h>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<\"a\\\xc3\xa4\"@h>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<\"postmaster\">"), PATH_SYNTAX);
}
END_TEST

START_TEST(a_nul_is_no_character)
{
	struct span rest = span_of("<a\0b@h>", 7);

	ck_assert_int_eq(path_read(&rest, &p, &why), PATH_SYNTAX);
	rest = span_of("<\"a\0b\"@h>", 9);
	ck_assert_int_eq(path_read(&rest, &p, &why), PATH_SYNTAX);
	rest = span_of("<a@b\0c>", 7);
	ck_assert_int_eq(path_read(&rest, &p, &why), PATH_SYNTAX);
}
END_TEST

START_TEST(routes)
{
	good("<@one.example:a@b>", "a", "b");
	ck_assert_str_eq(p.text, "a@b");
	good("<@one,@two.example,@[127.0.0.1]:\"q r\"@b>", "q r", "b");
	ck_assert_str_eq(p.text, "\"q r\"@b");
	good("<@one:postmaster>", "postmaster", "");
	ck_assert_int_eq(take("<@one:>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<@one,:a@b>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<@one,two:a@b>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<@one@two:a@b>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<@one>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<@one,"), PATH_SYNTAX);
	ck_assert_int_eq(take("<@one:@two:a@b>"), PATH_SYNTAX);
}
END_TEST

START_TEST(literals)
{
	good("<a@[127.0.0.1]>", "a", "[127.0.0.1]");
	good("<a@[IPv6:::1]>", "a", "[ipv6:::1]");
	good("<a@[ipv6:2001:DB8:0:0::1]>", "a", "[ipv6:2001:db8::1]");
	good("<a@[IPv6:::ffff:192.0.2.1]>", "a", "[192.0.2.1]"); /* the same address */
	ck_assert_str_eq(p.text, "a@[IPv6:::ffff:192.0.2.1]");
	ck_assert_int_eq(take("<a@[::1]>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<a@[IPv6:127.0.0.1]>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<a@[]>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<a@[IPv6:]>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<a@[256.0.0.1]>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<a@[127.0.0.01]>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<a@[127.0.0.1>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<a@[127.0.0.1]x>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<a@[fe80::1%eth0]>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<a@[x400:c=de]>"), PATH_SYNTAX);
}
END_TEST

START_TEST(utf8)
{
	good("<\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80@\xc3\xbc.example>", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
	     "\xc3\xbc.example");
	ck_assert(p.utf8);
	good("<a@b>", "a", "b");
	ck_assert(!p.utf8);
	ck_assert_int_eq(take("<\xc3@b>"), PATH_SYNTAX);             /* cut */
	ck_assert_int_eq(take("<\x80@b>"), PATH_SYNTAX);             /* begins in the middle */
	ck_assert_int_eq(take("<\xc0\xaf@b>"), PATH_SYNTAX);         /* overlong */
	ck_assert_int_eq(take("<\xe0\x80\xaf@b>"), PATH_SYNTAX);     /* overlong */
	ck_assert_int_eq(take("<\xed\xa0\x80@b>"), PATH_SYNTAX);     /* a surrogate */
	ck_assert_int_eq(take("<\xf4\x90\x80\x80@b>"), PATH_SYNTAX); /* above U+10FFFF */
	ck_assert_int_eq(take("<\xff@b>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<a@b\xe2\x82>"), PATH_SYNTAX);
	ck_assert_int_eq(take("<\"\xed\xbf\xbf\"@b>"), PATH_SYNTAX);
}
END_TEST

static char *filled(char *to, const char *before, size_t n, const char *after)
{
	size_t at = strlen(before);

	memcpy(to, before, at);
	for (size_t i = 0; i < n; i++)
		to[at + i] = i % 50 == 49 && i + 1 < n && after[0] != '@' ? '.' : 'x';
	memcpy(to + at + n, after, strlen(after) + 1);
	return to;
}

START_TEST(bounds)
{
	char text[700];

	ck_assert_int_eq(take(filled(text, "<", 64, "@b>")), PATH_FINE);
	ck_assert_uint_eq(p.local_n, 64);
	ck_assert_int_eq(take(filled(text, "<", 65, "@b>")), PATH_TOO_LONG);
	ck_assert(strstr(why, "64") != NULL);
	ck_assert_int_eq(take(filled(text, "<\"", 62, "\"@b>")), PATH_FINE); /* the quotes count */
	ck_assert_int_eq(take(filled(text, "<\"", 63, "\"@b>")), PATH_TOO_LONG);

	ck_assert_int_eq(take(filled(text, "<a@", 252, ">")), PATH_FINE); /* 256 in all */
	ck_assert_uint_eq(strlen(p.text), 254);
	ck_assert_int_eq(take(filled(text, "<a@", 253, ">")), PATH_TOO_LONG);
	ck_assert(strstr(why, "256") != NULL);
	ck_assert_int_eq(take(filled(text, "<a@", 256, ">")), PATH_TOO_LONG);
	ck_assert(strstr(why, "255") != NULL);
	ck_assert_int_eq(take(filled(text, "<@", 300, ":a@b>")), PATH_TOO_LONG);
	ck_assert_int_eq(take(filled(text, "<@", 250, ":a@b>")), PATH_TOO_LONG); /* the route counts too */
	ck_assert_int_eq(take(filled(text, "<@", 248, ":a@b>")), PATH_FINE);
	ck_assert_int_eq(take(filled(text, "<a@[", 300, "]>")), PATH_SYNTAX);
}
END_TEST

START_TEST(domains_of_ehlo)
{
	char text[300];

	ck_assert(path_domain_ok(span_str("localhost")));
	ck_assert(path_domain_ok(span_str("Mail_1.example-2.COM")));
	ck_assert(path_domain_ok(span_str("[127.0.0.1]")));
	ck_assert(path_domain_ok(span_str("[IPv6:::1]")));
	ck_assert(path_domain_ok(span_str(filled(text, "", 255, ""))));
	ck_assert(!path_domain_ok(span_str(filled(text, "", 256, ""))));
	ck_assert(!path_domain_ok(span_str("")));
	ck_assert(!path_domain_ok(span_str(".a")));
	ck_assert(!path_domain_ok(span_str("a..b")));
	ck_assert(!path_domain_ok(span_str("a b")));
	ck_assert(!path_domain_ok(span_str("a@b")));
	ck_assert(!path_domain_ok(span_str("a\xc3\xa4")));
	ck_assert(!path_domain_ok(span_str("[]")));
	ck_assert(!path_domain_ok(span_str("[")));
	ck_assert(!path_domain_ok(span_str("[a b]")));
	ck_assert(!path_domain_ok(span_str("[a]b]")));
	ck_assert(!path_domain_ok(span_str("[127.0.0.1")));
	ck_assert(!path_domain_ok(span_of("a\0b", 3)));
}
END_TEST

SUITE_MAIN("smtp_path", plain, what_follows_is_left, none, names_that_are_no_queue_are_paths, quoted,
           a_nul_is_no_character, routes, literals, utf8, bounds, domains_of_ehlo)
