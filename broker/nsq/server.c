/* See server.h. */
#include "broker/nsq/server.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "broker/nsq/conn.h"

enum { BACKLOG = 1024, QUIET_MS = 10000 };

/* ---- the turn ---- */

static void set_timer(struct server *s);

static void on_time(uv_timer_t *t)
{
	struct server *s = t->data;
	struct heap_item *it;

	s->next_ms = UINT64_MAX;
	while ((it = heap_min(&s->timers)) != NULL && it->key <= uv_now(s->setup.loop))
		conn_tick(list_item(it, struct conn, timer)); /* moves it, or takes it out */
	set_timer(s);
}

static void set_timer(struct server *s)
{
	struct heap_item *it = heap_min(&s->timers);
	uint64_t now = uv_now(s->setup.loop);

	if (it == NULL || it->key >= s->next_ms)
		return;
	s->next_ms = it->key;
	uv_timer_start(&s->timer, on_time, it->key > now ? it->key - now : 0, 0);
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
	set_timer(s);
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

static int fail(struct server *s, const char *what, int status, char *err)
{
	const struct edge_address *a = &s->setup.config->tcp;
	bool six = strchr(a->host, ':') != NULL;

	text_format(err, SERVER_ERR, "--nsq: cannot %s %s%s%s:%u: %s", what, six ? "[" : "", a->host, six ? "]" : "",
	            a->port, uv_strerror(status));
	return -1;
}

static void closed_one(uv_handle_t *h);

static int listen_at(struct server *s, const struct sockaddr *address, char *err)
{
	uv_tcp_t *l = &s->listeners[s->n_listeners];
	struct sockaddr_storage bound;
	int n = sizeof bound, status;

	must(uv_tcp_init(s->setup.loop, l) == 0);
	l->data = s;
	s->n_listeners++;
	s->handles++;
	status = uv_tcp_bind(l, address, 0);
	if (status == 0)
		status = uv_listen((uv_stream_t *)l, BACKLOG, on_connection);
	if (status == 0)
		status = uv_tcp_getsockname(l, (struct sockaddr *)&bound, &n);
	if (status != 0)
		return fail(s, "listen on", status, err);
	s->port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
	                                            : ((struct sockaddr_in *)&bound)->sin_port);
	return 0;
}

/* Every address of the name; with port 0 all get the one that the first has got. */
static int listen_all(struct server *s, char *err)
{
	const struct edge_address *a = &s->setup.config->tcp;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *one;
	bool any = strcmp(a->host, "*") == 0;
	struct sockaddr_in6 six;
	uv_getaddrinfo_t found;
	int status;

	if (any && uv_ip6_addr("::", a->port, &six) == 0) { /* IPv4 as well */
		if (listen_at(s, (struct sockaddr *)&six, err) == 0)
			return 0;
		hints.ai_family = AF_INET; /* a machine without IPv6 */
	}
	status = uv_getaddrinfo(s->setup.loop, &found, NULL, any ? "0.0.0.0" : a->host, NULL, &hints);
	if (status != 0)
		return fail(s, "find", status, err);
	for (one = found.addrinfo; one != NULL && s->n_listeners < 4; one = one->ai_next) {
		uint16_t port = htons(s->n_listeners > 0 ? s->port : a->port);

		if (one->ai_family == AF_INET6)
			((struct sockaddr_in6 *)one->ai_addr)->sin6_port = port;
		else
			((struct sockaddr_in *)one->ai_addr)->sin_port = port;
		if ((status = listen_at(s, one->ai_addr, err)) != 0)
			break;
	}
	uv_freeaddrinfo(found.addrinfo);
	return status;
}

static void stop_listening(struct server *s)
{
	for (uint32_t i = 0; i < s->n_listeners; i++)
		if (!uv_is_closing((uv_handle_t *)&s->listeners[i]))
			uv_close((uv_handle_t *)&s->listeners[i], closed_one);
}

/* ---- life ---- */

struct server *server_open(const struct server_setup *setup, char err[SERVER_ERR])
{
	struct server *s = calloc(1, sizeof *s);

	must(s != NULL);
	s->setup = *setup;
	s->next_ms = UINT64_MAX;
	s->room = malloc(CONN_READ);
	must(s->room != NULL);
	list_init(&s->all);
	list_init(&s->dirty);
	list_init(&s->subscribed);
	heap_init(&s->timers);
	must(uv_timer_init(setup->loop, &s->timer) == 0 && uv_prepare_init(setup->loop, &s->prepare) == 0 &&
	     uv_idle_init(setup->loop, &s->idle) == 0);
	s->timer.data = s->prepare.data = s->idle.data = s;
	s->handles = 3;
	if (listen_all(s, err) == 0)
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
	return s->port;
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

static void closed_one(uv_handle_t *h)
{
	struct server *s = h->data;

	s->handles--;
	all_gone(s);
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
	uv_close((uv_handle_t *)&s->timer, closed_one);
	uv_close((uv_handle_t *)&s->prepare, closed_one);
	uv_close((uv_handle_t *)&s->idle, closed_one);
}

void server_free(struct server *s)
{
	if (s == NULL)
		return;
	must(s->handles == 0 && s->n == 0);
	heap_fini(&s->timers);
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
