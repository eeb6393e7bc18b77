/* JSON as Go's encoding/json writes it: what NSQ's tools have always been given. */
#ifndef SHEAF_NSQ_JSON_OUT_H
#define SHEAF_NSQ_JSON_OUT_H

#include "base/buf.h"

/* As it stands. */
void json_raw(struct buf *b, const char *text);

/* A text in quotes; what is no UTF-8 becomes U+FFFD. */
void json_text(struct buf *b, struct span s);

void json_number(struct buf *b, uint64_t n);
void json_bool(struct buf *b, bool v);

/* `,"name":` or, as the first thing behind a brace, without the comma. */
void json_key(struct buf *b, const char *name);

/* Keys with their values. */
void json_key_text(struct buf *b, const char *name, struct span s);
void json_key_number(struct buf *b, const char *name, uint64_t n);
void json_key_bool(struct buf *b, const char *name, bool v);

#endif
