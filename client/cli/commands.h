/* The table of commands. Its texts are what `help` prints and what manual pages are made of. */
#ifndef SHEAF_CLI_COMMANDS_H
#define SHEAF_CLI_COMMANDS_H

#include "client/cli/common.h"

struct command {
	const char *name;
	const char *args;          /* as the usage line shows them */
	uint32_t bit;              /* enum command_bit */
	int least, most;           /* how many arguments it takes; most < 0: any number */
	const char *line;          /* what it does, in a phrase */
	const char *text;          /* and in full, as lines of at most 90 columns */
	const char *example;       /* lines that can be typed */
	int (*run)(struct cli *c); /* an exit status; stdout is flushed behind it */
};

/* Ended by a command without a name. */
const struct command *commands_table(void);
/* The command of that name; NULL after a sentence. */
const struct command *commands_find(const char *name);

/* What `sheaf help` prints. */
void help_all(struct out *o);
void help_command(struct out *o, const struct command *command);

int cmd_submit(struct cli *c);
int cmd_run(struct cli *c);
int cmd_map(struct cli *c);
int cmd_wait(struct cli *c);
int cmd_result(struct cli *c);
int cmd_job(struct cli *c);
int cmd_cancel(struct cli *c);
int cmd_queues(struct cli *c);
int cmd_queue(struct cli *c);
int cmd_workers(struct cli *c);
int cmd_stats(struct cli *c);
int cmd_ping(struct cli *c);
int cmd_bench(struct cli *c);
int cmd_help(struct cli *c);

#endif
