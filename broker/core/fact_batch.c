/* Facts of batches and of idempotency keys; see fact.h. */
#include "base/le.h"
#include "broker/core/fact.h"
#include "broker/core/fact_read.h"

enum { BATCH_CLOSED = 1, BATCH_EXPIRED = 2, BATCH_HEAD = 73, THEN_HEAD = 12 };

/* Behind the rest of the batch's fact, if a job is to follow it. */
static void put_then(struct buf *b, const struct fact_then *t)
{
	buf_put_u8(b, t->when);
	buf_put_u8(b, t->priority);
	buf_put_u8(b, t->attempts);
	buf_put_u8(b, 0);
	buf_put_u16(b, t->queue);
	buf_put_u16(b, (uint16_t)t->headers.n);
	buf_put_u32(b, (uint32_t)t->payload.n);
	buf_put_span(b, t->headers);
	buf_put_span(b, t->payload);
}

static bool get_then(struct span *body, struct fact_then *t)
{
	const uint8_t *p;

	if (!take(body, THEN_HEAD, &p) || !take_span(body, le_get16(p + 6), &t->headers) ||
	    !take_span(body, le_get32(p + 8), &t->payload))
		return false;
	t->when = p[0];
	t->priority = p[1];
	t->attempts = p[2];
	t->queue = le_get16(p + 4);
	return t->when >= THEN_SUCCESS && t->when <= THEN_FAILURE && t->priority <= LIMIT_PRIORITY &&
	       t->queue < LIMIT_QUEUES && t->headers.n <= LIMIT_HEADER_BYTES && t->payload.n <= LIMIT_THEN_PAYLOAD;
}

void fact_put_batch(struct buf *b, const struct fact_batch *f)
{
	size_t begun = fact_begin(b, FACT_BATCH);

	buf_put_u64(b, f->id);
	buf_put_u8(b, (uint8_t)((f->closed ? BATCH_CLOSED : 0) | (f->expired ? BATCH_EXPIRED : 0)));
	buf_put_u64(b, f->total);
	buf_put_u64(b, f->ended);
	buf_put_u64(b, f->failed);
	buf_put_u64(b, f->finished_wall);
	buf_put_u64(b, f->session);
	buf_put_u64(b, f->number);
	buf_put_u64(b, f->closes_wall);
	buf_put_u64(b, f->then_id);
	if (f->then.when != 0)
		put_then(b, &f->then);
	fact_end(b, begun);
}

bool fact_get_batch(struct span body, struct fact_batch *f)
{
	const uint8_t *p;

	*f = (struct fact_batch){ 0 };
	if (!take(&body, BATCH_HEAD, &p))
		return false;
	f->id = le_get64(p);
	f->closed = (p[8] & BATCH_CLOSED) != 0;
	f->expired = (p[8] & BATCH_EXPIRED) != 0;
	f->total = le_get64(p + 9);
	f->ended = le_get64(p + 17);
	f->failed = le_get64(p + 25);
	f->finished_wall = le_get64(p + 33);
	f->session = le_get64(p + 41);
	f->number = le_get64(p + 49);
	f->closes_wall = le_get64(p + 57);
	f->then_id = le_get64(p + 65);
	return body.n == 0 || get_then(&body, &f->then);
}

void fact_put_key(struct buf *b, const struct fact_key *k)
{
	size_t begun = fact_begin(b, FACT_KEY);

	buf_put_u16(b, k->queue);
	buf_put_u16(b, (uint16_t)k->key.n);
	buf_put_u64(b, k->id);
	buf_put_u64(b, k->ends_ms);
	buf_put_span(b, k->key);
	fact_end(b, begun);
}

bool fact_get_key(struct span body, struct fact_key *k)
{
	const uint8_t *p;

	if (!take(&body, FACT_KEY_HEAD, &p) || !take_span(&body, le_get16(p + 2), &k->key))
		return false;
	k->queue = le_get16(p);
	k->id = le_get64(p + 4);
	k->ends_ms = le_get64(p + 12);
	return k->queue < LIMIT_QUEUES && k->key.n > 0 && k->key.n <= LIMIT_KEY && k->id > 0;
}
