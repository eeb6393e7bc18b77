/* Every field at the edge of its rule and one step beyond it. A message that keeps the rules is taken
 * apart with msgpack-c, one value in it is replaced, and the codec says what it thinks. */
#include <msgpack.h>

#include "proto/codec.h"
#include "tests/unit/base/suite.h"

enum replacement {
	NUMBER, /* n */
	BELOW,  /* minus n */
	LENGTH, /* n bytes 'a' */
	COPIES, /* a list of the first element n times */
	TEXT,   /* text */
	NIL
};

struct limit {
	uint32_t kind;
	const char *path; /* indices from the message down, such as "6.0.3" */
	enum replacement what;
	uint64_t n;
	enum sheaf_error error;
	const char *text;
};

#define EDGE(kind, path, max, over)                                                                                    \
	{ kind, path, NUMBER, max, SHEAF_OK, NULL },                                                                   \
	{                                                                                                              \
		kind, path, NUMBER, (uint64_t)(max) + 1, over, NULL                                                    \
	}
#define LEAST(kind, path, min)                                                                                         \
	{ kind, path, NUMBER, min, SHEAF_OK, NULL },                                                                   \
	{                                                                                                              \
		kind, path, NUMBER, (uint64_t)(min)-1, SHEAF_E_BAD_VALUE, NULL                                         \
	}
#define BYTES(kind, path, max, over)                                                                                   \
	{ kind, path, LENGTH, max, SHEAF_OK, NULL },                                                                   \
	{                                                                                                              \
		kind, path, LENGTH, (max) + 1, over, NULL                                                              \
	}
#define LIST(kind, path, max)                                                                                          \
	{ kind, path, COPIES, max, SHEAF_OK, NULL },                                                                   \
	{                                                                                                              \
		kind, path, COPIES, (max) + 1, SHEAF_E_TOO_LARGE, NULL                                                 \
	}
#define SOME(kind, path)                                                                                               \
	{                                                                                                              \
		kind, path, COPIES, 0, SHEAF_E_BAD_VALUE, NULL                                                         \
	}
#define BAD   SHEAF_E_BAD_VALUE
#define LARGE SHEAF_E_TOO_LARGE

