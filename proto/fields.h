/* The layout of every message as a table: what PROTOCOL.md says in prose, for machines. One reader
 * (decode.c) and one writer (encode.c) walk it, so the two cannot disagree; records.c has faster ones for
 * the hot records, which fall back on the table whenever something is out of the ordinary. */
#ifndef SHEAF_PROTO_FIELDS_H
#define SHEAF_PROTO_FIELDS_H

#include "proto/codec.h"
#include "proto/cursor.h"

enum field_type {
	FIELD_U32,     /* whole number in [min, max] */
	FIELD_U64,     /* the same, 64 bits */
	FIELD_WIDE,    /* the same, always written with nine bytes: ids, tokens, times */
	FIELD_I32,     /* whole number of 32 bits with a sign */
	FIELD_BYTES,   /* bin of at most max bytes */
	FIELD_TEXT,    /* str of at most max bytes */
	FIELD_QUEUE,   /* str, name_queue_ok; may be empty if min is 0 */
	FIELD_NAME,    /* str, name_worker_ok; may be empty if min is 0 */
	FIELD_TOPIC,   /* str, name_topic_ok: a topic or a channel; may be empty if min is 0 */
	FIELD_HEADERS, /* bin, headers_ok */
	FIELD_STATES,  /* array of JOB_STATES numbers */
	FIELD_RECORD,  /* one record, in place */
	FIELD_LIST     /* array of min to max records */
};

struct record;

struct field {
	enum field_type type;
	bool optional;     /* may be missing at the end, then it is 0 or empty; left out where all behind it are, too */
	uint16_t at;       /* where it stands in struct msg, or in the record */
	uint16_t count_at; /* FIELD_LIST: where the uint32_t count stands; `at` is the pointer */
	uint64_t min;
	uint64_t max;
	const struct record *record; /* FIELD_RECORD, FIELD_LIST */
	const char *why;             /* the field's name and rule, for whoever broke it */
};

/* What repeats in a list. */
struct record {
	uint16_t size;              /* of its struct */
	uint16_t n;                 /* fields */
	bool bare;                  /* the only field stands alone, not in an array of one */
	const struct field *fields; /* in the order of the wire */
	const char *why;            /* for what is no array; NULL if bare */
	/* Reads one record if it looks as usual; false = let the table decide, *c is then of no meaning. */
	bool (*read)(struct cursor *c, void *rec);
	void (*write)(struct buf *out, const void *rec);
};

/* A kind's body. */
struct layout {
	bool known;
	uint8_t n; /* fields */
	const struct field *fields;
};

enum { HEADER_FIELDS = 6, LAYOUT_KINDS = 128 };

/* How many of the n fields at `base` are written: optional ones at the end that say nothing are left out. */
uint32_t fields_said(const struct field *f, uint32_t n, const uint8_t *base);

/* NULL if there is no such kind. */
const struct layout *fields_of(uint32_t kind);

#endif
