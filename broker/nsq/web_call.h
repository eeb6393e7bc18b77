/* A request to the HTTP API on its way; only web*.c look inside. */
#ifndef SHEAF_NSQ_WEB_CALL_H
#define SHEAF_NSQ_WEB_CALL_H

#include "base/list.h"
#include "broker/nsq/api.h"
#include "broker/nsq/hub.h"
#include "broker/nsq/stats.h"
#include "broker/nsq/web.h"
#include "broker/nsq/web_auth.h"

#define WEB_JSON "application/json; charset=utf-8"
#define WEB_TEXT "text/plain; charset=utf-8"

struct web {
	uv_loop_t *loop;
	const struct nsq_config *config;
	struct api_limits limits;
	struct http *http; /* NULL: there is none; likewise https */
	struct http *https;
	struct web_world world;
	struct web_auth auth;
	struct list calls;
	uint32_t n_calls;
	bool draining;
	uint64_t start_s;  /* wall clock */
	uint64_t start_ns; /* monotonic */
	char hostname[256];
	int open; /* servers that are not closed yet */
	void (*closed)(void *arg);
	void *closed_arg;
};

struct web_call {
	struct list node;
	struct web *w;
	struct http_call *http;
	const struct http_request *r;
	struct api_plan plan;
	struct buf packed;
	struct stats stats; /* rows that came of hub_topics */
	bool found;         /* the topic that is looked for */
	bool failed;        /* the order: is it the channel or the topic that is not there? */
	struct query query;
};

/* Each ends the call: answers it and frees it. */
void web_reply(struct web_call *c, unsigned status, const char *type, struct span body);
/* {"message":CODE}; with status 200 the code as text, or nothing if it is NULL. */
void web_say(struct web_call *c, unsigned status, const char *code);
/* What an error of the broker is in HTTP. */
void web_refused(struct web_call *c, enum sheaf_error e);

/* What plans ask for; each ends the call now or later. */
void web_ping(struct web_call *c);
void web_info(struct web_call *c);
void web_publish(struct web_call *c);
void web_topic_op(struct web_call *c);
void web_stats(struct web_call *c);
void web_lookup(struct web_call *c);
void web_config_get(struct web_call *c);
void web_config_put(struct web_call *c);

/* The health as nsqd words it: "OK", or "NOK - why". */
const char *web_health(const struct web *w);

#endif
