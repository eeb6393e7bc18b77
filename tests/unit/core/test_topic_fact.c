/* The bytes of the facts about topics: what is written is read again, and what is cut off, or out of range, is no fact.
 */
#include "broker/core/topic/fact.h"
#include "tests/unit/base/suite.h"

static struct buf buf; /* used again by each test */

/* The body of the one fact in the buffer. */
static struct span body(enum fact_type type)
{
	struct span rest = buf_span(&buf);
	uint32_t offset = 0;
	const char *why;
	struct fact f;

	ck_assert_int_eq(fact_next(&rest, &offset, &f, &why), 1);
	ck_assert_int_eq(f.type, type);
	ck_assert_uint_eq(rest.n, 0);
	return f.body;
}

/* Bytes of exactly that length, so that a sanitizer sees a reader that goes beyond them. */
static struct span cut(struct span s, size_t n, uint8_t **owned)
{
	*owned = malloc(n + 1);
	ck_assert_ptr_nonnull(*owned);
	memcpy(*owned + 1, s.p, n);
	return span_of(*owned + 1, n);
}

static bool same(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

START_TEST(a_topic)
{
	struct fact_topic f = { 9999, true, false, span_str("orders"), 1, 2, 3, 4, 5, UINT64_MAX }, g;
	struct span all;
	uint8_t *owned;

	buf_clear(&buf);
	fact_put_topic(&buf, &f);
	all = body(FACT_TOPIC);
	ck_assert(fact_get_topic(all, &g));
	ck_assert(g.index == 9999 && g.paused && !g.flows && same(g.name, f.name) && g.passed == 1 && g.passed_n == 2);
	ck_assert(g.keep_ms == 3 && g.keep_bytes == 4 && g.messages == 5 && g.bytes == UINT64_MAX);
	for (size_t n = 0; n < all.n; n++) {
		ck_assert(!fact_get_topic(cut(all, n, &owned), &g));
		free(owned);
	}
}
END_TEST

START_TEST(topics_out_of_range)
{
	static const struct fact_topic bad[] = {
		{ .index = LIMIT_TOPICS, .name = { (const uint8_t *)"a", 1 } },
		{ .index = 1, .name = { (const uint8_t *)"", 0 } },
		{ .index = 1, .name = { (const uint8_t *)"a\0b", 3 } },
		{ .index = 1, .name = { (const uint8_t *)"a", 1 }, .passed = FACT_RUN_MAX + 1 },
		{ .index = 1, .name = { (const uint8_t *)"a", 1 }, .keep_ms = LIMIT_DELAY_MS + 1 },
		{ .index = 1, .name = { (const uint8_t *)"a", 1 }, .keep_bytes = LIMIT_KEEP_BYTES + 1 },
	};
	char longer[LIMIT_NAME + 2];
	struct fact_topic g;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		buf_clear(&buf);
		fact_put_topic(&buf, &bad[i]);
		ck_assert(!fact_get_topic(body(FACT_TOPIC), &g));
	}
	memset(longer, 'x', sizeof longer);
	for (size_t n = LIMIT_NAME; n <= LIMIT_NAME + 1; n++) {
		buf_clear(&buf);
		fact_put_topic(&buf, &(struct fact_topic){ .name = span_of(longer, n) });
		ck_assert(fact_get_topic(body(FACT_TOPIC), &g) == (n <= LIMIT_NAME));
	}
}
END_TEST

START_TEST(a_channel)
{
	struct fact_channel f = { 59999, 7, false, true, span_str("mail"), span_str("dead"), 11, 12, 13, 14, 15, 16 },
			    g;
	struct span all;
	uint8_t *owned;

	buf_clear(&buf);
	fact_put_channel(&buf, &f);
	all = body(FACT_CHANNEL);
	ck_assert(fact_get_channel(all, &g));
	ck_assert(g.index == 59999 && g.topic == 7 && !g.paused && g.ordered && same(g.name, f.name));
	ck_assert(same(g.dead, f.dead) && g.start == 11 && g.attempts == 12 && g.messages == 13);
	ck_assert(g.requeued == 14 && g.timed_out == 15 && g.died == 16);
	for (size_t n = 0; n < all.n; n++) {
		ck_assert(!fact_get_channel(cut(all, n, &owned), &g));
		free(owned);
	}
}
END_TEST

