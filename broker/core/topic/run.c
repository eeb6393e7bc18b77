/* See run.h. */
#include "broker/core/topic/run.h"

#include <stdlib.h>

#include "broker/core/topic/fact.h"
#include "broker/core/trim.h"

enum { NODE_BITS = 9, NODE_SLOTS = 1 << NODE_BITS, DEPTH_MAX = 7 };

struct run_node {
	uint32_t used;           /* children */
	void *child[NODE_SLOTS]; /* nodes; on the lowest level runs */
};

static unsigned slot_of(uint64_t number, unsigned level)
{
	return (unsigned)(number >> (NODE_BITS * level)) & (NODE_SLOTS - 1);
}

static bool in_reach(const struct run_table *t, uint64_t number)
{
	return t->depth > 0 && (t->depth >= DEPTH_MAX || number >> (NODE_BITS * t->depth) == 0);
}

static struct run_node *node_new(void)
{
	struct run_node *n = calloc(1, sizeof *n);

	must(n != NULL);
	return n;
}

static void node_free(struct run_node *n, unsigned level)
{
	for (unsigned i = 0; level > 0 && i < NODE_SLOTS; i++)
		if (n->child[i] != NULL)
			node_free(n->child[i], level - 1); /* at most DEPTH_MAX deep */
	free(n);
}

void run_table_fini(struct run_table *t)
{
	if (t->root != NULL)
		node_free(t->root, t->depth - 1);
	*t = (struct run_table){ 0 };
}

/* The lowest node on the way to this number, or NULL. */
static struct run_node *leaf_of(struct run_table *t, uint64_t number)
{
	struct run_node *n = t->root;

	if (t->leaf != NULL && t->leaf_number == number >> NODE_BITS)
		return t->leaf;
	if (!in_reach(t, number))
		return NULL;
	for (unsigned level = t->depth - 1; level > 0 && n != NULL; level--)
		n = n->child[slot_of(number, level)];
	if (n != NULL) {
		t->leaf = n;
		t->leaf_number = number >> NODE_BITS;
	}
	return n;
}

static struct run_node *make_leaf(struct run_table *t, uint64_t number)
{
	struct run_node *n;

	while (!in_reach(t, number)) {
		n = node_new();
		if (t->root != NULL) {
			n->child[0] = t->root;
			n->used = 1;
		}
		t->root = n;
		t->depth++;
	}
	n = t->root;
	for (unsigned level = t->depth - 1; level > 0; level--) {
		void **slot = &n->child[slot_of(number, level)];

		if (*slot == NULL) {
			*slot = node_new();
			n->used++;
		}
		n = *slot;
	}
	return n;
}

static void table_add(struct run_table *t, struct run *r)
{
	struct run_node *n = leaf_of(t, r->number);

	if (n == NULL)
		n = make_leaf(t, r->number);
	must(n->child[slot_of(r->number, 0)] == NULL);
	n->child[slot_of(r->number, 0)] = r;
	n->used++;
	t->count++;
}

/* Nodes without children go; a root stays as deep as it is. */
static void table_remove(struct run_table *t, uint64_t number)
{
	struct run_node *path[DEPTH_MAX], *n = t->root;

	for (unsigned level = t->depth; level-- > 0;) {
		path[level] = n;
		n = level > 0 ? n->child[slot_of(number, level)] : NULL;
	}
	for (unsigned level = 0; level < t->depth; level++) {
		path[level]->child[slot_of(number, level)] = NULL;
		if (--path[level]->used > 0 || level + 1 == t->depth)
			break;
		if (path[level] == t->leaf)
			t->leaf = NULL;
		free(path[level]);
	}
	t->count--;
}

struct run *run_find(struct core *c, uint64_t number)
{
	struct run_node *n = leaf_of(&c->topics.runs, number);

	return n != NULL ? n->child[slot_of(number, 0)] : NULL;
}

struct run *run_next(const struct run *r)
{
	return r->link.next == &r->topic->runs ? NULL : list_item(r->link.next, struct run, link);
}

struct run *run_last(const struct topic *t)
{
	return list_empty(&t->runs) ? NULL : list_item(t->runs.prev, struct run, link);
}

static uint64_t log_bytes(const struct run *r)
{
	return r->length + (uint64_t)r->overhead;
}

/* A live topic's next run is the last one. A replay meets runs that were moved, too: among the others, but in the order
 * of their numbers. */
static void link_run(struct topic *t, struct run *r)
{
	struct list *before = t->runs.prev;

	if (before == &t->runs || list_item(before, struct run, link)->number < r->number) {
		list_push_back(&t->runs, &r->link);
		return;
	}
	if (t->last != NULL)
		before = &t->last->link;
	while (before != &t->runs && list_item(before, struct run, link)->number > r->number)
		before = before->prev;
	while (before->next != &t->runs && list_item(before->next, struct run, link)->number < r->number)
		before = before->next;
	list_insert(&r->link, before, before->next);
	t->last = r;
}

