/* What every worker is told, whoever tells it: its queues and its name. */
#ifndef SHEAF_WORKER_SETUP_H
#define SHEAF_WORKER_SETUP_H

#include "base/must.h"
#include "base/span.h"
#include "proto/limits.h"

enum { SETUP_ERR = 512 };

struct setup {
	struct span queues[LIMIT_WORKER_QUEUES]; /* borrowed from the text */
	uint32_t n_queues;
	char name[LIMIT_NAME + 1];
};

/* Names with commas between them. -1 with a sentence in err. */
MUST_CHECK int setup_queues(struct setup *s, const char *text, char err[SETUP_ERR]);

/* `name`, or HOST-PID if that is NULL. -1 with a sentence in err, which begins with `what`. */
MUST_CHECK int setup_name(struct setup *s, const char *name, const char *what, char err[SETUP_ERR]);

#endif
