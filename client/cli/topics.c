/* `sheaf topics`, `sheaf topic NAME …`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/suggest.h"
#include "base/units.h"
#include "client/cli/commands.h"
#include "client/cli/listing.h"
#include "client/cli/topic.h"
#include "client/cli/when.h"
#include "proto/codec.h"

bool topic_name_good(const char *name, const char *what)
{
	if (name_topic_ok(span_str(name)))
		return true;
	cli_say("no %s can be named '%.80s': a name is 1 to %d letters, digits, . _ and -, and may end in #ephemeral",
	        what, name, LIMIT_NAME);
	return false;
}

bool topic_since(const struct cli *c, uint64_t *since_ms)
{
	const char *text = c->flags.since;
	uint64_t ago, now = clock_wall_ms();

	*since_ms = 0;
	if (!text)
		return true;
	if (strcmp(text, "all") == 0) {
		*since_ms = 1;
		return true;
	}
	if (units_duration(text, &ago)) {
		*since_ms = ago < now ? now - ago : 1;
		return true;
	}
	if (when_parse(text, since_ms))
		return true;
	cli_say("--since: '%s' is neither 'all', nor a duration such as 24h, nor a time such as 2026-11-24T12:00:00Z",
	        text);
	return false;
}

/* ---- showing ---- */

static void set_duration(json_t *object, const char *key, uint64_t ms)
{
	char text[24];

	if (ms)
		json_object_set_new(object, key, json_string(units_type_duration(ms, text)));
}

static json_t *json_row(const void *row)
{
	const struct msg_topic_rec *t = row;
	json_t *object = json_object();

	show_json_bytes(object, "topic", t->topic);
	if (t->channel.n)
		show_json_bytes(object, "channel", t->channel);
	json_object_set_new(object, "paused", json_boolean(t->flags & TOPIC_PAUSED));
	json_object_set_new(object, "depth", show_json_count(t->depth));
	json_object_set_new(object, "messages", show_json_count(t->messages));
	if (!t->channel.n) {
		json_object_set_new(object, "bytes", show_json_count(t->bytes));
		json_object_set_new(object, "kept_bytes", show_json_count(t->kept));
		set_duration(object, "keep", t->keep_ms);
		json_object_set_new(object, "keep_bytes", show_json_count(t->keep_bytes));
		return object;
	}
	json_object_set_new(object, "in_hand", show_json_count(t->in_hand));
	json_object_set_new(object, "deferred", show_json_count(t->deferred));
	json_object_set_new(object, "requeued", show_json_count(t->requeued));
	json_object_set_new(object, "timed_out", show_json_count(t->timed_out));
	json_object_set_new(object, "dead", show_json_count(t->dead));
	json_object_set_new(object, "consumers", show_json_count(t->consumers));
	json_object_set_new(object, "ordered", json_boolean(t->flags & TOPIC_ORDERED));
	json_object_set_new(object, "attempts", show_json_count(t->attempts));
	if (t->dead_topic.n)
		show_json_bytes(object, "dead_topic", t->dead_topic);
	return object;
}

static void list_row(void *ctx, const struct msg_topic_rec *t)
{
	struct listing *l = ctx;
	struct table *table = &l->table;

	if (listing_json(l, json_row, t))
		return;
	table_text(table, t->topic, LIMIT_NAME);
	table_text(table, t->channel, LIMIT_NAME);
	table_cell(table, "%" PRIu64, t->depth);
	if (t->channel.n) {
		table_cell(table, "%" PRIu64, t->in_hand);
		table_cell(table, "%" PRIu64, t->deferred);
	} else {
		table_cell(table, "%s", "");
		table_cell(table, "%s", "");
	}
	table_cell(table, "%" PRIu64, t->messages);
	if (t->channel.n)
		table_cell(table, "%u", t->consumers);
	else
		table_cell(table, "%s", "");
	table_cell(table, "%s%s", t->flags & TOPIC_PAUSED ? "paused " : "", t->flags & TOPIC_ORDERED ? "ordered" : "");
}

static enum sheaf_error list(struct cli *c, const char *topic, const char *empty, int *status)
{
	static const char *const heads[] = { "TOPIC",     "CHANNEL",    ">DEPTH", ">IN HAND", ">DEFERRED",
		                             ">MESSAGES", ">CONSUMERS", "",       NULL };
	enum sheaf_error e;
	struct listing l;

	listing_begin(&l, c, heads);
	e = sheaf_topics(c->s, topic, cli_left(c), list_row, &l);
	if (e == SHEAF_E_UNKNOWN)
		table_fini(&l.table);
	else
		*status = listing_end(&l, e, empty);
	return e;
}

static int cmd_topics(struct cli *c)
{
	int status = cli_open(c);

	if (!status)
		(void)!list(c, NULL, "there is no topic yet: the first message or subscription makes one", &status);
	return status;
}

/* ---- topic NAME ---- */

static void offer(void *ctx, const struct msg_topic_rec *t)
{
	char name[LIMIT_NAME + 1];

	snprintf(name, sizeof name, "%.*s", (int)t->topic.n, (const char *)t->topic.p);
	suggest_offer(ctx, name);
}

