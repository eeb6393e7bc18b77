/* See job_table.h. */
#include "broker/core/job_table.h"

#include <stdlib.h>

#include "base/must.h"

enum { PAGE_BITS = 5, PAGE_JOBS = 1 << PAGE_BITS, NODE_BITS = 9, NODE_SLOTS = 1 << NODE_BITS, DEPTH_MAX = 7 };

static_assert(NODE_BITS * DEPTH_MAX < 64 && NODE_BITS * DEPTH_MAX + PAGE_BITS >= 64, "each id has its place");

struct job_page {
	uint32_t used; /* a bit for each job that is there */
	struct job v[PAGE_JOBS];
};

struct node {
	uint32_t used; /* children */
	void *child[NODE_SLOTS];
};

static void *grab(struct job_table *t, size_t n)
{
	void *p = calloc(1, n);

	must(p != NULL);
	t->bytes += n;
	return p;
}

static void drop(struct job_table *t, void *p, size_t n)
{
	free(p);
	t->bytes -= n;
}

/* Which child of a node at `level` (0 = just above the pages) leads to page `number`. */
static unsigned slot_of(uint64_t number, unsigned level)
{
	return (unsigned)(number >> (NODE_BITS * level)) & (NODE_SLOTS - 1);
}

/* The number of any id's page is with DEPTH_MAX levels. */
static bool in_reach(const struct job_table *t, uint64_t number)
{
	return t->depth > 0 && number >> (NODE_BITS * t->depth) == 0;
}

void job_table_init(struct job_table *t)
{
	*t = (struct job_table){ 0 };
}

static void free_node(struct job_table *t, void *p, unsigned level)
{
	struct node *n = p;

	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		if (n->child[i] == NULL)
			continue;
		if (level == 0)
			drop(t, n->child[i], sizeof(struct job_page));
		else
			free_node(t, n->child[i], level - 1); /* at most DEPTH_MAX deep */
	}
	drop(t, n, sizeof *n);
}

void job_table_fini(struct job_table *t)
{
	if (t->root != NULL)
		free_node(t, t->root, t->depth - 1);
	*t = (struct job_table){ 0 };
}

static struct job_page *find_page(struct job_table *t, uint64_t number)
{
	struct node *n = t->root;

	if (t->last != NULL && t->last_number == number)
		return t->last;
	if (!in_reach(t, number))
		return NULL;
	for (unsigned level = t->depth; level-- > 1;) {
		n = n->child[slot_of(number, level)];
		if (n == NULL)
			return NULL;
	}
	if (n->child[slot_of(number, 0)] == NULL)
		return NULL;
	t->last = n->child[slot_of(number, 0)];
	t->last_number = number;
	return t->last;
}

struct job *job_find(struct job_table *t, uint64_t id)
{
	struct job_page *p = find_page(t, id >> PAGE_BITS);
	unsigned i = (unsigned)id & (PAGE_JOBS - 1);

	return p != NULL && (p->used >> i & 1) ? &p->v[i] : NULL;
}

/* Adds levels at the top until page `number` is in reach. */
static void grow(struct job_table *t, uint64_t number)
{
	while (!in_reach(t, number)) {
		struct node *n = grab(t, sizeof *n);

		if (t->root != NULL) {
			n->child[0] = t->root;
			n->used = 1;
		}
		t->root = n;
		t->depth++;
	}
}

static struct job_page *make_page(struct job_table *t, uint64_t number)
{
	struct node *n;
	void **slot;

	grow(t, number);
	n = t->root;
	for (unsigned level = t->depth; level-- > 0;) {
		slot = &n->child[slot_of(number, level)];
		if (*slot == NULL) {
			*slot = grab(t, level == 0 ? sizeof(struct job_page) : sizeof(struct node));
			n->used++;
		}
		n = *slot;
	}
	t->last = (struct job_page *)n;
	t->last_number = number;
	return t->last;
}

struct job *job_make(struct job_table *t, uint64_t id)
{
	struct job_page *p = find_page(t, id >> PAGE_BITS);
	unsigned i = (unsigned)id & (PAGE_JOBS - 1);

	if (p == NULL)
		p = make_page(t, id >> PAGE_BITS);
	must((p->used >> i & 1) == 0);
	p->used |= 1u << i;
	t->count++;
	p->v[i] = (struct job){ .id = id };
	return &p->v[i];
}

/* Removes an empty page, and the nodes above that it leaves empty. */
static void drop_page(struct job_table *t, uint64_t number)
{
	struct node *path[DEPTH_MAX];
	struct node *n = t->root;

	for (unsigned level = t->depth; level-- > 0;) {
		path[level] = n;
		n = n->child[slot_of(number, level)];
	}
	drop(t, n, sizeof(struct job_page));
	t->last = NULL;
	for (unsigned level = 0; level < t->depth; level++) {
		path[level]->child[slot_of(number, level)] = NULL;
		if (--path[level]->used > 0)
			return;
		drop(t, path[level], sizeof(struct node));
	}
	t->root = NULL;
	t->depth = 0;
}

void job_drop(struct job_table *t, struct job *j)
{
	uint64_t number = j->id >> PAGE_BITS;
	unsigned i = (unsigned)j->id & (PAGE_JOBS - 1);
	struct job_page *p = find_page(t, number);

	must(p != NULL && &p->v[i] == j && (p->used >> i & 1));
	p->used &= ~(1u << i);
	t->count--;
	if (p->used == 0)
		drop_page(t, number);
}

/* The first page in reach with a number of at least `number`; *number becomes its number. */
static struct job_page *next_page(struct job_table *t, uint64_t *number)
{
	while (in_reach(t, *number)) {
		struct node *n = t->root;
		unsigned level = t->depth;

		while (level-- > 0 && n->child[slot_of(*number, level)] != NULL) {
			n = n->child[slot_of(*number, level)];
			if (level == 0)
				return (struct job_page *)n;
		}
		/* nothing below this slot of `level`: go to the first number of the next slot */
		*number = ((*number >> (NODE_BITS * level)) + 1) << (NODE_BITS * level);
	}
	return NULL;
}

struct job *job_next(struct job_table *t, uint64_t id)
{
	uint64_t number = id >> PAGE_BITS;
	unsigned from = (unsigned)id & (PAGE_JOBS - 1);
	struct job_page *p;

	for (; (p = next_page(t, &number)) != NULL; number++, from = 0) {
		uint32_t left = number == id >> PAGE_BITS ? p->used >> from << from : p->used;

		if (left != 0)
			return &p->v[__builtin_ctz(left)];
	}
	return NULL;
}
