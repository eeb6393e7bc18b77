/* See consumer.h and topic.h. */
#include "broker/core/topic/consumer.h"

#include <stdlib.h>

#include "broker/core/fx.h"
#include "broker/core/topic/channel.h"
#include "broker/core/topic/end.h"
#include "broker/core/topic/gateway.h"
#include "broker/core/topic/parcel.h"
#include "broker/core/topic/step.h"
#include "broker/core/topic/topic.h"
#include "broker/core/turn.h"

enum { LEAVE_AT_ONCE = 256 }; /* parcels that go back in line in the step that ends their subscription */

static bool may_have_more(const struct consumer *cn)
{
	return cn->client != NULL && cn->in_hand < cn->limit && cn->sent < cn->window;
}

void consumer_look(struct core *c, struct consumer *cn)
{
	struct channel *ch = cn->channel;
	bool is = !list_empty(&cn->ready), shall = may_have_more(cn);

	if (is && !shall) {
		list_remove(&cn->ready);
		ch->n_ready--;
	} else if (shall && !is) {
		list_push_back(&ch->ready, &cn->ready);
		ch->n_ready++;
	}
	if (shall)
		channel_heat(c, ch);
}

void consumer_free(struct core *c, struct consumer *cn)
{
	(void)c;
	must(list_empty(&cn->parcels) && list_empty(&cn->ready) && cn->client == NULL);
	list_remove(&cn->of_client);
	free(cn);
}

void consumer_leave(struct core *c, struct consumer *cn)
{
	struct channel *ch = cn->channel;

	HASH_DELETE(hh, c->topics.consumers, cn);
	list_remove(&cn->of_client);
	list_remove(&cn->link);
	cn->client = NULL;
	consumer_look(c, cn);
	ch->n_consumers--;
	if (list_empty(&cn->parcels))
		consumer_free(c, cn);
	else
		list_push_back(&c->topics.leaving, &cn->of_client);
	if (ch->ephemeral && ch->n_consumers == 0 && !ch->doomed)
		channel_end(c, ch);
}

static void give_back(struct core *c, struct parcel *p)
{
	struct channel *ch = p->channel;

	if (ch->doomed) {
		parcel_finish(c, p, p->mask);
		return;
	}
	step_back(c, p, 0, false);
	ch->requeued += p->left;
	c->topics.requeued += p->left;
	parcel_back(c, p, 0);
}

static void leave_some(struct core *c, int most)
{
	struct list *all = &c->topics.leaving;

	while (most > 0 && !list_empty(all)) {
		struct consumer *cn = list_item(all->next, struct consumer, of_client);

		for (; !list_empty(&cn->parcels); most--) {
			if (most == 0 || !step_room(c, 1))
				return;
			give_back(c, list_item(cn->parcels.next, struct parcel, link));
		}
		consumer_free(c, cn);
	}
}

void consumer_slice(struct core *c)
{
	leave_some(c, STEP_WORK);
}

void consumers_drop(struct core *c, struct client *cl)
{
	while (!list_empty(&cl->consumers))
		consumer_leave(c, list_item(cl->consumers.next, struct consumer, of_client));
}

static struct consumer *consumer_find(const struct core *c, const struct client *cl, uint32_t sub)
{
	struct consumer_key key = { cl->session, sub };
	struct consumer *cn;

	HASH_FIND(hh, c->topics.consumers, &key, sizeof key, cn);
	return cn;
}

static struct consumer *consumer_new(struct core *c, struct client *cl, struct channel *ch,
                                     const struct msg_subscribe *s)
{
	struct consumer *cn = calloc(1, sizeof *cn);

	must(cn != NULL);
	cn->key.session = cl->session;
	cn->key.sub = s->sub;
	cn->client = cl;
	cn->channel = ch;
	cn->timeout_ms = s->timeout_ms != 0 ? s->timeout_ms : DEFAULT_MESSAGE_MS;
	cn->most_ms = s->most_ms != 0 ? s->most_ms : DEFAULT_MESSAGE_MOST_MS;
	cn->sample = s->sample < 100 ? s->sample : 0;
	list_init(&cn->ready);
	list_init(&cn->parcels);
	list_push_back(&cl->consumers, &cn->of_client);
	list_push_back(&ch->consumers, &cn->link);
	ch->n_consumers++;
	HASH_ADD(hh, c->topics.consumers, key, sizeof cn->key, cn);
	return cn;
}