static const struct limit limits[] = {
	/* the header, on the way of any kind */
	{ MSG_STATS, "0", NUMBER, 0, SHEAF_E_VERSION, NULL },
	EDGE(MSG_STATS, "0", PROTO_VERSION_MAX, SHEAF_E_VERSION),
	{ MSG_STATS, "1", NUMBER, 127, SHEAF_E_UNSUPPORTED, NULL },
	{ MSG_STATS, "1", NUMBER, UINT32_MAX, SHEAF_E_UNSUPPORTED, NULL },
	{ MSG_STATS, "1", NUMBER, (uint64_t)UINT32_MAX + 1, BAD, NULL },
	EDGE(MSG_STATS, "2", UINT32_MAX, BAD),
	{ MSG_STATS, "3", NUMBER, UINT64_MAX, SHEAF_OK, NULL },
	{ MSG_STATS, "4", BELOW, 1, BAD, NULL },
	{ MSG_STATS, "5", NIL, 0, SHEAF_E_MALFORMED, NULL },

	{ MSG_CLIENT_HELLO, "6", NUMBER, 0, BAD, NULL },
	{ MSG_CLIENT_HELLO, "6", NUMBER, 2, BAD, NULL }, /* above version_max */
	{ MSG_CLIENT_HELLO, "7", NUMBER, UINT32_MAX, SHEAF_OK, NULL },
	BYTES(MSG_CLIENT_HELLO, "9", LIMIT_NAME, SHEAF_E_BAD_NAME),
	{ MSG_CLIENT_HELLO, "9", TEXT, 0, SHEAF_OK, "" },
	{ MSG_CLIENT_HELLO, "9", TEXT, 0, SHEAF_E_BAD_NAME, "a b" },

	BYTES(MSG_SUBMIT, "6", LIMIT_QUEUE_NAME, SHEAF_E_BAD_NAME),
	{ MSG_SUBMIT, "6", TEXT, 0, SHEAF_E_BAD_NAME, "" },
	{ MSG_SUBMIT, "6", TEXT, 0, SHEAF_E_BAD_NAME, "Mail" },
	{ MSG_SUBMIT, "6", NUMBER, 1, SHEAF_E_MALFORMED, NULL },
	EDGE(MSG_SUBMIT, "7", SUBMIT_WANT | SUBMIT_AGAIN | SUBMIT_AFTER_ANY, BAD),
	EDGE(MSG_SUBMIT, "8", LIMIT_PRIORITY, BAD),
	{ MSG_SUBMIT, "8", BELOW, 1, BAD, NULL },
	{ MSG_SUBMIT, "8", TEXT, 0, SHEAF_E_MALFORMED, "4" },
	{ MSG_SUBMIT, "9", NUMBER, 0, SHEAF_OK, NULL },
	EDGE(MSG_SUBMIT, "9", LIMIT_ATTEMPTS, BAD),
	{ MSG_SUBMIT, "13", TEXT, 0, BAD, "no header" },
	{ MSG_SUBMIT, "13", LENGTH, LIMIT_HEADER_BYTES + 1, LARGE, NULL },
	LIST(MSG_SUBMIT, "14", LIMIT_RECORDS),
	SOME(MSG_SUBMIT, "14"),
	BYTES(MSG_SUBMIT, "14.0", LIMIT_PAYLOAD, LARGE),
	{ MSG_SUBMIT, "14.0", NIL, 0, SHEAF_E_MALFORMED, NULL },
	EDGE(MSG_SUBMIT, "15", LIMIT_DELAY_MS, BAD),
	{ MSG_SUBMIT, "17", NUMBER, UINT64_MAX, SHEAF_OK, NULL },
	EDGE(MSG_SUBMIT, "18", LIMIT_DELAY_MS, BAD),
	EDGE(MSG_SUBMIT, "19", LIMIT_DELAY_MS, BAD),
	BYTES(MSG_SUBMIT, "20", LIMIT_KEY, LARGE),
	BYTES(MSG_SUBMIT, "21", LIMIT_NAME, SHEAF_E_BAD_NAME),
	BYTES(MSG_SUBMIT, "22", LIMIT_NAME, SHEAF_E_BAD_NAME),
	LIST(MSG_SUBMIT, "23", LIMIT_AFTER),
	EDGE(MSG_SUBMIT, "24", LIMIT_REPLICAS, BAD),
	EDGE(MSG_SUBMIT, "25", LIMIT_DELAY_MS, BAD),
	EDGE(MSG_SUBMIT, "26", LIMIT_DELAY_MS, BAD),
	BYTES(MSG_SUBMIT, "27", LIMIT_NAME, SHEAF_E_BAD_NAME),
	EDGE(MSG_SUBMIT, "28", LIMIT_DELAY_MS, BAD),

	LIST(MSG_SUBMIT_ALL, "7", LIMIT_ALL_PARTS),
	SOME(MSG_SUBMIT_ALL, "7"),
	BYTES(MSG_SUBMIT_ALL, "7.0.0", LIMIT_QUEUE_NAME, SHEAF_E_BAD_NAME),
	EDGE(MSG_SUBMIT_ALL, "7.0.1", ALL_CREATE, BAD),
	EDGE(MSG_SUBMIT_ALL, "7.0.2", LIMIT_PRIORITY, BAD),
	EDGE(MSG_SUBMIT_ALL, "7.0.3", LIMIT_ATTEMPTS, BAD),
	EDGE(MSG_SUBMIT_ALL, "7.0.5", LIMIT_DELAY_MS, BAD),
	EDGE(MSG_SUBMIT_ALL, "7.1.6", LIMIT_DELAY_MS, BAD),
	BYTES(MSG_SUBMIT_ALL, "7.1.7", LIMIT_KEY, LARGE),
	{ MSG_SUBMIT_ALL, "7.1.8", TEXT, 0, BAD, "no header" },
	{ MSG_SUBMIT_ALL, "7.0.9", NUMBER, 1, BAD, NULL }, /* itself */
	EDGE(MSG_SUBMIT_ALL, "7.1.9", 1, BAD),
	BYTES(MSG_SUBMIT_ALL, "7.0.10", LIMIT_PAYLOAD, LARGE),
	{ MSG_SUBMIT_ALL, "7.1.10", LENGTH, 1, BAD, NULL }, /* one of its own, though `same` names another */
	LIST(MSG_ALL_ACCEPTED, "6", LIMIT_ALL_PARTS),
	SOME(MSG_ALL_ACCEPTED, "6"),

	EDGE(MSG_WAIT, "6", WAIT_QUIET, BAD),
	EDGE(MSG_CANCEL, "6", CANCEL_UNSTARTED, BAD),
	LIST(MSG_WAIT, "7", LIMIT_RECORDS),
	SOME(MSG_WAIT, "7"),
	{ MSG_WAIT, "7.0", BELOW, 1, BAD, NULL },
	BYTES(MSG_QUEUE_LIST, "6", LIMIT_QUEUE_NAME, LARGE),
	LEAST(MSG_QUEUE_OP, "7", QUEUE_SHOW),
	EDGE(MSG_QUEUE_OP, "7", QUEUE_DRAIN, BAD),
	EDGE(MSG_QUEUE_OP, "8", LIMIT_PEEKED, LARGE),
	BYTES(MSG_QUEUE_SET, "6", LIMIT_QUEUE_NAME, SHEAF_E_BAD_NAME),
	LIST(MSG_QUEUE_SET, "7", LIMIT_SETTINGS),
	SOME(MSG_QUEUE_SET, "7"),
	BYTES(MSG_QUEUE_SET, "7.0.0", LIMIT_NAME, LARGE),
	BYTES(MSG_DEAD_LIST, "6", LIMIT_QUEUE_NAME, SHEAF_E_BAD_NAME),
	BYTES(MSG_DEAD_LIST, "12", LIMIT_HISTORY_ERROR, LARGE),
	LEAST(MSG_DEAD_LIST, "13", 1),
	EDGE(MSG_DEAD_LIST, "13", LIMIT_LISTED, BAD),
	BYTES(MSG_DEAD_OP, "6", LIMIT_QUEUE_NAME, SHEAF_E_BAD_NAME),
	LEAST(MSG_DEAD_OP, "7", DEAD_REDRIVE),
	EDGE(MSG_DEAD_OP, "7", DEAD_STOP, BAD),
	BYTES(MSG_DEAD_OP, "10", LIMIT_HISTORY_ERROR, LARGE),
	EDGE(MSG_DEAD_OP, "12", LIMIT_RATE, BAD),
	LIST(MSG_RETRY, "7", LIMIT_RECORDS),
	SOME(MSG_RETRY, "7"),
	EDGE(MSG_DEAD_INFO, "6", 1, BAD),
	LIST(MSG_DEAD_INFO, "10", LIMIT_LISTED),
	EDGE(MSG_DEAD_INFO, "10.0.2", UINT32_MAX, BAD),
	BYTES(MSG_DEAD_INFO, "10.0.5", LIMIT_NAME, SHEAF_E_BAD_NAME),
	BYTES(MSG_DEAD_INFO, "10.0.6", LIMIT_HISTORY_ERROR, LARGE),

	EDGE(MSG_CRON_SET, "6", CRON_REPLACE, BAD),
	BYTES(MSG_CRON_SET, "7", LIMIT_NAME, SHEAF_E_BAD_NAME),
	{ MSG_CRON_SET, "7", TEXT, 0, SHEAF_E_BAD_NAME, "" },
	BYTES(MSG_CRON_SET, "8", LIMIT_CRON_SPEC, LARGE),
	BYTES(MSG_CRON_SET, "9", LIMIT_NAME, SHEAF_E_BAD_NAME),
	{ MSG_CRON_SET, "9", TEXT, 0, SHEAF_OK, "" },
	LEAST(MSG_CRON_SET, "10", CRON_ONCE),
	EDGE(MSG_CRON_SET, "10", CRON_SKIP, BAD),
	{ MSG_CRON_SET, "11", TEXT, 0, SHEAF_E_BAD_NAME, "" },
	EDGE(MSG_CRON_SET, "12", LIMIT_PRIORITY, BAD),
	EDGE(MSG_CRON_SET, "13", LIMIT_ATTEMPTS, BAD),
	EDGE(MSG_CRON_SET, "14", LIMIT_DELAY_MS, BAD),
	EDGE(MSG_CRON_SET, "15", LIMIT_DELAY_MS, BAD),
	EDGE(MSG_CRON_SET, "16", LIMIT_DELAY_MS, BAD),
	EDGE(MSG_CRON_SET, "17", LIMIT_DELAY_MS, BAD),
	BYTES(MSG_CRON_SET, "18", LIMIT_NAME, SHEAF_E_BAD_NAME),
	BYTES(MSG_CRON_SET, "19", LIMIT_NAME, SHEAF_E_BAD_NAME),
	{ MSG_CRON_SET, "20", TEXT, 0, BAD, "no header" },
	BYTES(MSG_CRON_SET, "21", LIMIT_CRON_PAYLOAD, LARGE),
	BYTES(MSG_CRON_OP, "6", LIMIT_NAME, SHEAF_E_BAD_NAME),
	LEAST(MSG_CRON_OP, "7", CRON_RM),
	EDGE(MSG_CRON_OP, "7", CRON_NEXT, BAD),
	EDGE(MSG_CRON_OP, "8", LIMIT_CRON_NEXT, BAD),
	BYTES(MSG_CRON_OP, "9", LIMIT_CRON_SPEC, LARGE),
	BYTES(MSG_CRON_OP, "10", LIMIT_NAME, SHEAF_E_BAD_NAME),
	BYTES(MSG_CRON_LIST, "6", LIMIT_NAME, SHEAF_E_BAD_NAME),

	BYTES(MSG_CLIENT_WELCOME, "8", LIMIT_ENDPOINT, LARGE),
	BYTES(MSG_CLIENT_WELCOME, "9", LIMIT_ENDPOINT, LARGE),
	BYTES(MSG_CLIENT_WELCOME, "14", LIMIT_TEXT, LARGE),
	LIST(MSG_ACCEPTED, "6", LIMIT_RECORDS),
	EDGE(MSG_ACCEPTED, "6.0.2", LIMIT_PUBLISH, BAD),
	{ MSG_ACCEPTED, "6.0", NIL, 0, SHEAF_E_MALFORMED, NULL },
	EDGE(MSG_RESULTS, "6", 1, BAD),
	LIST(MSG_RESULTS, "7", LIMIT_RECORDS),
	EDGE(MSG_RESULTS, "7.0.1", JOB_STATES - 1, BAD),
	EDGE(MSG_RESULTS, "7.0.2", UINT32_MAX, BAD),
	EDGE(MSG_RESULTS, "7.0.3", INT32_MAX, BAD),
	{ MSG_RESULTS, "7.0.3", BELOW, (uint64_t)INT32_MAX + 1, SHEAF_OK, NULL },
	{ MSG_RESULTS, "7.0.3", BELOW, (uint64_t)INT32_MAX + 2, BAD, NULL },
	{ MSG_RESULTS, "7.0.3", NUMBER, UINT64_MAX, BAD, NULL },
	EDGE(MSG_RESULTS, "7.0.4", 1, BAD),
	BYTES(MSG_RESULTS, "7.0.8", LIMIT_ERROR, LARGE),
	BYTES(MSG_RESULTS, "7.0.9", LIMIT_PAYLOAD, LARGE),
	EDGE(MSG_REPLY, "6", SHEAF_E_UNREACHABLE - 1, BAD),
	BYTES(MSG_REPLY, "7", LIMIT_TEXT, LARGE),
	EDGE(MSG_JOB_INFO, "6.1", JOB_STATES - 1, BAD),
	BYTES(MSG_JOB_INFO, "7", LIMIT_QUEUE_NAME, LARGE),
	EDGE(MSG_JOB_INFO, "8", LIMIT_PRIORITY, BAD),
	EDGE(MSG_JOB_INFO, "9", LIMIT_ATTEMPTS, BAD),
	BYTES(MSG_JOB_INFO, "13", LIMIT_NAME, SHEAF_E_BAD_NAME),
	{ MSG_JOB_INFO, "14", TEXT, 0, BAD, "no header" },
	EDGE(MSG_QUEUE_INFO, "6", 1, BAD),
	EDGE(MSG_JOB_INFO, "15", PERCENT_UNKNOWN, BAD),
	BYTES(MSG_JOB_INFO, "16", LIMIT_PROGRESS_TEXT, LARGE),
	LIST(MSG_QUEUE_INFO, "7", LIMIT_LISTED),
	BYTES(MSG_QUEUE_INFO, "7.0.0", LIMIT_QUEUE_NAME, SHEAF_E_BAD_NAME),
	EDGE(MSG_QUEUE_INFO, "7.0.1", 1, BAD),
	{ MSG_QUEUE_INFO, "7.0.4", COPIES, JOB_STATES - 1, SHEAF_E_MALFORMED, NULL },
	{ MSG_QUEUE_INFO, "7.0.4", COPIES, JOB_STATES + 1, SHEAF_OK, NULL },
	LIST(MSG_QUEUE_INFO, "8", LIMIT_SETTINGS),
	LIST(MSG_WORKER_INFO, "7", LIMIT_LISTED),
	BYTES(MSG_WORKER_INFO, "7.0.1", LIMIT_NAME, SHEAF_E_BAD_NAME),
	BYTES(MSG_WORKER_INFO, "7.0.2", LIMIT_WORKER_QUEUES *(LIMIT_QUEUE_NAME + 1), LARGE),
	EDGE(MSG_WORKER_INFO, "7.0.3", LIMIT_SLOTS, BAD),
	LIST(MSG_STATS_INFO, "6", LIMIT_LISTED),
	BYTES(MSG_STATS_INFO, "6.0.0", LIMIT_NAME, LARGE),
	LIST(MSG_PEEKED, "6", LIMIT_PEEKED),
	EDGE(MSG_PEEKED, "6.0.1", LIMIT_PRIORITY, BAD),
	EDGE(MSG_PEEKED, "6.0.2", LIMIT_PAYLOAD, BAD),
	BYTES(MSG_PEEKED, "6.0.3", LIMIT_PEEK_BYTES, LARGE),
	EDGE(MSG_BATCH_INFO, "7", 1, BAD),
	EDGE(MSG_CRON_INFO, "7", CRON_SAME, BAD),
	LIST(MSG_CRON_INFO, "8", LIMIT_LISTED),
	BYTES(MSG_CRON_INFO, "8.0.0", LIMIT_NAME, SHEAF_E_BAD_NAME),
	EDGE(MSG_CRON_INFO, "8.0.15", 1, BAD),
	BYTES(MSG_CRON_INFO, "8.0.23", LIMIT_TEXT, LARGE),
	LIST(MSG_CRON_INFO, "9", LIMIT_CRON_NEXT),

	LEAST(MSG_WORKER_HELLO, "9", 1),
	BYTES(MSG_WORKER_HELLO, "10", LIMIT_NAME, SHEAF_E_BAD_NAME),
	{ MSG_WORKER_HELLO, "10", TEXT, 0, SHEAF_E_BAD_NAME, "" },
	LEAST(MSG_WORKER_HELLO, "11", 1),
	EDGE(MSG_WORKER_HELLO, "11", LIMIT_SLOTS, BAD),
	LIST(MSG_WORKER_HELLO, "12", LIMIT_WORKER_QUEUES),
	SOME(MSG_WORKER_HELLO, "12"),
	{ MSG_WORKER_HELLO, "12.0", TEXT, 0, SHEAF_E_BAD_NAME, "-" },
	LIST(MSG_WORKER_HELLO, "13", LIMIT_HELD),
	LEAST(MSG_WORKER_HELLO, "13.0.2", HELD_WAITING),
	EDGE(MSG_WORKER_HELLO, "13.0.2", HELD_FINISHED, BAD),
	EDGE(MSG_BEAT, "6", LIMIT_WINDOW_JOBS, BAD),
	EDGE(MSG_BEAT, "7", LIMIT_WINDOW_BYTES, BAD),
	LIST(MSG_BEAT, "9", LIMIT_LOST_RANGES),
	EDGE(MSG_BEAT, "9.0.0", 22, BAD), /* not above the last */
	LEAST(MSG_BEAT, "9.0.0", 1),
	LIST(MSG_BEAT, "10", LIMIT_SLOTS),
	LIST(MSG_RETURN, "6", LIMIT_RECORDS),
	LIST(MSG_PROGRESS, "6", LIMIT_RECORDS),
	EDGE(MSG_PROGRESS, "6.0.2", PERCENT_UNKNOWN, BAD),
	BYTES(MSG_PROGRESS, "6.0.3", LIMIT_PROGRESS_TEXT, LARGE),
	BYTES(MSG_WORKER_WELCOME, "8", LIMIT_ENDPOINT, LARGE),
	BYTES(MSG_WORKER_WELCOME, "9", LIMIT_ENDPOINT, LARGE),
	LIST(MSG_WORKER_WELCOME, "12", LIMIT_HELD),
	EDGE(MSG_SETTLED, "7", 1, BAD),
	LIST(MSG_RECALL, "6", LIMIT_RECORDS),
	LIST(MSG_REVOKE, "6", LIMIT_RECORDS),
	{ MSG_JOBS, "6", COPIES, 0, SHEAF_OK, NULL },
	LIST(MSG_JOBS, "6", LIMIT_RECORDS),
	LEAST(MSG_JOBS, "6.0.2", 1),
	EDGE(MSG_JOBS, "6.0.3", LIMIT_WORKER_QUEUES - 1, BAD),
	{ MSG_JOBS, "6.0.5", TEXT, 0, BAD, "no header" },
	BYTES(MSG_JOBS, "6.0.6", LIMIT_PAYLOAD, LARGE),
	LIST(MSG_OUTCOMES, "6", LIMIT_RECORDS),
	LEAST(MSG_OUTCOMES, "6.0.2", VERDICT_DONE),
	EDGE(MSG_OUTCOMES, "6.0.2", VERDICT_KILLED, BAD),
	BYTES(MSG_OUTCOMES, "6.0.5", LIMIT_ERROR, LARGE),
	BYTES(MSG_OUTCOMES, "6.0.6", LIMIT_PAYLOAD, LARGE),
};

