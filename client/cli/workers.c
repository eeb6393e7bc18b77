/* `sheaf workers`, `sheaf workers drain|resume WORKER`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "base/units.h"
#include "client/cli/commands.h"
#include "client/cli/listing.h"

static json_t *json_worker(const void *row)
{
	const struct msg_worker_rec *w = row;
	json_t *object = json_object();

	show_json_bytes(object, "name", w->name);
	json_object_set_new(object, "session", show_json_id(w->session));
	show_json_bytes(object, "queues", w->queues);
	json_object_set_new(object, "slots", show_json_count(w->slots));
	json_object_set_new(object, "running", show_json_count(w->running));
	json_object_set_new(object, "outstanding", show_json_count(w->outstanding));
	json_object_set_new(object, "window", show_json_count(w->window_jobs));
	json_object_set_new(object, "done", show_json_count(w->done));
	json_object_set_new(object, "silent_ms", show_json_count(w->silent_ms));
	json_object_set_new(object, "draining", json_boolean(w->draining));
	return object;
}

static void list_worker(void *ctx, const struct msg_worker_rec *w)
{
	struct listing *l = ctx;
	struct table *t = &l->table;
	char span[24];

	if (listing_json(l, json_worker, w))
		return;
	table_text(t, w->name, LIMIT_NAME);
	table_text(t, w->queues, 60);
	table_cell(t, "%u", w->slots);
	table_cell(t, "%u", w->running);
	table_cell(t, "%u", w->outstanding > w->running ? w->outstanding - w->running : 0);
	table_cell(t, "%" PRIu64, w->done);
	table_cell(t, "%s", units_show_duration(w->silent_ms, span));
	table_cell(t, "%s", w->draining ? "draining" : "");
}

static int list(struct cli *c)
{
	static const char *const heads[] = { "WORKER", "QUEUES", ">SLOTS", ">RUNNING", ">WAITING",
		                             ">DONE",  ">HEARD", "",       NULL };
	struct listing l;
	int status = cli_open(c);

	if (status)
		return status;
	listing_begin(&l, c, heads);
	return listing_end(&l, sheaf_workers(c->s, cli_left(c), list_worker, &l),
	                   "no worker is attached: 'sheaf-worker QUEUE -- COMMAND' starts one");
}

static void offer(void *ctx, const struct msg_worker_rec *w)
{
	char name[LIMIT_NAME + 1];

	snprintf(name, sizeof name, "%.*s", (int)w->name.n, (const char *)w->name.p);
	suggest_offer(ctx, name);
}

static int no_worker(struct cli *c, const char *name)
{
	struct suggest s;

	suggest_init(&s, name);
	if (sheaf_workers(c->s, cli_left(c), offer, &s) == SHEAF_OK && suggest_best(&s))
		return cli_fail(EXIT_REFUSED, "no worker '%s' is attached: did you mean '%s'?", name, suggest_best(&s));
	return cli_fail(EXIT_REFUSED, "no worker '%s' is attached: 'sheaf workers' lists them", name);
}

static int tell(struct cli *c, const char *name, enum worker_op op)
{
	const char *did = op == WORKER_DRAIN ? "drained" : "resumed";
	int status = cli_open(c);
	enum sheaf_error e;
	uint64_t n;

	if (status)
		return status;
	e = sheaf_worker(c->s, name, op, cli_left(c), &n);
	if (e == SHEAF_E_UNKNOWN)
		return no_worker(c, name);
	if (e == SHEAF_E_BAD_NAME)
		return cli_fail(EXIT_USAGE, "no worker can be named '%s'", name);
	if (e)
		return cli_error(c, e);
	if (c->flags.json)
		show_json(&c->out, json_pack("{sssssI}", "name", name, "did", did, "workers", (json_int_t)n));
	else if (n > 1)
		out_format(&c->out, "%s %s: %" PRIu64 " workers\n", name, did, n);
	else if (!c->flags.quiet)
		out_format(&c->out, "%s %s\n", name, did);
	return EXIT_DONE;
}

static int cmd_workers(struct cli *c)
{
	const char *what = c->n_args > 0 ? c->args[0] : "";
	struct suggest s;

	if (c->n_args == 0)
		return list(c);
	if (strcmp(what, "drain") == 0 || strcmp(what, "resume") == 0) {
		if (c->n_args == 1)
			return cli_fail(EXIT_USAGE, "workers %s needs the name of a worker", what);
		return tell(c, c->args[1], strcmp(what, "drain") == 0 ? WORKER_DRAIN : WORKER_RESUME);
	}
	suggest_init(&s, what);
	suggest_offer(&s, "drain");
	suggest_offer(&s, "resume");
	if (suggest_best(&s))
		return cli_fail(EXIT_USAGE, "workers cannot be told to '%s': did you mean '%s'?", what,
		                suggest_best(&s));
	return cli_fail(EXIT_USAGE, "workers cannot be told to '%s': drain and resume are what there is", what);
}

const struct command command_workers = {
	.name = "workers",
	.args = "[drain|resume WORKER]",
	.group = GROUP_BROKER,
	.most = 2,
	.line = "list the workers, or let one rest",
	.text = "Without words, a line for each worker that is attached to the broker.\n"
		"drain    gives it no more jobs: what runs finishes, what has not started goes to others. It\n"
		"         stays attached, and drained even if the broker is restarted\n"
		"resume   gives it jobs again\n"
		"Where several workers have the name, all of them are meant.",
	.refused = "no worker of that name is attached",
	.example = "sheaf workers\n"
		   "sheaf workers drain build-7",
	.run = cmd_workers,
};
