/* Writers and readers of the facts about topics; see fact.h. */
#include "broker/core/topic/fact.h"

#include "base/le.h"
#include "broker/core/fact_read.h"

enum { TOPIC_HEAD = 52, CHANNEL_HEAD = 52 };
enum { TOPIC_IS_PAUSED = 1, TOPIC_FLOWS = 2 };
enum { CHANNEL_PAUSED = 1, CHANNEL_ORDERED = 2 };

/* A name that a string can hold. */
static bool name_sound(struct span name, bool may_be_empty)
{
	return name.n <= LIMIT_NAME && (name.n > 0 ? memchr(name.p, 0, name.n) == NULL : may_be_empty);
}

void fact_put_topic(struct buf *b, const struct fact_topic *f)
{
	size_t begun = fact_begin(b, FACT_TOPIC);

	buf_put_u16(b, f->index);
	buf_put_u8(b, (uint8_t)((f->paused ? TOPIC_IS_PAUSED : 0) | (f->flows ? TOPIC_FLOWS : 0)));
	buf_put_u8(b, (uint8_t)f->name.n);
	buf_put_u64(b, f->passed);
	buf_put_u64(b, f->passed_n);
	buf_put_u64(b, f->keep_ms);
	buf_put_u64(b, f->keep_bytes);
	buf_put_u64(b, f->messages);
	buf_put_u64(b, f->bytes);
	buf_put_span(b, f->name);
	fact_end(b, begun);
}

bool fact_get_topic(struct span body, struct fact_topic *f)
{
	const uint8_t *p;

	if (!take(&body, TOPIC_HEAD, &p) || !take_span(&body, p[3], &f->name))
		return false;
	f->index = le_get16(p);
	f->paused = (p[2] & TOPIC_IS_PAUSED) != 0;
	f->flows = (p[2] & TOPIC_FLOWS) != 0;
	f->passed = le_get64(p + 4);
	f->passed_n = le_get64(p + 12);
	f->keep_ms = le_get64(p + 20);
	f->keep_bytes = le_get64(p + 28);
	f->messages = le_get64(p + 36);
	f->bytes = le_get64(p + 44);
	return f->index < LIMIT_TOPICS && name_sound(f->name, false) && f->passed <= FACT_RUN_MAX &&
	       f->keep_ms <= LIMIT_DELAY_MS && f->keep_bytes <= LIMIT_KEEP_BYTES;
}

void fact_put_channel(struct buf *b, const struct fact_channel *f)
{
	size_t begun = fact_begin(b, FACT_CHANNEL);

	buf_put_u16(b, f->index);
	buf_put_u16(b, f->topic);
	buf_put_u8(b, (uint8_t)((f->paused ? CHANNEL_PAUSED : 0) | (f->ordered ? CHANNEL_ORDERED : 0)));
	buf_put_u8(b, (uint8_t)f->name.n);
	buf_put_u8(b, (uint8_t)f->dead.n);
	buf_put_u8(b, 0);
	buf_put_u64(b, f->start);
	buf_put_u32(b, f->attempts);
	buf_put_u64(b, f->messages);
	buf_put_u64(b, f->requeued);
	buf_put_u64(b, f->timed_out);
	buf_put_u64(b, f->died);
	buf_put_span(b, f->name);
	buf_put_span(b, f->dead);
	fact_end(b, begun);
}

bool fact_get_channel(struct span body, struct fact_channel *f)
{
	const uint8_t *p;

	if (!take(&body, CHANNEL_HEAD, &p) || !take_span(&body, p[5], &f->name) || !take_span(&body, p[6], &f->dead))
		return false;
	f->index = le_get16(p);
	f->topic = le_get16(p + 2);
	f->paused = (p[4] & CHANNEL_PAUSED) != 0;
	f->ordered = (p[4] & CHANNEL_ORDERED) != 0;
	f->start = le_get64(p + 8);
	f->attempts = le_get32(p + 16);
	f->messages = le_get64(p + 20);
	f->requeued = le_get64(p + 28);
	f->timed_out = le_get64(p + 36);
	f->died = le_get64(p + 44);
	return f->index < LIMIT_CHANNELS && f->topic < LIMIT_TOPICS && name_sound(f->name, false) &&
	       name_sound(f->dead, true) && f->start <= FACT_RUN_MAX && f->attempts <= LIMIT_MESSAGE_ATTEMPTS;
}

void fact_put_messages(struct buf *b, const struct fact_messages *f)
{
	uint8_t *p = buf_room(b, FACT_MESSAGES_HEAD);

	le_put16(p, f->topic);
	p[2] = f->flags;
	p[3] = 0;
	le_put32(p + 4, f->count);
	le_put64(p + 8, f->session);
	le_put64(p + 16, f->number);
	le_put64(p + 24, f->floor);
	le_put64(p + 32, f->time_ms);
	le_put64(p + 40, f->due_ms);
	b->n += FACT_MESSAGES_HEAD;
}

