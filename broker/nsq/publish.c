/* PUB, MPUB, DPUB: their bodies are packed messages as they stand (proto/msg_topic.h), so they go to the hub without
 * being copied here. Answers come back in the order of the commands. */
#include <stdlib.h>

#include "base/be.h"
#include "broker/nsq/session_state.h"
#include "proto/codec.h"

static const char *const names[] = { [PUBLISH_ONE] = "PUB", [PUBLISH_MANY] = "MPUB", [PUBLISH_LATER] = "DPUB" };

/* ---- what is unanswered ---- */

static void push(struct session *s, enum publish_kind kind, size_t bytes)
{
	uint32_t cap = s->unanswered_cap;

	must(bytes < 1u << 30);
	if (s->n_unanswered == cap) {
		struct unanswered *v = malloc((cap > 0 ? 2 * cap : 16) * sizeof *v);

		must(v != NULL);
		for (uint32_t i = 0; i < s->n_unanswered; i++)
			v[i] = s->unanswered[(s->first + i) & (cap - 1)];
		free(s->unanswered);
		s->unanswered = v;
		s->unanswered_cap = cap > 0 ? 2 * cap : 16;
		s->first = 0;
	}
	s->unanswered[(s->first + s->n_unanswered++) & (s->unanswered_cap - 1)] =
	    (struct unanswered){ (uint32_t)kind & 3, (uint32_t)bytes & 0x3fffffff };
	s->unanswered_bytes += bytes;
}

static struct unanswered pop(struct session *s)
{
	struct unanswered u = s->unanswered[s->first];

	s->first = (s->first + 1) & (s->unanswered_cap - 1);
	s->n_unanswered--;
	s->unanswered_bytes -= u.bytes;
	return u;
}

static void forget_all(struct session *s)
{
	s->n_unanswered = 0;
	s->unanswered_bytes = 0;
}

static const char *const codes[] = {
	[PUBLISH_ONE] = "E_PUB_FAILED", [PUBLISH_MANY] = "E_MPUB_FAILED", [PUBLISH_LATER] = "E_DPUB_FAILED"
};

static void refused(struct session *s, struct unanswered u, struct span why)
{
	forget_all(s); /* the connection ends with this frame */
	fatal(s, codes[u.kind], "%s failed %b", names[u.kind], why);
}

static void published(void *arg, enum sheaf_error e, struct span text)
{
	struct session *s = arg;
	struct unanswered u;

	if (s->closing)
		return;
	must(s->n_unanswered > 0);
	u = pop(s);
	if (e == SHEAF_OK)
		say_ok(s);
	else
		refused(s, u, text.n > 0 ? text : span_str(sheaf_error_text(e)));
	if ((s->wait == WAIT_ANSWERS && s->n_unanswered == 0) ||
	    (s->wait == WAIT_ROOM && s->n_unanswered <= SESSION_PUBLISHES / 2 &&
	     s->unanswered_bytes <= SESSION_PUBLISH_BYTES / 2))
		wait_over(s);
	part_if_done(s);
	woke(s);
}

void publish_failed(struct session *s)
{
	if (s->n_unanswered > 0)
		refused(s, pop(s), span_str("the broker can write nothing any more"));
}

void publish_fini(struct session *s)
{
	free(s->unanswered);
	for (uint32_t i = 0; i < s->n_counts; i++)
		free((void *)(uintptr_t)s->counts[i].topic.p);
	free(s->counts);
}

/* ---- what it has published ---- */

static bool was_last(const struct session *s, struct span topic)
{
	return s->n_counts > 0 && span_eq(s->counts[s->last_count].topic, topic);
}

static void count(struct session *s, struct span topic, uint32_t n)
{
	uint32_t i = s->last_count;
	uint8_t *name;

	if (!was_last(s, topic))
		for (i = 0; i < s->n_counts && !span_eq(s->counts[i].topic, topic);)
			i++;
	if (i == s->n_counts) {
		if (i == SESSION_TOPICS)
			return;
		s->counts = realloc(s->counts, (i + 1) * sizeof *s->counts);
		name = malloc(topic.n);
		must(s->counts != NULL && name != NULL);
		memcpy(name, topic.p, topic.n);
		s->counts[s->n_counts++] = (struct nsq_pub_count){ span_of(name, topic.n), 0 };
	}
	s->counts[i].count += n;
	s->last_count = i;
}

static void publish(struct session *s, enum publish_kind kind, struct span topic, uint64_t defer_ms, uint32_t n,
                    struct span packed)
{
	count(s, topic, n);
	push(s, kind, packed.n);
	if (s->world->via != NULL)
		s->world->via->publish(s->world->via->ctx, topic, defer_ms, n, packed, published, s);
	else
		hub_publish(s->world->hub, topic, defer_ms, n, packed, published, s);
	if (s->n_unanswered >= SESSION_PUBLISHES || s->unanswered_bytes >= SESSION_PUBLISH_BYTES)
		wait_for(s, WAIT_ROOM);
}

/* ---- the commands ---- */

static bool topic_ok(struct session *s, struct span topic)
{
	return was_last(s, topic) || name_topic_ok(topic);
}

/* PUB, and DPUB behind its own checks. */
static size_t publish_one(struct session *s, const struct line *l, struct span in, enum publish_kind kind,
                          uint64_t defer_ms)
{
	const char *name = names[kind];
	struct span body;
	int32_t size;

	if (!body_size(s, l, in, &size))
		return 0;
	if (size <= 0)
		return fatal(s, "E_BAD_MESSAGE", "%s invalid message body size %d", name, (long long)size);
	if ((uint32_t)size > s->config->max_msg_size)
		return fatal(s, "E_BAD_MESSAGE", "%s message too big %d > %u", name, (long long)size,
		             (unsigned long long)s->config->max_msg_size);
	if (!body_whole(s, l, in, size, &body))
		return 0;
	if (!authorised(s, name, l->word[1], span_of(NULL, 0)))
		return 0;
	publish(s, kind, l->word[1], defer_ms, 1, span_of(body.p - 4, body.n + 4));
	return l->size + 4 + body.n;
}

