/* Requests to the HTTP API: taken, read, and ended; see web.h. */
#include "broker/nsq/web.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "broker/nsq/json_out.h"
#include "broker/nsq/lookupd.h"
#include "broker/nsq/web_call.h"

/* Of bodies in memory, for each port; one more always fits. */
#define WEB_BODIES (UINT64_C(128) * 1024 * 1024)

static void end(struct web_call *c)
{
	list_remove(&c->node);
	c->w->n_calls--;
	buf_fini(&c->packed);
	stats_free(&c->stats);
	free(c);
}

void web_reply(struct web_call *c, unsigned status, const char *type, struct span body)
{
	struct http_reply reply = {
		.status = status, .type = type, .body = body, .allow = c->plan.allow, .plain = c->plan.act == API_PING
	};

	http_answer(c->http, &reply);
	end(c);
}

void web_say(struct web_call *c, unsigned status, const char *code)
{
	struct buf b;

	if (status == 200) {
		web_reply(c, status, code == NULL ? NULL : WEB_TEXT, span_str(code == NULL ? "" : code));
		return;
	}
	buf_init(&b);
	json_raw(&b, "{");
	json_key_text(&b, "message", span_str(code));
	json_raw(&b, "}");
	web_reply(c, status, WEB_JSON, buf_span(&b));
	buf_fini(&b);
}

void web_refused(struct web_call *c, enum sheaf_error e)
{
	char code[64];
	size_t n;

	switch (e) {
	case SHEAF_E_DRAINING:
		web_say(c, 503, "EXITING");
		return;
	case SHEAF_E_TOO_LARGE:
		web_say(c, 413, "MSG_TOO_BIG");
		return;
	case SHEAF_E_BAD_NAME:
		web_say(c, 400, "INVALID_TOPIC");
		return;
	default:
		/* what nsqd has no word for, as ours: FULL, BUSY, UNREACHABLE */
		n = text_format(code, sizeof code, "%s", sheaf_error_name(e));
		for (size_t i = 0; i < n; i++)
			code[i] =
			    code[i] == '-' ? '_' : (char)(code[i] >= 'a' && code[i] <= 'z' ? code[i] - 32 : code[i]);
		web_say(c, 503, code);
	}
}

/* With --nsq-tls-required a plain request hears this, whatever it asked for. */
static void say_tls(struct web_call *c)
{
	struct buf b;

	buf_init(&b);
	json_raw(&b, "{\"message\": \"TLS_REQUIRED\", \"https_port\": ");
	json_number(&b, web_tls_port(c->w));
	json_raw(&b, "}");
	web_reply(c, 403, WEB_JSON, buf_span(&b));
	buf_fini(&b);
}

static void carry_out(struct web_call *c)
{
	switch (c->plan.act) {
	case API_ANSWER:
		web_say(c, c->plan.status, c->plan.code);
		break;
	case API_PING:
		web_ping(c);
		break;
	case API_INFO:
		web_info(c);
		break;
	case API_PUBLISH:
		web_publish(c);
		break;
	case API_TOPIC_OP:
		web_topic_op(c);
		break;
	case API_STATS:
		web_stats(c);
		break;
	case API_LOOKUP:
		web_lookup(c);
		break;
	case API_CONFIG_GET:
		web_config_get(c);
		break;
	case API_CONFIG_PUT:
		web_config_put(c);
		break;
	}
}

static size_t on_head(void *arg, const struct http_request *head)
{
	const struct web *w = arg;

	return api_body_bound(&w->limits, head);
}

static void on_request(void *arg, struct http_call *http, const struct http_request *r)
{
	struct web *w = arg;
	struct web_call *c = malloc(sizeof *c);

	must(c != NULL);
	memset(c, 0, offsetof(struct web_call, query)); /* the query is large, and written when it is read */
	c->w = w;
	c->http = http;
	c->r = r;
	buf_init(&c->packed);
	list_push_back(&w->calls, &c->node);
	w->n_calls++;
	if (w->config->tls_required && !r->tls) {
		say_tls(c);
		return;
	}
	api_read(&w->limits, r, &c->query, &c->packed, &c->plan);
	carry_out(c);
}

