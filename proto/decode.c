/* A frame to a message, along the tables of fields.h. The functions below call each other, but along the
 * tables, which are three deep, never along the input. */
#include <stdalign.h>
#include <stdlib.h>

#include "proto/fields.h"

/* The largest lists that one message can bring: a worker's hello. The others are smaller by far. */
enum {
	ROOM_SLACK = 4096,
	ROOM_BYTES = LIMIT_HELD * sizeof(struct msg_held_rec) + LIMIT_WORKER_QUEUES * sizeof(struct span) + ROOM_SLACK
};
static_assert(LIMIT_RECORDS * sizeof(struct msg_result_rec) < ROOM_BYTES, "results fit");
static_assert(LIMIT_RECORDS * sizeof(struct msg_job_rec) < ROOM_BYTES, "jobs fit");
static_assert(LIMIT_ALL_PARTS * sizeof(struct msg_all_part) < ROOM_BYTES, "parts fit");
static_assert(LIMIT_RECORDS * sizeof(struct msg_outcome_rec) < ROOM_BYTES, "outcomes fit");
static_assert(LIMIT_RECORDS * sizeof(struct msg_progress_rec) < ROOM_BYTES, "progress fits");
static_assert(LIMIT_TOPIC_ROWS * sizeof(struct msg_topic_rec) < ROOM_BYTES, "topics fit");
static_assert(LIMIT_RECORDS * sizeof(struct msg_delivery_rec) < ROOM_BYTES, "deliveries fit");
static_assert(LIMIT_LISTED * sizeof(struct msg_queue_rec) < ROOM_BYTES, "queues fit");
static_assert(LIMIT_LISTED * sizeof(struct msg_worker_rec) < ROOM_BYTES, "workers fit");
static_assert(LIMIT_LISTED * sizeof(struct msg_cron_rec) + LIMIT_CRON_NEXT * sizeof(struct msg_cron_time) < ROOM_BYTES,
              "schedules fit");

struct msg_room {
	size_t used;
	alignas(16) uint8_t bytes[ROOM_BYTES];
};

struct reader {
	struct cursor c;
	struct msg_room *room; /* borrowed */
	const char *why;       /* of the first error */
};

struct msg_room *msg_room_new(void)
{
	struct msg_room *room = malloc(sizeof *room);

	must(room != NULL);
	room->used = 0;
	return room;
}

void msg_room_free(struct msg_room *room)
{
	free(room);
}

/* `n` records of `size` bytes. The limits in the tables and the asserts above say that there is room. */
static void *room_take(struct msg_room *room, size_t n, size_t size)
{
	size_t at = (room->used + 15) & ~(size_t)15;

	must(n <= (ROOM_BYTES - at) / size);
	room->used = at + n * size;
	return room->bytes + at;
}

enum sheaf_error cursor_skip(struct cursor *c)
{
	struct cursor at = *c;
	uint64_t todo = 1; /* at most two for each byte passed, so it cannot overflow */

	while (todo > 0) {
		size_t left = cursor_left(&at), n = 1;
		uint8_t first;

		if (left == 0 || todo > left)
			return SHEAF_E_MALFORMED;
		first = *at.p;
		todo--;
		if (first >= 0x80 && first < MP_FIXARRAY) { /* fixmap */
			todo += 2 * (uint64_t)(first & 15u);
		} else if (first >= MP_FIXARRAY && first < MP_FIXSTR) {
			todo += first & 15u;
		} else if (first >= MP_FIXSTR && first < 0xc0) {
			n += first & 31u;
		} else if (first == 0xc1) {
			return SHEAF_E_MALFORMED;
		} else if (first >= 0xc4 && first <= 0xdf) {
			/* bytes of the length, or of the number, that follows each first byte from 0xc4 on */
			static const uint8_t widths[] = { 1, 2, 4, 1, 2, 4, 4,  8, 1, 2, 4, 8, 1, 2,
				                          4, 8, 2, 3, 5, 9, 17, 1, 2, 4, 2, 4, 2, 4 };
			size_t width = widths[first - 0xc4];
			bool ext = first >= 0xc7 && first <= 0xc9;
			bool sized = first <= 0xc9 || (first >= MP_STR8 && first <= MP_STR32);
			uint64_t count;

			n += width;
			if (left < n)
				return SHEAF_E_MALFORMED;
			count = sized || first >= MP_ARRAY16 ? be_get(at.p + 1, width) : 0;
			if (sized)
				n += count + ext;
			else
				todo += first >= 0xde ? 2 * count : count;
		}
		if (n > left)
			return SHEAF_E_MALFORMED;
		at.p += n;
	}
	*c = at;
	return SHEAF_OK;
}

static enum sheaf_error read_number(struct reader *r, const struct field *f, uint8_t *to)
{
	enum sheaf_error e;
	uint64_t v;

