/* /config: what it was told, by nsqd's names, and the two things that may be told anew; see web_call.h. */
#include <jansson.h>

#include "base/log.h"
#include "base/text.h"
#include "broker/nsq/json_out.h"
#include "broker/nsq/lookupd.h"
#include "broker/nsq/web_call.h"

#define MS_NS UINT64_C(1000000)

/* nsqd's numbers of the levels begin with 1. */
static const char *const levels[] = { "debug", "info", "warn", "error", "fatal" };

static void put_address(struct buf *b, const struct edge_address *a, uint16_t port)
{
	char text[LIMIT_ENDPOINT + 16];
	bool six = strchr(a->host, ':') != NULL, any = strcmp(a->host, "*") == 0;

	text_format(text, sizeof text, "%s%s%s:%u", six ? "[" : "", any ? "0.0.0.0" : a->host, six ? "]" : "", port);
	json_text(b, span_str(a->host[0] == 0 ? "" : text));
}

static void put_lookupds(struct buf *b, const struct lookupd *l)
{
	json_raw(b, "[");
	for (uint32_t i = 0; i < lookupd_count(l); i++) {
		json_raw(b, i > 0 ? "," : "");
		json_text(b, span_str(lookupd_address(l, i)));
	}
	json_raw(b, "]");
}

static void put_auth(struct buf *b, const struct nsq_config *o)
{
	json_raw(b, "[");
	for (uint32_t i = 0; i < o->n_auth; i++) {
		json_raw(b, i > 0 ? "," : "");
		json_text(b, span_str(o->auth[i]));
	}
	json_raw(b, "]");
}

struct number {
	const char *name;
	uint64_t value;
};

static bool put_number(struct buf *b, const struct nsq_config *o, struct span name)
{
	const struct number all[] = {
		{ "msg_timeout", o->msg_ms * MS_NS },
		{ "max_msg_timeout", o->max_msg_ms * MS_NS },
		{ "max_req_timeout", o->max_req_ms * MS_NS },
		{ "max_heartbeat_interval", o->max_heartbeat_ms * MS_NS },
		{ "max_msg_size", o->max_msg_size },
		{ "max_body_size", o->max_body },
		{ "max_rdy_count", o->max_rdy },
		{ "max_channel_consumers", o->max_consumers },
		{ "max_deflate_level", o->max_deflate },
		{ "log_level", (uint64_t)log_lowest() + 1 },
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (span_eq(name, span_str(all[i].name))) {
			json_number(b, all[i].value);
			return true;
		}
	return false;
}

/* Appends the option's value; false if there is no such option. */
static bool put_option(struct buf *b, const struct web *w, struct span name)
{
	const struct nsq_config *o = w->config;

	if (span_eq(name, span_str("nsqlookupd_tcp_addresses")))
		put_lookupds(b, w->world.lookupd);
	else if (span_eq(name, span_str("auth_http_addresses")))
		put_auth(b, o);
	else if (span_eq(name, span_str("tcp_address")))
		put_address(b, &o->tcp, w->world.tcp_port);
	else if (span_eq(name, span_str("http_address")))
		put_address(b, &o->http, web_port(w));
	else if (span_eq(name, span_str("https_address")))
		put_address(b, &o->https, web_tls_port(w));
	else if (span_eq(name, span_str("broadcast_address")))
		json_text(b, span_str(o->broadcast));
	else if (span_eq(name, span_str("tls_required")))
		json_bool(b, o->tls_required);
	else if (span_eq(name, span_str("deflate")) || span_eq(name, span_str("snappy")))
		json_bool(b, true);
	else
		return put_number(b, o, name);
	return true;
}

void web_config_get(struct web_call *c)
{
	struct buf b;

	buf_init(&b);
	if (put_option(&b, c->w, c->plan.option))
		web_reply(c, 200, WEB_JSON, buf_span(&b));
	else
		web_say(c, 400, "INVALID_OPTION");
	buf_fini(&b);
}

static bool set_level(struct span value)
{
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
		if (span_eq(value, span_str(levels[i]))) {
			/* nothing of ours is fatal without ending the program: errors are the least */
			log_set_lowest(i > LOG_ERROR ? LOG_ERROR : (enum log_level)i);
			return true;
		}
	return false;
}

static bool set_lookupds(struct lookupd *l, struct span value)
{
	json_t *list = json_loadb((const char *)value.p, value.n, 0, NULL), *j;
	const char *texts[LOOKUPD_PEERS];
	bool good = json_is_array(list) && json_array_size(list) <= LOOKUPD_PEERS;
	size_t i;

	if (good)
		json_array_foreach(list, i, j)
		{
			texts[i] = json_string_value(j);
			good = good && texts[i] != NULL;
		}
	good = good && lookupd_set(l, texts, (uint32_t)json_array_size(list));
	json_decref(list);
	return good;
}

void web_config_put(struct web_call *c)
{
	bool good;

	if (span_eq(c->plan.option, span_str("log_level"))) {
		good = set_level(c->r->body);
	} else if (span_eq(c->plan.option, span_str("nsqlookupd_tcp_addresses"))) {
		good = set_lookupds(c->w->world.lookupd, c->r->body);
	} else {
		web_say(c, 400, "INVALID_OPTION");
		return;
	}
	if (good)
		web_config_get(c);
	else
		web_say(c, 400, "INVALID_VALUE");
}
