/* `sheaf touch`: a handler tells of its progress, on the descriptor that its worker gave it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "client/cli/commands.h"
#include "client/cli/show.h"

enum { LINE = 512 };

/* The descriptor; -1 after a sentence. */
static int progress_fd(void)
{
	const char *text = getenv("SHEAF_PROGRESS_FD");
	uint64_t fd;
	int flags;

	if (!text || !*text) {
		cli_say("touch is for the handlers of `sheaf-worker QUEUE -- COMMAND`: SHEAF_PROGRESS_FD is not set");
		return -1;
	}
	if (!units_number(text, 0, INT32_MAX, &fd)) {
		cli_say("SHEAF_PROGRESS_FD: '%.40s' is no descriptor", text);
		return -1;
	}
	flags = fcntl((int)fd, F_GETFL);
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
		cli_say("descriptor %.40s of SHEAF_PROGRESS_FD is %s: the handler has to leave it open", text,
		        flags < 0 ? "closed" : "not for writing");
		return -1;
	}
	return (int)fd;
}

/* The text, which stays on one line and is cut at what a job may say. */
static size_t add_text(char *line, size_t n, const char *text)
{
	for (size_t i = 0; text[i] && i < LIMIT_PROGRESS_TEXT; i++)
		line[n++] = text[i] == '\n' || text[i] == '\r' ? ' ' : text[i];
	return n;
}

static int cmd_touch(struct cli *c)
{
	const char *percent = c->n_args > 0 ? c->args[0] : NULL, *text = c->n_args > 1 ? c->args[1] : "";
	char line[LINE] = "touch";
	size_t n = strlen(line);
	uint64_t v = 0;
	int fd;

	if (percent && strcmp(percent, "-") != 0 && !units_number(percent, 0, 100, &v))
		return cli_fail(EXIT_USAGE, "'%.40s' is no percentage from 0 to 100, nor - for none", percent);
	fd = progress_fd();
	if (fd < 0)
		return EXIT_USAGE;
	if (percent && (strcmp(percent, "-") != 0 || *text)) {
		n = (size_t)snprintf(line, sizeof line, "%s ", percent);
		n = add_text(line, n, text);
	}
	line[n++] = '\n';
	signal(SIGPIPE, SIG_IGN);
	/* less than PIPE_BUF: it is written as a whole, or not at all */
	if (write(fd, line, n) < 0)
		return errno == EPIPE ? cli_fail(EXIT_REFUSED, "the job is over: its worker does not listen any more")
		                      : cli_fail(EXIT_FAILED, "cannot write to SHEAF_PROGRESS_FD: %s", strerror(errno));
	if (c->flags.json && percent && strcmp(percent, "-") != 0)
		show_json(&c->out, json_pack("{sI ss}", "percent", (json_int_t)v, "text", text));
	else if (c->flags.json)
		show_json(&c->out, json_pack("{ss}", "text", text));
	return EXIT_DONE;
}

const struct command command_touch = {
	.name = "touch",
	.args = "[PERCENT] [TEXT]",
	.group = GROUP_JOBS,
	.most = 2,
	.line = "in a handler: tell that it goes on, and how far it is",
	.text = "For handlers that `sheaf-worker QUEUE -- COMMAND` runs. A lease that the job was given with\n"
		"--lease begins anew, and `sheaf job` shows PERCENT (0 to 100, or - for none) and TEXT (up to\n"
		"256 bytes). It speaks to the handler's worker, not to the broker: it writes a line to the\n"
		"descriptor in SHEAF_PROGRESS_FD, which a handler may as well do itself.",
	.refused = "the job is over",
	.example = "sheaf touch\n"
		   "sheaf touch 30 'a third of the pages'",
	.run = cmd_touch,
};
