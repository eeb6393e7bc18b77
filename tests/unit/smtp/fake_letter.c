/* What the rest of the ingress gives to jobs.c, as far as it needs it. */
#include <openssl/sha.h>
#include <stdlib.h>

#include "tests/unit/smtp/jobs_rig.h"

struct spool {
	struct span bytes;
	bool broken;
};

struct spool *rig_spool(struct span bytes, bool broken)
{
	struct spool *s = malloc(sizeof *s);

	must(s != NULL);
	*s = (struct spool){ bytes, broken };
	return s;
}

void spool_free(struct spool *s)
{
	free(s);
}

bool spool_whole(struct spool *s, struct span *bytes)
{
	*bytes = s->bytes;
	return !s->broken;
}

bool spool_large(const struct spool *s)
{
	return s->bytes.n > SPOOL_MEMORY;
}

void spool_sha256(struct spool *s, uint8_t to[SPOOL_SHA256])
{
	SHA256(s->bytes.p, s->bytes.n, to);
}

bool cidr_loopback(const struct cidr_address *a)
{
	return a->family == 0 || (a->family == 4 && a->bytes[0] == 127);
}

bool cidr_any(const struct cidr *c, uint32_t n, const struct cidr_address *a)
{
	for (uint32_t i = 0; i < n; i++)
		if (c[i].address.bytes[0] == a->bytes[0])
			return true;
	return false;
}

void rcpt_merge(struct rcpt_options *over, const struct rcpt_options *under)
{
	if (!over->has_priority && under->has_priority) {
		over->has_priority = true;
		over->priority = under->priority;
	}
	if (!over->has_delay && under->has_delay) {
		over->has_delay = true;
		over->delay_ms = under->delay_ms;
	}
	if (!over->has_expires && under->has_expires) {
		over->has_expires = true;
		over->expires_ms = under->expires_ms;
	}
	if (over->key_n == 0 && under->key_n > 0) {
		over->key_n = under->key_n;
		memcpy(over->key, under->key, sizeof over->key);
	}
}

const struct smtp_policy *smtp_policy_of(const struct smtp_config *c, struct span queue)
{
	for (uint32_t i = 0; i < c->n_policies; i++)
		if (span_eq(span_str(c->policies[i].queue), queue))
			return &c->policies[i];
	return &c->rest;
}
