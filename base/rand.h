/* A small seeded generator (splitmix64, Steele et al. 2014): the same seed gives the same run. Not for
 * secrets; sessions and nonces come from rand_os(). */
#ifndef SHEAF_BASE_RAND_H
#define SHEAF_BASE_RAND_H

#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline void rng_seed(struct rng *r, uint64_t seed)
{
	r->state = seed;
}

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* A number below `n`, which is not 0. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}

/* 64 unpredictable bits from the kernel, never 0. Only shells call it. */
uint64_t rand_os(void);

#endif
