/* `sheaf top`: takes what the broker says, prints it, or has it drawn. See top.h. */
#include "client/cli/top.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"
#include "client/cli/commands.h"
#include "client/cli/show.h"

#define QUEUE(head_, kind_, field)                                                                                     \
	{                                                                                                              \
		head_, kind_, offsetof(struct top_queue, field)                                                        \
	}
#define WORKER(head_, kind_, field)                                                                                    \
	{                                                                                                              \
		head_, kind_, offsetof(struct top_worker, field)                                                       \
	}

static const struct top_column queue_columns[] = {
	QUEUE("QUEUE", TOP_TEXT, key),
	QUEUE(">READY", TOP_COUNT, ready),
	QUEUE(">RUNNING", TOP_COUNT, running),
	QUEUE(">DELAYED", TOP_COUNT, delayed),
	QUEUE(">BLOCKED", TOP_COUNT, blocked),
	QUEUE(">DONE/S", TOP_RATE, done_rate),
	QUEUE(">FAILED/S", TOP_RATE, failed_rate),
	QUEUE(">FAILED", TOP_COUNT, failed),
	QUEUE(">LAG", TOP_AGE, lag_ms),
	QUEUE(">WORKERS", TOP_COUNT, workers),
	QUEUE("", TOP_TEXT, note),
};

static const struct top_column worker_columns[] = {
	WORKER("WORKER", TOP_TEXT, name),
	WORKER("QUEUES", TOP_TEXT, queues),
	WORKER(">SLOTS", TOP_COUNT, slots),
	WORKER(">RUNNING", TOP_COUNT, running),
	WORKER(">WAITING", TOP_COUNT, waiting),
	WORKER(">DONE/S", TOP_RATE, rate),
	WORKER(">DONE", TOP_COUNT, done),
	WORKER(">HEARD", TOP_AGE, silent_ms),
	WORKER("", TOP_TEXT, note),
};

enum {
	QUEUE_COLUMNS = sizeof queue_columns / sizeof queue_columns[0],
	WORKER_COLUMNS = sizeof worker_columns / sizeof worker_columns[0],
	SILENT_MS = 2000
};

/* ---- a look ---- */

static void copy(char *out, size_t size, struct span text)
{
	snprintf(out, size, "%.*s", (int)text.n, text.n ? (const char *)text.p : "");
}

static void take_queue(void *ctx, const struct msg_queue_rec *q)
{
	struct top *t = ctx;
	struct top_queue *r = top_list_add(&t->queues);
	const struct top_queue *before;
	uint64_t ms = t->before_ms ? t->at_ms - t->before_ms : 0;

	copy(r->key, sizeof r->key, q->name);
	r->ready = q->states[JOB_READY];
	r->running = q->states[JOB_RUNNING];
	r->delayed = q->states[JOB_DELAYED];
	r->blocked = q->states[JOB_BLOCKED];
	r->done = q->states[JOB_DONE];
	r->failed = q->states[JOB_DEAD] + q->states[JOB_EXPIRED];
	r->workers = q->workers;
	r->lag_ms = r->ready ? q->oldest_ms + (q->oldest_ms == 0) : 0;
	r->paused = q->paused;
	before = top_list_before(&t->queues, r->key);
	r->done_rate = top_rate(r->done, before ? before->done : 0, ms);
	r->failed_rate = top_rate(r->failed, before ? before->failed : 0, ms);
	copy(r->note, sizeof r->note, span_str(q->paused ? "paused" : r->ready && !r->workers ? "no worker" : ""));
	t->all.ready += r->ready;
	t->all.running += r->running;
	t->all.delayed += r->delayed;
	t->all.blocked += r->blocked;
	t->all.done += r->done;
	t->all.failed += r->failed;
	t->all.done_rate += r->done_rate > 0 ? r->done_rate : 0;
	t->all.failed_rate += r->failed_rate > 0 ? r->failed_rate : 0;
	t->all.lag_ms = r->lag_ms > t->all.lag_ms ? r->lag_ms : t->all.lag_ms;
}

static void take_worker(void *ctx, const struct msg_worker_rec *w)
{
	struct top *t = ctx;
	struct top_worker *r = top_list_add(&t->workers);
	const struct top_worker *before;
	uint64_t ms = t->before_ms ? t->at_ms - t->before_ms : 0;

	snprintf(r->key, sizeof r->key, "%020" PRIu64, w->session);
	copy(r->name, sizeof r->name, w->name);
	copy(r->queues, sizeof r->queues, w->queues);
	r->slots = w->slots;
	r->running = w->running;
	r->waiting = w->outstanding > w->running ? w->outstanding - w->running : 0;
	r->done = w->done;
	r->silent_ms = w->silent_ms + (w->silent_ms == 0);
	r->draining = w->draining;
	before = top_list_before(&t->workers, r->key);
	r->rate = top_rate(r->done, before ? before->done : 0, ms);
	copy(r->note, sizeof r->note, span_str(w->silent_ms >= SILENT_MS ? "silent" : w->draining ? "draining" : ""));
	t->slots += r->slots;
	t->busy += r->running;
}

