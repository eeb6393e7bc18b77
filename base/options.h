/* Options of the daemons: a table, the command line, the environment, an INI file; each over the next. Options
 * stand anywhere before `--`, as `--name VALUE` or `--name=VALUE` or `-x VALUE`. */
#ifndef SHEAF_BASE_OPTIONS_H
#define SHEAF_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mistakes.h"
#include "base/must.h"

enum { OPTIONS_MAX = 128, OPTIONS_ERR = 512 };

struct option_spec {
	const char *name;  /* without dashes */
	char letter;       /* 0 = none */
	const char *value; /* what help calls its value; NULL: a flag. with ... at its end it may be given often */
	const char *help;  /* a phrase; NULL: it comes with a later version and is refused by name */
};

/* A section of the file. Either its keys are options, or its entries are kept for who asks for them. */
struct option_section {
	const char *name;        /* "smtp": [smtp]. With a dot at its end, "smtp.queue.": each [smtp.queue.NAME] */
	const char *prefix;      /* what its options begin with, and its keys do not: "smtp-" */
	const char *listen;      /* the first of its options, which is called `listen` in it */
	const char *last;        /* the last; they stand side by side in the table */
	const char *env;         /* what they begin with in the environment, "smtp-"; the first is without the dash */
	const char *const *keys; /* with a dot: which keys there may be, ended by NULL */
};

/* A line of a section whose entries are kept. */
struct option_entry {
	char *section; /* owned, with the two after it: NAME of [smtp.queue.NAME] */
	const char *key, *value;
	int line;
};

struct option_table {
	const struct option_spec *specs;
	int n;
	const struct option_section *sections;
	int n_sections;
};

struct options {
	const struct option_spec *specs; /* borrowed */
	int n;
	const struct option_section *sections; /* borrowed */
	int n_sections;
	char *values[OPTIONS_MAX]; /* owned; NULL = not given; "true" for a flag; the last one */
	char **lists[OPTIONS_MAX]; /* owned: all values of an option that may be given often */
	int n_list[OPTIONS_MAX];
	const char *file;             /* borrowed from values: where the next stand; NULL = nowhere */
	int lines[OPTIONS_MAX];       /* of the values; 0 = they come from elsewhere */
	int *list_lines[OPTIONS_MAX]; /* owned: of those of the lists */
	struct option_entry *entries; /* owned: of sections that are kept, as they stand there */
	int n_entries;
	bool usable; /* what was parsed can be looked at, although the file has mistakes */
	char **args; /* borrowed from argv, in an owned array: what is no option, before `--` */
	int n_args;
	char **rest; /* borrowed: what stands behind `--`, or NULL without one */
	int n_rest;
};

/* Parses argv[1..argc), then SHEAF_<NAME> of the environment, then the file of --config if the table has that.
 * -1 with a sentence in err. options_fini in any case. */
MUST_CHECK int options_parse(struct options *o, const struct option_spec *specs, int n, int argc, char **argv,
                             char err[OPTIONS_ERR]);
/* The same, with sections in the file. With m, all mistakes of the file go there, and not only the first to err. */
MUST_CHECK int options_parse_table(struct options *o, const struct option_table *t, int argc, char **argv,
                                   struct mistakes *m, char err[OPTIONS_ERR]);
void options_fini(struct options *o);

/* A sentence about an option begins with "--NAME: ". If the value that it quotes stands in the file, it now begins with
 * "FILE:LINE: " before that. */
void options_locate(const struct options *o, char err[OPTIONS_ERR]);

/* The number of an option in the table, whose name has n bytes; -1 = there is none. */
int options_find(const struct options *o, const char *name, size_t n);

/* The value, or NULL; the option is in the table. */
const char *options_get(const struct options *o, const char *name);

/* The values of an option that may be given often, in their order; how many there are. The array may be changed. */
int options_list(const struct options *o, const char *name, char ***values);

/* Whether a flag is set. */
bool options_flag(const struct options *o, const char *name);

/* ---- help and manual (options_page.c) ---- */

/* An exit status, or a signal, and what it says. */
struct options_fact {
	const char *name;
	const char *line; /* a phrase */
};

/* What there is to say about a program, for --help and for its manual page. */
struct options_page {
	const char *name;
	int section;      /* of the manual */
	const char *line; /* what it is, in a phrase */
	const char *args; /* as the usage line shows them */
	const char *text; /* lines of at most 96 columns; see man.h for what their layout says */
	const struct option_spec *specs;
	int n;
	const struct options_fact *signals; /* ended by one without a name; likewise the next */
	const struct options_fact *exits;
	const char *example; /* lines that can be typed */
	const char *file;    /* for --man=conf: what sections there are; NULL = none */
	const char *file_example;
	const char *see; /* "sheaf(1), …" */
};

/* Prints all of it as help to stdout. */
void options_help(const struct options_page *p);
/* If argv asks for it (--man, or --man=conf for the page about the file of --config; for those who build packages),
 * prints the manual page to stdout: true. */
bool options_man(const struct options_page *p, int argc, char **argv);

#endif
