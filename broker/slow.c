/* See slow.h. */
#include "broker/slow.h"

#include <stdlib.h>

#include "broker/core/history.h"
#include "proto/packed.h"

static struct want *add(struct item *it, const struct log_bytes *where)
{
	if (it->n_wants == it->cap_wants) {
		it->cap_wants = it->cap_wants ? 2 * it->cap_wants : 16;
		it->wants = realloc(it->wants, it->cap_wants * sizeof it->wants[0]);
		must(it->wants != NULL);
	}
	it->wants[it->n_wants] = (struct want){ .where = *where };
	return &it->wants[it->n_wants++];
}

void slow_want_job(struct item *it, const struct effect *e)
{
	struct want *w = add(it, &e->stored);
	struct span headers = e->u.job.headers;

	w->is_job = true;
	w->u.job = e->u.job;
	if (headers.n > 0) {
		w->words = malloc(headers.n);
		must(w->words != NULL);
		memcpy(w->words, headers.p, headers.n);
		w->u.job.headers = span_of(w->words, headers.n);
	}
}

void slow_want_result(struct item *it, const struct effect *e)
{
	struct want *w = add(it, &e->stored);

	w->u.result = e->u.result.rec;
	w->error_length = e->u.result.error_length;
}

uint64_t slow_all(uint32_t count)
{
	return count >= RUN_MESSAGES ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

void slow_want_delivery(struct item *it, const struct effect *e)
{
	struct want *w = add(it, &e->stored);

	w->is_delivery = true;
	w->u.delivery = e->u.delivery.rec;
	w->all = slow_all(e->u.delivery.count);
}

void slow_put_delivery(struct outbox *o, struct item *it, const struct msg_delivery_rec *r, uint64_t all, int got,
                       struct span run)
{
	struct msg_delivery_rec rec = *r;

	rec.packed = run;
	buf_clear(&o->picked);
	if (got > 0 && r->mask != all) {
		if (packed_pick(run, r->mask, &o->picked))
			rec.packed = buf_span(&o->picked);
		else
			got = -1;
	}
	if (got < 0) {
		rec.mask = 0;
		rec.packed = span_of(NULL, 0);
		o->world.bad_messages(o->world.ctx, r->token);
	}
	msg_put_delivery(&it->writer, &rec);
}

struct item *slow_fetch(struct outbox *o, const struct effect *e, uint64_t head)
{
	struct item *it = item_new(o, TO_CLIENT, e->number);

	it->kind = ITEM_FETCH;
	it->position = head;
	add(it, &e->stored)->all = e->u.mask;
	return it;
}

struct item *slow_peek(struct outbox *o, const struct effect *e, uint64_t head)
{
	struct item *it = item_new(o, TO_CLIENT, e->peer);

	it->kind = ITEM_PEEK;
	it->position = head;
	it->writer_kind = MSG_PEEKED;
	it->h = *e->u.peek.h;
	for (uint32_t i = 0; i < e->u.peek.n; i++)
		add(it, &e->u.peek.stored[i])->u.peek = e->u.peek.v[i];
	return it;
}

struct item *slow_job(struct outbox *o, const struct effect *e, uint64_t head)
{
	const struct msg_job_info *i = &e->u.msg->u.job_info;
	struct item *it = item_new(o, TO_CLIENT, e->peer);
	struct want *w = add(it, &e->stored);

	it->kind = ITEM_JOB;
	it->position = head;
	it->writer_kind = MSG_JOB_INFO;
	it->h = e->u.msg->h;
	w->error_length = (uint32_t)e->number;
	w->words = malloc(i->queue.n + i->headers.n + 1);
	must(w->words != NULL);
	memcpy(w->words, i->queue.p, i->queue.n);
	if (i->headers.n > 0)
		memcpy(w->words + i->queue.n, i->headers.p, i->headers.n);
	w->u.info = *i;
	w->u.info.queue = span_of(w->words, i->queue.n);
	w->u.info.headers = span_of(w->words + i->queue.n, i->headers.n);
	return it;
}

/* Puts one record whose bytes have come, or say that they never will. */
static void put(struct outbox *o, struct item *it, struct want *w, int got, struct span bytes)
{
	struct lease_name lease = { w->u.job.id, w->u.job.token };

	if (w->is_delivery) {
		slow_put_delivery(o, it, &w->u.delivery, w->all, got, bytes);
		return;
	}
	if (w->is_job && got < 0) {
		o->world.bad_payload(o->world.ctx, &lease);
		return;
	}
	if (w->is_job) {
		w->u.job.payload = bytes;
		msg_put_job(&it->writer, &w->u.job);
		return;
	}
	if (got < 0) {
		w->u.result.gone = 1;
	} else {
		history_result(bytes, w->error_length, &w->u.result);
	}
	msg_put_result(&it->writer, &w->u.result);
}

/* Goes on with the records as far as their bytes are there; sends the message with the last. */
static bool run_records(struct outbox *o, struct item *it)
{
	while (it->next_want < it->n_wants) {
		struct want *w = &it->wants[it->next_want];
		struct span bytes = { 0 };
		int got = o->world.bytes(o->world.ctx, &w->where, &bytes);

		if (got == 0)
			return false;
		put(o, it, w, got, bytes);
		it->next_want++;
	}
	msg_end(&it->writer);
	o->world.send(o->world.ctx, it->to, it->whom, buf_span(&it->bytes));
	return true;
}

static bool run_peek(struct outbox *o, struct item *it)
{
	struct msg_peek_rec v[LIMIT_PEEKED];
	uint8_t *copies[LIMIT_PEEKED] = { 0 };
	struct msg m = { .h = it->h };
	bool all = true;

	for (uint32_t i = 0; i < it->n_wants && all; i++) {
		struct span bytes = { 0 };
		size_t n;

		all = o->world.bytes(o->world.ctx, &it->wants[i].where, &bytes) != 0;
		n = bytes.n < LIMIT_PEEK_BYTES ? bytes.n : LIMIT_PEEK_BYTES;
		v[i] = it->wants[i].u.peek;
		if (n == 0)
			continue;
		copies[i] = malloc(n);
		must(copies[i] != NULL);
		memcpy(copies[i], bytes.p, n);
		v[i].payload = span_of(copies[i], n);
	}
	if (all) {
		m.u.peeked.v = v;
		m.u.peeked.n = it->n_wants;
		msg_encode(&it->bytes, &m);
		o->world.send(o->world.ctx, it->to, it->whom, buf_span(&it->bytes));
	}
	for (uint32_t i = 0; i < LIMIT_PEEKED; i++)
		free(copies[i]);
	return all;
}

static bool run_job(struct outbox *o, struct item *it)
{
	struct msg_attempt_rec v[LIMIT_HISTORY];
	struct want *w = &it->wants[0];
	struct msg m = { .h = it->h };
	struct span bytes = { 0 };
	int got = o->world.bytes(o->world.ctx, &w->where, &bytes);

	if (got == 0)
		return false;
	m.u.job_info = w->u.info;
	if (got > 0)
		history_info(bytes, w->error_length, &m.u.job_info, v);
	else
		m.u.job_info.rec.gone = 1;
	msg_encode(&it->bytes, &m);
	o->world.send(o->world.ctx, it->to, it->whom, buf_span(&it->bytes));
	return true;
}

static bool run_fetch(struct outbox *o, struct item *it)
{
	const struct want *w = &it->wants[0];
	struct span bytes = { 0 };
	int got = o->world.bytes(o->world.ctx, &w->where, &bytes);
	bool bad;

	if (got == 0)
		return false;
	buf_clear(&o->picked);
	bad = got < 0 || !packed_pick(bytes, w->all, &o->picked);
	o->world.fetched(o->world.ctx, it->whom, bad, bad ? span_of(NULL, 0) : buf_span(&o->picked));
	return true;
}

bool slow_run(struct outbox *o, struct item *it)
{
	if (it->kind == ITEM_JOB)
		return run_job(o, it);
	if (it->kind == ITEM_FETCH)
		return run_fetch(o, it);
	if (it->kind == ITEM_PEEK)
		return run_peek(o, it);
	if (it->kind == ITEM_TRIM) {
		o->world.trim(o->world.ctx, it->whom);
		return true;
	}
	if (it->n_wants > 0)
		return run_records(o, it);
	o->world.send(o->world.ctx, it->to, it->whom, buf_span(&it->bytes));
	return true;
}