START_TEST(channels_out_of_range)
{
	static const struct fact_channel bad[] = {
		{ .index = LIMIT_CHANNELS, .name = { (const uint8_t *)"a", 1 } },
		{ .topic = LIMIT_TOPICS, .name = { (const uint8_t *)"a", 1 } },
		{ .name = { (const uint8_t *)"", 0 } },
		{ .name = { (const uint8_t *)"a", 1 }, .dead = { (const uint8_t *)"\0", 1 } },
		{ .name = { (const uint8_t *)"a", 1 }, .start = FACT_RUN_MAX + 1 },
		{ .name = { (const uint8_t *)"a", 1 }, .attempts = LIMIT_MESSAGE_ATTEMPTS + 1 },
	};
	struct fact_channel g;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		buf_clear(&buf);
		fact_put_channel(&buf, &bad[i]);
		ck_assert(!fact_get_channel(body(FACT_CHANNEL), &g));
	}
}
END_TEST

/* Two messages, packed. */
static struct span packed(void)
{
	static const uint8_t bytes[] = "\0\0\0\1a\0\0\0\3bcd";

	return span_of(bytes, sizeof bytes - 1);
}

START_TEST(runs)
{
	struct fact_messages f = { 3, FACT_MOVED, 2, 4, 5, 6, 7, 8 }, g;
	struct fact_run_rec r = { FACT_RUN_MAX, 2, 0xdeadbeef, packed() }, s;
	struct span all;
	uint8_t *owned;

	buf_clear(&buf);
	fact_put_messages(&buf, &f);
	fact_put_run_rec(&buf, &r);
	r.number = 1;
	fact_put_run_rec(&buf, &r);
	all = buf_span(&buf);
	ck_assert(fact_get_messages(&all, &g));
	ck_assert(g.topic == 3 && g.flags == FACT_MOVED && g.count == 2 && g.session == 4 && g.number == 5);
	ck_assert(g.floor == 6 && g.time_ms == 7 && g.due_ms == 8);
	for (int i = 0; i < 2; i++) {
		ck_assert(fact_get_run_rec(&all, &s));
		ck_assert(s.number == (i ? 1 : FACT_RUN_MAX) && s.count == 2 && s.crc == r.crc);
		ck_assert(same(s.packed, packed()));
	}
	ck_assert_uint_eq(all.n, 0);
	for (size_t n = 0; n < buf.n; n++) {
		struct span rest = cut(buf_span(&buf), n, &owned);

		ck_assert(!fact_get_messages(&rest, &g) || !fact_get_run_rec(&rest, &s) ||
		          !fact_get_run_rec(&rest, &s));
		free(owned);
	}
}
END_TEST

START_TEST(runs_out_of_range)
{
	static const struct fact_messages heads[] = {
		{ .topic = LIMIT_TOPICS, .count = 1 },
		{ .topic = 1, .count = 0 },
		{ .topic = 1, .count = 1, .time_ms = JOB_MS_MASK + 1 },
		{ .topic = 1, .count = 1, .due_ms = JOB_MS_MASK + 1 },
	};
	struct fact_run_rec bad[] = {
		{ 0, 2, 0, packed() },
		{ FACT_RUN_MAX + 1, 2, 0, packed() },
		{ 1, 0, 0, packed() },
		{ 1, 1, 0, packed() },
		{ 1, 3, 0, packed() },
		{ 1, RUN_MESSAGES + 1, 0, packed() },
		{ 1, 2, 0, span_of(packed().p, packed().n - 1) },
		{ 1, 1, 0, span_of("\0\0\0\0", 4) },
		{ 1, 1, 0, span_of("\xff\xff\xff\xff", 4) },
		{ 1, 1, 0, span_of("", 0) },
	};
	struct fact_messages g;
	struct fact_run_rec s;

	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		struct span rest;

		buf_clear(&buf);
		fact_put_messages(&buf, &heads[i]);
		rest = buf_span(&buf);
		ck_assert(!fact_get_messages(&rest, &g));
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct span rest;

		buf_clear(&buf);
		fact_put_run_rec(&buf, &bad[i]);
		rest = buf_span(&buf);
		ck_assert(!fact_get_run_rec(&rest, &s));
	}
}
END_TEST