	if (f->type == FIELD_I32) {
		int32_t i;

		e = cursor_i32(&r->c, &i);
		if (e == SHEAF_OK)
			memcpy(to, &i, sizeof i);
		return e;
	}
	e = cursor_u64(&r->c, &v);
	if (e != SHEAF_OK)
		return e;
	if (v < f->min || v > f->max)
		return SHEAF_E_BAD_VALUE;
	if (f->type == FIELD_U32) {
		uint32_t narrow = (uint32_t)v;

		memcpy(to, &narrow, sizeof narrow);
	} else {
		memcpy(to, &v, sizeof v);
	}
	return SHEAF_OK;
}

static enum sheaf_error check_headers(struct span s)
{
	size_t count = 0;

	for (size_t i = 0; i < s.n && s.n <= LIMIT_HEADER_BYTES; i++)
		count += s.p[i] == 0;
	if (s.n > LIMIT_HEADER_BYTES || count > LIMIT_HEADERS)
		return SHEAF_E_TOO_LARGE;
	return headers_ok(s) ? SHEAF_OK : SHEAF_E_BAD_VALUE;
}

static enum sheaf_error read_bytes(struct reader *r, const struct field *f, uint8_t *to)
{
	struct span s;
	enum sheaf_error e = cursor_bytes(&r->c, &s);

	if (e != SHEAF_OK)
		return e;
	if (f->type == FIELD_QUEUE)
		e = (s.n == 0 && f->min == 0) || name_queue_ok(s) ? SHEAF_OK : SHEAF_E_BAD_NAME;
	else if (f->type == FIELD_NAME)
		e = (s.n == 0 && f->min == 0) || name_worker_ok(s) ? SHEAF_OK : SHEAF_E_BAD_NAME;
	else if (f->type == FIELD_TOPIC)
		e = (s.n == 0 && f->min == 0) || name_topic_ok(s) ? SHEAF_OK : SHEAF_E_BAD_NAME;
	else if (f->type == FIELD_HEADERS)
		e = check_headers(s);
	else if (s.n > f->max)
		e = SHEAF_E_TOO_LARGE;
	if (e == SHEAF_OK)
		memcpy(to, &s, sizeof s);
	return e;
}

static enum sheaf_error read_states(struct reader *r, uint8_t *to)
{
	enum sheaf_error e;
	uint32_t n;

	e = cursor_array(&r->c, &n);
	if (e != SHEAF_OK || n < JOB_STATES)
		return SHEAF_E_MALFORMED;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t v;

		e = i < JOB_STATES ? cursor_u64(&r->c, &v) : cursor_skip(&r->c);
		if (e != SHEAF_OK)
			return e;
		if (i < JOB_STATES)
			memcpy(to + i * sizeof v, &v, sizeof v);
	}
	return SHEAF_OK;
}

static enum sheaf_error read_field(struct reader *r, const struct field *f, uint8_t *base);

/* `known` fields into `base`, then whatever a newer peer added, `n` in all. */
static enum sheaf_error read_fields(struct reader *r, const struct field *f, uint32_t known, uint32_t n, uint8_t *base)
{
	enum sheaf_error e;

	for (uint32_t i = 0; i < known; i++) {
		if (i >= n && f[i].optional)
			return SHEAF_OK;
		e = i < n ? read_field(r, &f[i], base) : SHEAF_E_MALFORMED;
		if (e != SHEAF_OK) {
			if (r->why == NULL)
				r->why = f[i].why;
			return e;
		}
	}
	for (uint32_t i = known; i < n; i++) {
		if (cursor_skip(&r->c) != SHEAF_OK) {
			r->why = "an additional field is cut off or no msgpack";
			return SHEAF_E_MALFORMED;
		}
	}
	return SHEAF_OK;
}

static enum sheaf_error read_record(struct reader *r, const struct record *rec, uint8_t *to)
{
	struct cursor begin = r->c;
	uint32_t n;

	if (rec->read != NULL) {
		if (likely(rec->read(&r->c, to)))
			return SHEAF_OK;
		r->c = begin;
	}
	memset(to, 0, rec->size); /* what is optional may be missing */
	if (rec->bare)
		return read_fields(r, rec->fields, 1, 1, to);
	if (cursor_array(&r->c, &n) != SHEAF_OK) {
		r->why = rec->why;
		return SHEAF_E_MALFORMED;
	}
	return read_fields(r, rec->fields, rec->n, n, to);
}

static enum sheaf_error read_list(struct reader *r, const struct field *f, uint8_t *base)
{
	enum sheaf_error e;
	uint8_t *v;
	uint32_t n;

	e = cursor_array(&r->c, &n);
	if (e != SHEAF_OK)
		return e;
	if (n > f->max)
		return SHEAF_E_TOO_LARGE;
	if (n < f->min)
		return SHEAF_E_BAD_VALUE;
	v = room_take(r->room, n, f->record->size);
	for (uint32_t i = 0; i < n; i++) {
		e = read_record(r, f->record, v + (size_t)i * f->record->size);
		if (e != SHEAF_OK)
			return e;
	}
	memcpy(base + f->at, &v, sizeof v);
	memcpy(base + f->count_at, &n, sizeof n);
	return SHEAF_OK;
}

