/* The requests that the broker has not answered yet; see requests.h. */
#include "client/requests.h"

#include <stdlib.h>

#include "proto/codec.h"

#define FREE_MAX       64        /* requests kept for use again */
#define FREE_BYTES     (4 * MIB) /* a kept request holds no larger buffer */
#define JOBS_CAP_MIN   64
#define ALL_PART_BYTES (LIMIT_QUEUE_NAME + 64) /* of a part without its bytes and texts, at most */

void requests_init(struct requests *q)
{
	*q = (struct requests){ .first = 1, .next = 1, .unsent = 1, .held_ms = UINT64_MAX };
}

static void request_free(struct request *r)
{
	if (!r)
		return;
	buf_fini(&r->bytes);
	buf_fini(&r->headers);
	buf_fini(&r->words);
	free(r->jobs);
	free(r);
}

void requests_fini(struct requests *q)
{
	for (uint32_t i = 0; i < LIMIT_CLIENT_REQUESTS; i++)
		request_free(q->v[i]);
	while (q->free) {
		struct request *r = q->free;

		q->free = r->next_free;
		request_free(r);
	}
}

struct request *requests_new(struct requests *q, uint32_t kind, uint64_t call)
{
	struct request *r = q->free;

	if (r) { /* the one that was used last: its memory is warm */
		q->free = r->next_free;
		q->n_free--;
	} else {
		r = calloc(1, sizeof *r);
		must(r);
		buf_init(&r->bytes);
		buf_init(&r->headers);
		buf_init(&r->words);
	}
	r->state = REQUEST_GATHERING;
	r->kind = kind;
	r->call = call;
	return r;
}

void requests_number(struct requests *q, struct request *r)
{
	must(r->state == REQUEST_GATHERING && requests_left(q) > 0);
	r->number = q->next++;
	r->state = REQUEST_READY;
	q->v[r->number % LIMIT_CLIENT_REQUESTS] = r;
}

static void reset(struct request *r)
{
	buf_clear(&r->bytes);
	buf_clear(&r->headers);
	buf_clear(&r->words);
	r->number = r->call = r->due_ms = r->pings = 0;
	r->again = false;
	r->refused = r->sub = r->count = 0;
	r->n_jobs = r->n_ended = 0;
}

void requests_release(struct requests *q, struct request *r)
{
	if (r->kind == MSG_SUBMIT) {
		q->jobs -= r->n_jobs - r->n_ended;
		q->payload_bytes -= r->bytes.n;
	} else if (r->kind == MSG_PUBLISH || r->kind == MSG_SUBMIT_ALL) {
		q->payload_bytes -= r->bytes.n;
	}
	if (r->number) {
		must(requests_find(q, r->number) == r);
		q->v[r->number % LIMIT_CLIENT_REQUESTS] = NULL;
		while (q->first < q->next && !q->v[q->first % LIMIT_CLIENT_REQUESTS])
			q->first++;
		if (q->unsent < q->first)
			q->unsent = q->first;
	}
	if (q->n_free == FREE_MAX || r->bytes.cap > FREE_BYTES) {
		request_free(r);
		return;
	}
	reset(r);
	r->next_free = q->free;
	q->free = r;
	q->n_free++;
}

void requests_retry(struct requests *q, struct request *r, uint64_t due_ms)
{
	must(r->number);
	r->due_ms = due_ms;
	if (due_ms) {
		r->state = REQUEST_HELD;
		if (q->held_ms > due_ms)
			q->held_ms = due_ms;
		return;
	}
	r->state = REQUEST_READY;
	if (q->unsent > r->number)
		q->unsent = r->number;
}

void requests_due(struct requests *q, uint64_t now_ms)
{
	if (q->held_ms > now_ms)
		return;
	q->held_ms = UINT64_MAX;
	for (uint64_t n = q->first; n < q->next; n++) {
		struct request *r = requests_find(q, n);

		if (r && r->state == REQUEST_HELD)
			requests_retry(q, r, r->due_ms <= now_ms ? 0 : r->due_ms);
	}
}

