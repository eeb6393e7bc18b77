/* What a recipient's local part means: a queue, and options. */
#include "broker/smtp/rcpt.h"

#include "base/text.h"
#include "tests/unit/base/suite.h"

static struct rcpt r;
static char why[RCPT_WHY];

static enum rcpt_fault take(const char *local)
{
	enum rcpt_fault f = rcpt_read(span_str(local), &r, why);

	ck_assert((f == RCPT_FINE) == (why[0] == '\0'));
	return f;
}

START_TEST(queues)
{
	ck_assert_int_eq(take("orders"), RCPT_FINE);
	ck_assert_str_eq(r.queue, "orders");
	ck_assert(!r.options.has_priority && !r.options.has_delay && !r.options.has_expires && r.options.key_n == 0);
	ck_assert_int_eq(take("Orders.EU_west-1"), RCPT_FINE);
	ck_assert_str_eq(r.queue, "orders.eu_west-1");
	ck_assert_int_eq(take("12345678901234567890123456789012345678901234567890123456"), RCPT_FINE);
	ck_assert_int_eq(take("123456789012345678901234567890123456789012345678901234567"), RCPT_NO_QUEUE);
	ck_assert_int_eq(take(""), RCPT_NO_QUEUE);
	ck_assert_int_eq(take("+priority=1"), RCPT_NO_QUEUE);
	ck_assert_int_eq(take("../../etc/x"), RCPT_NO_QUEUE);
	ck_assert_int_eq(take("a|sh"), RCPT_NO_QUEUE);
	ck_assert_int_eq(take(".a"), RCPT_NO_QUEUE);
	ck_assert_int_eq(take("a b"), RCPT_NO_QUEUE);
	ck_assert_int_eq(take("\xc3\xa4"), RCPT_NO_QUEUE);
	ck_assert_int_eq(rcpt_read(span_of("a\0b", 3), &r, why), RCPT_NO_QUEUE);
}
END_TEST

START_TEST(options)
{
	ck_assert_int_eq(take("q+priority=9+delay=1.5h+expires=2d+key=a=b"), RCPT_FINE);
	ck_assert_str_eq(r.queue, "q");
	ck_assert(r.options.has_priority && r.options.has_delay && r.options.has_expires);
	ck_assert_uint_eq(r.options.priority, 9);
	ck_assert_uint_eq(r.options.delay_ms, 5400 * 1000);
	ck_assert_uint_eq(r.options.expires_ms, UINT64_C(2) * 24 * 3600 * 1000);
	ck_assert_str_eq(r.options.key, "a=b");
	ck_assert_uint_eq(r.options.key_n, 3);
	ck_assert_int_eq(take("Q+Priority=0+DELAY=0"), RCPT_FINE);
	ck_assert(r.options.has_priority && r.options.has_delay && r.options.priority == 0 && r.options.delay_ms == 0);
}
END_TEST

START_TEST(faults)
{
	static const struct {
		const char *local, *says;
	} bad[] = {
		{ "q+", "options" },
		{ "q++priority=1", "options" },
		{ "q+priority=1+", "options" },
		{ "q+priority", "options" },
		{ "q+=1", "options are" },
		{ "q+colour=red", "options are" },
		{ "q+priority=10", "0 to 9" },
		{ "q+priority=-1", "0 to 9" },
		{ "q+priority=", "0 to 9" },
		{ "q+priority=1x", "0 to 9" },
		{ "q+priority= 1", "0 to 9" },
		{ "q+priority=18446744073709551617", "0 to 9" },
		{ "q+priority=1+priority=1", "twice" },
		{ "q+delay=5", "delay is" },
		{ "q+delay=-5s", "delay is" },
		{ "q+delay=", "delay is" },
		{ "q+delay=11y", "delay is" },
		{ "q+delay=3654d", "delay is" },
		{ "q+delay=1s+DELAY=2s", "twice" },
		{ "q+expires=0", "expires is" },
		{ "q+expires=0s", "expires is" },
		{ "q+expires=3654d", "expires is" },
		{ "q+expires=1s+expires=1s", "twice" },
		{ "q+key=", "key is" },
		{ "q+key=a\tb", "key is" },
		{ "q+key=\xc3\xa4", "key is" },
		{ "q+key=a+key=b", "twice" },
		{ "q+key=a+b", "options" }, /* a plus ends a value */
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ck_assert_msg(take(bad[i].local) == RCPT_BAD_OPTION, "%s", bad[i].local);
		ck_assert_msg(strstr(why, bad[i].says) != NULL, "%s: %s", bad[i].local, why);
	}
}
END_TEST

