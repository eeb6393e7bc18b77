/* `sheaf queues`, `sheaf queue NAME …`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "base/units.h"
#include "client/cli/commands.h"
#include "client/cli/listing.h"
#include "client/cli/queue_set.h"

static const enum job_state shown[] = { JOB_READY, JOB_RUNNING, JOB_DELAYED, JOB_BLOCKED,
	                                JOB_DONE,  JOB_DEAD,    JOB_EXPIRED, JOB_CANCELLED };

enum { SHOWN = sizeof shown / sizeof shown[0] };

static json_t *json_queue(const void *row)
{
	const struct msg_queue_rec *q = row;
	json_t *object = json_object();

	show_json_bytes(object, "name", q->name);
	json_object_set_new(object, "paused", json_boolean(q->paused));
	json_object_set_new(object, "draining", json_boolean(q->draining));
	json_object_set_new(object, "workers", show_json_count(q->workers));
	json_object_set_new(object, "submitted", show_json_count(q->submitted));
	for (size_t i = 0; i < SHOWN; i++)
		json_object_set_new(object, job_state_name(shown[i]), show_json_count(q->states[shown[i]]));
	json_object_set_new(object, "dead_letters", show_json_count(q->dead));
	json_object_set_new(object, "redriven", show_json_count(q->redriven));
	json_object_set_new(object, "forgotten", show_json_count(q->forgotten));
	json_object_set_new(object, "results_kept", show_json_count(q->kept));
	json_object_set_new(object, "results_kept_bytes", show_json_count(q->kept_bytes));
	json_object_set_new(object, "oldest_ms", show_json_count(q->oldest_ms));
	return object;
}

/* ---- queues ---- */

static void list_queue(void *ctx, const struct msg_queue_rec *q)
{
	struct listing *l = ctx;
	struct table *t = &l->table;
	char age[24];

	if (listing_json(l, json_queue, q))
		return;
	table_text(t, q->name, LIMIT_QUEUE_NAME);
	table_cell(t, "%" PRIu64, q->states[JOB_READY]);
	table_cell(t, "%" PRIu64, q->states[JOB_RUNNING]);
	table_cell(t, "%" PRIu64, q->states[JOB_DONE]);
	table_cell(t, "%" PRIu64, q->states[JOB_DEAD]);
	table_cell(t, "%" PRIu64, q->states[JOB_EXPIRED] + q->states[JOB_CANCELLED]);
	table_cell(t, "%" PRIu64, q->submitted);
	table_cell(t, "%u", q->workers);
	table_cell(t, "%s", q->states[JOB_READY] ? units_show_duration(q->oldest_ms, age) : "-");
	table_cell(t, "%s", q->paused ? "paused" : q->draining ? "draining" : "");
}

static int cmd_queues(struct cli *c)
{
	static const char *const heads[] = { "QUEUE",      ">READY",   ">RUNNING", ">DONE", ">DEAD", ">CANCELLED",
		                             ">SUBMITTED", ">WORKERS", ">OLDEST",  "",      NULL };
	struct listing l;
	int status = cli_open(c);

	if (status)
		return status;
	listing_begin(&l, c, heads);
	return listing_end(&l, sheaf_queues(c->s, cli_left(c), list_queue, &l),
	                   "there is no queue yet: the first job or worker makes one");
}

/* ---- queue NAME ---- */

struct showing {
	struct cli *c;
	struct queue_set set;
};

static void show_queue(void *ctx, const struct msg_queue_rec *q)
{
	struct showing *s = ctx;
	struct out *o = &s->c->out;
	json_t *object;
	char text[32];

	if (s->c->flags.json) {
		object = json_queue(q);
		json_object_set_new(object, "settings", queue_set_json(&s->set));
		show_json(o, object);
		return;
	}
	show_pair(o, "queue", "%.*s", (int)q->name.n, (const char *)q->name.p);
	if (q->paused)
		show_pair(o, "paused", "yes");
	if (q->draining)
		show_pair(o, "draining", "yes");
	show_pair(o, "workers", "%u", q->workers);
	show_pair(o, "submitted", "%s", show_count(q->submitted, text));
	for (size_t i = 0; i < SHOWN; i++)
		show_pair(o, job_state_name(shown[i]), "%s", show_count(q->states[shown[i]], text));
	if (q->states[JOB_DEAD]) {
		show_pair(o, "dead letters", "%s", show_count(q->dead, text));
		show_pair(o, "redriven", "%s", show_count(q->redriven, text));
		show_pair(o, "forgotten", "%s", show_count(q->forgotten, text));
	}
	show_pair(o, "kept results", "%s", show_count(q->kept, text));
	show_pair(o, "kept bytes", "%s", units_show_size(q->kept_bytes, text));
	if (q->states[JOB_READY])
		show_pair(o, "oldest", "%s", units_show_duration(q->oldest_ms, text));
	queue_set_show(o, &s->set);
}

