/* What a session does with messages: pipelined publishes, what is in flight, credit. */
#include <stdlib.h>

#include "base/be.h"
#include "broker/nsq/parse.h"
#include "tests/unit/base/suite.h"
#include "tests/unit/nsq/session_rig.h"

#define TOLD(r, text)  ck_assert_str_eq(rig_told(r), text)
#define ASKED(r, text) ck_assert_str_eq(rig_asked(r), text)

static void begin(struct rig *r)
{
	rig_init(r);
	rig_begin(r);
	FEED(r, "  V2");
}

static void end(struct rig *r)
{
	rig_end(r);
	rig_fini(r);
}

/* With RDY 10; what came of it is forgotten. */
static void subscribed(struct rig *r)
{
	FEED(r, "SUB t c\nRDY 10\n");
	TOLD(r, "OK\n");
	ASKED(r, "subscribe t c 60000 900000 0 0\ncredit 10 1048566\n");
}

#define PUB_A "PUB a\n\0\0\0\1x"

/* ---- publishing ---- */

START_TEST(test_answers_in_order)
{
	struct rig r;

	begin(&r);
	r.manual = true;
	FEED(&r, PUB_A "MPUB b\n\0\0\0\16\0\0\0\2\0\0\0\1y\0\0\0\1z"
	               "DPUB c 7\n\0\0\0\1w"
	               "NOP\nFOO\n" PUB_A);
	ASKED(&r, "publish a 0 1 5\npublish b 0 2 10\npublish c 7 1 5\n"); /* the bad command waits for its turn */
	TOLD(&r, "");
	ck_assert_uint_eq(session_wants(r.s), 0);
	ck_assert(fake_hub_answer(&r.hub, SHEAF_OK, ""));
	TOLD(&r, "OK\n");
	ck_assert(fake_hub_answer(&r.hub, SHEAF_OK, ""));
	TOLD(&r, "OK\n");
	rig_turn(&r);
	TOLD(&r, "");
	ck_assert(fake_hub_answer(&r.hub, SHEAF_OK, ""));
	rig_turn(&r);
	TOLD(&r, "OK\nE_INVALID invalid command FOO\nx\n");
	ck_assert(!fake_hub_answer(&r.hub, SHEAF_OK, ""));
	end(&r);
}
END_TEST

START_TEST(test_publish_fails)
{
	static const struct {
		const char *in;
		size_t n;
		const char *told;
	} all[] = {
		{ PUB_A, sizeof PUB_A - 1, "E_PUB_FAILED PUB failed the disk is full\nx\n" },
		{ "DPUB a 1\n\0\0\0\1x", 14, "E_DPUB_FAILED DPUB failed the disk is full\nx\n" },
		{ "MPUB a\n\0\0\0\11\0\0\0\1\0\0\0\1y", 20, "E_MPUB_FAILED MPUB failed the disk is full\nx\n" },
	};
	struct rig r;

	for (size_t i = 0; i < 3; i++) {
		begin(&r);
		r.manual = true;
		rig_feed(&r, all[i].in, all[i].n);
		FEED(&r, PUB_A);
		ck_assert(fake_hub_answer(&r.hub, SHEAF_E_FULL, "the disk is full"));
		TOLD(&r, all[i].told);
		ck_assert(fake_hub_answer(&r.hub, SHEAF_OK, "")); /* too late for its client */
		TOLD(&r, "");
		end(&r);
	}
	begin(&r);
	r.manual = true;
	rig_feed(&r, all[2].in, all[2].n);
	session_failed(r.s);
	TOLD(&r, "E_MPUB_FAILED MPUB failed the broker can write nothing any more\nx\n");
	end(&r);
}
END_TEST

