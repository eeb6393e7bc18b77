/* The words in which fields.c says what a field is. */
#ifndef SHEAF_PROTO_FIELDS_WORDS_H
#define SHEAF_PROTO_FIELDS_WORDS_H

#include "proto/fields.h"

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
#define TOPIC(of, name, min_, why_)     NUM(FIELD_TOPIC, of, name, min_, LIMIT_NAME, why_)
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

#define QUEUE_RULE    "queue: a name [a-z0-9][a-z0-9._-]{0,55}"
#define TOPIC_RULE    ": a name [.a-zA-Z0-9_-]{1,64}, with #ephemeral at the end or not"
#define ALL_SAME_RULE "part.same: an earlier part, and no payload of its own"
#define HEADERS_RULE  "headers: NAME=VALUE, each ended by a NUL, at most 64 in 8 KiB, names [A-Za-z0-9_-]{1,64}"

/* of a schedule */
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

#endif
