/* The tables of fields.h, in the order of the wire. PROTOCOL.md has the same tables for people: change
 * both, and add fields at the end only. */
#include "proto/fields.h"

#include "proto/records.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A field `name` of the record `of`, or (MSG) the member `name` of struct msg's union. */
#define NUM(type_, of, name, min_, max_, why_)                                                                         \
	{                                                                                                              \
		.type = (type_), .at = offsetof(of, name), .min = (min_), .max = (max_), .why = (why_)                 \
	}
/* The same for a field that may be missing at the end. */
#define OPT(type_, of, name, min_, max_, why_)                                                                         \
	{                                                                                                              \
		.type = (type_), .optional = true, .at = offsetof(of, name), .min = (min_), .max = (max_),             \
		.why = (why_)                                                                                          \
	}
#define U32(of, name, min_, max_, why_) NUM(FIELD_U32, of, name, min_, max_, why_)
#define U64(of, name, why_)             NUM(FIELD_U64, of, name, 0, UINT64_MAX, why_)
#define WIDE(of, name, why_)            NUM(FIELD_WIDE, of, name, 0, UINT64_MAX, why_)
#define I32(of, name, why_)             NUM(FIELD_I32, of, name, 0, 0, why_)
#define BYTES(of, name, max_, why_)     NUM(FIELD_BYTES, of, name, 0, max_, why_)
#define TEXT(of, name, max_, why_)      NUM(FIELD_TEXT, of, name, 0, max_, why_)
#define QUEUE(of, name)                 NUM(FIELD_QUEUE, of, name, 1, LIMIT_QUEUE_NAME, QUEUE_RULE)
#define NAME(of, name, min_, why_)      NUM(FIELD_NAME, of, name, min_, LIMIT_NAME, why_)
#define HEADERS(of, name)               NUM(FIELD_HEADERS, of, name, 0, LIMIT_HEADER_BYTES, HEADERS_RULE)
#define LIST(v_, n_, record_, min_, max_, why_)                                                                        \
	{                                                                                                              \
		.type = FIELD_LIST, .at = offsetof(struct msg, v_), .count_at = offsetof(struct msg, n_),              \
		.min = (min_), .max = (max_), .record = (record_), .why = (why_)                                       \
	}
#define OPT_LIST(v_, n_, record_, max_, why_)                                                                          \
	{                                                                                                              \
		.type = FIELD_LIST, .optional = true, .at = offsetof(struct msg, v_),                                  \
		.count_at = offsetof(struct msg, n_), .max = (max_), .record = (record_), .why = (why_)                \
	}
#define RECORD(struct_, fields_, bare_, why_, ...)                                                                     \
	{                                                                                                              \
		.size = sizeof(struct_), .n = COUNT(fields_), .bare = (bare_), .fields = (fields_), .why = (why_),     \
		__VA_ARGS__                                                                                            \
	}

#define QUEUE_RULE   "queue: a name [a-z0-9][a-z0-9._-]{0,55}"
#define HEADERS_RULE "headers: NAME=VALUE, each ended by a NUL, at most 64 in 8 KiB, names [A-Za-z0-9_-]{1,64}"

/* records */

static const struct field accepted_fields[] = {
	WIDE(struct msg_accepted_rec, number, "accepted.number: a whole number"),
	WIDE(struct msg_accepted_rec, first, "accepted.first: a job's id"),
	U32(struct msg_accepted_rec, count, 0, LIMIT_RECORDS, "accepted.count: 0 to 1024"),
};
static const struct record accepted_record =
    RECORD(struct msg_accepted_rec, accepted_fields, false, "accepted: records [number, first, count]",
           .read = records_read_accepted, .write = records_write_accepted);

static const struct field result_fields[] = {
	WIDE(struct msg_result_rec, id, "result.id: a job's id"),
	U32(struct msg_result_rec, state, 0, JOB_STATES - 1, "result.state: 0 to 8"),
	U32(struct msg_result_rec, attempt, 0, UINT32_MAX, "result.attempt: a whole number of 32 bits"),
	I32(struct msg_result_rec, exit, "result.exit: a whole number of 32 bits"),
	U32(struct msg_result_rec, gone, 0, 1, "result.gone: 0 or 1"),
	WIDE(struct msg_result_rec, submitted_ms, "result.submitted_ms: a whole number"),
	WIDE(struct msg_result_rec, started_ms, "result.started_ms: a whole number"),
	WIDE(struct msg_result_rec, finished_ms, "result.finished_ms: a whole number"),
	BYTES(struct msg_result_rec, error, LIMIT_ERROR, "result.error: at most 4096 bytes"),
	BYTES(struct msg_result_rec, result, LIMIT_PAYLOAD, "result.result: at most 16 MiB"),
};
static const struct record result_record =
    RECORD(struct msg_result_rec, result_fields, false, "results: records of 10 fields", .read = records_read_result,
           .write = records_write_result);

