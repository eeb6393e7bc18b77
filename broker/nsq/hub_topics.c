/* What a hub asks about topics: operations and listings. See hub.h. */
#include <stdlib.h>

#include "broker/nsq/hub_state.h"

static size_t keep_name(char *to, struct span name)
{
	if (name.n > 0)
		memcpy(to, name.p, name.n);
	return name.n;
}

void hub_topic_op(struct hub *h, enum topic_op op, struct span topic, struct span channel, hub_answer answer, void *arg)
{
	struct call *k = call_new(h, answer, arg);
	struct op *o;

	hub_wake(h);
	if (h->failed != SHEAF_OK || !name_topic_ok(topic) || (channel.n > 0 && !name_topic_ok(channel))) {
		enum sheaf_error e = h->failed != SHEAF_OK ? h->failed : SHEAF_E_BAD_NAME;

		call_part(h, k, e, span_str(sheaf_error_text(e)));
		return;
	}
	o = calloc(1, sizeof *o);
	must(o != NULL);
	o->asked.kind = ASKED_OP;
	o->call = k;
	o->op = op;
	o->topic_n = keep_name(o->topic, topic);
	o->channel_n = keep_name(o->channel, channel);
	k->parts = 1;
	parts_close(h); /* what was published before it comes before it */
	list_push_back(&h->waiting, &o->asked.link);
}

bool op_send(struct hub *h, struct op *o)
{
	struct msg m = { .h.kind = MSG_TOPIC_OP };
	uint64_t number;

	m.u.topic_op = (struct msg_topic_op){ .topic = span_of(o->topic, o->topic_n),
		                              .channel = span_of(o->channel, o->channel_n),
		                              .op = (uint32_t)o->op };
	if (csession_request(h->session, &m, (uintptr_t)o, &number) != SHEAF_OK)
		return false;
	list_remove(&o->asked.link);
	hub_asked(h, &o->asked);
	return true;
}

void op_answered(struct hub *h, struct op *o, enum sheaf_error error, struct span text)
{
	list_remove(&o->asked.link);
	call_part(h, o->call, error, text);
	free(o);
}

/* ---- listings ---- */

void hub_topics(struct hub *h, struct span topic, uint64_t generation, hub_rows rows, void *arg)
{
	struct listing *l = calloc(1, sizeof *l);

	must(l != NULL);
	*l = (struct listing){ .asked.kind = ASKED_ROWS, .rows = rows, .arg = arg, .generation = generation };
	/* a name that is too long is nobody's; the broker says so */
	l->topic_n = keep_name(l->topic, topic.n <= LIMIT_NAME ? topic : span_of(topic.p, LIMIT_NAME));
	list_push_back(&h->listings, &l->link);
	list_push_back(&h->waiting, &l->asked.link);
	hub_wake(h);
}

bool listing_send(struct hub *h, struct listing *l)
{
	struct msg m = { .h.kind = MSG_TOPIC_LIST };
	uint64_t number;

	m.u.topic_list = (struct msg_topic_list){ .topic = span_of(l->topic, l->topic_n),
		                                  .after = l->after,
		                                  .generation = l->generation };
	if (csession_request(h->session, &m, (uintptr_t)l, &number) != SHEAF_OK)
		return false;
	list_remove(&l->asked.link);
	hub_asked(h, &l->asked);
	return true;
}

void listing_answered(struct hub *h, struct listing *l, enum sheaf_error error, const struct msg *answer)
{
	static const struct msg_topics_info none;
	const struct msg_topics_info *info = &none;
	bool more;

	if (error == SHEAF_OK && (answer == NULL || answer->h.kind != MSG_TOPICS_INFO))
		error = SHEAF_E_MALFORMED;
	if (error == SHEAF_OK)
		info = &answer->u.topics_info;
	more = info->more != 0 && info->next > l->after; /* a place that does not go on would never end */
	list_remove(&l->asked.link);
	if (more) {
		l->after = info->next;
		l->generation = 0;
		list_push_back(&h->waiting, &l->asked.link);
		hub_wake(h);
		if (l->rows != NULL)
			l->rows(l->arg, error, info, true);
		return;
	}
	list_remove(&l->link);
	if (l->rows != NULL)
		l->rows(l->arg, error, info, false);
	free(l);
}
