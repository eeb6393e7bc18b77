/* Calls of a hub whose answers are owed: to each owner in the order of its calls, whatever the order in which the
 * broker answers. See hub.h. */
#include <stdlib.h>

#include "broker/nsq/hub_state.h"

static uint32_t place(const void *arg)
{
	return (uint32_t)(((uint64_t)(uintptr_t)arg * UINT64_C(0x9e3779b97f4a7c15)) >> 52) % HUB_OWNERS;
}

static struct owner *find(struct hub *h, const void *arg)
{
	struct owner *o = h->owner;

	if (o != NULL && o->arg == arg)
		return o;
	for (o = h->owners[place(arg)]; o != NULL && o->arg != arg; o = o->next)
		;
	return o;
}

static struct owner *find_or_make(struct hub *h, void *arg)
{
	struct owner *o = find(h, arg);
	uint32_t at;

	if (o == NULL) {
		o = h->free_owners;
		if (o != NULL) {
			h->free_owners = o->next;
			h->n_free_owners--;
		} else {
			o = malloc(sizeof *o);
			must(o != NULL);
		}
		at = place(arg);
		*o = (struct owner){ .next = h->owners[at], .arg = arg };
		list_init(&o->calls);
		list_init(&o->due);
		h->owners[at] = o;
	}
	h->owner = o;
	return o;
}

static void remove_owner(struct hub *h, struct owner *o)
{
	struct owner **at = &h->owners[place(o->arg)];

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	list_remove(&o->due);
	if (h->owner == o)
		h->owner = NULL;
	if (h->n_free_owners == HUB_FREE) {
		free(o);
		return;
	}
	o->next = h->free_owners;
	h->free_owners = o;
	h->n_free_owners++;
}

struct call *call_new(struct hub *h, hub_answer answer, void *arg)
{
	struct owner *o = find_or_make(h, arg);
	struct call *k = h->free_calls;

	if (k != NULL) {
		h->free_calls = (struct call *)(void *)k->owner;
		h->n_free_calls--;
	} else {
		k = malloc(sizeof *k);
		must(k != NULL);
	}
	*k = (struct call){ .owner = o, .answer = answer };
	list_push_back(&o->calls, &k->link);
	h->calls++;
	return k;
}

static void release(struct hub *h, struct call *k)
{
	list_remove(&k->link);
	free(k->text);
	if (k->held != NULL)
		*k->held = NULL;
	h->calls--;
	if (h->n_free_calls == HUB_FREE) {
		free(k);
		return;
	}
	k->owner = (struct owner *)(void *)h->free_calls;
	h->free_calls = k;
	h->n_free_calls++;
}

static void fail(struct call *k, enum sheaf_error error, struct span text)
{
	size_t n = text.n < LIMIT_TEXT ? text.n : LIMIT_TEXT - 1;

	k->error = error;
	k->text = malloc(n + 1);
	must(k->text != NULL);
	if (n > 0)
		memcpy(k->text, text.p, n);
	k->text[n] = '\0';
}

void call_part(struct hub *h, struct call *k, enum sheaf_error error, struct span text)
{
	if (error != SHEAF_OK && k->error == SHEAF_OK)
		fail(k, error, text);
	if (k->parts > 0 && --k->parts > 0)
		return;
	k->done = true;
	if (k->owner == NULL) {
		release(h, k);
		return;
	}
	if (k->owner->calls.next == &k->link && list_empty(&k->owner->due)) {
		list_push_back(&h->due, &k->owner->due);
		hub_wake(h);
	}
}

void call_drop(struct hub *h, struct call *k)
{
	struct owner *o = k->owner;

	release(h, k);
	if (o == NULL)
		return;
	if (list_empty(&o->calls)) {
		remove_owner(h, o);
	} else if (list_item(o->calls.next, struct call, link)->done && list_empty(&o->due)) {
		list_push_back(&h->due, &o->due);
		hub_wake(h);
	}
}

void hub_forget(struct hub *h, void *arg)
{
	struct owner *o = find(h, arg);

	for (struct list *l = h->listings.next; l != &h->listings; l = l->next) {
		struct listing *r = list_item(l, struct listing, link);

		if (r->arg == arg)
			r->rows = NULL;
	}
	if (o == NULL)
		return;
	while (!list_empty(&o->calls)) {
		struct call *k = list_item(o->calls.next, struct call, link);

		k->owner = NULL;
		list_remove(&k->link);
		if (k->done)
			release(h, k);
	}
	remove_owner(h, o);
}

/* Answers what is done of an owner, in order. It may be gone after any answer, and another may have its place. */
static void answer(struct hub *h, struct owner *o)
{
	void *arg = o->arg;

	while (o != NULL && !list_empty(&o->calls)) {
		struct call *k = list_item(o->calls.next, struct call, link);
		struct call told = *k;

		if (!k->done)
			return;
		k->text = NULL;
		release(h, k);
		if (list_empty(&o->calls))
			remove_owner(h, o);
		told.answer(arg, told.error, told.text ? span_str(told.text) : span_of(NULL, 0));
		free(told.text);
		o = find(h, arg);
	}
}

void calls_answer(struct hub *h)
{
	struct list now; /* what comes due meanwhile has the next turn */

	if (list_empty(&h->due))
		return;
	list_insert(&now, h->due.prev, &h->due);
	list_remove(&h->due);
	while (!list_empty(&now)) {
		struct owner *o = list_item(now.next, struct owner, due);

		list_remove(&o->due);
		answer(h, o);
	}
	list_remove(&now);
}

void calls_free(struct hub *h)
{
	for (uint32_t i = 0; i < HUB_OWNERS; i++)
		while (h->owners[i] != NULL)
			hub_forget(h, h->owners[i]->arg);
	while (h->free_owners != NULL) {
		struct owner *o = h->free_owners;

		h->free_owners = o->next;
		free(o);
	}
	while (h->free_calls != NULL) {
		struct call *k = h->free_calls;

		h->free_calls = (struct call *)(void *)k->owner;
		free(k);
	}
}