static const struct field job_fields[] = {
	WIDE(struct msg_job_rec, id, "job.id: a job's id"),
	WIDE(struct msg_job_rec, token, "job.token: a whole number"),
	U32(struct msg_job_rec, attempt, 1, UINT32_MAX, "job.attempt: from 1"),
	U32(struct msg_job_rec, queue, 0, LIMIT_WORKER_QUEUES - 1, "job.queue: 0 to 63"),
	U64(struct msg_job_rec, lease_ms, "job.lease_ms: a whole number"),
	HEADERS(struct msg_job_rec, headers),
	BYTES(struct msg_job_rec, payload, LIMIT_PAYLOAD, "job.payload: at most 16 MiB"),
	OPT(FIELD_U64, struct msg_job_rec, expires_ms, 0, UINT64_MAX, "job.expires_ms: a whole number"),
};
static const struct record job_record = RECORD(struct msg_job_rec, job_fields, false, "jobs: records of 7 or 8 fields",
                                               .read = records_read_job, .write = records_write_job);

static const struct field outcome_fields[] = {
	WIDE(struct msg_outcome_rec, id, "outcome.id: a job's id"),
	WIDE(struct msg_outcome_rec, token, "outcome.token: a whole number"),
	U32(struct msg_outcome_rec, verdict, VERDICT_DONE, VERDICT_KILLED, "outcome.verdict: 1 to 3"),
	I32(struct msg_outcome_rec, exit, "outcome.exit: a whole number of 32 bits"),
	U64(struct msg_outcome_rec, run_ms, "outcome.run_ms: a whole number"),
	BYTES(struct msg_outcome_rec, error, LIMIT_ERROR, "outcome.error: at most 4096 bytes"),
	BYTES(struct msg_outcome_rec, result, LIMIT_PAYLOAD, "outcome.result: at most 16 MiB"),
};
static const struct record outcome_record =
    RECORD(struct msg_outcome_rec, outcome_fields, false, "outcomes: records of 7 fields", .read = records_read_outcome,
           .write = records_write_outcome);

static const struct field progress_fields[] = {
	WIDE(struct msg_progress_rec, id, "progress.id: a job's id"),
	WIDE(struct msg_progress_rec, token, "progress.token: a whole number"),
	U32(struct msg_progress_rec, percent, 0, PERCENT_UNKNOWN, "progress.percent: 0 to 100, or 255: not known"),
	TEXT(struct msg_progress_rec, text, LIMIT_PROGRESS_TEXT, "progress.text: at most 256 bytes"),
};
static const struct record progress_record =
    RECORD(struct msg_progress_rec, progress_fields, false, "progress: records [id, token, percent, text]");

static const struct field attempt_fields[] = {
	U64(struct msg_attempt_rec, started_ms, "attempt.started_ms: a whole number"),
	U64(struct msg_attempt_rec, run_ms, "attempt.run_ms: a whole number"),
	I32(struct msg_attempt_rec, exit, "attempt.exit: a whole number of 32 bits"),
	U32(struct msg_attempt_rec, verdict, 1, ATTEMPT_LOST, "attempt.verdict: 1 to 4"),
	NAME(struct msg_attempt_rec, worker, 0, "attempt.worker: at most 64 printable bytes without space or comma"),
	BYTES(struct msg_attempt_rec, error, LIMIT_HISTORY_ERROR, "attempt.error: at most 256 bytes"),
};
static const struct record attempt_record =
    RECORD(struct msg_attempt_rec, attempt_fields, false, "history: records of 6 fields");

static const struct field payload_fields[] = {
	{ .type = FIELD_BYTES, .max = LIMIT_PAYLOAD, .why = "payload: at most 16 MiB" },
};
static const struct record payload_record =
    RECORD(struct span, payload_fields, true, NULL, .read = records_read_payload, .write = records_write_payload);

static const struct field queue_fields[] = {
	QUEUE(struct msg_queue_rec, name),
	U32(struct msg_queue_rec, paused, 0, 1, "queue.paused: 0 or 1"),
	U32(struct msg_queue_rec, workers, 0, UINT32_MAX, "queue.workers: a whole number of 32 bits"),
	U64(struct msg_queue_rec, submitted, "queue.submitted: a whole number"),
	NUM(FIELD_STATES, struct msg_queue_rec, states, 0, 0, "queue.states: nine whole numbers"),
	U64(struct msg_queue_rec, kept, "queue.kept: a whole number"),
	U64(struct msg_queue_rec, kept_bytes, "queue.kept_bytes: a whole number"),
	U64(struct msg_queue_rec, oldest_ms, "queue.oldest_ms: a whole number"),
};
static const struct record queue_record =
    RECORD(struct msg_queue_rec, queue_fields, false, "queues: records of 8 fields");

