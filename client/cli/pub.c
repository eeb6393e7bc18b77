/* `sheaf pub`: one message, or one for each record of stdin. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/commands.h"
#include "client/cli/payload.h"
#include "client/cli/records.h"
#include "client/cli/show.h"
#include "client/cli/topic.h"

enum { GATHER_MESSAGES = 4096, GATHER_BYTES = 4 * MIB };

static int pub_one(struct cli *c)
{
	struct payload p;
	int status = payload_open(c, &p, c->n_args > 1 ? c->args[1] : NULL);
	enum sheaf_error e;
	uint64_t id;

	if (!status && p.bytes.n == 0)
		status = cli_fail(EXIT_USAGE, "a message has at least one byte");
	if (!status) {
		e = sheaf_publish(c->s, c->args[0], &p.bytes, 1, c->flags.delay_ms, cli_left(c), &id, NULL);
		if (e)
			status = cli_error(c, e);
		else if (c->flags.json)
			show_json(&c->out, json_pack("{so}", "id", show_json_id(id)));
		else if (!c->flags.quiet)
			out_format(&c->out, "%" PRIu64 "\n", id);
	}
	payload_fini(&p);
	return status;
}

/* ---- a message for each record ---- */

struct gather {
	struct cli *c;
	struct records in;
	struct buf bytes;             /* of the messages that are gathered */
	size_t ends[GATHER_MESSAGES]; /* where each ends */
	struct span messages[GATHER_MESSAGES];
	size_t n;
	uint64_t published;
	uint64_t empty; /* records without a byte: no messages */
	bool ended;
	int status;
};

static void stop(struct gather *g, int status)
{
	g->ended = true;
	if (!g->status)
		g->status = status;
}

static void publish(struct gather *g)
{
	size_t done = 0, from = 0;
	enum sheaf_error e;

	if (g->n == 0)
		return;
	for (size_t i = 0; i < g->n; i++) {
		g->messages[i] = span_of(g->bytes.p + from, g->ends[i] - from);
		from = g->ends[i];
	}
	e = sheaf_publish(g->c->s, g->c->args[0], g->messages, g->n, g->c->flags.delay_ms, cli_left(g->c), NULL, &done);
	g->published += e ? done : g->n;
	g->n = 0;
	buf_clear(&g->bytes);
	if (e)
		stop(g, cli_error(g->c, e));
}

static void gather(struct gather *g, struct span record)
{
	if (record.n == 0) {
		g->empty++;
		return;
	}
	if (g->n == GATHER_MESSAGES || g->bytes.n + record.n > GATHER_BYTES)
		publish(g);
	buf_put_span(&g->bytes, record);
	g->ends[g->n++] = g->bytes.n;
}

/* Nothing more has come yet: what is gathered goes, then we wait for more, and drive the session meanwhile. */
static void pause_for_input(struct gather *g)
{
	uint64_t left = cli_left(g->c);
	struct sheaf_event ev;
	enum sheaf_error e;

	publish(g);
	records_wait(&g->in, left < INPUT_IDLE_MS ? left : INPUT_IDLE_MS);
	e = sheaf_next(g->c->s, 0, &ev);
	if (!e && cli_left(g->c) == 0)
		e = SHEAF_E_TIMEOUT;
	if (e)
		stop(g, cli_error(g->c, e));
}

static void read_all(struct gather *g)
{
	while (!g->ended) {
		struct span record;

		switch (records_next(&g->in, false, &record)) {
		case RECORDS_ONE:
			gather(g, record);
			break;
		case RECORDS_WAIT:
			pause_for_input(g);
			break;
		case RECORDS_END:
			publish(g);
			stop(g, EXIT_DONE);
			break;
		case RECORDS_TOO_LONG:
			publish(g);
			stop(g, cli_fail(EXIT_USAGE, "record %" PRIu64 " is longer than the limit of %" PRIu64 " bytes",
			                 g->published + g->empty + 1, (uint64_t)LIMIT_PUBLISH_BYTES));
			break;
		case RECORDS_FAILED:
			stop(g, cli_fail(EXIT_FAILED, "cannot read stdin: %s", strerrordesc_np(g->in.error)));
			break;
		}
	}
}

static int pub_records(struct cli *c)
{
	static struct gather g; /* large, and there is one */
	int status = cli_open(c);

	if (status)
		return status;
	g.c = c;
	if (c->flags.batch)
		sheaf_set_batching(c->s, (uint32_t)c->flags.batch);
	buf_init(&g.bytes);
	records_init(&g.in, STDIN_FILENO, c->flags.null ? 0 : '\n', LIMIT_PUBLISH_BYTES - sizeof(uint32_t));
	read_all(&g);
	if (c->flags.json)
		show_json(&c->out, json_pack("{so}", "published", show_json_count(g.published)));
	else if (!c->flags.quiet && (g.status || g.empty))
		cli_say("%" PRIu64 " messages were published, %" PRIu64 " empty records left out", g.published,
		        g.empty);
	records_fini(&g.in);
	buf_fini(&g.bytes);
	return g.status;
}

static int cmd_pub(struct cli *c)
{
	if (!topic_name_good(c->args[0], "topic"))
		return EXIT_USAGE;
	if (!c->flags.lines && !c->flags.null)
		return pub_one(c);
	if (c->flags.lines && c->flags.null)
		return cli_fail(EXIT_USAGE, "--lines and --null exclude each other");
	if (c->n_args > 1 && strcmp(c->args[1], "-") != 0)
		return cli_fail(EXIT_USAGE, "--%s reads stdin: leave '%.40s' out", c->flags.lines ? "lines" : "null",
		                c->args[1]);
	return pub_records(c);
}

const struct command command_pub = {
	.name = "pub",
	.args = "TOPIC [MESSAGE|-]",
	.group = GROUP_TOPICS,
	.least = 1,
	.most = 2,
	.line = "publish a message, or a message for each line of stdin",
	.text = "Prints the message's id once it is durable. Without MESSAGE, or with -, the exact bytes of\n"
		"stdin are one message; with --lines or --null there is a message for each record, without\n"
		"its terminator; nothing is printed for these, and empty records are left out.\n"
		"Each channel of the topic gets the message; while there is none, the topic keeps it for the\n"
		"first. A message that is published to jobs.QUEUE is a job of that queue.",
	.example = "sheaf pub news 'it works'\n"
		   "tail -f access.log | sheaf pub access --lines",
	.run = cmd_pub,
};
