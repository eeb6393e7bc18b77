/* See server.h. */
#include "broker/smtp/server.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/rand.h"
#include "broker/smtp/conn.h"

enum {
	SAID_MS = 10000,
	FILES_SHARE =
	    4, /* of the descriptors that may be open one in so many is a connection's; large mails have some, too */
	KEEPALIVE_S = 60,
	PRESSED_PERCENT = 80, /* of the connections: idle ones have less time */
	EASED_PERCENT = 70
};

/* ---- those who come ---- */

/* Strangers can cause these lines. */
static bool may_say(struct smtp_server *s)
{
	uint64_t now = uv_now(s->setup.loop);

	if (s->said_ms != 0 && now < s->said_ms + SAID_MS)
		return false;
	s->said_ms = now + 1;
	return true;
}

void smtp_server_say(struct smtp_server *s, const struct conn *c, const char *why)
{
	char peer[CIDR_TEXT];

	if (may_say(s))
		log_line(LOG_WARN, "smtp-refused", "connections=%u peer=%s %s", s->n, cidr_show(&c->peer.address, peer),
		         why);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct smtp_door *d = listener->data;
	struct smtp_server *s = d->server;

	if (status == 0) {
		smtp_conn_accept(d, listener);
		return;
	}
	/* Of descriptors libuv keeps one in reserve: with it those who wait are closed, so that the loop does not turn
	 * in vain, and it says nothing of that. This is when it cannot. */
	SMTP_COUNT(s->setup.counts, refused_connection);
	if (may_say(s))
		log_line(LOG_WARN, "smtp-refused", "connections=%u %s", s->n, uv_strerror(status));
}

void smtp_server_counted(struct smtp_server *s)
{
	uint64_t n = s->n - s->n_turned, percent = s->pressed ? EASED_PERCENT : PRESSED_PERCENT;
	bool pressed = n * 100 > s->limit * percent;

	if (pressed == s->pressed || s->closing)
		return;
	s->pressed = pressed;
	for (struct list *l = s->all.next; l != &s->all; l = l->next) {
		struct conn *c = list_item(l, struct conn, all);

		if (c->state != CONN_OPEN)
			continue;
		smtp_session_press(c->session, pressed);
		smtp_conn_retime(c, false);
	}
}

/* ---- listening ---- */

static bool open_door(struct smtp_server *s, enum smtp_port which, char *err)
{
	static const char *const options[SMTP_PORTS] = { "listen", "tls-listen", "lmtp" };
	const struct smtp_config *c = s->setup.config;
	const struct edge_address *at[SMTP_PORTS] = { &c->smtp, &c->tls, &c->lmtp };
	struct smtp_door *d = &s->doors[which];
	bool good;

	d->server = s;
	d->which = which;
	if (at[which]->host[0] == '\0')
		return true;
	good = edge_listen_open(&d->listen, s->setup.loop, at[which], on_connection, d, options[which], err,
	                        SMTP_SERVER_ERR);
	s->handles += d->listen.n;
	for (uint32_t i = 0; good && !d->listen.is_path && i < d->listen.n; i++) { /* connections inherit these */
		uv_tcp_nodelay(&d->listen.v[i].tcp, 1);
		uv_tcp_keepalive(&d->listen.v[i].tcp, 1, KEEPALIVE_S);
	}
	return good;
}

static uint32_t limit_by_files(void)
{
	struct rlimit r = { 0 };
	uint64_t n;

	getrlimit(RLIMIT_NOFILE, &r);
	n = r.rlim_cur / FILES_SHARE;
	return n > LIMIT_MAIL_SESSIONS ? LIMIT_MAIL_SESSIONS : n > 0 ? (uint32_t)n : 1;
}

/* ---- life ---- */

struct smtp_server *smtp_server_open(const struct smtp_server_setup *setup, char err[SMTP_SERVER_ERR])
{
	struct smtp_server *s = calloc(1, sizeof *s);
	bool good = true;

