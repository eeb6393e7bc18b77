/* What the NSQ edge was told, checked (broker/config_nsq.c). Texts are borrowed from the options, which outlive it. */
#ifndef SHEAF_NSQ_CONFIG_H
#define SHEAF_NSQ_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/edge/address.h"
#include "broker/edge/tls.h"
#include "proto/limits.h"

enum { NSQ_ADDRESSES = 16 }; /* auth servers, and nsqlookupds, at most */

struct nsq_config {
	struct edge_address tcp, http, https; /* where it listens */
	bool with_tls;                        /* there is a certificate: clients may ask for TLS */
	struct tls_config tls;
	bool tls_required;               /* without TLS a client can do nothing but ask for it */
	char *auth[NSQ_ADDRESSES];       /* HOST:PORT or URL */
	uint32_t n_auth;                 /* 0 = everybody may do everything */
	bool auth_post;                  /* asked by POST */
	char *lookupd[NSQ_ADDRESSES];    /* HOST:PORT */
	uint32_t n_lookupd;              /* 0 = registers nowhere */
	char broadcast[LIMIT_ENDPOINT];  /* the host that nsqlookupds are told */
	uint32_t connections;            /* at most; 0 = as many as there are descriptors for */
	uint32_t max_rdy;                /* a client's messages in flight */
	uint32_t max_consumers;          /* of a channel; 0 = no bound */
	uint32_t max_deflate;            /* level */
	uint64_t msg_ms, max_msg_ms;     /* timeout of a message unless its client says otherwise; its ceiling */
	uint64_t max_req_ms;             /* delay of REQ and DPUB */
	uint64_t max_heartbeat_ms;       /* interval of heartbeats */
	uint64_t max_msg_size, max_body; /* bytes: of a message, of a command's body */
};

/* Whether any of its addresses is given. */
static inline bool nsq_wanted(const struct nsq_config *c)
{
	return c->tcp.host[0] != '\0' || c->http.host[0] != '\0' || c->https.host[0] != '\0';
}

#endif
