/* The table of commands, and those about a subscription: SUB, RDY, FIN, REQ, TOUCH, CLS; and NOP. */
#include "broker/nsq/session_state.h"
#include "proto/codec.h"

/* ---- SUB ---- */

static const char NO_MORE_CONSUMERS[] = "the channel has as many consumers"; /* how the broker's text begins */

static struct span sub_topic(const struct session *s)
{
	return span_of(s->topic, s->topic_n);
}

static struct span sub_channel(const struct session *s)
{
	return span_of(s->channel, s->channel_n);
}

static void subscribed(void *arg, enum sheaf_error e, struct span text)
{
	struct session *s = arg;
	size_t n = sizeof NO_MORE_CONSUMERS - 1;

	if (s->closing)
		return;
	wait_over(s);
	if (e == SHEAF_OK) {
		s->state = CLIENT_SUBSCRIBED;
		say_ok(s);
		list_push_back(s->world->subscribed, &s->peers);
	} else if (e == SHEAF_E_FULL && s->config->max_consumers > 0 && text.n >= n &&
	           memcmp(text.p, NO_MORE_CONSUMERS, n) == 0) {
		fatal(s, "E_SUB_FAILED", "SUB failed consumers for %b:%b exceeds limit of %u", sub_topic(s),
		      sub_channel(s), (unsigned long long)s->config->max_consumers);
	} else {
		fatal(s, "E_SUB_FAILED", "SUB failed %b", text.n > 0 ? text : span_str(sheaf_error_text(e)));
	}
	part_if_done(s);
	woke(s);
}

static size_t command_sub(struct session *s, const struct line *l, struct span in)
{
	struct hub_terms terms = { .timeout_ms = s->id.msg_ms,
		                   .most_ms = s->config->max_msg_ms,
		                   .sample = s->id.sample > 0 ? s->id.sample + 1 : 0,
		                   .consumers = s->config->max_consumers };

	(void)in;
	if (s->state != CLIENT_INIT)
		return wrong_state(s, "SUB");
	if (s->id.heartbeat_ms == 0)
		return fatal(s, "E_INVALID", "cannot SUB with heartbeats disabled");
	if (l->n < 3)
		return fatal(s, "E_INVALID", "SUB insufficient number of parameters");
	if (!name_topic_ok(l->word[1]))
		return fatal(s, "E_BAD_TOPIC", "SUB topic name %q is not valid", l->word[1]);
	if (!name_topic_ok(l->word[2]))
		return fatal(s, "E_BAD_CHANNEL", "SUB channel name %q is not valid", l->word[2]);
	if (must_queue(s) || !authorised(s, "SUB", l->word[1], l->word[2]))
		return 0;
	s->topic_n = (uint32_t)l->word[1].n;
	s->channel_n = (uint32_t)l->word[2].n;
	memcpy(s->topic, l->word[1].p, s->topic_n);
	memcpy(s->channel, l->word[2].p, s->channel_n);
	s->sub = hub_subscribe(s->world->hub, sub_topic(s), sub_channel(s), &terms, &session_calls, subscribed, s);
	wait_for(s, WAIT_SUBSCRIBE);
	return l->size;
}

/* ---- RDY, CLS ---- */

static size_t command_rdy(struct session *s, const struct line *l, struct span in)
{
	uint64_t n = 1;

	(void)in;
	if (s->state == CLIENT_CLOSING)
		return l->size;
	if (s->state != CLIENT_SUBSCRIBED)
		return wrong_state(s, "RDY");
	if (l->n > 1 && !parse_number(l->word[1], &n))
		return fatal(s, "E_INVALID", "RDY could not parse count %b", l->word[1]);
	if (n > s->config->max_rdy)
		return fatal(s, "E_INVALID", "RDY count %u out of range 0-%u", (unsigned long long)n,
		             (unsigned long long)s->config->max_rdy);
	s->ready = (uint32_t)n;
	credit(s, true);
	return l->size;
}

static size_t command_cls(struct session *s, const struct line *l, struct span in)
{
	(void)in;
	if (s->state != CLIENT_SUBSCRIBED)
		return wrong_state(s, "CLS");
	if (must_queue(s))
		return 0;
	s->state = CLIENT_CLOSING;
	s->ready = 0;
	credit(s, true);
	say(s, FRAME_RESPONSE, span_str("CLOSE_WAIT"));
	return l->size;
}

/* ---- FIN, REQ, TOUCH ---- */

