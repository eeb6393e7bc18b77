/* See fields_records.h. */
#include "proto/fields_records.h"

#include "proto/fields_words.h"
#include "proto/records.h"

static const struct field accepted_fields[] = {
	WIDE(struct msg_accepted_rec, number, "accepted.number: a whole number"),
	WIDE(struct msg_accepted_rec, first, "accepted.first: a job's id"),
	U32(struct msg_accepted_rec, count, 0, LIMIT_PUBLISH, "accepted.count: 0 to 65536"),
};
const struct record fields_accepted_record =
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
const struct record fields_result_record =
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
const struct record fields_job_record = RECORD(struct msg_job_rec, job_fields, false, "jobs: records of 7 or 8 fields",
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
const struct record fields_outcome_record =
    RECORD(struct msg_outcome_rec, outcome_fields, false, "outcomes: records of 7 fields", .read = records_read_outcome,
           .write = records_write_outcome);

static const struct field progress_fields[] = {
	WIDE(struct msg_progress_rec, id, "progress.id: a job's id"),
	WIDE(struct msg_progress_rec, token, "progress.token: a whole number"),
	U32(struct msg_progress_rec, percent, 0, PERCENT_UNKNOWN, "progress.percent: 0 to 100, or 255: not known"),
	TEXT(struct msg_progress_rec, text, LIMIT_PROGRESS_TEXT, "progress.text: at most 256 bytes"),
};
const struct record fields_progress_record =
    RECORD(struct msg_progress_rec, progress_fields, false, "progress: records [id, token, percent, text]");

static const struct field attempt_fields[] = {
	U64(struct msg_attempt_rec, started_ms, "attempt.started_ms: a whole number"),
	U64(struct msg_attempt_rec, run_ms, "attempt.run_ms: a whole number"),
	I32(struct msg_attempt_rec, exit, "attempt.exit: a whole number of 32 bits"),
	U32(struct msg_attempt_rec, verdict, 1, ATTEMPT_LOST, "attempt.verdict: 1 to 4"),
	NAME(struct msg_attempt_rec, worker, 0, "attempt.worker: at most 64 printable bytes without space or comma"),
	BYTES(struct msg_attempt_rec, error, LIMIT_HISTORY_ERROR, "attempt.error: at most 256 bytes"),
};
const struct record fields_attempt_record =
    RECORD(struct msg_attempt_rec, attempt_fields, false, "history: records of 6 fields");

static const struct field payload_fields[] = {
	{ .type = FIELD_BYTES, .max = LIMIT_PAYLOAD, .why = "payload: at most 16 MiB" },
};
const struct record fields_payload_record =
    RECORD(struct span, payload_fields, true, NULL, .read = records_read_payload, .write = records_write_payload);

static const struct field all_fields[] = {
	QUEUE(struct msg_all_part, queue),
	U32(struct msg_all_part, flags, 0, ALL_CREATE, "part.flags: 1 create, no other"),
	U32(struct msg_all_part, priority, 0, LIMIT_PRIORITY, "part.priority: 0 to 9"),
	U32(struct msg_all_part, attempts, 0, LIMIT_ATTEMPTS, "part.attempts: 0 to 200"),
	U64(struct msg_all_part, lease_ms, "part.lease_ms: a whole number"),
	NUM(FIELD_U64, struct msg_all_part, delay_ms, 0, LIMIT_DELAY_MS, "part.delay_ms: at most ten years"),
	NUM(FIELD_U64, struct msg_all_part, within_ms, 0, LIMIT_DELAY_MS, "part.within_ms: at most ten years"),
	BYTES(struct msg_all_part, key, LIMIT_KEY, "part.key: at most 256 bytes"),
	HEADERS(struct msg_all_part, headers),
	U32(struct msg_all_part, same, 0, LIMIT_ALL_PARTS - 1, ALL_SAME_RULE),
	BYTES(struct msg_all_part, payload, LIMIT_PAYLOAD, "part.payload: at most 16 MiB"),
};
const struct record fields_all_record = RECORD(struct msg_all_part, all_fields, false, "parts: records of 11 fields");

static const struct field queue_fields[] = {
	QUEUE(struct msg_queue_rec, name),
	U32(struct msg_queue_rec, paused, 0, 1, "queue.paused: 0 or 1"),
	U32(struct msg_queue_rec, workers, 0, UINT32_MAX, "queue.workers: a whole number of 32 bits"),
	U64(struct msg_queue_rec, submitted, "queue.submitted: a whole number"),
	NUM(FIELD_STATES, struct msg_queue_rec, states, 0, 0, "queue.states: nine whole numbers"),
	U64(struct msg_queue_rec, kept, "queue.kept: a whole number"),
	U64(struct msg_queue_rec, kept_bytes, "queue.kept_bytes: a whole number"),
	U64(struct msg_queue_rec, oldest_ms, "queue.oldest_ms: a whole number"),
	OPT(FIELD_U64, struct msg_queue_rec, dead, 0, UINT64_MAX, "queue.dead: a whole number"),
	OPT(FIELD_U64, struct msg_queue_rec, redriven, 0, UINT64_MAX, "queue.redriven: a whole number"),
	OPT(FIELD_U64, struct msg_queue_rec, forgotten, 0, UINT64_MAX, "queue.forgotten: a whole number"),
	OPT(FIELD_U32, struct msg_queue_rec, draining, 0, 1, "queue.draining: 0 or 1"),
};
const struct record fields_queue_record =
    RECORD(struct msg_queue_rec, queue_fields, false, "queues: records of 8 to 12 fields");

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
const struct record fields_worker_record =
    RECORD(struct msg_worker_rec, worker_fields, false, "workers: records of 9 or 10 fields");

static const struct field running_fields[] = {
	WIDE(struct msg_running_rec, id, "running.id: a job's id"),
	WIDE(struct msg_running_rec, session, "running.session: a whole number"),
	WIDE(struct msg_running_rec, token, "running.token: a whole number"),
	TEXT(struct msg_running_rec, queue, LIMIT_QUEUE_NAME, "running.queue: at most 56 bytes"),
	NAME(struct msg_running_rec, worker, 1, "running.worker: 1 to 64 printable bytes without space or comma"),
	U32(struct msg_running_rec, attempt, 1, UINT32_MAX, "running.attempt: from 1"),
	U64(struct msg_running_rec, since_ms, "running.since_ms: a whole number"),
	U32(struct msg_running_rec, percent, 0, PERCENT_UNKNOWN, "running.percent: 0 to 100, or 255: not known"),
	TEXT(struct msg_running_rec, progress, LIMIT_PROGRESS_TEXT, "running.progress: at most 256 bytes"),
};
const struct record fields_running_record =
    RECORD(struct msg_running_rec, running_fields, false, "running: records of 9 fields");

static const struct field stat_fields[] = {
	TEXT(struct msg_stat_rec, name, LIMIT_NAME, "stat.name: at most 64 bytes"),
	U64(struct msg_stat_rec, value, "stat.value: a whole number"),
};
const struct record fields_stat_record =
    RECORD(struct msg_stat_rec, stat_fields, false, "stats: records [name, value]");

static const struct field setting_fields[] = {
	TEXT(struct msg_setting_rec, name, LIMIT_NAME, "setting.name: at most 64 bytes"),
	U64(struct msg_setting_rec, value, "setting.value: a whole number"),
};
const struct record fields_setting_record =
    RECORD(struct msg_setting_rec, setting_fields, false, "settings: records [name, value]");

static const struct field dead_fields[] = {
	WIDE(struct msg_dead_rec, id, "dead.id: a job's id"),
	WIDE(struct msg_dead_rec, finished_ms, "dead.finished_ms: a whole number"),
	U32(struct msg_dead_rec, attempt, 0, UINT32_MAX, "dead.attempt: a whole number of 32 bits"),
	I32(struct msg_dead_rec, exit, "dead.exit: a whole number of 32 bits"),
	U64(struct msg_dead_rec, size, "dead.size: a whole number"),
	NAME(struct msg_dead_rec, worker, 0, "dead.worker: at most 64 printable bytes without space or comma"),
	BYTES(struct msg_dead_rec, error, LIMIT_HISTORY_ERROR, "dead.error: at most 256 bytes"),
};
const struct record fields_dead_record = RECORD(struct msg_dead_rec, dead_fields, false, "dead: records of 7 fields");

static const struct field peek_fields[] = {
	WIDE(struct msg_peek_rec, id, "peek.id: a job's id"),
	U32(struct msg_peek_rec, priority, 0, LIMIT_PRIORITY, "peek.priority: 0 to 9"),
	U32(struct msg_peek_rec, size, 0, LIMIT_PAYLOAD, "peek.size: at most 16 MiB"),
	BYTES(struct msg_peek_rec, payload, LIMIT_PEEK_BYTES, "peek.payload: at most 4 KiB"),
};
const struct record fields_peek_record = RECORD(struct msg_peek_rec, peek_fields, false, "peeked: records of 4 fields");

/* The schedule at `at` in `of`. Terms that a job may do without are at the end. */
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
const struct record fields_cron_record = RECORD(struct msg_cron_rec, cron_fields, false, "crons: records of 24 fields");

static const struct field cron_time_fields[] = {
	WIDE(struct msg_cron_time, at_ms, "times.at_ms: a whole number"),
	I32(struct msg_cron_time, offset_s, "times.offset_s: a whole number of 32 bits"),
};
const struct record fields_cron_time_record =
    RECORD(struct msg_cron_time, cron_time_fields, false, "times: records [at_ms, offset_s]");

static const struct field range_fields[] = {
	NUM(FIELD_U64, struct msg_range, first, 1, UINT64_MAX, "lost.first: from 1"),
	NUM(FIELD_U64, struct msg_range, last, 1, UINT64_MAX, "lost.last: from 1"),
};
const struct record fields_range_record = RECORD(struct msg_range, range_fields, false, "lost: records [first, last]");

static const struct field held_fields[] = {
	WIDE(struct msg_held_rec, id, "held.id: a job's id"),
	WIDE(struct msg_held_rec, token, "held.token: a whole number"),
	U32(struct msg_held_rec, state, HELD_WAITING, HELD_FINISHED, "held.state: 1 to 3"),
};
const struct record fields_held_record =
    RECORD(struct msg_held_rec, held_fields, false, "held: records [id, token, state]");

static const struct field lease_fields[] = {
	WIDE(struct lease_name, id, "lease.id: a job's id"),
	WIDE(struct lease_name, token, "lease.token: a whole number"),
};
const struct record fields_lease_record = RECORD(struct lease_name, lease_fields, false, "leases: records [id, token]");

static const struct field number_fields[] = {
	{ .type = FIELD_WIDE, .max = UINT64_MAX, .why = "a list of whole numbers" },
};
const struct record fields_number_record = RECORD(uint64_t, number_fields, true, NULL);

static const struct field queue_name_fields[] = {
	{ .type = FIELD_QUEUE, .min = 1, .max = LIMIT_QUEUE_NAME, .why = QUEUE_RULE },
};
const struct record fields_queue_name_record = RECORD(struct span, queue_name_fields, true, NULL);
