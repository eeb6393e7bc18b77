/* The outbox: nothing leaves before it is durable, what belongs together travels together, and order holds
 * where somebody counts on it, also when bytes have to come from the disk first. */
#include "tests/unit/base/suite.h"
#include "tests/unit/broker/world.h"

static const struct span none = { 0 };

/* The turn is over and everything is durable. */
static void leave(struct world *w)
{
	outbox_seal(w->outbox);
	outbox_flush(w->outbox, UINT64_MAX);
}

static void check_sent(const struct world *w, uint32_t i, uint32_t kind, uint64_t number, uint32_t records)
{
	ck_assert_uint_lt(i, w->n);
	ck_assert_uint_eq(w->sent[i].kind, kind);
	ck_assert_uint_eq(w->sent[i].number, number);
	ck_assert_uint_eq(w->sent[i].records, records);
	ck_assert_uint_eq(w->sent[i].epoch, 9);
}

START_TEST(test_durable_first)
{
	struct world *w = world_new();

	ck_assert(outbox_empty(w->outbox));
	say_accepted(w, 1, 1, 100);
	say_reply(w, FX_REPLY, 2, MSG_PONG, 1, 200);
	say_grant(w, 50, 1, 5, 10, none, 300);
	ck_assert(!outbox_empty(w->outbox));
	outbox_seal(w->outbox);
	ck_assert_uint_gt(outbox_bytes(w->outbox), 0);
	outbox_flush(w->outbox, 99);
	ck_assert_uint_eq(w->n, 0);
	outbox_flush(w->outbox, 299);
	ck_assert_uint_eq(w->n, 2);
	outbox_flush(w->outbox, 300);
	ck_assert_uint_eq(w->n, 3);
	ck_assert(outbox_empty(w->outbox));
	ck_assert_uint_eq(outbox_bytes(w->outbox), 0);
	world_free(w);
}
END_TEST

/* A record that joins a gathered message holds the message back until that record too is durable. */
START_TEST(test_latest_counts)
{
	struct world *w = world_new();

	say_accepted(w, 1, 1, 100);
	say_accepted(w, 1, 2, 500);
	outbox_seal(w->outbox);
	outbox_flush(w->outbox, 100);
	ck_assert_uint_eq(w->n, 0);
	outbox_flush(w->outbox, 500);
	ck_assert_uint_eq(w->n, 1);
	check_sent(w, 0, MSG_ACCEPTED, 0, 2);
	ck_assert_uint_eq(w->sent[0].session, 1001);
	ck_assert_uint_eq(w->sent[0].whom, 1);
	world_free(w);
}
END_TEST

/* What was freed unsent is freed wholly (the sanitizer looks). */
START_TEST(test_free_full)
{
	struct world *w = world_new();

	say_accepted(w, 1, 1, 100);
	w->answer = 0;
	say_grant(w, 50, 1, 5, 10, span_of("A=b", 4), 100);
	outbox_seal(w->outbox);
	say_result(w, 1, 0, 7, 0, 100);
	world_free(w);
}
END_TEST

START_TEST(test_gather_split)
{
	struct world *w = world_new();

	say_accepted(w, 1, 1, 1);
	say_accepted(w, 1, 2, 1);
	say_result(w, 1, 0, 70, 0, 1); /* another kind */
	say_result(w, 1, 1, 71, 30, 1);
	say_result(w, 1, 3, 72, 0, 1); /* not the next number */
	say_accepted(w, 1, 3, 1);
	leave(w);
	ck_assert_uint_eq(w->n, 4);
	check_sent(w, 0, MSG_ACCEPTED, 0, 2);
	check_sent(w, 1, MSG_RESULTS, 0, 2);
	ck_assert_uint_eq(w->sent[1].payloads, 30);
	check_sent(w, 2, MSG_RESULTS, 3, 1);
	check_sent(w, 3, MSG_ACCEPTED, 0, 1);
	world_free(w);
}
END_TEST

