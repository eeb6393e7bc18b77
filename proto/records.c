/* The hot records: accepted, result, job, outcome and a submit's payload. A reader takes a record of just
 * the known fields with all of them in range, which is every record of a well-behaved peer of this version.
 * For the rest it says false, and the table in fields.c finds out what is there or what is wrong. */
#include "proto/records.h"

/* True if all went well: readers say SHEAF_OK, which is 0, or an error. */
#define ALL_OK(errors) ((errors) == 0)

static bool read_head(struct cursor *c, uint32_t fields)
{
	uint32_t n = 0;

	return cursor_array(c, &n) == SHEAF_OK && n == fields;
}

bool records_read_accepted(struct cursor *c, void *rec)
{
	struct msg_accepted_rec *r = rec;
	unsigned int errors = 0;

	if (!read_head(c, 3))
		return false;
	errors |= cursor_u64(c, &r->number);
	errors |= cursor_u64(c, &r->first);
	errors |= cursor_u32(c, &r->count);
	return ALL_OK(errors) && r->count <= LIMIT_PUBLISH;
}

bool records_read_result(struct cursor *c, void *rec)
{
	struct msg_result_rec *r = rec;
	unsigned int errors = 0;

	if (!read_head(c, 10))
		return false;
	errors |= cursor_u64(c, &r->id);
	errors |= cursor_u32(c, &r->state);
	errors |= cursor_u32(c, &r->attempt);
	errors |= cursor_i32(c, &r->exit);
	errors |= cursor_u32(c, &r->gone);
	errors |= cursor_u64(c, &r->submitted_ms);
	errors |= cursor_u64(c, &r->started_ms);
	errors |= cursor_u64(c, &r->finished_ms);
	errors |= cursor_bytes(c, &r->error);
	errors |= cursor_bytes(c, &r->result);
	return ALL_OK(errors) && r->state < JOB_STATES && r->gone <= 1 && r->error.n <= LIMIT_ERROR &&
	       r->result.n <= LIMIT_PAYLOAD;
}

bool records_read_job(struct cursor *c, void *rec)
{
	struct msg_job_rec *r = rec;
	unsigned int errors = 0;

	if (!read_head(c, 7))
		return false;
	errors |= cursor_u64(c, &r->id);
	errors |= cursor_u64(c, &r->token);
	errors |= cursor_u32(c, &r->attempt);
	errors |= cursor_u32(c, &r->queue);
	errors |= cursor_u64(c, &r->lease_ms);
	errors |= cursor_bytes(c, &r->headers);
	errors |= cursor_bytes(c, &r->payload);
	r->expires_ms = 0;
	return ALL_OK(errors) && r->attempt >= 1 && r->queue < LIMIT_WORKER_QUEUES && r->payload.n <= LIMIT_PAYLOAD &&
	       (r->headers.n == 0 || headers_ok(r->headers));
}

bool records_read_outcome(struct cursor *c, void *rec)
{
	struct msg_outcome_rec *r = rec;
	unsigned int errors = 0;

	if (!read_head(c, 7))
		return false;
	errors |= cursor_u64(c, &r->id);
	errors |= cursor_u64(c, &r->token);
	errors |= cursor_u32(c, &r->verdict);
	errors |= cursor_i32(c, &r->exit);
	errors |= cursor_u64(c, &r->run_ms);
	errors |= cursor_bytes(c, &r->error);
	errors |= cursor_bytes(c, &r->result);
	return ALL_OK(errors) && r->verdict >= VERDICT_DONE && r->verdict <= VERDICT_KILLED &&
	       r->error.n <= LIMIT_ERROR && r->result.n <= LIMIT_PAYLOAD;
}

bool records_read_settle(struct cursor *c, void *rec)
{
	struct msg_settle_rec *r = rec;
	unsigned int errors = 0;

	if (!read_head(c, 5))
		return false;
	errors |= cursor_u64(c, &r->run);
	errors |= cursor_u64(c, &r->token);
	errors |= cursor_u64(c, &r->mask);
	errors |= cursor_u32(c, &r->verdict);
	errors |= cursor_u64(c, &r->delay_ms);
	return ALL_OK(errors) && r->verdict >= SETTLE_FINISH && r->verdict <= SETTLE_TOUCH &&
	       r->delay_ms <= LIMIT_DEFER_MS;
}

bool records_read_delivery(struct cursor *c, void *rec)
{
	struct msg_delivery_rec *r = rec;
	unsigned int errors = 0;

	if (!read_head(c, 8))
		return false;
	errors |= cursor_u32(c, &r->sub);
	errors |= cursor_u64(c, &r->run);
	errors |= cursor_u64(c, &r->token);
	errors |= cursor_u64(c, &r->mask);
	errors |= cursor_u32(c, &r->attempts);
	errors |= cursor_u64(c, &r->time_ns);
	errors |= cursor_bytes(c, &r->packed);
	errors |= cursor_u64(c, &r->charged);
	return ALL_OK(errors) && r->attempts >= 1 && r->packed.n <= LIMIT_PUBLISH_BYTES;
}

