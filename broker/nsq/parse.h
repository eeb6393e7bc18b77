/* The text of NSQ's protocol: command lines, their numbers, the ids of messages; and texts for clients. */
#ifndef SHEAF_NSQ_PARSE_H
#define SHEAF_NSQ_PARSE_H

#include <stdarg.h>

#include "base/buf.h"

enum { LINE_WORDS = 4 }; /* that any command looks at */

/* A command's line. The words are between single blanks, so they may be empty; they point into what was read. */
struct line {
	struct span word[LINE_WORDS];
	uint32_t n;  /* words in all, also those that are not in `word` */
	size_t size; /* bytes of the line as it was read, with its end */
};

/* Splits a line that ends with its '\n'. */
void line_split(struct line *l, struct span text);

static inline bool line_is(const struct line *l, const char *word, size_t n)
{
	return l->word[0].n == n && memcmp(l->word[0].p, word, n) == 0;
}

/* Digits only; UINT64_MAX when it is larger. No digit at all is 0, as for nsqd. */
MUST_CHECK bool parse_number(struct span text, uint64_t *out);

enum { ID_DIGITS = 16 };

/* A message's id: 16 lower-case hexadecimal digits. */
MUST_CHECK bool parse_id(const uint8_t text[ID_DIGITS], uint64_t *id);

/* Appends a text. In `format` stand for what follows: %s a C string, %b a span as it is, %q a span in quotes with what
 * is not printable ASCII escaped, %d an int64_t, %u a uint64_t. */
void text_say(struct buf *b, const char *format, ...);
void text_vsay(struct buf *b, const char *format, va_list args);

#endif