/* The only element of each list of a basic message. */
static const struct span name = { (const uint8_t *)"mail", 4 };
static const uint64_t number = 21;
static const struct lease_name lease = { 21, 22 };
static const struct msg_all_part parts[] = { { .queue = { (const uint8_t *)"mail", 4 } },
	                                     { .queue = { (const uint8_t *)"post", 4 }, .same = 1 } };
static const struct msg_accepted_rec accepted = { 21, 22, 23 };
static const struct msg_result_rec result = { .id = 21 };
static const struct msg_queue_rec queue = { .name = { (const uint8_t *)"mail", 4 } };
static const struct msg_worker_rec worker = { .name = { (const uint8_t *)"mail", 4 } };
static const struct msg_stat_rec stat = { .value = 21 };
static const struct msg_setting_rec setting = { .value = 21 };
static const struct msg_dead_rec dead = { .id = 21 };
static const struct msg_peek_rec peek = { .id = 21 };
static const struct msg_range range = { 21, 22 };
static const struct msg_held_rec held = { 21, 22, HELD_RUNNING };
static const struct msg_job_rec job = { .id = 21, .attempt = 1 };
static const struct msg_progress_rec progress = { 21, 22, 23, { 0 } };
static const struct msg_cron_rec cron = {
	.cron = { .name = { (const uint8_t *)"tidy", 4 }, .missed = CRON_ONCE, .queue = { (const uint8_t *)"mail", 4 } }
};
static const struct msg_cron_time cron_time = { 21, 22 };
static const struct msg_outcome_rec outcome = { .id = 21, .verdict = VERDICT_DONE };

