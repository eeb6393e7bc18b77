/* See job_show.h. */
#include "client/cli/job_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

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

/* ---- attempts ---- */

static const char *verdict_name(uint32_t verdict)
{
	static const char *const names[] = { "?", "done", "failed", "killed", "lost" };

	return names[verdict <= ATTEMPT_LOST ? verdict : 0];
}

/* Its number among the attempts that count, from 1; 0: it used up none, or was one before a redrive. The k-th of the
 * history, which may not go back to the first. */
static uint32_t attempt_number(const struct msg_job_info *i, uint32_t k)
{
	uint32_t used = i->rec.attempt - (i->rec.state == JOB_RUNNING);

	if (i->rec.state == JOB_DEAD && i->n_history > 0 && i->history[i->n_history - 1].verdict == ATTEMPT_LOST)
		used--; /* it died of losses */
	for (uint32_t n = i->n_history; n-- > k;) {
		if (i->history[n].verdict == ATTEMPT_LOST)
			continue;
		if (n == k || used == 0)
			return used;
		used--;
	}
	return 0;
}

static void show_attempts(struct out *o, const struct msg_job_info *i)
{
	static const char *const heads[] = {
		">ATTEMPT", "VERDICT", "WORKER", "STARTED", ">RAN", ">EXIT", "ERROR", NULL
	};
	struct table t;
	char text[32];

	if (i->n_history == 0)
		return;
	table_init(&t, heads);
	for (uint32_t k = 0; k < i->n_history; k++) {
		const struct msg_attempt_rec *a = &i->history[k];
		uint32_t number = attempt_number(i, k);

		if (number > 0)
			table_cell(&t, "%u", number);
		else
			table_cell(&t, "-");
		table_cell(&t, "%s", verdict_name(a->verdict));
		table_text(&t, a->worker.n ? a->worker : span_str("-"), LIMIT_NAME);
		table_cell(&t, "%s", show_time(a->started_ms, text));
		table_cell(&t, "%s", units_show_duration(a->run_ms, text));
		table_cell(&t, "%d", a->exit);
		table_text(&t, show_line(a->error), 72);
	}
	out_byte(o, '\n');
	table_write(&t, o);
	table_fini(&t);
}

/* Why it failed, or failed last. */
static struct span last_error(const struct msg_job_info *i)
{
	if (job_state_terminal((enum job_state)i->rec.state))
		return i->rec.error;
	return i->n_history > 0 ? i->history[i->n_history - 1].error : (struct span){ 0 };
}

/* ---- for people ---- */

static void show_moment(struct out *o, const char *name, uint64_t ms, uint64_t now_ms)
{
	char time[32], span[24];

	if (ms == 0)
		return;
	if (ms > now_ms)
		show_pair(o, name, "%s, in %s", show_time(ms, time), units_show_duration(ms - now_ms, span));
	else
		show_pair(o, name, "%s", show_time(ms, time));
}

static void show_duration(struct out *o, const char *name, uint64_t ms)
{
	char text[24];

	if (ms)
		show_pair(o, name, "%s", units_type_duration(ms, text));
}

/* What a blocked job waits for. */
static void show_after(struct out *o, const struct msg_job_info *i)
{
	out_format(o, "%-12s", "after");
	for (uint32_t k = 0; k < i->n_after; k++)
		out_format(o, " %" PRIu64, i->after[k]);
	out_byte(o, '\n');
}

