/* The hub against a broker of a few lines: what leaves together, who hears of it and in which order, what there is too
 * much of, how it begins and ends. */
#include <stdio.h>
#include <stdlib.h>

#include "base/be.h"
#include "tests/unit/nsq/hub_rig.h"

static struct hub_rig rig;

static void publish(const char *topic, const char *body, void *who)
{
	uint8_t packed[64];
	size_t n = strlen(body);

	be_put32(packed, (uint32_t)n);
	memcpy(packed + 4, body, n);
	hub_publish(rig.hub, span_str(topic), 0, 1, span_of(packed, n + 4), answer, who);
}

/* ---- publishing ---- */

START_TEST(publishes_of_a_turn_leave_together)
{
	publish("a", "1", "X");
	publish("b", "2", "Y");
	publish("a", "3", "Y");
	publish("a", "4", "X");
	ck_assert_str_eq(heard, ""); /* never from within the call */
	hub_rig_until(&rig, has_heard("X:ok X:ok Y:ok Y:ok ") || has_heard("Y:ok Y:ok X:ok X:ok "));
	ck_assert_uint_eq(rig.n, 2);
	ck_assert_uint_eq(rig.publishes[0].count + rig.publishes[1].count, 4);
	ck_assert_uint_eq(rig.packed.n, 20);
	ck_assert(hub_idle(rig.hub));
}
END_TEST

START_TEST(topics_that_share_a_place_do_not_mix)
{
	char topic[8];

	for (int i = 0; i < 200; i++) {
		snprintf(topic, sizeof topic, "t%d", i % 100);
		publish(topic, "x", "X");
	}
	hub_rig_until(&rig, strlen(heard) == 200 * 5);
	for (uint32_t i = 0; i < rig.n; i++)
		ck_assert_uint_eq(rig.publishes[i].bytes, 5 * rig.publishes[i].count);
	ck_assert_uint_ge(rig.n, 100);
}
END_TEST

/* So many messages of that size, with their number in front. */
static struct span many(struct buf *b, uint32_t count, size_t size)
{
	buf_init(b);
	for (uint32_t i = 0; i < count; i++) {
		uint8_t *p = buf_room(b, 4 + size);

		memset(p, 'm', 4 + size);
		be_put32(p, (uint32_t)size);
		be_put32(p + 4, i);
		b->n += 4 + size;
	}
	return buf_span(b);
}

static void check_large(uint32_t count, size_t size)
{
	struct buf b;
	struct span packed = many(&b, count, size);
	uint64_t all = 0;

	publish("a", "first", "X");
	rig.packed.n = 0;
	hub_publish(rig.hub, span_str("a"), 0, count, packed, answer, "X");
	publish("a", "last", "X");
	hub_rig_until(&rig, has_heard("X:ok X:ok X:ok "));
	for (uint32_t i = 0; i < rig.n; i++) {
		ck_assert_uint_le(rig.publishes[i].count, LIMIT_PUBLISH);
		ck_assert_uint_le(rig.publishes[i].bytes, LIMIT_PUBLISH_BYTES);
		all += rig.publishes[i].count;
	}
	ck_assert_uint_eq(all, count + 2);
	ck_assert_uint_eq(rig.packed.n, packed.n + 9 + 8);
	ck_assert_int_eq(memcmp(rig.packed.p + 9, packed.p, packed.n), 0); /* in order, and whole */
	buf_fini(&b);
}

START_TEST(one_of_many_messages_goes_in_parts)
{
	check_large(150000, 4);
}
END_TEST

START_TEST(one_of_many_bytes_goes_in_parts)
{
	check_large(24, 1048576);
}
END_TEST

START_TEST(a_deferred_one_keeps_its_delay)
{
	uint8_t packed[] = { 0, 0, 0, 1, 'x' };

	publish("a", "1", "X");
	hub_publish(rig.hub, span_str("a"), 700, 1, span_of(packed, 5), answer, "X");
	hub_rig_until(&rig, has_heard("X:ok X:ok "));
	ck_assert_uint_eq(rig.n, 2);
	ck_assert_uint_eq(rig.publishes[0].defer_ms + rig.publishes[1].defer_ms, 700);
}
END_TEST