static enum sheaf_error read_field(struct reader *r, const struct field *f, uint8_t *base)
{
	switch (f->type) {
	case FIELD_U32:
	case FIELD_U64:
	case FIELD_WIDE:
	case FIELD_I32:
		return read_number(r, f, base + f->at);
	case FIELD_BYTES:
	case FIELD_TEXT:
	case FIELD_QUEUE:
	case FIELD_NAME:
	case FIELD_TOPIC:
	case FIELD_HEADERS:
		return read_bytes(r, f, base + f->at);
	case FIELD_STATES:
		return read_states(r, base + f->at);
	case FIELD_RECORD:
		return read_record(r, f->record, base + f->at);
	case FIELD_LIST:
		return read_list(r, f, base);
	}
	must(false);
	return SHEAF_E_MALFORMED;
}

static enum sheaf_error check_versions(uint32_t min, uint32_t max, const char **why)
{
	if (min > max) {
		*why = "version_min: at most version_max";
		return SHEAF_E_BAD_VALUE;
	}
	if (max < PROTO_VERSION_MIN || min > PROTO_VERSION_MAX) {
		*why = "version_min, version_max: no version in common";
		return SHEAF_E_VERSION;
	}
	return SHEAF_OK;
}

/* What a table cannot say: rules between fields. */
static enum sheaf_error check_body(const struct msg *m, const char **why)
{
	switch (m->h.kind) {
	case MSG_CLIENT_HELLO:
		return check_versions(m->u.client_hello.version_min, m->u.client_hello.version_max, why);
	case MSG_WORKER_HELLO:
		return check_versions(m->u.worker_hello.version_min, m->u.worker_hello.version_max, why);
	case MSG_QUEUE_OP:
		if (m->u.queue_op.op == QUEUE_PEEK && m->u.queue_op.arg > LIMIT_PEEKED) {
			*why = "arg: at most 32 jobs to peek at";
			return SHEAF_E_TOO_LARGE;
		}
		return SHEAF_OK;
	case MSG_SUBMIT_ALL:
		return msg_all_check(&m->u.submit_all, why);
	case MSG_BEAT:
		for (uint32_t i = 0; i < m->u.beat.n_lost; i++) {
			if (m->u.beat.lost[i].first > m->u.beat.lost[i].last) {
				*why = "lost.first: at most lost.last";
				return SHEAF_E_BAD_VALUE;
			}
		}
		return SHEAF_OK;
	default:
		return SHEAF_OK;
	}
}

static enum sheaf_error read_header(struct cursor *c, struct msg_header *h, uint32_t *n, const char **why)
{
	enum sheaf_error e;

	*why = "header: [version, kind, shard, epoch, session, number, ...]";
	e = cursor_array(c, n);
	if (e != SHEAF_OK || *n < HEADER_FIELDS)
		return SHEAF_E_MALFORMED;
	if ((e = cursor_u32(c, &h->version)) != SHEAF_OK || (e = cursor_u32(c, &h->kind)) != SHEAF_OK ||
	    (e = cursor_u32(c, &h->shard)) != SHEAF_OK || (e = cursor_u64(c, &h->epoch)) != SHEAF_OK ||
	    (e = cursor_u64(c, &h->session)) != SHEAF_OK || (e = cursor_u64(c, &h->number)) != SHEAF_OK)
		return e;
	if (h->version < PROTO_VERSION_MIN || h->version > PROTO_VERSION_MAX) {
		*why = "version: 1";
		return SHEAF_E_VERSION;
	}
	return SHEAF_OK;
}

enum sheaf_error msg_decode(struct span frame, struct msg_room *room, struct msg *m, const char **why)
{
	const uint8_t *p = frame.n ? frame.p : (const uint8_t *)"";
	struct reader r = { .c = { .p = p, .end = p + frame.n }, .room = room };
	const struct layout *layout;
	enum sheaf_error e;
	uint32_t n;

	*m = (struct msg){ 0 };
	room->used = 0;
	e = read_header(&r.c, &m->h, &n, why);
	if (e != SHEAF_OK)
		return e;
	if (frame.n > LIMIT_MESSAGE) {
		*why = "message: at most 17 MiB";
		return SHEAF_E_TOO_LARGE;
	}
	layout = fields_of(m->h.kind);
	if (layout == NULL) {
		*why = "kind: unknown";
		return SHEAF_E_UNSUPPORTED;
	}
	e = read_fields(&r, layout->fields, layout->n, n - HEADER_FIELDS, (uint8_t *)m);
	if (e != SHEAF_OK) {
		*why = r.why;
		return e;
	}
	if (r.c.p != r.c.end) {
		*why = "message: bytes behind its end";
		return SHEAF_E_MALFORMED;
	}
	return check_body(m, why);
}
