/* `sheaf wait`: a line for each job or batch as it ends. */
#include <inttypes.h>
#include <stdlib.h>

#include "client/cli/commands.h"
#include "client/cli/show.h"

struct awaited {
	uint64_t id;
	bool batch;
};

struct wait {
	struct cli *c;
	struct awaited *v; /* sorted, each once */
	size_t n;
	size_t asked;
	size_t ended;
	bool failed;
	bool unknown;
};

static int by_id(const void *a, const void *b)
{
	const struct awaited *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* Sorts and drops what is named twice. */
static void tidy(struct wait *w)
{
	size_t n = 0;

	qsort(w->v, w->n, sizeof *w->v, by_id);
	for (size_t i = 0; i < w->n; i++)
		if (n == 0 || w->v[n - 1].id != w->v[i].id)
			w->v[n++] = w->v[i];
	w->n = n;
}

static void print(struct wait *w, const struct awaited *a, const char *state)
{
	struct out *o = &w->c->out;
	const char *b = a->batch ? "b" : "";

	if (!w->c->flags.json) {
		out_format(o, "%s%" PRIu64 " %s\n", b, a->id, state);
		return;
	}
	out_format(o, "{\"id\":\"%s%" PRIu64 "\",\"state\":\"%s\"}\n", b, a->id, state);
}

/* An id that stands for nothing that is still kept: said on stderr, and to programs as its state. */
static void unknown(struct wait *w, const struct awaited *a, bool gone)
{
	w->unknown = true;
	w->ended++;
	if (a->batch)
		cli_say("no batch has the id b%" PRIu64, a->id);
	else
		cli_say(gone ? "job %" PRIu64 " has ended and is no longer kept" : "no job has the id %" PRIu64, a->id);
	if (w->c->flags.json)
		print(w, a, gone ? "gone" : "unknown");
}

static enum sheaf_error ask(struct wait *w)
{
	while (w->asked < w->n && sheaf_room(w->c->s) > 0) {
		const struct awaited *a = &w->v[w->asked];
		enum sheaf_error e = SHEAF_OK;
		struct msg_batch_info info;

		if (a->batch) /* for the broker, jobs and batches are one kind of number */
			e = sheaf_batch(w->c->s, a->id, cli_left(w->c), &info);
		if (e == SHEAF_E_UNKNOWN)
			unknown(w, a, false);
		else if (!e)
			e = sheaf_await(w->c->s, a->id, w->asked);
		if (e && e != SHEAF_E_UNKNOWN)
			return e;
		w->asked++;
	}
	return SHEAF_OK;
}

static void ended(struct wait *w, const struct sheaf_event *ev)
{
	const struct awaited *a = &w->v[ev->tag];
	enum job_state state = (enum job_state)ev->result.state;

	if (state == JOB_NONE) {
		unknown(w, a, ev->result.gone);
		return;
	}
	w->ended++;
	if (state != JOB_DONE)
		w->failed = true;
	print(w, a, a->batch && state != JOB_DONE ? "failed" : job_state_name(state));
}

static int wait_all(struct wait *w)
{
	struct cli *c = w->c;
	size_t enough = c->flags.any ? 1 : w->n;

	while (w->ended < enough) {
		enum sheaf_error e = ask(w);
		struct sheaf_event ev;

		if (w->ended >= enough)
			break;
		if (!e)
			e = sheaf_next(c->s, 0, &ev);
		if (!e && ev.kind == SHEAF_NOTHING) {
			if (!out_flush(&c->out))
				return EXIT_FAILED;
			e = sheaf_next(c->s, cli_left(c), &ev);
		}
		if (!e && ev.kind == SHEAF_NOTHING)
			e = SHEAF_E_TIMEOUT;
		if (e)
			return cli_error(c, e);
		if (ev.kind == SHEAF_RESULT)
			ended(w, &ev);
	}
	return w->unknown ? EXIT_REFUSED : w->failed ? EXIT_FAILED : EXIT_DONE;
}

static int cmd_wait(struct cli *c)
{
	struct wait w = { .c = c, .n = (size_t)c->n_args };
	int status = EXIT_DONE;

	w.v = calloc(w.n, sizeof *w.v);
	must(w.v);
	for (size_t i = 0; i < w.n && !status; i++)
		if (!cli_id(c->args[i], &w.v[i].id, &w.v[i].batch))
			status = EXIT_USAGE;
	if (!status)
		status = cli_open(c);
	if (!status) {
		tidy(&w);
		status = wait_all(&w);
	}
	free(w.v);
	return status;
}

const struct command command_wait = {
	.name = "wait",
	.args = "ID...",
	.group = GROUP_JOBS,
	.least = 1,
	.most = -1,
	.line = "wait until jobs or batches have ended",
	.text = "Prints a line `ID STATE` for each as it ends. Ids of batches begin with b. The exit status is\n"
		"0 if all are done, 1 if any ended otherwise, 4 if an id is unknown.",
	.failed = "a job ended otherwise than done",
	.refused = "there is no such job or batch",
	.example = "sheaf wait 17 18 19 --timeout 10m\n"
		   "sheaf submit sleepers --lines <list | xargs sheaf wait",
	.run = cmd_wait,
};