static const struct field worker_fields[] = {
	WIDE(struct msg_worker_rec, session, "worker.session: a whole number"),
	NAME(struct msg_worker_rec, name, 1, "worker.name: 1 to 64 printable bytes without space or comma"),
	TEXT(struct msg_worker_rec, queues, LIMIT_WORKER_QUEUES *(LIMIT_QUEUE_NAME + 1),
	     "worker.queues: at most 3648 bytes"),
	U32(struct msg_worker_rec, slots, 0, LIMIT_SLOTS, "worker.slots: 0 to 1024"),
	U32(struct msg_worker_rec, running, 0, UINT32_MAX, "worker.running: a whole number of 32 bits"),
	U32(struct msg_worker_rec, outstanding, 0, UINT32_MAX, "worker.outstanding: a whole number of 32 bits"),
	U64(struct msg_worker_rec, window_jobs, "worker.window_jobs: a whole number"),
	U64(struct msg_worker_rec, done, "worker.done: a whole number"),
	U64(struct msg_worker_rec, silent_ms, "worker.silent_ms: a whole number"),
	OPT(FIELD_U32, struct msg_worker_rec, draining, 0, 1, "worker.draining: 0 or 1"),
};
static const struct record worker_record =
    RECORD(struct msg_worker_rec, worker_fields, false, "workers: records of 9 or 10 fields");

static const struct field stat_fields[] = {
	TEXT(struct msg_stat_rec, name, LIMIT_NAME, "stat.name: at most 64 bytes"),
	U64(struct msg_stat_rec, value, "stat.value: a whole number"),
};
static const struct record stat_record =
    RECORD(struct msg_stat_rec, stat_fields, false, "stats: records [name, value]");

static const struct field setting_fields[] = {
	TEXT(struct msg_setting_rec, name, LIMIT_NAME, "setting.name: at most 64 bytes"),
	U64(struct msg_setting_rec, value, "setting.value: a whole number"),
};
static const struct record setting_record =
    RECORD(struct msg_setting_rec, setting_fields, false, "settings: records [name, value]");

static const struct field peek_fields[] = {
	WIDE(struct msg_peek_rec, id, "peek.id: a job's id"),
	U32(struct msg_peek_rec, priority, 0, LIMIT_PRIORITY, "peek.priority: 0 to 9"),
	U32(struct msg_peek_rec, size, 0, LIMIT_PAYLOAD, "peek.size: at most 16 MiB"),
	BYTES(struct msg_peek_rec, payload, LIMIT_PEEK_BYTES, "peek.payload: at most 4 KiB"),
};
static const struct record peek_record = RECORD(struct msg_peek_rec, peek_fields, false, "peeked: records of 4 fields");

/* The schedule at `at` in `of`. Terms that a job may do without are at the end. */
#define CRON_FIELDS(of, at)                                                                                            \
	NAME(of, at.name, 1, "cron.name: 1 to 64 printable bytes without space or comma"),                             \
	    TEXT(of, at.spec, LIMIT_CRON_SPEC, "cron.spec: at most 256 bytes"),                                        \
	    NAME(of, at.zone, 0, "cron.zone: at most 64 printable bytes without space or comma"),                      \
	    U32(of, at.missed, CRON_ONCE, CRON_SKIP, "cron.missed: 1 once, 2 skip"), QUEUE(of, at.queue),              \
	    U32(of, at.priority, 0, LIMIT_PRIORITY, "cron.priority: 0 to 9"),                                          \
	    U32(of, at.attempts, 0, LIMIT_ATTEMPTS, "cron.attempts: 0 to 200"),                                        \
	    NUM(FIELD_U64, of, at.lease_ms, 0, LIMIT_DELAY_MS, "cron.lease_ms: at most ten years"),                    \
	    NUM(FIELD_U64, of, at.backoff_ms, 0, LIMIT_DELAY_MS, "cron.backoff_ms: at most ten years"),                \
	    NUM(FIELD_U64, of, at.backoff_max_ms, 0, LIMIT_DELAY_MS, "cron.backoff_max_ms: at most ten years"),        \
	    NUM(FIELD_U64, of, at.within_ms, 0, LIMIT_DELAY_MS, "cron.within_ms: at most ten years"),                  \
	    NAME(of, at.tenant, 0, "cron.tenant: at most 64 printable bytes without space or comma"),                  \
	    NAME(of, at.group, 0, "cron.group: at most 64 printable bytes without space or comma"),                    \
	    HEADERS(of, at.headers), BYTES(of, at.payload, LIMIT_CRON_PAYLOAD, "cron.payload: at most 4 KiB")