static const struct http_calls calls = { .body_bound = on_head, .request = on_request };

static bool open_one(struct web *w, const struct edge_address *a, bool tls, uint32_t connections, struct http **out,
                     char err[HTTP_ERR])
{
	static const enum http_clients clients[] = { [TLS_CLIENTS_ANY] = HTTP_CLIENTS_ANY,
		                                     [TLS_CLIENTS_REQUIRE] = HTTP_CLIENTS_REQUIRE,
		                                     [TLS_CLIENTS_VERIFY] = HTTP_CLIENTS_VERIFY };
	const struct tls_config *t = &w->config->tls;
	struct http_options o = { .address = a->host,
		                  .port = a->port,
		                  .connections = connections,
		                  .bodies = WEB_BODIES + w->config->max_body };

	if (a->host[0] == 0)
		return true;
	if (tls) {
		o.cert = t->cert;
		o.key = t->key;
		o.ca = t->ca;
		o.clients = clients[t->clients];
		o.least_tls13 = t->min_version >= 13;
	}
	*out = http_open(w->loop, &o, &calls, w, err);
	return *out != NULL;
}

static void one_closed(void *arg)
{
	struct web *w = arg;

	if (--w->open > 0)
		return;
	if (w->closed != NULL)
		w->closed(w->closed_arg);
	free(w);
}

struct web *web_open(uv_loop_t *loop, const struct nsq_config *config, uint32_t connections, char err[HTTP_ERR])
{
	struct web *w = calloc(1, sizeof *w);

	must(w != NULL);
	w->loop = loop;
	w->config = config;
	w->limits = (struct api_limits){ .message_bytes = config->max_msg_size,
		                         .body_bytes = config->max_body,
		                         .defer_ms = config->max_req_ms };
	w->start_s = clock_wall_ms() / 1000;
	w->start_ns = clock_mono_ns();
	list_init(&w->calls);
	web_auth_init(&w->auth, loop, NULL);
	if (gethostname(w->hostname, sizeof w->hostname - 1) != 0)
		w->hostname[0] = 0;
	if (open_one(w, &config->http, false, connections, &w->http, err) &&
	    open_one(w, &config->https, true, connections, &w->https, err))
		return w;
	web_close(w, NULL, NULL);
	return NULL;
}

void web_run(struct web *w, const struct web_world *world)
{
	w->world = *world;
	web_auth_init(&w->auth, w->loop, world->auth);
}

uint16_t web_port(const struct web *w)
{
	return w->http == NULL ? 0 : http_port(w->http);
}

uint16_t web_tls_port(const struct web *w)
{
	return w->https == NULL ? 0 : http_port(w->https);
}

void web_drain(struct web *w)
{
	w->draining = true;
	if (w->http != NULL)
		http_drain(w->http);
	if (w->https != NULL)
		http_drain(w->https);
}

/* Nothing that was asked for it comes any more. */
static void disown(struct web_call *c)
{
	struct web *w = c->w;

	lookupd_forget(w->world.lookupd, c);
	hub_forget(w->world.hub, c);
}

void web_fail(struct web *w)
{
	web_drain(w);
	web_auth_fini(&w->auth); /* those who wait for it are calls, too */
	while (!list_empty(&w->calls)) {
		struct web_call *c = list_item(w->calls.next, struct web_call, node);

		disown(c);
		web_say(c, 503, "EXITING");
	}
}

uint32_t web_pending(const struct web *w)
{
	return w->n_calls;
}

void web_close(struct web *w, void (*closed)(void *arg), void *arg)
{
	w->closed = closed;
	w->closed_arg = arg;
	web_auth_fini(&w->auth);
	while (!list_empty(&w->calls)) {
		struct web_call *c = list_item(w->calls.next, struct web_call, node);

		disown(c);
		end(c);
	}
	w->open = 1 + (w->http != NULL) + (w->https != NULL);
	if (w->http != NULL)
		http_close(w->http, one_closed, w);
	if (w->https != NULL)
		http_close(w->https, one_closed, w);
	one_closed(w);
}
