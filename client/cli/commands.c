/* See commands.h. */
#include "client/cli/commands.h"

#include <string.h>

#include "base/suggest.h"

#define COMMAND_ADDRESS(name) &command_##name,
static const struct command *const all[] = { COMMANDS(COMMAND_ADDRESS) NULL };
#undef COMMAND_ADDRESS

static const char *const groups[GROUPS] = {
	[GROUP_WORK] = "Submit jobs and gather their results",
	[GROUP_JOBS] = "Look after jobs",
	[GROUP_QUEUES] = "Queues",
	[GROUP_TOPICS] = "Topics and channels",
	[GROUP_BROKER] = "Broker and workers",
	[GROUP_SHEAF] = "This program",
};

const struct command *const *commands_all(void)
{
	return all;
}

const char *commands_group(enum command_group g)
{
	must(g < GROUPS);
	return groups[g];
}

const struct command *commands_find(const char *name)
{
	struct suggest s;

	for (const struct command *const *k = all; *k; k++)
		if (strcmp((*k)->name, name) == 0)
			return *k;
	suggest_init(&s, name);
	for (const struct command *const *k = all; *k; k++)
		suggest_offer(&s, (*k)->name);
	if (suggest_best(&s))
		cli_say("unknown command '%s': did you mean '%s'?", name, suggest_best(&s));
	else
		cli_say("unknown command '%s': 'sheaf help' lists them", name);
	return NULL;
}
