/* `sheaf submit`: one job, or a stream of them whose ids are printed in the order of the input. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/commands.h"
#include "client/cli/payload.h"
#include "client/cli/records.h"
#include "client/cli/show.h"
#include "client/cli/submit.h"

enum { RING = 2 * LIMIT_CLIENT_WAITS }; /* records between the first without an answer and the newest */

#define ID_REFUSED UINT64_MAX

static void print_id(struct cli *c, uint64_t id)
{
	if (!c->flags.json) {
		out_format(&c->out, "%" PRIu64 "\n", id);
		return;
	}
	show_json(&c->out, json_pack("{so}", "id", show_json_id(id)));
}

static int submit_one(struct cli *c, const struct sheaf_policy *policy)
{
	struct payload p;
	uint64_t id;
	int status = payload_open(c, &p, c->n_args > 1 ? c->args[1] : NULL);
	enum sheaf_error e;

	if (!status) {
		e = sheaf_submit(c->s, c->args[0], policy, p.bytes, cli_left(c), &id);
		if (e)
			status = cli_error(c, e);
		else
			print_id(c, id);
	}
	payload_fini(&p);
	return status;
}

/* ---- a job for each record ---- */

struct stream {
	struct cli *c;
	const struct sheaf_policy *policy;
	struct records in;
	uint64_t *ids;    /* RING of them, by record; 0 = not answered yet */
	uint64_t posted;  /* records submitted so far; the next one's number */
	uint64_t printed; /* records whose id has been printed, or that were refused */
	uint64_t refused;
	bool ended; /* no more is read */
	bool dry;   /* stdin has nothing for now */
	int status;
};

static void stop_reading(struct stream *st, int status)
{
	st->ended = true;
	if (!st->status)
		st->status = status;
}

static void post(struct stream *st, struct span record)
{
	enum sheaf_error e = sheaf_post(st->c->s, st->c->args[0], st->policy, record, st->posted, false);

	if (e) {
		stop_reading(st, cli_error(st->c, e));
		return;
	}
	st->ids[st->posted++ % RING] = 0;
}

/* Posts records while there are some and there is room. */
static void fill(struct stream *st)
{
	size_t room = sheaf_room(st->c->s);
	struct span record;

	st->dry = false;
	for (; !st->ended && room > 0 && st->posted - st->printed < RING; room--) {
		switch (records_next(&st->in, false, &record)) {
		case RECORDS_ONE:
			post(st, record);
			break;
		case RECORDS_WAIT:
			st->dry = true;
			return;
		case RECORDS_END:
			st->ended = true;
			break;
		case RECORDS_TOO_LONG:
			stop_reading(st, cli_fail(EXIT_USAGE,
			                          "record %" PRIu64 " is longer than the limit of %" PRIu64 " bytes",
			                          st->posted + 1, (uint64_t)LIMIT_PAYLOAD));
			break;
		case RECORDS_FAILED:
			stop_reading(st, cli_fail(EXIT_FAILED, "cannot read stdin: %s", strerrordesc_np(st->in.error)));
			break;
		}
		if (room == 1)
			room = 1 + sheaf_room(st->c->s);
	}
}

static void print_ids(struct stream *st)
{
	while (st->printed < st->posted && st->ids[st->printed % RING]) {
		uint64_t id = st->ids[st->printed++ % RING];

		if (id != ID_REFUSED)
			print_id(st->c, id);
	}
	if (out_full(&st->c->out) && !out_flush(&st->c->out))
		stop_reading(st, EXIT_FAILED);
}

static void answered(struct stream *st, const struct sheaf_event *ev)
{
	if (ev->kind == SHEAF_ACCEPTED) {
		st->ids[ev->tag % RING] = ev->id;
	} else if (ev->kind == SHEAF_REFUSED) {
		st->ids[ev->tag % RING] = ID_REFUSED;
		if (st->refused++ == 0)
			cli_say("record %" PRIu64 " was refused: %s (%s)", ev->tag + 1, sheaf_why(st->c->s),
			        sheaf_error_name(ev->error));
		stop_reading(st, cli_status(ev->error));
	}
	print_ids(st);
}

