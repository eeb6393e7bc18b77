/* `sheaf sub`: the messages of a channel, printed as they come; a message is finished when it has been written. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "client/cli/commands.h"
#include "client/cli/show.h"
#include "client/cli/topic.h"

enum { READY = 256 };

void sub_stop(struct sub *s, int status)
{
	if (!s->stopping)
		(void)!sheaf_ready(s->c->s, s->sub, 0);
	s->stopping = true;
	if (!s->status)
		s->status = status;
}

void sub_took(struct sub *s)
{
	if (s->left == UINT64_MAX)
		return;
	s->left--;
	if (s->left < s->ready && !s->stopping) {
		s->ready = (uint32_t)s->left;
		(void)!sheaf_ready(s->c->s, s->sub, s->ready);
	}
	if (s->left == 0)
		sub_stop(s, EXIT_DONE);
}

/* ---- printing ---- */

/* Messages that have been printed and not been written yet. */
struct printed {
	struct sheaf_message v[READY];
	uint32_t n;
};

static void print(struct sub *s, const struct sheaf_message *m)
{
	struct out *o = &s->c->out;
	json_t *object;
	char time[32];

	if (!s->c->flags.json) {
		out_span(o, m->body);
		out_byte(o, s->c->flags.null ? 0 : '\n');
		return;
	}
	object = json_object();
	json_object_set_new(object, "id", show_json_id(m->id));
	json_object_set_new(object, "topic", json_string(s->topic));
	json_object_set_new(object, "channel", json_string(s->channel));
	json_object_set_new(object, "attempt", show_json_count(m->attempts));
	json_object_set_new(object, "published", json_string(show_time(m->time_ns / 1000000, time)));
	show_json_bytes(object, "body", m->body);
	show_json(o, object);
}

/* What is printed is written, and only then finished. */
static void finish(struct sub *s, struct printed *p)
{
	if (p->n == 0)
		return;
	if (!out_flush(&s->c->out)) {
		sub_stop(s, EXIT_FAILED); /* these come again, to somebody who can write */
		p->n = 0;
		return;
	}
	for (uint32_t i = 0; i < p->n; i++)
		(void)!sheaf_settle(s->c->s, &p->v[i], SETTLE_FINISH, 0);
	p->n = 0;
}

static void print_all(struct sub *s)
{
	struct printed p = { .n = 0 };

	while (!s->stopping) {
		struct sheaf_message m;
		enum sheaf_error e = sheaf_message(s->c->s, 0, &m);

		if (e == SHEAF_E_TIMEOUT) {
			finish(s, &p);
			e = sheaf_message(s->c->s, cli_left(s->c), &m);
		}
		if (e) {
			finish(s, &p);
			if (e == SHEAF_E_INTERRUPTED)
				cli_go_on(s->c);
			sub_stop(s, cli_error(s->c, e));
			break;
		}
		print(s, &m);
		p.v[p.n++] = m;
		sub_took(s);
		if (p.n == READY || out_full(&s->c->out))
			finish(s, &p);
	}
	finish(s, &p);
}

/* ---- the command ---- */

/* The end: what is in hand goes back, what was finished is durable. */
static int leave(struct sub *s)
{
	enum sheaf_error e = sheaf_unsubscribe(s->c->s, s->sub, cli_left(s->c));

	if (e && e != SHEAF_E_GONE && e != SHEAF_E_UNKNOWN && !s->status)
		return cli_error(s->c, e);
	return s->status;
}

static int begin(struct sub *s, struct sheaf_subscription *o)
{
	struct cli *c = s->c;
	enum sheaf_error e;
	int status = cli_open(c);

	if (status)
		return status;
	o->ready = (uint32_t)(c->flags.exec ? c->flags.in_flight : READY);
	if (o->ready > s->left)
		o->ready = (uint32_t)s->left;
	s->ready = o->ready;
	e = sheaf_subscribe(c->s, s->topic, s->channel, o, cli_left(c), &s->sub);
	return e ? cli_error(c, e) : EXIT_DONE;
}

static int cmd_sub(struct cli *c)
{
	struct sub s = { .c = c, .topic = c->args[0], .left = c->flags.messages ? c->flags.messages : UINT64_MAX };
	struct sheaf_subscription o = { .timeout_ms = c->flags.lease_ms, .sample = (uint32_t)c->flags.sample };
	int status;

	if (!topic_name_good(c->args[0], "topic") || !topic_since(c, &o.since_ms))
		return EXIT_USAGE;
	if (c->flags.channel && !topic_name_good(c->flags.channel, "channel"))
		return EXIT_USAGE;
	if (c->flags.exec && (c->flags.json || c->flags.null))
		return cli_fail(EXIT_USAGE, "--exec prints what the commands print: leave --json and --null out");
	if (c->flags.channel)
		snprintf(s.channel, sizeof s.channel, "%s", c->flags.channel);
	else
		snprintf(s.channel, sizeof s.channel, "sub-%016" PRIx64 "#ephemeral", rand_os());
	status = begin(&s, &o);
	if (status)
		return status;
	if (c->flags.exec)
		sub_exec(&s);
	else
		print_all(&s);
	return leave(&s);
}

const struct command command_sub = {
	.name = "sub",
	.args = "TOPIC",
	.group = GROUP_TOPICS,
	.least = 1,
	.most = 1,
	.line = "print a topic's messages, or run a command for each",
	.text = "Prints each message's body and a newline as it comes; the message is finished when it has been\n"
		"written. All who name the same --channel share its messages; the channel stays and collects\n"
		"when nobody listens. Without --channel it has one of its own that ends with it.\n"
		"With --exec the shell runs COMMAND for each message, with the body on stdin and SHEAF_TOPIC,\n"
		"SHEAF_CHANNEL, SHEAF_MESSAGE_ID and SHEAF_ATTEMPT in its environment. Exit status 0 finishes\n"
		"the message; else it comes again, after a second at first and then twice as long each time.\n"
		"While the command runs the message stays in hand, however long that takes.\n"
		"Ctrl-C takes no more and finishes what is in hand; once more leaves at once.",
	.refused = "the subscription was refused, or the channel deleted",
	.example = "sheaf sub news\n"
		   "sheaf sub results.thumbs --channel archive --json\n"
		   "sheaf sub orders --channel mail --exec ./send-mail -j 4",
	.run = cmd_sub,
};
