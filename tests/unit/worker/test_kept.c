/* Outcomes that are kept until they are durable: numbers, what is sent again, and what it all weighs. */
#include "worker/kept.h"

#include "tests/unit/base/suite.h"

static void put(struct outcomes *o, uint64_t id, size_t bytes)
{
	static const uint8_t zeros[1 << 20];
	struct msg_outcome_rec r = { .id = id, .token = id + 100, .verdict = VERDICT_DONE };

	ck_assert_uint_le(bytes, sizeof zeros);
	r.result = span_of(zeros, bytes);
	outcomes_put(o, &r);
}

/* Takes the next message: the id of its first job, or 0; its number must be this. */
static uint64_t take(struct outcomes *o, struct msg_room *room, uint64_t number)
{
	struct kept *k = outcomes_take(o, 3, 9);
	const char *why;
	struct msg m;

	if (k == NULL)
		return 0;
	ck_assert_int_eq(msg_decode(buf_span(&k->bytes), room, &m, &why), SHEAF_OK);
	ck_assert(m.h.epoch == 3 && m.h.session == 9 && m.h.kind == MSG_OUTCOMES);
	ck_assert_uint_eq(m.h.number, number);
	ck_assert_uint_eq(m.u.outcomes.n, k->n);
	for (uint32_t i = 0; i < k->n; i++)
		ck_assert(k->names[i].id == m.u.outcomes.v[i].id && k->names[i].token == m.u.outcomes.v[i].token);
	return m.u.outcomes.v[0].id;
}

START_TEST(test_numbers)
{
	struct msg_room *room = msg_room_new();
	struct outcomes o;

	outcomes_init(&o);
	outcomes_close(&o); /* nothing to complete */
	ck_assert_uint_eq(take(&o, room, 0), 0);
	for (uint64_t id = 1; id <= 4; id++) {
		put(&o, id, 10);
		ck_assert_uint_eq(outcomes_last(&o), id - 1);
		outcomes_close(&o);
		ck_assert_uint_eq(outcomes_last(&o), id);
	}
	ck_assert_uint_eq(take(&o, room, 1), 1);
	ck_assert_uint_eq(take(&o, room, 2), 2);
	outcomes_settle(&o, 100); /* no more than was sent */
	ck_assert_uint_eq(o.settled, 2);
	ck_assert_uint_eq(take(&o, room, 3), 3);
	outcomes_resend(&o);
	ck_assert_uint_eq(take(&o, room, 3), 3);
	ck_assert_uint_eq(take(&o, room, 4), 4);
	ck_assert_uint_eq(take(&o, room, 0), 0);
	outcomes_settle(&o, 3);
	outcomes_renumber(&o);
	put(&o, 5, 10);
	outcomes_close(&o);
	ck_assert_uint_eq(take(&o, room, 1), 4);
	ck_assert_uint_eq(take(&o, room, 2), 5);
	outcomes_settle(&o, 2);
	ck_assert_ptr_null(o.first);
	ck_assert_ptr_null(o.last);
	outcomes_resend(&o); /* of nothing */
	ck_assert_uint_eq(take(&o, room, 0), 0);
	put(&o, 6, 10);
	outcomes_close(&o);
	ck_assert_uint_eq(take(&o, room, 3), 6);
	outcomes_fini(&o);
	msg_room_free(room);
}
END_TEST

/* A message closes by itself at a bound, and its weight is gone once it is settled. */
START_TEST(test_weight)
{
	struct msg_room *room = msg_room_new();
	uint64_t most, messages = 0;
	struct outcomes o;

	outcomes_init(&o);
	for (int round = 0; round < 3; round++) {
		for (uint64_t id = 1; id <= 40; id++)
			put(&o, id, id % 3 == 0 ? 1 << 20 : 100);
		for (uint64_t id = 1; id <= 3 * LIMIT_RECORDS; id++)
			put(&o, id, 0);
		most = o.bytes;
		ck_assert_uint_ge(most, 13 << 20);
		outcomes_close(&o);
		while (take(&o, room, messages + 1) != 0)
			messages++;
		ck_assert_uint_ge(messages, 10);
		outcomes_settle(&o, messages - 1);
		ck_assert_uint_gt(o.bytes, 0);
		outcomes_settle(&o, messages);
		ck_assert_uint_eq(o.bytes, 0);
	}
	outcomes_fini(&o);
	msg_room_free(room);
}
END_TEST

SUITE_MAIN("kept", test_numbers, test_weight)
