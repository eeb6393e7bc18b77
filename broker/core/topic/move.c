/* See move.h. A run is written again with what a replay must know of it, in the same block: which messages each channel
 * is done with, and what has become of the others that it had given out. What a channel has not come to needs no word.
 * All that takes bytes, with many channels more than the run itself, so it is measured first; what has no room in the
 * block is left for another pass over the segment. */
#include "broker/core/topic/move.h"

#include "base/le.h"
#include "broker/core/topic/channel.h"
#include "broker/core/topic/fact.h"
#include "broker/core/topic/parcel.h"
#include "broker/core/topic/run.h"

enum { HEADS = FACT_HEAD + FACT_MESSAGES_HEAD + 2 * (FACT_HEAD + FACT_COUNT_HEAD) };

static bool concerned(const struct channel *ch, const struct run *r)
{
	return channel_durable(ch) && r->number >= ch->start;
}

/* The messages of this run that the channel's cursor has passed. */
static uint64_t passed_mask(const struct channel *ch, const struct run *r)
{
	if (r->number < ch->reached)
		return mask_of(0, r->count);
	return ch->cursor == r ? mask_of(0, ch->cursor_at) : 0;
}

/* Those of them that the channel is done with. */
static uint64_t done_mask(const struct channel *ch, const struct run *r)
{
	uint64_t mask = passed_mask(ch, r);

	for (const struct parcel *p = parcel_of(r, ch, NULL); p != NULL; p = parcel_of(r, ch, p))
		mask &= ~p->mask;
	return mask;
}

/* Deliveries that are behind it: one that is under way is forgotten by a crash. */
static uint32_t attempts_over(const struct parcel *p)
{
	return p->state == PARCEL_IN_HAND ? p->attempts - 1 : p->attempts;
}

/* Bytes that the run takes at most when it is written again. */
static uint64_t need(const struct run *r)
{
	uint64_t n = FACT_RUN_RECORD + r->length + (uint64_t)r->topic->n_channels * FACT_DONE_RECORD;

	for (const struct parcel *p = r->parcels; p != NULL; p = p->next)
		n += FACT_PARCEL_RECORD;
	return n;
}

/* It is going away with its topic, or with its topic's line, and a fact has said so already. */
static bool going(const struct run *r)
{
	const struct topic *t = r->topic;

	return t->doomed || (t->drop != NULL && r->number >= t->drop->number && r->number < t->drop_to);
}

static void write_done(struct core *c, const struct moved_run *v, uint32_t n)
{
	struct buf *b = &c->fx->block;
	size_t begun = fact_begin(b, FACT_MESSAGES_DONE), head = b->n;
	uint32_t count = 0;

	fact_put_count(b, FACT_MOVED, 0);
	for (uint32_t i = 0; i < n; i++) {
		const struct run *r = v[i].run;

		for (struct list *l = r->topic->channels.next; l != &r->topic->channels; l = l->next) {
			const struct channel *ch = list_item(l, struct channel, link);
			uint64_t mask = concerned(ch, r) ? done_mask(ch, r) : 0;

			if (mask == 0)
				continue;
			fact_put_done_rec(b, &(struct fact_done_rec){ ch->index, r->number, mask });
			count++;
		}
	}
	if (count == 0) {
		b->n = begun;
		return;
	}
	le_put32(b->p + head + 1, count);
	fact_end(b, begun);
}

static void write_back(struct core *c, const struct moved_run *v, uint32_t n)
{
	struct buf *b = &c->fx->block;
	size_t begun = fact_begin(b, FACT_MESSAGES_BACK), head = b->n;
	uint32_t count = 0;

	fact_put_count(b, FACT_MOVED, 0);
	for (uint32_t i = 0; i < n; i++) {
		for (const struct parcel *p = v[i].run->parcels; p != NULL; p = p->next) {
			if (!concerned(p->channel, p->run) || attempts_over(p) == 0)
				continue;
			fact_put_parcel_rec(
			    b, &(struct fact_parcel_rec){ .channel = p->channel->index,
			                                  .run = p->run->number,
			                                  .mask = p->mask,
			                                  .attempts = attempts_over(p),
			                                  .due_ms = p->state == PARCEL_DEFERRED ? p->timer.key : 0 });
			count++;
		}
	}
	if (count == 0) {
		b->n = begun;
		return;
	}
	le_put32(b->p + head + 1, count);
	fact_end(b, begun);
}

/* The run that stands there and is still needed, or NULL. */
static struct run *needed(struct core *c, uint64_t number, uint64_t at)
{
	struct run *r = run_find(c, number);

	if (r == NULL || r->at != at)
		return NULL;
	if (going(r)) {
		c->trim.left = true;
		return NULL;
	}
	return r;
}

uint32_t move_messages(struct core *c, uint64_t facts_at, const struct fact *f, struct moved_run *v, uint32_t n,
                       uint32_t most)
{
	uint64_t room = log_group_max(c->config.segment_bytes) + LOG_BLOCK_HEADER, known = HEADS;
	struct buf *b = &c->fx->block;
	struct span rest = f->body;
	struct fact_messages head;
	struct fact_run_rec rec;
	uint32_t from = n;
	size_t begun = 0, count_at = 0;

	if (!fact_get_messages(&rest, &head))
		return n;
	head.flags |= FACT_MOVED;
	head.session = 0;
	for (uint32_t i = 0; i < head.count && fact_get_run_rec(&rest, &rec); i++) {
		struct run *r = needed(c, rec.number, facts_at + f->offset + (uint64_t)(rec.packed.p - f->body.p));

		if (r == NULL)
			continue;
		known += need(r) - r->length - FACT_RUN_RECORD; /* what stands behind all of them */
		if (n == most || b->n + known + r->length + FACT_RUN_RECORD > room) {
			c->trim.left = true;
			break;
		}
		if (begun == 0) {
			begun = fact_begin(b, FACT_MESSAGES_PUT);
			count_at = b->n + 4;
			fact_put_messages(b, &head);
			known -= FACT_HEAD + FACT_MESSAGES_HEAD;
		}
		fact_put_run_rec(b, &rec);
		v[n++] = (struct moved_run){ .run = r, .at = b->n - LOG_BLOCK_HEADER - rec.packed.n };
	}
	if (n == from)
		return n;
	le_put32(b->p + count_at, n - from);
	fact_end(b, begun);
	for (uint32_t i = from; i < n; i++)
		v[i].overhead = run_overhead(n - from);
	write_done(c, v + from, n - from);
	write_back(c, v + from, n - from);
	return n;
}
