/* TOPIC_OP: creating, deleting, emptying, pausing and setting topics and channels; see topic.h. Each is answered when
 * it is a fact: what is long work goes on behind that, and nobody sees the difference. */
#include "broker/core/fx.h"
#include "broker/core/topic/channel.h"
#include "broker/core/topic/end.h"
#include "broker/core/topic/gateway.h"
#include "broker/core/topic/run.h"
#include "broker/core/topic/topic.h"
#include "broker/core/turn.h"

struct answer_op {
	enum sheaf_error error;
	const char *text;
};

static struct answer_op create(struct core *c, const struct msg_topic_op *o)
{
	struct topic *t;

	if (c->draining)
		return (struct answer_op){ SHEAF_E_DRAINING, "the broker is going down; it will be back" };
	if (gateway_topic(o->topic))
		return (struct answer_op){
			SHEAF_E_BAD_NAME, "jobs.QUEUE is a queue's door for messages: it is there without being made"
		};
	t = topic_for(c, o->topic);
	if (t == NULL)
		return (struct answer_op){ SHEAF_E_FULL, "there are 10000 topics already" };
	if (o->channel.n > 0 && channel_for(c, t, o->channel, o->since_ms) == NULL)
		return (struct answer_op){ SHEAF_E_FULL,
			                   "the topic has 256 channels already, or all together as many as can be" };
	return (struct answer_op){ SHEAF_OK, "" };
}

static struct answer_op set_topic(struct core *c, struct topic *t, const struct msg_topic_op *o)
{
	if (o->which & (SET_ORDERED | SET_ATTEMPTS | SET_DEAD))
		return (struct answer_op){ SHEAF_E_BAD_VALUE,
			                   "ordered, attempts and dead are set on a channel: name one" };
	if (o->which & SET_KEEP_MS)
		t->keep_ms = o->keep_ms;
	if (o->which & SET_KEEP_BYTES)
		t->keep_bytes = o->keep_bytes;
	topic_fact(c, t);
	sweep_wake(c, t);
	return (struct answer_op){ SHEAF_OK, "" };
}

static struct answer_op set_channel(struct core *c, struct channel *ch, const struct msg_topic_op *o)
{
	struct channel_settings *s = &ch->settings;

	if (o->which & (SET_KEEP_MS | SET_KEEP_BYTES))
		return (struct answer_op){ SHEAF_E_BAD_VALUE, "keep is set on a topic: name no channel" };
	if ((o->which & SET_DEAD) && gateway_topic(o->dead))
		return (struct answer_op){ SHEAF_E_BAD_VALUE, "dead: jobs.QUEUE is no topic that keeps messages" };
	if ((o->which & SET_DEAD) && span_eq(o->dead, span_str(ch->topic->name)))
		return (struct answer_op){ SHEAF_E_BAD_VALUE,
			                   "dead: the channel's own topic would give it its dead letters again" };
	if (o->which & SET_ORDERED)
		s->ordered = o->ordered != 0;
	if (o->which & SET_ATTEMPTS)
		s->attempts = o->attempts;
	if (o->which & SET_DEAD) {
		memset(s->dead, 0, sizeof s->dead);
		if (o->dead.n > 0)
			memcpy(s->dead, o->dead.p, o->dead.n);
	}
	channel_fact(c, ch);
	channel_heat(c, ch);
	return (struct answer_op){ SHEAF_OK, "" };
}

static struct answer_op on_topic(struct core *c, struct topic *t, const struct msg_topic_op *o)
{
	switch ((enum topic_op)o->op) {
	case TOPIC_DELETE:
		topic_end(c, t);
		break;
	case TOPIC_EMPTY:
		topic_empty(c, t);
		break;
	case TOPIC_PAUSE:
	case TOPIC_RESUME:
		t->paused = o->op == TOPIC_PAUSE;
		topic_fact(c, t);
		topic_pump(c, t);
		break;
	case TOPIC_SET:
		return set_topic(c, t, o);
	case TOPIC_CREATE:
		break;
	}
	return (struct answer_op){ SHEAF_OK, "" };
}

static struct answer_op on_channel(struct core *c, struct channel *ch, const struct msg_topic_op *o)
{
	switch ((enum topic_op)o->op) {
	case TOPIC_DELETE:
		channel_end(c, ch);
		break;
	case TOPIC_EMPTY:
		channel_empty(c, ch);
		break;
	case TOPIC_PAUSE:
	case TOPIC_RESUME:
		ch->paused = o->op == TOPIC_PAUSE;
		channel_fact(c, ch);
		channel_heat(c, ch);
		break;
	case TOPIC_SET:
		return set_channel(c, ch, o);
	case TOPIC_CREATE:
		break;
	}
	return (struct answer_op){ SHEAF_OK, "" };
}

static struct answer_op carry_out(struct core *c, const struct msg_topic_op *o)
{
	struct channel *ch;
	struct topic *t;

	if (o->op == TOPIC_CREATE)
		return create(c, o);
	t = topic_find(c, o->topic);
	if (t == NULL)
		return (struct answer_op){ SHEAF_E_UNKNOWN, "there is no such topic" };
	if (o->channel.n == 0)
		return on_topic(c, t, o);
	ch = channel_find(t, o->channel);
	if (ch == NULL)
		return (struct answer_op){ SHEAF_E_UNKNOWN, "the topic has no such channel" };
	return on_channel(c, ch, o);
}

void topic_op_request(struct core *c, struct client *cl, const struct msg *m)
{
	struct answer_op a = carry_out(c, &m->u.topic_op);

	turn_commit(c);
	fx_answer(c, cl->peer, &m->h, a.error, a.text, 0);
}
