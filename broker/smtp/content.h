/* The bytes of a mail as they come: dot-unstuffing and the line rules of DATA, no rules for BDAT, and what is looked at
 * on the way in its headers. Pure; constant memory whatever the length of lines. */
#ifndef SHEAF_SMTP_CONTENT_H
#define SHEAF_SMTP_CONTENT_H

#include "base/buf.h"
#include "broker/smtp/letter.h"

enum content_mode {
	CONTENT_DATA,  /* CRLF . CRLF ends it; leading dots go; a bare CR, a bare LF and a NUL are faults */
	CONTENT_BDAT,  /* text that came in chunks: no dots, but the same faults */
	CONTENT_BINARY /* BINARYMIME: any bytes */
};

enum content_verdict {
	CONTENT_MORE,
	CONTENT_END,  /* DATA: the dot has come; *taken is what belongs to it */
	CONTENT_BARE, /* a bare CR, a bare LF or a NUL: 550 5.5.2 and close */
};

struct content {
	enum content_mode mode;
	uint8_t state;
	bool in_headers; /* still */
	uint64_t bytes;  /* after unstuffing */
	struct letter_headers *headers;
	struct buf line; /* of the header that is gathered, bounded by LIMIT_MAIL_HEADER_LINE */
	bool line_cut;
};

void content_begin(struct content *c, enum content_mode mode, struct letter_headers *headers);
void content_fini(struct content *c);

/* Takes bytes of `in`; *taken: how many. `put` is called with the runs of unstuffed bytes in their order; they borrow
 * from `in` or from constants. */
typedef void (*content_put)(void *arg, struct span bytes);
MUST_CHECK enum content_verdict content_take(struct content *c, struct span in, size_t *taken, content_put put,
                                             void *arg);
/* BDAT LAST has come: false = it ends in a bare CR. Also reads the header that is still gathered. */
MUST_CHECK bool content_end(struct content *c);

#endif