START_TEST(test_gather_bounds)
{
	struct world *w = world_new();
	uint32_t n = 0;

	for (uint32_t i = 0; i < 2500; i++)
		say_accepted(w, 1, i + 1, 1);
	leave(w);
	ck_assert_uint_eq(w->n, 3);
	check_sent(w, 0, MSG_ACCEPTED, 0, LIMIT_RECORDS);
	check_sent(w, 1, MSG_ACCEPTED, 0, LIMIT_RECORDS);
	check_sent(w, 2, MSG_ACCEPTED, 0, 2500 - 2 * LIMIT_RECORDS);
	w->n = 0;
	for (uint32_t i = 0; i < 200; i++)
		say_result(w, 1, i, i + 1, 100000, 1);
	leave(w);
	ck_assert_uint_gt(w->n, 10);
	for (uint32_t i = 0; i < w->n; i++) {
		check_sent(w, i, MSG_RESULTS, n, w->sent[i].records);
		ck_assert_uint_le(w->sent[i].bytes, MIB + 101000);
		n += w->sent[i].records;
	}
	ck_assert_uint_eq(n, 200);
	world_free(w);
}
END_TEST

START_TEST(test_answers_in_order)
{
	struct world *w = world_new();

	say_accepted(w, 1, 1, 1);
	say_reply(w, FX_REPLY, 1, MSG_PONG, 2, 1);
	say_accepted(w, 1, 3, 1);
	say_result(w, 1, 0, 70, 0, 1);
	say_reply(w, FX_REPLY, 1, MSG_PONG, 4, 1);
	say_reply(w, FX_CONTROL, 1, MSG_SETTLED, 5, 1); /* a worker with the same route is somebody else */
	leave(w);
	ck_assert_uint_eq(w->n, 6);
	check_sent(w, 0, MSG_ACCEPTED, 0, 1);
	check_sent(w, 1, MSG_PONG, 2, 0);
	check_sent(w, 2, MSG_ACCEPTED, 0, 1);
	check_sent(w, 3, MSG_RESULTS, 0, 1);
	check_sent(w, 4, MSG_PONG, 4, 0);
	check_sent(w, 5, MSG_SETTLED, 5, 0);
	ck_assert_int_eq(w->sent[4].to, TO_CLIENT);
	ck_assert_int_eq(w->sent[5].to, TO_WORKER);
	world_free(w);
}
END_TEST

/* The worker counts JOBS messages, so a number must never be in two, however large its jobs' headers make it. */
START_TEST(test_grants_share)
{
	static char headers[LIMIT_HEADER_BYTES];
	struct world *w = world_new();
	size_t n = 0;

	for (int i = 0; i < 8; i++) /* 8 headers fill the room */
		n += (size_t)snprintf(headers + n, sizeof headers - n, "H%d=%01000d", i, i) + 1;
	for (uint64_t id = 1; id <= LIMIT_QUANTUM; id++)
		say_grant(w, 50, 1, id, (uint32_t)(MIB / LIMIT_QUANTUM), span_of(headers, n), 1);
	say_grant(w, 50, 2, 100, 5, none, 1);
	say_grant(w, 51, 1, 101, 5, none, 1);
	say_plain(w, FX_PROBE, 50, 3, 1);
	say_plain(w, FX_NONCE, 50, 777, 1);
	leave(w);
	ck_assert_uint_eq(w->n, 5);
	check_sent(w, 0, MSG_JOBS, 1, LIMIT_QUANTUM);
	ck_assert_uint_eq(w->sent[0].payloads, MIB);
	for (uint32_t i = 1, seen = 1; i < 5; i++) { /* session 51 goes when it likes */
		if (w->sent[i].kind == MSG_JOBS && w->sent[i].whom == 50)
			check_sent(w, i, MSG_JOBS, seen + 1, seen == 1 ? 1 : 0), seen++;
		if (w->sent[i].kind == MSG_JOBS_WELCOME) {
			ck_assert_int_eq(w->sent[i].to, TO_NONCE);
			ck_assert_uint_eq(w->sent[i].first, 777);
			ck_assert_uint_eq(w->sent[i].session, 50);
		}
	}
	world_free(w);
}
END_TEST