START_TEST(done_and_back)
{
	struct fact_done_rec d = { 2, FACT_RUN_MAX, UINT64_MAX }, e;
	struct fact_parcel_rec p = { 3, 4, 5, UINT32_MAX, JOB_MS_MASK, true }, q;
	struct span rest;
	uint8_t *owned;

	buf_clear(&buf);
	fact_put_done_rec(&buf, &d);
	rest = buf_span(&buf);
	ck_assert(fact_get_done_rec(&rest, &e) && rest.n == 0);
	ck_assert(e.channel == 2 && e.run == FACT_RUN_MAX && e.mask == UINT64_MAX);
	for (size_t n = 0; n < buf.n; n++) {
		rest = cut(buf_span(&buf), n, &owned);
		ck_assert(!fact_get_done_rec(&rest, &e));
		free(owned);
	}
	buf_clear(&buf);
	fact_put_parcel_rec(&buf, &p);
	rest = buf_span(&buf);
	ck_assert(fact_get_parcel_rec(&rest, &q) && rest.n == 0);
	ck_assert(q.channel == 3 && q.run == 4 && q.mask == 5 && q.attempts == UINT32_MAX);
	ck_assert(q.due_ms == JOB_MS_MASK && q.timed_out);
	for (size_t n = 0; n < buf.n; n++) {
		rest = cut(buf_span(&buf), n, &owned);
		ck_assert(!fact_get_parcel_rec(&rest, &q));
		free(owned);
	}
}
END_TEST

START_TEST(done_and_back_out_of_range)
{
	static const struct fact_parcel_rec bad[] = {
		{ LIMIT_CHANNELS, 1, 1, 1, 0, false },   { 1, 0, 1, 1, 0, false },
		{ 1, FACT_RUN_MAX + 1, 1, 1, 0, false }, { 1, 1, 0, 1, 0, false },
		{ 1, 1, 1, 1, JOB_MS_MASK + 1, false },
	};
	struct fact_parcel_rec q;
	struct fact_done_rec e;
	struct span rest;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		buf_clear(&buf);
		fact_put_parcel_rec(&buf, &bad[i]);
		rest = buf_span(&buf);
		ck_assert(!fact_get_parcel_rec(&rest, &q));
		if (bad[i].due_ms != 0)
			continue;
		buf_clear(&buf);
		fact_put_done_rec(&buf, &(struct fact_done_rec){ bad[i].channel, bad[i].run, bad[i].mask });
		rest = buf_span(&buf);
		ck_assert(!fact_get_done_rec(&rest, &e));
	}
}
END_TEST

START_TEST(what_was_dropped)
{
	struct fact_dropped f = { 1, 2, 3 }, g;
	struct span all;
	uint8_t *owned;

	buf_clear(&buf);
	fact_put_dropped(&buf, &f);
	all = body(FACT_MESSAGES_DROPPED);
	ck_assert(fact_get_dropped(all, &g) && g.topic == 1 && g.from == 2 && g.to == 3);
	for (size_t n = 0; n < all.n; n++) {
		ck_assert(!fact_get_dropped(cut(all, n, &owned), &g));
		free(owned);
	}
	for (int i = 0; i < 4; i++) {
		static const struct fact_dropped bad[] = {
			{ LIMIT_TOPICS, 1, 2 }, { 1, 0, 1 }, { 1, 3, 2 }, { 1, 1, FACT_RUN_MAX + 1 }
		};

		buf_clear(&buf);
		fact_put_dropped(&buf, &bad[i]);
		ck_assert(!fact_get_dropped(body(FACT_MESSAGES_DROPPED), &g));
	}
}
END_TEST

START_TEST(the_next_run_is_in_meta)
{
	struct fact_meta m;
	struct span all;
	uint8_t *owned;

	buf_clear(&buf);
	fact_put_meta(&buf, &(struct fact_meta){ 1, 2, 3, 4 });
	all = body(FACT_META);
	ck_assert(fact_get_meta(all, &m));
	ck_assert(m.epoch == 1 && m.next_id == 2 && m.wall_ms == 3 && m.next_run == 4);
	for (size_t n = 0; n < all.n; n++) {
		ck_assert(!fact_get_meta(cut(all, n, &owned), &m));
		free(owned);
	}
}
END_TEST

SUITE_MAIN("topic_fact", a_topic, topics_out_of_range, a_channel, channels_out_of_range, runs, runs_out_of_range,
           done_and_back, done_and_back_out_of_range, what_was_dropped, the_next_run_is_in_meta)