/* Small messages that keep the rules. Kinds that are not here do so with all fields zero. */
static const struct msg basics[] = {
	{ .h.kind = MSG_CLIENT_HELLO, .u.client_hello = { .version_min = 1, .version_max = 1 } },
	{ .h.kind = MSG_SUBMIT,
	  .u.submit = { .queue = { (const uint8_t *)"mail", 4 },
	                .attempts = 1,
	                .payloads = &name,
	                .n = 1,
	                .terms = { .after = &number, .n_after = 1, .within_ms = 1 } } },
	{ .h.kind = MSG_SUBMIT_ALL, .u.submit_all = { .v = parts, .n = 2 } },
	{ .h.kind = MSG_ALL_ACCEPTED, .u.all_accepted = { &number, 1 } },
	{ .h.kind = MSG_WAIT, .u.ids = { .ids = &number, .n = 1 } },
	{ .h.kind = MSG_CANCEL, .u.ids = { .ids = &number, .n = 1 } },
	{ .h.kind = MSG_QUEUE_OP, .u.queue_op = { .queue = { (const uint8_t *)"mail", 4 }, .op = QUEUE_PEEK } },
	{ .h.kind = MSG_QUEUE_SET, .u.queue_set = { { (const uint8_t *)"mail", 4 }, &setting, 1 } },
	{ .h.kind = MSG_CRON_SET,
	  .u.cron_set.cron = { .name = { (const uint8_t *)"tidy", 4 },
	                       .missed = CRON_ONCE,
	                       .queue = { (const uint8_t *)"mail", 4 } } },
	{ .h.kind = MSG_CRON_OP, .u.cron_op = { .op = CRON_NEXT, .zone = { (const uint8_t *)"UTC", 3 } } },
	{ .h.kind = MSG_CRON_INFO, .u.cron_info = { 0, 0, &cron, 1, &cron_time, 1 } },
	{ .h.kind = MSG_DEAD_LIST, .u.dead_list = { .queue = { (const uint8_t *)"mail", 4 }, .limit = 1 } },
	{ .h.kind = MSG_DEAD_OP, .u.dead_op = { .queue = { (const uint8_t *)"mail", 4 }, .op = DEAD_PURGE } },
	{ .h.kind = MSG_RETRY, .u.ids = { .ids = &number, .n = 1 } },
	{ .h.kind = MSG_DEAD_INFO, .u.dead_info = { .v = &dead, .n = 1 } },
	{ .h.kind = MSG_CLIENT_WELCOME, .u.client_welcome = { .version = 1 } },
	{ .h.kind = MSG_ACCEPTED, .u.accepted = { &accepted, 1 } },
	{ .h.kind = MSG_RESULTS, .u.results = { 0, &result, 1 } },
	{ .h.kind = MSG_QUEUE_INFO, .u.queue_info = { 0, &queue, 1, &setting, 1 } },
	{ .h.kind = MSG_WORKER_INFO, .u.worker_info = { 0, &worker, 1 } },
	{ .h.kind = MSG_STATS_INFO, .u.stats_info = { &stat, 1 } },
	{ .h.kind = MSG_PEEKED, .u.peeked = { &peek, 1 } },
	{ .h.kind = MSG_WORKER_HELLO,
	  .u.worker_hello = { 1, 1, 0, 1, { (const uint8_t *)"mail", 4 }, 1, &name, 1, &held, 1 } },
	{ .h.kind = MSG_BEAT, .u.beat = { 1, 1, 0, &range, 1, &number, 1 } },
	{ .h.kind = MSG_RETURN, .u.leases = { &lease, 1 } },
	{ .h.kind = MSG_PROGRESS, .u.progress = { &progress, 1 } },
	{ .h.kind = MSG_RECALL, .u.leases = { &lease, 1 } },
	{ .h.kind = MSG_REVOKE, .u.leases = { &lease, 1 } },
	{ .h.kind = MSG_WORKER_WELCOME, .u.worker_welcome = { .version = 1, .dropped = &number, .n_dropped = 1 } },
	{ .h.kind = MSG_JOBS, .u.jobs = { &job, 1 } },
	{ .h.kind = MSG_OUTCOMES, .u.outcomes = { &outcome, 1 } },
};

