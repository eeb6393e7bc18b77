/* What is put before a mail that is handed on as it came: Return-Path and Received (RFC 5321, 4.4), a line each. Pure.
 */
#ifndef SHEAF_SMTP_TRACE_H
#define SHEAF_SMTP_TRACE_H

#include "base/buf.h"
#include "broker/smtp/letter.h"

enum {
	TRACE_MOST = LIMIT_MAIL_PATH + 1024, /* bytes of the two lines */
	TRACE_DATE = 32,                     /* "Tue, 24 Nov 2026 18:04:00 +0000" and a NUL */
	TRACE_STAMP = 25                     /* "2026-11-24T18:04:00.123Z" and a NUL */
};

/* `hash`: SHA-256 of the mail in hex; its beginning is the id in Received. The recipient is named if there is only one:
 * the others are not his to know. */
void trace_put(struct buf *to, const struct letter *l, const char *hostname, const char *hash);

/* A time of day in UTC as mails have it (RFC 5322), and as programs do (RFC 3339). */
void trace_date(uint64_t wall_ms, char to[TRACE_DATE]);
void trace_stamp(uint64_t wall_ms, char to[TRACE_STAMP]);

#endif
