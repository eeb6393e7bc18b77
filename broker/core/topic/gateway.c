/* See gateway.h. */
#include "broker/core/topic/gateway.h"

#include "broker/core/fx.h"
#include "broker/core/submit.h"

static const char door[] = "jobs.";

bool gateway_topic(struct span topic)
{
	size_t n = sizeof door - 1;

	return topic.n >= n && memcmp(topic.p, door, n) == 0;
}

/* A queue's name has no capitals and none of NSQ's #ephemeral. */
static bool queue_name(struct span s)
{
	if (s.n == 0 || s.n > LIMIT_QUEUE_NAME)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t b = s.p[i];
		bool letter = (b >= 'a' && b <= 'z') || (b >= '0' && b <= '9');

		if (!letter && (i == 0 || (b != '.' && b != '_' && b != '-')))
			return false;
	}
	return true;
}

/* The messages as payloads; false: they are not what the publish says. */
static bool take_apart(const struct core *c, const struct msg_publish *p, struct span *v)
{
	const uint8_t *at = p->packed.p, *end = at + p->packed.n;

	for (uint32_t i = 0; i < p->count; i++) {
		uint32_t size;

		if (end - at < 4)
			return false;
		size = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
		if (size == 0 || size > c->config.message_max || (uint64_t)(end - at) - 4 < size)
			return false;
		v[i] = span_of(at + 4, size);
		at += 4 + size;
	}
	return at == end;
}

void gateway_publish(struct core *c, struct client *cl, const struct msg *m)
{
	const struct msg_publish *p = &m->u.publish;
	struct span queue = span_of(p->topic.p + sizeof door - 1, p->topic.n - (sizeof door - 1));
	struct msg *submit;
	struct span *v;

	if (!queue_name(queue)) {
		fx_answer(c, cl->peer, &m->h, SHEAF_E_BAD_NAME,
		          "jobs.QUEUE: a queue's name is [a-z0-9][a-z0-9._-]{0,55}", 0);
		return;
	}
	if (p->count > LIMIT_RECORDS) {
		fx_answer(c, cl->peer, &m->h, SHEAF_E_TOO_LARGE, "jobs.QUEUE takes at most 1024 messages at a time", 0);
		return;
	}
	v = fx_alloc(c, p->count * sizeof *v);
	if (!take_apart(c, p, v)) {
		fx_answer(c, cl->peer, &m->h, SHEAF_E_BAD_VALUE, "packed: not count messages of 1 to message_max bytes",
		          0);
		return;
	}
	submit = fx_alloc(c, sizeof *submit);
	*submit = (struct msg){ .h = m->h };
	submit->u.submit = (struct msg_submit){ .queue = queue,
		                                .priority = DEFAULT_PRIORITY,
		                                .answered = p->answered,
		                                .payloads = v,
		                                .n = p->count,
		                                .terms = { .delay_ms = p->defer_ms } };
	submit_request(c, cl, submit);
}