START_TEST(test_unanswered_have_a_bound)
{
	struct rig r;
	uint64_t n = 0;

	begin(&r);
	r.manual = r.hub.quiet = true;
	for (int i = 0; i < SESSION_PUBLISHES + 100; i++)
		buf_put(&r.in, PUB_A, sizeof PUB_A - 1);
	rig_turn(&r);
	ck_assert_uint_eq(r.hub.n, SESSION_PUBLISHES);
	ck_assert_uint_eq(session_wants(r.s), 0);
	ck_assert_uint_eq(session_deadline(r.s), r.now + SESSION_HEARTBEAT_MS); /* not its fault that it is not heard */
	while (fake_hub_answer(&r.hub, SHEAF_OK, ""))
		n++;
	rig_turn(&r);
	while (fake_hub_answer(&r.hub, SHEAF_OK, ""))
		n++;
	ck_assert_uint_eq(n, SESSION_PUBLISHES + 100);
	ck_assert_uint_eq(r.out.n, n * 10);
	ck_assert_uint_gt(session_wants(r.s), 0);
	end(&r);
}
END_TEST

static void feed_body(struct rig *r, const char *line, uint32_t size, size_t piece)
{
	struct buf b = { 0 };

	buf_put_span(&b, span_str(line));
	be_put32(buf_room(&b, 4), size);
	b.n += 4;
	memset(buf_room(&b, size), 'b', size);
	b.n += size;
	rig_feed_pieces(r, b.p, b.n, piece);
	buf_fini(&b);
}

START_TEST(test_large_bodies)
{
	struct rig r;

	begin(&r);
	r.manual = true;
	for (int i = 0; i < 5; i++)
		feed_body(&r, "PUB big\n", 1048576, 65536);
	ck_assert_uint_eq(r.hub.published, 4); /* of 4 MiB: then no more is taken */
	while (fake_hub_answer(&r.hub, SHEAF_OK, ""))
		;
	rig_turn(&r);
	ck_assert_uint_eq(r.hub.published, 5);
	ck_assert(fake_hub_answer(&r.hub, SHEAF_OK, ""));
	TOLD(&r, "OK\nOK\nOK\nOK\nOK\n");
	end(&r);
}
END_TEST

START_TEST(test_counts_what_it_publishes)
{
	struct nsq_client_stat st = { 0 };
	struct rig r;

	begin(&r);
	FEED(&r, PUB_A PUB_A "MPUB b\n\0\0\0\16\0\0\0\2\0\0\0\1y\0\0\0\1z" PUB_A);
	session_stat(r.s, &st);
	ck_assert_uint_eq(st.n_published, 2);
	ck_assert_uint_eq(st.published[0].count, 3);
	ck_assert_uint_eq(st.published[1].count, 2);
	ck_assert(span_eq(st.published[1].topic, span_str("b")));
	ck_assert(span_eq(st.client_id, span_str("10.0.0.7")));
	end(&r);
}
END_TEST

static void via_publish(void *ctx, struct span topic, uint64_t defer_ms, uint32_t count, struct span packed,
                        hub_answer answer, void *arg)
{
	text_say(&((struct rig *)ctx)->hub.log, "via ");
	hub_publish(&((struct rig *)ctx)->hub, topic, defer_ms, count, packed, answer, arg);
}

static void via_forget(void *ctx, void *arg)
{
	text_say(&((struct rig *)ctx)->hub.log, "forget ");
	hub_forget(&((struct rig *)ctx)->hub, arg);
}

START_TEST(test_publishes_past_the_hub)
{
	struct rig r;
	const struct session_publisher via = { via_publish, via_forget, &r };

	begin(&r);
	r.world.via = &via;
	r.manual = true;
	FEED(&r, PUB_A);
	ASKED(&r, "via publish a 0 1 5\n");
	end(&r); /* and it is forgotten there */
}
END_TEST

/* ---- messages ---- */

#define ID_1_0  "0000000000000040"
#define ID_1_1  "0000000000000041"
#define ID_1_63 "000000000000007f"

