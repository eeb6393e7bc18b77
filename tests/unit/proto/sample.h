/* Random messages that keep every limit, made along the tables of proto/fields.h, and their comparison; for
 * the tests of the codec and its fuzzer. */
#ifndef SHEAF_TESTS_UNIT_PROTO_SAMPLE_H
#define SHEAF_TESTS_UNIT_PROTO_SAMPLE_H

#include "base/rand.h"
#include "proto/fields.h"

/* Holds what the spans and lists of a sample point to. */
struct sample {
	struct rng rng;
	uint8_t *bytes; /* owned */
	size_t used;
	bool whole; /* every optional field says something */
	struct msg m;
};

void sample_init(struct sample *s, uint64_t seed);
void sample_fini(struct sample *s);

/* Makes s->m a message of this kind, valid until the next call. */
void sample_make(struct sample *s, uint32_t kind);

/* The next kind above `kind` that exists, 0 after the last. */
uint32_t sample_next_kind(uint32_t kind);

/* Whether all fields that the tables know are the same, header included. */
bool sample_equal(const struct msg *a, const struct msg *b);

#endif
