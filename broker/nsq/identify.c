/* IDENTIFY: what a client says of itself and asks for, as JSON; what is agreed upon goes back, as JSON. */
#include <jansson.h>
#include <stdlib.h>
#include <strings.h>

#include "broker/nsq/session_state.h"

enum {
	HEARTBEAT_LEAST = 1000,
	BUFFER_LEAST = 64,
	BUFFER_MOST = 65536,
	BUFFER_MS_LEAST = 25,
	BUFFER_MS_MOST = 30000,
	MSG_LEAST = 1000,
	SAMPLE_MOST = 99,
	DEFLATE_LEVEL = 6
};

/* What it asks for, unchecked. */
struct wishes {
	const char *client_id, *hostname, *user_agent, *region, *zone; /* borrowed from the JSON; NULL = not said */
	json_int_t heartbeat, buffer_size, buffer_ms, sample, msg_ms, deflate_level;
	int negotiate, tls, snappy, deflate;
};

enum wish_type { WISH_TEXT, WISH_NUMBER, WISH_FLAG };

static const struct wish {
	const char *name;
	enum wish_type type;
	size_t at;
} wishes[] = {
	{ "client_id", WISH_TEXT, offsetof(struct wishes, client_id) },
	{ "hostname", WISH_TEXT, offsetof(struct wishes, hostname) },
	{ "user_agent", WISH_TEXT, offsetof(struct wishes, user_agent) },
	{ "topology_region", WISH_TEXT, offsetof(struct wishes, region) },
	{ "topology_zone", WISH_TEXT, offsetof(struct wishes, zone) },
	{ "heartbeat_interval", WISH_NUMBER, offsetof(struct wishes, heartbeat) },
	{ "output_buffer_size", WISH_NUMBER, offsetof(struct wishes, buffer_size) },
	{ "output_buffer_timeout", WISH_NUMBER, offsetof(struct wishes, buffer_ms) },
	{ "sample_rate", WISH_NUMBER, offsetof(struct wishes, sample) },
	{ "msg_timeout", WISH_NUMBER, offsetof(struct wishes, msg_ms) },
	{ "deflate_level", WISH_NUMBER, offsetof(struct wishes, deflate_level) },
	{ "feature_negotiation", WISH_FLAG, offsetof(struct wishes, negotiate) },
	{ "tls_v1", WISH_FLAG, offsetof(struct wishes, tls) },
	{ "snappy", WISH_FLAG, offsetof(struct wishes, snappy) },
	{ "deflate", WISH_FLAG, offsetof(struct wishes, deflate) },
};

static bool read_wish(const struct wish *w, const json_t *value, struct wishes *out)
{
	char *to = (char *)out + w->at;

	switch (w->type) {
	case WISH_TEXT:
		if (!json_is_string(value))
			return false;
		*(const char **)(void *)to = json_string_value(value);
		return true;
	case WISH_NUMBER:
		if (!json_is_integer(value))
			return false;
		*(json_int_t *)(void *)to = json_integer_value(value);
		return true;
	default:
		if (!json_is_boolean(value))
			return false;
		*(int *)(void *)to = json_is_true(value);
		return true;
	}
}

/* Keys in any case, as nsqd has it; null is as if it were not there. */
static bool read_wishes(json_t *object, struct wishes *out)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return false;
	json_object_foreach(object, key, value) for (size_t i = 0; i < sizeof wishes / sizeof wishes[0];
	                                             i++) if (strcasecmp(key, wishes[i].name) == 0 &&
	                                                      !json_is_null(value) &&
	                                                      !read_wish(&wishes[i], value, out)) return false;
	return true;
}

static bool within(json_int_t n, json_int_t least, json_int_t most)
{
	return n >= least && n <= most;
}

/* -1: without; 0: as it is. */
static bool wish_ok(json_int_t n, json_int_t least, json_int_t most, json_int_t without)
{
	return n == 0 || n == without || within(n, least, most);
}

/* What is wrong with it is said in the order in which nsqd does. */
static const char *invalid(const struct session *s, const struct wishes *w, json_int_t *n)
{
	*n = w->heartbeat;
	if (!wish_ok(*n, HEARTBEAT_LEAST, (json_int_t)s->config->max_heartbeat_ms, -1))
		return "heartbeat interval";
	*n = w->buffer_ms;
	if (!wish_ok(*n, BUFFER_MS_LEAST, BUFFER_MS_MOST, -1))
		return "output buffer timeout";
	*n = w->buffer_size;
	if (!wish_ok(*n, BUFFER_LEAST, BUFFER_MOST, -1))
		return "output buffer size";
	*n = w->sample;
	if (!within(*n, 0, SAMPLE_MOST))
		return "sample rate";
	*n = w->msg_ms;
	if (!wish_ok(*n, MSG_LEAST, (json_int_t)s->config->max_msg_ms, 0))
		return "msg timeout";
	return NULL;
}

static void keep(char **to, const char *text)
{
	free(*to);
	*to = strdup(text != NULL ? text : "");
	must(*to != NULL);
}