struct request *requests_ready(struct requests *q)
{
	for (; q->unsent < q->next; q->unsent++) {
		struct request *r = requests_find(q, q->unsent);

		if (r && r->state == REQUEST_READY)
			return r;
	}
	return NULL;
}

bool request_good_terms(const struct msg_terms *t)
{
	uint64_t longest = 0;
	const uint64_t times[] = {
		t->delay_ms, t->backoff_ms, t->backoff_max_ms, t->hedge_ms, t->race_ms, t->within_ms
	};
	const struct span names[] = { t->tenant, t->group, t->topic };

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
		longest = times[i] > longest ? times[i] : longest;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].n > 0 && !name_worker_ok(names[i]))
			return false;
	return longest <= LIMIT_DELAY_MS && t->key.n <= LIMIT_KEY && t->n_after <= LIMIT_AFTER &&
	       t->replicas <= LIMIT_REPLICAS;
}

/* Copies a text of the terms; the caller has made room, so that it does not move again. */
static struct span keep_word(struct request *r, struct span word)
{
	size_t at = r->words.n;

	buf_put_span(&r->words, word);
	return span_of(r->words.p + at, word.n);
}

static void set_terms(struct request *r, const struct msg_terms *t)
{
	r->terms = *t;
	(void)buf_room(&r->words, t->key.n + t->tenant.n + t->group.n + t->topic.n);
	r->terms.key = keep_word(r, t->key);
	r->terms.tenant = keep_word(r, t->tenant);
	r->terms.group = keep_word(r, t->group);
	r->terms.topic = keep_word(r, t->topic);
	if (t->n_after > 0)
		memcpy(r->after, t->after, t->n_after * sizeof r->after[0]);
	r->terms.after = r->after;
	r->policy.terms = &r->terms;
}

static bool same_terms(const struct msg_terms *a, const struct msg_terms *b)
{
	if (!a || !b)
		return a == b;
	return a->delay_ms == b->delay_ms && a->at_ms == b->at_ms && a->expires_ms == b->expires_ms &&
	       a->backoff_ms == b->backoff_ms && a->backoff_max_ms == b->backoff_max_ms && span_eq(a->key, b->key) &&
	       span_eq(a->tenant, b->tenant) && span_eq(a->group, b->group) && span_eq(a->topic, b->topic) &&
	       a->replicas == b->replicas && a->hedge_ms == b->hedge_ms && a->race_ms == b->race_ms &&
	       a->within_ms == b->within_ms && a->n_after == b->n_after &&
	       (a->n_after == 0 || memcmp(a->after, b->after, a->n_after * sizeof a->after[0]) == 0);
}

void request_set_policy(struct request *r, const struct csession_policy *p)
{
	must(p->queue.n <= sizeof r->queue);
	memcpy(r->queue, p->queue.p, p->queue.n);
	buf_put_span(&r->headers, p->headers);
	r->policy = *p;
	r->policy.queue = span_of(r->queue, p->queue.n);
	r->policy.headers = buf_span(&r->headers);
	if (p->terms)
		set_terms(r, p->terms);
}

bool request_same_policy(const struct request *r, const struct csession_policy *p)
{
	const struct csession_policy *mine = &r->policy;

	return mine->priority == p->priority && mine->attempts == p->attempts && mine->lease_ms == p->lease_ms &&
	       mine->batch == p->batch && mine->after_any == p->after_any && same_terms(mine->terms, p->terms) &&
	       mine->want == p->want && mine->call == p->call && span_eq(mine->queue, p->queue) &&
	       span_eq(mine->headers, p->headers);
}

void requests_add_job(struct requests *q, struct request *r, struct span payload, uint64_t tag)
{
	must(r->n_jobs < LIMIT_RECORDS && payload.n <= LIMIT_PAYLOAD);
	if (unlikely(r->n_jobs == r->jobs_cap)) {
		uint32_t cap = r->jobs_cap ? 2 * r->jobs_cap : JOBS_CAP_MIN;

		r->jobs = realloc(r->jobs, cap * sizeof *r->jobs);
		must(r->jobs);
		r->jobs_cap = cap;
	}
	r->jobs[r->n_jobs++] = (struct posted){ tag, (uint32_t)payload.n };
	buf_put_span(&r->bytes, payload);
	q->jobs++;
	q->payload_bytes += payload.n;
}

