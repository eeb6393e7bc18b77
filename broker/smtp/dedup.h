/* By what a mail is known again: a client whose 250 got lost sends it again (RFC 1047). Pure. */
#ifndef SHEAF_SMTP_DEDUP_H
#define SHEAF_SMTP_DEDUP_H

#include "base/span.h"

enum {
	DEDUP_CONTENT = 32,            /* bytes of a SHA-256 */
	DEDUP_KEY = 5 + 64,            /* of a key: "mail:" and a SHA-256 in hex */
	DEDUP_KEY_ROOM = DEDUP_KEY + 1 /* with its NUL */
};

/* SHA-256 of a mail without its Received and Return-Path fields, which differ each time that it comes. */
void dedup_content(struct span mail, uint8_t to[DEDUP_CONTENT]);

/* The idempotency key of a mail's job in a queue. All of it counts: a Message-ID alone does not suffice, since it is
 * the sender's to choose, and a mail without one is still known by its content. */
void dedup_key(const uint8_t content[DEDUP_CONTENT], struct span queue, struct span sender, struct span message_id,
               char to[DEDUP_KEY_ROOM]);

/* 2 * n lower-case digits and a NUL. */
void dedup_hex(const uint8_t *bytes, size_t n, char *to);

#endif
