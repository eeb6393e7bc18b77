/* Help and manual of the daemons; see options.h. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/man.h"
#include "base/options.h"
#include "base/text.h"

enum { LEFT = 27, COLUMNS = 100 }; /* of what stands left of the phrases; of a line */

static const char environment[] =
    "Each option is also SHEAF_<OPTION> in the environment (with _ for -), and a key of the\n"
    "file of --config. The command line goes before the environment, that before the file.";

static void term_of(const struct option_spec *s, char out[96])
{
	text_format(out, 96, "%s%.1s%s--%s%s%s", s->letter ? "-" : "", s->letter ? &s->letter : "",
	            s->letter ? ", " : "", s->name, s->value != NULL ? " " : "", s->value != NULL ? s->value : "");
}

static void print_lines(const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");

		printf("%s%.*s\n", n > 0 ? "  " : "", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

/* An entry, its phrase wrapped. */
static void print_entry(const char *left, int width, const char *phrase)
{
	if (strlen(left) > (size_t)width) {
		printf("  %s\n", left);
		left = "";
	}
	do {
		size_t n = text_fit(phrase, (size_t)(COLUMNS - width - 3));

		printf("  %-*s %.*s\n", width, left, (int)n, phrase);
		phrase += n + (phrase[n] == ' ');
		left = "";
	} while (*phrase != '\0');
}

static void print_facts(const char *title, const struct options_fact *facts)
{
	printf("\n%s\n", title);
	for (; facts->name != NULL; facts++)
		print_entry(facts->name, 10, facts->line);
}

void options_help(const struct options_page *p)
{
	char left[96];

	printf("%s %s - %s\n\n", p->name, p->args, p->line);
	print_lines(p->text);
	printf("\nOptions\n");
	for (int i = 0; i < p->n; i++) {
		if (p->specs[i].help == NULL)
			continue;
		term_of(&p->specs[i], left);
		print_entry(left, LEFT, p->specs[i].help);
	}
	printf("\n");
	print_lines(environment);
	print_facts("Signals", p->signals);
	print_facts("Exit status", p->exits);
	printf("\nExample\n");
	print_lines(p->example);
}

static void put_facts(const char *title, const struct options_fact *facts)
{
	man_section(stdout, title);
	for (; facts->name != NULL; facts++)
		man_entry(stdout, facts->name, facts->line);
}

static void put_options(const struct options_page *p, bool as_keys)
{
	char left[96];

	for (int i = 0; i < p->n; i++) {
		const struct option_spec *s = &p->specs[i];

		if (s->help == NULL)
			continue;
		if (as_keys && (strcmp(s->name, "config") == 0 || strcmp(s->name, "check-config") == 0 ||
		                strcmp(s->name, "help") == 0 || strcmp(s->name, "version") == 0))
			continue;
		if (as_keys)
			text_format(left, sizeof left, "%s = %s", s->name, s->value != NULL ? s->value : "true");
		else
			term_of(s, left);
		man_entry(stdout, left, s->help);
	}
}

static void put_page(const struct options_page *p)
{
	man_begin(stdout, p->name, p->section, p->line);
	man_synopsis(stdout, p->name, p->args);
	man_section(stdout, "Description");
	man_text(stdout, p->text);
	man_section(stdout, "Options");
	put_options(p, false);
	man_section(stdout, "Environment");
	man_text(stdout, environment);
	put_facts("Signals", p->signals);
	put_facts("Exit status", p->exits);
	man_section(stdout, "Examples");
	man_example(stdout, p->example);
	man_see_also(stdout, p->see);
}

static void put_conf_page(const struct options_page *p)
{
	char title[64], example[1024];

	man_begin(stdout, "sheaf.conf", 5, "configuration of sheafd, sheaf-smtpd and sheaf-worker");
	man_section(stdout, "Description");
	man_text(stdout,
	         "The file that --config names has a line NAME = VALUE for each option that is to be set: the\n"
	         "option's name without its dashes. What begins with ; or # is a comment. An option that may be\n"
	         "given often may have several lines; a line has at most 198 bytes.\n"
	         "A flag is set by true, yes, on or 1; any other value leaves it unset.\n"
	         "\n"
	         "An option of the command line goes before the environment (SHEAF_<OPTION>), and that before\n"
	         "the file. A name that the program does not know is an error, which says the line; with\n"
	         "--check-config sheafd and sheaf-smtpd say all that is wrong, and end.\n"
	         "\n"
	         "The keys of sheaf-worker and sheaf-smtpd are their options, see sheaf-worker(1), sheaf-smtpd(8).");
	text_format(title, sizeof title, "Keys of %s", p->name);
	man_section(stdout, title);
	put_options(p, true);
	if (p->file != NULL) {
		man_section(stdout, "Sections");
		man_text(stdout, p->file);
	}
	man_section(stdout, "Examples");
	snprintf(example, sizeof example, "%s%s",
	         "; /etc/sheaf/sheaf.conf\n"
	         "data = /var/lib/sheaf\n"
	         "memory = 1G\n"
	         "keep = 2h\n",
	         p->file_example != NULL ? p->file_example : "");
	man_example(stdout, example);
	man_see_also(stdout, "sheafd(8), sheaf-smtpd(8), sheaf-worker(1)");
}

bool options_man(const struct options_page *p, int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--man") == 0)
		put_page(p);
	else if (argc == 2 && strcmp(argv[1], "--man=conf") == 0)
		put_conf_page(p);
	else
		return false;
	return true;
}