START_TEST(each_owner_hears_in_the_order_of_its_calls)
{
	rig.holds = "a";
	publish("a", "1", "X");
	hub_rig_settle(&rig);
	publish("b", "2", "X"); /* accepted before the first */
	publish("b", "3", "Y"); /* whom this does not concern */
	hub_rig_until(&rig, has_heard("Y:ok "));
	hub_rig_settle(&rig);
	ck_assert_str_eq(heard, "Y:ok ");
	ck_assert(!hub_idle(rig.hub));
	hub_rig_accept(&rig, 0);
	hub_rig_until(&rig, has_heard("Y:ok X:ok X:ok "));
	ck_assert(hub_idle(rig.hub));
}
END_TEST

START_TEST(a_refusal_is_told_with_its_text)
{
	char longer[LIMIT_NAME + 2];

	memset(longer, 'a', sizeof longer);
	longer[sizeof longer - 1] = '\0';
	rig.refuses = SHEAF_E_FULL;
	publish("a", "1", "X");
	publish(longer, "1", "X");
	publish("b a d", "1", "X");
	ck_assert_str_eq(heard, "");
	hub_rig_until(&rig, strlen(heard) > 40);
	hub_rig_settle(&rig);
	ck_assert_int_eq(strncmp(heard, "X:10no X:4", 10), 0);
}
END_TEST

START_TEST(who_has_forgotten_hears_nothing)
{
	rig.holds = "*";
	publish("a", "1", "X");
	publish("a", "2", "Y");
	hub_rig_settle(&rig);
	publish("a", "3", "X");
	hub_forget(rig.hub, "X");
	publish("b", "4", "X"); /* another of the same name */
	hub_rig_until(&rig, rig.n == 3);
	for (uint32_t i = 0; i < 3; i++)
		hub_rig_accept(&rig, i);
	hub_rig_until(&rig, hub_idle(rig.hub));
	ck_assert(has_heard("Y:ok X:ok ") || has_heard("X:ok Y:ok "));
}
END_TEST

static uint32_t eased;

static void ease(void *arg)
{
	ck_assert_ptr_eq(arg, &eased);
	eased++;
}

START_TEST(too_much_is_told_and_then_refused)
{
	struct buf b;
	struct span packed = many(&b, 3, 300000);
	uint32_t n = 0;

	eased = 0;
	hub_on_ease(rig.hub, ease, &eased);
	ck_assert(!hub_busy(rig.hub));
	rig.holds = "*";
	for (; !hub_busy(rig.hub); n++)
		hub_publish(rig.hub, span_str("a"), 0, 3, packed, answer, "X");
	ck_assert_uint_lt(n, 50);
	hub_rig_settle(&rig);
	ck_assert_uint_eq(eased, 0);
	ck_assert_str_eq(heard, "");
	rig.holds = NULL;
	for (uint32_t i = 0; i < rig.n; i++)
		hub_rig_accept(&rig, i);
	hub_rig_until(&rig, eased == 1);
	hub_rig_until(&rig, hub_idle(rig.hub));
	ck_assert_uint_eq(strlen(heard), 5 * n);
	ck_assert(!hub_busy(rig.hub));
	buf_fini(&b);
}
END_TEST

/* More than the socket and the session take: the hub keeps it until the broker goes on. */
START_TEST(a_deaf_broker_loses_nothing)
{
	struct buf b;
	struct span packed = many(&b, 1, 200000);

	rig.deaf = true;
	for (int i = 0; i < 500; i++) {
		hub_publish(rig.hub, span_str("a"), 0, 1, packed, answer, "X");
		uv_run(&rig.loop, UV_RUN_NOWAIT);
	}
	ck_assert(hub_busy(rig.hub));
	ck_assert_str_eq(heard, "");
	rig.deaf = false;
	hub_rig_until(&rig, strlen(heard) == 5 * 500);
	ck_assert_uint_eq(rig.packed.n, 500 * packed.n);
	buf_fini(&b);
}
END_TEST

/* ---- topics ---- */

static void rows(void *arg, enum sheaf_error e, const struct msg_topics_info *info, bool more)
{
	char what[64];

	ck_assert(e != SHEAF_OK || info->generation == 8);
	snprintf(what, sizeof what, "%.*s/%d/%d", info->n ? (int)info->v[0].topic.n : 0,
	         info->n ? (const char *)info->v[0].topic.p : "", (int)e, (int)more);
	hear(what, arg);
}

