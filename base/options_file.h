/* Between the parts of the daemons' options: the file of --config. */
#ifndef SHEAF_BASE_OPTIONS_FILE_H
#define SHEAF_BASE_OPTIONS_FILE_H

#include "base/options.h"

/* In options.c: whether a word sets a flag; a value, and the line of the file in which it stands, or 0. */
bool options_true(const char *text);
MUST_CHECK int options_set(struct options *o, int i, const char *value, int line, char *err);

/* Reads o->file: what was given already stays. All mistakes go to m, or the first to err. */
MUST_CHECK int options_read_file(struct options *o, struct mistakes *m, char err[OPTIONS_ERR]);

#endif