static int failed(struct cli *c, enum sheaf_error e)
{
	struct suggest s;
	int status;

	if (e != SHEAF_E_UNKNOWN || c->flags.channel) {
		status = cli_error(c, e);
		return status == EXIT_USAGE ? EXIT_REFUSED : status; /* the words were good */
	}
	suggest_init(&s, c->args[0]);
	if (sheaf_topics(c->s, NULL, cli_left(c), offer, &s) == SHEAF_OK && suggest_best(&s))
		return cli_fail(EXIT_REFUSED, "there is no topic '%s': did you mean '%s'?", c->args[0],
		                suggest_best(&s));
	return cli_fail(EXIT_REFUSED, "there is no topic '%s'", c->args[0]);
}

static const struct action {
	const char *name;
	enum topic_op op; /* 0 = show */
	const char *did;
} actions[] = {
	{ "show", 0, NULL },
	{ "create", TOPIC_CREATE, "created" },
	{ "delete", TOPIC_DELETE, "deleted" },
	{ "empty", TOPIC_EMPTY, "emptied" },
	{ "pause", TOPIC_PAUSE, "paused" },
	{ "resume", TOPIC_RESUME, "resumed" },
	{ "set", TOPIC_SET, "set" },
};

enum { ACTIONS = sizeof actions / sizeof actions[0] };

/* NULL after a sentence. */
static const struct action *find_action(const char *name)
{
	struct suggest s;

	suggest_init(&s, name);
	for (size_t i = 0; i < ACTIONS; i++) {
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
		suggest_offer(&s, actions[i].name);
	}
	if (suggest_best(&s))
		cli_say("a topic cannot be told to '%s': did you mean '%s'?", name, suggest_best(&s));
	else
		cli_say(
		    "a topic cannot be told to '%s': create, delete, empty, pause, resume and set are what there is",
		    name);
	return NULL;
}

static int change(struct cli *c, const struct action *a, const struct msg_topic_op *op)
{
	enum sheaf_error e = sheaf_topic_op(c->s, op, cli_left(c));
	const char *channel = c->flags.channel;
	json_t *object;

	if (e)
		return failed(c, e);
	if (c->flags.json) {
		object = json_pack("{ssss}", "topic", c->args[0], "did", a->did);
		if (channel)
			json_object_set_new(object, "channel", json_string(channel));
		show_json(&c->out, object);
	} else if (!c->flags.quiet) {
		out_format(&c->out, "%s%s%s %s\n", c->args[0], channel ? " " : "", channel ? channel : "", a->did);
	}
	return EXIT_DONE;
}

static int cmd_topic(struct cli *c)
{
	struct msg_topic_op op = { .topic = span_str(c->args[0]) };
	const struct action *a = find_action(c->n_args > 1 ? c->args[1] : "show");
	enum sheaf_error e;
	int status = EXIT_DONE;

	if (!a || !topic_name_good(c->args[0], "topic") || !topic_since(c, &op.since_ms))
		return EXIT_USAGE;
	if (c->flags.channel && !topic_name_good(c->flags.channel, "channel"))
		return EXIT_USAGE;
	if (c->flags.since && (a->op != TOPIC_CREATE || !c->flags.channel))
		return cli_fail(EXIT_USAGE, "--since goes with 'create' and --channel");
	if (a->op != TOPIC_SET && c->n_args > 2)
		return cli_fail(EXIT_USAGE, "topic %s does not know what to do with '%s'", a->name, c->args[2]);
	op.op = a->op;
	op.channel = c->flags.channel ? span_str(c->flags.channel) : span_of(NULL, 0);
	if (a->op == TOPIC_SET)
		status = topic_set_words(c, &op);
	if (!status)
		status = cli_open(c);
	if (status)
		return status;
	if (a->op)
		return change(c, a, &op);
	e = list(c, c->args[0], "there is no such topic", &status);
	return e == SHEAF_E_UNKNOWN ? failed(c, e) : status;
}

const struct command command_topics = {
	.name = "topics",
	.args = "",
	.group = GROUP_TOPICS,
	.line = "list the topics and their channels",
	.text = "A line for each topic, with the messages that no channel has seen, and one for each of its\n"
		"channels, with what waits for it, what its consumers have in hand and what is deferred.",
	.example = "sheaf topics",
	.run = cmd_topics,
};

const struct command command_topic = {
	.name = "topic",
	.args = "TOPIC [create|delete|empty|pause|resume|set KEY=VALUE...]",
	.group = GROUP_TOPICS,
	.least = 1,
	.most = -1,
	.line = "show or change a topic or channel",
	.text = "With --channel it is about that channel of the topic.\n"
		"create   makes it, before anybody names it\n"
		"delete   removes it with all that it has; its subscriptions end\n"
		"empty    drops what waits: of a topic what no channel has seen, of a channel everything\n"
		"pause    a topic: its channels get nothing new; a channel: its consumers get nothing\n"
		"resume   ends a pause\n"
		"set      makes a setting that lasts; KEY=default takes it back:\n"
		"  keep: of a topic: messages stay for so long, also when every channel is done with them (0)\n"
		"  keep-bytes: of a topic: and at most so many bytes of these (no bound)\n"
		"  ordered: of a channel: yes = one message in hand at a time (no)\n"
		"  attempts: of a channel: after so many deliveries a message is dead (without end)\n"
		"  dead: of a channel: the topic that its dead messages go to (none: they are dropped)\n"
		"Without one of these it is shown.",
	.refused = "there is no such topic or channel",
	.example = "sheaf topic news pause\n"
		   "sheaf topic news set keep=24h\n"
		   "sheaf topic orders set attempts=5 dead=orders-failed --channel mail",
	.run = cmd_topic,
};