size_t command_pub(struct session *s, const struct line *l, struct span in)
{
	if (l->n < 2)
		return fatal(s, "E_INVALID", "PUB insufficient number of parameters");
	if (!topic_ok(s, l->word[1]))
		return fatal(s, "E_BAD_TOPIC", "PUB topic name %q is not valid", l->word[1]);
	return publish_one(s, l, in, PUBLISH_ONE, 0);
}

size_t command_dpub(struct session *s, const struct line *l, struct span in)
{
	uint64_t ms;

	if (l->n < 3)
		return fatal(s, "E_INVALID", "DPUB insufficient number of parameters");
	if (!topic_ok(s, l->word[1]))
		return fatal(s, "E_BAD_TOPIC", "DPUB topic name %q is not valid", l->word[1]);
	if (!parse_number(l->word[2], &ms))
		return fatal(s, "E_INVALID", "DPUB could not parse timeout %b", l->word[2]);
	if (ms > s->config->max_req_ms)
		return fatal(s, "E_INVALID", "DPUB timeout %u out of range 0-%u", (unsigned long long)ms,
		             (unsigned long long)s->config->max_req_ms);
	return publish_one(s, l, in, PUBLISH_LATER, ms);
}

static bool mismatch(struct session *s, size_t size)
{
	return fatal(s, "E_BAD_BODY", "MPUB body size %u is not that of its messages", (unsigned long long)size) > 0;
}

static bool many_short(struct session *s, const struct line *l, size_t n)
{
	s->need = l->size + 4 + n;
	return false;
}

static bool begin_many(struct session *s, const struct line *l, struct span there)
{
	uint64_t most = s->config->max_body > 4 ? (s->config->max_body - 4) / 5 : 0;
	int32_t n;

	if (there.n < 4)
		return many_short(s, l, 4);
	n = (int32_t)be_get32(there.p);
	if (n <= 0 || (uint64_t)n > most)
		return fatal(s, "E_BAD_BODY", "MPUB invalid message count %d", (long long)n) > 0;
	s->many = (struct many){ 4, 0, (uint32_t)n };
	return true;
}

/* The size of a body may leave out all that is no message: squeaky, a client for Node, counts so, and nsqd, which
 * looks at the messages' own sizes only, does not mind. */
static size_t size_with_heads(const struct session *s, size_t size)
{
	size_t most = size + 4 + 4 * (size_t)s->many.n;

	return most < s->config->max_body ? most : (size_t)s->config->max_body;
}

/* Looks at what there is of a body of `size` bytes, from where it left off: what is wrong is said as soon as it can be
 * seen, not when all has come. True: it is all there, and well; it ends at s->many.at. */
static bool look_at(struct session *s, const struct line *l, struct span there, size_t size)
{
	struct many *m = &s->many;
	size_t most;

	if (m->at == 0 && !begin_many(s, l, there))
		return false;
	most = size_with_heads(s, size);
	for (; m->i < m->n; m->i++) {
		int32_t n;

		if (m->at + 4 > most)
			return mismatch(s, size);
		if (m->at + 4 > there.n)
			return many_short(s, l, m->at + 4);
		n = (int32_t)be_get32(there.p + m->at);
		if (n <= 0)
			return fatal(s, "E_BAD_MESSAGE", "MPUB invalid message(%u) body size %d",
			             (unsigned long long)m->i, (long long)n) > 0;
		if ((uint32_t)n > s->config->max_msg_size)
			return fatal(s, "E_BAD_MESSAGE", "MPUB message too big %d > %u", (long long)n,
			             (unsigned long long)s->config->max_msg_size) > 0;
		if ((size_t)n > most - m->at - 4)
			return mismatch(s, size);
		m->at += 4 + (size_t)n;
	}
	if (m->at != size && m->at != size + 4 + 4 * (size_t)m->n)
		return mismatch(s, size);
	return there.n >= m->at || many_short(s, l, m->at);
}

size_t command_mpub(struct session *s, const struct line *l, struct span in)
{
	struct span body;
	int32_t size;

	if (l->n < 2)
		return fatal(s, "E_INVALID", "MPUB insufficient number of parameters");
	if (!topic_ok(s, l->word[1])) /* nsqd says the code twice */
		return fatal(s, "E_BAD_TOPIC", "E_BAD_TOPIC MPUB topic name %q is not valid", l->word[1]);
	if (s->many.at == 0 && !authorised(s, "MPUB", l->word[1], span_of(NULL, 0)))
		return 0;
	if (!body_size(s, l, in, &size))
		return 0;
	if (size <= 0)
		return fatal(s, "E_BAD_BODY", "MPUB invalid body size %d", (long long)size);
	if ((uint32_t)size > s->config->max_body)
		return fatal(s, "E_BAD_BODY", "MPUB body too big %d > %u", (long long)size,
		             (unsigned long long)s->config->max_body);
	body = span_of(in.p + l->size + 4, in.n - l->size - 4);
	if (!look_at(s, l, body, (size_t)size))
		return 0;
	body.n = s->many.at;
	publish(s, PUBLISH_MANY, l->word[1], 0, s->many.n, span_of(body.p + 4, body.n - 4));
	return l->size + 4 + body.n;
}
