/* `sheaf job` and `sheaf cancel`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "client/cli/commands.h"
#include "client/cli/job_show.h"

static int cmd_job(struct cli *c)
{
	struct msg_job_info info;
	enum sheaf_error e;
	uint64_t id;
	int status;

	if (!cli_id(c->args[0], &id, NULL))
		return EXIT_USAGE;
	status = cli_open(c);
	if (status)
		return status;
	e = sheaf_job(c->s, id, cli_left(c), &info);
	if (e == SHEAF_E_UNKNOWN)
		return cli_fail(EXIT_REFUSED, "no job has the id %" PRIu64, id);
	if (e == SHEAF_E_GONE)
		return cli_fail(EXIT_REFUSED, "job %" PRIu64 " has ended and is no longer kept", id);
	if (e)
		return cli_error(c, e);
	if (c->flags.json)
		show_json(&c->out, job_json(&info));
	else
		job_show(&c->out, &info, clock_wall_ms());
	return EXIT_DONE;
}

/* ---- cancel ---- */

static enum sheaf_error cancel_one(struct cli *c, uint64_t id)
{
	uint64_t cancelled;
	enum sheaf_error e = sheaf_cancel(c->s, &id, 1, 0, cli_left(c), &cancelled);

	if (!e && cancelled == 0)
		e = SHEAF_E_FINISHED;
	if (e == SHEAF_E_FINISHED)
		cli_say("job %" PRIu64 " has ended already", id);
	else if (e == SHEAF_E_UNKNOWN || e == SHEAF_E_GONE)
		cli_say(e == SHEAF_E_GONE ? "job %" PRIu64 " has ended and is no longer kept"
		                          : "no job has the id %" PRIu64,
		        id);
	return e;
}

static int cmd_cancel(struct cli *c)
{
	int status = EXIT_DONE;
	uint64_t id;

	for (int i = 0; i < c->n_args; i++)
		if (!cli_id(c->args[i], &id, NULL))
			return EXIT_USAGE;
	status = cli_open(c);
	for (int i = 0; i < c->n_args && (status == EXIT_DONE || status == EXIT_REFUSED); i++) {
		enum sheaf_error e = SHEAF_E_BAD_VALUE;

		if (cli_id(c->args[i], &id, NULL))
			e = cancel_one(c, id);
		if (e == SHEAF_E_FINISHED || e == SHEAF_E_UNKNOWN || e == SHEAF_E_GONE)
			status = EXIT_REFUSED;
		else if (e)
			status = cli_error(c, e);
		else if (c->flags.json)
			show_json(&c->out, json_pack("{soss}", "id", show_json_id(id), "state", "cancelled"));
	}
	return status;
}

const struct command command_job = {
	.name = "job",
	.args = "ID",
	.group = GROUP_JOBS,
	.least = 1,
	.most = 1,
	.line = "what a job is now",
	.text = "Prints what it is, when it is due, who runs it, and how far; then a line for each of its last\n"
		"attempts: where it ran, when, for how long, and why it failed.",
	.refused = "there is no such job, or it is no longer kept",
	.example = "sheaf job 17",
	.run = cmd_job,
};

const struct command command_cancel = {
	.name = "cancel",
	.args = "ID...",
	.group = GROUP_JOBS,
	.least = 1,
	.most = -1,
	.line = "cancel jobs",
	.text = "What runs is stopped. A job that has ended, or is unknown, is exit status 4.",
	.refused = "a job has ended already, or there is none",
	.example = "sheaf cancel 17 18",
	.run = cmd_cancel,
};