#define CRON_TIME(of, at, why_) WIDE(of, at.at_ms, why_), I32(of, at.offset_s, why_)

static const struct field cron_fields[] = {
	CRON_FIELDS(struct msg_cron_rec, cron),
	U32(struct msg_cron_rec, paused, 0, 1, "cron.paused: 0 or 1"),
	CRON_TIME(struct msg_cron_rec, next, "cron.next: a time and its offset"),
	CRON_TIME(struct msg_cron_rec, last, "cron.last: a time and its offset"),
	WIDE(struct msg_cron_rec, last_job, "cron.last_job: a job's id"),
	U64(struct msg_cron_rec, submitted, "cron.submitted: a whole number"),
	U64(struct msg_cron_rec, missed, "cron.missed: a whole number"),
	TEXT(struct msg_cron_rec, trouble, LIMIT_TEXT, "cron.trouble: at most 1024 bytes"),
};
static const struct record cron_record = RECORD(struct msg_cron_rec, cron_fields, false, "crons: records of 24 fields");

static const struct field cron_time_fields[] = {
	WIDE(struct msg_cron_time, at_ms, "times.at_ms: a whole number"),
	I32(struct msg_cron_time, offset_s, "times.offset_s: a whole number of 32 bits"),
};
static const struct record cron_time_record =
    RECORD(struct msg_cron_time, cron_time_fields, false, "times: records [at_ms, offset_s]");

static const struct field range_fields[] = {
	NUM(FIELD_U64, struct msg_range, first, 1, UINT64_MAX, "lost.first: from 1"),
	NUM(FIELD_U64, struct msg_range, last, 1, UINT64_MAX, "lost.last: from 1"),
};
static const struct record range_record = RECORD(struct msg_range, range_fields, false, "lost: records [first, last]");

static const struct field held_fields[] = {
	WIDE(struct msg_held_rec, id, "held.id: a job's id"),
	WIDE(struct msg_held_rec, token, "held.token: a whole number"),
	U32(struct msg_held_rec, state, HELD_WAITING, HELD_FINISHED, "held.state: 1 to 3"),
};
static const struct record held_record =
    RECORD(struct msg_held_rec, held_fields, false, "held: records [id, token, state]");

static const struct field lease_fields[] = {
	WIDE(struct lease_name, id, "lease.id: a job's id"),
	WIDE(struct lease_name, token, "lease.token: a whole number"),
};
static const struct record lease_record = RECORD(struct lease_name, lease_fields, false, "leases: records [id, token]");

static const struct field number_fields[] = {
	{ .type = FIELD_WIDE, .max = UINT64_MAX, .why = "a list of whole numbers" },
};
static const struct record number_record = RECORD(uint64_t, number_fields, true, NULL);

static const struct field queue_name_fields[] = {
	{ .type = FIELD_QUEUE, .min = 1, .max = LIMIT_QUEUE_NAME, .why = QUEUE_RULE },
};
static const struct record queue_name_record = RECORD(struct span, queue_name_fields, true, NULL);

/* bodies */

#define VERSION_RANGE(of)                                                                                              \
	U32(struct msg, u.of.version_min, 1, UINT32_MAX, "version_min: from 1"),                                       \
	    U32(struct msg, u.of.version_max, 1, UINT32_MAX, "version_max: from 1"),                                   \
	    U64(struct msg, u.of.features, "features: a whole number")

