/* `sheaf jobs`: what runs now. */
#include <inttypes.h>

#include "base/units.h"
#include "client/cli/commands.h"
#include "client/cli/listing.h"

static json_t *json_running(const void *row)
{
	const struct msg_running_rec *r = row;
	json_t *object = json_object();
	char when[32];

	json_object_set_new(object, "id", show_json_id(r->id));
	show_json_bytes(object, "queue", r->queue);
	show_json_bytes(object, "worker", r->worker);
	json_object_set_new(object, "attempt", show_json_count(r->attempt));
	json_object_set_new(object, "since", json_string(show_time(r->since_ms, when)));
	if (r->percent <= 100)
		json_object_set_new(object, "percent", show_json_count(r->percent));
	if (r->progress.n)
		show_json_bytes(object, "progress", r->progress);
	return object;
}

static void list_running(void *ctx, const struct msg_running_rec *r)
{
	struct listing *l = ctx;
	struct table *t = &l->table;
	char when[32];

	if (listing_json(l, json_running, r))
		return;
	table_cell(t, "%" PRIu64, r->id);
	table_text(t, r->queue, LIMIT_QUEUE_NAME);
	table_text(t, r->worker, LIMIT_NAME);
	table_cell(t, "%u", r->attempt);
	table_cell(t, "%s", show_time(r->since_ms, when));
	if (r->percent <= 100)
		table_cell(t, "%u%%", r->percent);
	else
		table_cell(t, "%s", "");
	table_text(t, r->progress, 60);
}

static int cmd_jobs(struct cli *c)
{
	static const char *const heads[] = { ">ID", "QUEUE", "WORKER", ">ATTEMPT", "SINCE", ">DONE", "", NULL };
	const char *queue = c->n_args > 0 ? c->args[0] : NULL;
	struct listing l;
	int status;

	if (queue != NULL && !cli_queue_name(queue))
		return EXIT_USAGE;
	status = cli_open(c);
	if (status)
		return status;
	listing_begin(&l, c, heads);
	return listing_end(&l, sheaf_running(c->s, queue, cli_left(c), list_running, &l), "no job runs now");
}

const struct command command_jobs = {
	.name = "jobs",
	.args = "[QUEUE]",
	.group = GROUP_JOBS,
	.most = 1,
	.line = "list the jobs that run now, and how far they are",
	.text = "A line for each job that a worker runs: since when, and what its handler says of it (see\n"
		"'sheaf help touch'). What has not started, or has ended, is not here.",
	.refused = "there is no such queue",
	.example = "sheaf jobs\n"
		   "sheaf jobs images --json",
	.run = cmd_jobs,
};
