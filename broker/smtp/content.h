/* The bytes of a mail as they come: dot-unstuffing and the line rules of DATA, no dots in BDAT, and what is looked at
 * on the way in its headers: the first Message-ID and the first Subject count, a second X-Job-* of a name is a fault,
 * and so is one that nobody knows. Pure; constant memory whatever the length of lines. However the bytes are split,
 * what comes out is the same. */
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

/* Where it is in the headers. A line that is no header's ends them, and so does an empty one. */
struct content_headers {
	struct letter_headers *to;
	bool over;       /* they have ended */
	uint8_t state;   /* where in a line */
	bool named;      /* the header that is gathered has its name and colon */
	bool wanted;     /* and is one of those that are looked at */
	struct buf line; /* of the header that is gathered, bounded by LIMIT_MAIL_HEADER_LINE */
};

struct content {
	enum content_mode mode;
	uint8_t state;
	uint64_t bytes; /* after unstuffing */
	struct content_headers headers;
};

void content_begin(struct content *c, enum content_mode mode, struct letter_headers *headers);
void content_fini(struct content *c);

/* Takes bytes of `in`; *taken: how many. `put` is called with the runs of unstuffed bytes in their order; they borrow
 * from `in`. All is taken but what comes after the end; of a fault, what comes before the byte that shows it. */
typedef void (*content_put)(void *arg, struct span bytes);
MUST_CHECK enum content_verdict content_take(struct content *c, struct span in, size_t *taken, content_put put,
                                             void *arg);
/* BDAT LAST has come: false = it ends in a bare CR. Also reads the header that is still gathered. Not for DATA, whose
 * end is CONTENT_END. */
MUST_CHECK bool content_end(struct content *c);

/* Within content.c and content_headers.c. */
void content_headers_take(struct content_headers *h, struct span bytes);
void content_headers_end(struct content_headers *h);

#endif
