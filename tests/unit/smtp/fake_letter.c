/* A spool that may be broken, and policies that are found by walking: what jobs.c needs of the ingress's shell. */
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

const struct smtp_policy *smtp_policy_of(const struct smtp_config *c, struct span queue)
{
	for (uint32_t i = 0; i < c->n_policies; i++)
		if (span_eq(span_str(c->policies[i].queue), queue))
			return &c->policies[i];
	return &c->rest;
}
