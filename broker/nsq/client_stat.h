/* What /stats says of a connection. Whoever owns the connections fills these, one after the other, and owns all that
 * they point to; it need live only until the visit returns. */
#ifndef SHEAF_NSQ_CLIENT_STAT_H
#define SHEAF_NSQ_CLIENT_STAT_H

#include "base/span.h"

struct nsq_pub_count {
	struct span topic;
	uint64_t count; /* messages */
};

struct nsq_client_stat {
	struct span topic; /* of its subscription; both empty if it has none */
	struct span channel;
	struct span client_id; /* as its IDENTIFY said, or its address */
	struct span hostname;
	struct span user_agent;
	struct span remote; /* address:port */
	struct span zone;   /* topology_zone, topology_region */
	struct span region;
	uint32_t state; /* 0 init, 3 subscribed, 4 closing */
	uint32_t sample_rate;
	uint64_t ready;
	uint64_t in_flight;
	uint64_t messages;
	uint64_t finished;
	uint64_t requeued;
	uint64_t connected_s; /* unix time */
	bool deflate;
	bool snappy;
	bool tls;
	bool tls_mutual;
	struct span tls_cipher; /* "TLS_AES_128_GCM_SHA256", "TLS1.3"; empty without TLS */
	struct span tls_version;
	bool authed;
	struct span identity; /* as the auth server said */
	struct span identity_url;
	const struct nsq_pub_count *published; /* what it published; empty: it is no producer */
	uint32_t n_published;
};

typedef void (*nsq_client_visit)(void *arg, const struct nsq_client_stat *client);

/* Calls `visit` for each connection. */
typedef void (*nsq_clients)(void *owner, nsq_client_visit visit, void *arg);

#endif
