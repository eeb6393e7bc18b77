/* The options of every command, in one table: for parsing, for the environment, for help, manual pages and completion.
 * An option that belongs to another command is refused by name. */
#ifndef SHEAF_CLI_FLAGS_H
#define SHEAF_CLI_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

/* What stood on the command line and waits for its command to be known. Borrowed from argv. */
struct given {
	const char *name; /* of the option, from the table */
	const char *value;
};

/* What the options said. Texts are borrowed from argv, the environment or the table. */
struct flags {
	const char *broker;
	const char *keys;    /* directory; NULL = none */
	uint64_t timeout_ms; /* SHEAF_FOREVER unless given */
	bool insecure;
	bool json;
	bool quiet;
	bool help;
	bool version;
	uint64_t priority;
	uint64_t attempts; /* 0 = the queue's default */
	uint64_t backoff_ms;
	uint64_t backoff_max_ms;
	const char *tenant;
	const char *group;
	const char *topic; /* of results */
	uint64_t lease_ms;
	uint64_t delay_ms;
	const char *at;
	const char *expires;
	const char **headers; /* owned array: NAME=VALUE, n_headers of them */
	size_t n_headers;
	const char *key;
	const char **after; /* owned array, n_after of them */
	size_t n_after;
	bool after_any;
	const char *into; /* a batch */
	const char *then;
	const char *then_when;
	const char *then_payload;
	uint64_t open_for_ms; /* 0 = the broker's default */
	bool lines;
	bool null;
	bool ordered;
	bool resume;
	bool resume_failed;
	bool retry_failed;
	bool tag;
	const char *halt;
	const char *joblog;
	uint64_t in_flight; /* 0 = as many as is good */
	bool any;
	const char *tz;     /* of cron; NULL = UTC */
	const char *missed; /* once or skip */
	bool replace;
	uint64_t times;
	uint64_t count;
	const char *queue;
	const char *mode;
	uint64_t jobs;
	uint64_t payload;
	uint64_t batch;
	uint64_t seconds_ms;
	const char *channel;
	const char *exec;
	const char *since;
	uint64_t messages; /* 0 = without end */
	uint64_t sample;   /* 0 = all */
	uint64_t most;     /* dead letters; 0 = all */
	uint64_t older_ms;
	uint64_t newer_ms;
	const char *error;
	const char *rate;
	uint64_t snapshots; /* 0 = unless told */
	uint64_t interval_ms;
	const char *man_pages;
	const char *add;
	uint64_t replicas; /* 0 = not given */
	uint64_t hedge_ms;
	const char *role;
	const char **args; /* owned array: what is no option, n_args of them, ended by NULL */
	int n_args;
	struct given *given; /* owned array, n_given of them */
	int n_given;
};

/* A WORD is one of those that the option's `value` names: a|b|c. */
enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_WORD, OPTION_LIST, OPTION_DURATION, OPTION_SIZE, OPTION_NUMBER };

/* An option of some commands. Two rows may have one name, for different commands: then all of them take a value, or
 * none does. */
struct option {
	const char *name; /* without dashes */
	char letter;      /* 0 = none */
	enum option_kind kind;
	const char *commands; /* their names, with blanks between; or EVERY_COMMAND */
	size_t offset;        /* into struct flags; a list has its count behind it */
	uint64_t least;       /* of a number, size or duration */
	uint64_t most;
	/* What help calls its value, NULL for a flag. Completion goes by it: QUEUE, FILE, DIR, a|b|c. */
	const char *value;
	const char *standard; /* the default, as it would be typed; NULL = none */
	const char *help;     /* a phrase; the default need not be in it */
};

enum { LIMIT_EXECS = 1024 }; /* commands of `sub --exec` at a time */

extern const char EVERY_COMMAND[];

/* The table, ended by one without a name. (flags_table.c) */
extern const struct option flags_table[];

/* Whether a list of commands (with blanks between) has this one. */
bool flags_names(const char *commands, const char *command);

/* Parses argv, which begins behind the program's name: what is no option, and the options of every command. The
 * others wait for flags_settle. False after an error was printed. */
MUST_CHECK bool flags_parse(struct flags *f, int argc, char **argv);
/* With the command's name known: sets its options from the command line, the environment, and their defaults; refuses
 * what is not its own. False after an error was printed. */
MUST_CHECK bool flags_settle(struct flags *f, const char *command);
/* Sets one option, as the command line would. False after an error was printed. */
MUST_CHECK bool flags_set(struct flags *f, const struct option *o, const char *value);
void flags_fini(struct flags *f);

#endif
