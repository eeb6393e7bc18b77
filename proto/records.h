/* The hot records' own readers and writers, as struct record wants them; see fields.h. */
#ifndef SHEAF_PROTO_RECORDS_H
#define SHEAF_PROTO_RECORDS_H

#include "proto/codec.h"
#include "proto/cursor.h"

bool records_read_accepted(struct cursor *c, void *rec);
bool records_read_result(struct cursor *c, void *rec);
bool records_read_job(struct cursor *c, void *rec);
bool records_read_outcome(struct cursor *c, void *rec);
bool records_read_settle(struct cursor *c, void *rec);
bool records_read_delivery(struct cursor *c, void *rec);
bool records_read_payload(struct cursor *c, void *rec); /* a struct span */

void records_write_accepted(struct buf *out, const void *rec);
void records_write_result(struct buf *out, const void *rec);
void records_write_job(struct buf *out, const void *rec);
void records_write_outcome(struct buf *out, const void *rec);
void records_write_settle(struct buf *out, const void *rec);
void records_write_delivery(struct buf *out, const void *rec);
void records_write_payload(struct buf *out, const void *rec);

#endif
