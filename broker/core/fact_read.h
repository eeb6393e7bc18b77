/* What readers of facts begin with: bytes off the front of a span, if it has that many. */
#ifndef SHEAF_CORE_FACT_READ_H
#define SHEAF_CORE_FACT_READ_H

#include <stdbool.h>

#include "base/span.h"

static inline bool take(struct span *s, size_t n, const uint8_t **p)
{
	if (s->n < n)
		return false;
	*p = s->p;
	s->p += n;
	s->n -= n;
	return true;
}

static inline bool take_span(struct span *s, size_t n, struct span *out)
{
	const uint8_t *p;

	if (!take(s, n, &p))
		return false;
	*out = span_of(p, n);
	return true;
}

#endif
