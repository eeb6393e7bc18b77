/* A borrowed run of bytes. Whoever hands one out says how long it stays valid. */
#ifndef SHEAF_BASE_SPAN_H
#define SHEAF_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *p; /* first byte; may be NULL when n is 0 */
	size_t n;         /* bytes */
};

static inline struct span span_of(const void *p, size_t n)
{
	return (struct span){ .p = p, .n = n };
}

/* The bytes of a C string, without its NUL. */
static inline struct span span_str(const char *s)
{
	return (struct span){ .p = (const uint8_t *)s, .n = strlen(s) };
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

#endif
