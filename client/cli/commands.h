/* The commands. Each has its description beside its code: what `help`, the manual pages and completion know of it
 * comes from there and from nowhere else. */
#ifndef SHEAF_CLI_COMMANDS_H
#define SHEAF_CLI_COMMANDS_H

#include "client/cli/common.h"

/* Every command, by the name of its description: `const struct command command_<X>`. In the order of the help. */
#define COMMANDS(X)                                                                                                    \
	X(submit)                                                                                                      \
	X(batch)                                                                                                       \
	X(run)                                                                                                         \
	X(race)                                                                                                        \
	X(map)                                                                                                         \
	X(wait)                                                                                                        \
	X(result)                                                                                                      \
	X(job)                                                                                                         \
	X(jobs)                                                                                                        \
	X(cancel)                                                                                                      \
	X(touch)                                                                                                       \
	X(retry)                                                                                                       \
	X(dead)                                                                                                        \
	X(cron)                                                                                                        \
	X(queues)                                                                                                      \
	X(queue)                                                                                                       \
	X(pub)                                                                                                         \
	X(sub)                                                                                                         \
	X(topics)                                                                                                      \
	X(topic)                                                                                                       \
	X(workers)                                                                                                     \
	X(top)                                                                                                         \
	X(ping)                                                                                                        \
	X(stats)                                                                                                       \
	X(keygen)                                                                                                      \
	X(bench)                                                                                                       \
	X(doctor)                                                                                                      \
	X(completion)                                                                                                  \
	X(help)

/* The subjects by which help sorts them. */
enum command_group { GROUP_WORK, GROUP_JOBS, GROUP_QUEUES, GROUP_TOPICS, GROUP_BROKER, GROUP_SHEAF, GROUPS };

struct command {
	const char *name;
	/* As the usage line shows them. Completion reads it too: words in capitals say what stands there (QUEUE,
	 * WORKER, TOPIC, COMMAND, FILE, DIR …), [a|b] are words to choose from. */
	const char *args;
	enum command_group group;
	int least, most;           /* how many arguments it takes; most < 0: any number */
	const char *line;          /* what it does, in a phrase */
	const char *text;          /* and in full: lines of at most 96 columns; what is indented stays as it is */
	const char *failed;        /* what exit status 1 says, or NULL */
	const char *refused;       /* what exit status 4 says, or NULL */
	const char *example;       /* lines that can be typed */
	int (*run)(struct cli *c); /* an exit status; stdout is flushed behind it */
};

#define COMMAND_DECLARED(name) extern const struct command command_##name;
COMMANDS(COMMAND_DECLARED)
#undef COMMAND_DECLARED

/* Ended by NULL. */
const struct command *const *commands_all(void);
/* The command of that name; NULL after a sentence. */
const struct command *commands_find(const char *name);
/* The heading of a group. */
const char *commands_group(enum command_group g);

/* What `sheaf help` prints. */
void help_all(struct cli *c);
void help_command(struct cli *c, const struct command *command);
/* The exit statuses of every command, ended by an empty one; an example for all. */
struct exit_fact {
	char status[4];
	const char *line;
};
extern const struct exit_fact help_exits[];
extern const char help_example[];
/* Writes the manual pages, sheaf(1) and sheaf-COMMAND(1) for each, into the folder of --man-pages; makes it. An exit
 * status. (man_pages.c) */
int man_pages(struct cli *c);

#endif
