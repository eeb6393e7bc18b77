/* See order.h. Tenants, and whose turn it is, are in tenant.c. */
#include "broker/core/order.h"

#include <stdlib.h>

#include "broker/core/queue.h"
#include "broker/core/tenant.h"

static const struct policy *policy_of(const struct core *c, const struct job *j)
{
	return j->p.policy == NO_INDEX ? NULL : c->policies[j->p.policy];
}

static struct tenant *tenant_of(const struct core *c, struct queue *q, const struct job *j)
{
	const struct policy *p = policy_of(c, j);

	return p != NULL && p->tenant != NULL ? p->tenant : &q->own;
}

static struct group *group_of(const struct core *c, const struct job *j)
{
	const struct policy *p = policy_of(c, j);

	return p != NULL ? p->group : NULL;
}

/* ---- a line ---- */

static void line_init(struct line *line)
{
	list_init(&line->fresh);
	heap_init(&line->back);
}

static bool line_empty(const struct line *line)
{
	return list_empty(&line->fresh) && line->back.n == 0;
}

static void line_add(struct line *line, struct job *j)
{
	if (j->flags & JOB_SIDE) {
		struct side *side = j->in.side;

		side->line.key = side->line.tie = j->id;
		heap_add(&line->back, &side->line);
	} else {
		list_push_back(&line->fresh, &j->in.link);
	}
}

static void line_take(struct line *line, struct job *j)
{
	if (j->flags & JOB_SIDE)
		heap_remove(&line->back, &j->in.side->line);
	else
		list_remove(&j->in.link);
}

struct job *line_fresh(const struct line *line)
{
	return list_empty(&line->fresh) ? NULL : list_item(line->fresh.next, struct job, in.link);
}

struct job *line_back(const struct line *line)
{
	return line->back.n == 0 ? NULL : list_item(heap_min(&line->back), struct side, line)->job;
}

struct job *line_first(const struct line *line)
{
	struct job *fresh = line_fresh(line), *back = line_back(line);

	return fresh == NULL || (back != NULL && back->id < fresh->id) ? back : fresh;
}

/* ---- a level ---- */

static struct level *level_at(struct tenant *t, unsigned p)
{
	struct level *v = t->level[p];

	if (v != NULL)
		return v;
	v = malloc(sizeof *v);
	must(v != NULL);
	line_init(&v->line);
	heap_init(&v->groups);
	t->level[p] = v;
	return v;
}

static struct job *level_first(const struct level *v)
{
	struct job *j = line_first(&v->line), *k;

	if (v->groups.n == 0)
		return j;
	k = line_first(&list_item(heap_min(&v->groups), struct group, place)->line);
	return j == NULL || k->id < j->id ? k : j;
}

/* Something came to this level, or went. */
static void level_settle(struct tenant *t, unsigned p)
{
	const struct level *v = t->level[p];
	uint16_t before = t->mask, bit = (uint16_t)(1u << p);

	if (line_empty(&v->line) && v->groups.n == 0)
		t->mask = (uint16_t)(t->mask & ~bit);
	else
		t->mask |= bit;
	if ((before == 0) != (t->mask == 0))
		tenant_changed(t);
}

/* ---- a group ---- */

/* Puts the group where its first job belongs, or takes it out of line. */
static void group_settle(struct group *g)
{
	struct job *first = g->held > 0 ? NULL : line_first(&g->line);

	if (heap_has(&g->place)) {
		if (first != NULL && first->priority == g->priority) {
			if (first->id != g->place.key)
				heap_move(&g->tenant->level[g->priority]->groups, &g->place, first->id);
			return;
		}
		heap_remove(&g->tenant->level[g->priority]->groups, &g->place);
		level_settle(g->tenant, g->priority);
	}
	if (first == NULL)
		return;
	g->priority = first->priority & 15u;
	g->place.key = g->place.tie = first->id;
	heap_add(&level_at(g->tenant, g->priority)->groups, &g->place);
	level_settle(g->tenant, g->priority);
}

void order_hold(struct core *c, struct job *j)
{
	struct group *g = group_of(c, j);

	if (g == NULL || c->replaying)
		return;
	g->held++;
	group_settle(g);
}

void order_release(struct core *c, struct job *j)
{
	struct group *g = group_of(c, j);

	if (g == NULL || c->replaying)
		return;
	must(g->held > 0);
	g->held--;
	group_settle(g);
	queue_heat(c, g->tenant->queue);
}

bool order_blocked(const struct core *c, const struct job *j)
{
	const struct group *g = group_of(c, j);

	return g != NULL && g->held > 0 && !order_holds(j, (enum job_state)j->state);
}