/* How far a job is stands beside its worker; the first one that says so. */
static void take_running(void *ctx, const struct msg_running_rec *r)
{
	struct top *t = ctx;
	char key[TOP_KEY];

	if (r->percent > 100 && r->progress.n == 0)
		return;
	snprintf(key, sizeof key, "%020" PRIu64, r->session);
	for (size_t i = 0; i < t->workers.n; i++) {
		struct top_worker *w = (struct top_worker *)(void *)(t->workers.rows + i * t->workers.row_size);

		if (strcmp(w->key, key) != 0 || w->note[0] != 0)
			continue;
		if (r->percent <= 100)
			snprintf(w->note, sizeof w->note, "%" PRIu64 ": %u%% %.*s", r->id, r->percent,
			         (int)r->progress.n, (const char *)r->progress.p);
		else
			snprintf(w->note, sizeof w->note, "%" PRIu64 ": %.*s", r->id, (int)r->progress.n,
			         (const char *)r->progress.p);
		return;
	}
}

static void take_stat(void *ctx, const struct msg_stat_rec *s)
{
	struct top *t = ctx;

	if (span_eq(s->name, span_str("uptime_ms")))
		t->uptime_ms = s->value;
	else if (span_eq(s->name, span_str("log.bytes")))
		t->log_bytes = s->value;
	else if (span_eq(s->name, span_str("disk.free_bytes")))
		t->free_bytes = s->value;
}

static uint64_t left(uint64_t now, uint64_t until)
{
	return until == SHEAF_FOREVER ? until : now < until ? until - now : 0;
}

enum sheaf_error top_look(struct top *t, uint64_t ms)
{
	uint64_t now = clock_mono_ms(), until = ms < SHEAF_FOREVER - now ? now + ms : SHEAF_FOREVER;
	enum sheaf_error e = sheaf_stats(t->c->s, ms, take_stat, t);

	if (e)
		return e; /* what was seen before stays */
	copy(t->software, sizeof t->software, sheaf_welcome(t->c->s)->software);
	now = clock_mono_ms();
	t->before_ms = t->at_ms;
	t->at_ms = now;
	t->all = (struct top_queue){ 0 };
	t->slots = t->busy = 0;
	top_list_begin(&t->queues);
	e = sheaf_queues(t->c->s, left(now, until), take_queue, t);
	top_list_end(&t->queues);
	top_list_begin(&t->workers);
	now = clock_mono_ms();
	if (!e)
		e = sheaf_workers(t->c->s, left(now, until), take_worker, t);
	if (!e)
		e = sheaf_running(t->c->s, NULL, left(clock_mono_ms(), until), take_running, t);
	top_list_end(&t->workers);
	return e;
}

void top_summary(const struct top *t, char first[160], char second[160])
{
	char a[32], b[32], c[32], d[32];

	snprintf(first, 160, "%s ready, %s running, %s delayed, %s blocked; %.0f done/s, %.0f failed/s; lag %s",
	         show_count(t->all.ready, a), show_count(t->all.running, b), show_count(t->all.delayed, c),
	         show_count(t->all.blocked, d), t->all.done_rate, t->all.failed_rate,
	         t->all.lag_ms ? units_show_duration(t->all.lag_ms, (char[24]){ 0 }) : "-");
	snprintf(second, 160,
	         "queues %zu; workers %zu, %" PRIu64 " of %" PRIu64 " slots busy; journal %s, %s free; up %s",
	         t->queues.n, t->workers.n, t->busy, t->slots, units_show_size(t->log_bytes, a),
	         units_show_size(t->free_bytes, b), units_show_duration(t->uptime_ms / 1000 * 1000, c));
}

/* ---- printed ---- */

static void print_list(struct top *t, const struct top_list *l)
{
	const char *heads[TABLE_COLUMNS + 1] = { NULL };
	struct table table;
	char cell[TOP_CELL];

	for (size_t i = 0; i < l->n_columns; i++)
		heads[i] = l->columns[i].head;
	table_init(&table, heads);
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k < l->n_columns; k++)
			table_text(&table, span_str(top_list_cell(l, top_list_row(l, i), k, cell)), TOP_CELL);
	table_write(&table, &t->c->out);
	table_fini(&table);
}

static void print(struct top *t)
{
	char first[160], second[160];

	top_summary(t, first, second);
	out_format(&t->c->out, "%s\n%s\n\n", first, second);
	print_list(t, &t->queues);
	out_byte(&t->c->out, '\n');
	print_list(t, &t->workers);
}

/* The columns as members, by these names. */
static json_t *json_row(const struct top_list *l, const void *row, const char *const *names)
{
	json_t *object = json_object();

	for (size_t i = 0; names[i]; i++) {
		const uint8_t *at = (const uint8_t *)row + l->columns[i].at;
		uint64_t count;
		double rate;

		if (l->columns[i].kind == TOP_TEXT) {
			show_json_bytes(object, names[i], span_str((const char *)at));
		} else if (l->columns[i].kind == TOP_RATE) {
			memcpy(&rate, at, sizeof rate);
			json_object_set_new(object, names[i], json_real(rate < 0 ? 0 : rate));
		} else {
			memcpy(&count, at, sizeof count);
			json_object_set_new(object, names[i], show_json_count(count));
		}
	}
	return object;
}

