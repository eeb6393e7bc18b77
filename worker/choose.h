/* Which handler the options of sheaf-worker ask for, and how it runs. */
#ifndef SHEAF_WORKER_CHOOSE_H
#define SHEAF_WORKER_CHOOSE_H

#include "base/options.h"
#include "worker/handler.h"
#include "worker/pipe.h"
#include "worker/plugin.h"
#include "worker/scratch.h"

struct choice {
	struct handler handler;
	struct exec_config exec; /* of exec and --pipe */
	bool processes;          /* it runs some */
	bool pipe;
	struct pipes *pipes;   /* --pipe; owned */
	struct plugin *plugin; /* --plugin; owned */
	struct native native;
	char scratch[SCRATCH_PATH]; /* --dir tmp: where the directories are; "" = not */
};

/* Reads the options; -1 with a sentence in err. choice_end in any case. */
MUST_CHECK int choice_read(struct choice *c, const struct options *o, char err[OPTIONS_ERR]);
/* Makes what it needs before the first thread: directories, the guardian, the plugin's state. */
MUST_CHECK int choice_begin(struct choice *c, uint32_t slots, uint64_t kill_ms, char err[OPTIONS_ERR]);
/* No handler runs any more. */
void choice_end(struct choice *c);

#endif
