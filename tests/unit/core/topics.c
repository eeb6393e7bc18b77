/* See topics.h. */
#include "tests/unit/core/topics.h"

static void pack(struct buf *b, const void *p, size_t n)
{
	uint8_t size[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	buf_put(b, size, sizeof size);
	buf_put(b, p, n);
}

static void publish(struct rig *r, unsigned client, uint64_t number, struct msg_publish p)
{
	rig_request(r, client, number, MSG_PUBLISH, (struct msg){ .u.publish = p });
}

void topics_pub_raw(struct rig *r, unsigned client, uint64_t number, const char *topic, uint32_t count,
                    struct span packed)
{
	publish(r, client, number, (struct msg_publish){ .topic = span_str(topic), .count = count, .packed = packed });
}

void topics_defer(struct rig *r, unsigned client, uint64_t number, const char *topic, const char *words, uint64_t ms)
{
	struct msg_publish p = { .topic = span_str(topic), .defer_ms = ms };
	struct buf b;

	buf_init(&b);
	while (*words != '\0') {
		size_t n = strcspn(words, " ");

		pack(&b, words, n);
		words += n + (words[n] == ' ');
		p.count++;
	}
	p.packed = buf_span(&b);
	publish(r, client, number, p);
	buf_fini(&b);
}

void topics_pub(struct rig *r, unsigned client, uint64_t number, const char *topic, const char *words)
{
	topics_defer(r, client, number, topic, words, 0);
}

void topics_pub_n(struct rig *r, unsigned client, uint64_t number, const char *topic, uint32_t n, uint32_t size)
{
	static const uint8_t body[65536] = { 'b', 'i', 'g' };
	struct buf b;

	buf_init(&b);
	for (uint32_t i = 0; i < n; i++)
		pack(&b, body, size);
	topics_pub_raw(r, client, number, topic, n, buf_span(&b));
	buf_fini(&b);
}

void topics_subscribe(struct rig *r, unsigned client, uint64_t number, const char *topic, const char *channel,
                      struct msg_subscribe s)
{
	s.topic = span_str(topic);
	s.channel = span_str(channel);
	rig_request(r, client, number, MSG_SUBSCRIBE, (struct msg){ .u.subscribe = s });
}

void topics_credit(struct rig *r, unsigned client, uint32_t sub, uint32_t ready, uint64_t bytes)
{
	struct msg_credit_rec v = { sub, ready, bytes };

	rig_request(r, client, 0, MSG_CREDIT, (struct msg){ .u.credit = { &v, 1 } });
}

void topics_sub(struct rig *r, unsigned client, const char *topic, const char *channel, uint32_t ready)
{
	r->quiet = true;
	topics_subscribe(r, client, 1000000, topic, channel, (struct msg_subscribe){ .sub = 1 });
	r->quiet = false;
	topics_credit(r, client, 1, ready, GIB);
}

void topics_unsub(struct rig *r, unsigned client, uint64_t number, uint32_t sub)
{
	struct msg m = { 0 };

	m.u.unsubscribe.sub = sub;
	rig_request(r, client, number, MSG_UNSUBSCRIBE, m);
}

void topics_settle(struct rig *r, unsigned client, uint64_t run, uint64_t token, uint64_t mask,
                   enum settle_verdict verdict, uint64_t delay_ms)
{
	struct msg_settle_rec v = { run, rig_token(r, token), mask, verdict, delay_ms };

	rig_request(r, client, 0, MSG_SETTLE, (struct msg){ .u.settle = { &v, 1 } });
}

void topics_fin(struct rig *r, unsigned client, uint64_t run, uint64_t token, uint64_t mask)
{
	topics_settle(r, client, run, token, mask, SETTLE_FINISH, 0);
}

void topics_req(struct rig *r, unsigned client, uint64_t run, uint64_t token, uint64_t mask, uint64_t delay_ms)
{
	topics_settle(r, client, run, token, mask, SETTLE_REQUEUE, delay_ms);
}

void topics_set(struct rig *r, unsigned client, uint64_t number, const char *topic, const char *channel,
                struct msg_topic_op o)
{
	o.topic = span_str(topic);
	o.channel = span_str(channel);
	rig_request(r, client, number, MSG_TOPIC_OP, (struct msg){ .u.topic_op = o });
}

void topics_op(struct rig *r, unsigned client, uint64_t number, enum topic_op op, const char *topic,
               const char *channel)
{
	topics_set(r, client, number, topic, channel, (struct msg_topic_op){ .op = op });
}

void topics_list(struct rig *r)
{
	bool quiet = r->quiet;

	rig_client(r, 9);
	r->quiet = quiet;
	rig_request(r, 9, 1, MSG_TOPIC_LIST, (struct msg){ 0 });
}
