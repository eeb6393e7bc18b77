/* See reorder.h. */
#include "client/cli/reorder.h"

#include <stdlib.h>

#include "base/must.h"

struct reorder_item {
	size_t first;    /* bytes of the first span */
	size_t second;   /* and of the second, behind it */
	uint8_t bytes[]; /* both */
};

void reorder_init(struct reorder *r, uint64_t first, uint64_t window)
{
	must(window > 0);
	*r = (struct reorder){ .next = first, .window = window };
	r->v = calloc(window + 1, sizeof r->v[0]); /* the last slot keeps what was taken */
	must(r->v);
}

void reorder_fini(struct reorder *r)
{
	if (!r->v)
		return;
	for (uint64_t i = 0; i <= r->window; i++)
		free(r->v[i]);
	free(r->v);
	r->v = NULL;
}

void reorder_put(struct reorder *r, uint64_t number, struct span first, struct span second)
{
	struct reorder_item **at = &r->v[number % r->window];
	struct reorder_item *item = malloc(sizeof *item + first.n + second.n);

	must(item && number >= r->next && reorder_has_room(r, number) && *at == NULL);
	item->first = first.n;
	item->second = second.n;
	if (first.n)
		memcpy(item->bytes, first.p, first.n);
	if (second.n)
		memcpy(item->bytes + first.n, second.p, second.n);
	*at = item;
	r->bytes += first.n + second.n;
}

void reorder_pass(struct reorder *r)
{
	must(r->v[r->next % r->window] == NULL);
	r->next++;
}

bool reorder_take(struct reorder *r, struct span *first, struct span *second)
{
	struct reorder_item **at = &r->v[r->next % r->window], *item = *at;

	if (!item)
		return false;
	free(r->v[r->window]);
	r->v[r->window] = item;
	*at = NULL;
	r->next++;
	r->bytes -= item->first + item->second;
	*first = span_of(item->bytes, item->first);
	*second = span_of(item->bytes + item->first, item->second);
	return true;
}
