/* TOPIC_LIST: topics and channels as they are, page by page; see topic.h. */
#include "broker/core/fx.h"
#include "broker/core/topic/channel.h"
#include "broker/core/topic/topic.h"

static struct msg_topic_rec describe_channel(const struct channel *ch)
{
	return (struct msg_topic_rec){
		.topic = span_str(ch->topic->name),
		.channel = span_str(ch->name),
		.flags = (ch->paused ? TOPIC_PAUSED : 0u) | (ch->ephemeral ? TOPIC_EPHEMERAL : 0u) |
		         (ch->settings.ordered ? TOPIC_ORDERED : 0u),
		.consumers = ch->n_consumers,
		.depth = channel_backlog(ch) + ch->n_waiting,
		.in_hand = ch->n_in_hand,
		.deferred = ch->n_deferred,
		.messages = ch->messages,
		.requeued = ch->requeued,
		.timed_out = ch->timed_out,
		.dead = ch->dead,
		.attempts = ch->settings.attempts,
		.dead_topic = span_str(ch->settings.dead),
	};
}

static struct msg_topic_rec describe_topic(const struct topic *t)
{
	return (struct msg_topic_rec){
		.topic = span_str(t->name),
		.flags = (t->paused ? TOPIC_PAUSED : 0u) | (t->ephemeral ? TOPIC_EPHEMERAL : 0u),
		.depth = t->depth,
		.messages = t->messages,
		.bytes = t->bytes,
		.kept = t->bytes_there,
		.keep_ms = t->keep_ms,
		.keep_bytes = t->keep_bytes,
	};
}

/* A topic with all its channels behind it. */
static uint32_t add(struct msg_topic_rec *v, uint32_t n, const struct topic *t)
{
	v[n++] = describe_topic(t);
	for (const struct list *p = t->channels.next; p != &t->channels; p = p->next)
		v[n++] = describe_channel(list_item(p, struct channel, link));
	return n;
}

void topic_list_request(struct core *c, struct client *cl, const struct msg *m)
{
	const struct msg_topic_list *l = &m->u.topic_list;
	const struct topics *all = &c->topics;
	struct msg *out = fx_reply(c, cl->peer, MSG_TOPICS_INFO, cl->session, m->h.number);
	struct msg_topics_info *info = &out->u.topics_info;
	struct msg_topic_rec *v;
	uint64_t i = l->after;

	info->generation = all->generation;
	info->next = i;
	if (l->generation != 0 && l->generation == all->generation)
		return;
	v = fx_alloc(c, LIMIT_TOPIC_ROWS * sizeof *v);
	info->v = v;
	if (l->topic.n > 0) {
		const struct topic *t = topic_find(c, l->topic);

		info->n = t != NULL ? add(v, 0, t) : 0;
		return;
	}
	for (; i < all->n_topics; i++) {
		const struct topic *t = all->topics[i];

		if (t == NULL || t->doomed)
			continue;
		if (info->n + 1 + t->n_channels > LIMIT_TOPIC_ROWS)
			break;
		info->n = add(v, info->n, t);
	}
	info->next = i;
	info->more = i < all->n_topics;
}
