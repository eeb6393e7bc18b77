/* Deliveries as frames, and dead messages that the core wants to read. */
#include <stdlib.h>

#include "tests/sim/broker_actor.h"
#include "tests/sim/topics.h"

/* The messages of the mask out of a run's packed bytes; count 0: how many it has is not known. */
static void pick(struct world *w, struct span run, uint32_t count, uint64_t mask, struct buf *packed)
{
	const uint8_t *p = run.p, *end = run.p + run.n;

	for (uint32_t i = 0; i < (count > 0 ? count : RUN_MESSAGES) && p < end; i++) {
		size_t n = 4 + (size_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);

		if ((size_t)(end - p) < n)
			world_fail(w, "a run's messages are longer than the run");
		if (mask >> i & 1)
			buf_put(packed, p, n);
		p += n;
	}
	if (p != end || packed->n == 0)
		world_fail(w, "a run is longer than its messages, or has not these");
}

void broker_delivery(struct broker *b, const struct effect *e, struct msg_delivery_rec *r, struct buf *packed)
{
	*r = e->u.delivery.rec;
	if (topic_actor_place(r->sub) == PLACES)
		world_fail(b->w, "a delivery to nobody");
	pick(b->w, disk_bytes(&b->disk, e->stored.position, e->stored.length, e->stored.crc), e->u.delivery.count,
	     r->mask, packed);
	r->packed = buf_span(packed);
	b->w->totals->deliveries++;
	topics_delivered(b->w->topics, topic_actor_place(r->sub), r);
}

void broker_tell_deliveries(struct broker *b, const struct msg *m)
{
	for (uint32_t i = 0; i < m->u.messages.n; i++)
		topics_left(b->w->topics, topic_actor_place(m->u.messages.v[i].sub), &m->u.messages.v[i]);
}

void broker_fetch(struct broker *b, const struct effect *e)
{
	struct self_note note = { SELF_FETCHED, e->number };
	struct buf frame;

	buf_init(&frame);
	buf_put(&frame, &note, sizeof note);
	pick(b->w, disk_bytes(&b->disk, e->stored.position, e->stored.length, e->stored.crc), 0, e->u.mask, &frame);
	pipe_send(&b->self, buf_span(&frame));
	buf_fini(&frame);
}