START_TEST(test_slow_lane)
{
	struct world *w = world_new();

	w->answer = 0;
	w->ready_at = 10;
	say_grant(w, 50, 1, 20, 5, none, 1); /* to be read */
	say_grant(w, 50, 2, 5, 5, none, 1);  /* there, but behind it */
	say_plain(w, FX_PROBE, 50, 3, 1);
	say_result(w, 1, 0, 6, 6, 1);
	say_accepted(w, 1, 1, 1);
	say_reply(w, FX_CONTROL, 8, MSG_BEAT_ANSWER, 1, 1);
	leave(w);
	ck_assert_uint_eq(w->n, 2); /* others pass */
	ck_assert(!outbox_empty(w->outbox));
	w->ready_at = 20;
	outbox_flush(w->outbox, 0);
	ck_assert_uint_eq(w->n, 2); /* its position still counts */
	outbox_flush(w->outbox, 1);
	ck_assert_uint_eq(w->n, 6);
	check_sent(w, 2, MSG_JOBS, 1, 1);
	check_sent(w, 3, MSG_JOBS, 2, 1);
	check_sent(w, 4, MSG_JOBS, 3, 0);
	check_sent(w, 5, MSG_RESULTS, 0, 1);
	ck_assert_uint_eq(w->sent[2].payloads, 5);
	ck_assert(outbox_empty(w->outbox));
	world_free(w);
}
END_TEST

/* One grant of three jobs whose bytes come one after the other. */
START_TEST(test_slow_parts)
{
	struct world *w = world_new();
	char headers[] = "A=b";

	w->answer = 0;
	for (uint64_t id = 10; id <= 30; id += 10)
		say_grant(w, 50, 1, id, 5, span_of(headers, sizeof headers), 1);
	memset(headers, 'x', sizeof headers); /* the effect's spans are gone by then */
	for (w->ready_at = 0; w->ready_at < 30; w->ready_at += 10) {
		leave(w);
		ck_assert_uint_eq(w->n, 0);
	}
	leave(w);
	ck_assert_uint_eq(w->n, 1);
	check_sent(w, 0, MSG_JOBS, 1, 3);
	ck_assert_uint_eq(w->sent[0].first, 10);
	ck_assert_uint_eq(w->sent[0].payloads, 15);
	world_free(w);
}
END_TEST

START_TEST(test_bad_bytes)
{
	struct world *w = world_new();

	w->bad_at = 20;
	for (uint64_t id = 10; id <= 30; id += 10)
		say_grant(w, 50, 1, id, 5, none, 1);
	say_result(w, 1, 0, 20, 6, 1); /* the client is told that the bytes are gone */
	say_result(w, 1, 1, 21, 6, 1);
	leave(w);
	ck_assert_uint_eq(w->n_bad, 1);
	ck_assert_uint_eq(w->bad[0], 20);
	ck_assert_uint_eq(w->n, 3);
	for (uint32_t i = 0; i < w->n; i++) {
		if (w->sent[i].kind == MSG_JOBS)
			check_sent(w, i, MSG_JOBS, 1, 2);
		else
			check_sent(w, i, MSG_RESULTS, w->sent[i].first - 20, 1);
		if (w->sent[i].kind == MSG_RESULTS)
			ck_assert_uint_eq(w->sent[i].gone, w->sent[i].first == 20);
	}
	world_free(w);
}
END_TEST

START_TEST(test_trim_waits)
{
	struct world *w = world_new();

	w->answer = 0;
	say_grant(w, 50, 1, 20, 5, none, 1);
	say_trim(w, 4096, 2);
	say_reply(w, FX_REPLY, 1, MSG_PONG, 1, 2);
	leave(w);
	ck_assert_uint_eq(w->n_trims, 0);
	ck_assert_uint_eq(w->n, 1);
	w->answer = 1;
	outbox_flush(w->outbox, 1);
	ck_assert_uint_eq(w->n, 2);
	ck_assert_uint_eq(w->n_trims, 0); /* not yet durable */
	outbox_flush(w->outbox, 2);
	ck_assert_uint_eq(w->n_trims, 1);
	ck_assert_uint_eq(w->trims[0], 4096);
	ck_assert_uint_eq(w->trimmed_at[0], 2);
	world_free(w);
}
END_TEST

