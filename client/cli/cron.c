/* `sheaf cron`: schedules. Their times come from the broker, which has the time zones; here they are only shown. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/suggest.h"
#include "client/cli/commands.h"
#include "client/cli/listing.h"
#include "client/cli/moment.h"
#include "client/cli/payload.h"

/* ---- showing ---- */

static void json_time(json_t *object, const char *name, const struct msg_cron_time *t)
{
	char text[MOMENT], local[24];

	if (t->at_ms == 0)
		return;
	snprintf(local, sizeof local, "%s_local", name);
	json_object_set_new(object, name, json_string(show_time(t->at_ms, text)));
	json_object_set_new(object, local, json_string(moment_local(t, text)));
}

static json_t *json_headers(struct span h)
{
	json_t *object = json_object();

	while (h.n > 0) {
		const char *text = (const char *)h.p, *equals = strchr(text, '=');
		size_t n = strlen(text) + 1;
		char name[LIMIT_NAME + 1];

		if (equals) {
			snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
			show_json_bytes(object, name, span_str(equals + 1));
		}
		h = span_of(h.p + n, h.n - n);
	}
	return object;
}

static void json_span(json_t *object, const char *key, struct span s)
{
	if (s.n > 0)
		show_json_bytes(object, key, s);
}

static void json_ms(json_t *object, const char *key, uint64_t ms)
{
	if (ms > 0)
		json_object_set_new(object, key, show_json_count(ms));
}

static json_t *json_cron(const void *row)
{
	const struct msg_cron_rec *r = row;
	const struct msg_cron *k = &r->cron;
	json_t *object = json_object();

	show_json_bytes(object, "name", k->name);
	show_json_bytes(object, "spec", k->spec);
	show_json_bytes(object, "zone", k->zone.n > 0 ? k->zone : span_str("UTC"));
	show_json_bytes(object, "queue", k->queue);
	json_object_set_new(object, "paused", json_boolean(r->paused));
	json_object_set_new(object, "missed", json_string(k->missed == CRON_SKIP ? "skip" : "once"));
	json_time(object, "next", &r->next);
	json_time(object, "last", &r->last);
	if (r->last_job > 0)
		json_object_set_new(object, "last_job", show_json_id(r->last_job));
	json_object_set_new(object, "jobs", show_json_count(r->submitted));
	json_object_set_new(object, "missed_ticks", show_json_count(r->missed));
	json_span(object, "trouble", r->trouble);
	json_object_set_new(object, "priority", show_json_count(k->priority));
	json_ms(object, "attempts", k->attempts);
	json_ms(object, "lease_ms", k->lease_ms);
	json_ms(object, "backoff_ms", k->backoff_ms);
	json_ms(object, "backoff_max_ms", k->backoff_max_ms);
	json_ms(object, "expires_ms", k->within_ms);
	json_span(object, "tenant", k->tenant);
	json_span(object, "group", k->group);
	json_object_set_new(object, "headers", json_headers(k->headers));
	show_json_bytes(object, "payload", k->payload);
	return object;
}

static void list_cron(void *ctx, const struct msg_cron_rec *r)
{
	const uint64_t now = clock_wall_ms();
	struct listing *l = ctx;
	struct table *t = &l->table;
	char text[MOMENT];

	if (listing_json(l, json_cron, r))
		return;
	table_text(t, r->cron.name, LIMIT_NAME);
	table_text(t, r->cron.spec, 40);
	table_text(t, r->cron.queue, LIMIT_QUEUE_NAME);
	table_cell(t, "%s", r->paused ? "paused" : moment_show(&r->next, text));
	table_cell(t, "%s", r->paused ? "" : moment_distance(&r->next, now, text));
	table_cell(t, "%s", moment_show(&r->last, text));
	table_cell(t, "%s", moment_distance(&r->last, now, text));
	table_cell(t, "%" PRIu64, r->submitted);
	table_cell(t, "%" PRIu64, r->missed);
	table_text(t, r->trouble, 120);
}

static int cmd_ls(struct cli *c)
{
	static const char *const heads[] = { "SCHEDULE", "WHEN",  "QUEUE",   "NEXT", "",  "LAST",
		                             "",         ">JOBS", ">MISSED", "",     NULL };
	struct listing l;
	int status = cli_open(c);

	if (status)
		return status;
	listing_begin(&l, c, heads);
	return listing_end(&l, sheaf_crons(c->s, cli_left(c), list_cron, &l),
	                   "there are no schedules: 'sheaf cron add NAME \"30 6 * * *\" QUEUE' makes one");
}

/* ---- add ---- */

struct added {
	struct cli *c;
	const char *did;
};

