/* `sheaf help`: the texts of the tables of commands and options, laid out. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "client/cli/commands.h"
#include "client/cli/show.h"

const struct exit_fact help_exits[] = {
	{ "0", "done" },
	{ "1", "the job, or one of the jobs, failed" },
	{ "2", "usage" },
	{ "3", "the broker is not reachable" },
	{ "4", "refused: denied, full, no such thing, not finished" },
	{ "124", "timed out" },
	{ "130", "interrupted" },
	{ "", NULL },
};

const char help_example[] = "sheaf-worker words -- wc -w &\n"
			    "sheaf run words <chapter.txt";

enum { LEFT = 22, COLUMNS = 100 }; /* of what stands left of the phrases; of a line */

/* Text as lines, each behind an indentation. */
static void put_lines(struct out *o, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		out_format(o, "%s%.*s\n", n ? "    " : "", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

static void put_option(struct out *o, const struct option *option)
{
	char left[96], phrase[512], *p = phrase;
	int n = snprintf(left, sizeof left, "--%s%s%s", option->name, option->value ? " " : "",
	                 option->value ? option->value : "");

	if (option->letter)
		snprintf(left + n, sizeof left - (size_t)n, ", -%c%s%s", option->letter, option->value ? " " : "",
		         option->value ? option->value : "");
	if (strlen(left) > LEFT) {
		out_format(o, "    %s\n", left);
		left[0] = 0;
	}
	text_format(phrase, sizeof phrase, "%s%s%s", option->help, option->standard ? "; default " : "",
	            option->standard ? option->standard : "");
	do {
		size_t k = text_fit(p, COLUMNS - LEFT - 5);

		out_format(o, "    %-*s %.*s\n", LEFT, left, (int)k, p);
		p += k + (p[k] == ' ');
		left[0] = 0;
	} while (*p);
}

static void put_options(struct out *o, const char *command, bool everywhere)
{
	for (const struct option *option = flags_table; option->name; option++)
		if (flags_names(option->commands, command) && (option->commands == EVERY_COMMAND) == everywhere)
			put_option(o, option);
}

static bool has_own_options(const char *command)
{
	for (const struct option *option = flags_table; option->name; option++)
		if (flags_names(option->commands, command) && option->commands != EVERY_COMMAND)
			return true;
	return false;
}

static json_t *json_options(const char *command)
{
	json_t *array = json_array();

	for (const struct option *o = flags_table; o->name; o++) {
		json_t *object;

		if (!flags_names(o->commands, command))
			continue;
		object = json_pack("{ss ss* ss* ss}", "name", o->name, "value", o->value, "default", o->standard,
		                   "line", o->help);
		if (o->letter)
			json_object_set_new(object, "letter", json_stringn(&o->letter, 1));
		json_array_append_new(array, object);
	}
	return array;
}

static void put_json(struct out *o, const struct command *k)
{
	show_json(o, json_pack("{ss ss ss ss ss so}", "name", k->name, "args", k->args, "line", k->line, "text",
	                       k->text, "example", k->example, "options", json_options(k->name)));
}

void help_command(struct cli *c, const struct command *command)
{
	struct out *o = &c->out;

	if (c->flags.json) {
		put_json(o, command);
		return;
	}
	out_format(o, "sheaf %s%s%s%s - %s\n\n", command->name, *command->args ? " " : "", command->args,
	           has_own_options(command->name) ? " [OPTION...]" : "", command->line);
	put_lines(o, command->text);
	if (has_own_options(command->name)) {
		out_format(o, "\nOptions\n");
		put_options(o, command->name, false);
	}
	out_format(o, "\nOptions of every command\n");
	put_options(o, command->name, true);
	if (command->failed || command->refused) {
		out_format(o, "\nExit status, besides those of every command\n");
		if (command->failed)
			out_format(o, "    1  %s\n", command->failed);
		if (command->refused)
			out_format(o, "    4  %s\n", command->refused);
	}
	out_format(o, "\nExample\n");
	put_lines(o, command->example);
}

static void put_group(struct out *o, enum command_group group)
{
	out_format(o, "\n%s\n", commands_group(group));
	for (const struct command *const *k = commands_all(); *k; k++)
		if ((*k)->group == group)
			out_format(o, "    %-11s %s\n", (*k)->name, (*k)->line);
}

void help_all(struct cli *c)
{
	struct out *o = &c->out;

	for (const struct command *const *k = commands_all(); *k && c->flags.json; k++)
		put_json(o, *k);
	if (c->flags.json)
		return;
	out_format(
	    o, "sheaf COMMAND [ARGUMENT...] [OPTION...] - submit jobs to a Sheaf broker and gather their results\n");
	for (int g = 0; g < GROUPS; g++)
		put_group(o, (enum command_group)g);
	out_format(o, "\nOptions of every command, anywhere before --\n");
	put_options(o, "help", true);
	out_format(o, "\nEvery option can be set in the environment: --broker as SHEAF_BROKER.\n\nExit status\n");
	for (const struct exit_fact *e = help_exits; e->status[0]; e++)
		out_format(o, "    %-4s %s\n", e->status, e->line);
	out_format(o, "\nExample\n");
	put_lines(o, help_example);
}

static int cmd_help(struct cli *c)
{
	const struct command *command;

	if (c->flags.man_pages)
		return c->n_args ? cli_fail(EXIT_USAGE, "--man-pages writes the pages of all commands") : man_pages(c);
	if (c->n_args == 0) {
		help_all(c);
		return EXIT_DONE;
	}
	command = commands_find(c->args[0]);
	if (!command)
		return EXIT_USAGE;
	help_command(c, command);
	return EXIT_DONE;
}

const struct command command_help = {
	.name = "help",
	.args = "[COMMAND]",
	.group = GROUP_SHEAF,
	.most = 1,
	.line = "what a command does",
	.text = "Without COMMAND it lists them all.",
	.example = "sheaf help map",
	.run = cmd_help,
};