START_TEST(bounds)
{
	struct rcpt_options o = { .key_n = 0 };
	char key[LIMIT_KEY + 2];

	memset(key, 'k', sizeof key);
	ck_assert_ptr_nonnull(rcpt_option(&o, span_str("key"), span_of(key, LIMIT_KEY + 1)));
	ck_assert_uint_eq(o.key_n, 0);
	ck_assert_ptr_null(rcpt_option(&o, span_str("key"), span_of(key, LIMIT_KEY)));
	ck_assert_uint_eq(o.key_n, LIMIT_KEY);
	ck_assert_uint_eq(strlen(o.key), LIMIT_KEY);
	ck_assert_ptr_null(rcpt_option(&o, span_str("delay"), span_str("3650d")));
	ck_assert_uint_eq(o.delay_ms, UINT64_C(3650) * 24 * 3600 * 1000);
	ck_assert_ptr_null(rcpt_option(&o, span_str("expires"), span_str("1ms")));
	ck_assert_uint_eq(o.expires_ms, 1);
	ck_assert_ptr_nonnull(rcpt_option(&o, span_str("expires"), span_str("0.1ms"))); /* rounds to nothing */
}
END_TEST

START_TEST(what_is_set_stays)
{
	struct rcpt_options o = { .key_n = 0 };

	ck_assert_ptr_null(rcpt_option(&o, span_str("priority"), span_str("3")));
	ck_assert_ptr_nonnull(rcpt_option(&o, span_str("priority"), span_str("4")));
	ck_assert_ptr_null(rcpt_option(&o, span_str("delay"), span_str("3s")));
	ck_assert_ptr_nonnull(rcpt_option(&o, span_str("delay"), span_str("4s")));
	ck_assert_ptr_null(rcpt_option(&o, span_str("expires"), span_str("3s")));
	ck_assert_ptr_nonnull(rcpt_option(&o, span_str("expires"), span_str("4s")));
	ck_assert_ptr_null(rcpt_option(&o, span_str("key"), span_str("a")));
	ck_assert_ptr_nonnull(rcpt_option(&o, span_str("key"), span_str("b")));
	ck_assert_uint_eq(o.priority, 3);
	ck_assert_uint_eq(o.delay_ms, 3000);
	ck_assert_uint_eq(o.expires_ms, 3000);
	ck_assert_str_eq(o.key, "a");
}
END_TEST

START_TEST(address_over_header)
{
	struct rcpt_options over = { .has_priority = true, .priority = 1, .key = "over", .key_n = 4 };
	struct rcpt_options under = { .has_priority = true,
		                      .priority = 2,
		                      .has_delay = true,
		                      .delay_ms = 5,
		                      .has_expires = true,
		                      .expires_ms = 6,
		                      .key = "under",
		                      .key_n = 5 };
	struct rcpt_options none = { .key_n = 0 };

	rcpt_merge(&over, &under);
	ck_assert_uint_eq(over.priority, 1);
	ck_assert_str_eq(over.key, "over");
	ck_assert(over.has_delay && over.delay_ms == 5 && over.has_expires && over.expires_ms == 6);
	rcpt_merge(&none, &under);
	ck_assert(none.has_priority && none.priority == 2 && none.key_n == 5);
	ck_assert_str_eq(none.key, "under");
	over = (struct rcpt_options){ .key_n = 0 };
	rcpt_merge(&none, &over);
	ck_assert_uint_eq(none.priority, 2);
}
END_TEST

SUITE_MAIN("smtp_rcpt", queues, options, faults, bounds, what_is_set_stays, address_over_header)