/* Nothing more has come: writes the ids, then waits for stdin or for the broker. */
static enum sheaf_error pause_for(struct stream *st, struct sheaf_event *ev)
{
	uint64_t left = cli_left(st->c);

	if (!out_flush(&st->c->out))
		stop_reading(st, EXIT_FAILED);
	if (left == 0)
		return SHEAF_E_TIMEOUT;
	if (!st->dry || st->ended)
		return sheaf_next(st->c->s, left, ev);
	if (st->printed == st->posted)
		records_wait(&st->in, left < INPUT_IDLE_MS ? left : INPUT_IDLE_MS);
	else if (left > INPUT_WAIT_MS)
		left = INPUT_WAIT_MS;
	return sheaf_next(st->c->s, st->printed == st->posted ? 0 : left, ev);
}

static int stream(struct stream *st)
{
	struct sheaf_event ev;
	enum sheaf_error e;

	for (;;) {
		fill(st);
		if (st->ended && st->printed == st->posted)
			return st->status;
		e = sheaf_next(st->c->s, 0, &ev);
		if (!e && ev.kind == SHEAF_NOTHING)
			e = pause_for(st, &ev);
		if (e == SHEAF_E_INTERRUPTED && cli_signals() == 1) { /* what is on its way is waited for */
			cli_go_on(st->c);
			stop_reading(st, EXIT_INTERRUPTED);
			continue;
		}
		if (e)
			return cli_error(st->c, e);
		answered(st, &ev);
	}
}

static int submit_records(struct cli *c, const struct sheaf_policy *policy)
{
	struct stream st = { .c = c, .policy = policy };
	int status = cli_open(c);

	if (status)
		return status;
	st.ids = calloc(RING, sizeof *st.ids);
	must(st.ids);
	records_init(&st.in, STDIN_FILENO, c->flags.null ? 0 : '\n', LIMIT_PAYLOAD);
	sheaf_set_batching(c->s, LIMIT_RECORDS);
	status = stream(&st);
	if (st.refused > 1 && !c->flags.quiet)
		cli_say("%" PRIu64 " records were refused", st.refused);
	records_fini(&st.in);
	free(st.ids);
	return status;
}

int submit_run(struct cli *c, uint64_t batch)
{
	struct sheaf_policy policy;

	if (!cli_queue_name(c->args[0]) || !cli_policy(c, &policy))
		return EXIT_USAGE;
	if (batch)
		policy.batch = batch;
	if (!c->flags.lines && !c->flags.null)
		return submit_one(c, &policy);
	if (c->flags.lines && c->flags.null)
		return cli_fail(EXIT_USAGE, "--lines and --null exclude each other");
	if (c->n_args > 1 && strcmp(c->args[1], "-") != 0)
		return cli_fail(EXIT_USAGE, "--%s reads stdin: leave '%.40s' out", c->flags.lines ? "lines" : "null",
		                c->args[1]);
	if (c->flags.key)
		return cli_fail(EXIT_USAGE, "--key is for one job: with --%s there is one for each record",
		                c->flags.lines ? "lines" : "null");
	return submit_records(c, &policy);
}

static int cmd_submit(struct cli *c)
{
	return submit_run(c, 0);
}

const struct command command_submit = {
	.name = "submit",
	.args = "QUEUE [PAYLOAD|-]",
	.group = GROUP_WORK,
	.least = 1,
	.most = 2,
	.line = "submit a job, or a job for each line of stdin",
	.text = "Prints each job's id on a line once that job is durable. Without PAYLOAD, or with -, the\n"
		"exact bytes of stdin are one job; with --lines or --null there is a job for each record,\n"
		"without its terminator, and the ids come in the order of the input.\n"
		"With --key a submit can be repeated without harm: whoever comes second, from wherever and\n"
		"with whatever payload, gets the id of the first job that had this key in this queue.",
	.example = "sheaf submit thumbnails photo.jpg\n"
		   "find . -name '*.jpg' -print0 | sheaf submit thumbnails --null --priority 2\n"
		   "sheaf submit invoices --key order-4711 order-4711.json",
	.run = cmd_submit,
};
