/* Options of the daemons: a table, the command line, the environment, an INI file; each over the next. Options
 * stand anywhere before `--`, as `--name VALUE` or `--name=VALUE` or `-x VALUE`. */
#ifndef SHEAF_BASE_OPTIONS_H
#define SHEAF_BASE_OPTIONS_H

#include <stdbool.h>

#include "base/must.h"

enum { OPTIONS_MAX = 64, OPTIONS_ERR = 512 };

struct option_spec {
	const char *name;  /* without dashes */
	char letter;       /* 0 = none */
	const char *value; /* what help calls its value; NULL: a flag */
	const char *help;  /* a phrase; NULL: it comes with a later version and is refused by name */
};

struct options {
	const struct option_spec *specs; /* borrowed */
	int n;
	char *values[OPTIONS_MAX]; /* owned; NULL = not given; "true" for a flag */
	char **args;               /* borrowed from argv, in an owned array: what is no option, before `--` */
	int n_args;
	char **rest; /* borrowed: what stands behind `--`, or NULL without one */
	int n_rest;
};

/* Parses argv[1..argc), then SHEAF_<NAME> of the environment, then the file of --config if the table has that.
 * -1 with a sentence in err. options_fini in any case. */
MUST_CHECK int options_parse(struct options *o, const struct option_spec *specs, int n, int argc, char **argv,
                             char err[OPTIONS_ERR]);
void options_fini(struct options *o);

/* The value, or NULL; the option is in the table. */
const char *options_get(const struct options *o, const char *name);

/* Whether a flag is set. */
bool options_flag(const struct options *o, const char *name);

/* Prints the table as help, aligned, to stdout. */
void options_help(const struct option_spec *specs, int n);

#endif
