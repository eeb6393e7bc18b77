/* Queries of URLs; see query.h. */
#include "broker/nsq/query.h"

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Appends the decoded text to the query's bytes. */
static bool decode(struct query *q, size_t *used, struct span raw, struct span *out)
{
	uint8_t *to = q->bytes + *used;
	size_t n = 0;

	for (size_t i = 0; i < raw.n; i++) {
		uint8_t c = raw.p[i];

		if (c == '%') {
			if (raw.n - i < 3 || hex(raw.p[i + 1]) < 0 || hex(raw.p[i + 2]) < 0)
				return false;
			c = (uint8_t)(hex(raw.p[i + 1]) * 16 + hex(raw.p[i + 2]));
			i += 2;
		} else if (c == '+') {
			c = ' ';
		} else if (c == ';') {
			return false;
		}
		to[n++] = c; /* never more than was there raw */
	}
	*used += n;
	*out = span_of(to, n);
	return true;
}

static size_t until(struct span s, uint8_t c)
{
	const uint8_t *p = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return p == NULL ? s.n : (size_t)(p - s.p);
}

bool query_read(struct query *q, struct span raw)
{
	size_t used = 0;

	q->n = 0;
	if (raw.n > LIMIT_QUERY_BYTES)
		return false;
	while (raw.n > 0) {
		struct span one = span_of(raw.p, until(raw, '&'));
		size_t name = until(one, '=');
		struct span value = name < one.n ? span_of(one.p + name + 1, one.n - name - 1) : span_str("");

		raw = one.n < raw.n ? span_of(raw.p + one.n + 1, raw.n - one.n - 1) : span_str("");
		if (one.n == 0)
			continue;
		if (q->n == LIMIT_QUERY_ARGS || !decode(q, &used, span_of(one.p, name), &q->v[q->n].name) ||
		    !decode(q, &used, value, &q->v[q->n].value))
			return false;
		q->n++;
	}
	return true;
}

bool query_get(const struct query *q, const char *name, struct span *value)
{
	for (uint32_t i = 0; i < q->n; i++)
		if (span_eq(q->v[i].name, span_str(name))) {
			*value = q->v[i].value;
			return true;
		}
	return false;
}

bool query_bool(const struct query *q, const char *name, bool otherwise)
{
	struct span v;

	if (!query_get(q, name, &v))
		return otherwise;
	if (span_eq(v, span_str("true")) || span_eq(v, span_str("1")))
		return true;
	if (span_eq(v, span_str("false")) || span_eq(v, span_str("0")))
		return false;
	return otherwise;
}
