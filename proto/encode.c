/* A message to bytes, along the tables of fields.h, and messages that grow record by record. */
#include "proto/fields.h"
#include "proto/records.h"

/* The head that we write: one byte for the array (three if it is long), one each for version, kind and shard, nine
 * each for epoch, session and number. msg_patch relies on it. */
enum { HEAD_EPOCH = 3, HEAD_SESSION = HEAD_EPOCH + PUT_NUMBER, HEAD_NUMBER = HEAD_SESSION + PUT_NUMBER };
enum { HEAD_BYTES = HEAD_NUMBER + PUT_NUMBER, FIX_MAX = 0x7f, COUNT_BYTES = 3 };

static void write_head(struct buf *out, const struct msg_header *h, uint32_t fields)
{
	uint8_t *p = buf_room(out, PUT_HEAD + HEAD_BYTES);

	must(h->version >= PROTO_VERSION_MIN && h->version <= PROTO_VERSION_MAX);
	must(h->kind <= FIX_MAX && h->shard <= FIX_MAX);
	p = put_array(p, HEADER_FIELDS + fields);
	*p++ = (uint8_t)h->version;
	*p++ = (uint8_t)h->kind;
	*p++ = (uint8_t)h->shard;
	p = put_wide(p, h->epoch);
	p = put_wide(p, h->session);
	p = put_wide(p, h->number);
	out->n = (size_t)(p - out->p);
}

static void write_number(struct buf *out, const struct field *f, const uint8_t *from)
{
	uint8_t *p = buf_room(out, PUT_NUMBER);
	uint32_t narrow;
	uint64_t v;
	int32_t i;

	if (f->type == FIELD_I32) {
		memcpy(&i, from, sizeof i);
		p = put_int(p, i);
	} else if (f->type == FIELD_U32) {
		memcpy(&narrow, from, sizeof narrow);
		p = put_uint(p, narrow);
	} else {
		memcpy(&v, from, sizeof v);
		p = f->type == FIELD_WIDE ? put_wide(p, v) : put_uint(p, v);
	}
	out->n = (size_t)(p - out->p);
}

static void write_bytes(struct buf *out, const struct field *f, const uint8_t *from)
{
	struct span s;
	uint8_t *p;

	memcpy(&s, from, sizeof s);
	must(s.n <= f->max);
	p = buf_room(out, PUT_HEAD + s.n);
	p = f->type == FIELD_BYTES || f->type == FIELD_HEADERS ? put_bin(p, s) : put_str(p, s);
	out->n = (size_t)(p - out->p);
}

static void write_array(struct buf *out, uint32_t n)
{
	uint8_t *p = put_array(buf_room(out, PUT_HEAD), n);

	out->n = (size_t)(p - out->p);
}

static void write_states(struct buf *out, const uint8_t *from)
{
	write_array(out, JOB_STATES);
	for (uint32_t i = 0; i < JOB_STATES; i++) {
		static const struct field number = { .type = FIELD_U64 };

		write_number(out, &number, from + i * sizeof(uint64_t));
	}
}

static void write_field(struct buf *out, const struct field *f, const uint8_t *base);

static bool says_nothing(const struct field *f, const uint8_t *base)
{
	struct span s;
	uint64_t v = 0;

	switch (f->type) {
	case FIELD_U32:
	case FIELD_I32:
		memcpy(&v, base + f->at, sizeof(uint32_t));
		break;
	case FIELD_LIST:
		memcpy(&v, base + f->count_at, sizeof(uint32_t));
		break;
	case FIELD_U64:
	case FIELD_WIDE:
		memcpy(&v, base + f->at, sizeof v);
		break;
	default:
		must(f->type != FIELD_STATES && f->type != FIELD_RECORD);
		memcpy(&s, base + f->at, sizeof s);
		v = s.n;
	}
	return v == 0;
}

uint32_t fields_said(const struct field *f, uint32_t n, const uint8_t *base)
{
	while (n > 0 && f[n - 1].optional && says_nothing(&f[n - 1], base))
		n--;
	return n;
}

static void write_record(struct buf *out, const struct record *rec, const uint8_t *from)
{
	uint32_t n = rec->n;

	if (rec->write != NULL) {
		rec->write(out, from);
		return;
	}
	if (!rec->bare) {
		n = fields_said(rec->fields, n, from);
		write_array(out, n);
	}
	for (uint32_t i = 0; i < n; i++)
		write_field(out, &rec->fields[i], from);
}

