/* Publishes of a hub: those to one topic are gathered during a turn of the loop and leave as one request, a large one
 * leaves in parts. See hub.h. */
#include <stdlib.h>

#include "base/be.h"
#include "broker/nsq/hub_state.h"

enum { HEAD = sizeof(uint32_t), KEEP_BYTES = 2 * HUB_PART_BYTES };

static struct part *part_new(struct hub *h, struct span topic, uint64_t defer_ms)
{
	struct part *p = h->free_parts;

	if (p != NULL) {
		h->free_parts = p->next_free;
		h->n_free_parts--;
	} else {
		p = calloc(1, sizeof *p);
		must(p != NULL);
		buf_init(&p->packed);
	}
	list_init(&p->asked.link);
	p->asked.kind = ASKED_PUBLISH;
	p->topic_n = topic.n;
	memcpy(p->topic, topic.p, topic.n);
	p->defer_ms = defer_ms;
	p->bytes = 0;
	p->count = p->n = 0;
	return p;
}

static void part_free(struct part *p)
{
	buf_fini(&p->packed);
	free(p->calls);
	free(p);
}

static void release(struct hub *h, struct part *p)
{
	list_remove(&p->asked.link);
	h->bytes -= p->bytes;
	buf_clear(&p->packed);
	if (h->n_free_parts == HUB_FREE_PARTS || p->packed.cap > KEEP_BYTES || p->cap > HUB_PART_MESSAGES) {
		part_free(p);
		return;
	}
	p->next_free = h->free_parts;
	h->free_parts = p;
	h->n_free_parts++;
}

/* ---- gathering ---- */

/* The first and the last letters tell topics apart well enough, and at no cost. */
static uint32_t place(struct span topic)
{
	uint64_t a = 0, b = 0;
	size_t n = topic.n < sizeof a ? topic.n : sizeof a;

	memcpy(&a, topic.p, n);
	memcpy(&b, topic.p + topic.n - n, n);
	return (uint32_t)((((a * 31) ^ b) + topic.n) * UINT64_C(0x9e3779b97f4a7c15) >> 58);
}

static void close_place(struct hub *h, uint32_t at)
{
	struct part *p = h->open[at];

	h->open[at] = NULL;
	h->opened &= ~(UINT64_C(1) << at);
	if (h->part == p)
		h->part = NULL;
	list_push_back(&h->waiting, &p->asked.link);
}

void parts_close(struct hub *h)
{
	while (h->opened != 0)
		close_place(h, (uint32_t)__builtin_ctzll(h->opened));
}

static bool is_of(const struct part *p, struct span topic)
{
	return p->topic_n == topic.n && memcmp(p->topic, topic.p, topic.n) == 0;
}

/* The part that takes more for this topic; one that has none yet is empty. */
static struct part *gathering(struct hub *h, struct span topic)
{
	uint32_t at;

	if (h->part != NULL && is_of(h->part, topic))
		return h->part;
	at = place(topic);
	if (h->open[at] != NULL && !is_of(h->open[at], topic))
		close_place(h, at);
	if (h->open[at] == NULL) {
		h->open[at] = part_new(h, topic, 0);
		h->opened |= UINT64_C(1) << at;
	}
	h->part = h->open[at];
	return h->part;
}

static bool fits(const struct part *p, uint32_t count, size_t bytes)
{
	return p->count + count <= HUB_PART_MESSAGES && p->packed.n + bytes <= HUB_PART_BYTES;
}

static void add(struct hub *h, struct part *p, struct call *k, uint32_t count, struct span packed)
{
	if (unlikely(p->n == p->cap)) {
		p->cap = p->cap != 0 ? 2 * p->cap : 16;
		p->calls = realloc(p->calls, p->cap * sizeof p->calls[0]);
		must(p->calls != NULL);
	}
	p->calls[p->n++] = k;
	p->count += count;
	buf_put_span(&p->packed, packed);
	p->bytes += packed.n;
	h->bytes += packed.n;
	k->parts++;
}

