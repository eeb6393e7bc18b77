/* Manual pages of `sheaf`, from the same tables and texts as its help. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/man.h"
#include "base/text.h"
#include "client/cli/commands.h"

enum { PATH_MOST = 4096 };

static void put_options(FILE *f, const char *command, bool everywhere)
{
	for (const struct option *o = flags_table; o->name; o++) {
		char term[96], letter[40] = "", phrase[512];

		if (!flags_names(o->commands, command) || (o->commands == EVERY_COMMAND) != everywhere)
			continue;
		if (o->letter)
			text_format(letter, sizeof letter, "-%c%s%s, ", o->letter, o->value ? " " : "",
			            o->value ? o->value : "");
		text_format(term, sizeof term, "%s--%s%s%s", letter, o->name, o->value ? " " : "",
		            o->value ? o->value : "");
		text_format(phrase, sizeof phrase, "%s%s%s", o->help, o->standard ? "; default " : "",
		            o->standard ? o->standard : "");
		man_entry(f, term, phrase);
	}
}

static bool has_own_options(const char *command)
{
	for (const struct option *o = flags_table; o->name; o++)
		if (o->commands != EVERY_COMMAND && flags_names(o->commands, command))
			return true;
	return false;
}

static void put_exits(FILE *f, const struct command *k)
{
	man_section(f, "Exit status");
	for (const struct exit_fact *e = help_exits; e->status[0]; e++) {
		const char *line = e->line;

		if (k && strcmp(e->status, "1") == 0)
			line = k->failed ? k->failed : "the output could not be written";
		if (k && strcmp(e->status, "4") == 0 && k->refused)
			line = k->refused;
		man_entry(f, e->status, line);
	}
}

static void put_command(FILE *f, const struct command *k)
{
	char name[64], synopsis[256];

	text_format(name, sizeof name, "sheaf-%s", k->name);
	text_format(synopsis, sizeof synopsis, "%s %s%s[OPTION...]", k->name, k->args, *k->args ? " " : "");
	man_begin(f, name, 1, k->line);
	man_synopsis(f, "sheaf", synopsis);
	man_section(f, "Description");
	man_text(f, k->text);
	if (has_own_options(k->name)) {
		man_section(f, "Options");
		put_options(f, k->name, false);
	}
	man_section(f, "Options of every command");
	put_options(f, k->name, true);
	man_section(f, "Environment");
	man_text(f, "Every option can be set in the environment: --broker as SHEAF_BROKER, --retry-failed as\n"
	            "SHEAF_RETRY_FAILED. What is said on the command line goes before.");
	put_exits(f, k);
	man_section(f, "Examples");
	man_example(f, k->example);
	man_see_also(f, "sheaf(1), sheaf-worker(1), sheafd(8)");
}

static void put_overview(FILE *f)
{
	man_begin(f, "sheaf", 1, "submit jobs to a Sheaf broker and gather their results");
	man_synopsis(f, "sheaf", "COMMAND [ARGUMENT...] [OPTION...]");
	man_section(f, "Description");
	man_text(f, "A Sheaf broker, sheafd(8), takes jobs and writes them down; workers, sheaf-worker(1), run them;\n"
	            "sheaf submits them, gathers their results and shows what goes on. Each command has a page of\n"
	            "its own: sheaf-map(1) for map.\n"
	            "\n"
	            "Results go to stdout, everything else to stderr. Options stand anywhere before --, as\n"
	            "--name VALUE or --name=VALUE. Durations are written as 500ms, 30s, 5m or 2h, sizes as 64K,\n"
	            "512M or 1G.");
	for (int g = 0; g < GROUPS; g++) {
		man_section(f, commands_group((enum command_group)g));
		for (const struct command *const *k = commands_all(); *k; k++) {
			char term[64];

			if ((*k)->group != (enum command_group)g)
				continue;
			text_format(term, sizeof term, "sheaf-%s(1)", (*k)->name);
			man_entry(f, term, (*k)->line);
		}
	}
	man_section(f, "Options of every command");
	put_options(f, "help", true);
	man_section(f, "Environment");
	man_text(f, "Every option can be set in the environment: --broker as SHEAF_BROKER.");
	put_exits(f, NULL);
	man_section(f, "Examples");
	man_example(f, help_example);
	man_see_also(f, "sheaf-worker(1), sheafd(8), sheaf-smtpd(8), sheaf.conf(5)");
}

/* One page; k NULL: the overview. False after a sentence. */
static bool write_page(const char *folder, const struct command *k)
{
	char path[PATH_MOST];
	bool good;
	FILE *f;

	text_format(path, sizeof path, "%s/sheaf%s%s.1", folder, k ? "-" : "", k ? k->name : "");
	f = fopen(path, "we");
	if (!f) {
		cli_say("cannot write %s: %s", path, strerrordesc_np(errno));
		return false;
	}
	if (k)
		put_command(f, k);
	else
		put_overview(f);
	good = !ferror(f);
	if (fclose(f) == 0 && good)
		return true;
	cli_say("cannot write %s: %s", path, strerrordesc_np(errno));
	return false;
}

int man_pages(struct cli *c)
{
	const char *folder = c->flags.man_pages;

	if (strlen(folder) + 80 > PATH_MOST)
		return cli_fail(EXIT_USAGE, "--man-pages: the path is too long");
	if (mkdir(folder, 0777) != 0 && errno != EEXIST)
		return cli_fail(EXIT_FAILED, "cannot make %s: %s", folder, strerrordesc_np(errno));
	if (!write_page(folder, NULL))
		return EXIT_FAILED;
	for (const struct command *const *k = commands_all(); *k; k++)
		if (!write_page(folder, *k))
			return EXIT_FAILED;
	return EXIT_DONE;
}
