/* The TCP side of the NSQ edge: listens, and runs its connections in one libuv loop on one thread. What a connection
 * says is its session's business (session.h); here are sockets, layers, and bounds. A client that never reads, never
 * answers, or sends garbage costs its own connection at most. */
#ifndef SHEAF_NSQ_SERVER_H
#define SHEAF_NSQ_SERVER_H

#include <uv.h>

#include "broker/nsq/client_stat.h"
#include "broker/nsq/session.h"

enum { SERVER_ERR = 512 };

struct server;

struct server_setup {
	uv_loop_t *loop; /* turns only while the server lives, and until `closed` after server_close */
	const struct nsq_config *config;
	struct tls_context *tls; /* NULL = there is none; outlives the server */
	uint32_t connections;    /* at most */
	/* Whether nothing is to be read from those who publish for now; server_eased tells that it may be over. NULL:
	 * never. */
	bool (*busy)(void *arg);
	void *busy_arg;
};

/* Binds and listens; nobody is heard before server_run. NULL with a sentence in err. */
MUST_CHECK struct server *server_open(const struct server_setup *setup, char err[SERVER_ERR]);

/* Lets clients in. The world's hub and auth are there now; its `woke` is filled in. */
void server_run(struct server *s, const struct session_world *world);

/* It is not busy any more: reads go on. */
void server_eased(struct server *s);

/* The port that it listens on. */
uint16_t server_port(const struct server *s);
uint32_t server_connections(const struct server *s);

/* Lets nobody in any more, hands out nothing more, and closes each connection once it owes its client no answer and the
 * client holds no message. */
void server_drain(struct server *s);

/* Nothing is durable any more: whoever publishes is told so, then all are closed. */
void server_fail(struct server *s);

/* Ends all at once; `closed` is called from the loop when nothing is left. Free then. */
void server_close(struct server *s, void (*closed)(void *arg), void *arg);
void server_free(struct server *s);

/* Of type nsq_clients; owner is the server. */
void server_visit(void *owner, nsq_client_visit visit, void *arg);

#endif
