/* See held.h. */
#include "worker/held.h"

#include <stdlib.h>

#include "base/must.h"

static uint32_t home(uint64_t token)
{
	return (uint32_t)((token * 0x9e3779b97f4a7c15u) >> 48) & (HELD_PLACES - 1);
}

void held_init(struct held_table *t)
{
	t->v = calloc(HELD_PLACES, sizeof t->v[0]);
	must(t->v != NULL);
	t->n = 0;
}

void held_fini(struct held_table *t)
{
	free(t->v);
}

struct held *held_find(const struct held_table *t, uint64_t token)
{
	for (uint32_t i = home(token); t->v[i].token != 0; i = (i + 1) & (HELD_PLACES - 1))
		if (t->v[i].token == token)
			return &t->v[i];
	return NULL;
}

struct held *held_add(struct held_table *t, uint64_t token)
{
	uint32_t i = home(token);

	if (t->n >= LIMIT_HELD || token == 0)
		return NULL;
	for (; t->v[i].token != 0; i = (i + 1) & (HELD_PLACES - 1))
		if (t->v[i].token == token)
			return NULL;
	t->n++;
	t->v[i] = (struct held){ .token = token };
	return &t->v[i];
}

/* Closes the gap: what comes behind and would not be found any more moves up. */
void held_remove(struct held_table *t, struct held *h)
{
	uint32_t gap = (uint32_t)(h - t->v), i = gap;

	for (;;) {
		i = (i + 1) & (HELD_PLACES - 1);
		if (t->v[i].token == 0)
			break;
		if (((i - home(t->v[i].token)) & (HELD_PLACES - 1)) >= ((i - gap) & (HELD_PLACES - 1))) {
			t->v[gap] = t->v[i];
			gap = i;
		}
	}
	t->v[gap].token = 0;
	t->n--;
}
