/* The HTTP API's publishes, and its orders to topics and channels; see web_call.h. */
#include "broker/nsq/lookupd.h"
#include "broker/nsq/web_call.h"

static void on_published(void *arg, enum sheaf_error error, struct span text)
{
	struct web_call *c = arg;

	(void)text;
	if (error == SHEAF_OK)
		web_say(c, 200, "OK");
	else
		web_refused(c, error);
}

static void publish(struct web_call *c)
{
	lookupd_publish(c->w->world.lookupd, c->plan.topic, c->plan.defer_ms, c->plan.count, buf_span(&c->packed),
	                on_published, c);
}

static void on_verdict(void *arg, enum web_verdict v)
{
	struct web_call *c = arg;

	if (v == WEB_ALLOWED)
		publish(c);
	else
		web_say(c, 403, v == WEB_NOT_ALLOWED ? "UNAUTHORIZED" : "AUTH_FAILED");
}

void web_publish(struct web_call *c)
{
	const struct http_request *r = c->r;
	struct auth_who who = { .remote_ip = span_str(r->remote), .tls = r->tls };

	if (c->w->draining) {
		web_say(c, 503, "EXITING");
		return;
	}
	if (c->w->world.auth == NULL) {
		publish(c);
		return;
	}
	if (r->secret == NULL || r->secret[0] == 0) {
		web_say(c, 403, "AUTH_REQUIRED");
		return;
	}
	who.secret = span_str(r->secret);
	if (who.secret.n > LIMIT_AUTH_SECRET)
		web_say(c, 403, "AUTH_FAILED");
	else
		web_auth_ask(&c->w->auth, &who, c->plan.topic, on_verdict, c);
}

/* ---- topics and channels ---- */

static void on_done(void *arg, enum sheaf_error error, struct span text);

static void order(struct web_call *c)
{
	hub_topic_op(c->w->world.hub, c->plan.op, c->plan.topic, c->plan.channel, on_done, c);
}

/* Whether there is the topic: before a channel is made in it, and after an order to a channel failed. */
static void on_topic(void *arg, enum sheaf_error error, const struct msg_topics_info *info, bool more)
{
	struct web_call *c = arg;

	if (error != SHEAF_OK && error != SHEAF_E_UNKNOWN) {
		web_refused(c, error);
		return;
	}
	for (uint32_t i = 0; error == SHEAF_OK && i < info->n; i++)
		if (span_eq(info->v[i].topic, c->plan.topic))
			c->found = true;
	if (error == SHEAF_OK && more)
		return;
	if (!c->found)
		web_say(c, 404, "TOPIC_NOT_FOUND");
	else if (c->failed)
		web_say(c, 404, "CHANNEL_NOT_FOUND");
	else
		order(c);
}

static void on_done(void *arg, enum sheaf_error error, struct span text)
{
	struct web_call *c = arg;
	bool channel = c->plan.channel.n > 0;

	(void)text;
	if (error == SHEAF_OK || (error == SHEAF_E_EXISTS && c->plan.op == TOPIC_CREATE)) {
		web_say(c, 200, NULL);
	} else if (error == SHEAF_E_UNKNOWN && !channel) {
		web_say(c, 404, "TOPIC_NOT_FOUND");
	} else if (error == SHEAF_E_UNKNOWN) {
		c->failed = true;
		hub_topics(c->w->world.hub, c->plan.topic, 0, on_topic, c);
	} else {
		web_refused(c, error);
	}
}

void web_topic_op(struct web_call *c)
{
	if (c->plan.op == TOPIC_CREATE && c->plan.channel.n > 0)
		hub_topics(c->w->world.hub, c->plan.topic, 0, on_topic, c);
	else
		order(c);
}
