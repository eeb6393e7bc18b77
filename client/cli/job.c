/* `sheaf job` and `sheaf cancel`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "client/cli/commands.h"
#include "client/cli/show.h"

static void show_error(struct out *o, struct span error)
{
	while (error.n && (error.p[error.n - 1] == '\n' || error.p[error.n - 1] == ' '))
		error.n--;
	if (error.n == 0)
		return;
	out_format(o, "%-12s ", "error");
	for (size_t i = 0; i < error.n; i++) {
		if (error.p[i] == '\n')
			out_format(o, "\n%-12s ", "");
		else
			show_printable(o, span_of(error.p + i, 1));
	}
	out_byte(o, '\n');
}

static void show_headers(struct out *o, struct span headers)
{
	const uint8_t *p = headers.p, *end = headers.p + headers.n;

	for (const char *name = "headers"; p < end; name = "") {
		const uint8_t *nul = memchr(p, 0, (size_t)(end - p));
		struct span one = span_of(p, nul ? (size_t)(nul - p) : (size_t)(end - p));

		out_format(o, "%-12s ", name);
		show_printable(o, one);
		out_byte(o, '\n');
		p += one.n + 1;
	}
}

static void show_times(struct out *o, const struct msg_result_rec *r)
{
	char time[32], span[24];

	if (r->submitted_ms)
		show_pair(o, "submitted", "%s", show_time(r->submitted_ms, time));
	if (r->started_ms)
		show_pair(o, "started", "%s", show_time(r->started_ms, time));
	if (r->finished_ms)
		show_pair(o, "finished", "%s", show_time(r->finished_ms, time));
	if (r->started_ms && r->finished_ms >= r->started_ms)
		show_pair(o, "took", "%s", units_show_duration(r->finished_ms - r->started_ms, span));
}

static void show_progress(struct out *o, const struct msg_job_info *i)
{
	out_format(o, "%-12s ", "progress");
	if (i->percent <= 100)
		out_format(o, "%u %%%s", i->percent, i->progress.n ? ", " : "");
	show_printable(o, i->progress);
	out_byte(o, '\n');
}

static void show_job(struct out *o, const struct msg_job_info *i)
{
	const struct msg_result_rec *r = &i->rec;
	bool ended = job_state_terminal((enum job_state)r->state);
	char size[24];

	show_pair(o, "id", "%" PRIu64, r->id);
	show_pair(o, "queue", "%.*s", (int)i->queue.n, (const char *)i->queue.p);
	show_pair(o, "state", "%s", job_state_name((enum job_state)r->state));
	show_pair(o, "priority", "%u", i->priority);
	show_pair(o, "attempt", "%u of %u", r->attempt, i->attempts);
	show_pair(o, "deliveries", "%u", i->deliveries);
	if (i->worker.n)
		show_pair(o, "worker", "%.*s", (int)i->worker.n, (const char *)i->worker.p);
	if (i->percent <= 100 || i->progress.n)
		show_progress(o, i);
	if (i->tenant.n)
		show_pair(o, "tenant", "%.*s", (int)i->tenant.n, (const char *)i->tenant.p);
	if (i->group.n)
		show_pair(o, "group", "%.*s", (int)i->group.n, (const char *)i->group.p);
	if (i->batch)
		show_pair(o, "batch", "b%" PRIu64, i->batch);
	if (!ended)
		show_pair(o, "payload", "%s", units_show_size(i->size, size));
	if (ended)
		show_pair(o, "exit", "%d", r->exit);
	show_times(o, r);
	show_headers(o, i->headers);
}

static json_t *json_headers(struct span headers)
{
	const uint8_t *p = headers.p, *end = headers.p + headers.n;
	json_t *object = json_object();

	while (p < end) {
		const uint8_t *nul = memchr(p, 0, (size_t)(end - p)), *equals;
		char name[LIMIT_NAME + 1];

		if (!nul)
			break;
		equals = memchr(p, '=', (size_t)(nul - p));
		if (equals && equals - p <= LIMIT_NAME) {
			snprintf(name, sizeof name, "%.*s", (int)(equals - p), (const char *)p);
			show_json_bytes(object, name, span_of(equals + 1, (size_t)(nul - equals) - 1));
		}
		p = nul + 1;
	}
	return object;
}

static json_t *json_job(const struct msg_job_info *i)
{
	json_t *object = show_json_result(&i->rec);

	json_object_del(object, "result"); /* `result` has it; and the error is asked for */
	json_object_del(object, "error");
	json_object_del(object, "result_omitted");
	show_json_bytes(object, "queue", i->queue);
	json_object_set_new(object, "priority", show_json_count(i->priority));
	json_object_set_new(object, "attempts", show_json_count(i->attempts));
	json_object_set_new(object, "deliveries", show_json_count(i->deliveries));
	if (!job_state_terminal((enum job_state)i->rec.state))
		json_object_set_new(object, "size", show_json_count(i->size));
	if (i->worker.n)
		show_json_bytes(object, "worker", i->worker);
	if (i->percent <= 100)
		json_object_set_new(object, "percent", show_json_count(i->percent));
	if (i->progress.n)
		show_json_bytes(object, "progress", i->progress);
	if (i->tenant.n)
		show_json_bytes(object, "tenant", i->tenant);
	if (i->group.n)
		show_json_bytes(object, "group", i->group);
	if (i->batch) {
		char batch[24];

		snprintf(batch, sizeof batch, "b%" PRIu64, i->batch);
		json_object_set_new(object, "batch", json_string(batch));
	}
	json_object_set_new(object, "headers", json_headers(i->headers));
	return object;
}

/* The error of a job that failed comes with its result. */
static int add_error(struct cli *c, uint64_t id, json_t *object)
{
	struct msg_result_rec r;
	enum sheaf_error e = sheaf_result(c->s, id, cli_left(c), &r);

	if (e == SHEAF_E_GONE || e == SHEAF_E_UNKNOWN || e == SHEAF_E_NOT_FINISHED)
		return EXIT_DONE;
	if (e)
		return cli_error(c, e);
	if (object)
		show_json_bytes(object, "error", r.error);
	else
		show_error(&c->out, r.error);
	return EXIT_DONE;
}

static int print_job(struct cli *c, const struct msg_job_info *i)
{
	enum job_state state = (enum job_state)i->rec.state;
	json_t *object = c->flags.json ? json_job(i) : NULL;
	int status = EXIT_DONE;

	if (!object)
		show_job(&c->out, i);
	if (job_state_terminal(state) && state != JOB_DONE)
		status = add_error(c, i->rec.id, object); /* *i is not valid any more */
	if (object)
		show_json(&c->out, object);
	return status;
}

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
	return print_job(c, &info);
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
	.text = "Prints its queue, state, attempts, worker, times and error.",
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
