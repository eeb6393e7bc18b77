/* See peers.h. */
#include "broker/smtp/peers.h"

#include <stdlib.h>
#include <string.h>

enum { CAP = 64 }; /* places at least */

void peers_init(struct peers *p, uint64_t seed)
{
	*p = (struct peers){ .seed = seed };
}

void peers_fini(struct peers *p)
{
	free(p->v);
	peers_init(p, 0);
}

static struct cidr_address who_counts(const struct cidr_address *a)
{
	struct cidr_address who = *a;

	if (who.family == 6)
		memset(who.bytes + 8, 0, 8);
	if (who.family == 4)
		memset(who.bytes + 4, 0, 12);
	return who;
}

/* The finisher of splitmix64, over both halves. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint32_t place_of(const struct peers *p, const struct cidr_address *who)
{
	uint64_t half[2];

	memcpy(half, who->bytes, sizeof half);
	return (uint32_t)mix(mix(mix(p->seed ^ who->family) ^ half[0]) ^ half[1]) & (p->cap - 1);
}

static bool same(const struct cidr_address *a, const struct cidr_address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Where it is, or where it would be. */
static struct peer_slot *find(const struct peers *p, const struct cidr_address *who)
{
	uint32_t at = place_of(p, who);

	while (p->v[at].n > 0 && !same(&p->v[at].who, who))
		at = (at + 1) & (p->cap - 1);
	return &p->v[at];
}

static void grow(struct peers *p)
{
	struct peers old = *p;

	p->cap = old.cap > 0 ? 2 * old.cap : CAP;
	p->v = calloc(p->cap, sizeof *p->v);
	must(p->v != NULL);
	for (uint32_t i = 0; i < old.cap; i++)
		if (old.v[i].n > 0)
			*find(p, &old.v[i].who) = old.v[i];
	free(old.v);
}

bool peers_add(struct peers *p, const struct cidr_address *a, uint32_t most)
{
	struct cidr_address who = who_counts(a);
	struct peer_slot *s;

	if (p->used >= p->cap / 2)
		grow(p);
	s = find(p, &who);
	if (s->n >= most)
		return false;
	if (s->n++ == 0) {
		s->who = who;
		p->used++;
	}
	return true;
}

/* What stands behind it in the same run moves up, so that it is found. */
static void close_gap(struct peers *p, uint32_t gap)
{
	uint32_t mask = p->cap - 1;

	for (uint32_t at = (gap + 1) & mask; p->v[at].n > 0; at = (at + 1) & mask) {
		uint32_t home = place_of(p, &p->v[at].who);

		if (((at - home) & mask) >= ((at - gap) & mask)) {
			p->v[gap] = p->v[at];
			p->v[at].n = 0;
			gap = at;
		}
	}
}

void peers_remove(struct peers *p, const struct cidr_address *a)
{
	struct cidr_address who = who_counts(a);
	struct peer_slot *s;

	must(p->cap > 0);
	s = find(p, &who);
	must(s->n > 0);
	if (--s->n > 0)
		return;
	p->used--;
	close_gap(p, (uint32_t)(s - p->v));
}

uint32_t peers_count(const struct peers *p, const struct cidr_address *a)
{
	struct cidr_address who = who_counts(a);

	return p->cap > 0 ? find(p, &who)->n : 0;
}
