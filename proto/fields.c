/* The tables of fields.h, in the order of the wire. PROTOCOL.md has the same tables for people: change
 * both, and add fields at the end only. */
#include "proto/fields.h"

#include "proto/fields_records.h"
#include "proto/fields_words.h"

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
	LIST(u.submit.payloads, u.submit.n, &fields_payload_record, 1, LIMIT_RECORDS, "payloads: a list of 1 to 1024"),
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
	OPT_LIST(u.submit.terms.after, u.submit.terms.n_after, &fields_number_record, LIMIT_AFTER,
	         "after: a list of at most 64"),
	OPT(FIELD_U32, struct msg, u.submit.terms.replicas, 0, LIMIT_REPLICAS, "replicas: at most 16"),
	OPT(FIELD_U64, struct msg, u.submit.terms.hedge_ms, 0, LIMIT_DELAY_MS, "hedge_ms: at most ten years"),
	OPT(FIELD_U64, struct msg, u.submit.terms.race_ms, 0, LIMIT_DELAY_MS, "race_ms: at most ten years"),
	OPT(FIELD_TOPIC, struct msg, u.submit.terms.topic, 0, LIMIT_NAME, "topic" TOPIC_RULE),
	OPT(FIELD_U64, struct msg, u.submit.terms.within_ms, 0, LIMIT_DELAY_MS, "within_ms: at most ten years"),
};
static const struct field submit_all[] = {
	U64(struct msg, u.submit_all.answered, "answered: a whole number"),
	LIST(u.submit_all.v, u.submit_all.n, &fields_all_record, 1, LIMIT_ALL_PARTS, "parts: a list of 1 to 100"),
};
static const struct field batch_open[] = {
	OPT(FIELD_QUEUE, struct msg, u.batch_open.then_queue, 0, LIMIT_QUEUE_NAME,
	    "then_queue: a queue's name, or empty"),
	OPT(FIELD_U32, struct msg, u.batch_open.then_when, 0, THEN_FAILURE, "then_when: 0 to 3"),
	OPT(FIELD_BYTES, struct msg, u.batch_open.then_payload, 0, LIMIT_THEN_PAYLOAD,
	    "then_payload: at most 65536 bytes"),
	OPT(FIELD_HEADERS, struct msg, u.batch_open.then_headers, 0, LIMIT_HEADER_BYTES,
	    "then_headers: NAME=VALUE with a NUL behind each"),
	OPT(FIELD_U32, struct msg, u.batch_open.then_priority, 0, LIMIT_PRIORITY, "then_priority: 0 to 9"),
	OPT(FIELD_U32, struct msg, u.batch_open.then_attempts, 0, LIMIT_ATTEMPTS, "then_attempts: 0 to 200"),
	OPT(FIELD_U64, struct msg, u.batch_open.open_ms, 0, LIMIT_DELAY_MS, "open_ms: at most ten years"),
};
static const struct field ids[] = {
	U32(struct msg, u.ids.flags, 0, 1, "flags: 1, no other"),
	LIST(u.ids.ids, u.ids.n, &fields_number_record, 1, LIMIT_RECORDS, "ids: a list of 1 to 1024"),
};
static const struct field one[] = { U64(struct msg, u.one.id, "id: a whole number") };
static const struct field queue_list[] = {
	TEXT(struct msg, u.queue_list.after, LIMIT_QUEUE_NAME, "after: at most 56 bytes"),
};
static const struct field queue_op[] = {
	QUEUE(struct msg, u.queue_op.queue),
	U32(struct msg, u.queue_op.op, QUEUE_SHOW, QUEUE_DRAIN, "op: 1 to 7"),
	U64(struct msg, u.queue_op.arg, "arg: a whole number"),
};
static const struct field worker_op[] = {
	NAME(struct msg, u.worker_op.name, 1, "name: 1 to 64 printable bytes without space or comma"),
	U32(struct msg, u.worker_op.op, WORKER_DRAIN, WORKER_RESUME, "op: 1 or 2"),
};
static const struct field queue_set[] = {
	QUEUE(struct msg, u.queue_set.queue),
	LIST(u.queue_set.v, u.queue_set.n, &fields_setting_record, 1, LIMIT_SETTINGS, "settings: a list of 1 to 64"),
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
#define DEAD_FILTER(of)                                                                                                \
	U64(struct msg, u.of.filter.min_age_ms, "min_age_ms: a whole number"),                                         \
	    U64(struct msg, u.of.filter.max_age_ms, "max_age_ms: a whole number"),                                     \
	    BYTES(struct msg, u.of.filter.error, LIMIT_HISTORY_ERROR, "error: at most 256 bytes")

static const struct field dead_list[] = {
	QUEUE(struct msg, u.dead_list.queue),
	U64(struct msg, u.dead_list.after.id, "after: a job's id, or 0"),
	U64(struct msg, u.dead_list.after.finished_ms, "after_ms: a whole number"),
	U64(struct msg, u.dead_list.after.near, "near: a job's id, or 0"),
	DEAD_FILTER(dead_list),
	U32(struct msg, u.dead_list.limit, 1, LIMIT_LISTED, "limit: 1 to 256"),
};
static const struct field dead_op[] = {
	QUEUE(struct msg, u.dead_op.queue),
	U32(struct msg, u.dead_op.op, DEAD_REDRIVE, DEAD_STOP, "op: 1 to 3"),
	DEAD_FILTER(dead_op),
	U64(struct msg, u.dead_op.limit, "limit: a whole number"),
	NUM(FIELD_U64, struct msg, u.dead_op.rate, 0, LIMIT_RATE, "rate: at most 86400000000 jobs per day"),
};
static const struct field job_list[] = {
	TEXT(struct msg, u.job_list.queue, LIMIT_QUEUE_NAME, "queue: at most 56 bytes"),
	U64(struct msg, u.job_list.session, "session: a whole number"),
	U64(struct msg, u.job_list.token, "token: a whole number"),
};
static const struct field publish[] = {
	TOPIC(struct msg, u.publish.topic, 1, "topic" TOPIC_RULE),
	U64(struct msg, u.publish.answered, "answered: a whole number"),
	NUM(FIELD_U64, struct msg, u.publish.defer_ms, 0, LIMIT_DEFER_MS, "defer_ms: at most 366 days"),
	U32(struct msg, u.publish.count, 1, LIMIT_PUBLISH, "count: 1 to 65536"),
	BYTES(struct msg, u.publish.packed, LIMIT_PUBLISH_BYTES, "packed: at most 16 MiB"),
};
static const struct field subscribe[] = {
	U32(struct msg, u.subscribe.sub, 0, UINT32_MAX, "sub: a whole number of 32 bits"),
	TOPIC(struct msg, u.subscribe.topic, 1, "topic" TOPIC_RULE),
	TOPIC(struct msg, u.subscribe.channel, 1, "channel" TOPIC_RULE),
	OPT(FIELD_U64, struct msg, u.subscribe.timeout_ms, 0, LIMIT_MESSAGE_MS, "timeout_ms: at most a day"),
	OPT(FIELD_U32, struct msg, u.subscribe.sample, 0, 100, "sample: 0 to 100"),
	OPT(FIELD_U64, struct msg, u.subscribe.since_ms, 0, UINT64_MAX, "since_ms: a whole number"),
	OPT(FIELD_U64, struct msg, u.subscribe.most_ms, 0, LIMIT_MESSAGE_MS, "most_ms: at most a day"),
	OPT(FIELD_U32, struct msg, u.subscribe.consumers, 0, UINT32_MAX, "consumers: a whole number of 32 bits"),
};
static const struct field credit[] = {
	LIST(u.credit.v, u.credit.n, &fields_credit_record, 1, LIMIT_RECORDS, "credit: a list of 1 to 1024"),
};
static const struct field settle[] = {
	LIST(u.settle.v, u.settle.n, &fields_settle_record, 1, LIMIT_RECORDS, "settle: a list of 1 to 1024"),
};
static const struct field unsubscribe[] = {
	U32(struct msg, u.unsubscribe.sub, 0, UINT32_MAX, "sub: a whole number of 32 bits"),
};
static const struct field topic_op[] = {
	TOPIC(struct msg, u.topic_op.topic, 1, "topic" TOPIC_RULE),
	TOPIC(struct msg, u.topic_op.channel, 0, "channel" TOPIC_RULE),
	U32(struct msg, u.topic_op.op, TOPIC_CREATE, TOPIC_SET, "op: 1 to 6"),
	OPT(FIELD_U64, struct msg, u.topic_op.since_ms, 0, UINT64_MAX, "since_ms: a whole number"),
	OPT(FIELD_U32, struct msg, u.topic_op.which, 0, 2 * SET_DEAD - 1, "which: 0 to 31"),
	OPT(FIELD_U64, struct msg, u.topic_op.keep_ms, 0, LIMIT_DELAY_MS, "keep_ms: at most ten years"),
	OPT(FIELD_U64, struct msg, u.topic_op.keep_bytes, 0, LIMIT_KEEP_BYTES, "keep_bytes: at most 1 TiB"),
	OPT(FIELD_U32, struct msg, u.topic_op.ordered, 0, 1, "ordered: 0 or 1"),
	OPT(FIELD_U32, struct msg, u.topic_op.attempts, 0, LIMIT_MESSAGE_ATTEMPTS, "attempts: at most 60000"),
	OPT(FIELD_TOPIC, struct msg, u.topic_op.dead, 0, LIMIT_NAME, "dead" TOPIC_RULE),
};
static const struct field topic_list[] = {
	TOPIC(struct msg, u.topic_list.topic, 0, "topic" TOPIC_RULE),
	U64(struct msg, u.topic_list.after, "after: a whole number"),
	U64(struct msg, u.topic_list.generation, "generation: a whole number"),
};
static const struct field worker_list[] = { U64(struct msg, u.worker_list.after, "after: a whole number") };
static const struct field ping[] = {
	U64(struct msg, u.ping.pushed, "pushed: a whole number"),
	OPT(FIELD_U64, struct msg, u.ping.delivered, 0, UINT64_MAX, "delivered: a whole number"),
};
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
	OPT(FIELD_U64, struct msg, u.client_welcome.message_max, 0, UINT64_MAX, "message_max: a whole number"),
};
static const struct field accepted[] = {
	LIST(u.accepted.v, u.accepted.n, &fields_accepted_record, 0, LIMIT_RECORDS, "accepted: a list of at most 1024"),
};
static const struct field all_accepted[] = {
	LIST(u.all_accepted.ids, u.all_accepted.n, &fields_number_record, 1, LIMIT_ALL_PARTS,
	     "ids: a list of 1 to 100"),
};
static const struct field results[] = {
	U32(struct msg, u.results.answer, 0, 1, "answer: 0 or 1"),
	LIST(u.results.v, u.results.n, &fields_result_record, 0, LIMIT_RECORDS, "results: a list of at most 1024"),
};
static const struct field reply[] = {
	U32(struct msg, u.reply.error, 0, SHEAF_E_UNREACHABLE - 1, "error: 0 to 63"),
	TEXT(struct msg, u.reply.text, LIMIT_TEXT, "text: at most 1024 bytes"),
	U64(struct msg, u.reply.value, "value: a whole number"),
};
static const struct field job_info[] = {
	{ .type = FIELD_RECORD,
	  .at = offsetof(struct msg, u.job_info.rec),
	  .record = &fields_result_record,
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
	OPT_LIST(u.job_info.history, u.job_info.n_history, &fields_attempt_record, LIMIT_HISTORY,
	         "history: a list of at most 16"),
	OPT(FIELD_NAME, struct msg, u.job_info.tenant, 0, LIMIT_NAME,
	    "tenant: at most 64 printable bytes without space or comma"),
	OPT(FIELD_NAME, struct msg, u.job_info.group, 0, LIMIT_NAME,
	    "group: at most 64 printable bytes without space or comma"),
	OPT_LIST(u.job_info.after, u.job_info.n_after, &fields_number_record, LIMIT_AFTER,
	         "after: a list of at most 64"),
	OPT(FIELD_U64, struct msg, u.job_info.race, 0, UINT64_MAX, "race: a whole number"),
	OPT(FIELD_U32, struct msg, u.job_info.replicas, 0, LIMIT_REPLICAS, "replicas: at most 16"),
};
static const struct field queue_info[] = {
	U32(struct msg, u.queue_info.more, 0, 1, "more: 0 or 1"),
	LIST(u.queue_info.v, u.queue_info.n, &fields_queue_record, 0, LIMIT_LISTED, "queues: a list of at most 256"),
	OPT_LIST(u.queue_info.settings, u.queue_info.n_settings, &fields_setting_record, LIMIT_SETTINGS,
	         "settings: a list of at most 64"),
};
static const struct field jobs_info[] = {
	U32(struct msg, u.jobs_info.more, 0, 1, "more: 0 or 1"),
	LIST(u.jobs_info.v, u.jobs_info.n, &fields_running_record, 0, LIMIT_LISTED, "running: a list of at most 256"),
};
static const struct field worker_info[] = {
	U32(struct msg, u.worker_info.more, 0, 1, "more: 0 or 1"),
	LIST(u.worker_info.v, u.worker_info.n, &fields_worker_record, 0, LIMIT_LISTED,
	     "workers: a list of at most 256"),
};
static const struct field stats_info[] = {
	LIST(u.stats_info.v, u.stats_info.n, &fields_stat_record, 0, LIMIT_LISTED, "stats: a list of at most 256"),
};
static const struct field peeked[] = {
	LIST(u.peeked.v, u.peeked.n, &fields_peek_record, 0, LIMIT_PEEKED, "peeked: a list of at most 32"),
};
static const struct field batch_info[] = {
	U64(struct msg, u.batch_info.batch, "batch: a batch's id"),
	U32(struct msg, u.batch_info.closed, 0, 1, "closed: 0 or 1"),
	U64(struct msg, u.batch_info.total, "total: a whole number"),
	U64(struct msg, u.batch_info.ended, "ended: a whole number"),
	U64(struct msg, u.batch_info.failed, "failed: a whole number"),
	OPT(FIELD_U32, struct msg, u.batch_info.expired, 0, 1, "expired: 0 or 1"),
	OPT(FIELD_U64, struct msg, u.batch_info.kept, 0, UINT64_MAX, "kept: a whole number"),
	OPT(FIELD_U64, struct msg, u.batch_info.closes_ms, 0, UINT64_MAX, "closes_ms: a whole number"),
	OPT(FIELD_U64, struct msg, u.batch_info.finished_ms, 0, UINT64_MAX, "finished_ms: a whole number"),
	OPT(FIELD_U32, struct msg, u.batch_info.then_when, 0, THEN_FAILURE, "then_when: 0 to 3"),
	OPT(FIELD_QUEUE, struct msg, u.batch_info.then_queue, 0, LIMIT_QUEUE_NAME,
	    "then_queue: a queue's name, or empty"),
	OPT(FIELD_U64, struct msg, u.batch_info.then_id, 0, UINT64_MAX, "then_id: a job's id, or 0"),
};
static const struct field cron_info[] = {
	U32(struct msg, u.cron_info.more, 0, 1, "more: 0 or 1"),
	U32(struct msg, u.cron_info.did, CRON_LISTED, CRON_SAME, "did: 0 to 3"),
	LIST(u.cron_info.v, u.cron_info.n, &fields_cron_record, 0, LIMIT_LISTED, "crons: a list of at most 256"),
	OPT_LIST(u.cron_info.times, u.cron_info.n_times, &fields_cron_time_record, LIMIT_CRON_NEXT,
	         "times: a list of at most 100"),
};
static const struct field dead_info[] = {
	U32(struct msg, u.dead_info.more, 0, 1, "more: 0 or 1"),
	U64(struct msg, u.dead_info.next.id, "next: a whole number"),
	U64(struct msg, u.dead_info.next.finished_ms, "next_ms: a whole number"),
	U64(struct msg, u.dead_info.next.near, "near: a whole number"),
	LIST(u.dead_info.v, u.dead_info.n, &fields_dead_record, 0, LIMIT_LISTED, "dead: a list of at most 256"),
};
static const struct field messages[] = {
	LIST(u.messages.v, u.messages.n, &fields_delivery_record, 0, LIMIT_RECORDS, "messages: a list of at most 1024"),
};
static const struct field topics_info[] = {
	U32(struct msg, u.topics_info.more, 0, 1, "more: 0 or 1"),
	U64(struct msg, u.topics_info.next, "next: a whole number"),
	U64(struct msg, u.topics_info.generation, "generation: a whole number"),
	LIST(u.topics_info.v, u.topics_info.n, &fields_topic_record, 0, LIMIT_TOPIC_ROWS,
	     "topics: a list of at most 1024"),
};
static const struct field gone[] = {
	LIST(u.gone.v, u.gone.n, &fields_gone_record, 0, LIMIT_RECORDS, "gone: a list of at most 1024"),
};
static const struct field worker_hello[] = {
	VERSION_RANGE(worker_hello),
	NUM(FIELD_WIDE, struct msg, u.worker_hello.instance, 1, UINT64_MAX, "instance: a random number, not 0"),
	NAME(struct msg, u.worker_hello.name, 1, "name: 1 to 64 printable bytes without space or comma"),
	U32(struct msg, u.worker_hello.slots, 1, LIMIT_SLOTS, "slots: 1 to 1024"),
	LIST(u.worker_hello.queues, u.worker_hello.n_queues, &fields_queue_name_record, 1, LIMIT_WORKER_QUEUES,
	     "queues: a list of 1 to 64"),
	LIST(u.worker_hello.held, u.worker_hello.n_held, &fields_held_record, 0, LIMIT_HELD,
	     "held: a list of at most 32768"),
	OPT(FIELD_U32, struct msg, u.worker_hello.draining, 0, 1, "draining: 0 or 1"),
};
static const struct field nonce[] = { WIDE(struct msg, u.nonce.nonce, "nonce: a whole number") };
static const struct field beat[] = {
	NUM(FIELD_U64, struct msg, u.beat.window_jobs, 0, LIMIT_WINDOW_JOBS, "window_jobs: 0 to 16384"),
	NUM(FIELD_U64, struct msg, u.beat.window_bytes, 0, LIMIT_WINDOW_BYTES, "window_bytes: 0 to 256 MiB"),
	U64(struct msg, u.beat.received, "received: a whole number"),
	LIST(u.beat.lost, u.beat.n_lost, &fields_range_record, 0, LIMIT_LOST_RANGES, "lost: a list of at most 64"),
	LIST(u.beat.started, u.beat.n_started, &fields_number_record, 0, LIMIT_SLOTS,
	     "started: a list of at most 1024"),
};
static const struct field leases[] = {
	LIST(u.leases.v, u.leases.n, &fields_lease_record, 0, LIMIT_RECORDS, "leases: a list of at most 1024"),
};
static const struct field progress[] = {
	LIST(u.progress.v, u.progress.n, &fields_progress_record, 0, LIMIT_RECORDS, "progress: a list of at most 1024"),
};
static const struct field worker_bye[] = { U64(struct msg, u.worker_bye.last, "last: a whole number") };
static const struct field worker_welcome[] = {
	U32(struct msg, u.worker_welcome.version, 1, UINT32_MAX, "version: from 1"),
	U64(struct msg, u.worker_welcome.features, "features: a whole number"),
	TEXT(struct msg, u.worker_welcome.jobs, LIMIT_ENDPOINT, "jobs: at most 256 bytes"),
	TEXT(struct msg, u.worker_welcome.results, LIMIT_ENDPOINT, "results: at most 256 bytes"),
	U64(struct msg, u.worker_welcome.beat_ms, "beat_ms: a whole number"),
	U64(struct msg, u.worker_welcome.liveness_ms, "liveness_ms: a whole number"),
	LIST(u.worker_welcome.dropped, u.worker_welcome.n_dropped, &fields_number_record, 0, LIMIT_HELD,
	     "dropped: a list of at most 32768"),
};
static const struct field settled[] = {
	U64(struct msg, u.settled.settled, "settled: a whole number"),
	U32(struct msg, u.settled.resend, 0, 1, "resend: 0 or 1"),
	OPT(FIELD_U32, struct msg, u.settled.draining, 0, 1, "draining: 0 or 1"),
};
static const struct field jobs[] = {
	LIST(u.jobs.v, u.jobs.n, &fields_job_record, 0, LIMIT_RECORDS, "jobs: a list of at most 1024"),
};
static const struct field outcomes[] = {
	LIST(u.outcomes.v, u.outcomes.n, &fields_outcome_record, 0, LIMIT_RECORDS, "outcomes: a list of at most 1024"),
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
	[MSG_SUBMIT_ALL] = BODY(submit_all),
	[MSG_WAIT] = BODY(ids),
	[MSG_RESULT_GET] = BODY(one),
	[MSG_JOB_GET] = BODY(one),
	[MSG_CANCEL] = BODY(ids),
	[MSG_QUEUE_LIST] = BODY(queue_list),
	[MSG_QUEUE_OP] = BODY(queue_op),
	[MSG_WORKER_LIST] = BODY(worker_list),
	[MSG_STATS] = EMPTY,
	[MSG_PING] = BODY(ping),
	[MSG_BATCH_OPEN] = BODY(batch_open),
	[MSG_BATCH_CLOSE] = BODY(one),
	[MSG_BATCH_GET] = BODY(one),
	[MSG_CLIENT_BYE] = EMPTY,
	[MSG_JOB_LIST] = BODY(job_list),
	[MSG_WORKER_OP] = BODY(worker_op),
	[MSG_QUEUE_SET] = BODY(queue_set),
	[MSG_CRON_SET] = BODY(cron_set),
	[MSG_CRON_OP] = BODY(cron_op),
	[MSG_CRON_LIST] = BODY(cron_list),
	[MSG_DEAD_LIST] = BODY(dead_list),
	[MSG_DEAD_OP] = BODY(dead_op),
	[MSG_RETRY] = BODY(ids),
	[MSG_PUBLISH] = BODY(publish),
	[MSG_SUBSCRIBE] = BODY(subscribe),
	[MSG_CREDIT] = BODY(credit),
	[MSG_SETTLE] = BODY(settle),
	[MSG_UNSUBSCRIBE] = BODY(unsubscribe),
	[MSG_TOPIC_OP] = BODY(topic_op),
	[MSG_TOPIC_LIST] = BODY(topic_list),
	[MSG_CLIENT_WELCOME] = BODY(client_welcome),
	[MSG_ACCEPTED] = BODY(accepted),
	[MSG_ALL_ACCEPTED] = BODY(all_accepted),
	[MSG_RESULTS] = BODY(results),
	[MSG_REPLY] = BODY(reply),
	[MSG_PONG] = BODY(ping),
	[MSG_JOB_INFO] = BODY(job_info),
	[MSG_QUEUE_INFO] = BODY(queue_info),
	[MSG_WORKER_INFO] = BODY(worker_info),
	[MSG_STATS_INFO] = BODY(stats_info),
	[MSG_PEEKED] = BODY(peeked),
	[MSG_BATCH_INFO] = BODY(batch_info),
	[MSG_JOBS_INFO] = BODY(jobs_info),
	[MSG_CRON_INFO] = BODY(cron_info),
	[MSG_DEAD_INFO] = BODY(dead_info),
	[MSG_MESSAGES] = BODY(messages),
	[MSG_TOPICS_INFO] = BODY(topics_info),
	[MSG_MESSAGES_GONE] = BODY(gone),
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