bool records_read_payload(struct cursor *c, void *rec)
{
	struct span *s = rec;

	return cursor_bytes(c, s) == SHEAF_OK && s->n <= LIMIT_PAYLOAD;
}

void records_write_accepted(struct buf *out, const void *rec)
{
	const struct msg_accepted_rec *r = rec;
	uint8_t *p = buf_room(out, 1 + 3 * PUT_NUMBER);

	p = put_array(p, 3);
	p = put_wide(p, r->number);
	p = put_wide(p, r->first);
	p = put_uint(p, r->count);
	out->n = (size_t)(p - out->p);
}

void records_write_result(struct buf *out, const void *rec)
{
	const struct msg_result_rec *r = rec;
	uint8_t *p = buf_room(out, 1 + 8 * PUT_NUMBER + 2 * PUT_HEAD + r->error.n + r->result.n);

	must(r->error.n <= LIMIT_ERROR && r->result.n <= LIMIT_PAYLOAD);
	p = put_array(p, 10);
	p = put_wide(p, r->id);
	p = put_uint(p, r->state);
	p = put_uint(p, r->attempt);
	p = put_int(p, r->exit);
	p = put_uint(p, r->gone);
	p = put_wide(p, r->submitted_ms);
	p = put_wide(p, r->started_ms);
	p = put_wide(p, r->finished_ms);
	p = put_bin(p, r->error);
	p = put_bin(p, r->result);
	out->n = (size_t)(p - out->p);
}

void records_write_job(struct buf *out, const void *rec)
{
	const struct msg_job_rec *r = rec;
	uint8_t *p = buf_room(out, 1 + 6 * PUT_NUMBER + 2 * PUT_HEAD + r->headers.n + r->payload.n);

	must(r->headers.n <= LIMIT_HEADER_BYTES && r->payload.n <= LIMIT_PAYLOAD);
	p = put_array(p, r->expires_ms ? 8 : 7);
	p = put_wide(p, r->id);
	p = put_wide(p, r->token);
	p = put_uint(p, r->attempt);
	p = put_uint(p, r->queue);
	p = put_uint(p, r->lease_ms);
	p = put_bin(p, r->headers);
	p = put_bin(p, r->payload);
	if (r->expires_ms)
		p = put_uint(p, r->expires_ms);
	out->n = (size_t)(p - out->p);
}

void records_write_outcome(struct buf *out, const void *rec)
{
	const struct msg_outcome_rec *r = rec;
	uint8_t *p = buf_room(out, 1 + 5 * PUT_NUMBER + 2 * PUT_HEAD + r->error.n + r->result.n);

	must(r->error.n <= LIMIT_ERROR && r->result.n <= LIMIT_PAYLOAD);
	p = put_array(p, 7);
	p = put_wide(p, r->id);
	p = put_wide(p, r->token);
	p = put_uint(p, r->verdict);
	p = put_int(p, r->exit);
	p = put_uint(p, r->run_ms);
	p = put_bin(p, r->error);
	p = put_bin(p, r->result);
	out->n = (size_t)(p - out->p);
}

void records_write_settle(struct buf *out, const void *rec)
{
	const struct msg_settle_rec *r = rec;
	uint8_t *p = buf_room(out, 1 + 5 * PUT_NUMBER);

	p = put_array(p, 5);
	p = put_wide(p, r->run);
	p = put_wide(p, r->token);
	p = put_wide(p, r->mask);
	p = put_uint(p, r->verdict);
	p = put_uint(p, r->delay_ms);
	out->n = (size_t)(p - out->p);
}

void records_write_delivery(struct buf *out, const void *rec)
{
	const struct msg_delivery_rec *r = rec;
	uint8_t *p = buf_room(out, 1 + 7 * PUT_NUMBER + PUT_HEAD + r->packed.n);

	must(r->packed.n <= LIMIT_PUBLISH_BYTES);
	p = put_array(p, 8);
	p = put_uint(p, r->sub);
	p = put_wide(p, r->run);
	p = put_wide(p, r->token);
	p = put_wide(p, r->mask);
	p = put_uint(p, r->attempts);
	p = put_wide(p, r->time_ns);
	p = put_bin(p, r->packed);
	p = put_wide(p, r->charged);
	out->n = (size_t)(p - out->p);
}

void records_write_payload(struct buf *out, const void *rec)
{
	const struct span *s = rec;
	uint8_t *p;

	must(s->n <= LIMIT_PAYLOAD);
	p = put_bin(buf_room(out, PUT_HEAD + s->n), *s);
	out->n = (size_t)(p - out->p);
}
