/* The edge's HTTP side: NSQ's HTTP API on up to two ports, plain and TLS, answered with the hub's help. */
#ifndef SHEAF_NSQ_WEB_H
#define SHEAF_NSQ_WEB_H

#include "broker/nsq/client_stat.h"
#include "broker/nsq/http.h"
#include "broker/nsq/nsq_config.h"

struct web;
struct hub;
struct auth;
struct lookupd;

/* What it needs once requests come; all of it outlives web_close. */
struct web_world {
	struct hub *hub;
	struct auth *auth; /* NULL: everybody may publish */
	struct lookupd *lookupd;
	nsq_clients clients; /* NULL: there are none, as there is no TCP port */
	void *owner;         /* of the clients */
	uint16_t tcp_port;   /* 0: none */
};

/* Binds what config->http and config->https name. Nothing is answered before the loop turns, and by then web_run has
 * to have been called. NULL with a sentence in err. */
MUST_CHECK struct web *web_open(uv_loop_t *loop, const struct nsq_config *config, uint32_t connections,
                                char err[HTTP_ERR]);
void web_run(struct web *w, const struct web_world *world);

/* 0: it has no such port. */
uint16_t web_port(const struct web *w);
uint16_t web_tls_port(const struct web *w);

/* Takes no more connections, and no more messages: 503 EXITING. */
void web_drain(struct web *w);

/* Nothing is durable any more: requests that wait are answered with 503 at once, and no more is taken. */
void web_fail(struct web *w);

/* Requests that are not answered yet. */
uint32_t web_pending(const struct web *w);

/* Ends all at once; `closed` is called from the loop when nothing is left, and w is gone then. */
void web_close(struct web *w, void (*closed)(void *arg), void *arg);

#endif
