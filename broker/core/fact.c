/* Writers and readers of facts; see fact.h. */
#include "broker/core/fact.h"

#include "base/crc32c.h"
#include "base/le.h"
#include "broker/core/fact_read.h"
#include "broker/core/history.h"

int fact_next(struct span *rest, uint32_t *offset, struct fact *f, const char **why)
{
	const uint8_t *p;
	uint32_t length;

	if (rest->n == 0)
		return 0;
	*why = "a fact is cut short";
	if (!take(rest, FACT_HEAD, &p))
		return -1;
	length = le_get32(p + 4);
	if (p[1] > FACT_VERSION) {
		*why = "a fact was written by a newer version of sheafd";
		return -1;
	}
	f->type = p[0];
	f->offset = *offset + FACT_HEAD;
	if (!take_span(rest, length, &f->body))
		return -1;
	*offset = f->offset + length;
	return 1;
}

size_t fact_begin(struct buf *b, enum fact_type type)
{
	size_t begun = b->n;
	uint8_t *p = buf_room(b, FACT_HEAD);

	memset(p, 0, FACT_HEAD);
	p[0] = (uint8_t)type;
	p[1] = FACT_VERSION;
	b->n += FACT_HEAD;
	return begun;
}

void fact_end(struct buf *b, size_t begun)
{
	le_put32(b->p + begun + 4, (uint32_t)(b->n - begun - FACT_HEAD));
}

void fact_put_meta(struct buf *b, const struct fact_meta *m)
{
	size_t begun = fact_begin(b, FACT_META);

	buf_put_u64(b, m->epoch);
	buf_put_u64(b, m->next_id);
	buf_put_u64(b, m->wall_ms);
	buf_put_u64(b, m->next_run);
	fact_end(b, begun);
}

bool fact_get_meta(struct span body, struct fact_meta *m)
{
	const uint8_t *p;

	if (!take(&body, 32, &p))
		return false;
	*m = (struct fact_meta){ le_get64(p), le_get64(p + 8), le_get64(p + 16), le_get64(p + 24) };
	return true;
}

void fact_put_queue(struct buf *b, const struct fact_queue *q)
{
	size_t begun = fact_begin(b, FACT_QUEUE);
	uint8_t n = q->n_settings;

	buf_put_u16(b, q->index);
	buf_put_u8(b, q->flags);
	buf_put_u8(b, (uint8_t)q->name.n);
	buf_put_span(b, q->name);
	buf_put_u64(b, q->submitted);
	for (int s = 0; s < JOB_STATES; s++)
		buf_put_u64(b, q->ended[s]);
	buf_put_u64(b, q->redriven);
	buf_put_u64(b, q->forgotten);
	while (n > 0 && q->settings[n - 1] == 0)
		n--;
	buf_put_u8(b, n);
	for (uint8_t i = 0; i < n; i++)
		buf_put_u64(b, q->settings[i]);
	fact_end(b, begun);
}

bool fact_get_queue(struct span body, struct fact_queue *q)
{
	const uint8_t *p;

	if (!take(&body, 4, &p))
		return false;
	q->index = le_get16(p);
	q->flags = p[2];
	if (p[3] > LIMIT_QUEUE_NAME || !take_span(&body, p[3], &q->name) || !take(&body, 24 + 8 * JOB_STATES, &p))
		return false;
	q->submitted = le_get64(p);
	for (int s = 0; s < JOB_STATES; s++)
		q->ended[s] = le_get64(p + 8 + 8 * s);
	q->redriven = le_get64(p + 8 + 8 * JOB_STATES);
	q->forgotten = le_get64(p + 16 + 8 * JOB_STATES);
	if (!take(&body, 1, &p) || p[0] > LIMIT_SETTINGS)
		return false;
	q->n_settings = p[0];
	q->settings = q->room;
	for (uint8_t i = 0; i < q->n_settings; i++) {
		if (!take(&body, 8, &p))
			return false;
		q->room[i] = le_get64(p);
	}
	return true;
}

void fact_put_u64(struct buf *b, enum fact_type type, uint64_t v)
{
	size_t begun = fact_begin(b, type);

	buf_put_u64(b, v);
	fact_end(b, begun);
}

