/* See hist.h. */
#include "client/cli/hist.h"

#include <string.h>

enum { STEP_BITS = 6 };

void hist_clear(struct hist *h)
{
	memset(h, 0, sizeof *h);
}

static unsigned int bucket_of(uint64_t v)
{
	unsigned int shift;

	if (v < HIST_STEPS)
		return (unsigned int)v;
	shift = 63u - (unsigned int)__builtin_clzll(v) - STEP_BITS;
	return (shift + 1) * HIST_STEPS + (unsigned int)((v >> shift) - HIST_STEPS);
}

/* The highest value that falls into a bucket. */
static uint64_t top_of(unsigned int bucket)
{
	unsigned int shift;

	if (bucket < HIST_STEPS)
		return bucket;
	shift = bucket / HIST_STEPS - 1;
	return ((uint64_t)(bucket % HIST_STEPS + HIST_STEPS + 1) << shift) - 1;
}

void hist_add(struct hist *h, uint64_t value)
{
	h->count[bucket_of(value)]++;
	h->n++;
	if (h->most < value)
		h->most = value;
}

uint64_t hist_percentile(const struct hist *h, double share)
{
	uint64_t want = (uint64_t)(share * (double)h->n + 0.999999), seen = 0;

	if (h->n == 0)
		return 0;
	if (want < 1)
		want = 1;
	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		seen += h->count[i];
		if (seen >= want)
			return top_of(i) < h->most ? top_of(i) : h->most;
	}
	return h->most;
}
