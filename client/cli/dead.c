/* `sheaf dead QUEUE …`, `sheaf retry ID…`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/suggest.h"
#include "base/units.h"
#include "client/cli/commands.h"
#include "client/cli/listing.h"
#include "client/cli/settings.h"

/* What the options say of which dead letters are meant: false after a sentence. */
static bool filter(const struct cli *c, struct msg_dead_filter *f)
{
	const char *error = c->flags.error ? c->flags.error : "";

	*f = (struct msg_dead_filter){ c->flags.older_ms, c->flags.newer_ms, span_str(error) };
	if (f->error.n > LIMIT_HISTORY_ERROR) {
		cli_say("--error: at most %d bytes of an error are kept to be looked at", LIMIT_HISTORY_ERROR);
		return false;
	}
	if (f->max_age_ms > 0 && f->max_age_ms < f->min_age_ms) {
		cli_say("--older and --newer: nothing can be older than the one and newer than the other");
		return false;
	}
	return true;
}

static int no_queue(struct cli *c, enum sheaf_error e)
{
	if (e == SHEAF_E_UNKNOWN)
		return cli_fail(EXIT_REFUSED, "there is no queue '%s': 'sheaf queues' lists them", c->args[0]);
	return cli_error(c, e);
}

static const struct action {
	const char *name;
	enum dead_op_kind op;
	const char *did;
} actions[] = {
	{ "redrive", DEAD_REDRIVE, "redriven" },
	{ "purge", DEAD_PURGE, "purged" },
	{ "stop", DEAD_STOP, "stopped" },
};

/* To stop takes no options. False after a sentence. */
static bool stop_alone(const struct cli *c, const struct action *a)
{
	const struct flags *f = &c->flags;

	if (!a || a->op != DEAD_STOP || !(f->older_ms || f->newer_ms || f->error || f->rate || f->most))
		return true;
	cli_say("stop ends whatever is under way: it takes no --older, --newer, --error, --rate or -n");
	return false;
}

/* ---- ls ---- */

static json_t *json_dead(const void *row)
{
	const struct msg_dead_rec *d = row;
	json_t *object = json_object();
	char time[32];

	json_object_set_new(object, "id", show_json_id(d->id));
	json_object_set_new(object, "finished", json_string(show_time(d->finished_ms, time)));
	json_object_set_new(object, "attempt", show_json_count(d->attempt));
	json_object_set_new(object, "exit", json_integer(d->exit));
	json_object_set_new(object, "size", show_json_count(d->size));
	if (d->worker.n)
		show_json_bytes(object, "worker", d->worker);
	show_json_bytes(object, "error", d->error);
	return object;
}

static void list_dead(void *ctx, const struct msg_dead_rec *d)
{
	struct listing *l = ctx;
	struct table *t = &l->table;
	uint64_t now = clock_wall_ms();
	char text[24];

	if (listing_json(l, json_dead, d))
		return;
	table_cell(t, "%" PRIu64, d->id);
	table_cell(t, "%s", units_show_duration(now > d->finished_ms ? now - d->finished_ms : 0, text));
	table_cell(t, "%u", d->attempt);
	table_cell(t, "%d", d->exit);
	table_cell(t, "%s", units_show_size(d->size, text));
	table_text(t, d->worker.n ? d->worker : span_str("-"), LIMIT_NAME);
	table_text(t, show_line(d->error), 72);
}

static int list(struct cli *c, const struct msg_dead_filter *f)
{
	static const char *const heads[] = {
		"ID", ">DEAD FOR", ">ATTEMPTS", ">EXIT", ">SIZE", "WORKER", "ERROR", NULL
	};
	enum sheaf_error e;
	struct listing l;
	char empty[128];

	snprintf(empty, sizeof empty, "'%s' has no dead letters%s", c->args[0],
	         f->error.n || f->min_age_ms || f->max_age_ms ? " of this kind" : "");
	listing_begin(&l, c, heads);
	e = sheaf_dead(c->s, c->args[0], f, c->flags.most, cli_left(c), list_dead, &l);
	if (e == SHEAF_OK)
		return listing_end(&l, e, empty);
	table_fini(&l.table);
	return no_queue(c, e);
}

/* ---- redrive, purge, stop ---- */

/* Jobs per day; 0: at once. False after a sentence. */
static bool rate_of(const struct cli *c, const struct action *a, uint64_t *rate)
{
	*rate = 0;
	if (!c->flags.rate)
		return true;
	if (!a || a->op != DEAD_REDRIVE) {
		cli_say("--rate goes with redrive");
		return false;
	}
	if (settings_rate(c->flags.rate, rate) && *rate > 0)
		return true;
	cli_say("--rate: '%s' is no rate such as 100/s, 6/m, 500/h or 50/d, at most 1000000/s", c->flags.rate);
	return false;
}

