/* New topics: which channels they have elsewhere, and the publishes that wait for these; see lookupd.h. */
#include <curl/curl.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/log.h"
#include "broker/nsq/lookupd_call.h"
#include "proto/codec.h"

/* A topic that is asked for. */
struct ask {
	struct list node;
	struct lookupd *l;
	char topic[LIMIT_NAME + 1];
	struct fetch_call *calls[LOOKUPD_PEERS];
	uint32_t waits; /* answers of nsqlookupds, then of the hub, that are still to come */
	struct names channels;
};

struct ask_call {
	struct ask *a;
	uint32_t i; /* its place in calls */
	char address[LOOKUPD_ADDRESS + 16];
};

/* A publish that waits. */
struct held {
	struct list node;
	char topic[LIMIT_NAME + 1];
	uint64_t defer_ms;
	uint32_t count;
	struct buf packed;
	hub_answer answer;
	void *arg;
};

/* ---- publishes that wait ---- */

static bool arg_waits(const struct lookupd *l, const struct list *until, const void *arg)
{
	for (const struct list *i = l->held.next; i != until; i = i->next)
		if (list_item(i, struct held, node)->arg == arg)
			return true;
	return false;
}

static void held_free(struct held *h)
{
	list_remove(&h->node);
	buf_fini(&h->packed);
	free(h);
}

/* Publishes what need not wait any more. */
static void release(struct lookupd *l)
{
	for (struct list *i = l->held.next, *next; i != &l->held; i = next) {
		struct held *h = list_item(i, struct held, node);

		next = i->next;
		if (!names_has(&l->asked, span_str(h->topic)) || arg_waits(l, i, h->arg))
			continue;
		hub_publish(l->setup.hub, span_str(h->topic), h->defer_ms, h->count, buf_span(&h->packed), h->answer,
		            h->arg);
		held_free(h);
	}
}

void lookupd_publish(struct lookupd *l, struct span topic, uint64_t defer_ms, uint32_t count, struct span packed,
                     hub_answer answer, void *arg)
{
	bool known = l->n_peers == 0 || names_has(&l->asked, topic);
	struct held *h;

	if (!known) {
		lookupd_ask(l, topic);
		known = names_has(&l->asked, topic);
	}
	if (known && (list_empty(&l->held) || !arg_waits(l, &l->held, arg))) {
		hub_publish(l->setup.hub, topic, defer_ms, count, packed, answer, arg);
		return;
	}
	must(topic.n <= LIMIT_NAME);
	h = calloc(1, sizeof *h);
	must(h != NULL);
	memcpy(h->topic, topic.p, topic.n);
	h->defer_ms = defer_ms;
	h->count = count;
	buf_init(&h->packed);
	buf_put_span(&h->packed, packed);
	h->answer = answer;
	h->arg = arg;
	list_push_back(&l->held, &h->node);
	if (known)
		names_insert(&l->asked, topic); /* it waits for another topic only */
}

static void nobody(void *arg, enum sheaf_error error, struct span text)
{
	(void)arg;
	(void)error;
	(void)text;
}

void lookupd_forget(struct lookupd *l, void *arg)
{
	if (l == NULL)
		return;
	for (struct list *i = l->held.next; i != &l->held; i = i->next) {
		struct held *h = list_item(i, struct held, node);

		if (h->arg != arg)
			continue;
		h->answer = nobody;
		h->arg = NULL;
	}
}

/* ---- asking ---- */

static void ask_free(struct ask *a)
{
	list_remove(&a->node);
	names_free(&a->channels);
	free(a);
}

static void ask_done(struct ask *a)
{
	struct lookupd *l = a->l;

	names_insert(&l->asked, span_str(a->topic));
	ask_free(a);
	release(l);
}

static void on_created(void *arg, enum sheaf_error error, struct span text)
{
	struct ask *a = arg;

	if (error != SHEAF_OK && error != SHEAF_E_EXISTS)
		log_line(LOG_WARN, "nsq-lookupd", "a channel of %s that is elsewhere is not created here: %.*s",
		         a->topic, (int)text.n, (const char *)text.p);
	if (--a->waits == 0)
		ask_done(a);
}

