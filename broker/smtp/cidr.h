/* Addresses and networks of IPv4 and IPv6 as text and as bits. IPv4 in IPv6 (::ffff:1.2.3.4) is IPv4. Pure. */
#ifndef SHEAF_SMTP_CIDR_H
#define SHEAF_SMTP_CIDR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "base/span.h"

enum { CIDR_TEXT = 64 }; /* bytes of an address as text, the NUL included */

struct cidr_address {
	uint8_t family; /* 4, 6; 0 = none: a Unix socket */
	uint8_t bytes[16];
};

struct cidr {
	struct cidr_address address;
	uint8_t bits;
};

/* "192.0.2.1", "2001:db8::1", no brackets, no scope. False: it is none. */
MUST_CHECK bool cidr_read_address(struct span text, struct cidr_address *a);
/* The same, with /BITS or without, which means all; host bits must be 0. *why, a phrase, when it is none. */
MUST_CHECK bool cidr_read(struct span text, struct cidr *c, const char **why);
bool cidr_has(const struct cidr *c, const struct cidr_address *a);
/* Whether any of n has it. */
bool cidr_any(const struct cidr *c, uint32_t n, const struct cidr_address *a);
bool cidr_same(const struct cidr_address *a, const struct cidr_address *b);
/* 127.0.0.0/8, ::1, or family 0. */
bool cidr_loopback(const struct cidr_address *a);
const char *cidr_show(const struct cidr_address *a, char to[CIDR_TEXT]);

#endif