static void show_added(void *ctx, const struct msg_cron_rec *r)
{
	struct added *a = ctx;
	char at[MOMENT], in[MOMENT];

	if (a->c->flags.json) {
		json_t *object = json_cron(r);

		json_object_set_new(object, "did", json_string(a->did));
		show_json(&a->c->out, object);
	} else if (!a->c->flags.quiet && r->paused) {
		out_format(&a->c->out, "%s %s; it is paused\n", a->c->args[1], a->did);
	} else if (!a->c->flags.quiet && r->next.at_ms == 0) {
		out_format(&a->c->out, "%s %s\n", a->c->args[1], a->did);
	} else if (!a->c->flags.quiet) {
		out_format(&a->c->out, "%s %s: next %s (%s)\n", a->c->args[1], a->did, moment_show(&r->next, at),
		           moment_distance(&r->next, clock_wall_ms(), in));
	}
}

/* `did` is known only when the record has come, and the record only during the call: it is kept. */
struct kept {
	struct added added;
	struct msg_cron_rec rec;
};

static void keep(void *ctx, const struct msg_cron_rec *r)
{
	struct kept *k = ctx;

	k->rec = *r; /* its spans are valid until the next call of the session */
}

static int add(struct cli *c, const struct sheaf_policy *p, struct span payload)
{
	static const char *const words[] = { "listed", "added", "replaced", "is there already, just so" };
	struct sheaf_cron k = { .name = c->args[1],
		                .spec = c->args[2],
		                .queue = c->args[3],
		                .zone = c->flags.tz,
		                .skip = strcmp(c->flags.missed, "skip") == 0,
		                .payload = payload };
	struct kept kept = { .added.c = c };
	enum cron_did did;
	enum sheaf_error e = sheaf_cron_set(c->s, &k, p, c->flags.replace, cli_left(c), &did, keep, &kept);

	if (e == SHEAF_E_EXISTS)
		return cli_fail(EXIT_REFUSED, "there is another schedule '%s': --replace puts this one in its place",
		                c->args[1]);
	if (e)
		return cli_error(c, e);
	kept.added.did = c->flags.json && did == CRON_SAME ? "same" : words[did];
	show_added(&kept.added, &kept.rec);
	return EXIT_DONE;
}

static int cmd_add(struct cli *c)
{
	struct sheaf_policy policy;
	struct payload p;
	int status;

	if (c->n_args < 4)
		return cli_fail(EXIT_USAGE,
		                "cron add needs a name, when, and a queue: sheaf cron add tidy '30 6 * * *' chores");
	if (c->n_args > 5)
		return cli_fail(EXIT_USAGE,
		                "cron add does not know what to do with '%.80s': put when into quotes, such as "
		                "'30 6 * * *'",
		                c->args[5]);
	if (!cli_queue_name(c->args[3]) || !cli_policy(c, &policy))
		return EXIT_USAGE;
	if (policy.terms.expires_ms)
		return cli_fail(EXIT_USAGE,
		                "--expires: a schedule's jobs expire so long after each is due: say a duration");
	status = payload_open(c, &p, c->n_args > 4 ? c->args[4] : "");
	if (!status)
		status = add(c, &policy, p.bytes);
	payload_fini(&p);
	return status;
}

/* ---- rm, pause, resume ---- */

static void offer(void *ctx, const struct msg_cron_rec *r)
{
	char name[LIMIT_NAME + 1];

	snprintf(name, sizeof name, "%.*s", (int)r->cron.name.n, (const char *)r->cron.name.p);
	suggest_offer(ctx, name);
}

static int no_cron(struct cli *c, const char *name)
{
	struct suggest s;

	suggest_init(&s, name);
	if (sheaf_crons(c->s, cli_left(c), offer, &s) == SHEAF_OK && suggest_best(&s))
		return cli_fail(EXIT_REFUSED, "there is no schedule '%s': did you mean '%s'?", name, suggest_best(&s));
	return cli_fail(EXIT_REFUSED, "there is no schedule '%s': 'sheaf cron ls' lists them", name);
}

static int change(struct cli *c, enum cron_op op, const char *did)
{
	enum sheaf_error e;
	int status;

	if (c->n_args != 2)
		return cli_fail(EXIT_USAGE, "cron %s takes the name of a schedule", c->args[0]);
	status = cli_open(c);
	if (status)
		return status;
	e = sheaf_cron_op(c->s, c->args[1], op, cli_left(c));
	if (e == SHEAF_E_UNKNOWN)
		return no_cron(c, c->args[1]);
	if (e)
		return cli_error(c, e);
	if (c->flags.json)
		show_json(&c->out, json_pack("{ssss}", "name", c->args[1], "did", did));
	else if (!c->flags.quiet)
		out_format(&c->out, "%s %s\n", c->args[1], did);
	return EXIT_DONE;
}

static int cmd_rm(struct cli *c)
{
	return change(c, CRON_RM, "removed");
}

static int cmd_pause(struct cli *c)
{
	return change(c, CRON_PAUSE, "paused");
}

