/* See edge.h. */
#include "broker/nsq/edge.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "broker/edge/thread.h"
#include "broker/nsq/auth.h"
#include "broker/nsq/fetch.h"
#include "broker/nsq/hub_open.h"
#include "broker/nsq/lookupd.h"
#include "broker/nsq/server.h"
#include "broker/nsq/web.h"

enum {
	FILES_SHARE = 4,        /* of the descriptors that may be open one in so many is for NSQ's clients */
	AUTH_CONNECT_MS = 2000, /* an auth server's patience, as NSQ's */
	AUTH_ANSWER_MS = 5000
};

struct nsq_edge {
	const struct nsq_config *config;
	struct edge_thread *thread;
	struct tls_context *tls;
	struct server *server; /* NULL = there is no --nsq */
	struct web *web;       /* NULL = there is neither --nsq-http nor --nsq-https */
	struct hub *hub;
	struct fetch *fetch;
	struct auth *auth; /* NULL = there is no --nsq-auth */
	struct lookupd *lookupd;
	struct list subscribed;
	struct session_publisher via;
	struct session_world world;
	bool failing, stopping;
	void (*closed)(void *arg); /* is told when all parts are closed */
	void *closed_arg;
	char hostname[LIMIT_ENDPOINT];
	char addresses[4 * LIMIT_ENDPOINT];
};

/* ---- closing: one part after the other, the one that others use last ---- */

static void close_hub(void *arg)
{
	struct nsq_edge *e = arg;

	if (e->hub != NULL)
		hub_close(&e->hub, e->closed, e->closed_arg);
	else
		e->closed(e->closed_arg);
}

static void close_fetch(void *arg)
{
	struct nsq_edge *e = arg;

	if (e->fetch != NULL)
		auth_close(e->auth);
	if (e->fetch != NULL)
		fetch_close(e->fetch, close_hub, e);
	else
		close_hub(e);
}

static void close_lookupd(void *arg)
{
	struct nsq_edge *e = arg;

	if (e->lookupd != NULL)
		lookupd_close(e->lookupd, close_fetch, e);
	else
		close_fetch(e);
}

static void close_web(void *arg)
{
	struct nsq_edge *e = arg;

	if (e->web != NULL)
		web_close(e->web, close_lookupd, e);
	else
		close_lookupd(e);
}

static void close_all(void *arg, void (*closed)(void *closed_arg), void *closed_arg)
{
	struct nsq_edge *e = arg;

	e->stopping = true;
	e->closed = closed;
	e->closed_arg = closed_arg;
	if (e->server != NULL)
		server_close(e->server, close_web, e);
	else
		close_web(e);
}

/* ---- what the main thread tells ---- */

static void drain(void *arg)
{
	struct nsq_edge *e = arg;

	if (e->server != NULL)
		server_drain(e->server);
	if (e->web != NULL)
		web_drain(e->web);
}

static void fail(void *arg)
{
	struct nsq_edge *e = arg;

	e->failing = true;
	if (e->server != NULL)
		server_fail(e->server);
	if (e->web != NULL)
		web_fail(e->web);
}

static bool done(void *arg)
{
	struct nsq_edge *e = arg;

	return (e->server == NULL || server_connections(e->server) == 0) &&
	       (e->web == NULL || web_pending(e->web) == 0) && (e->failing || hub_idle(e->hub));
}

static const struct edge_work work = { .name = "NSQ", .drain = drain, .fail = fail, .done = done, .close = close_all };

/* ---- the beginning ---- */

static void add_address(struct nsq_edge *e, const char *name, const struct edge_address *a, uint16_t port)
{
	size_t n = strlen(e->addresses);
	bool six = strchr(a->host, ':') != NULL;

	text_format(e->addresses + n, sizeof e->addresses - n, " %s=%s%s%s:%u", name, six ? "[" : "", a->host,
	            six ? "]" : "", port);
}

static bool busy(void *arg)
{
	struct nsq_edge *e = arg;

	return hub_busy(e->hub);
}

static void eased(void *arg)
{
	struct nsq_edge *e = arg;

	if (e->server != NULL && !e->stopping)
		server_eased(e->server);
}

static uint32_t connections_by_files(void)
{
	struct rlimit r = { 0 };
	uint64_t n;

	getrlimit(RLIMIT_NOFILE, &r);
	n = r.rlim_cur / FILES_SHARE;
	return n > LIMIT_NSQ_CONNECTIONS ? LIMIT_NSQ_CONNECTIONS : n > 0 ? (uint32_t)n : 1;
}