/* All have answered: the topic, then its channels. */
static void create(struct ask *a)
{
	struct hub *hub = a->l->setup.hub;
	struct span topic = span_str(a->topic);

	if (a->channels.n == 0) {
		ask_done(a);
		return;
	}
	a->waits = 1 + a->channels.n;
	hub_topic_op(hub, TOPIC_CREATE, topic, span_str(""), on_created, a);
	for (uint32_t i = 0; i < a->channels.n; i++)
		hub_topic_op(hub, TOPIC_CREATE, topic, span_str(a->channels.v[i]), on_created, a);
}

static void take_channels(struct ask *a, struct span body)
{
	json_t *j = json_loadb((const char *)body.p, body.n, 0, NULL), *data = json_object_get(j, "data"), *name;
	size_t i;

	/* before NSQ 1.0 the answer lay in "data" */
	json_array_foreach(json_object_get(data != NULL ? data : j, "channels"), i, name)
	{
		struct span s = span_of(json_string_value(name), json_string_length(name));

		if (s.p != NULL && name_topic_ok(s) && !name_ephemeral(s) && a->channels.n < LIMIT_TOPIC_CHANNELS)
			names_insert(&a->channels, s);
	}
	json_decref(j);
}

static void on_channels(void *arg, unsigned status, struct span body, const char *error)
{
	struct ask_call *c = arg;
	struct ask *a = c->a;

	if (status == 200)
		take_channels(a, body);
	else
		log_line(LOG_WARN, "nsq-lookupd", "%s does not say which channels %s has: %s", c->address, a->topic,
		         status == 0 ? error : "not with status 200");
	a->calls[c->i] = NULL;
	free(c);
	if (--a->waits == 0)
		create(a);
}

static void ask_peer(struct ask *a, const struct peer *p)
{
	struct ask_call *c = calloc(1, sizeof *c);
	char *topic = curl_easy_escape(NULL, a->topic, 0), url[sizeof c->address + 3 * LIMIT_NAME + 32];
	struct fetch_request r = { .url = url,
		                   .headers = { "Accept: application/vnd.nsq; version=1.0" },
		                   .connect_ms = LOOKUPD_CONNECT_MS,
		                   .total_ms = LOOKUPD_ASK_MS,
		                   .most = LOOKUPD_CHANNELS };

	must(c != NULL && topic != NULL);
	c->a = a;
	c->i = a->waits++;
	memcpy(c->address, p->http, sizeof p->http);
	snprintf(url, sizeof url, "http://%s/channels?topic=%s", p->http, topic);
	curl_free(topic);
	a->calls[c->i] = fetch_start(a->l->setup.fetch, &r, on_channels, c);
}

void lookupd_ask(struct lookupd *l, struct span topic)
{
	struct ask *a;

	if (topic.n > LIMIT_NAME || names_has(&l->asked, topic))
		return;
	for (struct list *i = l->asks.next; i != &l->asks; i = i->next)
		if (span_eq(span_str(list_item(i, struct ask, node)->topic), topic))
			return;
	a = calloc(1, sizeof *a);
	must(a != NULL);
	a->l = l;
	memcpy(a->topic, topic.p, topic.n);
	list_push_back(&l->asks, &a->node);
	for (struct list *i = l->peers.next; i != &l->peers; i = i->next) {
		const struct peer *p = list_item(i, struct peer, node);

		if (p->http[0] != 0)
			ask_peer(a, p);
	}
	if (a->waits > 0)
		return;
	names_insert(&l->asked, topic); /* there is nobody to be asked; whatever waits for it is released below */
	ask_free(a);
	release(l);
}

void lookupd_ask_end(struct lookupd *l)
{
	while (!list_empty(&l->asks)) {
		struct ask *a = list_item(l->asks.next, struct ask, node);

		for (uint32_t i = 0; i < LOOKUPD_PEERS; i++)
			if (a->calls[i] != NULL)
				free(fetch_cancel(a->calls[i]));
		hub_forget(l->setup.hub, a);
		ask_free(a);
	}
	while (!list_empty(&l->held))
		held_free(list_item(l->held.next, struct held, node));
}
