/* See head.h. */
#include "broker/smtp/head.h"

#include <strings.h>

/* Bytes of the line at p, its end included. */
static size_t line(const uint8_t *p, size_t n)
{
	const uint8_t *lf = memchr(p, '\n', n);

	return lf == NULL ? n : (size_t)(lf - p) + 1;
}

static bool blank(uint8_t b)
{
	return b == ' ' || b == '\t';
}

bool head_next(struct span *rest, struct head_field *f)
{
	size_t first, n, end;
	const uint8_t *colon;

	if (rest->n == 0 || rest->p[0] == '\n' || (rest->n >= 2 && rest->p[0] == '\r' && rest->p[1] == '\n'))
		return false;
	n = first = line(rest->p, rest->n);
	while (n < rest->n && blank(rest->p[n]))
		n += line(rest->p + n, rest->n - n);
	f->whole = span_of(rest->p, n);
	end = n > 0 && rest->p[n - 1] == '\n' ? n - 1 : n;
	if (end > 0 && end < n && rest->p[end - 1] == '\r')
		end--;
	colon = memchr(rest->p, ':', first < end ? first : end);
	f->name = span_of(rest->p, colon == NULL ? 0 : (size_t)(colon - rest->p));
	f->value = colon == NULL ? span_of(rest->p, end) : span_of(colon + 1, end - f->name.n - 1);
	while (f->name.n > 0 && blank(f->name.p[f->name.n - 1]))
		f->name.n--;
	*rest = span_of(rest->p + n, rest->n - n);
	return true;
}

bool head_is(const struct head_field *f, const char *name)
{
	return f->name.n == strlen(name) && strncasecmp((const char *)f->name.p, name, f->name.n) == 0;
}