static void basic(struct buf *out, uint32_t kind)
{
	struct msg m = { .h.kind = kind };

	for (size_t i = 0; i < sizeof basics / sizeof basics[0]; i++)
		if (basics[i].h.kind == kind)
			m = basics[i];
	m.h = (struct msg_header){ 1, kind, 0, 1, 2, 3 };
	msg_encode(out, &m);
}

/* What replaces `o`; *array is memory that the caller frees. */
static void replace(msgpack_object *o, const struct limit *l, void **array)
{
	msgpack_object first = o->type == MSGPACK_OBJECT_ARRAY ? o->via.array.ptr[0] : *o;

	switch (l->what) {
	case NUMBER:
		o->type = MSGPACK_OBJECT_POSITIVE_INTEGER;
		o->via.u64 = l->n;
		break;
	case BELOW:
		o->type = MSGPACK_OBJECT_NEGATIVE_INTEGER;
		o->via.i64 = -(int64_t)l->n;
		break;
	case LENGTH:
		*array = memset(malloc(l->n), 'a', l->n);
		o->type = MSGPACK_OBJECT_BIN;
		o->via.bin.ptr = *array;
		o->via.bin.size = (uint32_t)l->n;
		break;
	case COPIES:
		*array = malloc(l->n * sizeof first + 1);
		o->type = MSGPACK_OBJECT_ARRAY;
		o->via.array.ptr = *array;
		o->via.array.size = (uint32_t)l->n;
		for (uint64_t i = 0; i < l->n; i++)
			o->via.array.ptr[i] = first;
		break;
	case TEXT:
		o->type = MSGPACK_OBJECT_STR;
		o->via.str.ptr = l->text;
		o->via.str.size = (uint32_t)strlen(l->text);
		break;
	case NIL:
		o->type = MSGPACK_OBJECT_NIL;
		break;
	}
}