START_TEST(test_peek)
{
	static const uint32_t sizes[3] = { 0, 100, 3 * LIMIT_PEEK_BYTES };
	struct world *w = world_new();
	struct msg_header h = { PROTO_VERSION_MAX, MSG_PEEKED, 0, 9, 1001, 12 };
	struct effect e = { .kind = FX_PEEK, .peer = 1 };
	struct msg_peek_rec v[3] = { 0 };
	struct log_bytes stored[3];

	for (uint32_t i = 0; i < 3; i++) {
		v[i].id = i + 1;
		v[i].size = sizes[i];
		stored[i] = (struct log_bytes){ 10 * (i + 1), sizes[i], 0 };
	}
	e.u.peek.h = &h;
	e.u.peek.v = v;
	e.u.peek.stored = stored;
	e.u.peek.n = 3;
	w->answer = 0;
	outbox_add(w->outbox, &e, 1, 9);
	memset(v, 0xee, sizeof v);
	leave(w);
	ck_assert_uint_eq(w->n, 0);
	w->ready_at = 20;
	leave(w);
	ck_assert_uint_eq(w->n, 0);
	w->answer = 1;
	leave(w);
	ck_assert_uint_eq(w->n, 1);
	check_sent(w, 0, MSG_PEEKED, 12, 3);
	ck_assert_uint_eq(w->sent[0].payloads, 100 + LIMIT_PEEK_BYTES);
	world_free(w);
}
END_TEST

/* More peers than messages that can gather: every record arrives once and each peer's order holds. */
START_TEST(test_many_peers)
{
	enum { PEERS = 300, ROUNDS = 8 };
	struct world *w = world_new();
	uint64_t got[PEERS + 1] = { 0 };

	for (uint64_t round = 0; round < ROUNDS; round++) {
		for (uint64_t peer = 1; peer <= PEERS; peer++)
			say_result(w, peer, round, 100 + round, 0, round + 1);
		if (round == ROUNDS / 2)
			leave(w);
	}
	leave(w);
	for (uint32_t i = 0; i < w->n; i++) {
		ck_assert_uint_eq(w->sent[i].number, got[w->sent[i].whom]);
		got[w->sent[i].whom] += w->sent[i].records;
	}
	for (uint64_t peer = 1; peer <= PEERS; peer++)
		ck_assert_uint_eq(got[peer], ROUNDS);
	ck_assert(outbox_empty(w->outbox));
	world_free(w);
}
END_TEST

/* Three messages: one, two and three bytes. */
static const uint8_t run[] = { 0, 0, 0, 1, 'a', 0, 0, 0, 2, 'b', 'b', 0, 0, 0, 3, 'c', 'c', 'c' };

START_TEST(test_deliveries_gather)
{
	struct world *w = world_new();

	w->run = run;
	say_delivery(w, 1, 0, 20, 3, 7, sizeof run, 100);
	say_delivery(w, 1, 1, 21, 3, 5, sizeof run, 100);
	say_delivery(w, 2, 0, 21, 3, 2, sizeof run, 100);
	say_delivery(w, 1, 9, 22, 3, 4, sizeof run, 100); /* another count: another message */
	leave(w);
	ck_assert_uint_eq(w->n, 3);
	check_sent(w, 0, MSG_MESSAGES, 0, 2);
	ck_assert_uint_eq(w->sent[0].payloads, sizeof run + 5 + 7);
	check_sent(w, 1, MSG_MESSAGES, 9, 1);
	check_sent(w, 2, MSG_MESSAGES, 0, 1);
	ck_assert_uint_eq(w->sent[2].payloads, 6);
	ck_assert_uint_eq(w->n_bad_tokens, 0);
	world_free(w);
}
END_TEST

/* While one waits for its bytes those behind it wait, too; so does what says that messages are gone. */
START_TEST(test_deliveries_keep_their_order)
{
	struct world *w = world_new();

	w->run = run;
	w->answer = 0;
	w->ready_at = 0;
	say_delivery(w, 1, 0, 20, 3, 1, sizeof run, 100);
	outbox_seal(w->outbox);
	w->answer = 1;
	say_delivery(w, 1, 1, 21, 3, 7, sizeof run, 100);
	say_reply(w, FX_REPLY, 1, MSG_MESSAGES_GONE, 0, 100);
	say_reply(w, FX_REPLY, 1, MSG_PONG, 1, 100);
	w->answer = 0;
	leave(w);
	ck_assert_uint_eq(w->n, 1);
	check_sent(w, 0, MSG_PONG, 1, 0);
	w->answer = 1;
	leave(w);
	ck_assert_uint_eq(w->n, 4);
	check_sent(w, 1, MSG_MESSAGES, 0, 1);
	ck_assert_uint_eq(w->sent[1].payloads, 5);
	check_sent(w, 2, MSG_MESSAGES, 1, 1);
	check_sent(w, 3, MSG_MESSAGES_GONE, 0, 0);
	world_free(w);
}
END_TEST

