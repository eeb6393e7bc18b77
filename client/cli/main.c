/* sheaf: the command line. Reads the options, finds the command, runs it, ends with its exit status. */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/cli/commands.h"
#include "client/cli/show.h"

/* False after a sentence. */
static bool good_count(const struct cli *c)
{
	const struct command *k = c->command;

	if (c->n_args < k->least)
		cli_say("%s needs more: the usage is 'sheaf %s %s'", k->name, k->name, k->args);
	else if (k->most >= 0 && c->n_args > k->most)
		cli_say("%s does not know what to do with '%s': the usage is 'sheaf %s%s%s'", k->name, c->args[k->most],
		        k->name, *k->args ? " " : "", k->args);
	else
		return true;
	return false;
}

/* Help and version, when options ask for them. */
static bool told(struct cli *c)
{
	if (c->flags.version && c->flags.json)
		show_json(&c->out, json_pack("{ss}", "version", SHEAF_VERSION));
	else if (c->flags.version)
		out_format(&c->out, "sheaf %s\n", SHEAF_VERSION);
	else if (c->flags.help && c->flags.n_args > 0 && c->command)
		help_command(c, c->command);
	else if (c->flags.help && c->flags.n_args == 0)
		help_all(c);
	else
		return false;
	return true;
}

static int run(struct cli *c)
{
	if (told(c))
		return EXIT_DONE;
	if (c->flags.n_args == 0)
		return cli_fail(EXIT_USAGE, "a command is missing: 'sheaf help' lists them");
	c->command = commands_find(c->flags.args[0]);
	if (!c->command)
		return EXIT_USAGE;
	if (told(c))
		return EXIT_DONE;
	c->args = c->flags.args + 1;
	c->n_args = c->flags.n_args - 1;
	if (!flags_settle(&c->flags, c->command->name) || !good_count(c))
		return EXIT_USAGE;
	return c->command->run(c);
}

int main(int argc, char **argv)
{
	struct cli c = { .begun_ms = clock_mono_ms() };
	int status = EXIT_USAGE;

	out_init(&c.out, STDOUT_FILENO);
	if (flags_parse(&c.flags, argc - 1, argv + 1))
		status = run(&c);
	status = cli_finish(&c, status);
	flags_fini(&c.flags);
	return status;
}
