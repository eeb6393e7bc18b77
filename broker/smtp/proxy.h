/* The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): the header with which a proxy says who its
 * client is. Pure. */
#ifndef SHEAF_SMTP_PROXY_H
#define SHEAF_SMTP_PROXY_H

#include "base/must.h"
#include "broker/smtp/cidr.h"

enum {
	PROXY_MOST = 536, /* bytes of a header; a longer one is none */
	PROXY_MS = 5000   /* how long it may take */
};

enum proxy_verdict {
	PROXY_SHORT, /* so far it may become one */
	PROXY_DONE,  /* *taken bytes were it */
	PROXY_BAD    /* it is none, or is too long, or is wrong in itself (its CRC too, if it has one) */
};
/* `local`: it names nobody: the proxy speaks for itself (v2 LOCAL), or does not know (v1 UNKNOWN, v2 unspecified), or
 * means a Unix socket of its own. The connection's own addresses are then all there is: the rest is untouched. */
struct proxy_source {
	bool local;
	struct cidr_address source, to;
	uint16_t source_port, to_port;
};
MUST_CHECK enum proxy_verdict proxy_read(struct span in, size_t *taken, struct proxy_source *from);

#endif