bool fact_get_u64(struct span body, uint64_t *v)
{
	const uint8_t *p;

	if (!take(&body, 8, &p))
		return false;
	*v = le_get64(p);
	return true;
}

static bool has_terms(const struct fact_put *f)
{
	return f->due_ms != 0 || f->expires_ms != 0 || f->backoff_ms != 0 || f->backoff_max_ms != 0 ||
	       f->tenant.n > 0 || f->group.n > 0 || f->topic.n > 0 || f->n_after > 0;
}

static void put_terms(struct buf *b, const struct fact_put *f)
{
	buf_put_u64(b, f->due_ms);
	buf_put_u64(b, f->expires_ms);
	buf_put_u64(b, f->backoff_ms);
	buf_put_u64(b, f->backoff_max_ms);
	buf_put_u8(b, (uint8_t)f->tenant.n);
	buf_put_u8(b, (uint8_t)f->group.n);
	buf_put_u8(b, f->n_after);
	buf_put_u8(b, (uint8_t)f->topic.n);
	buf_put_span(b, f->tenant);
	buf_put_span(b, f->group);
	buf_put_span(b, f->topic);
	for (uint32_t i = 0; i < f->n_after; i++)
		buf_put_u64(b, f->after[i]);
}

static bool get_terms(struct span *body, struct fact_put *f)
{
	const uint8_t *p, *after;

	if (!take(body, 36, &p) || !take_span(body, p[32], &f->tenant) || !take_span(body, p[33], &f->group) ||
	    !take_span(body, p[35], &f->topic) || p[34] > LIMIT_AFTER || !take(body, (size_t)8 * p[34], &after))
		return false;
	f->due_ms = le_get64(p);
	f->expires_ms = le_get64(p + 8);
	f->backoff_ms = le_get64(p + 16);
	f->backoff_max_ms = le_get64(p + 24);
	f->n_after = p[34];
	for (uint32_t i = 0; i < f->n_after; i++)
		f->after[i] = le_get64(after + (size_t)8 * i);
	return f->tenant.n <= LIMIT_NAME && f->group.n <= LIMIT_NAME && f->topic.n <= LIMIT_NAME;
}

void fact_put_put(struct buf *b, const struct fact_put *f)
{
	bool terms = has_terms(f);
	uint8_t *p = buf_room(b, FACT_PUT_HEAD);

	memset(p, 0, FACT_PUT_HEAD);
	le_put16(p, f->queue);
	p[2] = f->priority;
	p[3] = f->attempts;
	p[4] = (uint8_t)((f->flags & ~FACT_TERMS) | (terms ? FACT_TERMS : 0));
	p[5] = f->replicas;
	le_put16(p + 6, (uint16_t)f->headers.n);
	le_put32(p + 8, f->count);
	le_put64(p + 16, f->session);
	le_put64(p + 24, f->number);
	le_put64(p + 32, f->floor);
	le_put64(p + 40, f->submitted_ms);
	le_put64(p + 48, f->lease_ms);
	le_put64(p + 56, f->batch);
	b->n += FACT_PUT_HEAD;
	buf_put_span(b, f->headers);
	if (terms)
		put_terms(b, f);
}

bool fact_get_put(struct span *body, struct fact_put *f)
{
	const uint8_t *p;

	*f = (struct fact_put){ 0 };
	if (!take(body, FACT_PUT_HEAD, &p) || !take_span(body, le_get16(p + 6), &f->headers))
		return false;
	f->queue = le_get16(p);
	f->priority = p[2];
	f->attempts = p[3];
	f->flags = p[4];
	f->replicas = p[5];
	f->count = le_get32(p + 8);
	f->session = le_get64(p + 16);
	f->number = le_get64(p + 24);
	f->floor = le_get64(p + 32);
	f->submitted_ms = le_get64(p + 40);
	f->lease_ms = le_get64(p + 48);
	f->batch = le_get64(p + 56);
	return (!(f->flags & FACT_TERMS) || get_terms(body, f)) && f->queue < LIMIT_QUEUES &&
	       f->priority <= LIMIT_PRIORITY && f->replicas <= LIMIT_REPLICAS &&
	       (f->replicas == 0 || !(f->flags & FACT_SHARED));
}