static int bind_all(struct nsq_edge *e, char *err)
{
	const struct nsq_config *c = e->config;
	struct server_setup setup = { .loop = edge_thread_loop(e->thread),
		                      .config = c,
		                      .busy = busy,
		                      .busy_arg = e,
		                      .connections = c->connections > 0 ? c->connections : connections_by_files() };

	if (c->with_tls) {
		e->tls = tls_context_new(&c->tls, err);
		if (e->tls == NULL)
			return -1;
	}
	setup.tls = e->tls;
	if (c->tcp.host[0] != '\0') {
		e->server = server_open(&setup, err);
		if (e->server == NULL)
			return -1;
		add_address(e, "nsq", &c->tcp, server_port(e->server));
		log_line(LOG_INFO, "nsq-limits", "connections=%u", setup.connections);
	}
	if (c->http.host[0] == '\0' && c->https.host[0] == '\0')
		return 0;
	e->web = web_open(edge_thread_loop(e->thread), c, setup.connections, err);
	if (e->web == NULL)
		return -1;
	if (c->http.host[0] != '\0')
		add_address(e, "nsq-http", &c->http, web_port(e->web));
	if (c->https.host[0] != '\0')
		add_address(e, "nsq-https", &c->https, web_tls_port(e->web));
	return 0;
}

struct nsq_edge *nsq_edge_open(const struct nsq_config *c, char err[NSQ_EDGE_ERR])
{
	struct nsq_edge *e = calloc(1, sizeof *e);

	must(e != NULL);
	e->config = c;
	list_init(&e->subscribed);
	e->thread = edge_thread_new(&work, e, err);
	if (e->thread != NULL && bind_all(e, err) == 0)
		return e;
	nsq_edge_free(e);
	return NULL;
}

/* What is published waits until its topic's channels are there. */
static void publish_via(void *ctx, struct span topic, uint64_t defer_ms, uint32_t count, struct span packed,
                        hub_answer answer, void *arg)
{
	lookupd_publish(ctx, topic, defer_ms, count, packed, answer, arg);
}

static void forget_via(void *ctx, void *arg)
{
	lookupd_forget(ctx, arg);
}

/* Registers where --nsq-lookupd says; HTTP may name others later. */
static void open_lookupd(struct nsq_edge *e)
{
	const struct nsq_config *c = e->config;
	struct lookupd_setup setup = {
		.loop = edge_thread_loop(e->thread),
		.hub = e->hub,
		.fetch = e->fetch,
		.self = { .version = NSQ_VERSION, .hostname = e->hostname, .broadcast = c->broadcast },
		.addresses = e->config->lookupd,
		.n_addresses = c->n_lookupd
	};

	if (gethostname(e->hostname, sizeof e->hostname - 1) != 0 || e->hostname[0] == '\0')
		text_format(e->hostname, sizeof e->hostname, "localhost");
	if (e->server != NULL)
		setup.self.tcp_port = server_port(e->server);
	if (e->web != NULL)
		setup.self.http_port = web_port(e->web);
	e->lookupd = lookupd_open(&setup);
	e->via = (struct session_publisher){ .ctx = e->lookupd, .publish = publish_via, .forget = forget_via };
}

static void run_parts(struct nsq_edge *e)
{
	struct web_world web = { .hub = e->hub, .auth = e->auth, .lookupd = e->lookupd };

	e->world = (struct session_world){
		.hub = e->hub, .config = e->config, .auth = e->auth, .subscribed = &e->subscribed, .via = &e->via
	};
	if (e->server != NULL) {
		server_run(e->server, &e->world);
		web.clients = server_visit;
		web.owner = e->server;
		web.tcp_port = server_port(e->server);
	}
	if (e->web != NULL)
		web_run(e->web, &web);
}

int nsq_edge_start(struct nsq_edge *e, void *zmq_context, const char *endpoint, char err[NSQ_EDGE_ERR])
{
	e->hub = hub_open(edge_thread_loop(e->thread), zmq_context, endpoint);
	if (e->hub == NULL) {
		text_format(err, NSQ_EDGE_ERR, "the NSQ edge cannot connect to the broker: no socket is left");
		return -1;
	}
	hub_on_ease(e->hub, eased, e);
	e->fetch = fetch_open(edge_thread_loop(e->thread));
	if (e->fetch == NULL) {
		text_format(err, NSQ_EDGE_ERR, "the NSQ edge cannot ask other servers: libcurl does not begin");
		return -1;
	}
	e->auth = auth_open(e->fetch, &(struct auth_options){ .servers = (const char *const *)e->config->auth,
	                                                      .n_servers = e->config->n_auth,
	                                                      .post = e->config->auth_post,
	                                                      .connect_ms = AUTH_CONNECT_MS,
	                                                      .answer_ms = AUTH_ANSWER_MS });
	open_lookupd(e);
	run_parts(e);
	return edge_thread_start(e->thread, err);
}

const char *nsq_edge_addresses(const struct nsq_edge *e)
{
	return e->addresses;
}

/* ---- the end ---- */

void nsq_edge_drain(struct nsq_edge *e)
{
	edge_thread_drain(e->thread);
}

void nsq_edge_fail(struct nsq_edge *e)
{
	edge_thread_fail(e->thread);
}

bool nsq_edge_done(const struct nsq_edge *e)
{
	return edge_thread_done(e->thread);
}

void nsq_edge_free(struct nsq_edge *e)
{
	if (e == NULL)
		return;
	edge_thread_free(e->thread);
	server_free(e->server);
	tls_context_free(e->tls);
	free(e);
}