void job_show(struct out *o, const struct msg_job_info *i, uint64_t now_ms)
{
	const struct msg_result_rec *r = &i->rec;
	bool ended = job_state_terminal((enum job_state)r->state);
	char size[24];

	show_pair(o, "id", "%" PRIu64, r->id);
	show_pair(o, "queue", "%.*s", (int)i->queue.n, (const char *)i->queue.p);
	show_pair(o, "state", "%s", job_state_name((enum job_state)r->state));
	show_moment(o, "due", i->due_ms, now_ms);
	show_moment(o, "expires", i->expires_ms, now_ms);
	show_pair(o, "priority", "%u", i->priority);
	show_pair(o, "attempt", "%u of %u", r->attempt, i->attempts);
	show_pair(o, "deliveries", "%u", i->deliveries);
	show_duration(o, "lease", i->lease_ms);
	show_duration(o, "backoff", i->backoff_ms);
	if (i->worker.n)
		show_pair(o, "worker", "%.*s", (int)i->worker.n, (const char *)i->worker.p);
	if (i->percent <= 100 || i->progress.n)
		show_progress(o, i);
	if (i->tenant.n)
		show_pair(o, "tenant", "%.*s", (int)i->tenant.n, (const char *)i->tenant.p);
	if (i->group.n)
		show_pair(o, "group", "%.*s", (int)i->group.n, (const char *)i->group.p);
	if (i->race == r->id)
		show_pair(o, "race", "replicas %" PRIu64 " to %" PRIu64, i->race + 1, i->race + i->replicas);
	else if (i->race)
		show_pair(o, "race", "%" PRIu64 ", replica %" PRIu64 " of %u", i->race, r->id - i->race, i->replicas);
	if (i->n_after)
		show_after(o, i);
	if (i->batch)
		show_pair(o, "batch", "b%" PRIu64, i->batch);
	if (!ended || r->state == JOB_DEAD)
		show_pair(o, "payload", "%s", units_show_size(i->size, size));
	if (ended)
		show_pair(o, "exit", "%d", r->exit);
	show_times(o, r);
	show_error(o, last_error(i));
	show_headers(o, i->headers);
	show_attempts(o, i);
}

/* ---- for programs ---- */

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

static json_t *json_attempts(const struct msg_job_info *i)
{
	json_t *list = json_array();

	for (uint32_t k = 0; k < i->n_history; k++) {
		const struct msg_attempt_rec *a = &i->history[k];
		json_t *object = json_object();
		uint32_t number = attempt_number(i, k);
		char time[32];

		if (number > 0)
			json_object_set_new(object, "attempt", show_json_count(number));
		json_object_set_new(object, "verdict", json_string(verdict_name(a->verdict)));
		if (a->worker.n)
			show_json_bytes(object, "worker", a->worker);
		json_object_set_new(object, "started", json_string(show_time(a->started_ms, time)));
		json_object_set_new(object, "ran_ms", show_json_count(a->run_ms));
		json_object_set_new(object, "exit", json_integer(a->exit));
		show_json_bytes(object, "error", a->error);
		json_array_append_new(list, object);
	}
	return list;
}

static void json_moment(json_t *object, const char *key, uint64_t ms)
{
	char time[32];

	if (ms)
		json_object_set_new(object, key, json_string(show_time(ms, time)));
}

json_t *job_json(const struct msg_job_info *i)
{
	json_t *object = show_json_result(&i->rec);

	json_object_del(object, "result"); /* `result` has it */
	json_object_del(object, "error");
	if (i->rec.state != JOB_DONE && last_error(i).n > 0)
		show_json_bytes(object, "error", last_error(i));
	json_object_del(object, "result_omitted");
	show_json_bytes(object, "queue", i->queue);
	json_object_set_new(object, "priority", show_json_count(i->priority));
	json_object_set_new(object, "attempts", show_json_count(i->attempts));
	json_object_set_new(object, "deliveries", show_json_count(i->deliveries));
	json_moment(object, "due", i->due_ms);
	json_moment(object, "expires", i->expires_ms);
	if (i->lease_ms)
		json_object_set_new(object, "lease_ms", show_json_count(i->lease_ms));
	if (i->backoff_ms)
		json_object_set_new(object, "backoff_ms", show_json_count(i->backoff_ms));
	if (!job_state_terminal((enum job_state)i->rec.state) || i->rec.state == JOB_DEAD)
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
	if (i->race) {
		json_object_set_new(object, "race", show_json_id(i->race));
		json_object_set_new(object, "replicas", show_json_count(i->replicas));
	}
	if (i->batch) {
		char batch[24];

		snprintf(batch, sizeof batch, "b%" PRIu64, i->batch);
		json_object_set_new(object, "batch", json_string(batch));
	}
	if (i->n_after) {
		json_t *after = json_array();

		for (uint32_t k = 0; k < i->n_after; k++)
			json_array_append_new(after, show_json_id(i->after[k]));
		json_object_set_new(object, "after", after);
	}
	json_object_set_new(object, "headers", json_headers(i->headers));
	json_object_set_new(object, "history", json_attempts(i));
	return object;
}
