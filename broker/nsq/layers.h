/* What lies between a connection's socket and NSQ's protocol: nothing at first, then TLS, or snappy or deflate, or one
 * of these over TLS. Bytes in, bytes out; no socket, no clock. Whatever a client sends, one call brings out at most
 * LAYERS_STEP bytes: the rest of a bomb waits inside as it came. */
#ifndef SHEAF_NSQ_LAYERS_H
#define SHEAF_NSQ_LAYERS_H

#include "broker/edge/tls.h"
#include "broker/nsq/deflate.h"
#include "broker/nsq/snappy_frame.h"

enum {
	LAYERS_STEP = 256 << 10, /* plain bytes that one call of layers_read brings out, at most */
	LAYERS_HANDSHAKE_MS = 5000
};

struct layers {
	struct tls *tls; /* owned; NULL = not on; likewise the next */
	struct deflate *deflate;
	bool snappy;
	struct snappy_writer snappy_out;
	struct snappy_reader snappy_in;
	struct buf early;  /* raw, came before TLS was on */
	struct buf packed; /* compressed, came out of TLS or the socket; unread from `at` on */
	size_t at;
	struct buf work;    /* compressed, on its way to TLS */
	uint64_t since_ms;  /* when the handshake began */
	const char *broken; /* why */
};

void layers_init(struct layers *l);
void layers_fini(struct layers *l);

/* Whether there is any. If not, bytes need not go through here. */
static inline bool layers_any(const struct layers *l)
{
	return l->tls != NULL || l->snappy || l->deflate != NULL;
}

/* Put another layer on top. `left`: what was read already and belongs to the new layer; copied. */
void layers_start_tls(struct layers *l, struct tls_context *c, uint64_t now_ms, struct span left);
void layers_start_snappy(struct layers *l, struct span left);
void layers_start_deflate(struct layers *l, int level, struct span left);

/* Whether TLS is on and not yet ready for layers_write. */
bool layers_shaking(const struct layers *l);
/* When the handshake has to be over; UINT64_MAX when there is none. */
uint64_t layers_deadline(const struct layers *l);

enum layers_read {
	LAYERS_SHORT, /* all that there was has come out */
	LAYERS_MORE,  /* there may be more: call again, with nothing new, once there is room for it */
	LAYERS_END,   /* the client has ended the stream */
	LAYERS_BROKEN /* it is no such stream: layers_why; what is in `back` is still to be sent */
};

/* Takes all of `raw`, appends what comes out to `plain`, and to `back` what is to be sent to the client. */
MUST_CHECK enum layers_read layers_read(struct layers *l, struct span raw, struct buf *plain, struct buf *back);

/* Appends `plain` to `out` as it is to be sent, so that the client can read all of it. Not while shaking hands. False:
 * broken. */
MUST_CHECK bool layers_write(struct layers *l, struct span plain, struct buf *out);

/* Says to the client that no more comes. */
void layers_end(struct layers *l, struct buf *out);

/* Why it is broken, a phrase. */
const char *layers_why(const struct layers *l);

#endif
