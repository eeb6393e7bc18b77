/* Bytes to messages and back. Decoding is one bounded pass: every count and length is checked against
 * its limit and against the bytes that are left before anything is touched. Nothing is allocated: what
 * repeats goes to the caller's struct msg_room. Trailing fields of an array are skipped, so that newer
 * peers may say more. Reader and writer walk one table of fields (fields.h) with a cursor of our own, since
 * msgpack-c's unpacker allocates whatever a frame claims; the hot records (job, outcome, result, payload)
 * have faster ways around the table. Tests and a fuzzer hold all of it equal to msgpack-c. */
#ifndef SHEAF_PROTO_CODEC_H
#define SHEAF_PROTO_CODEC_H

#include "base/buf.h"
#include "proto/msg.h"

/* Room for what repeats in one decoded message; large, so made once (msg_room_new) and used again. */
struct msg_room;

struct msg_room *msg_room_new(void);
void msg_room_free(struct msg_room *room);

/* Decodes one frame. On success *m borrows from `frame` and `room`. On failure returns the error, *m.h
 * holds what could be read of the header (the rest zero), and *why (a static text) says which field.
 * An unknown kind is SHEAF_E_UNSUPPORTED with the header intact. */
MUST_CHECK enum sheaf_error msg_decode(struct span frame, struct msg_room *room, struct msg *m, const char **why);

/* Appends the encoding of `m` to `out`. `m` keeps the limits (a bug otherwise). */
void msg_encode(struct buf *out, const struct msg *m);

/* Building a message record by record, for what is gathered during a turn: msg_begin writes the header
 * and the start of the body of MSG_JOBS, MSG_OUTCOMES, MSG_RESULTS, MSG_ACCEPTED, MSG_MESSAGES or MSG_SETTLE with an
 * open count; the put calls append; msg_end writes the count. At most LIMIT_RECORDS records and LIMIT_MESSAGE bytes:
 * ask msg_fits before each. `number` and `session` stay patchable through msg_patch. */
struct msg_writer {
	struct buf *out; /* borrowed */
	size_t start;    /* where the message begins in out */
	size_t count_at; /* where the open count stands */
	uint32_t n;      /* records so far */
};

void msg_begin(struct msg_writer *w, struct buf *out, const struct msg_header *h, uint32_t answer);
void msg_put_job(struct msg_writer *w, const struct msg_job_rec *r);
void msg_put_outcome(struct msg_writer *w, const struct msg_outcome_rec *r);
void msg_put_result(struct msg_writer *w, const struct msg_result_rec *r);
void msg_put_accepted(struct msg_writer *w, const struct msg_accepted_rec *r);
void msg_put_delivery(struct msg_writer *w, const struct msg_delivery_rec *r);
void msg_put_settle(struct msg_writer *w, const struct msg_settle_rec *r);
void msg_end(struct msg_writer *w);

/* The rules between the fields of a SUBMIT_ALL, and of all its payloads together: SHEAF_OK, or which is broken, with
 * *why. */
MUST_CHECK enum sheaf_error msg_all_check(const struct msg_submit_all *m, const char **why);

/* Whether another record may be put whose spans hold `bytes` bytes in all. The first always may. */
static inline bool msg_fits(const struct msg_writer *w, size_t bytes)
{
	return w->n < LIMIT_RECORDS && w->out->n - w->start + bytes + 128 <= LIMIT_MESSAGE;
}

/* Overwrites epoch, session and number of a message that msg_begin or msg_encode wrote at `p` (it has
 * fixed-width header fields for that). */
void msg_patch(uint8_t *p, size_t n, uint64_t epoch, uint64_t session, uint64_t number);

/* Rules for names, the same everywhere. */
bool name_queue_ok(struct span s);  /* [a-z0-9][a-z0-9._-]{0,55} */
bool name_worker_ok(struct span s); /* 1 to 64 printable bytes without space or comma */
bool name_topic_ok(struct span s);  /* of topics and channels, as NSQ has them: [.a-zA-Z0-9_-]{1,64}, which may end in
                                       #ephemeral; that counts in the 64 */
bool name_ephemeral(struct span s); /* it does */
/* NAME=VALUE\0…: names [A-Za-z0-9_-]{1,64}, values without NUL, at most LIMIT_HEADERS and LIMIT_HEADER_BYTES. */
bool headers_ok(struct span s);

#endif