static const struct field client_hello[] = {
	VERSION_RANGE(client_hello),
	NAME(struct msg, u.client_hello.name, 0, "name: at most 64 printable bytes without space or comma"),
};
static const struct field submit[] = {
	QUEUE(struct msg, u.submit.queue),
	U32(struct msg, u.submit.flags, 0, SUBMIT_WANT | SUBMIT_AGAIN | SUBMIT_AFTER_ANY,
	    "flags: 1 want, 2 again, 4 after-any, no other"),
	U32(struct msg, u.submit.priority, 0, LIMIT_PRIORITY, "priority: 0 to 9"),
	U32(struct msg, u.submit.attempts, 0, LIMIT_ATTEMPTS, "attempts: 0 to 200"),
	U64(struct msg, u.submit.lease_ms, "lease_ms: a whole number"),
	U64(struct msg, u.submit.batch, "batch: a batch's id, or 0"),
	U64(struct msg, u.submit.answered, "answered: a whole number"),
	HEADERS(struct msg, u.submit.headers),
	LIST(u.submit.payloads, u.submit.n, &payload_record, 1, LIMIT_RECORDS, "payloads: a list of 1 to 1024"),
	OPT(FIELD_U64, struct msg, u.submit.terms.delay_ms, 0, LIMIT_DELAY_MS, "delay_ms: at most ten years"),
	OPT(FIELD_U64, struct msg, u.submit.terms.at_ms, 0, UINT64_MAX, "at_ms: a whole number"),
	OPT(FIELD_U64, struct msg, u.submit.terms.expires_ms, 0, UINT64_MAX, "expires_ms: a whole number"),
	OPT(FIELD_U64, struct msg, u.submit.terms.backoff_ms, 0, LIMIT_DELAY_MS, "backoff_ms: at most ten years"),
	OPT(FIELD_U64, struct msg, u.submit.terms.backoff_max_ms, 0, LIMIT_DELAY_MS,
	    "backoff_max_ms: at most ten years"),
	OPT(FIELD_BYTES, struct msg, u.submit.terms.key, 0, LIMIT_KEY, "key: at most 256 bytes"),
	OPT(FIELD_NAME, struct msg, u.submit.terms.tenant, 0, LIMIT_NAME,
	    "tenant: at most 64 printable bytes without space or comma"),
	OPT(FIELD_NAME, struct msg, u.submit.terms.group, 0, LIMIT_NAME,
	    "group: at most 64 printable bytes without space or comma"),
	OPT_LIST(u.submit.terms.after, u.submit.terms.n_after, &number_record, LIMIT_AFTER,
	         "after: a list of at most 64"),
	OPT(FIELD_U32, struct msg, u.submit.terms.replicas, 0, LIMIT_REPLICAS, "replicas: at most 16"),
	OPT(FIELD_U64, struct msg, u.submit.terms.hedge_ms, 0, LIMIT_DELAY_MS, "hedge_ms: at most ten years"),
	OPT(FIELD_U64, struct msg, u.submit.terms.race_ms, 0, LIMIT_DELAY_MS, "race_ms: at most ten years"),
	OPT(FIELD_NAME, struct msg, u.submit.terms.topic, 0, LIMIT_NAME,
	    "topic: at most 64 printable bytes without space or comma"),
	OPT(FIELD_U64, struct msg, u.submit.terms.within_ms, 0, LIMIT_DELAY_MS, "within_ms: at most ten years"),
};
static const struct field ids[] = {
	U32(struct msg, u.ids.flags, 0, 1, "flags: 1, no other"),
	LIST(u.ids.ids, u.ids.n, &number_record, 1, LIMIT_RECORDS, "ids: a list of 1 to 1024"),
};
static const struct field one[] = { U64(struct msg, u.one.id, "id: a whole number") };
static const struct field queue_list[] = {
	TEXT(struct msg, u.queue_list.after, LIMIT_QUEUE_NAME, "after: at most 56 bytes"),
};
static const struct field queue_op[] = {
	QUEUE(struct msg, u.queue_op.queue),
	U32(struct msg, u.queue_op.op, QUEUE_SHOW, QUEUE_DELETE, "op: 1 to 6"),
	U64(struct msg, u.queue_op.arg, "arg: a whole number"),
};
static const struct field worker_op[] = {
	NAME(struct msg, u.worker_op.name, 1, "name: 1 to 64 printable bytes without space or comma"),
	U32(struct msg, u.worker_op.op, WORKER_DRAIN, WORKER_RESUME, "op: 1 or 2"),
};
static const struct field queue_set[] = {
	QUEUE(struct msg, u.queue_set.queue),
	LIST(u.queue_set.v, u.queue_set.n, &setting_record, 1, LIMIT_SETTINGS, "settings: a list of 1 to 64"),
};
static const struct field cron_set[] = {
	U32(struct msg, u.cron_set.flags, 0, CRON_REPLACE, "flags: 1 replace, no other"),
	CRON_FIELDS(struct msg, u.cron_set.cron),
};
static const struct field cron_op[] = {
	NAME(struct msg, u.cron_op.name, 0, "name: at most 64 printable bytes without space or comma"),
	U32(struct msg, u.cron_op.op, CRON_RM, CRON_NEXT, "op: 1 to 4"),
	OPT(FIELD_U32, struct msg, u.cron_op.times, 0, LIMIT_CRON_NEXT, "times: at most 100"),
	OPT(FIELD_TEXT, struct msg, u.cron_op.spec, 0, LIMIT_CRON_SPEC, "spec: at most 256 bytes"),
	OPT(FIELD_NAME, struct msg, u.cron_op.zone, 0, LIMIT_NAME,
	    "zone: at most 64 printable bytes without space or comma"),
};
static const struct field cron_list[] = {
	NAME(struct msg, u.cron_list.after, 0, "after: at most 64 printable bytes without space or comma"),
};
static const struct field worker_list[] = { U64(struct msg, u.worker_list.after, "after: a whole number") };
static const struct field ping[] = { U64(struct msg, u.ping.pushed, "pushed: a whole number") };
static const struct field client_welcome[] = {
	U32(struct msg, u.client_welcome.version, 1, UINT32_MAX, "version: from 1"),
	U64(struct msg, u.client_welcome.features, "features: a whole number"),
	TEXT(struct msg, u.client_welcome.results, LIMIT_ENDPOINT, "results: at most 256 bytes"),
	TEXT(struct msg, u.client_welcome.workers, LIMIT_ENDPOINT, "workers: at most 256 bytes"),
	U64(struct msg, u.client_welcome.payload_max, "payload_max: a whole number"),
	U32(struct msg, u.client_welcome.records_max, 0, UINT32_MAX, "records_max: a whole number of 32 bits"),
	U32(struct msg, u.client_welcome.waits_max, 0, UINT32_MAX, "waits_max: a whole number of 32 bits"),
	U64(struct msg, u.client_welcome.beat_ms, "beat_ms: a whole number"),
	TEXT(struct msg, u.client_welcome.software, LIMIT_TEXT, "software: at most 1024 bytes"),
};
static const struct field accepted[] = {
	LIST(u.accepted.v, u.accepted.n, &accepted_record, 0, LIMIT_RECORDS, "accepted: a list of at most 1024"),
};
static const struct field results[] = {
	U32(struct msg, u.results.answer, 0, 1, "answer: 0 or 1"),
	LIST(u.results.v, u.results.n, &result_record, 0, LIMIT_RECORDS, "results: a list of at most 1024"),
};
static const struct field reply[] = {
	U32(struct msg, u.reply.error, 0, SHEAF_E_UNREACHABLE - 1, "error: 0 to 63"),
	TEXT(struct msg, u.reply.text, LIMIT_TEXT, "text: at most 1024 bytes"),
	U64(struct msg, u.reply.value, "value: a whole number"),
};
static const struct field job_info[] = {
	{ .type = FIELD_RECORD,
	  .at = offsetof(struct msg, u.job_info.rec),
	  .record = &result_record,
	  .why = "rec: a record of 10 fields" },
	TEXT(struct msg, u.job_info.queue, LIMIT_QUEUE_NAME, "queue: at most 56 bytes"),
	U32(struct msg, u.job_info.priority, 0, LIMIT_PRIORITY, "priority: 0 to 9"),
	U32(struct msg, u.job_info.attempts, 0, LIMIT_ATTEMPTS, "attempts: 0 to 200"),
	U32(struct msg, u.job_info.deliveries, 0, UINT32_MAX, "deliveries: a whole number of 32 bits"),
	U64(struct msg, u.job_info.batch, "batch: a whole number"),
	U64(struct msg, u.job_info.size, "size: a whole number"),
	NAME(struct msg, u.job_info.worker, 0, "worker: at most 64 printable bytes without space or comma"),
	HEADERS(struct msg, u.job_info.headers),
	U32(struct msg, u.job_info.percent, 0, PERCENT_UNKNOWN, "percent: 0 to 100, or 255: not known"),
	TEXT(struct msg, u.job_info.progress, LIMIT_PROGRESS_TEXT, "progress: at most 256 bytes"),
	OPT(FIELD_U64, struct msg, u.job_info.due_ms, 0, UINT64_MAX, "due_ms: a whole number"),
	OPT(FIELD_U64, struct msg, u.job_info.expires_ms, 0, UINT64_MAX, "expires_ms: a whole number"),
	OPT(FIELD_U64, struct msg, u.job_info.lease_ms, 0, UINT64_MAX, "lease_ms: a whole number"),
	OPT(FIELD_U64, struct msg, u.job_info.backoff_ms, 0, UINT64_MAX, "backoff_ms: a whole number"),
	OPT_LIST(u.job_info.history, u.job_info.n_history, &attempt_record, LIMIT_HISTORY,
	         "history: a list of at most 16"),
	OPT(FIELD_NAME, struct msg, u.job_info.tenant, 0, LIMIT_NAME,
	    "tenant: at most 64 printable bytes without space or comma"),
	OPT(FIELD_NAME, struct msg, u.job_info.group, 0, LIMIT_NAME,
	    "group: at most 64 printable bytes without space or comma"),
};
static const struct field queue_info[] = {
	U32(struct msg, u.queue_info.more, 0, 1, "more: 0 or 1"),
	LIST(u.queue_info.v, u.queue_info.n, &queue_record, 0, LIMIT_LISTED, "queues: a list of at most 256"),
	OPT_LIST(u.queue_info.settings, u.queue_info.n_settings, &setting_record, LIMIT_SETTINGS,
	         "settings: a list of at most 64"),
};
static const struct field worker_info[] = {
	U32(struct msg, u.worker_info.more, 0, 1, "more: 0 or 1"),
	LIST(u.worker_info.v, u.worker_info.n, &worker_record, 0, LIMIT_LISTED, "workers: a list of at most 256"),
};
static const struct field stats_info[] = {
	LIST(u.stats_info.v, u.stats_info.n, &stat_record, 0, LIMIT_LISTED, "stats: a list of at most 256"),
};
static const struct field peeked[] = {
	LIST(u.peeked.v, u.peeked.n, &peek_record, 0, LIMIT_PEEKED, "peeked: a list of at most 32"),
};
static const struct field batch_info[] = {
	U64(struct msg, u.batch_info.batch, "batch: a batch's id"),
	U32(struct msg, u.batch_info.closed, 0, 1, "closed: 0 or 1"),
	U64(struct msg, u.batch_info.total, "total: a whole number"),
	U64(struct msg, u.batch_info.ended, "ended: a whole number"),
	U64(struct msg, u.batch_info.failed, "failed: a whole number"),
};
static const struct field cron_info[] = {
	U32(struct msg, u.cron_info.more, 0, 1, "more: 0 or 1"),
	U32(struct msg, u.cron_info.did, CRON_LISTED, CRON_SAME, "did: 0 to 3"),
	LIST(u.cron_info.v, u.cron_info.n, &cron_record, 0, LIMIT_LISTED, "crons: a list of at most 256"),
	OPT_LIST(u.cron_info.times, u.cron_info.n_times, &cron_time_record, LIMIT_CRON_NEXT,
	         "times: a list of at most 100"),
};
static const struct field worker_hello[] = {
	VERSION_RANGE(worker_hello),
	NUM(FIELD_WIDE, struct msg, u.worker_hello.instance, 1, UINT64_MAX, "instance: a random number, not 0"),
	NAME(struct msg, u.worker_hello.name, 1, "name: 1 to 64 printable bytes without space or comma"),
	U32(struct msg, u.worker_hello.slots, 1, LIMIT_SLOTS, "slots: 1 to 1024"),
	LIST(u.worker_hello.queues, u.worker_hello.n_queues, &queue_name_record, 1, LIMIT_WORKER_QUEUES,
	     "queues: a list of 1 to 64"),
	LIST(u.worker_hello.held, u.worker_hello.n_held, &held_record, 0, LIMIT_HELD, "held: a list of at most 32768"),
	OPT(FIELD_U32, struct msg, u.worker_hello.draining, 0, 1, "draining: 0 or 1"),
};
static const struct field nonce[] = { WIDE(struct msg, u.nonce.nonce, "nonce: a whole number") };
static const struct field beat[] = {
	NUM(FIELD_U64, struct msg, u.beat.window_jobs, 0, LIMIT_WINDOW_JOBS, "window_jobs: 0 to 16384"),
	NUM(FIELD_U64, struct msg, u.beat.window_bytes, 0, LIMIT_WINDOW_BYTES, "window_bytes: 0 to 256 MiB"),
	U64(struct msg, u.beat.received, "received: a whole number"),
	LIST(u.beat.lost, u.beat.n_lost, &range_record, 0, LIMIT_LOST_RANGES, "lost: a list of at most 64"),
	LIST(u.beat.started, u.beat.n_started, &number_record, 0, LIMIT_SLOTS, "started: a list of at most 1024"),
};
static const struct field leases[] = {
	LIST(u.leases.v, u.leases.n, &lease_record, 0, LIMIT_RECORDS, "leases: a list of at most 1024"),
};
static const struct field progress[] = {
	LIST(u.progress.v, u.progress.n, &progress_record, 0, LIMIT_RECORDS, "progress: a list of at most 1024"),
};
static const struct field worker_bye[] = { U64(struct msg, u.worker_bye.last, "last: a whole number") };
static const struct field worker_welcome[] = {
	U32(struct msg, u.worker_welcome.version, 1, UINT32_MAX, "version: from 1"),
	U64(struct msg, u.worker_welcome.features, "features: a whole number"),
	TEXT(struct msg, u.worker_welcome.jobs, LIMIT_ENDPOINT, "jobs: at most 256 bytes"),
	TEXT(struct msg, u.worker_welcome.results, LIMIT_ENDPOINT, "results: at most 256 bytes"),
	U64(struct msg, u.worker_welcome.beat_ms, "beat_ms: a whole number"),
	U64(struct msg, u.worker_welcome.liveness_ms, "liveness_ms: a whole number"),
	LIST(u.worker_welcome.dropped, u.worker_welcome.n_dropped, &number_record, 0, LIMIT_HELD,
	     "dropped: a list of at most 32768"),
};
static const struct field settled[] = {
	U64(struct msg, u.settled.settled, "settled: a whole number"),
	U32(struct msg, u.settled.resend, 0, 1, "resend: 0 or 1"),
	OPT(FIELD_U32, struct msg, u.settled.draining, 0, 1, "draining: 0 or 1"),
};
static const struct field jobs[] = {
	LIST(u.jobs.v, u.jobs.n, &job_record, 0, LIMIT_RECORDS, "jobs: a list of at most 1024"),
};
static const struct field outcomes[] = {
	LIST(u.outcomes.v, u.outcomes.n, &outcome_record, 0, LIMIT_RECORDS, "outcomes: a list of at most 1024"),
};