START_TEST(test_messages)
{
	struct nsq_client_stat st = { 0 };
	struct rig r;

	begin(&r);
	subscribed(&r);
	rig_deliver(&r, 1, 9, 3 | UINT64_C(1) << 63);
	TOLD(&r, "MSG 77 1 " ID_1_0 " m0\nMSG 77 1 " ID_1_1 " m1\nMSG 77 1 " ID_1_63 " m63\n");
	rig_deliver(&r, 0x0123456789abcdef >> 6, 10, UINT64_C(1) << 0x2f);
	TOLD(&r, "MSG 77 1 0123456789abcdef m47\n");
	session_stat(r.s, &st);
	ck_assert_uint_eq(st.in_flight, 4);
	ck_assert_uint_eq(st.messages, 4);
	ck_assert_uint_eq(st.state, 3);
	FEED(&r, "FIN " ID_1_1 "\nFIN 0123456789abcdef\nFIN " ID_1_0 "\n"); /* two of a parcel leave as one */
	ASKED(&r, "finish 1281023894007607 10 140737488355328 0\nfinish 1 9 3 0\n");
	TOLD(&r, "");
	FEED(&r, "FIN " ID_1_1 "\n");
	TOLD(&r, "E_FIN_FAILED FIN " ID_1_1 " failed ID not in flight\n");
	FEED(&r, "TOUCH " ID_1_63 "\nREQ " ID_1_63 " 99999999\nREQ " ID_1_63 " 0\n");
	ASKED(&r, "touch 1 9 9223372036854775808 0\nrequeue 1 9 9223372036854775808 3600000\n");
	TOLD(&r, "E_REQ_FAILED REQ " ID_1_63 " failed ID not in flight\n");
	session_stat(r.s, &st);
	ck_assert_uint_eq(st.in_flight, 0);
	ck_assert_uint_eq(st.finished, 3);
	ck_assert_uint_eq(st.requeued, 1);
	end(&r);
}
END_TEST

START_TEST(test_attempts_wrap)
{
	struct hub_delivery d = { .run = 1, .token = 1, .mask = 1, .attempts = 65537 };
	struct rig r;

	begin(&r);
	subscribed(&r);
	d.packed = span_of("\0\0\0\2hi", 6);
	r.hub.last->calls->messages(r.hub.last->arg, &d);
	TOLD(&r, "MSG 0 1 " ID_1_0 " hi\n");
	d.packed.n--; /* less than it says: such a connection is of no use */
	r.hub.last->calls->messages(r.hub.last->arg, &d);
	TOLD(&r, "x\n");
	end(&r);
}
END_TEST

START_TEST(test_gone)
{
	const struct hub_calls *calls;
	struct rig r;

	begin(&r);
	subscribed(&r);
	rig_deliver(&r, 1, 9, 3);
	rig_deliver(&r, 1, 10, 4);
	rig_told(&r);
	calls = r.hub.last->calls;
	calls->gone(r.hub.last->arg, 1, 10, 3, GONE_STALE); /* not of this token */
	calls->gone(r.hub.last->arg, 1, 9, 1, GONE_TIMEOUT);
	FEED(&r, "FIN " ID_1_0 "\nFIN " ID_1_1 "\n");
	TOLD(&r, "E_FIN_FAILED FIN " ID_1_0 " failed ID not in flight\n");
	ASKED(&r, "finish 1 9 2 0\n");
	rig_deliver(&r, 1, 11, 1); /* again */
	calls->gone(r.hub.last->arg, 0, 0, UINT64_MAX, GONE_TIMEOUT);
	rig_told(&r);
	FEED(&r, "FIN " ID_1_0 "\nTOUCH 0000000000000042\n");
	TOLD(&r, "E_FIN_FAILED FIN " ID_1_0 " failed ID not in flight\n"
	         "E_TOUCH_FAILED TOUCH 0000000000000042 failed ID not in flight\n");
	rig_deliver(&r, 1, 12, 1);
	FEED(&r, "FIN " ID_1_0 "\n");
	ASKED(&r, "finish 1 12 1 0\n");
	rig_told(&r);
	calls->over(r.hub.last->arg);
	TOLD(&r, "x\n");
	end(&r);
}
END_TEST