void fact_put_put_rec(struct buf *b, const struct fact_put_rec *r)
{
	size_t own = r->back == 0 ? r->payload.n : 0;
	uint8_t *p = buf_room(b, FACT_PUT_RECORD + FACT_SHARED_HEAD + own);

	le_put64(p, r->id);
	le_put32(p + 8, (uint32_t)r->payload.n);
	le_put32(p + 12, r->crc);
	b->n += FACT_PUT_RECORD;
	if (r->sharers > 0) {
		buf_put_u32(b, r->sharers);
		buf_put_u32(b, r->back);
	}
	buf_put_span(b, span_of(r->payload.p, own));
}

/* A payload that stands before its record. */
static bool get_shared(struct span *body, const struct fact *f, uint32_t length, struct fact_put_rec *r)
{
	const uint8_t *p;
	uint64_t before;

	if (!take(body, FACT_SHARED_HEAD, &p))
		return false;
	r->sharers = le_get32(p);
	r->back = le_get32(p + 4);
	if (r->sharers < 1 || r->sharers > LIMIT_ALL_PARTS)
		return false;
	if (r->back == 0)
		return take_span(body, length, &r->payload);
	before = f->offset + (uint64_t)(body->p - f->body.p);
	if (r->back > before || length > r->back)
		return false;
	r->payload = span_of(body->p - r->back, length);
	return true;
}

bool fact_get_put_rec(struct span *body, const struct fact *f, const struct fact_put *head, struct fact_put_rec *r)
{
	const uint8_t *p;

	if (!take(body, FACT_PUT_RECORD, &p))
		return false;
	r->id = le_get64(p);
	r->crc = le_get32(p + 12);
	if (head->flags & FACT_SHARED)
		return get_shared(body, f, le_get32(p + 8), r);
	r->sharers = r->back = 0;
	return take_span(body, le_get32(p + 8), &r->payload);
}

void fact_put_count(struct buf *b, uint8_t flags, uint32_t count)
{
	buf_put_u8(b, flags);
	buf_put_u32(b, count);
}

bool fact_get_count(struct span *body, uint8_t *flags, uint32_t *count)
{
	const uint8_t *p;

	if (!take(body, 5, &p))
		return false;
	*flags = p[0];
	*count = le_get32(p + 1);
	return true;
}

void fact_put_end_rec(struct buf *b, struct fact_end_rec *r)
{
	size_t head = b->n, left;
	uint8_t *p = buf_room(b, FACT_END_RECORD);

	memset(p, 0, FACT_END_RECORD);
	b->n += FACT_END_RECORD;
	left = b->n;
	history_write(b, r->history, &r->attempt);
	buf_put_span(b, r->error);
	buf_put_span(b, r->result);
	r->left = span_of(b->p + left, b->n - left);
	r->crc = crc32c(0, r->left.p, r->left.n);
	p = b->p + head;
	le_put64(p, r->id);
	le_put64(p + 8, r->submitted_ms);
	le_put64(p + 16, r->finished_ms);
	le_put32(p + 24, r->run_ms);
	le_put32(p + 28, r->crc);
	le_put32(p + 32, (uint32_t)r->left.n);
	le_put16(p + 36, (uint16_t)r->error.n);
	le_put16(p + 38, (uint16_t)r->exit);
	le_put16(p + 40, r->queue);
	p[42] = r->state;
	p[43] = r->attempts_used;
	p[44] = r->priority;
	p[45] = r->attempts;
	le_put64(p + 48, r->batch);
}

