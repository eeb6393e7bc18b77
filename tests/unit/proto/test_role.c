/* The table of roles: every kind of message has its row, and the rows are what PROTOCOL.md says. */
#include "proto/fields.h"
#include "proto/role.h"
#include "tests/unit/base/suite.h"

enum { S = ROLE_SUBMIT, W = ROLE_WORK, R = ROLE_READ, A = ROLE_ADMIN };

static uint32_t needs(uint32_t kind)
{
	struct msg m = { .h.kind = kind };

	return role_needs(&m);
}

static uint32_t op_needs(uint32_t op)
{
	struct msg m = { .h.kind = MSG_QUEUE_OP, .u.queue_op.op = op };

	return role_needs(&m);
}

/* Client kinds are 1 to 31, workers' 64 to 79 and 112 to 127: see msg.h. */
static bool from_peers(uint32_t kind)
{
	return (kind >= 1 && kind < 32) || (kind >= 64 && kind < 80) || kind >= 112;
}

START_TEST(test_every_kind_has_a_row)
{
	for (uint32_t kind = 0; kind < LAYOUT_KINDS; kind++) {
		if (fields_of(kind) == NULL)
			ck_assert_uint_eq(needs(kind), 0);
		else if (from_peers(kind))
			ck_assert_msg(needs(kind) & A, "kind %u has no row in proto/role.c", kind);
		else
			ck_assert_msg(needs(kind) == 0, "kind %u is the broker's, and peers may send it", kind);
	}
	ck_assert_uint_eq(needs(UINT32_MAX), 0);
}
END_TEST

START_TEST(test_rows)
{
	ck_assert_uint_eq(needs(MSG_CLIENT_HELLO), S | W | R | A);
	ck_assert_uint_eq(needs(MSG_PING), S | W | R | A);
	ck_assert_uint_eq(needs(MSG_SUBMIT), S | A);
	ck_assert_uint_eq(needs(MSG_SUBMIT_ALL), S | A);
	ck_assert_uint_eq(needs(MSG_CANCEL), S | A);
	ck_assert_uint_eq(needs(MSG_RETRY), S | A);
	ck_assert_uint_eq(needs(MSG_BATCH_OPEN), S | A);
	ck_assert_uint_eq(needs(MSG_WAIT), S | R | A);
	ck_assert_uint_eq(needs(MSG_RESULT_GET), S | R | A);
	ck_assert_uint_eq(needs(MSG_QUEUE_LIST), R | A);
	ck_assert_uint_eq(needs(MSG_STATS), R | A);
	ck_assert_uint_eq(needs(MSG_DEAD_LIST), R | A);
	ck_assert_uint_eq(needs(MSG_DEAD_OP), A);
	ck_assert_uint_eq(needs(MSG_WORKER_HELLO), W | A);
	ck_assert_uint_eq(needs(MSG_OUTCOMES), W | A);
	ck_assert_uint_eq(op_needs(QUEUE_SHOW), S | R | A);
	ck_assert_uint_eq(op_needs(QUEUE_PEEK), R | A);
	ck_assert_uint_eq(op_needs(QUEUE_PAUSE), A);
	ck_assert_uint_eq(op_needs(QUEUE_PURGE), A);
	ck_assert_uint_eq(op_needs(QUEUE_DELETE), A);
	ck_assert_uint_eq(op_needs(99), A);
}
END_TEST

/* Nobody but the admin may change what is not a job of his own to hand in or to run. */
START_TEST(test_read_never_changes)
{
	static const uint32_t changes[] = { MSG_SUBMIT,   MSG_CANCEL, MSG_BATCH_OPEN, MSG_BATCH_CLOSE, MSG_WORKER_HELLO,
		                            MSG_OUTCOMES, MSG_BEAT,   MSG_RETURN,     MSG_WORKER_BYE };

	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
		ck_assert_msg((needs(changes[i]) & R) == 0, "kind %u", changes[i]);
}
END_TEST

START_TEST(test_words)
{
	char to[ROLE_LIST];

	ck_assert_int_eq(role_find(span_str("submit")), S);
	ck_assert_int_eq(role_find(span_str("admin")), A);
	ck_assert_int_eq(role_find(span_str("Admin")), ROLE_NONE);
	ck_assert_int_eq(role_find(span_str("")), ROLE_NONE);
	ck_assert_str_eq(role_name(ROLE_READ), "read");
	ck_assert_str_eq(role_name(ROLE_NONE), "none");
	ck_assert_str_eq(role_list(A, to), "admin");
	ck_assert_str_eq(role_list(R | A, to), "read or admin");
	ck_assert_str_eq(role_list(S | W | R | A, to), "submit, work, read or admin");
	ck_assert_str_eq(role_list(0, to), "nobody");
}
END_TEST

/* What an edge may, and what it may not even though a client with a key of role admin may. */
START_TEST(test_edge)
{
	static const uint32_t may[] = { MSG_CLIENT_HELLO, MSG_PING,   MSG_PUBLISH,     MSG_SUBSCRIBE,
		                        MSG_CREDIT,       MSG_SETTLE, MSG_UNSUBSCRIBE, MSG_TOPIC_OP,
		                        MSG_TOPIC_LIST,   MSG_SUBMIT, MSG_STATS,       MSG_SUBMIT_ALL };
	static const uint32_t not [] = { MSG_QUEUE_SET,    MSG_DEAD_OP,  MSG_WORKER_OP, MSG_CRON_SET,
		                         MSG_WORKER_HELLO, MSG_OUTCOMES, MSG_MESSAGES };

	for (size_t i = 0; i < sizeof may / sizeof may[0]; i++)
		ck_assert_msg(role_edge_may(&(struct msg){ .h.kind = may[i] }), "kind %u", may[i]);
	for (size_t i = 0; i < sizeof not / sizeof not [0]; i++)
		ck_assert_msg(!role_edge_may(&(struct msg){ .h.kind = not [i] }), "kind %u", not [i]);
}
END_TEST

SUITE_MAIN("role", test_every_kind_has_a_row, test_rows, test_edge, test_read_never_changes, test_words)
