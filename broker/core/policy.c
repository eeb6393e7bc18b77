/* See policy.h. */
#include "broker/core/policy.h"

#include <stdlib.h>

#include "base/le.h"
#include "broker/core/order.h"

/* Of a key: where the lengths of the names are, where the names begin. */
enum { KEY_TENANT = 26, KEY_GROUP, KEY_TOPIC, KEY_HEAD, KEY_MAX = KEY_HEAD + 3 * LIMIT_NAME + LIMIT_HEADER_BYTES };

/* An index for a new policy: a hole, or the end of the array. */
static uint32_t place(struct core *c, struct policy *p)
{
	uint32_t i;

	if (c->n_policy_holes > 0) {
		i = c->policy_holes[--c->n_policy_holes];
		c->policies[i] = p;
		return i;
	}
	if (c->n_policies == c->cap_policies) {
		c->cap_policies = c->cap_policies ? 2 * c->cap_policies : 64;
		c->policies = realloc(c->policies, c->cap_policies * sizeof c->policies[0]);
		c->policy_holes = realloc(c->policy_holes, c->cap_policies * sizeof c->policy_holes[0]);
		must(c->policies != NULL && c->policy_holes != NULL);
	}
	i = c->n_policies++;
	c->policies[i] = p;
	return i;
}

/* Cut into small ones, so that no growth of one stops the broker for long: where each job has headers of its own, as
 * mails do, there are as many policies as jobs. */
static struct policy **table_of(struct core *c, unsigned hash)
{
	return &c->by_headers[hash >> 24 & (POLICY_TABLES - 1)];
}

uint32_t policy_count(const struct core *c)
{
	return c->n_policies - c->n_policy_holes;
}

bool policy_room(const struct core *c, uint32_t n, uint64_t words)
{
	return policy_count(c) + (uint64_t)n <= LIMIT_POLICIES &&
	       c->policy_bytes + words + n * sizeof(struct policy) <= c->config.policy_bytes;
}

static uint64_t bytes_of(const struct policy *p)
{
	return sizeof *p + p->n;
}

/* Times, queue, lengths of the names, names, headers. The queue is in it only if there is a name, for then the policy
 * knows where its jobs stand in line. Returns the length; *from: where the headers begin. */
static size_t make_key(const struct policy_words *words, uint8_t key[KEY_MAX], size_t *from)
{
	struct span parts[] = { words->tenant, words->group, words->topic, words->headers };
	size_t n = KEY_HEAD;

	must(words->headers.n <= LIMIT_HEADER_BYTES && words->tenant.n <= LIMIT_NAME && words->group.n <= LIMIT_NAME);
	must(words->topic.n <= LIMIT_NAME);
	le_put64(key, words->lease_ms);
	le_put64(key + 8, words->backoff_ms);
	le_put64(key + 16, words->backoff_max_ms);
	le_put16(key + 24, words->tenant.n + words->group.n > 0 ? words->queue->index : 0);
	key[KEY_TENANT] = (uint8_t)words->tenant.n;
	key[KEY_GROUP] = (uint8_t)words->group.n;
	key[KEY_TOPIC] = (uint8_t)words->topic.n;
	for (int i = 0; i < 4; i++) {
		*from = n;
		if (parts[i].n > 0)
			memcpy(key + n, parts[i].p, parts[i].n);
		n += parts[i].n;
	}
	return n;
}

static struct policy *make(struct core *c, const struct policy_words *words, struct span key, unsigned hash,
                           size_t from)
{
	struct policy *p = calloc(1, sizeof *p);

	must(p != NULL);
	p->n = key.n;
	p->from = from;
	p->key = malloc(key.n);
	must(p->key != NULL);
	memcpy(p->key, key.p, key.n);
	p->lease_ms = words->lease_ms;
	p->backoff_ms = words->backoff_ms;
	p->backoff_max_ms = words->backoff_max_ms;
	if (words->tenant.n > 0)
		p->tenant = order_tenant(c, words->queue, words->tenant);
	if (words->group.n > 0)
		p->group = order_group(c, p->tenant != NULL ? p->tenant : &words->queue->own, words->group);
	p->index = place(c, p);
	c->policy_bytes += bytes_of(p);
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, *table_of(c, hash), p->key, p->n, hash, p);
	return p;
}

uint32_t policy_intern(struct core *c, const struct policy_words *words, uint32_t refs)
{
	uint8_t key[KEY_MAX];
	struct policy *p;
	size_t n, from;
	unsigned hash;

	if (words->headers.n == 0 && words->lease_ms == 0 && words->backoff_ms == 0 && words->tenant.n == 0 &&
	    words->group.n == 0 && words->topic.n == 0)
		return NO_INDEX;
	n = make_key(words, key, &from);
	HASH_VALUE(key, n, hash);
	HASH_FIND_BYHASHVALUE(hh, *table_of(c, hash), key, n, hash, p);
	if (p == NULL)
		p = make(c, words, span_of(key, n), hash, from);
	p->refs += refs;
	return p->index;
}

static void destroy(struct core *c, struct policy *p)
{
	HASH_DELETE(hh, *table_of(c, p->hh.hashv), p);
	c->policy_bytes -= bytes_of(p);
	c->policies[p->index] = NULL;
	c->policy_holes[c->n_policy_holes++] = p->index;
	order_drop_group(c, p->group);
	order_drop_tenant(c, p->tenant);
	free(p->key);
	free(p);
}

void policy_retain(struct core *c, uint32_t index)
{
	if (index != NO_INDEX)
		c->policies[index]->refs++;
}

void policy_release(struct core *c, uint32_t index)
{
	if (index != NO_INDEX && --c->policies[index]->refs == 0)
		destroy(c, c->policies[index]);
}

struct span policy_headers(const struct core *c, uint32_t index)
{
	const struct policy *p = index == NO_INDEX ? NULL : c->policies[index];

	return p == NULL ? (struct span){ 0 } : span_of(p->key + p->from, p->n - p->from);
}

struct span policy_tenant(const struct core *c, uint32_t index)
{
	const struct policy *p = index == NO_INDEX ? NULL : c->policies[index];

	return p == NULL ? (struct span){ 0 } : span_of(p->key + KEY_HEAD, p->key[KEY_TENANT]);
}

struct span policy_group(const struct core *c, uint32_t index)
{
	const struct policy *p = index == NO_INDEX ? NULL : c->policies[index];

	return p == NULL ? (struct span){ 0 } : span_of(p->key + KEY_HEAD + p->key[KEY_TENANT], p->key[KEY_GROUP]);
}

struct span policy_topic(const struct core *c, uint32_t index)
{
	const struct policy *p = index == NO_INDEX ? NULL : c->policies[index];

	if (p == NULL)
		return (struct span){ 0 };
	return span_of(p->key + KEY_HEAD + p->key[KEY_TENANT] + p->key[KEY_GROUP], p->key[KEY_TOPIC]);
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
	for (uint32_t i = 0; i < c->n_policies; i++) {
		if (c->policies[i] == NULL)
			continue;
		c->policies[i]->group = NULL; /* these are gone already, see order_clear */
		c->policies[i]->tenant = NULL;
		destroy(c, c->policies[i]);
	}
	free(c->policies);
	free(c->policy_holes);
}