static void offer(void *ctx, const struct msg_queue_rec *q)
{
	char name[LIMIT_QUEUE_NAME + 1];

	snprintf(name, sizeof name, "%.*s", (int)q->name.n, (const char *)q->name.p);
	suggest_offer(ctx, name);
}

static int no_queue(struct cli *c, enum sheaf_error e)
{
	struct suggest s;

	if (e != SHEAF_E_UNKNOWN) {
		int status = cli_error(c, e);

		return status == EXIT_USAGE ? EXIT_REFUSED : status; /* the words were good, the queue is in use */
	}
	suggest_init(&s, c->args[0]);
	if (sheaf_queues(c->s, cli_left(c), offer, &s) == SHEAF_OK && suggest_best(&s))
		return cli_fail(EXIT_REFUSED, "there is no queue '%s': did you mean '%s'?", c->args[0],
		                suggest_best(&s));
	return cli_fail(EXIT_REFUSED, "there is no queue '%s'", c->args[0]);
}

static json_t *json_peeked(const void *row)
{
	const struct msg_peek_rec *p = row;
	json_t *object = json_object();

	json_object_set_new(object, "id", show_json_id(p->id));
	json_object_set_new(object, "priority", show_json_count(p->priority));
	json_object_set_new(object, "size", show_json_count(p->size));
	show_json_bytes(object, "payload", p->payload);
	return object;
}

static void peek_job(void *ctx, const struct msg_peek_rec *p)
{
	struct listing *l = ctx;
	struct table *t = &l->table;
	char size[24];

	if (listing_json(l, json_peeked, p))
		return;
	table_cell(t, "%" PRIu64, p->id);
	table_cell(t, "%u", p->priority);
	table_cell(t, "%s", units_show_size(p->size, size));
	table_text(t, p->payload, 100);
}

static int peek(struct cli *c)
{
	static const char *const heads[] = { "ID", ">PRIORITY", ">SIZE", "PAYLOAD", NULL };
	enum sheaf_error e;
	struct listing l;
	char empty[96];

	snprintf(empty, sizeof empty, "nothing is ready in '%s'", c->args[0]);
	listing_begin(&l, c, heads);
	e = sheaf_peek(c->s, c->args[0], (uint32_t)c->flags.count, cli_left(c), peek_job, &l);
	if (!e)
		return listing_end(&l, e, empty);
	table_fini(&l.table);
	return no_queue(c, e);
}

static const struct action {
	const char *name;
	enum queue_op op;
	const char *did; /* what is said behind the queue's name */
} actions[] = {
	{ "show", QUEUE_SHOW, NULL },        { "pause", QUEUE_PAUSE, "paused" }, { "resume", QUEUE_RESUME, "resumed" },
	{ "purge", QUEUE_PURGE, "purged" },  { "peek", QUEUE_PEEK, NULL },       { "delete", QUEUE_DELETE, "deleted" },
	{ "drain", QUEUE_DRAIN, "drained" },
};

enum { DRAIN_LOOK_MS = 200 };
enum { ACTIONS = sizeof actions / sizeof actions[0] };

/* NULL after a sentence. */
static const struct action *find_action(const char *name)
{
	struct suggest s;

	suggest_init(&s, name);
	for (size_t i = 0; i < ACTIONS; i++) {
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
		suggest_offer(&s, actions[i].name);
	}
	suggest_offer(&s, "set");
	if (suggest_best(&s))
		cli_say("a queue cannot be told to '%s': did you mean '%s'?", name, suggest_best(&s));
	else
		cli_say("a queue cannot be told to '%s': pause, resume, drain, purge, peek, delete and set are what "
		        "there is",
		        name);
	return NULL;
}

static int show(struct cli *c)
{
	struct showing s = { .c = c };
	enum sheaf_error e = queue_set_get(c, c->args[0], &s.set);

	if (!e)
		e = sheaf_queue(c->s, c->args[0], QUEUE_SHOW, cli_left(c), NULL, show_queue, &s);
	return e ? no_queue(c, e) : EXIT_DONE;
}

static void count_live(void *ctx, const struct msg_queue_rec *q)
{
	uint64_t *live = ctx;

	*live = q->states[JOB_BLOCKED] + q->states[JOB_DELAYED] + q->states[JOB_READY] + q->states[JOB_RUNNING];
}