static void adopt(struct session *s, const struct wishes *w)
{
	struct identity *id = &s->id;

	keep(&id->client_id, w->client_id);
	keep(&id->hostname, w->hostname);
	keep(&id->user_agent, w->user_agent);
	keep(&id->region, w->region);
	keep(&id->zone, w->zone);
	if (w->heartbeat != 0) {
		id->heartbeat_ms = w->heartbeat > 0 ? (uint64_t)w->heartbeat : 0;
		s->beat_ms = s->now_ms;
	}
	if (w->buffer_ms != 0)
		id->buffer_ms = w->buffer_ms > 0 ? (uint64_t)w->buffer_ms : 0;
	if (w->buffer_size > 0)
		id->buffer_size = (uint64_t)w->buffer_size;
	if (w->buffer_size < 0) {
		id->buffer_size = 1;
		id->buffer_ms = 0;
	}
	id->sample = (uint32_t)w->sample;
	if (w->msg_ms > 0)
		id->msg_ms = (uint64_t)w->msg_ms;
	id->deflate_level = w->deflate && w->deflate_level > 0 && w->deflate_level < 9 ? (int)w->deflate_level
	                    : w->deflate && w->deflate_level >= 9                      ? 9
	                                                                               : DEFLATE_LEVEL;
	if ((uint32_t)id->deflate_level > s->config->max_deflate)
		id->deflate_level = (int)s->config->max_deflate;
}

static void answer(struct session *s, bool tls, bool snappy, bool deflate)
{
	const struct identity *id = &s->id;
	json_t *o = json_pack("{s:I,s:s,s:I,s:I,s:b,s:b,s:i,s:i,s:b,s:i,s:b,s:I,s:I,s:s,s:s}", "max_rdy_count",
	                      (json_int_t)s->config->max_rdy, "version", NSQ_VERSION, "max_msg_timeout",
	                      (json_int_t)s->config->max_msg_ms, "msg_timeout", (json_int_t)id->msg_ms, "tls_v1", tls,
	                      "deflate", deflate, "deflate_level", id->deflate_level, "max_deflate_level",
	                      (int)s->config->max_deflate, "snappy", snappy, "sample_rate", (int)id->sample,
	                      "auth_required", auth_enabled(s->world->auth), "output_buffer_size",
	                      (json_int_t)id->buffer_size, "output_buffer_timeout", (json_int_t)id->buffer_ms,
	                      "topology_region", id->region, "topology_zone", id->zone);
	char *text = o != NULL ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	must(text != NULL);
	say(s, FRAME_RESPONSE, span_str(text));
	free(text);
	json_decref(o);
}

/* Agrees on what both can; false: it may not be asked for. */
static bool agree(struct session *s, const struct wishes *w)
{
	bool tls = w->tls && s->config->with_tls, snappy = w->snappy != 0;
	bool deflate = w->deflate && s->config->max_deflate > 0;

	if (snappy && deflate) {
		fatal(s, "E_IDENTIFY_FAILED", "cannot enable both deflate and snappy compression");
		return false;
	}
	if ((s->compressed && (tls || snappy || deflate)) || (s->tls && tls)) {
		fatal(s, "E_IDENTIFY_FAILED", "TLS or compression is on already");
		return false;
	}
	answer(s, tls, snappy, deflate);
	s->id.tls = tls;
	s->id.snappy = snappy;
	s->id.deflate = deflate;
	if (tls || snappy || deflate)
		wait_for(s, WAIT_UPGRADE);
	return true;
}

static bool identified(struct session *s, json_t *object)
{
	struct wishes w = { 0 };
	const char *what;
	json_int_t n;

	if (!read_wishes(object, &w)) {
		fatal(s, "E_BAD_BODY", "IDENTIFY failed to decode JSON body");
		return false;
	}
	what = invalid(s, &w, &n);
	if (what != NULL) {
		fatal(s, "E_BAD_BODY", "IDENTIFY %s (%d) is invalid", what, (long long)n);
		return false;
	}
	adopt(s, &w);
	if (w.negotiate)
		return agree(s, &w);
	say_ok(s);
	return true;
}

size_t command_identify(struct session *s, const struct line *l, struct span in)
{
	struct span body;
	json_error_t error;
	json_t *object;
	int32_t size;
	bool good;

	if (s->state != CLIENT_INIT)
		return wrong_state(s, "IDENTIFY");
	if (must_queue(s))
		return 0;
	if (!body_size(s, l, in, &size))
		return 0;
	if (size > 0 && (uint32_t)size > s->config->max_body)
		return fatal(s, "E_BAD_BODY", "IDENTIFY body too big %d > %u", (long long)size,
		             (unsigned long long)s->config->max_body);
	if (size <= 0)
		return fatal(s, "E_BAD_BODY", "IDENTIFY invalid body size %d", (long long)size);
	if (size > SESSION_IDENTIFY)
		return fatal(s, "E_BAD_BODY", "IDENTIFY failed to decode JSON body");
	if (!body_whole(s, l, in, size, &body))
		return 0;
	object = json_loadb((const char *)body.p, body.n, 0, &error);
	good = identified(s, object);
	json_decref(object);
	return good ? l->size + 4 + body.n : 0;
}

void identity_fini(struct identity *id)
{
	free(id->client_id);
	free(id->hostname);
	free(id->user_agent);
	free(id->region);
	free(id->zone);
}
