/* The query of a URL: NAME=VALUE&NAME=VALUE…, percent-encoded. */
#ifndef SHEAF_NSQ_QUERY_H
#define SHEAF_NSQ_QUERY_H

#include "base/must.h"
#include "base/span.h"

enum { LIMIT_QUERY_ARGS = 64, LIMIT_QUERY_BYTES = 8192 };

struct query {
	struct {
		struct span name;
		struct span value;
	} v[LIMIT_QUERY_ARGS];
	uint32_t n;
	uint8_t bytes[LIMIT_QUERY_BYTES]; /* what v points into */
};

/* False: it is not well-formed (a wrong percent sign, a semicolon), or too long. */
MUST_CHECK bool query_read(struct query *q, struct span raw);

/* The first value of that name; false if there is none. */
bool query_get(const struct query *q, const char *name, struct span *value);

/* As a truth value: true and 1, false and 0; `otherwise` if it is not there or none of these. */
bool query_bool(const struct query *q, const char *name, bool otherwise);

#endif
