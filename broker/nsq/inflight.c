/* See inflight.h. A table of chains over places that do not move: few parcels, each found many times. */
#include "broker/nsq/inflight.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST = 16 };

void inflight_fini(struct inflight *f)
{
	free(f->v);
	free(f->chains);
	*f = (struct inflight){ 0 };
}

static inline uint32_t *chain_of(const struct inflight *f, uint64_t run)
{
	return &f->chains[(run * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & (f->cap - 1)];
}

static void grow(struct inflight *f)
{
	uint32_t cap = f->cap > 0 ? 2 * f->cap : FIRST;

	f->v = realloc(f->v, cap * sizeof *f->v);
	free(f->chains);
	f->chains = calloc(cap, sizeof *f->chains);
	must(f->v != NULL && f->chains != NULL);
	f->cap = cap;
	for (uint32_t i = 0; i < f->used; i++) { /* all of them: a table only grows when it is full */
		uint32_t *chain = chain_of(f, f->v[i].run);

		f->v[i].next = *chain;
		*chain = i + 1;
	}
}

bool inflight_add(struct inflight *f, uint64_t run, uint64_t token, uint64_t mask)
{
	uint32_t at, *chain;

	if (f->free != 0) {
		at = f->free;
		f->free = f->v[at - 1].next;
	} else {
		if (f->used == f->cap) {
			if (f->cap == INFLIGHT_PARCELS)
				return false;
			grow(f);
		}
		at = ++f->used;
	}
	chain = chain_of(f, run);
	f->v[at - 1] = (struct inflight_parcel){ .run = run, .token = token, .mask = mask, .next = *chain };
	*chain = at;
	f->n += (uint64_t)__builtin_popcountll(mask);
	return true;
}

static void remove_if_done(struct inflight *f, uint32_t at)
{
	struct inflight_parcel *p = &f->v[at - 1];
	uint32_t *link;

	if (p->mask != 0 || p->finished != 0)
		return;
	for (link = chain_of(f, p->run); *link != at;)
		link = &f->v[*link - 1].next;
	*link = p->next;
	p->next = f->free;
	f->free = at;
}

/* The place of the parcel that has this message in flight; 0 = none has. */
static uint32_t find(const struct inflight *f, uint64_t run, uint64_t bit)
{
	uint32_t at = f->last;

	if (at != 0 && f->v[at - 1].run == run && (f->v[at - 1].mask & bit) != 0)
		return at;
	if (f->cap == 0)
		return 0;
	for (at = *chain_of(f, run); at != 0; at = f->v[at - 1].next)
		if (f->v[at - 1].run == run && (f->v[at - 1].mask & bit) != 0)
			return at;
	return 0;
}

static uint64_t bit_of(uint64_t id)
{
	return UINT64_C(1) << (id % RUN_MESSAGES);
}

bool inflight_has(const struct inflight *f, uint64_t id)
{
	return find(f, id / RUN_MESSAGES, bit_of(id)) != 0;
}

bool inflight_finish(struct inflight *f, uint64_t id)
{
	uint64_t bit = bit_of(id);
	uint32_t at = find(f, id / RUN_MESSAGES, bit);
	struct inflight_parcel *p;

	if (at == 0)
		return false;
	f->last = at;
	p = &f->v[at - 1];
	if (p->finished == 0) {
		p->dirty = f->dirty != 0 ? f->dirty : at;
		f->dirty = at;
	}
	p->mask &= ~bit;
	p->finished |= bit;
	f->n--;
	return true;
}

bool inflight_finished(struct inflight *f, struct inflight_settled *out)
{
	uint32_t at = f->dirty;
	struct inflight_parcel *p;

	if (at == 0)
		return false;
	p = &f->v[at - 1];
	f->dirty = p->dirty != at ? p->dirty : 0;
	*out = (struct inflight_settled){ p->run, p->token, p->finished };
	p->finished = 0;
	remove_if_done(f, at);
	return true;
}

bool inflight_find(struct inflight *f, uint64_t id, bool take, struct inflight_settled *out)
{
	uint64_t bit = bit_of(id);
	uint32_t at = find(f, id / RUN_MESSAGES, bit);

	if (at == 0)
		return false;
	*out = (struct inflight_settled){ f->v[at - 1].run, f->v[at - 1].token, bit };
	if (take) {
		f->v[at - 1].mask &= ~bit;
		f->n--;
		remove_if_done(f, at);
	}
	return true;
}

uint32_t inflight_gone(struct inflight *f, uint64_t run, uint64_t token, uint64_t mask)
{
	uint32_t at = f->cap > 0 ? *chain_of(f, run) : 0, n;
	struct inflight_parcel *p;

	while (at != 0 && (f->v[at - 1].run != run || f->v[at - 1].token != token))
		at = f->v[at - 1].next;
	if (at == 0)
		return 0;
	p = &f->v[at - 1];
	n = (uint32_t)__builtin_popcountll(p->mask & mask);
	p->mask &= ~mask;
	f->n -= n;
	remove_if_done(f, at);
	return n;
}

void inflight_clear(struct inflight *f)
{
	if (f->cap > 0)
		memset(f->chains, 0, f->cap * sizeof *f->chains);
	f->used = f->free = f->dirty = f->last = 0;
	f->n = 0;
}