struct group *order_group(struct core *c, struct tenant *t, struct span name)
{
	uint8_t key[TENANT_KEY + 1 + LIMIT_NAME];
	uint8_t n = (uint8_t)(t->n_key + 1 + name.n);
	struct group *g;

	must(name.n <= LIMIT_NAME);
	memcpy(key, t->key, t->n_key);
	key[t->n_key] = 0;
	memcpy(key + t->n_key + 1, name.p, name.n);
	HASH_FIND(hh, c->by_group, key, n, g);
	if (g == NULL) {
		g = calloc(1, sizeof *g + n);
		must(g != NULL);
		g->tenant = t;
		g->n_key = n;
		memcpy(g->key, key, n);
		line_init(&g->line);
		g->seen = t->queue->purge;
		list_push_back(&t->queue->groups, &g->all);
		HASH_ADD_KEYPTR(hh, c->by_group, g->key, n, g);
		t->refs++;
	}
	g->refs++;
	return g;
}

void order_drop_group(struct core *c, struct group *g)
{
	if (g == NULL || --g->refs > 0)
		return;
	must(line_empty(&g->line) && !heap_has(&g->place));
	HASH_DELETE(hh, c->by_group, g);
	list_remove(&g->all);
	heap_fini(&g->line.back);
	order_drop_tenant(c, g->tenant);
	free(g);
}

/* ---- the queue ---- */

void order_add(struct core *c, struct queue *q, struct job *j)
{
	struct group *g = group_of(c, j);
	struct tenant *t;

	if (g != NULL) {
		line_add(&g->line, j);
		group_settle(g);
		return;
	}
	t = tenant_of(c, q, j);
	line_add(&level_at(t, j->priority)->line, j);
	if (!(t->mask >> j->priority & 1))
		level_settle(t, j->priority);
}

void order_take(struct core *c, struct queue *q, struct job *j)
{
	struct group *g = group_of(c, j);
	struct tenant *t;

	if (g != NULL) {
		line_take(&g->line, j);
		group_settle(g);
		return;
	}
	t = tenant_of(c, q, j);
	line_take(&t->level[j->priority]->line, j);
	if (line_empty(&t->level[j->priority]->line))
		level_settle(t, j->priority);
}

/* The job that has waited longest at the head of a lower priority, if that is too long. */
static struct job *starved(const struct core *c, const struct tenant *t, unsigned top)
{
	uint64_t starve = t->queue->settings.starve_ms ? t->queue->settings.starve_ms : DEFAULT_STARVE_MS;
	struct job *worst = NULL;

	for (unsigned p = 0; p < top; p++) {
		struct job *j = t->mask >> p & 1 ? level_first(t->level[p]) : NULL;

		if (j != NULL && c->wall - j->submitted_ms > starve && c->wall > j->submitted_ms &&
		    (worst == NULL || j->submitted_ms < worst->submitted_ms))
			worst = j;
	}
	return worst;
}

static unsigned top_of(const struct tenant *t)
{
	return 31 - (unsigned)__builtin_clz(t->mask);
}

struct job *order_first(const struct core *c, const struct queue *q)
{
	const struct tenant *t = tenant_next(q);
	struct job *low = NULL;

	if (t == NULL)
		return NULL;
	if (t->since_low >= ORDER_LOW - 1 && (t->mask & (t->mask - 1)) != 0)
		low = starved(c, t, top_of(t));
	return low != NULL ? low : level_first(t->level[top_of(t)]);
}

void order_granted(struct core *c, struct queue *q, const struct job *j)
{
	const struct group *g = group_of(c, j);
	struct tenant *t = g != NULL ? g->tenant : tenant_of(c, q, j);
	unsigned p = g != NULL ? g->priority : j->priority;

	t->since_low = p < top_of(t) || t->since_low >= ORDER_LOW - 1 ? 0 : (uint8_t)(t->since_low + 1);
	tenant_served(t);
}

void order_each(const struct queue *q, uint32_t most, order_fn *each, void *ctx)
{
	const struct tenant *t = &q->own;
	const struct list *at = &q->tenants;

	for (;;) {
		for (unsigned p = 0; p < PRIORITIES; p++)
			if (t->level[p] != NULL && !line_empty(&t->level[p]->line))
				each(ctx, &t->level[p]->line, p);
		at = at->next;
		if (at == &q->tenants || most-- == 0)
			break;
		t = list_item(at, struct tenant, all);
	}
	for (at = q->groups.next; at != &q->groups && most-- > 0; at = at->next) {
		const struct group *g = list_item(at, struct group, all);

		if (!line_empty(&g->line))
			each(ctx, &g->line, line_first(&g->line)->priority);
	}
}