/* A delivery waits for its own messages alone; among themselves they keep their order, wherever their bytes are. */
START_TEST(test_deliveries_go_ahead)
{
	struct world *w = world_new();

	w->run = run;
	say_accepted(w, 1, 1, 500);
	say_delivery(w, 2, 0, 10, 3, 1, sizeof run, 100);
	say_accepted(w, 3, 1, 600);
	outbox_seal(w->outbox);
	outbox_flush(w->outbox, 99);
	ck_assert_uint_eq(w->n, 0);
	outbox_flush(w->outbox, 100);
	ck_assert_uint_eq(w->n, 1);
	check_sent(w, 0, MSG_MESSAGES, 0, 1);
	say_delivery(w, 2, 1, 11, 3, 1, sizeof run, 900);
	outbox_seal(w->outbox);
	w->answer = 0; /* this one has to be read back */
	say_delivery(w, 2, 2, 12, 3, 1, sizeof run, 100);
	outbox_seal(w->outbox);
	w->answer = 1;
	outbox_flush(w->outbox, 600);
	ck_assert_uint_eq(w->n, 3); /* both ACCEPTED */
	outbox_flush(w->outbox, 900);
	ck_assert_uint_eq(w->n, 5);
	check_sent(w, 3, MSG_MESSAGES, 1, 1);
	check_sent(w, 4, MSG_MESSAGES, 2, 1);
	ck_assert(outbox_empty(w->outbox));
	world_free(w);
}
END_TEST

/* What cannot be read, or is not what it should be, is told; the count of deliveries goes on. */
START_TEST(test_bad_deliveries)
{
	struct world *w = world_new();

	w->run = run;
	w->bad_at = 21;
	say_delivery(w, 1, 0, 20, 3, 7, sizeof run, 100);
	say_delivery(w, 1, 1, 21, 3, 7, sizeof run, 100);
	say_delivery(w, 1, 2, 22, 5, 16, sizeof run, 100); /* there is no fifth message */
	say_delivery(w, 1, 3, 23, 3, 2, sizeof run, 100);
	leave(w);
	ck_assert_uint_eq(w->n, 1);
	check_sent(w, 0, MSG_MESSAGES, 0, 4);
	ck_assert_uint_eq(w->sent[0].gone, 2);
	ck_assert_uint_eq(w->sent[0].payloads, sizeof run + 6);
	ck_assert_uint_eq(w->n_bad_tokens, 2);
	ck_assert_uint_eq(w->bad_tokens[0], 28);
	ck_assert_uint_eq(w->bad_tokens[1], 29);
	world_free(w);
}
END_TEST

START_TEST(test_fetch)
{
	struct world *w = world_new();
	struct effect e = { .kind = FX_FETCH, .number = 77, .stored = { 30, sizeof run, 0 }, .u.mask = 4 };

	w->run = run;
	w->answer = 0;
	outbox_add(w->outbox, &e, 100, 9);
	leave(w);
	ck_assert_uint_eq(w->n_fetched, 0);
	w->answer = 1;
	leave(w);
	ck_assert_uint_eq(w->n_fetched, 1);
	ck_assert_uint_eq(w->fetched[0], 77);
	ck_assert(!w->fetched_bad);
	ck_assert_uint_eq(w->fetched_bytes, 7);
	w->bad_at = 30;
	outbox_add(w->outbox, &e, 100, 9);
	leave(w);
	ck_assert(w->fetched_bad);
	ck_assert(outbox_empty(w->outbox));
	world_free(w);
}
END_TEST

SUITE_MAIN("outbox", test_deliveries_gather, test_deliveries_keep_their_order, test_deliveries_go_ahead,
           test_bad_deliveries, test_fetch, test_durable_first, test_latest_counts, test_free_full, test_gather_split,
           test_gather_bounds, test_answers_in_order, test_grants_share, test_slow_lane, test_slow_parts,
           test_bad_bytes, test_trim_waits, test_peek, test_many_peers)
