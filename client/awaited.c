/* The jobs whose results are awaited; see awaited.h. */
#include "client/awaited.h"

#include <stdlib.h>

#include "base/must.h"

#define RUN_BITS       6  /* ids that stay side by side: 64 of 16 bytes are 16 cache lines */
#define SLOTS_BITS     10 /* of the smallest table */
#define SLOTS_BITS_MAX 31

static void resize(struct awaited *a, uint32_t bits)
{
	must(bits <= SLOTS_BITS_MAX);
	a->v = calloc((size_t)1 << bits, sizeof *a->v);
	must(a->v);
	a->mask = (uint32_t)(((uint64_t)1 << bits) - 1);
	a->shift = 64 - (bits - RUN_BITS);
	a->n = 0;
}

void awaited_init(struct awaited *a)
{
	resize(a, SLOTS_BITS);
}

void awaited_fini(struct awaited *a)
{
	free(a->v);
	a->v = NULL;
	a->n = 0;
}

/* Where an id wants to be. */
static uint32_t home(const struct awaited *a, uint64_t id)
{
	uint64_t run = ((id >> RUN_BITS) * 0x9e3779b97f4a7c15u) >> a->shift;

	return (uint32_t)(run << RUN_BITS | (id & ((1u << RUN_BITS) - 1)));
}

/* How far the job in slot `at` is from where it wants to be. */
static uint32_t distance(const struct awaited *a, uint32_t at)
{
	return (at - home(a, a->v[at].id)) & a->mask;
}

static void grow(struct awaited *a)
{
	struct awaited old = *a;

	resize(a, 64 - old.shift + RUN_BITS + 1);
	for (uint32_t i = 0; i <= old.mask; i++) {
		if (old.v[i].id)
			must(awaited_put(a, old.v[i].id, old.v[i].tag));
	}
	free(old.v);
}

/* The slot of an id; its mask + 1 if it is not inside. In Robin Hood order nobody is farther from home
 * than who stands before: the search ends at the first that is nearer to its home than we would be. */
static uint32_t find(const struct awaited *a, uint64_t id)
{
	uint32_t at = home(a, id);

	for (uint32_t d = 0; d <= a->mask; d++, at = (at + 1) & a->mask) {
		if (a->v[at].id == id)
			return at;
		if (a->v[at].id == 0 || distance(a, at) < d)
			break;
	}
	return a->mask + 1;
}

bool awaited_has(const struct awaited *a, uint64_t id)
{
	return id && find(a, id) <= a->mask;
}

bool awaited_put(struct awaited *a, uint64_t id, uint64_t tag)
{
	struct awaited_job job = { id, tag };
	uint32_t at;

	must(id);
	if (unlikely(a->n > a->mask / 2))
		grow(a);
	at = home(a, id);
	for (uint32_t d = 0; a->v[at].id; d++, at = (at + 1) & a->mask) {
		uint32_t theirs = distance(a, at);

		if (a->v[at].id == id)
			return false;
		if (theirs <
		    d) { /* who is nearer to home moves on; from here on `job` is theirs, which is there once */
			struct awaited_job moved = a->v[at];

			a->v[at] = job;
			job = moved;
			d = theirs;
		}
	}
	a->v[at] = job;
	a->n++;
	return true;
}

bool awaited_take(struct awaited *a, uint64_t id, uint64_t *tag)
{
	uint32_t at, next;

	if (id == 0)
		return false;
	at = find(a, id);
	if (at > a->mask)
		return false;
	*tag = a->v[at].tag;
	for (;;) { /* who stands behind and is not at home moves up */
		next = (at + 1) & a->mask;
		if (a->v[next].id == 0 || distance(a, next) == 0)
			break;
		a->v[at] = a->v[next];
		at = next;
	}
	a->v[at].id = 0;
	a->n--;
	return true;
}