struct run *run_put(struct core *c, struct topic *t, const struct run_new *n)
{
	struct run *r = calloc(1, sizeof *r);

	must(r != NULL && n->number > 0 && n->number <= RUN_NUMBER_MAX);
	must(n->count > 0 && n->count <= RUN_MESSAGES);
	r->topic = t;
	r->number = n->number;
	r->at = n->at;
	r->length = n->length;
	r->crc = n->crc;
	r->overhead = n->overhead & 0xfffff;
	r->count = n->count;
	r->time_ms = n->time_ms & JOB_MS_MASK;
	r->due_ms = n->due_ms & JOB_MS_MASK;
	link_run(t, r);
	table_add(&c->topics.runs, r);
	t->n_runs++;
	t->bytes_there += r->length;
	if (t->sweep == NULL || t->sweep->number > r->number)
		t->sweep = r;
	trim_charge(c, r->at, log_bytes(r));
	return r;
}

void run_moved(struct core *c, struct run *r, uint64_t at, uint32_t overhead)
{
	trim_discharge(c, r->at, log_bytes(r));
	r->at = at;
	r->overhead = overhead & 0xfffff;
	trim_charge(c, r->at, log_bytes(r));
}

uint32_t run_overhead(uint32_t runs)
{
	return FACT_RUN_RECORD + (LOG_BLOCK_HEADER + FACT_HEAD + FACT_MESSAGES_HEAD) / runs;
}

void run_free(struct core *c, struct run *r)
{
	struct topic *t = r->topic;

	must(r->parcels == NULL && r->cursors == 0);
	if (t->sweep == r)
		t->sweep = run_next(r);
	if (t->unseen == r)
		t->unseen = run_next(r);
	if (t->drop == r)
		t->drop = run_next(r);
	if (t->last == r)
		t->last = r->link.prev == &t->runs ? NULL : list_item(r->link.prev, struct run, link);
	list_remove(&r->link);
	table_remove(&c->topics.runs, r->number);
	t->n_runs--;
	t->bytes_there -= r->length;
	trim_discharge(c, r->at, log_bytes(r));
	free(r);
}

void run_let_go(struct core *c, struct run *r)
{
	struct topic *t = r->topic;

	if (r->parcels == NULL && (t->sweep == NULL || r->number < t->sweep->number))
		run_free(c, r);
}

void sweep_wake(struct core *c, struct topic *t)
{
	if (list_empty(&t->sweeps) && t->sweep != NULL && !t->doomed)
		list_push_back(&c->topics.sweeps, &t->sweeps);
}

/* Whether retention holds it. Without a time it is the bytes alone that say how much is kept. */
static bool kept(const struct core *c, const struct topic *t, const struct run *r)
{
	if (t->keep_ms == 0 && t->keep_bytes == 0)
		return false;
	if (t->keep_bytes != 0 && t->bytes_there > t->keep_bytes)
		return false;
	return t->keep_ms == 0 || r->time_ms + t->keep_ms > c->wall;
}

static void keep_until(struct core *c, struct topic *t, uint64_t due)
{
	if (heap_has(&t->keep_timer)) {
		heap_move(&c->topics.keeps, &t->keep_timer, due);
		return;
	}
	t->keep_timer.key = due;
	t->keep_timer.tie = t->index;
	heap_add(&c->topics.keeps, &t->keep_timer);
}

/* All cursors are at `sweep` or behind it: if none is at it, all have passed it. */
static bool sweep_one(struct core *c, struct topic *t)
{
	struct run *r = t->sweep;

	if (r == NULL || r->cursors > 0 || r->number >= t->passed || t->drop_to != 0)
		return false;
	if (kept(c, t, r)) {
		if (t->keep_ms != 0)
			keep_until(c, t, r->time_ms + t->keep_ms);
		return false;
	}
	t->sweep = run_next(r);
	run_let_go(c, r);
	return true;
}

void sweep_slice(struct core *c)
{
	struct topics *all = &c->topics;

	for (int i = 0; i < STEP_WORK && heap_min(&all->keeps) != NULL && heap_min(&all->keeps)->key <= c->wall; i++) {
		struct topic *t = list_item(heap_min(&all->keeps), struct topic, keep_timer);

		heap_remove(&all->keeps, &t->keep_timer);
		sweep_wake(c, t);
	}
	for (int i = 0; i < STEP_WORK && !list_empty(&all->sweeps); i++) {
		struct topic *t = list_item(all->sweeps.next, struct topic, sweeps);

		if (!sweep_one(c, t))
			list_remove(&t->sweeps);
	}
}
