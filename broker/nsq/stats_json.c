/* /stats?format=json; see stats.h. Keys stand in nsqd's order. */
#include "broker/nsq/json_out.h"
#include "broker/nsq/stats.h"

/* Everything but what is ephemeral lies on disk, and only there. */
static uint64_t on_disk(const struct msg_topic_rec *r)
{
	return (r->flags & TOPIC_EPHEMERAL) != 0 ? 0 : r->depth;
}

static void put_latency(struct buf *b)
{
	json_key(b, "e2e_processing_latency");
	json_raw(b, "{\"count\":0,\"percentiles\":null}");
}

static void put_pub_counts(struct buf *b, const struct stats_view *v, const struct nsq_client_stat *c)
{
	bool any = false;

	for (uint32_t i = 0; i < c->n_published; i++) {
		const struct nsq_pub_count *p = &c->published[i];

		if (v->topic.n > 0 && !span_eq(p->topic, v->topic))
			continue;
		if (!any)
			json_key(b, "pub_counts");
		json_raw(b, any ? ",{" : "[{");
		json_key_text(b, "topic", p->topic);
		json_key_number(b, "count", p->count);
		json_raw(b, "}");
		any = true;
	}
	if (any)
		json_raw(b, "]");
}

static void put_client(struct buf *b, const struct stats_view *v, const struct nsq_client_stat *c)
{
	json_raw(b, "{");
	json_key_text(b, "client_id", c->client_id);
	json_key_text(b, "hostname", c->hostname);
	json_key_text(b, "version", span_str("V2"));
	json_key_text(b, "remote_address", c->remote);
	json_key_number(b, "state", c->state);
	json_key_number(b, "ready_count", c->ready);
	json_key_number(b, "in_flight_count", c->in_flight);
	json_key_number(b, "message_count", c->messages);
	json_key_number(b, "finish_count", c->finished);
	json_key_number(b, "requeue_count", c->requeued);
	json_key_number(b, "connect_ts", c->connected_s);
	json_key_number(b, "sample_rate", c->sample_rate);
	json_key_bool(b, "deflate", c->deflate);
	json_key_bool(b, "snappy", c->snappy);
	json_key_text(b, "user_agent", c->user_agent);
	if (c->authed)
		json_key_bool(b, "authed", true);
	if (c->identity.n > 0)
		json_key_text(b, "auth_identity", c->identity);
	if (c->identity_url.n > 0)
		json_key_text(b, "auth_identity_url", c->identity_url);
	json_key_text(b, "topology_zone", c->zone);
	json_key_text(b, "topology_region", c->region);
	put_pub_counts(b, v, c);
	json_key_bool(b, "tls", c->tls);
	json_key_text(b, "tls_cipher_suite", c->tls_cipher);
	json_key_text(b, "tls_version", c->tls_version);
	json_key_text(b, "tls_negotiated_protocol", span_str(""));
	json_key_bool(b, "tls_negotiated_protocol_is_mutual", c->tls_mutual);
	json_raw(b, "}");
}

static void put_channel(const struct stats *s, const struct stats_view *v, const struct msg_topic_rec *r, struct buf *b)
{
	const struct nsq_client_stat *clients;
	uint32_t n;

	json_raw(b, "{");
	json_key_text(b, "channel_name", r->channel);
	json_key_number(b, "depth", r->depth);
	json_key_number(b, "backend_depth", on_disk(r));
	json_key_number(b, "in_flight_count", r->in_hand);
	json_key_number(b, "deferred_count", r->deferred);
	json_key_number(b, "message_count", r->messages);
	json_key_number(b, "requeue_count", r->requeued);
	json_key_number(b, "timeout_count", r->timed_out);
	json_key_number(b, "client_count", r->consumers);
	json_key(b, "clients");
	if (v->clients) {
		clients = stats_clients_of(s, r, &n);
		json_raw(b, "[");
		for (uint32_t i = 0; i < n; i++) {
			json_raw(b, i > 0 ? "," : "");
			put_client(b, v, &clients[i]);
		}
		json_raw(b, "]");
	} else {
		json_raw(b, "null");
	}
	json_key_bool(b, "paused", (r->flags & TOPIC_PAUSED) != 0);
	put_latency(b);
	json_raw(b, "}");
}

static void put_topic(const struct stats *s, const struct stats_view *v, const struct stats_topic *t, struct buf *b)
{
	const struct msg_topic_rec *r = t->row;
	bool any = false;

	json_raw(b, "{");
	json_key_text(b, "topic_name", r->topic);
	json_key(b, "channels");
	json_raw(b, "[");
	for (uint32_t i = 0; i < t->n; i++) {
		if (!stats_shows(v, &t->channels[i]))
			continue;
		json_raw(b, any ? "," : "");
		put_channel(s, v, &t->channels[i], b);
		any = true;
	}
	json_raw(b, "]");
	json_key_number(b, "depth", r->depth);
	json_key_number(b, "backend_depth", on_disk(r));
	json_key_number(b, "message_count", r->messages);
	json_key_number(b, "message_bytes", r->bytes);
	json_key_bool(b, "paused", (r->flags & TOPIC_PAUSED) != 0);
	put_latency(b);
	json_raw(b, "}");
}

static void put_memory(const struct stats_view *v, struct buf *b)
{
	json_key(b, "memory");
	json_raw(b, "{");
	json_key_number(b, "heap_objects", 0);
	json_key_number(b, "heap_idle_bytes", v->heap_idle);
	json_key_number(b, "heap_in_use_bytes", v->heap_in_use);
	json_key_number(b, "heap_released_bytes", 0);
	json_key_number(b, "gc_pause_usec_100", 0);
	json_key_number(b, "gc_pause_usec_99", 0);
	json_key_number(b, "gc_pause_usec_95", 0);
	json_key_number(b, "next_gc_bytes", 0);
	json_key_number(b, "gc_total_runs", 0);
	json_raw(b, "}");
}

static void put_producers(const struct stats *s, const struct stats_view *v, struct buf *b)
{
	bool any = false;

	json_raw(b, "[");
	for (uint32_t i = 0; i < s->n_clients; i++) {
		if (s->clients[i].n_published == 0)
			continue;
		json_raw(b, any ? "," : "");
		put_client(b, v, &s->clients[i]);
		any = true;
	}
	json_raw(b, "]");
}

/* Is there a topic of the name that was asked for? */
static bool known(const struct stats *s, const struct stats_view *v)
{
	for (uint32_t i = 0; i < s->n_rows; i++)
		if (span_eq(s->rows[i].topic, v->topic))
			return true;
	return v->topic.n == 0;
}

void stats_json(const struct stats *s, const struct stats_view *v, struct buf *out)
{
	bool topics = known(s, v), any = false;
	struct stats_topic t;
	uint32_t at = 0;

	json_raw(out, "{");
	json_key_text(out, "version", span_str(v->version));
	json_key_text(out, "health", span_str(v->health));
	json_key_number(out, "start_time", v->start_s);
	json_key(out, "topics");
	json_raw(out, topics ? "[" : "null");
	while (topics && stats_next(s, v, &at, &t)) {
		json_raw(out, any ? "," : "");
		put_topic(s, v, &t, out);
		any = true;
	}
	json_raw(out, topics ? "]" : "");
	if (v->memory)
		put_memory(v, out);
	json_key(out, "producers");
	if (v->clients && topics)
		put_producers(s, v, out);
	else
		json_raw(out, "null");
	json_raw(out, "}");
}
