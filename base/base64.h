/* Base64 (RFC 4648, the usual alphabet, with padding): bytes in JSON. */
#ifndef SHEAF_BASE_BASE64_H
#define SHEAF_BASE_BASE64_H

#include "base/buf.h"

/* Appends the text of `bytes`. */
void base64_encode(struct buf *out, struct span bytes);

/* Appends the bytes of `text`; false if it is none, with `out` as it was. Padding may be missing. */
MUST_CHECK bool base64_decode(struct buf *out, struct span text);

#endif
