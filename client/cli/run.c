/* `sheaf run`: one job, from its payload to its result. See run.h. */
#include <inttypes.h>

#include "client/cli/commands.h"
#include "client/cli/payload.h"
#include "client/cli/result.h"
#include "client/cli/run.h"
#include "client/cli/show.h"

enum { CANCEL_MS = 2000 }; /* how long a command that gives up waits for its cancellation */

/* Gives up: cancels the job, if it has been accepted. The status is that of why. */
static int give_up(struct cli *c, enum sheaf_error why, uint64_t id)
{
	int status = cli_error(c, why);
	uint64_t cancelled;

	if (id == 0 || (why != SHEAF_E_TIMEOUT && why != SHEAF_E_INTERRUPTED))
		return status;
	if (c->flags.key) { /* it may be others' as well, and whoever runs this again wants its result */
		if (!c->flags.quiet)
			cli_say("job %" PRIu64 " goes on: the same --key finds it again", id);
		return status;
	}
	cli_go_on(c);
	if (sheaf_cancel(c->s, &id, 1, 0, CANCEL_MS, &cancelled) && !c->flags.quiet)
		cli_say("job %" PRIu64 " could not be cancelled: %s", id, sheaf_why(c->s));
	return status;
}

int run_await(struct cli *c, uint64_t grace, struct msg_result_rec *r)
{
	struct sheaf_event ev;
	uint64_t id = 0;

	for (;;) {
		uint64_t left = cli_left(c);
		enum sheaf_error e = sheaf_next(c->s, left < SHEAF_FOREVER - grace ? left + grace : left, &ev);

		if (!e && ev.kind == SHEAF_NOTHING)
			e = SHEAF_E_TIMEOUT;
		if (e)
			return give_up(c, e, id);
		if (ev.kind == SHEAF_REFUSED)
			return cli_fail(cli_status(ev.error), "the job was refused: %s (%s)", sheaf_why(c->s),
			                sheaf_error_name(ev.error));
		if (ev.kind == SHEAF_ACCEPTED) {
			id = ev.id;
			continue;
		}
		*r = ev.result;
		return EXIT_DONE;
	}
}

static int cmd_run(struct cli *c)
{
	struct sheaf_policy policy;
	struct msg_result_rec r;
	struct payload p;
	enum sheaf_error e;
	int status;

	if (!cli_queue_name(c->args[0]) || !cli_policy(c, &policy))
		return EXIT_USAGE;
	status = payload_open(c, &p, c->n_args > 1 ? c->args[1] : NULL);
	if (!status) {
		e = sheaf_post(c->s, c->args[0], &policy, p.bytes, 0, true);
		status = e ? cli_error(c, e) : run_await(c, 0, &r);
		if (!status)
			status = result_print(c, &r);
	}
	payload_fini(&p);
	return status;
}

const struct command command_run = {
	.name = "run",
	.args = "QUEUE [PAYLOAD|-]",
	.group = GROUP_WORK,
	.least = 1,
	.most = 2,
	.line = "submit a job, wait, print its result",
	.text = "Prints the exact bytes of the result and ends as the handler did: with its exit status, or\n"
		"1 if it failed without one. What a failed handler wrote to stderr goes to stderr. The job is\n"
		"cancelled when --timeout runs out (exit 124) or on SIGINT (130), unless it has a --key: then\n"
		"it goes on, and the same command again waits for it and prints its result.",
	.failed = "the job failed without an exit status of its own",
	.example = "sheaf run words <chapter.txt",
	.run = cmd_run,
};