static void write_list(struct buf *out, const struct field *f, const uint8_t *base)
{
	const uint8_t *v;
	uint32_t n;

	memcpy(&v, base + f->at, sizeof v);
	memcpy(&n, base + f->count_at, sizeof n);
	must(n >= f->min && n <= f->max);
	write_array(out, n);
	for (uint32_t i = 0; i < n; i++)
		write_record(out, f->record, v + (size_t)i * f->record->size);
}

/* Calls itself along the tables, which are three deep. */
static void write_field(struct buf *out, const struct field *f, const uint8_t *base)
{
	switch (f->type) {
	case FIELD_U32:
	case FIELD_U64:
	case FIELD_WIDE:
	case FIELD_I32:
		write_number(out, f, base + f->at);
		return;
	case FIELD_BYTES:
	case FIELD_TEXT:
	case FIELD_QUEUE:
	case FIELD_NAME:
	case FIELD_TOPIC:
	case FIELD_HEADERS:
		write_bytes(out, f, base + f->at);
		return;
	case FIELD_STATES:
		write_states(out, base + f->at);
		return;
	case FIELD_RECORD:
		write_record(out, f->record, base + f->at);
		return;
	case FIELD_LIST:
		write_list(out, f, base);
		return;
	}
	must(false);
}

void msg_encode(struct buf *out, const struct msg *m)
{
	const struct layout *layout = fields_of(m->h.kind);

	uint32_t n;

	must(layout != NULL);
	n = fields_said(layout->fields, layout->n, (const uint8_t *)m);
	write_head(out, &m->h, n);
	for (uint32_t i = 0; i < n; i++)
		write_field(out, &layout->fields[i], (const uint8_t *)m);
}

void msg_begin(struct msg_writer *w, struct buf *out, const struct msg_header *h, uint32_t answer)
{
	const struct layout *layout = fields_of(h->kind);
	uint8_t *p;

	must(h->kind == MSG_JOBS || h->kind == MSG_OUTCOMES || h->kind == MSG_RESULTS || h->kind == MSG_ACCEPTED ||
	     h->kind == MSG_MESSAGES || h->kind == MSG_SETTLE);
	must(answer <= 1);
	*w = (struct msg_writer){ .out = out, .start = out->n };
	write_head(out, h, layout->n);
	p = buf_room(out, 1 + COUNT_BYTES);
	if (h->kind == MSG_RESULTS)
		*p++ = (uint8_t)answer;
	w->count_at = (size_t)(p - out->p);
	p = put_u16(p, MP_ARRAY16, 0);
	out->n = (size_t)(p - out->p);
}

static void count_record(struct msg_writer *w)
{
	must(w->n < LIMIT_RECORDS);
	w->n++;
}

void msg_put_job(struct msg_writer *w, const struct msg_job_rec *r)
{
	count_record(w);
	records_write_job(w->out, r);
}

void msg_put_outcome(struct msg_writer *w, const struct msg_outcome_rec *r)
{
	count_record(w);
	records_write_outcome(w->out, r);
}

void msg_put_result(struct msg_writer *w, const struct msg_result_rec *r)
{
	count_record(w);
	records_write_result(w->out, r);
}

void msg_put_accepted(struct msg_writer *w, const struct msg_accepted_rec *r)
{
	count_record(w);
	records_write_accepted(w->out, r);
}

void msg_put_delivery(struct msg_writer *w, const struct msg_delivery_rec *r)
{
	count_record(w);
	records_write_delivery(w->out, r);
}

void msg_put_settle(struct msg_writer *w, const struct msg_settle_rec *r)
{
	count_record(w);
	records_write_settle(w->out, r);
}

void msg_end(struct msg_writer *w)
{
	(void)put_u16(w->out->p + w->count_at, MP_ARRAY16, (uint16_t)w->n);
}

void msg_patch(uint8_t *p, size_t n, uint64_t epoch, uint64_t session, uint64_t number)
{
	size_t array = n > 0 && p[0] == MP_ARRAY16 ? 3 : 1;

	must(n >= array + HEAD_BYTES);
	p += array;
	must(p[HEAD_EPOCH] == MP_UINT64 && p[HEAD_SESSION] == MP_UINT64 && p[HEAD_NUMBER] == MP_UINT64);
	(void)put_wide(p + HEAD_EPOCH, epoch);
	(void)put_wide(p + HEAD_SESSION, session);
	(void)put_wide(p + HEAD_NUMBER, number);
}