/* Closes the queue, and waits until what is in it has ended. */
static int drain(struct cli *c)
{
	enum sheaf_error e = sheaf_queue(c->s, c->args[0], QUEUE_DRAIN, cli_left(c), NULL, NULL, NULL);
	struct sheaf_event ev;
	uint64_t live = 1;

	if (e)
		return no_queue(c, e);
	do {
		e = sheaf_queue(c->s, c->args[0], QUEUE_SHOW, cli_left(c), NULL, count_live, &live);
		if (!e && live > 0)
			e = sheaf_next(c->s, cli_left(c) < DRAIN_LOOK_MS ? cli_left(c) : DRAIN_LOOK_MS, &ev);
		if (!e && live > 0 && cli_left(c) == 0)
			e = SHEAF_E_TIMEOUT;
	} while (!e && live > 0);
	if (e == SHEAF_E_TIMEOUT)
		return cli_fail(EXIT_TIMEOUT, "%" PRIu64 " jobs have not ended; the queue stays closed", live);
	if (e)
		return no_queue(c, e);
	if (c->flags.json)
		show_json(&c->out, json_pack("{sssssI}", "name", c->args[0], "did", "drained", "jobs", (json_int_t)0));
	else if (!c->flags.quiet)
		out_format(&c->out, "%s drained\n", c->args[0]);
	return EXIT_DONE;
}

static int change(struct cli *c, const struct action *a)
{
	uint64_t value = 0;
	enum sheaf_error e = sheaf_queue(c->s, c->args[0], a->op, cli_left(c), &value, NULL, NULL);

	if (e)
		return no_queue(c, e);
	if (c->flags.json)
		show_json(&c->out, json_pack("{sssssI}", "name", c->args[0], "did", a->did, "jobs", (json_int_t)value));
	else if (a->op == QUEUE_PURGE || (a->op == QUEUE_DELETE && value))
		out_format(&c->out, "%s %s: %" PRIu64 " job%s\n", c->args[0], a->did, value, value == 1 ? "" : "s");
	else if (!c->flags.quiet)
		out_format(&c->out, "%s %s\n", c->args[0], a->did);
	return EXIT_DONE;
}

static int cmd_queue(struct cli *c)
{
	const struct action *a;
	int status;

	if (!cli_queue_name(c->args[0]))
		return EXIT_USAGE;
	if (c->n_args > 1 && strcmp(c->args[1], "set") == 0)
		return queue_set_run(c);
	a = find_action(c->n_args > 1 ? c->args[1] : "show");
	if (!a)
		return EXIT_USAGE;
	if (c->n_args > 2)
		return cli_fail(EXIT_USAGE, "queue %s does not know what to do with '%s'", a->name, c->args[2]);
	status = cli_open(c);
	if (status)
		return status;
	if (a->op == QUEUE_SHOW)
		return show(c);
	if (a->op == QUEUE_DRAIN)
		return drain(c);
	return a->op == QUEUE_PEEK ? peek(c) : change(c, a);
}

const struct command command_queues = {
	.name = "queues",
	.args = "",
	.group = GROUP_QUEUES,
	.line = "list the queues",
	.text = "A line for each queue: its jobs by state, and its workers.",
	.example = "sheaf queues",
	.run = cmd_queues,
};

#define SETTING_LINE(field, name, kind, most, standard, meaning) "  " name ": " meaning " (" standard ")\n"

const struct command command_queue = {
	.name = "queue",
	.args = "QUEUE [pause|resume|drain|purge|peek|delete|set KEY=VALUE...]",
	.group = GROUP_QUEUES,
	.least = 1,
	.most = -1,
	.line = "show or change a queue",
	.text = "pause    lets its jobs wait; what runs goes on\n"
		"drain    takes no more jobs, and waits until those it has have ended (or for --timeout)\n"
		"resume   ends a pause, and opens what was drained\n"
		"purge    cancels every job that has not started\n"
		"peek     shows the jobs that run next (-n N of them)\n"
		"delete   removes the queue, once it has neither jobs nor workers\n"
		"set      makes a setting that lasts; KEY=default takes it back\n"
		"Without one of these it prints how many jobs the queue has in each state, and its settings; the\n"
		"jobs that have ended count since it was created.\n"
		"\n"
		"Settings, each with what holds without it\n" QUEUE_SETTINGS(SETTING_LINE),
	.refused = "there is no such queue, or it is in use",
	.example = "sheaf queue thumbnails\n"
		   "sheaf queue thumbnails peek -n 3\n"
		   "sheaf queue thumbnails set concurrency=4 rate=100/s keep=2h",
	.run = cmd_queue,
};