static json_t *json_rows(const struct top_list *l, const char *const *names, const char *flag, size_t flag_at)
{
	json_t *array = json_array();

	for (size_t i = 0; i < l->n; i++) {
		const uint8_t *row = top_list_row(l, i);
		json_t *object = json_row(l, row, names);
		bool set;

		memcpy(&set, row + flag_at, sizeof set);
		json_object_set_new(object, flag, json_boolean(set));
		json_array_append_new(array, object);
	}
	return array;
}

static void print_json(struct top *t)
{
	static const char *const of_queue[] = { "name",       "ready",        "running", "delayed",   "blocked",
		                                "done_per_s", "failed_per_s", "failed",  "oldest_ms", "workers",
		                                NULL };
	static const char *const of_worker[] = { "name",       "queues", "slots",     "running", "waiting",
		                                 "done_per_s", "done",   "silent_ms", NULL };
	char time[32];
	json_t *object = json_pack("{ss}", "at", show_time(clock_wall_ms(), time));

	json_object_set_new(object, "ready", show_json_count(t->all.ready));
	json_object_set_new(object, "running", show_json_count(t->all.running));
	json_object_set_new(object, "delayed", show_json_count(t->all.delayed));
	json_object_set_new(object, "blocked", show_json_count(t->all.blocked));
	json_object_set_new(object, "done_per_s", json_real(t->all.done_rate));
	json_object_set_new(object, "failed_per_s", json_real(t->all.failed_rate));
	json_object_set_new(object, "oldest_ms", show_json_count(t->all.lag_ms));
	json_object_set_new(object, "slots", show_json_count(t->slots));
	json_object_set_new(object, "queues",
	                    json_rows(&t->queues, of_queue, "paused", offsetof(struct top_queue, paused)));
	json_object_set_new(object, "workers",
	                    json_rows(&t->workers, of_worker, "draining", offsetof(struct top_worker, draining)));
	show_json(&t->c->out, object);
}

/* Until the next look; false when a signal or --timeout ends it. */
static bool pause_for(struct cli *c, uint64_t ms)
{
	uint64_t left = cli_left(c);

	(void)poll(NULL, 0, (int)(left < ms ? left : ms));
	return cli_signals() == 0 && cli_left(c) > 0;
}

/* A rate needs two looks: the first one is not shown. */
static int snapshots(struct top *t)
{
	uint64_t n = t->c->flags.snapshots ? t->c->flags.snapshots : 1;

	for (uint64_t i = 0; i <= n; i++) {
		enum sheaf_error e = top_look(t, cli_left(t->c));

		if (e)
			return cli_error(t->c, e);
		if (i > 0 && t->c->flags.json)
			print_json(t);
		else if (i > 0)
			print(t);
		if (i > 0 && i < n && !t->c->flags.json)
			out_byte(&t->c->out, '\n');
		if (!out_flush(&t->c->out))
			return EXIT_FAILED;
		if (i < n && !pause_for(t->c, t->c->flags.interval_ms))
			return cli_signals() ? EXIT_INTERRUPTED : cli_error(t->c, SHEAF_E_TIMEOUT);
	}
	return EXIT_DONE;
}

static int cmd_top(struct cli *c)
{
	bool live = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !c->flags.json && !c->flags.snapshots;
	struct top t = { .c = c };
	int status = cli_open(c);

	if (status)
		return status;
	top_list_init(&t.queues, queue_columns, QUEUE_COLUMNS, sizeof(struct top_queue));
	top_list_init(&t.workers, worker_columns, WORKER_COLUMNS, sizeof(struct top_worker));
	status = live ? top_screen(&t) : snapshots(&t);
	top_list_fini(&t.queues);
	top_list_fini(&t.workers);
	return status;
}

const struct command command_top = {
	.name = "top",
	.args = "",
	.group = GROUP_BROKER,
	.line = "watch queues and workers",
	.text = "In a terminal, a live view of the queues and the workers. Its keys:\n"
		"Up, Down      select a queue or a worker; also PageUp, PageDown, Home, End\n"
		"Tab           goes from the queues to the workers and back\n"
		"Left, Right   sort by another column; r reverses the order\n"
		"p             pauses the selected queue, or resumes it\n"
		"d             drains the selected worker, or resumes it\n"
		"h             shows the keys\n"
		"q             quits\n"
		"\n"
		"LAG is how long the oldest ready job has waited, HEARD when the worker was heard last.\n"
		"\n"
		"Where stdout is no terminal, or with -n or --json, it prints what it sees once, or N times, and\n"
		"ends; rates are taken over --interval.",
	.example = "sheaf top\n"
		   "sheaf top --json -n 60 --interval 1m >>sheaf.log",
	.run = cmd_top,
};