/* The beginning of the packed messages that a part takes; at least one message. */
static struct span beginning(struct span packed, uint32_t count, uint32_t *n)
{
	size_t at = 0;

	*n = 0;
	while (*n < count && *n < HUB_PART_MESSAGES) {
		size_t size = HEAD + (size_t)be_get32(packed.p + at);

		must(size <= packed.n - at);
		if (*n > 0 && at + size > HUB_PART_BYTES)
			break;
		at += size;
		(*n)++;
	}
	return span_of(packed.p, at);
}

/* In parts of its own, which leave at once, behind what is gathered for the topic. */
static void add_parts(struct hub *h, struct span topic, uint64_t defer_ms, struct call *k, uint32_t count,
                      struct span packed)
{
	while (count > 0) {
		struct part *p = part_new(h, topic, defer_ms);
		struct span some = packed;
		uint32_t n = count;

		if (!fits(p, n, some.n))
			some = beginning(packed, count, &n);
		add(h, p, k, n, some);
		list_push_back(&h->waiting, &p->asked.link);
		packed = span_of(packed.p + some.n, packed.n - some.n);
		count -= n;
	}
}

void hub_publish(struct hub *h, struct span topic, uint64_t defer_ms, uint32_t count, struct span packed,
                 hub_answer answer, void *arg)
{
	struct call *k = call_new(h, answer, arg);
	struct part *p;

	hub_wake(h);
	if (topic.n == 0 || topic.n > LIMIT_NAME || h->failed != SHEAF_OK || count == 0) {
		enum sheaf_error e = h->failed != SHEAF_OK ? h->failed
		                     : count == 0          ? SHEAF_E_BAD_VALUE
		                                           : SHEAF_E_BAD_NAME;

		call_part(h, k, e, span_str(sheaf_error_text(e)));
		return;
	}
	if (h->bytes + packed.n > HUB_FULL_BYTES + LIMIT_PUBLISH_BYTES || h->calls > HUB_FULL_CALLS) {
		call_part(h, k, SHEAF_E_FULL,
		          span_str("too much is to be published that the broker has not taken yet"));
		return;
	}
	if (defer_ms > 0) {
		add_parts(h, topic, defer_ms, k, count, packed);
		return;
	}
	p = gathering(h, topic);
	if (likely(fits(p, count, packed.n))) {
		add(h, p, k, count, packed);
		return;
	}
	close_place(h, place(topic));
	if (p->count == 0) {
		release(h, p);
		add_parts(h, topic, 0, k, count, packed);
		return;
	}
	p = gathering(h, topic);
	if (fits(p, count, packed.n)) {
		add(h, p, k, count, packed);
		return;
	}
	close_place(h, place(topic));
	release(h, p);
	add_parts(h, topic, 0, k, count, packed);
}

/* ---- to the session, and back ---- */

bool part_send(struct hub *h, struct part *p)
{
	struct span topic = span_of(p->topic, p->topic_n);
	enum sheaf_error e;
	uint64_t number;

	if (!csession_publish_room(h->session))
		return false;
	list_remove(&p->asked.link);
	e = csession_publish_buf(h->session, topic, p->defer_ms, p->count, &p->packed, (uintptr_t)p, &number);
	if (e != SHEAF_OK)
		part_answered(h, p, e, span_str(sheaf_error_text(e)));
	else
		hub_asked(h, &p->asked);
	return true;
}

void part_answered(struct hub *h, struct part *p, enum sheaf_error error, struct span text)
{
	for (uint32_t i = 0; i < p->n; i++)
		call_part(h, p->calls[i], error, text);
	release(h, p);
}

void parts_free(struct hub *h)
{
	while (h->free_parts != NULL) {
		struct part *p = h->free_parts;

		h->free_parts = p->next_free;
		part_free(p);
	}
}
