/* `sheaf help`: the texts of the tables of commands and options, laid out. */
#include <stdio.h>
#include <string.h>

#include "client/cli/commands.h"

/* Text as lines, each behind an indentation. */
static void put_lines(struct out *o, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		out_format(o, "    %.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

static void put_option(struct out *o, const struct option *option)
{
	char left[64];
	int n = snprintf(left, sizeof left, "--%s%s%s", option->name, option->value ? " " : "",
	                 option->value ? option->value : "");

	if (option->letter)
		snprintf(left + n, sizeof left - (size_t)n, ", -%c%s%s", option->letter, option->value ? " " : "",
		         option->value ? option->value : "");
	out_format(o, "    %-22s %s\n", left, option->help);
}

static void put_options(struct out *o, uint32_t bit, bool everywhere)
{
	for (const struct option *option = flags_table(); option->name; option++)
		if ((option->commands & bit) && (option->commands == CMD_EVERY) == everywhere)
			put_option(o, option);
}

static bool has_own_options(uint32_t bit)
{
	for (const struct option *option = flags_table(); option->name; option++)
		if ((option->commands & bit) && option->commands != CMD_EVERY)
			return true;
	return false;
}

void help_command(struct out *o, const struct command *command)
{
	out_format(o, "sheaf %s%s%s%s - %s\n\n", command->name, *command->args ? " " : "", command->args,
	           has_own_options(command->bit) ? " [OPTION...]" : "", command->line);
	put_lines(o, command->text);
	if (has_own_options(command->bit)) {
		out_format(o, "\nOptions\n");
		put_options(o, command->bit, false);
	}
	out_format(o, "\nOptions of every command\n");
	put_options(o, command->bit, true);
	out_format(o, "\nExample\n");
	put_lines(o, command->example);
}

void help_all(struct out *o)
{
	out_format(o,
	           "sheaf COMMAND [ARGUMENT...] [OPTION...] - submit jobs to a Sheaf broker and gather their results\n"
	           "\nCommands\n");
	for (const struct command *k = commands_table(); k->name; k++)
		out_format(o, "    %-10s %s\n", k->name, k->line);
	out_format(o, "\nOptions of every command, anywhere before --\n");
	put_options(o, CMD_HELP, true);
	out_format(o, "\nEvery option can be set in the environment: --broker as SHEAF_BROKER.\n"
	              "\nExit status\n"
	              "    0  done                     4    refused: full, no such thing, not finished\n"
	              "    1  a job failed             124  timed out\n"
	              "    2  usage                    130  interrupted\n"
	              "    3  broker unreachable\n"
	              "\nExample\n"
	              "    sheaf-worker words -- wc -w &\n"
	              "    sheaf run words <chapter.txt\n");
}

int cmd_help(struct cli *c)
{
	const struct command *command;

	if (c->n_args == 0) {
		help_all(&c->out);
		return EXIT_DONE;
	}
	command = commands_find(c->args[0]);
	if (!command)
		return EXIT_USAGE;
	help_command(&c->out, command);
	return EXIT_DONE;
}