#define BODY(fields_)                                                                                                  \
	{                                                                                                              \
		.known = true, .n = COUNT(fields_), .fields = (fields_)                                                \
	}
#define EMPTY                                                                                                          \
	{                                                                                                              \
		.known = true                                                                                          \
	}

static const struct layout layouts[LAYOUT_KINDS] = {
	[MSG_CLIENT_HELLO] = BODY(client_hello),
	[MSG_SUBMIT] = BODY(submit),
	[MSG_WAIT] = BODY(ids),
	[MSG_RESULT_GET] = BODY(one),
	[MSG_JOB_GET] = BODY(one),
	[MSG_CANCEL] = BODY(ids),
	[MSG_QUEUE_LIST] = BODY(queue_list),
	[MSG_QUEUE_OP] = BODY(queue_op),
	[MSG_WORKER_LIST] = BODY(worker_list),
	[MSG_STATS] = EMPTY,
	[MSG_PING] = BODY(ping),
	[MSG_BATCH_OPEN] = EMPTY,
	[MSG_BATCH_CLOSE] = BODY(one),
	[MSG_BATCH_GET] = BODY(one),
	[MSG_CLIENT_BYE] = EMPTY,
	[MSG_WORKER_OP] = BODY(worker_op),
	[MSG_QUEUE_SET] = BODY(queue_set),
	[MSG_CRON_SET] = BODY(cron_set),
	[MSG_CRON_OP] = BODY(cron_op),
	[MSG_CRON_LIST] = BODY(cron_list),
	[MSG_CLIENT_WELCOME] = BODY(client_welcome),
	[MSG_ACCEPTED] = BODY(accepted),
	[MSG_RESULTS] = BODY(results),
	[MSG_REPLY] = BODY(reply),
	[MSG_PONG] = BODY(ping),
	[MSG_JOB_INFO] = BODY(job_info),
	[MSG_QUEUE_INFO] = BODY(queue_info),
	[MSG_WORKER_INFO] = BODY(worker_info),
	[MSG_STATS_INFO] = BODY(stats_info),
	[MSG_PEEKED] = BODY(peeked),
	[MSG_BATCH_INFO] = BODY(batch_info),
	[MSG_CRON_INFO] = BODY(cron_info),
	[MSG_WORKER_HELLO] = BODY(worker_hello),
	[MSG_WORKER_READY] = BODY(nonce),
	[MSG_BEAT] = BODY(beat),
	[MSG_RETURN] = BODY(leases),
	[MSG_WORKER_BYE] = BODY(worker_bye),
	[MSG_PROGRESS] = BODY(progress),
	[MSG_WORKER_WELCOME] = BODY(worker_welcome),
	[MSG_BEAT_ANSWER] = BODY(settled),
	[MSG_SETTLED] = BODY(settled),
	[MSG_RECALL] = BODY(leases),
	[MSG_REVOKE] = BODY(leases),
	[MSG_NO_SESSION] = EMPTY,
	[MSG_JOBS_WELCOME] = BODY(nonce),
	[MSG_JOBS] = BODY(jobs),
	[MSG_OUTCOMES] = BODY(outcomes),
};

const struct layout *fields_of(uint32_t kind)
{
	return kind < LAYOUT_KINDS && layouts[kind].known ? &layouts[kind] : NULL;
}
