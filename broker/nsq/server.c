/* See server.h. */
#include "broker/nsq/server.h"

#include <stdlib.h>

#include "base/log.h"
#include "broker/nsq/conn.h"

enum { QUIET_MS = 10000 };

/* ---- the turn ---- */

static void on_due(struct heap_item *it)
{
	conn_tick(list_item(it, struct conn, timer)); /* moves it, or takes it out */
}

static void on_idle(uv_idle_t *idle)
{
	(void)idle; /* that it runs keeps the loop awake */
}

void server_stay_awake(struct server *s)
{
	uv_idle_start(&s->idle, on_idle);
}

/* The end of a turn of the loop, before it sleeps. Whoever is marked meanwhile has the next turn. */
static void on_prepare(uv_prepare_t *p)
{
	struct server *s = p->data;
	uint32_t n = 0;

	for (struct list *l = s->dirty.next; l != &s->dirty; l = l->next)
		n++;
	for (; n > 0 && !list_empty(&s->dirty); n--)
		conn_turn(list_item(s->dirty.next, struct conn, dirty));
	if (s->closing)
		return;
	if (list_empty(&s->dirty))
		uv_idle_stop(&s->idle);
}

static void woke(void *owner)
{
	conn_mark(owner);
}

/* ---- listening ---- */

/* Strangers can cause these lines. */
static void say_quietly(struct server *s, const char *what)
{
	uint64_t now = uv_now(s->setup.loop);

	if (s->said_ms != 0 && now < s->said_ms + QUIET_MS)
		return;
	s->said_ms = now;
	log_line(LOG_WARN, "nsq-refused", "connections=%u %s", s->n, what);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct server *s = listener->data;

	if (status != 0) { /* no descriptor left, say: libuv has closed that connection, and goes on */
		say_quietly(s, uv_strerror(status));
		return;
	}
	if (s->n >= s->setup.connections)
		say_quietly(s, "as many as --nsq-connections allows");
	conn_accept(s, listener);
}

static void closed_one(uv_handle_t *h);

static void stop_listening(struct server *s)
{
	edge_listen_close(&s->listen, closed_one);
}

/* ---- life ---- */

struct server *server_open(const struct server_setup *setup, char err[SERVER_ERR])
{
	struct server *s = calloc(1, sizeof *s);
	bool good;

	must(s != NULL);
	s->setup = *setup;
	s->room = malloc(CONN_READ);
	must(s->room != NULL);
	list_init(&s->all);
	list_init(&s->dirty);
	list_init(&s->subscribed);
	edge_timers_open(&s->timers, setup->loop, on_due);
	must(uv_prepare_init(setup->loop, &s->prepare) == 0 && uv_idle_init(setup->loop, &s->idle) == 0);
	s->prepare.data = s->idle.data = s;
	good = edge_listen_open(&s->listen, setup->loop, &setup->config->tcp, on_connection, s, "nsq", err, SERVER_ERR);
	s->handles = 3 + s->listen.n;
	if (good)
		return s;
	server_close(s, NULL, NULL);
	while (s->handles > 0)
		uv_run(setup->loop, UV_RUN_ONCE);
	server_free(s);
	return NULL;
}

void server_run(struct server *s, const struct session_world *world)
{
	s->world = *world;
	s->world.woke = woke;
	s->world.subscribed = &s->subscribed;
	uv_prepare_start(&s->prepare, on_prepare);
}

uint16_t server_port(const struct server *s)
{
	return s->listen.port;
}

uint32_t server_connections(const struct server *s)
{
	return s->n;
}

static void for_each(struct server *s, void (*what)(struct session *))
{
	for (struct list *l = s->all.next; l != &s->all; l = l->next) {
		struct conn *c = list_item(l, struct conn, all);

		if (c->state != CONN_OPEN)
			continue;
		what(c->session);
		conn_mark(c);
	}
}

void server_eased(struct server *s)
{
	for (struct list *l = s->all.next; l != &s->all; l = l->next) {
		struct conn *c = list_item(l, struct conn, all);

		if (c->held)
			conn_mark(c);
	}
}

void server_drain(struct server *s)
{
	s->draining = true;
	stop_listening(s);
	for_each(s, session_drain);
}

void server_fail(struct server *s)
{
	s->draining = true;
	stop_listening(s);
	for_each(s, session_failed);
}

static void all_gone(struct server *s)
{
	if (s->handles == 0 && s->n == 0 && s->closed != NULL)
		s->closed(s->arg);
}

static void closed_timers(void *arg)
{
	struct server *s = arg;

	s->handles--;
	all_gone(s);
}

static void closed_one(uv_handle_t *h)
{
	closed_timers(h->data);
}

void server_left(struct server *s, struct conn *c)
{
	(void)c;
	s->n--;
	all_gone(s);
}

void server_close(struct server *s, void (*closed)(void *arg), void *arg)
{
	must(!s->closing);
	s->closing = s->draining = true;
	s->closed = closed;
	s->arg = arg;
	stop_listening(s);
	for (struct list *l = s->all.next; l != &s->all; l = l->next)
		conn_close(list_item(l, struct conn, all));
	edge_timers_close(&s->timers, closed_timers, s);
	uv_close((uv_handle_t *)&s->prepare, closed_one);
	uv_close((uv_handle_t *)&s->idle, closed_one);
}

void server_free(struct server *s)
{
	if (s == NULL)
		return;
	must(s->handles == 0 && s->n == 0);
	edge_timers_fini(&s->timers);
	free(s->room);
	free(s);
}

void server_visit(void *owner, nsq_client_visit visit, void *arg)
{
	struct server *s = owner;

	for (struct list *l = s->all.next; l != &s->all; l = l->next) {
		struct conn *c = list_item(l, struct conn, all);
		struct nsq_client_stat st = { 0 };
		struct tls_facts f;

		if (c->state != CONN_OPEN)
			continue;
		session_stat(c->session, &st);
		st.remote = span_str(c->peer);
		st.connected_s = c->connected_s;
		st.snappy = c->layers.snappy;
		st.deflate = c->layers.deflate != NULL;
		if (c->layers.tls != NULL && !layers_shaking(&c->layers)) {
			tls_facts(c->layers.tls, &f);
			st.tls = true;
			st.tls_mutual = f.common_name[0] != '\0';
			st.tls_cipher = span_str(f.cipher);
			st.tls_version = span_str(f.version);
		}
		visit(arg, &st);
	}
}