START_TEST(test_another_has_it)
{
	struct rig r;
	struct session *other;
	const char *told;

	begin(&r);
	subscribed(&r);
	rig_deliver(&r, 1, 9, 1);
	other = r.s;
	rig_told(&r);
	r.s = session_new(&r.world, &r, "10.0.0.8:1", &r.out, r.now);
	FEED(&r, "  V2SUB t c\nFIN " ID_1_0 "\nREQ " ID_1_1 " 0\n");
	TOLD(&r, "OK\nE_FIN_FAILED FIN " ID_1_0 " failed client does not own message\n"
	         "E_REQ_FAILED REQ " ID_1_1 " failed ID not in flight\n");
	for (int i = 0; i <= SESSION_LOOKS; i++) /* as many as it likes: then nobody is asked any more */
		buf_put(&r.in, "FIN " ID_1_0 "\n", 21);
	rig_turn(&r);
	told = rig_told(&r);
	ck_assert_ptr_nonnull(strstr(told, "client does not own message\n"));
	ck_assert_str_eq(told + strlen(told) - 17, "ID not in flight\n");
	session_free(r.s);
	r.s = session_new(&r.world, &r, "10.0.0.8:1", &r.out, r.now);
	FEED(&r, "  V2SUB t d\nFIN " ID_1_0 "\n"); /* another channel */
	TOLD(&r, "OK\nE_FIN_FAILED FIN " ID_1_0 " failed ID not in flight\n");
	session_free(other);
	end(&r);
}
END_TEST

START_TEST(test_credit)
{
	struct rig r;
	uint64_t frames;

	begin(&r);
	subscribed(&r);
	session_sent(r.s, 10); /* the OK */
	ASKED(&r, "");
	rig_deliver(&r, 1, 1, 3); /* 12 packed bytes, 72 bytes of frames */
	frames = r.out.n;
	FEED(&r, "RDY 5\n");
	ASKED(&r, "credit 5 1048566\n"); /* unread frames are larger than what came: no more than before */
	session_sent(r.s, frames);
	ASKED(&r, "");
	FEED(&r, "RDY 6\n");
	ASKED(&r, "credit 6 1048588\n");
	for (uint64_t run = 2; run < 4000; run++) {
		rig_deliver(&r, run, 1, UINT64_MAX);
		session_sent(r.s, r.out.n);
		if (run == 1000)
			buf_clear(&r.hub.log);
	}
	ck_assert_uint_gt(r.hub.log.n, 0); /* it moves on, in steps */
	ck_assert_uint_lt(r.hub.log.n, 200);
	rig_asked(&r);
	FEED(&r, "CLS\n");
	ck_assert_ptr_nonnull(strstr(rig_asked(&r), "credit 0 "));
	session_sent(r.s, r.out.n);
	ASKED(&r, "");
	end(&r);
}
END_TEST

START_TEST(test_sub_terms_and_refusals)
{
	struct rig r;

	begin(&r);
	r.config.max_consumers = 1;
	r.manual = true;
	FEED(&r, "IDENTIFY\n\0\0\0\47{\"sample_rate\":20,\"msg_timeout\":5000}  ");
	FEED(&r, "SUB t c\nRDY 1\n");
	ASKED(&r, "subscribe t c 5000 900000 21 1\n");
	ck_assert_uint_eq(session_wants(r.s), 0);
	ck_assert(
	    fake_hub_answer(&r.hub, SHEAF_E_FULL, "the channel has as many consumers already as the request allows"));
	TOLD(&r, "OK\nE_SUB_FAILED SUB failed consumers for t:c exceeds limit of 1\nx\n");
	rig_end(&r);
	rig_begin(&r);
	FEED(&r, "  V2SUB t c\n");
	ck_assert(fake_hub_answer(&r.hub, SHEAF_E_DRAINING, ""));
	ck_assert_ptr_nonnull(strstr(rig_told(&r), "E_SUB_FAILED SUB failed "));
	rig_asked(&r);
	end(&r);
}
END_TEST

SUITE_MAIN("session", test_answers_in_order, test_publish_fails, test_unanswered_have_a_bound, test_large_bodies,
           test_counts_what_it_publishes, test_publishes_past_the_hub, test_messages, test_attempts_wrap, test_gone,
           test_another_has_it, test_credit, test_sub_terms_and_refusals)
