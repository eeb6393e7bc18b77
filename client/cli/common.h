/* What the commands share: one invocation, its session with the broker, its errors and exit statuses, its
 * deadline and the signals that interrupt it. */
#ifndef SHEAF_CLI_COMMON_H
#define SHEAF_CLI_COMMON_H

#include <stdatomic.h>

#include "client/cli/flags.h"
#include "client/cli/out.h"
#include "client/sheaf.h"

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1, /* the job, or one of the jobs, failed; or output could not be written */
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3, /* the broker never answered */
	EXIT_REFUSED = 4,     /* denied, full, no such thing, not finished */
	EXIT_TIMEOUT = 124,
	EXIT_INTERRUPTED = 130
};

enum { FIRST_ANSWER_MS = 5000 }; /* how long the broker may take to answer at all, unless --timeout says */

struct cli {
	const struct command *command;
	struct flags flags;
	const char **args; /* those of the command: flags.args without its name */
	int n_args;
	sheaf_t *s;        /* NULL until cli_open */
	uint64_t begun_ms; /* when the program started */
	struct out out;    /* stdout */
};

/* One line on stderr that begins with the program's name. */
__attribute__((format(printf, 1, 2))) void cli_say(const char *format, ...);
/* The same, and returns `status`. */
__attribute__((format(printf, 2, 3))) int cli_fail(int status, const char *format, ...);
/* Says why the last call of the session failed and returns the exit status for it. */
int cli_error(struct cli *c, enum sheaf_error e);
/* The exit status for an error. */
int cli_status(enum sheaf_error e);

/* Makes the session, without asking the broker anything. 0, or an exit status after a sentence. */
MUST_CHECK int cli_session(struct cli *c);
/* Makes the session and waits until the broker answers. 0, or an exit status after a sentence. */
MUST_CHECK int cli_open(struct cli *c);
/* The broker's endpoint: the option's, or the default. */
const char *cli_broker(const struct cli *c);
/* Whether what is said to the broker stays on this machine. */
bool cli_is_local(const struct cli *c);
/* The milliseconds that --timeout leaves; SHEAF_FOREVER without it. */
uint64_t cli_left(const struct cli *c);
/* How often SIGINT or SIGTERM came. Each one also makes calls of the session return SHEAF_E_INTERRUPTED, until
 * cli_go_on(). */
int cli_signals(void);
void cli_go_on(struct cli *c);
/* Writes what is left of stdout: `status`, or EXIT_FAILED after a sentence when writing failed. A reader that has
 * gone away ends the program quietly, as SIGPIPE does. */
int cli_finish(struct cli *c, int status);

/* Checks a queue's name, an id: false after a sentence. */
MUST_CHECK bool cli_queue_name(const char *name);
/* A job's id, or with `batch` not NULL also a batch's (bN). */
MUST_CHECK bool cli_id(const char *text, uint64_t *id, bool *batch);
/* The policy that the options of submit, run and map ask for: false after a sentence. */
MUST_CHECK bool cli_policy(const struct cli *c, struct sheaf_policy *p);

#endif
