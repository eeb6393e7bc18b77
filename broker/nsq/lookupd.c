/* Which topics and channels there are, asked of the hub each second and told to the nsqlookupds; see lookupd.h. */
#include "broker/nsq/lookupd.h"

#include <stdlib.h>

#include "base/log.h"
#include "broker/nsq/lookupd_call.h"

enum { POLL_MS = 1000 };

static void tell_peers(struct lookupd *l, const char *command, struct span name)
{
	for (struct list *i = l->peers.next, *next; i != &l->peers; i = next) {
		next = i->next;
		peer_tell(list_item(i, struct peer, node), command, name);
	}
}

static bool is_topic(struct span name)
{
	return memchr(name.p, ' ', name.n) == NULL;
}

static void on_gone(void *arg, struct span name)
{
	struct lookupd *l = arg;

	if (is_topic(name))
		names_remove(&l->asked, name); /* should it come again, it is new */
	tell_peers(l, "UNREGISTER", name);
}

static void on_came(void *arg, struct span name)
{
	struct lookupd *l = arg;

	tell_peers(l, "REGISTER", name);
	if (!is_topic(name))
		return;
	if (l->generation == 0)
		names_insert(&l->asked, name); /* it was there before us, with its channels */
	else
		lookupd_ask(l, name);
}

static void on_rows(void *arg, enum sheaf_error error, const struct msg_topics_info *info, bool more)
{
	struct lookupd *l = arg;

	if (error != SHEAF_OK) {
		l->polling = false;
		names_free(&l->coming);
		return;
	}
	if (l->next == 0)
		l->next = info->generation; /* of the first part: what changes while they come is seen next time */
	for (uint32_t i = 0; i < info->n; i++)
		names_add(&l->coming, info->v[i].topic, info->v[i].channel);
	if (more)
		return;
	l->polling = false;
	if (l->next != l->generation) {
		struct names before = l->names;

		names_sort(&l->coming);
		l->names = l->coming;
		l->coming = (struct names){ 0 };
		names_compare(&before, &l->names, on_gone, on_came, l);
		l->generation = l->next;
		names_free(&before);
	}
	names_free(&l->coming);
}

static void on_poll(uv_timer_t *t)
{
	struct lookupd *l = t->data;

	if (l->n_peers == 0 || l->polling)
		return;
	l->polling = true;
	l->next = 0;
	hub_topics(l->setup.hub, span_str(""), l->generation, on_rows, l);
}

struct lookupd *lookupd_open(const struct lookupd_setup *setup)
{
	struct lookupd *l = calloc(1, sizeof *l);
	const char *addresses[LOOKUPD_PEERS];

	must(l != NULL && setup->n_addresses <= LOOKUPD_PEERS);
	l->setup = *setup;
	list_init(&l->peers);
	list_init(&l->leaving);
	list_init(&l->asks);
	list_init(&l->held);
	uv_timer_init(setup->loop, &l->poll);
	l->poll.data = l;
	l->busy = 1;
	uv_timer_start(&l->poll, on_poll, 0, POLL_MS);
	for (uint32_t i = 0; i < setup->n_addresses; i++)
		addresses[i] = setup->addresses[i];
	if (!lookupd_set(l, addresses, setup->n_addresses))
		log_line(LOG_ERROR, "nsq-lookupd",
		         "an address of an nsqlookupd is not HOST:PORT: it registers nowhere");
	return l;
}

static struct peer *find(struct list *head, const char *address)
{
	for (struct list *i = head->next; i != head; i = i->next) {
		struct peer *p = list_item(i, struct peer, node);

		if (strcmp(p->address, address) == 0)
			return p;
	}
	return NULL;
}

bool lookupd_set(struct lookupd *l, const char *const *addresses, uint32_t n)
{
	struct list next;
	bool good = n <= LOOKUPD_PEERS;

	list_init(&next);
	for (uint32_t i = 0; good && i < n; i++) {
		struct peer *p = find(&l->peers, addresses[i]);

		if (find(&next, addresses[i]) != NULL)
			continue;
		if (p != NULL) {
			list_remove(&p->node);
		} else {
			p = peer_new(l, addresses[i]);
			good = p != NULL;
		}
		if (good)
			list_push_back(&next, &p->node);
	}
	/* those that stay are at `next` now; on a mistake the old ones go back, and the new ones go */
	if (good)
		while (!list_empty(&l->peers))
			peer_leave(list_item(l->peers.next, struct peer, node));
	l->n_peers = 0;
	for (struct list *i = next.next, *after; i != &next; i = after) {
		struct peer *p = list_item(i, struct peer, node);

		after = i->next;
		list_remove(i);
		list_push_back(&l->peers, i);
		if (!good && !p->known)
			peer_leave(p);
	}
	for (struct list *i = l->peers.next; i != &l->peers; i = i->next) {
		list_item(i, struct peer, node)->known = true;
		l->n_peers++;
	}
	return good;
}

uint32_t lookupd_count(const struct lookupd *l)
{
	return l->n_peers;
}

const char *lookupd_address(const struct lookupd *l, uint32_t at)
{
	const struct list *i = l->peers.next;

	while (at-- > 0)
		i = i->next;
	return list_item(i, struct peer, node)->address;
}

void lookupd_gone(struct lookupd *l)
{
	if (!l->closing || l->busy > 0 || !list_empty(&l->leaving))
		return;
	names_free(&l->names);
	names_free(&l->coming);
	names_free(&l->asked);
	if (l->closed != NULL)
		l->closed(l->closed_arg);
	free(l);
}

static void on_poll_closed(uv_handle_t *h)
{
	struct lookupd *l = h->data;

	l->busy--;
	lookupd_gone(l);
}

void lookupd_close(struct lookupd *l, void (*closed)(void *arg), void *arg)
{
	l->closing = true;
	l->closed = closed;
	l->closed_arg = arg;
	hub_forget(l->setup.hub, l);
	lookupd_ask_end(l);
	while (!list_empty(&l->peers))
		peer_leave(list_item(l->peers.next, struct peer, node));
	l->n_peers = 0;
	uv_timer_stop(&l->poll);
	uv_close((uv_handle_t *)&l->poll, on_poll_closed);
}
