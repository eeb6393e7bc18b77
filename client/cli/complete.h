/* What may stand at a place of a command line, from the tables of commands and options. Pure: names that only the
 * broker knows are left to the caller. */
#ifndef SHEAF_CLI_COMPLETE_H
#define SHEAF_CLI_COMPLETE_H

#include "client/cli/commands.h"

/* What is looked for. */
enum complete_kind {
	COMPLETE_NOTHING, /* a number, an id, anybody's guess */
	COMPLETE_COMMAND,
	COMPLETE_OPTION, /* of the command */
	COMPLETE_WORDS,  /* one of the words of `list` */
	COMPLETE_QUEUE,
	COMPLETE_WORKER,
	COMPLETE_TOPIC,
	COMPLETE_FILE,
	COMPLETE_DIR
};

struct completion {
	enum complete_kind kind;
	const struct command *command; /* or NULL: none yet */
	char list[256];                /* a|b|c */
	const char *prefix;            /* what every candidate begins with beside itself: "--mode=" of "--mode=fa"; */
	size_t prefix_n;               /* borrowed from the last word */
	const char *typed;             /* what has been typed of it, behind the prefix */
};

/* Called with the options of every command that stand before, such as --broker. */
typedef void complete_seen_fn(void *ctx, const struct option *o, const char *value);

/* Looks at the words behind `sheaf`: the last of them, which may be empty, is to be completed. */
void complete_look(struct completion *k, int n, const char *const *words, complete_seen_fn *seen, void *ctx);
/* Hands out what the tables know for it and begins as typed: a word and what it is (or NULL). */
typedef void complete_each_fn(void *ctx, const char *word, const char *line);
void complete_known(const struct completion *k, complete_each_fn *each, void *ctx);

#endif
