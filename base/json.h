/* Writing JSON: one flat object of texts, numbers and flags. What programs read of us is UTF-8 always: a text that is
 * none goes in as base64, under its key with _base64 behind it. Keys and what json_put_word gets are ours: plain ASCII.
 */
#ifndef SHEAF_BASE_JSON_H
#define SHEAF_BASE_JSON_H

#include "base/buf.h"

/* Bytes that one byte of a text may become: \u00XX. */
enum { JSON_WORST = 6 };

struct json {
	struct buf *out; /* borrowed */
	bool more;       /* a member stands before the next one */
};

/* Begins an object behind what stands in `out`; and ends it. */
struct json json_begin(struct buf *out);
void json_end(struct json *j);

void json_put_text(struct json *j, const char *key, struct span text);
void json_put_word(struct json *j, const char *key, const char *word);
void json_put_whole(struct json *j, const char *key, int64_t n);
/* A member that is true. */
void json_put_flag(struct json *j, const char *key);

/* Whether these bytes are UTF-8: no overlong form, no surrogate, nothing above U+10FFFF. */
bool json_utf8(struct span text);
/* Bytes of the character of UTF-8 that begins at p, of which `left` may be looked at; 0 if none does. */
size_t json_character(const uint8_t *p, size_t left);

/* For values that are no members of a flat object: a text in quotes. What is no UTF-8 becomes U+FFFD. */
void json_quote(struct buf *out, struct span text);

#endif
