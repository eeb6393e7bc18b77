/* A command that lists things: a table for people, or an object a line for programs. */
#ifndef SHEAF_CLI_LISTING_H
#define SHEAF_CLI_LISTING_H

#include "client/cli/common.h"
#include "client/cli/show.h"

struct listing {
	struct cli *c;
	struct table table; /* rows for people; stays empty with --json */
};

/* Heads as table_init has them. */
void listing_begin(struct listing *l, struct cli *c, const char *const *heads);
/* With --json the row is written as the object that `make` makes of it, and that is all: true. */
bool listing_json(struct listing *l, json_t *(*make)(const void *row), const void *row);
/* Writes the table, or says `empty` where there is no row. What e says, as an exit status. */
int listing_end(struct listing *l, enum sheaf_error e, const char *empty);

#endif
