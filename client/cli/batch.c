/* `sheaf batch`: jobs that are joined, and what follows them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "client/cli/commands.h"
#include "client/cli/payload.h"
#include "client/cli/show.h"
#include "client/cli/submit.h"

static const char *const whens[] = { "", "success", "any", "failure" };

static int print_id(struct cli *c, uint64_t id)
{
	char text[24];

	snprintf(text, sizeof text, "b%" PRIu64, id);
	if (c->flags.json)
		show_json(&c->out, json_pack("{ss}", "id", text));
	else
		out_format(&c->out, "%s\n", text);
	return EXIT_DONE;
}

/* ---- new ---- */

static enum then_when when_of(const char *text)
{
	enum then_when w = THEN_SUCCESS;

	while (w < THEN_FAILURE && strcmp(text, whens[w]) != 0)
		w++;
	return w;
}

/* What of the policy a batch's job does not take: NULL if there is none. */
static const char *too_much(const struct flags *f)
{
	const struct {
		bool given;
		const char *name;
	} not [] = { { f->delay_ms > 0, "delay" },
		     { f->at != NULL, "at" },
		     { f->expires != NULL, "expires" },
		     { f->lease_ms > 0, "lease" },
		     { f->backoff_ms > 0, "backoff" },
		     { f->backoff_max_ms > 0, "backoff-max" },
		     { f->tenant != NULL, "tenant" },
		     { f->group != NULL, "group" },
		     { f->topic != NULL, "topic" },
		     { f->n_after > 0, "after" },
		     { f->after_any, "after-any" },
		     { f->key != NULL, "key" },
		     { f->lines, "lines" },
		     { f->null, "null" } };

	for (size_t i = 0; i < sizeof not / sizeof not [0]; i++)
		if (not [i].given)
			return not [i].name;
	return NULL;
}

static int new (struct cli *c)
{
	const struct flags *f = &c->flags;
	struct sheaf_batch_options o = { .open_ms = f->open_for_ms };
	struct sheaf_policy policy;
	struct payload p;
	enum sheaf_error e;
	uint64_t id;
	int status;

	if (too_much(f))
		return cli_fail(EXIT_USAGE,
		                "batch new has no option --%s: --then takes --priority, --attempts and --header",
		                too_much(f));
	if (!f->then && (f->then_payload || f->n_headers > 0))
		return cli_fail(EXIT_USAGE, "--%s is for the job that follows: say --then QUEUE",
		                f->then_payload ? "then-payload" : "header");
	if ((f->then && !cli_queue_name(f->then)) || !cli_policy(c, &policy))
		return EXIT_USAGE;
	status = payload_open(c, &p, f->then_payload ? f->then_payload : "");
	if (!status && p.bytes.n > LIMIT_THEN_PAYLOAD)
		status = cli_fail(EXIT_USAGE, "--then-payload has %zu bytes; the limit is %d", p.bytes.n,
		                  (int)LIMIT_THEN_PAYLOAD);
	if (!status) {
		o.then_queue = f->then;
		o.then_when = when_of(f->then_when);
		o.then_payload = p.bytes;
		o.then_policy = &policy;
		e = sheaf_batch_open_as(c->s, &o, cli_left(c), &id);
		status = e ? cli_error(c, e) : print_id(c, id);
	}
	payload_fini(&p);
	return status;
}

/* ---- add, close, wait ---- */

static int add(struct cli *c, uint64_t id)
{
	/* what is left is submit's: QUEUE [PAYLOAD|-] */
	c->args += 2;
	c->n_args -= 2;
	if (c->n_args < 1)
		return cli_fail(EXIT_USAGE, "batch add needs a QUEUE: see 'sheaf help batch'");
	return submit_run(c, id);
}

static int close_one(struct cli *c, uint64_t id)
{
	enum sheaf_error e = sheaf_batch_close(c->s, id, cli_left(c));

	if (e)
		return cli_error(c, e);
	return c->flags.quiet ? EXIT_DONE : print_id(c, id);
}

static const char *state_of(const struct msg_batch_info *i)
{
	if (i->finished_ms == 0)
		return i->closed ? "closed" : "open";
	return i->failed || i->expired ? "failed" : "done";
}

static json_t *json_of(const struct msg_batch_info *i)
{
	char id[24], time[32];
	json_t *o;

	snprintf(id, sizeof id, "b%" PRIu64, i->batch);
	o = json_pack("{sssssosososbso}", "id", id, "state", state_of(i), "total", show_json_count(i->total), "ended",
	              show_json_count(i->ended), "failed", show_json_count(i->failed), "expired", i->expired != 0,
	              "kept", show_json_count(i->kept));
	must(o);
	if (i->closes_ms)
		json_object_set_new(o, "closes", json_string(show_time(i->closes_ms, time)));
	if (i->finished_ms)
		json_object_set_new(o, "finished", json_string(show_time(i->finished_ms, time)));
	if (i->then_queue.n) {
		show_json_bytes(o, "then_queue", i->then_queue);
		json_object_set_new(o, "then_when", json_string(whens[i->then_when]));
	}
	if (i->then_id)
		json_object_set_new(o, "then", show_json_id(i->then_id));
	return o;
}