static int change(struct cli *c, const struct action *a, const struct msg_dead_filter *f, uint64_t rate)
{
	uint64_t done = 0;
	enum sheaf_error e = sheaf_dead_op(c->s, c->args[0], a->op, f, c->flags.most, rate, cli_left(c), &done);

	if (e == SHEAF_E_INTERRUPTED || e == SHEAF_E_TIMEOUT)
		cli_say("it goes on in the broker: 'sheaf dead %s stop' ends it", c->args[0]);
	if (e)
		return no_queue(c, e);
	if (c->flags.json)
		show_json(&c->out, json_pack("{sssssI}", "name", c->args[0], "did", a->did, "jobs", (json_int_t)done));
	else if (a->op == DEAD_STOP)
		out_format(&c->out, "%s stopped: %" PRIu64 " dead letter%s done\n", c->args[0], done,
		           done == 1 ? "" : "s");
	else
		out_format(&c->out, "%s %s: %" PRIu64 " dead letter%s\n", c->args[0], a->did, done,
		           done == 1 ? "" : "s");
	return EXIT_DONE;
}

/* The action of that name, NULL for ls. False after a sentence. */
static bool find_action(const char *name, const struct action **a)
{
	struct suggest s;

	*a = NULL;
	if (strcmp(name, "ls") == 0)
		return true;
	suggest_init(&s, name);
	suggest_offer(&s, "ls");
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
		if (strcmp(actions[i].name, name) == 0) {
			*a = &actions[i];
			return true;
		}
		suggest_offer(&s, actions[i].name);
	}
	if (suggest_best(&s))
		cli_say("dead letters cannot be told to '%s': did you mean '%s'?", name, suggest_best(&s));
	else
		cli_say("dead letters cannot be told to '%s': ls, redrive, purge and stop are what there is", name);
	return false;
}

static int cmd_dead(struct cli *c)
{
	const struct action *a;
	struct msg_dead_filter f;
	uint64_t rate;
	int status;

	if (!cli_queue_name(c->args[0]) || !find_action(c->n_args > 1 ? c->args[1] : "ls", &a) || !stop_alone(c, a) ||
	    !filter(c, &f) || !rate_of(c, a, &rate))
		return EXIT_USAGE;
	status = cli_open(c);
	if (status)
		return status;
	return a ? change(c, a, &f, rate) : list(c, &f);
}

/* ---- retry ---- */

static int retry_one(struct cli *c, uint64_t id)
{
	uint64_t n;
	enum sheaf_error e = sheaf_retry(c->s, &id, 1, cli_left(c), &n);

	if (e == SHEAF_E_UNKNOWN || e == SHEAF_E_GONE) {
		cli_say(e == SHEAF_E_GONE ? "job %" PRIu64 " has ended and is no longer kept"
		                          : "no job has the id %" PRIu64,
		        id);
		return EXIT_REFUSED;
	}
	if (e == SHEAF_E_BAD_VALUE)
		return cli_error(c, e), EXIT_REFUSED; /* the id was good, the job is not dead */
	if (e)
		return cli_error(c, e);
	if (c->flags.json)
		show_json(&c->out, json_pack("{soss}", "id", show_json_id(id), "did", "redriven"));
	return EXIT_DONE;
}

static int cmd_retry(struct cli *c)
{
	int status = EXIT_DONE;
	uint64_t id;

	for (int i = 0; i < c->n_args; i++)
		if (!cli_id(c->args[i], &id, NULL))
			return EXIT_USAGE;
	status = cli_open(c);
	for (int i = 0; i < c->n_args && (status == EXIT_DONE || status == EXIT_REFUSED); i++) {
		int one = cli_id(c->args[i], &id, NULL) ? retry_one(c, id) : EXIT_USAGE;

		status = one == EXIT_DONE ? status : one;
	}
	return status;
}

const struct command command_dead = {
	.name = "dead",
	.args = "QUEUE [ls|redrive|purge|stop]",
	.group = GROUP_JOBS,
	.least = 1,
	.most = 2,
	.line = "list, redrive or purge dead letters",
	.text = "A job whose attempts are spent, or whose worker was lost too often, is a dead letter. It is\n"
		"kept, payload, error and attempts, until you redrive or purge it (or as long as the queue's\n"
		"setting keep-dead says).\n"
		"ls       shows them, the oldest first (so does no word at all)\n"
		"redrive  makes them ready again, with all their attempts before them\n"
		"purge    forgets them for good, without asking\n"
		"stop     ends a redrive or purge that is under way\n"
		"All but stop take --older, --newer, --error and -n, and all of them must fit.",
	.refused = "there is no such queue, or its dead letters are being redriven or purged already",
	.example = "sheaf dead thumbnails --newer 1h --error 'no space'\n"
		   "sheaf dead thumbnails redrive --rate 100/s",
	.run = cmd_dead,
};

const struct command command_retry = {
	.name = "retry",
	.args = "ID...",
	.group = GROUP_JOBS,
	.least = 1,
	.most = -1,
	.line = "run dead jobs again",
	.text = "Makes dead letters ready again, one by one: with all their attempts before them. See\n"
		"'sheaf help dead' for many of them.",
	.refused = "a job is not dead, or there is none",
	.example = "sheaf retry 17 18",
	.run = cmd_retry,
};