/* The channel that is subscribed to, made if need be; NULL with why not. */
static struct channel *channel_wanted(struct core *c, const struct msg_subscribe *s, const struct consumer *old,
                                      enum sheaf_error *e, const char **why)
{
	struct channel *ch;
	struct topic *t;

	*e = SHEAF_E_DRAINING;
	*why = "the broker is going down; it will be back";
	if (c->draining)
		return NULL;
	*e = SHEAF_E_BAD_NAME;
	*why = "jobs.QUEUE is a queue's door for messages: workers take its jobs, nobody subscribes to it";
	if (gateway_topic(s->topic))
		return NULL;
	*e = SHEAF_E_FULL;
	*why = "there are as many consumers already as can be";
	if (HASH_CNT(hh, c->topics.consumers) >= LIMIT_CONSUMERS && old == NULL)
		return NULL;
	*why = "there are 10000 topics already";
	t = topic_for(c, s->topic);
	if (t == NULL)
		return NULL;
	*why = "the topic has 256 channels already, or all together as many as can be";
	ch = channel_for(c, t, s->channel, s->since_ms);
	if (ch == NULL)
		return NULL;
	*why = "the channel has as many consumers already as the request allows";
	if (s->consumers != 0 && ch->n_consumers - (old != NULL && old->channel == ch) >= s->consumers)
		return NULL;
	return ch;
}

/* An old subscription of that number leaves when the new one is there, so that an ephemeral channel outlives it. */
void subscribe_request(struct core *c, struct client *cl, const struct msg *m)
{
	const struct msg_subscribe *s = &m->u.subscribe;
	struct consumer *old = consumer_find(c, cl, s->sub), *cn = NULL;
	enum sheaf_error e;
	struct channel *ch;
	const char *why;

	ch = channel_wanted(c, s, old, &e, &why);
	if (old != NULL && ch != NULL) {
		ch->n_consumers++; /* the new one, in advance */
		consumer_leave(c, old);
		ch->n_consumers--;
	} else if (old != NULL) {
		consumer_leave(c, old);
	}
	if (ch != NULL)
		cn = consumer_new(c, cl, ch, s);
	leave_some(c, LEAVE_AT_ONCE);
	turn_commit(c);
	if (cn != NULL)
		cn->after = c->fx->head;
	if (ch == NULL)
		fx_answer(c, cl->peer, &m->h, e, why, 0);
	else
		fx_answer(c, cl->peer, &m->h, SHEAF_OK, "", 0);
}

void unsubscribe_request(struct core *c, struct client *cl, const struct msg *m)
{
	struct consumer *cn = consumer_find(c, cl, m->u.unsubscribe.sub);

	if (cn == NULL) {
		fx_answer(c, cl->peer, &m->h, SHEAF_E_UNKNOWN, "there is no such subscription", 0);
		return;
	}
	consumer_leave(c, cn);
	leave_some(c, LEAVE_AT_ONCE);
	turn_commit(c);
	fx_answer(c, cl->peer, &m->h, SHEAF_OK, "", 0);
}

void credit_request(struct core *c, struct client *cl, const struct msg *m)
{
	for (uint32_t i = 0; i < m->u.credit.n; i++) {
		const struct msg_credit_rec *r = &m->u.credit.v[i];
		struct consumer *cn = consumer_find(c, cl, r->sub);

		if (cn == NULL)
			continue;
		cn->limit = r->ready;
		cn->window = r->bytes;
		consumer_look(c, cn);
	}
}