static int wait_for(struct cli *c, uint64_t id)
{
	struct msg_batch_info info;
	enum sheaf_error e = sheaf_batch_wait(c->s, id, cli_left(c), &info);

	if (e)
		return cli_error(c, e);
	if (c->flags.json)
		show_json(&c->out, json_of(&info));
	else
		out_format(&c->out, "b%" PRIu64 " %s\n", id, state_of(&info));
	return info.failed || info.expired ? EXIT_FAILED : EXIT_DONE;
}

/* ---- show ---- */

static int show(struct cli *c, uint64_t id)
{
	struct out *o = &c->out;
	struct msg_batch_info i;
	enum sheaf_error e = sheaf_batch(c->s, id, cli_left(c), &i);
	char time[32];

	if (e)
		return cli_error(c, e);
	if (c->flags.json) {
		show_json(o, json_of(&i));
		return EXIT_DONE;
	}
	show_pair(o, "id", "b%" PRIu64, i.batch);
	show_pair(o, "state", "%s%s", state_of(&i), i.expired ? ", for it was left open for too long" : "");
	show_pair(o, "jobs", "%" PRIu64, i.total);
	show_pair(o, "ended", "%" PRIu64, i.ended);
	show_pair(o, "failed", "%" PRIu64, i.failed);
	show_pair(o, "results", "%" PRIu64 " kept%s", i.kept,
	          i.kept + i.failed < i.ended ? ": the others are gone, by their time or their queue's budget" : "");
	if (i.closes_ms)
		show_pair(o, "expires", "%s, unless it is closed", show_time(i.closes_ms, time));
	if (i.finished_ms)
		show_pair(o, "finished", "%s", show_time(i.finished_ms, time));
	if (i.then_queue.n)
		show_pair(o, "then", "a job in %.*s (%s)", (int)i.then_queue.n, (const char *)i.then_queue.p,
		          whens[i.then_when]);
	if (i.then_id)
		show_pair(o, "then", "%" PRIu64, i.then_id);
	return EXIT_DONE;
}

/* ---- the command ---- */

static const struct action {
	const char *name;
	int (*run)(struct cli *c, uint64_t id); /* with a session */
} actions[] = { { "close", close_one }, { "wait", wait_for }, { "show", show } };

/* Options of `new` that another action does not have. */
static bool only_of_new(const struct flags *f)
{
	if (!f->then && !f->then_payload && f->open_for_ms == 0)
		return false;
	cli_say("--then, --then-payload and --open-for are options of 'batch new'");
	return true;
}

static int cmd_batch(struct cli *c)
{
	const char *what = c->args[0];
	const struct action *a = NULL;
	bool is_batch;
	uint64_t id;
	int status;

	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (strcmp(what, actions[i].name) == 0)
			a = &actions[i];
	if (strcmp(what, "new") == 0)
		return c->n_args == 1 ? new (c) : cli_fail(EXIT_USAGE, "batch new has no argument: '%s'", c->args[1]);
	if (!a && strcmp(what, "add") != 0)
		return cli_fail(EXIT_USAGE, "batch does not know what '%s' is: new, add, close, wait or show", what);
	if (only_of_new(&c->flags))
		return EXIT_USAGE;
	if (c->n_args < 2)
		return cli_fail(EXIT_USAGE, "batch %s needs the id of a batch, as 'sheaf batch new' prints it", what);
	if (!cli_id(c->args[1], &id, &is_batch))
		return EXIT_USAGE;
	if (!a)
		return add(c, id);
	if (c->n_args > 2)
		return cli_fail(EXIT_USAGE, "batch %s takes one id: what is '%s'?", what, c->args[2]);
	status = cli_open(c);
	return status ? status : a->run(c, id);
}

const struct command command_batch = {
	.name = "batch",
	.args = "new | add BATCH QUEUE [PAYLOAD|-] | close BATCH | wait BATCH | show BATCH",
	.group = GROUP_WORK,
	.least = 1,
	.most = 4,
	.line = "join jobs, and submit one when all have ended",
	.text = "new      opens a batch and prints its id\n"
		"add      submits to it, as `submit` does; any submit with --batch BATCH does the same\n"
		"close    lets no more in: it is complete when each of its jobs has ended\n"
		"wait     waits for that: exit 0 if all are done, 1 if one failed\n"
		"show     how far it is\n"
		"With --then QUEUE a job is submitted when the batch is complete: once, whatever crashes\n"
		"meanwhile. Its payload is that of --then-payload (- for stdin); its headers are those of\n"
		"--header, and `batch` and `batch-failed`. A batch that is left open for too long (--open-for)\n"
		"is closed by the broker and counts as failed; its jobs go on.",
	.failed = "the batch failed",
	.refused = "there is no such batch, or it is closed",
	.example = "id=$(sheaf batch new --then report --then-payload march)\n"
		   "sheaf batch add $id pages --lines <pages.txt\n"
		   "sheaf batch close $id\n"
		   "sheaf batch wait $id --timeout 1h",
	.run = cmd_batch,
};