START_TEST(operations_follow_what_was_published)
{
	publish("a", "1", "X");
	hub_topic_op(rig.hub, TOPIC_EMPTY, span_str("a"), span_str("c"), answer, "X");
	hub_topic_op(rig.hub, TOPIC_CREATE, span_str("a"), span_of(NULL, 0), answer, "X");
	hub_topic_op(rig.hub, TOPIC_CREATE, span_str("b a d"), span_of(NULL, 0), answer, "Y");
	publish("a", "2", "X");
	hub_rig_until(&rig, hub_idle(rig.hub));
	ck_assert_uint_eq(rig.n, 2);
	hub_rig_expect(&rig, "op a c\ncreate a \n");
	ck_assert_ptr_nonnull(strstr(heard, "X:ok X:ok X:ok X:ok "));
	ck_assert_ptr_nonnull(strstr(heard, "Y:4"));
}
END_TEST

START_TEST(a_listing_comes_page_by_page)
{
	hub_topics(rig.hub, span_of(NULL, 0), 0, rows, "X");
	hub_topics(rig.hub, span_str("first"), 3, rows, "Y");
	hub_forget(rig.hub, "Y");
	hub_rig_until(&rig, hub_idle(rig.hub));
	ck_assert_str_eq(heard, "X:first/0/1 X:second/0/0 ");
	rig.refuses = SHEAF_E_DENIED;
	hub_topics(rig.hub, span_of(NULL, 0), 0, rows, "Z");
	hub_rig_until(&rig, hub_idle(rig.hub));
	ck_assert_str_eq(heard, "X:first/0/1 X:second/0/0 Z:/14/0 ");
}
END_TEST

/* ---- the beginning and the end ---- */

static struct hub_sub *subscribe(const char *channel, void *who)
{
	static const struct hub_calls calls; /* nothing is delivered */
	static const struct hub_terms terms;

	return hub_subscribe(rig.hub, span_str("t"), span_str(channel), &terms, &calls, answer, who);
}

START_TEST(much_may_be_open_when_it_ends)
{
	struct hub_sub *sub;

	rig.holds = "*";
	publish("a", "1", "X");
	hub_topics(rig.hub, span_of(NULL, 0), 0, rows, "X");
	hub_rig_until(&rig, rig.n == 1);
	sub = subscribe("c", "X");
	hub_rig_settle(&rig);
	hub_unsubscribe(&sub);
	publish("b", "1", "Y");
	hub_topic_op(rig.hub, TOPIC_EMPTY, span_str("a"), span_str("c"), answer, "Y");
	heard[0] = '\0';
	hub_close(&rig.hub, NULL, NULL);
	hub_rig_settle(&rig);
	ck_assert_str_eq(heard, ""); /* no answer comes any more */
	ck_assert_uint_eq(rig.n, 2); /* but what was handed in has left */
	buf_put_u8(&rig.trace, 0);
	ck_assert_ptr_nonnull(strstr((char *)rig.trace.p, "op a c\nunsubscribe  \nbye  \n"));
	rig.hub = hub_open(&rig.loop, rig.context, "inproc://test-edges");
}
END_TEST

START_TEST(a_broker_that_will_not_have_us_fails_all)
{
	struct hub_sub *sub;

	hub_close(&rig.hub, NULL, NULL);
	hub_rig_settle(&rig);
	rig.denies = true;
	rig.hub = hub_open(&rig.loop, rig.context, "inproc://test-edges");
	publish("a", "1", "X");
	sub = subscribe("c", "Y");
	hub_topics(rig.hub, span_of(NULL, 0), 0, rows, "Z");
	hub_rig_until(&rig,
	              strstr(heard, "X:14go away ") && strstr(heard, "Y:14go away ") && strstr(heard, "Z:/14/0 "));
	heard[0] = '\0';
	publish("a", "1", "X");
	hub_topics(rig.hub, span_of(NULL, 0), 0, rows, "Z");
	hub_rig_until(&rig, strstr(heard, "X:14") && strstr(heard, "Z:/14/0 "));
	hub_unsubscribe(&sub);
	ck_assert(!hub_connected(rig.hub));
	ck_assert(hub_idle(rig.hub));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		publishes_of_a_turn_leave_together,   topics_that_share_a_place_do_not_mix,
		one_of_many_messages_goes_in_parts,   one_of_many_bytes_goes_in_parts,
		a_deferred_one_keeps_its_delay,       each_owner_hears_in_the_order_of_its_calls,
		a_refusal_is_told_with_its_text,      who_has_forgotten_hears_nothing,
		too_much_is_told_and_then_refused,    a_deaf_broker_loses_nothing,
		operations_follow_what_was_published, a_listing_comes_page_by_page,
		much_may_be_open_when_it_ends,        a_broker_that_will_not_have_us_fails_all,
	};

	return hub_rig_suite("hub", &rig, tests, sizeof tests / sizeof tests[0]);
}
