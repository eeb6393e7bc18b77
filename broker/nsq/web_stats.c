/* What the HTTP API tells: /ping, /info, /stats, /lookup; see web_call.h. */
#include <malloc.h>

#include "base/clock.h"
#include "base/text.h"
#include "broker/nsq/json_out.h"
#include "broker/nsq/session.h"
#include "broker/nsq/web_call.h"
#include "proto/codec.h"

#define MS_NS UINT64_C(1000000)

/* What IDENTIFY may ask for, at most, as in NSQ. */
#define NSQ_MAX_BUFFER    65536
#define NSQ_MAX_BUFFER_MS 30000

const char *web_health(const struct web *w)
{
	return hub_connected(w->world.hub) ? "OK" : "NOK - the broker does not answer";
}

void web_ping(struct web_call *c)
{
	const char *health = web_health(c->w);

	web_reply(c, health[0] == 'O' ? 200 : 500, WEB_TEXT, span_str(health));
}

void web_info(struct web_call *c)
{
	const struct web *w = c->w;
	const struct nsq_config *o = w->config;
	struct buf b;

	buf_init(&b);
	json_raw(&b, "{");
	json_key_text(&b, "version", span_str(NSQ_VERSION));
	json_key_text(&b, "broadcast_address", span_str(o->broadcast));
	json_key_text(&b, "hostname", span_str(w->hostname));
	json_key_number(&b, "http_port", web_port(w));
	json_key_number(&b, "tcp_port", w->world.tcp_port);
	json_key_number(&b, "start_time", w->start_s);
	json_key_number(&b, "max_heartbeat_interval", o->max_heartbeat_ms * MS_NS);
	json_key_number(&b, "max_output_buffer_size", NSQ_MAX_BUFFER);
	json_key_number(&b, "max_output_buffer_timeout", NSQ_MAX_BUFFER_MS * MS_NS);
	json_key_number(&b, "max_deflate_level", o->max_deflate);
	json_key_text(&b, "topology_zone", span_str(""));
	json_key_text(&b, "topology_region", span_str(""));
	json_raw(&b, "}");
	web_reply(c, 200, WEB_JSON, buf_span(&b));
	buf_fini(&b);
}

/* ---- /stats ---- */

static void on_client(void *arg, const struct nsq_client_stat *client)
{
	stats_add_client(arg, client);
}

static void tell(struct web_call *c)
{
	struct web *w = c->w;
	struct mallinfo2 heap = mallinfo2();
	struct stats_view v = {
		.version = NSQ_VERSION,
		.health = web_health(w),
		.start_s = w->start_s,
		.now_s = clock_wall_ms() / 1000,
		.uptime_ns = clock_mono_ns() - w->start_ns,
		.topic = c->plan.topic,
		.channel = c->plan.channel,
		.clients = c->plan.clients,
		.memory = c->plan.memory,
		.heap_in_use = heap.uordblks + heap.hblkhd,
		.heap_idle = heap.fordblks,
	};
	struct buf b;

	if (c->plan.clients && w->world.clients != NULL)
		w->world.clients(w->world.owner, on_client, &c->stats);
	stats_sort(&c->stats);
	buf_init(&b);
	(c->plan.json ? stats_json : stats_text)(&c->stats, &v, &b);
	web_reply(c, 200, c->plan.json ? WEB_JSON : WEB_TEXT, buf_span(&b));
	buf_fini(&b);
}

/* Gathers rows. True: all are there, or there is no such topic. */
static bool gather(struct web_call *c, enum sheaf_error error, const struct msg_topics_info *info, bool more)
{
	for (uint32_t i = 0; error == SHEAF_OK && i < info->n; i++)
		stats_add_row(&c->stats, &info->v[i]);
	return error != SHEAF_OK || !more;
}

static void on_stats_rows(void *arg, enum sheaf_error error, const struct msg_topics_info *info, bool more)
{
	struct web_call *c = arg;

	if (error != SHEAF_OK && error != SHEAF_E_UNKNOWN)
		web_refused(c, error);
	else if (gather(c, error, info, more))
		tell(c);
}

void web_stats(struct web_call *c)
{
	bool one = c->plan.topic.n > 0;

	if (one && !name_topic_ok(c->plan.topic))
		tell(c); /* there cannot be such a topic */
	else
		hub_topics(c->w->world.hub, one ? c->plan.topic : span_str(""), 0, on_stats_rows, c);
}

/* ---- /lookup: as an nsqlookupd that knows this broker only ---- */

static void tell_lookup(struct web_call *c)
{
	const struct web *w = c->w;
	char remote[LIMIT_ENDPOINT + 16];
	bool any = false;
	struct buf b;

	text_format(remote, sizeof remote, "%s:%u", w->config->broadcast, w->world.tcp_port);
	stats_sort(&c->stats);
	buf_init(&b);
	json_raw(&b, "{\"channels\":[");
	for (uint32_t i = 0; i < c->stats.n_rows; i++) {
		if (c->stats.rows[i].channel.n == 0)
			continue;
		json_raw(&b, any ? "," : "");
		json_text(&b, c->stats.rows[i].channel);
		any = true;
	}
	json_raw(&b, "],\"producers\":[{");
	json_key_text(&b, "remote_address", span_str(remote));
	json_key_text(&b, "hostname", span_str(w->hostname));
	json_key_text(&b, "broadcast_address", span_str(w->config->broadcast));
	json_key_number(&b, "tcp_port", w->world.tcp_port);
	json_key_number(&b, "http_port", web_port(w));
	json_key_text(&b, "version", span_str(NSQ_VERSION));
	json_key_text(&b, "topology_zone", span_str(""));
	json_key_text(&b, "topology_region", span_str(""));
	json_raw(&b, "}]}");
	web_reply(c, 200, WEB_JSON, buf_span(&b));
	buf_fini(&b);
}

static void on_lookup_rows(void *arg, enum sheaf_error error, const struct msg_topics_info *info, bool more)
{
	struct web_call *c = arg;

	if (error != SHEAF_OK && error != SHEAF_E_UNKNOWN) {
		web_refused(c, error);
	} else if (gather(c, error, info, more)) {
		if (c->stats.n_rows == 0)
			web_say(c, 404, "TOPIC_NOT_FOUND");
		else
			tell_lookup(c);
	}
}

void web_lookup(struct web_call *c)
{
	hub_topics(c->w->world.hub, c->plan.topic, 0, on_lookup_rows, c);
}
