/* Topics and channels in memory; see fake_hub.h. */
#include "tests/unit/nsq/fake_hub.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/list.h"
#include "proto/limits.h"

enum { ROWS = 64 };

struct row {
	char topic[LIMIT_NAME + 1], channel[LIMIT_NAME + 1];
	uint32_t flags;
	uint64_t depth, messages, deferred;
};

struct answer {
	struct list node;
	hub_answer answer;
	hub_rows rows;
	char topic[LIMIT_NAME + 1]; /* of rows */
	uint64_t generation;
	enum sheaf_error error;
	void *arg;
};

struct hub {
	uv_idle_t idle;
	struct list answers;
	struct row rows[ROWS];
	uint32_t n;
	uint64_t generation;
	enum sheaf_error refuse;
	bool connected;
	atomic_bool held, waits;
};

static bool is(const char *name, struct span s)
{
	return span_eq(span_str(name), s);
}

static struct row *find(struct hub *h, struct span topic, struct span channel)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (is(h->rows[i].topic, topic) && is(h->rows[i].channel, channel))
			return &h->rows[i];
	return NULL;
}

static struct row *make(struct hub *h, struct span topic, struct span channel)
{
	struct row *r = find(h, topic, channel);

	if (r != NULL)
		return r;
	must(h->n < ROWS);
	r = &h->rows[h->n++];
	*r = (struct row){ 0 };
	memcpy(r->topic, topic.p, topic.n);
	if (channel.n > 0)
		memcpy(r->channel, channel.p, channel.n);
	h->generation++;
	return r;
}

static void drop(struct hub *h, struct span topic, struct span channel)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->n; i++)
		if (!is(h->rows[i].topic, topic) || (channel.n > 0 && !is(h->rows[i].channel, channel)))
			h->rows[n++] = h->rows[i];
	h->n = n;
	h->generation++;
}

/* The rows of a topic that begin at or behind `from`, one part of them. */
static void tell_rows(struct hub *h, const struct answer *a)
{
	struct msg_topic_rec v[ROWS];
	struct msg_topics_info info = { .v = v, .generation = h->generation };

	for (uint32_t i = 0; i < h->n && a->generation != h->generation; i++) {
		const struct row *r = &h->rows[i];

		if (a->topic[0] != 0 && strcmp(a->topic, r->topic) != 0)
			continue;
		v[info.n++] = (struct msg_topic_rec){ .topic = span_str(r->topic),
			                              .channel = span_str(r->channel),
			                              .flags = r->flags,
			                              .depth = r->depth,
			                              .deferred = r->deferred,
			                              .messages = r->messages };
	}
	/* in two parts, as the real one may */
	if (info.n > 1) {
		struct msg_topics_info half = info;

		half.n = 1;
		a->rows(a->arg, SHEAF_OK, &half, true);
		info.v++;
		info.n--;
	}
	a->rows(a->arg, SHEAF_OK, &info, false);
}

static void on_idle(uv_idle_t *x)
{
	struct hub *h = x->data;
	struct answer *a;

	if (list_empty(&h->answers) || h->held) {
		uv_idle_stop(x);
		return;
	}
	a = list_item(h->answers.next, struct answer, node);
	list_remove(&a->node);
	if (a->rows != NULL)
		tell_rows(h, a);
	else
		a->answer(a->arg, a->error, span_str("as the test wants"));
	free(a);
}

static struct answer *later(struct hub *h, void *arg)
{
	struct answer *a = calloc(1, sizeof *a);

	must(a != NULL);
	a->arg = arg;
	h->waits = h->held;
	list_push_back(&h->answers, &a->node);
	uv_idle_start(&h->idle, on_idle);
	return a;
}

void hub_publish(struct hub *h, struct span topic, uint64_t defer_ms, uint32_t count, struct span packed,
                 hub_answer answer, void *arg)
{
	struct answer *a = later(h, arg);
	size_t at = 0;

	a->answer = answer;
	a->error = h->refuse;
	for (uint32_t i = 0; i < count; i++)
		at += 4 + ((size_t)packed.p[at + 2] << 8 | packed.p[at + 3]);
	must(at == packed.n); /* the tests' messages are small */
	if (h->refuse != SHEAF_OK)
		return;
	*(defer_ms > 0 ? &make(h, topic, span_str(""))->deferred : &make(h, topic, span_str(""))->depth) += count;
	make(h, topic, span_str(""))->messages += count;
}

void hub_topic_op(struct hub *h, enum topic_op op, struct span topic, struct span channel, hub_answer answer, void *arg)
{
	struct answer *a = later(h, arg);
	struct row *r = find(h, topic, channel);

	a->answer = answer;
	if (op == TOPIC_CREATE) {
		a->error = r != NULL ? SHEAF_E_EXISTS : SHEAF_OK;
		make(h, topic, span_str(""));
		make(h, topic, channel);
	} else if (r == NULL) {
		a->error = SHEAF_E_UNKNOWN;
	} else if (op == TOPIC_DELETE) {
		drop(h, topic, channel);
	} else if (op == TOPIC_EMPTY) {
		r->depth = 0;
	} else {
		r->flags = op == TOPIC_PAUSE ? TOPIC_PAUSED : 0;
	}
}

void hub_topics(struct hub *h, struct span topic, uint64_t generation, hub_rows rows, void *arg)
{
	struct answer *a = later(h, arg);

	a->rows = rows;
	a->generation = generation;
	if (topic.n > 0)
		memcpy(a->topic, topic.p, topic.n);
}

void hub_forget(struct hub *h, void *arg)
{
	for (struct list *i = h->answers.next, *next; i != &h->answers; i = next) {
		struct answer *a = list_item(i, struct answer, node);

		next = i->next;
		if (a->arg != arg)
			continue;
		list_remove(&a->node);
		free(a);
	}
}

bool hub_connected(const struct hub *h)
{
	return h->connected;
}

struct hub *fake_hub_new(uv_loop_t *loop)
{
	struct hub *h = calloc(1, sizeof *h);

	must(h != NULL);
	list_init(&h->answers);
	h->connected = true;
	h->generation = 1;
	uv_idle_init(loop, &h->idle);
	h->idle.data = h;
	return h;
}

static void on_closed(uv_handle_t *x)
{
	free(x->data);
}

void fake_hub_free(struct hub *h)
{
	while (!list_empty(&h->answers)) {
		struct answer *a = list_item(h->answers.next, struct answer, node);

		list_remove(&a->node);
		free(a);
	}
	uv_idle_stop(&h->idle);
	uv_close((uv_handle_t *)&h->idle, on_closed);
}

void fake_hub_refuse(struct hub *h, enum sheaf_error e)
{
	h->refuse = e;
}

void fake_hub_hold(struct hub *h)
{
	h->held = true;
}

bool fake_hub_waits(struct hub *h)
{
	return h->waits;
}

void fake_hub_connect(struct hub *h, bool connected)
{
	h->connected = connected;
}
