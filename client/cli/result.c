/* `sheaf result`, and what it shares with `run`; see result.h. */
#include "client/cli/result.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/cli/commands.h"
#include "client/cli/show.h"

int result_status(const struct msg_result_rec *r)
{
	if (r->state == JOB_DONE)
		return EXIT_DONE;
	return r->exit > 0 && r->exit < 256 ? (int)r->exit : EXIT_FAILED;
}

struct span result_error(const struct msg_result_rec *r, char out[80])
{
	if (r->error.n)
		return r->error;
	if (r->state == JOB_CANCELLED || r->state == JOB_EXPIRED)
		snprintf(out, 80, "job %" PRIu64 " %s", r->id, r->state == JOB_EXPIRED ? "expired" : "was cancelled");
	else
		snprintf(out, 80, "job %" PRIu64 " failed with exit status %d", r->id, r->exit);
	return span_str(out);
}

static void print_error(const struct msg_result_rec *r)
{
	char text[80];
	struct span s = result_error(r, text);

	if (r->error.n == 0) {
		cli_say("%s", text);
		return;
	}
	fwrite(s.p, 1, s.n, stderr);
	if (s.p[s.n - 1] != '\n')
		fputc('\n', stderr);
}

int result_print(struct cli *c, const struct msg_result_rec *r)
{
	if (r->state == JOB_NONE)
		return cli_fail(EXIT_REFUSED, "the job is no longer kept");
	if (c->flags.json) {
		show_json(&c->out, show_json_result(r));
		return result_status(r);
	}
	if (r->gone && r->state == JOB_DONE)
		return cli_fail(EXIT_REFUSED, "the result of job %" PRIu64 " is no longer kept", r->id);
	out_span(&c->out, r->result);
	if (r->state == JOB_DONE)
		return EXIT_DONE;
	if (!out_flush(&c->out))
		return EXIT_FAILED;
	print_error(r);
	return result_status(r);
}

static int cmd_result(struct cli *c)
{
	struct msg_result_rec r;
	enum sheaf_error e;
	uint64_t id;
	int status;

	if (!cli_id(c->args[0], &id, NULL))
		return EXIT_USAGE;
	status = cli_open(c);
	if (status)
		return status;
	e = sheaf_result(c->s, id, cli_left(c), &r);
	if (e == SHEAF_E_NOT_FINISHED)
		return cli_fail(EXIT_REFUSED, "job %" PRIu64 " has not finished", id);
	if (e == SHEAF_E_UNKNOWN)
		return cli_fail(EXIT_REFUSED, "no job has the id %" PRIu64, id);
	if (e == SHEAF_E_GONE)
		return cli_fail(EXIT_REFUSED, "the result of job %" PRIu64 " is no longer kept", id);
	if (e)
		return cli_error(c, e);
	status = result_print(c, &r);
	return status == EXIT_DONE || status == EXIT_REFUSED ? status : EXIT_FAILED;
}

const struct command command_result = {
	.name = "result",
	.args = "ID",
	.group = GROUP_JOBS,
	.least = 1,
	.most = 1,
	.line = "print the result of a job that has ended",
	.text = "Prints its exact bytes and never waits: a job that has not finished, or whose result is no\n"
		"longer kept, is exit status 4. If the job failed, its error goes to stderr and the status is 1.",
	.failed = "the job failed",
	.refused = "the job has not finished, its result is no longer kept, or there is none",
	.example = "sheaf result 17 >thumbnail.png",
	.run = cmd_result,
};