static const struct span *id_of(struct session *s, const struct line *l, const char *command, uint32_t words)
{
	if (s->state == CLIENT_INIT)
		wrong_state(s, command);
	else if (l->n < words)
		fatal(s, "E_INVALID", "%s insufficient number of params", command);
	else if (l->word[1].n != ID_DIGITS)
		fatal(s, "E_INVALID", "invalid message ID");
	else
		return &l->word[1];
	return NULL;
}

/* Whether another connection of this channel has it in its hands. That matters to a text only, so a client that asks
 * for much does not get to hold all others up. */
static bool is_others(struct session *s, struct span text)
{
	uint64_t id;

	if (!parse_id(text.p, &id))
		return false;
	for (struct list *p = s->world->subscribed->next; p != s->world->subscribed && s->looks > 0; p = p->next) {
		const struct session *o = list_item(p, struct session, peers);

		s->looks--;
		if (o != s && o->inflight.n > 0 && span_eq(sub_topic(o), sub_topic(s)) &&
		    span_eq(sub_channel(o), sub_channel(s)) && inflight_has(&o->inflight, id))
			return true;
	}
	return false;
}

/* The connection stays open. */
static size_t not_its(struct session *s, const char *command, const char *code, struct span id, size_t size)
{
	if (must_queue(s))
		return 0;
	say_error(s, code, "%s %b failed %s", command, id,
	          is_others(s, id) ? "client does not own message" : "ID not in flight");
	return size;
}

static size_t command_fin(struct session *s, const struct line *l, struct span in)
{
	const struct span *id = id_of(s, l, "FIN", 2);
	uint64_t n;

	(void)in;
	if (id == NULL)
		return 0;
	if (!parse_id(id->p, &n) || !inflight_finish(&s->inflight, n))
		return not_its(s, "FIN", "E_FIN_FAILED", *id, l->size);
	s->finished++;
	return l->size;
}

static size_t command_req(struct session *s, const struct line *l, struct span in)
{
	const struct span *id = id_of(s, l, "REQ", 3);
	struct inflight_settled one;
	uint64_t n, delay;

	(void)in;
	if (id == NULL)
		return 0;
	if (!parse_number(l->word[2], &delay))
		return fatal(s, "E_INVALID", "REQ could not parse timeout %b", l->word[2]);
	if (delay > s->config->max_req_ms)
		delay = s->config->max_req_ms;
	if (!parse_id(id->p, &n) || !inflight_find(&s->inflight, n, true, &one))
		return not_its(s, "REQ", "E_REQ_FAILED", *id, l->size);
	hub_settle(s->sub, one.run, one.token, one.mask, SETTLE_REQUEUE, delay);
	s->requeued++;
	return l->size;
}

static size_t command_touch(struct session *s, const struct line *l, struct span in)
{
	const struct span *id = id_of(s, l, "TOUCH", 2);
	struct inflight_settled one;
	uint64_t n;

	(void)in;
	if (id == NULL)
		return 0;
	if (!parse_id(id->p, &n) || !inflight_find(&s->inflight, n, false, &one))
		return not_its(s, "TOUCH", "E_TOUCH_FAILED", *id, l->size);
	hub_settle(s->sub, one.run, one.token, one.mask, SETTLE_TOUCH, 0);
	return l->size;
}

void settle_finished(struct session *s)
{
	struct inflight_settled one;

	while (inflight_finished(&s->inflight, &one))
		hub_settle(s->sub, one.run, one.token, one.mask, SETTLE_FINISH, 0);
}

/* ---- the table ---- */

static size_t command_nop(struct session *s, const struct line *l, struct span in)
{
	(void)s, (void)in;
	return l->size;
}

#define COMMAND(name, run)                                                                                             \
	{                                                                                                              \
		name, sizeof name - 1, run                                                                             \
	}

static const struct command commands[] = {
	COMMAND("PUB", command_pub), COMMAND("FIN", command_fin),     COMMAND("RDY", command_rdy),
	COMMAND("NOP", command_nop), COMMAND("MPUB", command_mpub),   COMMAND("DPUB", command_dpub),
	COMMAND("REQ", command_req), COMMAND("TOUCH", command_touch), COMMAND("SUB", command_sub),
	COMMAND("CLS", command_cls), COMMAND("AUTH", command_auth),   COMMAND("IDENTIFY", command_identify),
};

const struct command *command_find(const struct line *l)
{
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (line_is(l, commands[i].name, commands[i].n))
			return &commands[i];
	return NULL;
}
