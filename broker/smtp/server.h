/* The sockets of the mail ingress: listens, and runs its connections in one libuv loop on one thread. What a client
 * says is its session's business (session.h), what becomes of its mail the store's (store.h); here are sockets, TLS,
 * PROXY, and bounds. A client that never reads, never ends, or sends garbage costs its own connection at most.
 *
 * A client that speaks before it is greeted is turned away: what counts is what has come when the greeting is written.
 * It is written at once, so that nobody waits for it; who only talks a little too early is not found out. */
#ifndef SHEAF_SMTP_SERVER_H
#define SHEAF_SMTP_SERVER_H

#include <uv.h>

#include "broker/smtp/session.h"
#include "broker/smtp/store.h"

enum { SMTP_SERVER_ERR = 512 };

struct smtp_server;

/* All outlive the server. */
struct smtp_server_setup {
	uv_loop_t *loop; /* turns only while the server lives, and until `closed` after smtp_server_close */
	const struct smtp_config *config;
	struct tls_context *tls; /* NULL = there is none: no STARTTLS, no implicit TLS */
	struct smtp_counts *counts;
	struct spool_room *spools;
};

/* Where it listens. */
enum smtp_port { SMTP_PORT_PLAIN, SMTP_PORT_TLS, SMTP_PORT_LMTP, SMTP_PORTS };

/* Binds and listens at each address that is given; nobody is heard before smtp_server_run. A Unix socket's file that is
 * there already is removed if nobody listens at it. NULL with a sentence in err, which begins with the option as
 * sheaf-smtpd has it: "--listen: ", "--tls-listen: ", "--lmtp: ". */
MUST_CHECK struct smtp_server *smtp_server_open(const struct smtp_server_setup *setup, char err[SMTP_SERVER_ERR]);

/* Lets clients in. The store lives until `closed` after smtp_server_close. */
void smtp_server_run(struct smtp_server *s, struct store *store);

/* The port that it listens on; 0: a Unix socket, or it does not. */
uint16_t smtp_server_port(const struct smtp_server *s, enum smtp_port which);
/* The connections at most, and those that there are. */
uint32_t smtp_server_limit(const struct smtp_server *s);
uint32_t smtp_server_connections(const struct smtp_server *s);

/* Tells those who come, and those who have no mail on its way, that it goes down; others once they have their answer.
 * May be called again. `now`: the deadline has come; whatever is on its way ends without a 250. */
void smtp_server_drain(struct smtp_server *s, bool now);
/* Nothing is durable any more; after store_fail. As smtp_server_drain(s, true). */
void smtp_server_fail(struct smtp_server *s);
/* Whoever had been let in is gone; who is still being turned away does not count. */
bool smtp_server_done(const struct smtp_server *s);

/* Ends all at once, the listeners last; a Unix socket's file is removed. `closed` is called from the loop when nothing
 * is left. Free then. */
void smtp_server_close(struct smtp_server *s, void (*closed)(void *arg), void *arg);
void smtp_server_free(struct smtp_server *s);

#endif
