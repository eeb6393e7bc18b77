/* `sheaf bench`: what is measured, and in which order; see bench.h. */
#include "client/cli/bench.h"

#include <stdlib.h>
#include <string.h>

#include "client/cli/commands.h"

/* The loads. `in_flight` is enough to keep all busy and little enough for the times to mean something. */
static const struct mode {
	const char *name;
	const char *label;
	uint32_t batch;
	uint32_t in_flight;
} modes[] = {
	{ "one", "one at a time", 1, 1 },
	{ "pipelined", "pipelined", 1, 4096 },
	{ "batched", "batched", 64, 8192 },
	{ "batched", "batched", 256, 16384 },
};

enum { MODES = sizeof modes / sizeof modes[0] };

static bool wanted(const struct cli *c, const struct mode *m)
{
	bool all = strcmp(c->flags.mode, "all") == 0, batched = strcmp(m->name, "batched") == 0;

	if (!all && strcmp(c->flags.mode, m->name) != 0)
		return false;
	return !(batched && c->flags.batch && m != &modes[MODES - 1]); /* --batch N: one row instead of two */
}

/* ---- who is there ---- */

static void see_stat(void *ctx, const struct msg_stat_rec *s)
{
	struct bench_broker *b = ctx;

	if (span_eq(s->name, span_str("pid")))
		b->pid = s->value;
	else if (span_eq(s->name, span_str("fsync")) && s->value <= 2)
		b->fsync = (int)s->value;
}

struct looked {
	struct bench_broker *b;
	const char *queue;
};

/* Whether a name stands in "a,b,c". */
static bool is_listed(struct span list, const char *name)
{
	size_t n = strlen(name);

	for (size_t at = 0; at < list.n;) {
		const uint8_t *comma = memchr(list.p + at, ',', list.n - at);
		size_t end = comma ? (size_t)(comma - list.p) : list.n;

		if (end - at == n && memcmp(list.p + at, name, n) == 0)
			return true;
		at = end + 1;
	}
	return false;
}

static void see_worker(void *ctx, const struct msg_worker_rec *w)
{
	struct looked *l = ctx;

	if (!is_listed(w->queues, l->queue))
		return;
	l->b->workers++;
	l->b->slots += w->slots;
}

static int look(struct cli *c, struct bench_broker *b)
{
	struct looked l = { b, c->flags.queue };
	enum sheaf_error e = sheaf_stats(c->s, cli_left(c), see_stat, b);

	if (!e)
		e = sheaf_workers(c->s, cli_left(c), see_worker, &l);
	if (e)
		return cli_error(c, e);
	if (b->workers == 0)
		return cli_fail(EXIT_REFUSED,
		                "no worker serves the queue '%s'; this starts one: sheaf-worker %s --builtin noop",
		                c->flags.queue, c->flags.queue);
	bench_find(b);
	return EXIT_DONE;
}

/* ---- one after the other ---- */

static int measure(struct cli *c, const struct bench_broker *b, struct bench_result **results, size_t *n)
{
	for (size_t i = 0; i < MODES; i++) {
		struct bench_result *r;
		int status;

		if (!wanted(c, &modes[i]))
			continue;
		r = calloc(1, sizeof *r);
		must(r);
		results[(*n)++] = r;
		r->mode = modes[i].label;
		r->batch = modes[i].batch > 1 && c->flags.batch ? (uint32_t)c->flags.batch : modes[i].batch;
		status = bench_load(c, r->batch, modes[i].in_flight, b, r);
		if (status)
			return status;
		bench_report_line(c, b, r);
		if (r->failed)
			return cli_fail(EXIT_FAILED, "%llu of %llu jobs failed", (unsigned long long)r->failed,
			                (unsigned long long)r->jobs);
	}
	return EXIT_DONE;
}

static int bench(struct cli *c)
{
	struct bench_broker b = { .fsync = -1, .local = cli_is_local(c), .url = cli_broker(c) };
	struct bench_result *results[MODES] = { NULL };
	struct bench_floor floor;
	size_t n = 0;
	int status = look(c, &b);

	if (status)
		return status;
	bench_floor(&b, c->flags.payload, &floor);
	bench_report_head(c, &b, &floor);
	status = measure(c, &b, results, &n);
	if (!status && c->flags.json)
		bench_report(c, &b, &floor, (const struct bench_result *const *)results, n);
	for (size_t i = 0; i < n; i++)
		free(results[i]);
	return status;
}

static int cmd_bench(struct cli *c)
{
	int status;

	if (!cli_queue_name(c->flags.queue))
		return EXIT_USAGE;
	status = cli_open(c);
	return status ? status : bench(c);
}

const struct command command_bench = {
	.name = "bench",
	.args = "",
	.group = GROUP_SHEAF,
	.line = "measure broker and workers",
	.text = "Prints jobs per second and percentiles of the time from submit to result: for one job at a\n"
		"time, pipelined (a message per job) and batched; beside them what the disk and ZeroMQ alone\n"
		"can do, and each process's share of the processors. A worker has to serve the queue:\n"
		"    sheaf-worker bench --builtin noop",
	.example = "sheaf bench --mode batched --seconds 10s",
	.run = cmd_bench,
};