bool fact_get_messages(struct span *body, struct fact_messages *f)
{
	const uint8_t *p;

	if (!take(body, FACT_MESSAGES_HEAD, &p))
		return false;
	f->topic = le_get16(p);
	f->flags = p[2];
	f->count = le_get32(p + 4);
	f->session = le_get64(p + 8);
	f->number = le_get64(p + 16);
	f->floor = le_get64(p + 24);
	f->time_ms = le_get64(p + 32);
	f->due_ms = le_get64(p + 40);
	return f->topic < LIMIT_TOPICS && f->count > 0 && f->time_ms <= JOB_MS_MASK && f->due_ms <= JOB_MS_MASK;
}

void fact_put_run_rec(struct buf *b, const struct fact_run_rec *r)
{
	uint8_t *p = buf_room(b, FACT_RUN_RECORD + r->packed.n);

	le_put64(p, r->number);
	le_put32(p + 8, (uint32_t)r->packed.n);
	le_put32(p + 12, r->crc);
	p[16] = r->count;
	b->n += FACT_RUN_RECORD;
	buf_put_span(b, r->packed);
}

/* Just so many messages, none of them empty, and nothing behind them. */
static bool packed_sound(struct span packed, uint32_t count)
{
	const uint8_t *p;
	uint32_t n;

	for (uint32_t i = 0; i < count; i++) {
		if (!take(&packed, 4, &p))
			return false;
		n = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
		if (n == 0 || !take(&packed, n, &p))
			return false;
	}
	return packed.n == 0;
}

bool fact_get_run_rec(struct span *body, struct fact_run_rec *r)
{
	uint32_t length;
	const uint8_t *p;

	if (!take(body, FACT_RUN_RECORD, &p))
		return false;
	length = le_get32(p + 8);
	if (length > LIMIT_PUBLISH_BYTES || p[16] == 0 || p[16] > RUN_MESSAGES || !take_span(body, length, &r->packed))
		return false;
	r->number = le_get64(p);
	r->crc = le_get32(p + 12);
	r->count = p[16];
	return r->number > 0 && r->number <= FACT_RUN_MAX && packed_sound(r->packed, r->count);
}

void fact_put_done_rec(struct buf *b, const struct fact_done_rec *r)
{
	uint8_t *p = buf_room(b, FACT_DONE_RECORD);

	le_put16(p, r->channel);
	le_put64(p + 2, r->run);
	le_put64(p + 10, r->mask);
	b->n += FACT_DONE_RECORD;
}

bool fact_get_done_rec(struct span *body, struct fact_done_rec *r)
{
	const uint8_t *p;

	if (!take(body, FACT_DONE_RECORD, &p))
		return false;
	*r = (struct fact_done_rec){ le_get16(p), le_get64(p + 2), le_get64(p + 10) };
	return r->channel < LIMIT_CHANNELS && r->run > 0 && r->run <= FACT_RUN_MAX && r->mask != 0;
}

void fact_put_parcel_rec(struct buf *b, const struct fact_parcel_rec *r)
{
	uint8_t *p = buf_room(b, FACT_PARCEL_RECORD);

	le_put16(p, r->channel);
	p[2] = r->timed_out;
	le_put32(p + 3, r->attempts);
	le_put64(p + 7, r->run);
	le_put64(p + 15, r->mask);
	le_put64(p + 23, r->due_ms);
	b->n += FACT_PARCEL_RECORD;
}

bool fact_get_parcel_rec(struct span *body, struct fact_parcel_rec *r)
{
	const uint8_t *p;

	if (!take(body, FACT_PARCEL_RECORD, &p))
		return false;
	r->channel = le_get16(p);
	r->timed_out = p[2] != 0;
	r->attempts = le_get32(p + 3);
	r->run = le_get64(p + 7);
	r->mask = le_get64(p + 15);
	r->due_ms = le_get64(p + 23);
	return r->channel < LIMIT_CHANNELS && r->run > 0 && r->run <= FACT_RUN_MAX && r->mask != 0 &&
	       r->due_ms <= JOB_MS_MASK;
}

void fact_put_dropped(struct buf *b, const struct fact_dropped *f)
{
	size_t begun = fact_begin(b, FACT_MESSAGES_DROPPED);

	buf_put_u16(b, f->topic);
	buf_put_u64(b, f->from);
	buf_put_u64(b, f->to);
	fact_end(b, begun);
}

bool fact_get_dropped(struct span body, struct fact_dropped *f)
{
	const uint8_t *p;

	if (!take(&body, 18, &p))
		return false;
	*f = (struct fact_dropped){ le_get16(p), le_get64(p + 2), le_get64(p + 10) };
	return f->topic < LIMIT_TOPICS && f->from > 0 && f->from <= f->to && f->to <= FACT_RUN_MAX;
}
