/* Between the parts of the daemons' options: the file of --config. */
#ifndef SHEAF_BASE_OPTIONS_FILE_H
#define SHEAF_BASE_OPTIONS_FILE_H

#include "base/options.h"

/* In options.c: whether a word sets a flag; a value, and the line of the file in which it stands, or 0. */
bool options_true(const char *text);
MUST_CHECK int options_set(struct options *o, int i, const char *value, int line, char *err);

/* In options_file.c: what an option is called in the section, NULL = it is none of its own. */
const char *options_key_of(const struct options *o, const struct option_section *s, int i);

/* Reads o->file: what was given already stays. All mistakes go to m, or the first to err. */
MUST_CHECK int options_read_file(struct options *o, struct mistakes *m, char err[OPTIONS_ERR]);

#endif
