/* What queues there are, as far as mail has asked lately. See store.h. */
#include <stdlib.h>

#include "base/clock.h"
#include "broker/smtp/store_state.h"

void queues_init(struct store *s)
{
	list_init(&s->used);
	list_init(&s->pending);
	list_init(&s->to_ask);
	list_init(&s->waiters);
	list_init(&s->heard);
}

static void free_waiter(struct waiter *w)
{
	list_remove(&w->link);
	list_remove(&w->all);
	free(w);
}

static void free_known(struct store *s, struct known *k)
{
	must(list_empty(&k->waiters));
	HASH_DEL(s->queues, k);
	list_remove(&k->asked.link);
	list_remove(&k->used);
	list_remove(&k->pending);
	free(k);
}

void queues_free(struct store *s)
{
	while (!list_empty(&s->waiters))
		free_waiter(list_item(s->waiters.next, struct waiter, all));
	while (!list_empty(&s->used))
		free_known(s, list_item(s->used.next, struct known, used));
}

/* ---- asking ---- */

/* The one that nobody has asked for the longest time goes. While an answer is due it stays. */
static void make_room(struct store *s)
{
	struct list *l = s->used.next, *next;

	for (; HASH_COUNT(s->queues) >= STORE_KNOWN && l != &s->used; l = next) {
		struct known *k = list_item(l, struct known, used);

		next = l->next;
		if (list_empty(&k->pending))
			free_known(s, k);
	}
}

static struct known *find_or_add(struct store *s, struct span queue)
{
	struct known *k;

	HASH_FIND(hh, s->queues, queue.p, queue.n, k);
	if (k != NULL) {
		list_remove(&k->used);
		list_push_back(&s->used, &k->used);
		return k;
	}
	make_room(s);
	k = calloc(1, sizeof *k);
	must(k != NULL);
	k->asked.kind = ASKED_QUEUE;
	memcpy(k->name, queue.p, queue.n);
	k->name_n = (uint32_t)queue.n;
	list_init(&k->asked.link);
	list_init(&k->pending);
	list_init(&k->waiters);
	list_push_back(&s->used, &k->used);
	HASH_ADD(hh, s->queues, name, k->name_n, k);
	return k;
}

/* One question at a time. */
static void ask(struct store *s, struct known *k, uint64_t now)
{
	if (!list_empty(&k->pending))
		return;
	k->asked_ms = now;
	list_push_back(&s->pending, &k->pending);
	list_push_back(&s->to_ask, &k->asked.link);
	store_by(s, now + STORE_ASK_MS);
	store_wake(s);
}

static bool fresh(const struct store *s, const struct known *k, uint64_t now, uint64_t for_ms)
{
	return k->has && k->known_ms > s->stale_ms && now < k->known_ms + for_ms;
}

bool store_queue(struct store *s, struct span queue, enum store_queue *q, store_known known, void *arg)
{
	uint64_t now = clock_mono_ms();
	struct waiter *w;
	struct known *k;

	if (!name_queue_ok(queue)) {
		*q = STORE_MISSING;
		return true;
	}
	if (!store_reaches(s, now)) {
		*q = STORE_AWAY;
		return true;
	}
	k = find_or_add(s, queue);
	if (fresh(s, k, now, STORE_FRESH_MS)) {
		if (!fresh(s, k, now, STORE_FRESH_MS / 2))
			ask(s, k, now); /* so that nobody waits for it when it is no longer fresh */
		*q = k->q;
		return true;
	}
	w = calloc(1, sizeof *w);
	must(w != NULL);
	w->known = known;
	w->arg = arg;
	list_push_back(&k->waiters, &w->link);
	list_push_back(&s->waiters, &w->all);
	ask(s, k, now);
	return false;
}

bool queues_send(struct store *s)
{
	while (!list_empty(&s->to_ask)) {
		struct known *k = list_item(s->to_ask.next, struct known, asked.link);
		struct msg m = { .h.kind = MSG_QUEUE_OP };
		uint64_t number;

		m.u.queue_op = (struct msg_queue_op){ .queue = span_of(k->name, k->name_n), .op = QUEUE_SHOW };
		if (csession_request(s->session, &m, (uintptr_t)k, &number) != SHEAF_OK)
			return false;
		list_remove(&k->asked.link);
		k->asked.sent = true;
	}
	return true;
}

/* ---- answers ---- */

static void tell_later(struct store *s, struct known *k, enum store_queue q)
{
	while (!list_empty(&k->waiters)) {
		struct waiter *w = list_item(k->waiters.next, struct waiter, link);

		w->q = q;
		list_remove(&w->link);
		list_push_back(&s->heard, &w->link);
	}
	store_wake(s);
}

/* It is not asked for any more. */
static void settle(struct store *s, struct known *k, bool has, enum store_queue q)
{
	k->has = has;
	k->q = q;
	k->known_ms = clock_mono_ms();
	k->asked.sent = false;
	list_remove(&k->asked.link);
	list_remove(&k->pending);
	tell_later(s, k, q);
}

static enum store_queue read_info(const struct msg *m, bool *has)
{
	const struct msg_queue_rec *v = m->u.queue_info.v;

	*has = m->h.kind == MSG_QUEUE_INFO && m->u.queue_info.n == 1;
	if (!*has)
		return STORE_AWAY;
	return v->draining != 0 ? STORE_CLOSED : v->paused != 0 ? STORE_PAUSED : STORE_THERE;
}

void queues_answered(struct store *s, struct known *k, const struct csession_event *ev)
{
	enum store_queue q = STORE_AWAY;
	bool has = false;

	if (ev->error == SHEAF_OK && ev->answer != NULL) {
		q = read_info(ev->answer, &has);
	} else if (ev->error == SHEAF_E_UNKNOWN || ev->error == SHEAF_E_BAD_NAME) {
		q = STORE_MISSING;
		has = true;
	} else {
		store_say(s, "smtp-queue", ev->error, ev->text);
	}
	settle(s, k, has, q);
}

static void give_up(struct store *s, struct known *k)
{
	if (k->asked.sent && s->link != NULL)
		csession_forget(s->session, (uintptr_t)k);
	settle(s, k, false, STORE_AWAY);
}

uint64_t queues_expire(struct store *s, uint64_t now_ms)
{
	while (!list_empty(&s->pending)) {
		struct known *k = list_item(s->pending.next, struct known, pending);

		if (k->asked_ms + STORE_ASK_MS > now_ms)
			return k->asked_ms + STORE_ASK_MS;
		give_up(s, k);
	}
	return UINT64_MAX;
}

void queues_fail(struct store *s)
{
	while (!list_empty(&s->pending))
		give_up(s, list_item(s->pending.next, struct known, pending));
}

void queues_tell(struct store *s)
{
	struct list now; /* what comes due meanwhile has the next turn */

	if (list_empty(&s->heard))
		return;
	list_insert(&now, s->heard.prev, &s->heard);
	list_remove(&s->heard);
	while (!list_empty(&now)) {
		struct waiter *w = list_item(now.next, struct waiter, link);
		store_known known = w->known;
		void *arg = w->arg;
		enum store_queue q = w->q;

		free_waiter(w);
		known(arg, q);
	}
}

void queues_forget(struct store *s, const void *arg)
{
	struct list *next;

	for (struct list *l = s->waiters.next; l != &s->waiters; l = next) {
		struct waiter *w = list_item(l, struct waiter, all);

		next = l->next;
		if (w->arg == arg)
			free_waiter(w);
	}
}