static int cmd_resume(struct cli *c)
{
	return change(c, CRON_RESUME, "resumed");
}

/* ---- next ---- */

static void show_next(void *ctx, const struct msg_cron_time *t)
{
	struct cli *c = ctx;
	char at[MOMENT], in[MOMENT];
	json_t *object;

	if (c->flags.json) {
		object = json_object();
		json_time(object, "next", t);
		show_json(&c->out, object);
	} else {
		out_format(&c->out, "%s  %s\n", moment_show(t, at), moment_distance(t, clock_wall_ms(), in));
	}
}

/* A name has no blank, and what says when has one or begins with @. */
static int cmd_next(struct cli *c)
{
	const char *what = c->n_args > 1 ? c->args[1] : "";
	bool is_spec = what[0] == '@' || strpbrk(what, " \t") != NULL;
	enum sheaf_error e;
	int status;

	if (c->n_args != 2)
		return cli_fail(EXIT_USAGE,
		                "cron next takes a schedule's name, or when in quotes, such as '30 6 * * *'");
	if (!is_spec && c->flags.tz)
		return cli_fail(EXIT_USAGE, "--tz: the schedule '%s' has its own time zone", what);
	status = cli_open(c);
	if (status)
		return status;
	e = sheaf_cron_next(c->s, is_spec ? NULL : what, is_spec ? what : NULL, c->flags.tz, (uint32_t)c->flags.times,
	                    cli_left(c), show_next, c);
	if (e == SHEAF_E_UNKNOWN)
		return no_cron(c, what);
	return e ? cli_error(c, e) : EXIT_DONE;
}

static const struct action {
	const char *name;
	int (*run)(struct cli *c);
} actions[] = {
	{ "add", cmd_add },     { "ls", cmd_ls },         { "rm", cmd_rm },
	{ "pause", cmd_pause }, { "resume", cmd_resume }, { "next", cmd_next },
};

static int cmd_cron(struct cli *c)
{
	const char *what = c->n_args > 0 ? c->args[0] : "ls";
	struct suggest s;

	suggest_init(&s, what);
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
		if (strcmp(actions[i].name, what) == 0)
			return actions[i].run(c);
		suggest_offer(&s, actions[i].name);
	}
	if (suggest_best(&s))
		return cli_fail(EXIT_USAGE, "cron does not know '%s': did you mean '%s'?", what, suggest_best(&s));
	return cli_fail(EXIT_USAGE, "cron does not know '%s': add, ls, rm, pause, resume and next are what there is",
	                what);
}

const struct command command_cron = {
	.name = "cron",
	.args = "[ls|add|rm|pause|resume|next] [NAME] [WHEN] [QUEUE] [PAYLOAD|-]",
	.group = GROUP_JOBS,
	.least = 0,
	.most = -1,
	.line = "submit jobs by schedule",
	.text = "add NAME WHEN QUEUE [PAYLOAD|-]   a schedule: a job goes to QUEUE whenever it is due\n"
		"ls                                the schedules: when each is due next, and was last\n"
		"rm NAME, pause NAME, resume NAME  what is in the queue already stays there\n"
		"next NAME, next WHEN              when that is due (-n N times)\n"
		"\n"
		"WHEN is five fields, minute hour day-of-month month day-of-week, as cron has them:\n"
		"  '*/5 * * * *'           every five minutes\n"
		"  '30 6 * * MON-FRI'      half past six, from Monday to Friday\n"
		"  '0 0 1,15 JAN-JUN *'    midnight on the 1st and the 15th, in the first half of a year\n"
		"or @hourly, @daily, @weekly, @monthly, @yearly, or '@every 90s' (5m, 1h30m, 1d).\n"
		"Fields go by the clocks of --tz, UTC without it. Where clocks are put forward, a time that is\n"
		"skipped counts as that moment; where they are put back, a time that comes twice counts once.\n"
		"Only with * or a step as hour it goes on, minute after minute, whatever clocks show.\n"
		"\n"
		"A job is submitted once for each time that is due, never twice, whatever dies meanwhile. What\n"
		"is missed, by more than a minute, because the broker was down or full, runs once when it can\n"
		"(--missed once), or not at all (--missed skip). Each job has the headers cron=NAME and\n"
		"due=TIME, in the handler's environment as SHEAF_H_CRON and SHEAF_H_DUE.\n"
		"add with a name that is there already changes nothing if all is the same, and needs\n"
		"--replace if not.",
	.refused = "there is no such schedule, or another one of this name",
	.example = "sheaf cron add report '0 7 * * MON' reports weekly --tz Europe/Berlin\n"
		   "sheaf cron add probe '@every 30s' probes --missed skip --expires 20s\n"
		   "sheaf cron next '30 2 * * *' --tz America/New_York -n 5\n"
		   "sheaf cron ls",
	.run = cmd_cron,
};