START_TEST(test_limits)
{
	const struct limit *l = &limits[_i];
	struct msg_room *room = msg_room_new();
	const char *why = NULL, *p = l->path;
	enum sheaf_error e;
	msgpack_unpacked tree;
	msgpack_sbuffer packed;
	msgpack_packer packer;
	msgpack_object *o;
	void *array = NULL;
	struct buf out;
	size_t at = 0;
	struct msg m;

	buf_init(&out);
	msgpack_unpacked_init(&tree);
	msgpack_sbuffer_init(&packed);
	msgpack_packer_init(&packer, &packed, msgpack_sbuffer_write);
	basic(&out, l->kind);
	ck_assert_int_eq(msg_decode(buf_span(&out), room, &m, &why), SHEAF_OK);
	ck_assert_int_eq(msgpack_unpack_next(&tree, (const char *)out.p, out.n, &at), MSGPACK_UNPACK_SUCCESS);
	for (o = &tree.data; *p;) {
		char *end;
		unsigned long i = strtoul(p, &end, 10);

		ck_assert(o->type == MSGPACK_OBJECT_ARRAY && i < o->via.array.size);
		o = &o->via.array.ptr[i];
		p = *end ? end + 1 : end;
	}
	replace(o, l, &array);
	msgpack_pack_object(&packer, tree.data);
	e = msg_decode(span_of(packed.data, packed.size), room, &m, &why);
	ck_assert_msg(e == l->error, "kind %u, %s, %d of %llu: %s (%s), not %s", l->kind, l->path, (int)l->what,
	              (unsigned long long)l->n, sheaf_error_name(e), why ? why : "-", sheaf_error_name(l->error));
	ck_assert(e == SHEAF_OK || why != NULL);
	free(array);
	msgpack_sbuffer_destroy(&packed);
	msgpack_unpacked_destroy(&tree);
	buf_fini(&out);
	msg_room_free(room);
}
END_TEST

START_TEST(test_whole_message)
{
	/* more than LIMIT_MESSAGE, in a field that would be skipped */
	struct msg_room *room = msg_room_new();
	struct buf out;
	const char *why;
	struct msg m;
	size_t n = LIMIT_MESSAGE;

	buf_init(&out);
	buf_put(&out, "\x97\x01\x0a\x00\x01\x02\x03\xc6", 8);
	buf_put(&out, (const uint8_t[]){ (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n }, 4);
	memset(buf_room(&out, n), 0, n);
	out.n += n;
	ck_assert_int_eq(msg_decode(buf_span(&out), room, &m, &why), SHEAF_E_TOO_LARGE);
	ck_assert_uint_eq(m.h.number, 3);
	buf_fini(&out);
	msg_room_free(room);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("limits");
	TCase *tc = tcase_create("limits");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_limits, 0, (int)(sizeof limits / sizeof limits[0]));
	tcase_add_test(tc, test_whole_message);
	suite_add_tcase(s, tc);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
