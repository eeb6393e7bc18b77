/* What the broker says about itself: `sheaf stats`, `sheaf ping`. */
#include <inttypes.h>

#include "client/cli/commands.h"
#include "client/cli/listing.h"

struct stats {
	struct listing l;
	json_t *object; /* all of them */
};

static void list_stat(void *ctx, const struct msg_stat_rec *s)
{
	struct stats *all = ctx;
	char name[LIMIT_NAME + 1];

	if (s->name.n > LIMIT_NAME)
		return;
	memcpy(name, s->name.p, s->name.n);
	name[s->name.n] = 0;
	json_object_set_new(all->object, name, show_json_count(s->value));
	table_text(&all->l.table, s->name, LIMIT_NAME);
	table_cell(&all->l.table, "%" PRIu64, s->value);
}

static int cmd_stats(struct cli *c)
{
	static const char *const heads[] = { "NAME", ">VALUE", NULL };
	struct stats all = { 0 };
	int status = cli_open(c);
	enum sheaf_error e;

	if (status)
		return status;
	all.object = json_object();
	listing_begin(&all.l, c, heads);
	e = sheaf_stats(c->s, cli_left(c), list_stat, &all);
	if (!e && c->flags.json)
		show_json(&c->out, json_incref(all.object));
	json_decref(all.object);
	return listing_end(&all.l, e, "the broker counts nothing");
}

static int cmd_ping(struct cli *c)
{
	const struct msg_client_welcome *w;
	int status = cli_open(c);
	enum sheaf_error e;
	char took[24];
	uint64_t us;

	if (status)
		return status;
	e = sheaf_ping(c->s, cli_left(c), &us);
	if (e)
		return cli_error(c, e);
	w = sheaf_welcome(c->s);
	if (c->flags.json) {
		json_t *object = json_pack("{sI}", "us", (json_int_t)us);

		show_json_bytes(object, "software", w->software);
		show_json(&c->out, object);
	} else if (!c->flags.quiet) {
		show_printable(&c->out, w->software);
		out_format(&c->out, " answers in %s\n", show_us(us, took));
	}
	return EXIT_DONE;
}

const struct command command_stats = {
	.name = "stats",
	.args = "",
	.group = GROUP_BROKER,
	.line = "the broker's counters",
	.text = "A line `NAME VALUE` for each.",
	.example = "sheaf stats --json",
	.run = cmd_stats,
};

const struct command command_ping = {
	.name = "ping",
	.args = "",
	.group = GROUP_BROKER,
	.line = "see whether the broker answers",
	.text = "Prints how long a round trip took. Exit status 3 if the broker does not answer.",
	.example = "sheaf ping --timeout 30s",
	.run = cmd_ping,
};
