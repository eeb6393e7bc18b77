/* The options of every command, in one table: for parsing, for the environment, for help. An option that a
 * later version will have is refused by name; so is one that belongs to another command. */
#ifndef SHEAF_CLI_FLAGS_H
#define SHEAF_CLI_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

/* The commands, as bits: which of them an option is for. */
enum command_bit {
	CMD_SUBMIT = 1 << 0,
	CMD_RUN = 1 << 1,
	CMD_MAP = 1 << 2,
	CMD_WAIT = 1 << 3,
	CMD_RESULT = 1 << 4,
	CMD_JOB = 1 << 5,
	CMD_CANCEL = 1 << 6,
	CMD_QUEUES = 1 << 7,
	CMD_QUEUE = 1 << 8,
	CMD_WORKERS = 1 << 9,
	CMD_STATS = 1 << 10,
	CMD_PING = 1 << 11,
	CMD_BENCH = 1 << 12,
	CMD_HELP = 1 << 13,
	CMD_EVERY = (1 << 14) - 1
};

/* What the options said. Texts are borrowed from argv or the environment. */
struct flags {
	const char *broker;
	uint64_t timeout_ms; /* SHEAF_FOREVER unless given */
	bool insecure;
	bool json;
	bool quiet;
	bool help;
	bool version;
	uint64_t priority;
	uint64_t attempts;
	const char **headers; /* owned array: NAME=VALUE, n_headers of them */
	size_t n_headers;
	bool lines;
	bool null;
	bool ordered;
	bool resume;
	const char *joblog;
	uint64_t in_flight; /* 0 = as many as is good */
	bool any;
	uint64_t count;
	const char *queue;
	const char *mode;
	uint64_t jobs;
	uint64_t payload;
	uint64_t batch;
	uint64_t seconds_ms;
	const char **args; /* owned array: what is no option, n_args of them, ended by NULL */
	int n_args;
};

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_LIST, OPTION_DURATION, OPTION_SIZE, OPTION_NUMBER };

struct option {
	const char *name; /* without dashes */
	char letter;      /* 0 = none */
	enum option_kind kind;
	uint32_t commands; /* enum command_bit */
	size_t offset;     /* into struct flags; a list has its count behind it */
	uint64_t least;    /* of a number, size or duration */
	uint64_t most;
	const char *value; /* what help calls its value; NULL for a flag */
	const char *help;  /* a phrase */
};

/* The table, ended by one without a name. */
const struct option *flags_table(void);

/* Parses argv, which begins behind the program's name. False after an error was printed. */
MUST_CHECK bool flags_parse(struct flags *f, int argc, char **argv);
/* With the command known: refuses what is not its own, then reads the environment for its options that were not
 * given. `command` is its name, for the sentence. */
MUST_CHECK bool flags_settle(struct flags *f, uint32_t bit, const char *command);
void flags_fini(struct flags *f);

#endif
