/* From the socket to the greeting: who has come, whether there is room, PROXY, implicit TLS. */
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "broker/smtp/conn.h"
#include "broker/smtp/proxy.h"
#include "broker/smtp/reply.h"

static void read_address(const struct sockaddr_storage *a, struct cidr_address *to, uint16_t *port)
{
	const struct sockaddr_in *four = (const void *)a;
	const struct sockaddr_in6 *six = (const void *)a;
	char text[INET6_ADDRSTRLEN] = "";

	if (a->ss_family == AF_INET && uv_ip4_name(four, text, sizeof text) == 0)
		*port = ntohs(four->sin_port);
	else if (a->ss_family == AF_INET6 && uv_ip6_name(six, text, sizeof text) == 0)
		*port = ntohs(six->sin6_port);
	if (!cidr_read_address(span_str(text), to))
		*to = (struct cidr_address){ 0 };
}

/* False: it is gone already. */
static bool look(struct conn *c)
{
	struct sockaddr_storage a;
	int n = sizeof a;
	uint16_t local;

	if (uv_tcp_getpeername(&c->io.tcp, (struct sockaddr *)&a, &n) != 0)
		return false;
	read_address(&a, &c->peer.address, &c->peer.port);
	n = sizeof a;
	if (uv_tcp_getsockname(&c->io.tcp, (struct sockaddr *)&a, &n) != 0)
		return false;
	read_address(&a, &c->peer.local, &local);
	return c->peer.address.family != 0; /* family 0 is a Unix socket, who may do more */
}

/* ---- no room ---- */

/* False: too many are being turned away already, so it is gone without a word. */
static bool turned(struct conn *c)
{
	if (c->server->n_turned >= CONN_TURNED) {
		smtp_conn_close(c);
		return false;
	}
	c->turned = true;
	c->server->n_turned++;
	return true;
}

/* Within TLS that does not go on yet it would take too much to say it. */
static void turn_away(struct conn *c, enum smtp_reply r, const char *why)
{
	smtp_server_say(c->server, c, why);
	smtp_reply_put(&c->out, r, c->server->setup.counts);
	if (c->came_to == SMTP_PORT_TLS)
		smtp_conn_close(c);
	else if (c->turned || turned(c))
		smtp_conn_leave(c);
}

/* One of so many of its address. */
static bool is_one_of(struct conn *c)
{
	const struct smtp_config *config = c->server->setup.config;
	const struct cidr_address *a = &c->peer.address;

	if (a->family == 0 || (!config->per_address_given && cidr_loopback(a)))
		return true;
	c->by_peer = peers_add(&c->server->peers, a, config->per_address);
	if (!c->by_peer)
		turn_away(c, REPLY_TOO_MANY_YOURS, "as many of this address as smtp-per-address allows");
	return c->by_peer;
}

/* ---- the greeting ---- */

/* Whether something came that was not read yet. */
static bool has_spoken(struct conn *c)
{
	uv_os_fd_t fd;
	char one;

	return uv_fileno((uv_handle_t *)&c->io.stream, &fd) == 0 && recv(fd, &one, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void greet(struct conn *c, bool early)
{
	struct smtp_server *s = c->server;
	struct tls_facts f;

	c->peer.lmtp = c->came_to == SMTP_PORT_LMTP;
	c->peer.tls = c->tls != NULL;
	c->state = CONN_OPEN;
	c->session = smtp_session_new(&s->world, &c->peer, &c->out, conn_now(c));
	SMTP_COUNT(s->setup.counts, sessions);
	SMTP_COUNT(s->setup.counts, sessions_now);
	if (c->tls != NULL) {
		tls_facts(c->tls, &f);
		smtp_session_secured(c->session, f.version, f.cipher, conn_now(c));
	}
	if (s->draining)
		smtp_session_drain(c->session, false);
	smtp_session_press(c->session, s->pressed);
	smtp_session_begin(c->session, early, conn_now(c), clock_wall_ms());
}

void smtp_conn_secured(struct conn *c)
{
	struct tls_facts f;

	if (c->session == NULL) {
		greet(c, conn_waiting(c).n > 0);
		return;
	}
	tls_facts(c->tls, &f);
	smtp_session_secured(c->session, f.version, f.cipher, conn_now(c));
}

/* Nothing stands before the session any more but TLS. */
static void come_in(struct conn *c)
{
	if (c->came_to == SMTP_PORT_TLS) {
		c->state = CONN_SHAKES;
		c->until_ms = conn_now(c) + CONN_HANDSHAKE_MS;
		c->tls = tls_new(c->server->setup.tls);
	} else {
		greet(c, conn_waiting(c).n > 0 || has_spoken(c));
	}
}

/* ---- PROXY ---- */

static void refuse_proxy(struct conn *c)
{
	SMTP_COUNT(c->server->setup.counts, refused_connection);
	smtp_server_say(c->server, c, "a proxy without a PROXY header");
	smtp_conn_close(c);
}

/* "From this machine" is from another one if the proxy is on another one: its own address counts then, for what comes
 * from here may do more. */
static bool is_elsewhere(const struct conn *c, const struct proxy_source *from)
{
	return cidr_loopback(&from->source) && !cidr_loopback(&c->peer.address);
}

/* What the proxy says of its client; the rest of what came is the client's. */
static void believe(struct conn *c, const struct proxy_source *from)
{
	struct buf rest = { 0 };

	if (!from->local && !is_elsewhere(c, from)) {
		c->peer.address = from->source;
		c->peer.port = from->source_port;
		c->peer.local = from->to;
		if (!is_one_of(c))
			return;
	}
	if (c->came_to != SMTP_PORT_TLS) {
		come_in(c);
		return;
	}
	buf_put_span(&rest, conn_waiting(c));
	c->at = c->in.n = 0;
	come_in(c);
	smtp_conn_bring_in(c, buf_span(&rest));
	buf_fini(&rest);
}

void smtp_conn_begin_take(struct conn *c, struct span raw)
{
	struct proxy_source from = { 0 };
	size_t taken = 0;

	buf_put_span(&c->in, raw);
	switch (proxy_read(conn_waiting(c), &taken, &from)) {
	case PROXY_SHORT:
		break;
	case PROXY_DONE:
		c->at += taken;
		believe(c, &from);
		break;
	case PROXY_BAD:
		refuse_proxy(c);
	}
}

/* ---- all of it ---- */

void smtp_conn_begin(struct conn *c)
{
	struct smtp_server *s = c->server;
	const struct smtp_config *config = s->setup.config;

	if (c->io.stream.type == UV_TCP && !look(c)) {
		smtp_conn_close(c);
		return;
	}
	if (s->draining) {
		SMTP_COUNT(s->setup.counts, refused_connection);
		if (!turned(c))
			return;
	} else if (s->n - s->n_turned > s->limit) {
		turn_away(c, REPLY_TOO_MANY, "as many as smtp-connections allows");
		return;
	}
	if (c->peer.address.family != 0 && cidr_any(config->proxies, config->n_proxies, &c->peer.address)) {
		c->state = CONN_PROXY;
		c->until_ms = conn_now(c) + PROXY_MS;
	} else if (is_one_of(c)) {
		come_in(c);
	}
}
