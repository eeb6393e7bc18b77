/* The records of messages about topics; see fields_records.h. */
#include "proto/fields_records.h"

#include "proto/fields_words.h"
#include "proto/records.h"

static const struct field credit_fields[] = {
	U32(struct msg_credit_rec, sub, 0, UINT32_MAX, "credit.sub: a whole number of 32 bits"),
	U32(struct msg_credit_rec, ready, 0, LIMIT_READY, "credit.ready: at most 65536"),
	U64(struct msg_credit_rec, bytes, "credit.bytes: a whole number"),
};
const struct record fields_credit_record =
    RECORD(struct msg_credit_rec, credit_fields, false, "credit: records [sub, ready, bytes]");

static const struct field settle_fields[] = {
	WIDE(struct msg_settle_rec, run, "settle.run: a whole number"),
	WIDE(struct msg_settle_rec, token, "settle.token: a whole number"),
	WIDE(struct msg_settle_rec, mask, "settle.mask: a whole number"),
	U32(struct msg_settle_rec, verdict, SETTLE_FINISH, SETTLE_TOUCH, "settle.verdict: 1 to 3"),
	NUM(FIELD_U64, struct msg_settle_rec, delay_ms, 0, LIMIT_DEFER_MS, "settle.delay_ms: at most 366 days"),
};
const struct record fields_settle_record =
    RECORD(struct msg_settle_rec, settle_fields, false, "settle: records [run, token, mask, verdict, delay_ms]",
           .read = records_read_settle, .write = records_write_settle);

static const struct field delivery_fields[] = {
	U32(struct msg_delivery_rec, sub, 0, UINT32_MAX, "delivery.sub: a whole number of 32 bits"),
	WIDE(struct msg_delivery_rec, run, "delivery.run: a whole number"),
	WIDE(struct msg_delivery_rec, token, "delivery.token: a whole number"),
	WIDE(struct msg_delivery_rec, mask, "delivery.mask: a whole number"),
	U32(struct msg_delivery_rec, attempts, 1, UINT32_MAX, "delivery.attempts: from 1"),
	WIDE(struct msg_delivery_rec, time_ns, "delivery.time_ns: a whole number"),
	BYTES(struct msg_delivery_rec, packed, LIMIT_PUBLISH_BYTES, "delivery.packed: at most 16 MiB"),
	WIDE(struct msg_delivery_rec, charged, "delivery.charged: a whole number"),
};
const struct record fields_delivery_record =
    RECORD(struct msg_delivery_rec, delivery_fields, false, "messages: records of 8 fields",
           .read = records_read_delivery, .write = records_write_delivery);

static const struct field gone_fields[] = {
	U32(struct msg_gone_rec, sub, 0, UINT32_MAX, "gone.sub: a whole number of 32 bits"),
	WIDE(struct msg_gone_rec, run, "gone.run: a whole number"),
	WIDE(struct msg_gone_rec, token, "gone.token: a whole number"),
	WIDE(struct msg_gone_rec, mask, "gone.mask: a whole number"),
	U32(struct msg_gone_rec, why, GONE_TIMEOUT, GONE_STALE, "gone.why: 1 to 4"),
};
const struct record fields_gone_record =
    RECORD(struct msg_gone_rec, gone_fields, false, "gone: records [sub, run, token, mask, why]");

static const struct field topic_fields[] = {
	TOPIC(struct msg_topic_rec, topic, 1, "topic.topic" TOPIC_RULE),
	TOPIC(struct msg_topic_rec, channel, 0, "topic.channel" TOPIC_RULE),
	U32(struct msg_topic_rec, flags, 0, UINT32_MAX, "topic.flags: a whole number of 32 bits"),
	U32(struct msg_topic_rec, consumers, 0, UINT32_MAX, "topic.consumers: a whole number of 32 bits"),
	U64(struct msg_topic_rec, depth, "topic.depth: a whole number"),
	U64(struct msg_topic_rec, in_hand, "topic.in_hand: a whole number"),
	U64(struct msg_topic_rec, deferred, "topic.deferred: a whole number"),
	U64(struct msg_topic_rec, messages, "topic.messages: a whole number"),
	U64(struct msg_topic_rec, bytes, "topic.bytes: a whole number"),
	U64(struct msg_topic_rec, requeued, "topic.requeued: a whole number"),
	U64(struct msg_topic_rec, timed_out, "topic.timed_out: a whole number"),
	U64(struct msg_topic_rec, dead, "topic.dead: a whole number"),
	U64(struct msg_topic_rec, kept, "topic.kept: a whole number"),
	U64(struct msg_topic_rec, keep_ms, "topic.keep_ms: a whole number"),
	U64(struct msg_topic_rec, keep_bytes, "topic.keep_bytes: a whole number"),
	U32(struct msg_topic_rec, attempts, 0, UINT32_MAX, "topic.attempts: a whole number of 32 bits"),
	TOPIC(struct msg_topic_rec, dead_topic, 0, "topic.dead_topic" TOPIC_RULE),
};
const struct record fields_topic_record =
    RECORD(struct msg_topic_rec, topic_fields, false, "topics: records of 17 fields");
