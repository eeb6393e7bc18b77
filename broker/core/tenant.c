/* Whose turn it is. See order.h.
 *
 * queue.round counts the rounds of queue.turns, where each tenant gets one job. tenant.turn is the round in which a
 * tenant is served next: whoever was away has one that is past, at most ORDER_BONUS rounds, and waits in queue.ahead
 * until it has caught up. So nobody can have more than its share for long: what it took ahead it must earn again by
 * being away for as many rounds, also if it leaves and comes back; therefore core.away remembers those who left. */
#include "broker/core/tenant.h"

#include <stdlib.h>

#include "base/le.h"
#include "broker/core/order.h"

void order_init(struct queue *q)
{
	list_init(&q->turns);
	list_init(&q->ahead);
	list_init(&q->tenants);
	list_init(&q->groups);
	q->round = ORDER_BONUS;
	q->own.queue = q;
	list_init(&q->own.link);
	for (unsigned p = 0; p < PRIORITIES; p++) {
		list_init(&q->own_levels[p].line.fresh);
		heap_init(&q->own_levels[p].line.back);
		heap_init(&q->own_levels[p].groups);
		q->own.level[p] = &q->own_levels[p];
	}
	le_put16(q->own.key, q->index);
	q->own.n_key = 2;
}

static void release(struct core *c, struct tenant *t)
{
	HASH_DELETE(hh, c->by_tenant, t);
	for (unsigned p = 0; p < PRIORITIES; p++) {
		if (t->level[p] == NULL)
			continue;
		heap_fini(&t->level[p]->line.back);
		heap_fini(&t->level[p]->groups);
		free(t->level[p]);
	}
	free(t);
}

static void destroy(struct core *c, struct tenant *t)
{
	must(list_empty(&t->link) && t->refs == 0);
	if (!list_empty(&t->away)) {
		list_remove(&t->away);
		c->n_away--;
	}
	list_remove(&t->all);
	release(c, t);
}

void order_clear(struct core *c)
{
	struct tenant *t, *next;
	struct group *l, *after;

	HASH_ITER(hh, c->by_group, l, after)
	{
		HASH_DELETE(hh, c->by_group, l);
		heap_fini(&l->line.back);
		free(l);
	}
	HASH_ITER(hh, c->by_tenant, t, next)
	release(c, t);
	for (uint32_t i = 0; i < c->n_queues; i++) {
		if (c->queues[i] == NULL)
			continue;
		list_init(&c->queues[i]->tenants);
		list_init(&c->queues[i]->groups);
	}
}

void order_fini(struct core *c, struct queue *q)
{
	while (!list_empty(&q->tenants))
		destroy(c, list_item(q->tenants.next, struct tenant, all));
	must(list_empty(&q->groups));
	for (unsigned p = 0; p < PRIORITIES; p++) {
		heap_fini(&q->own_levels[p].line.back);
		heap_fini(&q->own_levels[p].groups);
	}
}

struct tenant *order_tenant(struct core *c, struct queue *q, struct span name)
{
	uint8_t key[TENANT_KEY];
	struct tenant *t;

	if (name.n == 0)
		return &q->own;
	must(name.n <= LIMIT_NAME);
	le_put16(key, q->index);
	memcpy(key + 2, name.p, name.n);
	HASH_FIND(hh, c->by_tenant, key, name.n + 2, t);
	if (t == NULL) {
		t = calloc(1, sizeof *t);
		must(t != NULL);
		t->queue = q;
		t->n_key = (uint8_t)(name.n + 2);
		memcpy(t->key, key, t->n_key);
		list_init(&t->link);
		list_init(&t->away);
		t->seen = q->purge;
		list_push_back(&q->tenants, &t->all);
		HASH_ADD_KEYPTR(hh, c->by_tenant, t->key, t->n_key, t);
	} else if (!list_empty(&t->away)) {
		list_remove(&t->away);
		c->n_away--;
	}
	t->refs++;
	return t;
}

/* Nothing is to be remembered of a tenant that is away. */
static bool forgettable(const struct tenant *t)
{
	return t->turn + ORDER_BONUS <= t->queue->round;
}

void order_drop_tenant(struct core *c, struct tenant *t)
{
	if (t == NULL || t == &t->queue->own || --t->refs > 0)
		return;
	list_push_back(&c->away, &t->away);
	c->n_away++;
	for (int i = 0; i < 2 && !list_empty(&c->away); i++) {
		struct tenant *oldest = list_item(c->away.next, struct tenant, away);

		if (c->n_away <= LIMIT_TENANTS_AWAY && !forgettable(oldest))
			break;
		destroy(c, oldest);
	}
}

void tenant_changed(struct tenant *t)
{
	struct queue *q = t->queue;

	if (t->mask == 0) {
		list_remove(&t->link);
		return;
	}
	if (t->turn + ORDER_BONUS < q->round)
		t->turn = q->round - ORDER_BONUS;
	t->ahead = t->turn < q->round;
	list_push_back(t->ahead ? &q->ahead : &q->turns, &t->link);
}

const struct tenant *tenant_next(const struct queue *q)
{
	if (!list_empty(&q->ahead) && (list_empty(&q->turns) || q->aheads < ORDER_AHEAD))
		return list_item(q->ahead.next, struct tenant, link);
	return list_empty(&q->turns) ? NULL : list_item(q->turns.next, struct tenant, link);
}

void tenant_served(struct tenant *t)
{
	struct queue *q = t->queue;

	if (t->ahead) {
		q->aheads++;
		t->turn++;
	} else {
		q->aheads = 0;
		if (t->turn > q->round)
			q->round = t->turn;
		t->turn = q->round + 1;
	}
	if (t->ahead == (t->turn < q->round) && t->link.next == t->link.prev)
		return; /* alone in its list, and stays there */
	t->ahead = t->turn < q->round;
	list_remove(&t->link);
	list_push_back(t->ahead ? &q->ahead : &q->turns, &t->link);
}
