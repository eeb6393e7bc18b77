/* Registration with nsqlookupds, so that NSQ's consumers find this broker: over TCP each is told which topics and
 * channels there are. And the other way: before the first message of a new topic goes out, all of them are asked over
 * HTTP which channels the topic has elsewhere, and these are created. */
#ifndef SHEAF_NSQ_LOOKUPD_H
#define SHEAF_NSQ_LOOKUPD_H

#include <uv.h>

#include "broker/nsq/hub.h"

struct lookupd;
struct fetch;

enum { LOOKUPD_PEERS = 16, LOOKUPD_ADDRESS = 256 };

/* What nsqlookupds are told of us. Texts are borrowed for ever. */
struct lookupd_self {
	const char *version;
	const char *hostname;
	const char *broadcast;
	uint16_t tcp_port;
	uint16_t http_port;
};

struct lookupd_setup {
	uv_loop_t *loop;
	struct hub *hub;
	struct fetch *fetch;
	struct lookupd_self self;
	char *const *addresses; /* HOST:PORT; copied */
	uint32_t n_addresses;   /* 0: registers nowhere, asks nobody */
};

struct lookupd *lookupd_open(const struct lookupd_setup *setup);

/* Closes all connections; `closed` is called from the loop, and l is gone then. Before hub and fetch are closed. */
void lookupd_close(struct lookupd *l, void (*closed)(void *arg), void *arg);

/* From now on these, HOST:PORT each. False if one is none, or there are more than LOOKUPD_PEERS: nothing changes. */
MUST_CHECK bool lookupd_set(struct lookupd *l, const char *const *addresses, uint32_t n);

/* The addresses as they were given. */
uint32_t lookupd_count(const struct lookupd *l);
const char *lookupd_address(const struct lookupd *l, uint32_t i);

/* As hub_publish; if the topic is new, once its channels are there. What one `arg` publishes keeps its order. */
void lookupd_publish(struct lookupd *l, struct span topic, uint64_t defer_ms, uint32_t count, struct span packed,
                     hub_answer answer, void *arg);

/* Beside hub_forget: no answer for this arg comes any more. */
void lookupd_forget(struct lookupd *l, void *arg);

#endif