bool fact_get_end_rec(struct span *body, struct fact_end_rec *r)
{
	const uint8_t *p;

	*r = (struct fact_end_rec){ 0 };
	if (!take(body, FACT_END_RECORD, &p) || !take_span(body, le_get32(p + 32), &r->left) ||
	    !history_split(r->left, le_get16(p + 36), &r->history, &r->error, &r->result))
		return false;
	r->id = le_get64(p);
	r->submitted_ms = le_get64(p + 8);
	r->finished_ms = le_get64(p + 16);
	r->run_ms = le_get32(p + 24);
	r->crc = le_get32(p + 28);
	r->exit = (int16_t)le_get16(p + 38);
	r->queue = le_get16(p + 40);
	r->state = p[42];
	r->attempts_used = p[43];
	r->priority = p[44];
	r->attempts = p[45];
	r->batch = le_get64(p + 48);
	return r->queue < LIMIT_QUEUES && r->state >= JOB_DONE && r->state < JOB_STATES &&
	       r->priority <= LIMIT_PRIORITY;
}

void fact_put_back_rec(struct buf *b, const struct fact_back_rec *r)
{
	buf_put_u64(b, r->id);
	buf_put_u64(b, r->token);
	buf_put_u8(b, r->attempt);
	buf_put_u8(b, r->deliveries);
	buf_put_u64(b, r->due);
	history_write(b, r->history, &r->last);
}

bool fact_get_back_rec(struct span *body, struct fact_back_rec *r)
{
	const uint8_t *p, *length;

	*r = (struct fact_back_rec){ 0 };
	if (!take(body, FACT_BACK_RECORD, &p) || !take(body, 2, &length) ||
	    !take_span(body, le_get16(length), &r->history))
		return false;
	r->id = le_get64(p);
	r->token = le_get64(p + 8);
	r->attempt = p[16];
	r->deliveries = p[17];
	r->due = le_get64(p + 18);
	return r->history.n <= LIMIT_HISTORY_BYTES;
}

void fact_put_lease_rec(struct buf *b, const struct fact_lease_rec *r)
{
	buf_put_u64(b, r->id);
	buf_put_u64(b, r->token);
	buf_put_u8(b, r->attempt);
	buf_put_u8(b, r->deliveries);
}

bool fact_get_lease_rec(struct span *body, struct fact_lease_rec *r)
{
	const uint8_t *p;

	if (!take(body, FACT_LEASE_RECORD, &p))
		return false;
	*r = (struct fact_lease_rec){ le_get64(p), le_get64(p + 8), p[16], p[17] };
	return true;
}

void fact_put_session(struct buf *b, const struct fact_session *s)
{
	buf_put_u64(b, s->session);
	buf_put_u64(b, s->floor);
	buf_put_u32(b, s->count);
}

bool fact_get_session(struct span *body, struct fact_session *s)
{
	const uint8_t *p;

	if (!take(body, 20, &p))
		return false;
	*s = (struct fact_session){ le_get64(p), le_get64(p + 8), le_get32(p + 16) };
	return s->count <= LIMIT_CLIENT_REQUESTS;
}

void fact_put_answer(struct buf *b, uint64_t number, uint64_t first, uint32_t count)
{
	buf_put_u64(b, number);
	buf_put_u64(b, first);
	buf_put_u32(b, count);
}

bool fact_get_answer(struct span *body, uint64_t *number, uint64_t *first, uint32_t *count)
{
	const uint8_t *p;

	if (!take(body, 20, &p))
		return false;
	*number = le_get64(p);
	*first = le_get64(p + 8);
	*count = le_get32(p + 16);
	return true;
}

void fact_put_all(struct buf *b, const struct fact_answer *a)
{
	size_t begun = fact_begin(b, FACT_ANSWER);

	buf_put_u64(b, a->session);
	buf_put_u64(b, a->floor);
	buf_put_u64(b, a->number);
	buf_put_u32(b, a->n);
	for (uint32_t i = 0; i < a->n; i++)
		buf_put_u64(b, a->ids[i]);
	fact_end(b, begun);
}

bool fact_get_all(struct span body, struct fact_answer *a)
{
	const uint8_t *p;

	if (!take(&body, 28, &p))
		return false;
	a->session = le_get64(p);
	a->floor = le_get64(p + 8);
	a->number = le_get64(p + 16);
	a->n = le_get32(p + 24);
	a->ids = a->room;
	if (a->n < 1 || a->n > LIMIT_ALL_PARTS || !take(&body, (size_t)8 * a->n, &p))
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		a->room[i] = le_get64(p + (size_t)8 * i);
	return true;
}
