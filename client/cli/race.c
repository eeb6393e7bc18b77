/* `sheaf race`: one job for several workers at once; the first good answer is the answer. */
#include <inttypes.h>

#include "client/cli/commands.h"
#include "client/cli/payload.h"
#include "client/cli/result.h"
#include "client/cli/run.h"
#include "client/cli/show.h"

enum { GRACE_MS = 500 }; /* the broker says that the time is over; it is waited for a little longer than that */

static void count_workers(void *ctx, const struct msg_queue_rec *q)
{
	*(uint64_t *)ctx = q->workers;
}

/* A race on fewer workers than replicas is a smaller race: that is said, and changes nothing. */
static void remark(struct cli *c)
{
	uint64_t workers = UINT64_MAX, wanted = c->flags.replicas, value;
	const char *queue = c->args[0];

	if (c->flags.quiet || sheaf_queue(c->s, queue, QUEUE_SHOW, cli_left(c), &value, count_workers, &workers))
		return; /* what is wrong shows while the job is awaited */
	if (workers == 0)
		cli_say("no worker serves '%s' yet: the race waits for one", queue);
	else if (workers < wanted)
		cli_say("only %" PRIu64 " worker%s '%s': the race has no more runners, of %" PRIu64 " replicas",
		        workers, workers == 1 ? " serves" : "s serve", queue, wanted);
}

static int race(struct cli *c, struct sheaf_policy *policy, struct span payload)
{
	struct msg_result_rec r;
	enum sheaf_error e;
	int status;

	policy->terms.replicas = (uint32_t)c->flags.replicas;
	policy->terms.hedge_ms = c->flags.hedge_ms;
	policy->terms.race_ms = cli_left(c) > 0 ? cli_left(c) : 1;
	e = sheaf_post(c->s, c->args[0], policy, payload, 0, true);
	if (e)
		return cli_error(c, e);
	remark(c);
	status = run_await(c, GRACE_MS, &r);
	if (status)
		return status;
	status = result_print(c, &r);
	if (r.state == JOB_EXPIRED)
		return EXIT_TIMEOUT;
	return status == EXIT_DONE || status == EXIT_REFUSED ? status : EXIT_FAILED;
}

static int cmd_race(struct cli *c)
{
	struct sheaf_policy policy;
	struct payload p;
	int status;

	if (!cli_queue_name(c->args[0]) || !cli_policy(c, &policy))
		return EXIT_USAGE;
	if (c->flags.replicas == 0)
		return cli_fail(EXIT_USAGE, "race needs --replicas N: how many workers may run the job");
	if (c->flags.timeout_ms == SHEAF_FOREVER)
		return cli_fail(EXIT_USAGE, "race needs --timeout D: how long an answer is waited for, such as 2s");
	status = payload_open(c, &p, c->n_args > 1 ? c->args[1] : NULL);
	if (!status)
		status = race(c, &policy, p.bytes);
	payload_fini(&p);
	return status;
}

const struct command command_race = {
	.name = "race",
	.args = "QUEUE [PAYLOAD|-]",
	.group = GROUP_WORK,
	.least = 1,
	.most = 2,
	.line = "run a job on several workers, print the first good result",
	.text = "The job goes to as many different workers as --replicas says (to as many as there are, if\n"
		"fewer; that is said on stderr). The first that is done answers: its result is printed, the\n"
		"others are cancelled. With --hedge the next one begins only when the one before has been\n"
		"silent for that long or has failed: with about the time that 95 of 100 jobs take, slow ones\n"
		"are overtaken at the cost of few more runs. The handler must bear to run more than once.\n"
		"\n"
		"No answer within --timeout is exit status 124, and nobody goes on with it. If all have\n"
		"failed, it is 1, with the error of each on stderr. SIGINT cancels the race (130).",
	.failed = "all replicas failed, or the race was cancelled",
	.example = "sheaf race lookup 'key 17' --replicas 3 --timeout 2s\n"
		   "sheaf race lookup 'key 17' --replicas 2 --hedge 40ms --timeout 2s",
	.run = cmd_race,
};