	must(s != NULL);
	must(setup->tls != NULL || (!setup->config->with_tls && setup->config->tls.host[0] == '\0'));
	s->setup = *setup;
	s->world = (struct smtp_world){ setup->config, setup->counts, setup->spools };
	s->limit = setup->config->connections > 0 ? setup->config->connections : limit_by_files();
	s->room = malloc(CONN_READ);
	must(s->room != NULL);
	list_init(&s->all);
	peers_init(&s->peers, rand_os());
	passwords_init(&s->passwords, setup->loop, setup->config->users);
	edge_timers_open(&s->timers, setup->loop, smtp_conn_tick);
	for (int i = 0; i < SMTP_PORTS && good; i++)
		good = open_door(s, (enum smtp_port)i, err);
	if (good)
		return s;
	smtp_server_close(s, NULL, NULL);
	while (s->handles > 0)
		uv_run(setup->loop, UV_RUN_ONCE);
	smtp_server_free(s);
	return NULL;
}

void smtp_server_run(struct smtp_server *s, struct store *store)
{
	s->store = store;
}

uint16_t smtp_server_port(const struct smtp_server *s, enum smtp_port which)
{
	return s->doors[which].listen.port;
}

uint32_t smtp_server_limit(const struct smtp_server *s)
{
	return s->limit;
}

uint32_t smtp_server_connections(const struct smtp_server *s)
{
	return s->n - s->n_turned;
}

/* Who is not greeted yet is not waited for, and at the deadline nobody is. */
static void drain_one(struct conn *c, bool now)
{
	if (c->state == CONN_OPEN) {
		smtp_session_drain(c->session, now);
		smtp_conn_go(c);
	} else if (c->state < CONN_OPEN && now) {
		smtp_conn_close(c);
	} else if (c->state < CONN_OPEN && !c->turned) {
		c->turned = true;
		c->server->n_turned++;
	}
}

void smtp_server_drain(struct smtp_server *s, bool now)
{
	struct list *next;

	s->draining = true;
	for (struct list *l = s->all.next; l != &s->all; l = next) {
		next = l->next;
		drain_one(list_item(l, struct conn, all), now);
	}
}

void smtp_server_fail(struct smtp_server *s)
{
	smtp_server_drain(s, true);
}

bool smtp_server_done(const struct smtp_server *s)
{
	return s->n == s->n_turned;
}

static void closed_handle(void *arg)
{
	smtp_server_left(arg);
}

static void on_door_closed(uv_handle_t *h)
{
	struct smtp_door *d = h->data;

	smtp_server_left(d->server);
}

/* The listeners go when all else has gone. */
void smtp_server_left(struct smtp_server *s)
{
	uint32_t listening = 0;

	s->handles--;
	if (!s->closing)
		return;
	for (int i = 0; i < SMTP_PORTS; i++)
		listening += s->doors[i].listen.n;
	if (s->handles == listening)
		for (int i = 0; i < SMTP_PORTS; i++)
			edge_listen_close(&s->doors[i].listen, on_door_closed);
	if (s->handles == 0 && s->closed != NULL)
		s->closed(s->arg);
}

void smtp_server_close(struct smtp_server *s, void (*closed)(void *arg), void *arg)
{
	must(!s->closing);
	s->closing = s->draining = true;
	s->closed = closed;
	s->arg = arg;
	while (!list_empty(&s->all))
		smtp_conn_close(list_item(s->all.next, struct conn, all));
	s->handles += 2; /* these */
	edge_timers_close(&s->timers, closed_handle, s);
	passwords_stop(&s->passwords, closed_handle, s);
}

void smtp_server_free(struct smtp_server *s)
{
	if (s == NULL)
		return;
	must(s->handles == 0 && list_empty(&s->all));
	edge_timers_fini(&s->timers);
	peers_fini(&s->peers);
	free(s->room);
	free(s);
}
