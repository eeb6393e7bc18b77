/* See policy.h. */
#include "broker/core/policy.h"

#include <stdlib.h>

#include "base/le.h"

enum { POLICY_KEY = 24, KEY_MAX = LIMIT_HEADER_BYTES + POLICY_KEY };

/* An index for a new policy: a hole, or the end of the array. */
static uint32_t place(struct core *c, struct policy *p)
{
	uint32_t i = 0;

	while (c->free_policy < c->n_policies && c->policies[c->free_policy] != NULL)
		c->free_policy++;
	i = c->free_policy++;
	if (i == c->n_policies) {
		if (c->n_policies == c->cap_policies) {
			c->cap_policies = c->cap_policies ? 2 * c->cap_policies : 64;
			c->policies = realloc(c->policies, c->cap_policies * sizeof c->policies[0]);
			must(c->policies != NULL);
		}
		c->n_policies++;
	}
	c->policies[i] = p;
	return i;
}

uint32_t policy_intern(struct core *c, const struct policy_words *words, uint32_t refs)
{
	struct span headers = words->headers;
	uint8_t key[KEY_MAX];
	struct policy *p;

	if (headers.n == 0 && words->lease_ms == 0 && words->backoff_ms == 0)
		return NO_INDEX;
	must(headers.n <= LIMIT_HEADER_BYTES);
	le_put64(key, words->lease_ms);
	le_put64(key + 8, words->backoff_ms);
	le_put64(key + 16, words->backoff_max_ms);
	if (headers.n > 0)
		memcpy(key + POLICY_KEY, headers.p, headers.n);
	HASH_FIND(hh, c->by_headers, key, headers.n + POLICY_KEY, p);
	if (p == NULL) {
		p = calloc(1, sizeof *p);
		must(p != NULL);
		p->n = headers.n + POLICY_KEY;
		p->headers = malloc(p->n);
		must(p->headers != NULL);
		memcpy(p->headers, key, p->n);
		p->lease_ms = words->lease_ms;
		p->backoff_ms = words->backoff_ms;
		p->backoff_max_ms = words->backoff_max_ms;
		p->index = place(c, p);
		HASH_ADD_KEYPTR(hh, c->by_headers, p->headers, p->n, p);
	}
	p->refs += refs;
	return p->index;
}

static void destroy(struct core *c, struct policy *p)
{
	HASH_DELETE(hh, c->by_headers, p);
	c->policies[p->index] = NULL;
	if (p->index < c->free_policy)
		c->free_policy = p->index;
	free(p->headers);
	free(p);
}

void policy_release(struct core *c, uint32_t index)
{
	if (index != NO_INDEX && --c->policies[index]->refs == 0)
		destroy(c, c->policies[index]);
}

struct span policy_headers(const struct core *c, uint32_t index)
{
	if (index == NO_INDEX)
		return (struct span){ 0 };
	return span_of(c->policies[index]->headers + POLICY_KEY, c->policies[index]->n - POLICY_KEY);
}

uint64_t policy_lease(const struct core *c, uint32_t index)
{
	return index == NO_INDEX ? 0 : c->policies[index]->lease_ms;
}

uint64_t policy_backoff(const struct core *c, uint32_t index)
{
	return index == NO_INDEX ? 0 : c->policies[index]->backoff_ms;
}

uint64_t policy_backoff_max(const struct core *c, uint32_t index)
{
	return index == NO_INDEX ? 0 : c->policies[index]->backoff_max_ms;
}

void policy_fini(struct core *c)
{
	for (uint32_t i = 0; i < c->n_policies; i++)
		if (c->policies[i] != NULL)
			destroy(c, c->policies[i]);
	free(c->policies);
}
