/* What the journal knows of dead letters that were redriven or forgotten: [count u32][token u64], then [id u64][queue
 * u16] for each. */
#include "base/le.h"
#include "broker/core/fact.h"

enum { DEAD_HEAD = 12 };

void fact_put_dead(struct buf *b, const struct fact_dead *f)
{
	buf_put_u32(b, f->count);
	buf_put_u64(b, f->token);
}

bool fact_get_dead(struct span *body, struct fact_dead *f)
{
	if (body->n < DEAD_HEAD)
		return false;
	*f = (struct fact_dead){ le_get32(body->p), le_get64(body->p + 4) };
	*body = span_of(body->p + DEAD_HEAD, body->n - DEAD_HEAD);
	return true;
}

void fact_put_dead_rec(struct buf *b, const struct fact_dead_rec *r)
{
	buf_put_u64(b, r->id);
	buf_put_u16(b, r->queue);
}

bool fact_get_dead_rec(struct span *body, struct fact_dead_rec *r)
{
	if (body->n < FACT_DEAD_RECORD)
		return false;
	*r = (struct fact_dead_rec){ le_get64(body->p), le_get16(body->p + 8) };
	*body = span_of(body->p + FACT_DEAD_RECORD, body->n - FACT_DEAD_RECORD);
	return r->queue < LIMIT_QUEUES;
}