/* A SUBMIT as it leaves now. */
static struct span submit_frame(const struct requests *q, const struct request *r, const struct msg_header *h,
                                struct buf *out)
{
	struct span payloads[LIMIT_RECORDS];
	const struct csession_policy *p = &r->policy;
	struct msg m = { .h = *h };
	size_t at = 0;

	for (uint32_t i = 0; i < r->n_jobs; i++) {
		payloads[i] = span_of(r->bytes.p + at, r->jobs[i].length);
		at += r->jobs[i].length;
	}
	m.u.submit = (struct msg_submit){ .queue = p->queue,
		                          .flags = (p->want ? SUBMIT_WANT : 0u) | (r->again ? SUBMIT_AGAIN : 0u) |
		                                   (p->after_any ? SUBMIT_AFTER_ANY : 0u),
		                          .priority = p->priority,
		                          .attempts = p->attempts,
		                          .lease_ms = p->lease_ms,
		                          .batch = p->batch,
		                          .answered = q->first - 1,
		                          .headers = p->headers,
		                          .payloads = payloads,
		                          .n = r->n_jobs };
	if (p->terms)
		m.u.submit.terms = *p->terms;
	msg_encode(out, &m);
	return buf_span(out);
}

void requests_set_publish(struct requests *q, struct request *r, struct span topic, uint64_t defer_ms, uint32_t count)
{
	must(r->kind == MSG_PUBLISH && topic.n <= sizeof r->topic && count >= 1 && count <= LIMIT_PUBLISH);
	memcpy(r->topic, topic.p, topic.n);
	r->topic_n = topic.n;
	r->defer_ms = defer_ms;
	r->count = count;
	q->payload_bytes += r->bytes.n;
}

void requests_set_all(struct requests *q, struct request *r, const struct msg_submit_all *all)
{
	struct msg m = { .h = { .version = PROTO_VERSION_MIN, .kind = MSG_SUBMIT_ALL } };
	size_t bytes = KIB;

	must(r->kind == MSG_SUBMIT_ALL);
	m.u.submit_all = *all;
	m.u.submit_all.answered = q->first - 1;
	for (uint32_t i = 0; i < all->n; i++)
		bytes += all->v[i].payload.n + all->v[i].headers.n + all->v[i].key.n + ALL_PART_BYTES;
	(void)buf_room(&r->bytes, bytes); /* grows once */
	msg_encode(&r->bytes, &m);
	r->count = all->n;
	q->payload_bytes += r->bytes.n;
}

bool request_answers_all(const struct request *r, const struct msg *m)
{
	if (m->h.kind == MSG_REPLY)
		return m->u.reply.error != SHEAF_OK;
	return m->h.kind == MSG_ALL_ACCEPTED && m->u.all_accepted.n == r->count;
}

/* A PUBLISH as it leaves now. */
static struct span publish_frame(const struct requests *q, const struct request *r, const struct msg_header *h,
                                 struct buf *out)
{
	struct msg m = { .h = *h };

	m.u.publish = (struct msg_publish){ .topic = span_of(r->topic, r->topic_n),
		                            .answered = q->first - 1,
		                            .defer_ms = r->defer_ms,
		                            .count = r->count,
		                            .packed = buf_span(&r->bytes) };
	(void)buf_room(out, r->bytes.n + KIB);
	msg_encode(out, &m);
	return buf_span(out);
}

struct span requests_frame(const struct requests *q, struct request *r, const struct msg_header *h, struct buf *out)
{
	struct msg_header own = *h;

	own.kind = r->kind;
	own.number = r->number;
	if (r->kind == MSG_SUBMIT)
		return submit_frame(q, r, &own, out);
	if (r->kind == MSG_PUBLISH)
		return publish_frame(q, r, &own, out);
	msg_patch(r->bytes.p, r->bytes.n, own.epoch, own.session, own.number);
	return buf_span(&r->bytes);
}
