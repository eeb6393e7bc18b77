/* What is in a mail's MIME (RFC 2045 to 2047, 2183, 2231), within bounds: parts, texts, attachments. GMime reads types,
 * names and encoded words; how a mail is made of parts is read by mime_parts.c, whose time and depth are bounded.
 * Slow where a mail is large: for a thread of the pool. GLib aborts when the machine is out of memory, as base/buf.h
 * does. */
#ifndef SHEAF_SMTP_MIME_H
#define SHEAF_SMTP_MIME_H

#include "base/buf.h"

enum { MIME_WHY = 120 };

struct mime;

/* NULL with a phrase: it is beyond the bounds, or no MIME that can be read. The mail outlives it. */
MUST_CHECK struct mime *mime_read(struct span mail, char why[MIME_WHY]);
void mime_free(struct mime *m);

/* Appends the first text/plain part in UTF-8 with LF as line ends: one that is no attachment, else one that is. False
 * with a phrase: there is none, or it has more than `most` bytes; `out` is as it was. */
MUST_CHECK bool mime_body(const struct mime *m, size_t most, struct buf *out, char why[MIME_WHY]);

/* Appends members of a JSON object, without its braces: "headers", "text", "html", "attachments". False with a phrase:
 * they would have more than `most` bytes; `out` is as it was. */
MUST_CHECK bool mime_json(const struct mime *m, size_t most, struct buf *out, char why[MIME_WHY]);

/* Appends a header's value with its encoded words (RFC 2047) decoded and its folds undone. What it has of bytes that
 * are no UTF-8 may stay. Cheap if there is nothing to decode. */
void mime_words(struct buf *out, struct span raw);

/* Appends a text in UTF-8, with LF as line ends. charset: as the mail names it, NULL = it does not. What cannot be read
 * becomes U+FFFD; of an unknown charset, or none, what is UTF-8 is taken as that, else as Latin 1. At most `most`
 * bytes, or a few more: then false. */
MUST_CHECK bool mime_text(struct buf *out, struct span in, const char *charset, size_t most);

/* Before the first use of GMime in any thread; any number of times. */
void mime_init(void);

#endif
