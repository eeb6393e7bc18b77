/* `sheaf queue NAME set KEY=VALUE…`, and the settings as `sheaf queue NAME` shows them. */
#ifndef SHEAF_CLI_QUEUE_SET_H
#define SHEAF_CLI_QUEUE_SET_H

#include "client/cli/common.h"
#include "client/cli/settings.h"
#include "client/cli/show.h"

/* What is set on a queue, copied. */
struct queue_set {
	uint32_t n;
	struct {
		char name[LIMIT_NAME + 1];
		uint64_t value;
	} v[LIMIT_SETTINGS];
};

/* Asks the broker. */
MUST_CHECK enum sheaf_error queue_set_get(struct cli *c, const char *queue, struct queue_set *set);
/* A line for each. */
void queue_set_show(struct out *o, const struct queue_set *set);
/* An object: counts are numbers, the others texts as `set` takes them. */
json_t *queue_set_json(const struct queue_set *set);

/* The command, its arguments from `set` on. */
int queue_set_run(struct cli *c);

#endif
